"""Mails: MIME with our links, our pixel, and the headers by which a mail program unsubscribes."""

import re
from dataclasses import dataclass

from markupsafe import escape

from postroad.contacts.fetches import TRAP
from postroad.content.links import Click, Open, add_pixel, rewrite_links
from postroad.content.mime import Mailbox, MimeError, build_mime, parse_mailbox, unsubscribe_headers
from postroad.envelopes.draft import Draft

_WORD = re.compile(r"\w+")


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

    def tracked(target: str, number: int) -> str:
        return draft.base_url + draft.signer.path(Click(message.message_id, number, target, message.contact_id))

    _check_law(draft)
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


def _check_law(draft: Draft) -> None:
    """What the law asks for is in this very mail, whichever of its choices this person sees. Raises MimeError."""
    if draft.policy.find_topic(draft.message.topic).transactional:
        return
    address, html = draft.policy.postal_address, draft.rendered.html
    if not address:
        raise MimeError("it is marketing, and the policy has no postal_address, for which the law asks")
    if escape(address) not in html and not _has_words(html, address):
        raise MimeError("it is marketing, and as this contact would get it the sender's postal address is not in it")
    if draft.unsubscribe_url not in html:
        raise MimeError("it is marketing, and as this contact would get it there is no link to unsubscribe by")


def _has_words(html: str, address: str) -> bool:
    """Whether an address is there in another dress: in capitals, or with other signs between its words."""
    folded = html.casefold()
    return all(word in folded for word in _WORD.findall(address.casefold()))
