"""Composing what a channel sends: a message, rendered for its contact, in the envelope of its channel.

Each channel has a module here, with `wrap`.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from postroad.channels import CHANNELS, address_kind
from postroad.contacts import Contact
from postroad.envelopes.draft import Draft
from postroad.envelopes.email import Email
from postroad.envelopes.sms import Text
from postroad.links import Signer, Unsubscribe
from postroad.messages import Message
from postroad.policy import Policy

if TYPE_CHECKING:
    from postroad.rendering import CompiledMessage

__all__ = ["Email", "Envelope", "Text", "compose", "values_of"]

Envelope = Email | Text

_WRAP = {key: import_module(f"postroad.envelopes.{key}").wrap for key in CHANNELS}


def values_of(
    contact: Contact, address: str, channel: str, properties: Mapping[str, Any], policy: Policy, unsubscribe_url: str
) -> dict[str, Any]:
    """What a template may speak of: `contact`, the `event` that started its journey, `account`, `unsubscribe_url`."""
    facts = {name: word.value for name, word in contact.attributes.items()}
    return {
        "contact": {**facts, address_kind(channel): address},
        "event": dict(properties),
        "account": {"name": policy.name, "postal_address": policy.postal_address},
        "unsubscribe_url": unsubscribe_url,
    }


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
) -> Envelope:
    """Render a message and wrap it. Raises a PostroadError (RenderError, MimeError, TextTooLongError) when that is
    impossible for this contact."""
    link = Unsubscribe(message.contact_id, message.channel, message.topic, message.message_id)
    unsubscribe_url = base_url + signer.path(link)
    rendered = template.render(values_of(contact, address, message.channel, properties, policy, unsubscribe_url))
    draft = Draft(message, rendered, address, template.from_, policy, signer, base_url, unsubscribe_url, now)
    envelope: Envelope = _WRAP[message.channel](draft)
    return envelope
