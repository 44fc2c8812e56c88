"""What a message says, rendered anew for its contact as they are now: for eyes, not for a channel."""

from typing import NamedTuple

from postroad.contacts.contact import Contact
from postroad.envelopes import values_of
from postroad.errors import PostroadError
from postroad.sending.messages import Message
from postroad_aws.ports import Books, Catalogue, Contacts, Templates, Timeline
from postroad_aws.usecases.ask_content import ask_content
from postroad_aws.usecases.find_contact import find_contact


class Preview(NamedTuple):
    """`html` is empty for what is no mail. `problem` says why there is nothing to see, `reasons` why the contact sees
    what it does of the template's choices."""

    subject: str = ""
    html: str = ""
    text: str = ""
    problem: str = ""
    reasons: tuple[str, ...] = ()


def preview_message(
    contacts: Contacts,
    timeline: Timeline,
    templates: Templates,
    books: Books,
    message: Message,
    catalogue: Catalogue | None = None,
) -> Preview:
    """The message without our links and pixel, so that looking at it counts as nothing."""
    contact = find_contact(contacts, message.contact_id)
    if contact is None:
        return Preview(problem="The contact does not exist any more.")
    try:
        template = templates.get_template(message.template, message.template_version)
        template = template.in_language_of(contact.find_value)
        asked = ask_content(books, template, contact, message.created_at, catalogue)
        values = values_of(
            contact,
            message.address or contact.find_address(message.channel) or "",
            message,
            _properties(timeline, message, contact),
            books.current().policy,
            "about:blank",
            "about:blank",
            asked=asked.values,
        )
        rendered = template.render(values)
    except PostroadError as error:
        return Preview(problem=f"It cannot be shown: {error}")
    # What a mail calls its subject is a title on a site, and a machine gets a document.
    subject, text = rendered.subject or rendered.parts.get("title", ""), rendered.text or rendered.parts.get("body", "")
    return Preview(subject, rendered.html, text, reasons=asked.reasons)


def _properties(timeline: Timeline, message: Message, contact: Contact) -> dict[str, object]:
    """Those of the event that started the journey."""
    if not message.trigger_key:
        return {}
    row = timeline.find_row((contact.contact_id, *contact.merged_from), message.trigger_key)
    return dict(row.event.properties) if row else {}
