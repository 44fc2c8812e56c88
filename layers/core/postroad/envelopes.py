"""Composing what a channel sends: a message, rendered for its contact, with our links and headers in place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unicodedata import category

from postroad.contacts import ADDRESS_KINDS, Contact
from postroad.errors import PostroadError
from postroad.links import Click, Open, Signer, Unsubscribe, add_pixel, rewrite_links
from postroad.messages import Message
from postroad.mime import Mailbox, build_mime, parse_mailbox, unsubscribe_headers
from postroad.policy import Policy
from postroad.sms import segments

if TYPE_CHECKING:
    from postroad.rendering import CompiledMessage


@dataclass(frozen=True, slots=True)
class Email:
    """A mail, ready for SES: `raw` is all of it, headers included."""

    message_id: str
    to: str
    from_: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Text:
    """A text message, ready for SNS. `promotional` texts are the cheaper, slower kind."""

    message_id: str
    to: str
    body: str
    promotional: bool = True
    sender_id: str | None = None


# SNS takes 1,600 characters; each part is billed.
MAX_SEGMENTS = 10


class TextTooLongError(PostroadError):
    """A text would take too many parts."""


def values_of(
    contact: Contact, address: str, channel: str, properties: Mapping[str, Any], policy: Policy, unsubscribe_url: str
) -> dict[str, Any]:
    """What a template may speak of: `contact`, the `event` that started its journey, `account`, `unsubscribe_url`."""
    facts = {name: word.value for name, word in contact.attributes.items()}
    return {
        "contact": {**facts, ADDRESS_KINDS.get(channel, channel): address},
        "event": dict(properties),
        "account": {"name": policy.name, "postal_address": policy.postal_address},
        "unsubscribe_url": unsubscribe_url,
    }


def _sms_body(text: str) -> str:
    """What goes out as a text: no control characters, and no more parts than anybody means to pay for."""
    body = "".join(sign for sign in text if sign == "\n" or category(sign) not in ("Cc", "Cf", "Cs"))
    count = segments(body).count
    if count > MAX_SEGMENTS:
        raise TextTooLongError(f"the text takes {count} parts, more than {MAX_SEGMENTS}")
    return body


def compose(
    message: Message,
    template: "CompiledMessage",
    contact: Contact,
    address: str,
    properties: Mapping[str, Any],
    policy: Policy,
    signer: Signer,
    base_url: str,
    now: float,
) -> Email | Text:
    """Render a message and wrap it. Raises a PostroadError (RenderError, MimeError, TextTooLongError) when that is
    impossible for this contact."""
    link = Unsubscribe(message.contact_id, message.channel, message.topic, message.message_id)
    unsubscribe_url = base_url + signer.path(link)
    values = values_of(contact, address, message.channel, properties, policy, unsubscribe_url)
    rendered = template.render(values)
    if message.channel == "sms":
        return Text(message.message_id, address, _sms_body(rendered.text), sender_id=policy.sms_sender or None)

    def tracked(target: str, number: int) -> str:
        return base_url + signer.path(Click(message.message_id, number, target, message.contact_id))

    html = rewrite_links(rendered.html, tracked, keep=(unsubscribe_url,))
    html = add_pixel(html, base_url + signer.path(Open(message.message_id, message.contact_id)))
    sender = template.from_ or policy.sender
    raw = build_mime(
        from_=parse_mailbox(sender),
        to=Mailbox(address),
        subject=rendered.subject,
        html=html,
        text=rendered.text,
        headers=unsubscribe_headers(unsubscribe_url),
        date=now,
        boundary=message.message_id.replace("~", "-")[:60],
    )
    return Email(message.message_id, address, sender, raw)
