"""Mails: MIME with our links, our pixel, and the headers by which a mail program unsubscribes."""

from dataclasses import dataclass

from postroad.contacts.fetches import TRAP
from postroad.content.links import Click, Open, add_pixel, rewrite_links
from postroad.content.mime import Mailbox, MimeError, build_mime, parse_mailbox, unsubscribe_headers
from postroad.envelopes.draft import Draft


@dataclass(frozen=True, slots=True)
class Email:
    """A mail, ready for SES: `raw` is all of it, headers included."""

    message_id: str
    to: str
    from_: str
    raw: bytes


def wrap(draft: Draft) -> Email:
    """Put a rendered mail into its envelope. Raises MimeError."""
    message, rendered = draft.message, draft.rendered
    if not draft.policy.postal_address and not draft.policy.find_topic(message.topic).transactional:
        raise MimeError("it is marketing, and the policy has no postal_address, for which the law asks")

    def tracked(target: str, number: int) -> str:
        return draft.base_url + draft.signer.path(Click(message.message_id, number, target, message.contact_id))

    html = rewrite_links(rendered.html, tracked, keep=draft.own_urls)
    pixel = draft.base_url + draft.signer.path(Open(message.message_id, message.contact_id))
    html = add_pixel(html, pixel, tracked(f"{draft.base_url}/", TRAP))
    sender = draft.template.from_ or draft.policy.sender
    raw = build_mime(
        from_=parse_mailbox(sender),
        to=Mailbox(draft.address),
        subject=rendered.subject,
        html=html,
        text=rendered.text,
        headers=unsubscribe_headers(draft.unsubscribe_url),
        date=draft.now,
        boundary=message.message_id.replace("~", "-")[:60],
    )
    return Email(message.message_id, draft.address, sender, raw)
