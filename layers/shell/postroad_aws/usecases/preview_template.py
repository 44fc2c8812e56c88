"""What a template says for a contact, and what it reads that is not known of them: for eyes, not for a channel."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad.contacts.contact import Contact
from postroad.envelopes import values_of
from postroad.errors import PostroadError
from postroad.sending.channels import CONTACT, address_kind
from postroad.sending.messages import Message
from postroad_aws.ports import Books, Catalogue
from postroad_aws.usecases.ask_content import ask_content
from postroad_aws.usecases.preview_message import Preview

if TYPE_CHECKING:
    from postroad.content.rendering import CompiledMessage

# Where links lead that would be somebody's own.
NOWHERE = "about:blank"
# Somebody of whom nothing is known: every fallback is seen.
NOBODY = Contact("nobody")


class Look(NamedTuple):
    """`missing` are the values that the template reads and nobody knows of the contact: their fallbacks stand there."""

    preview: Preview
    missing: tuple[str, ...] = ()


def preview_template(
    books: Books,
    template: "CompiledMessage",
    contact: Contact,
    now: float,
    properties: Mapping[str, Any] = {},
    leave_url: str = NOWHERE,
    catalogue: Catalogue | None = None,
) -> Look:
    """The template for a contact as they are now, without our links and pixel: looking at it counts as nothing.

    `properties` are those of the event that would start its journey, `leave_url` is where the links lead by which
    somebody unsubscribes or chooses what to get. Without a catalogue no products are shown.
    """
    kind = address_kind(template.channel)
    message = Message(
        message_id=f"test~{template.id}",
        contact_id=contact.contact_id,
        origin="test",
        step="",
        enrollment_id="",
        channel=template.channel,
        topic=template.topic,
        template=template.id,
        template_version=0,
        trigger_key="",
        created_at=now,
    )
    address = contact.contact_id if kind == CONTACT else contact.find_address(template.channel) or ""
    try:
        template = template.in_language_of(contact.find_value)
        asked = ask_content(books, template, contact, now, catalogue)
        policy = books.current().policy
        values = values_of(
            contact,
            address,
            message,
            properties,
            policy,
            unsubscribe_url=leave_url,
            preferences_url=leave_url,
            asked=asked.values,
        )
        rendered = template.render(values)
    except PostroadError as error:
        return Look(Preview(problem=f"It cannot be shown: {error}"))
    subject, text = rendered.subject or rendered.parts.get("title", ""), rendered.text or rendered.parts.get("body", "")
    missing = tuple(name for name in sorted(template.variables) if _find(values, name) in (None, ""))
    return Look(Preview(subject, rendered.html, text, reasons=asked.reasons), missing)


def _find(values: Any, name: str) -> Any:
    for part in name.split("."):
        if not isinstance(values, Mapping):
            # An item of a list, or what a text can do: known as far as anybody can tell.
            return values
        values = values.get(part)
    return values
