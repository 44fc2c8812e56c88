"""Composing what a channel sends: a message, rendered for its contact, in the envelope of its channel.

Each channel has a module here, with `wrap`, and with `find_mistakes` where not everything that a template makes can be
wrapped.
"""

from collections.abc import Callable, Container, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from postroad.consent import confirmation
from postroad.contacts.contact import Contact
from postroad.content.coupons import check_codes, show_codes
from postroad.content.links import Confirm, Preferences, Signer, Unsubscribe
from postroad.envelopes.draft import Draft
from postroad.instants import format_instant
from postroad.keyed import find_item
from postroad.policy import Policy
from postroad.sending.channels import CHANNELS, CONTACT, address_kind
from postroad.sending.messages import Message

if TYPE_CHECKING:
    from postroad.content.rendering import CompiledMessage
    from postroad.envelopes.custom import Invocation
    from postroad.envelopes.email import Email
    from postroad.envelopes.push import Push
    from postroad.envelopes.sms import Text
    from postroad.envelopes.web import WebMessage
    from postroad.envelopes.webhook import Call

Envelope: TypeAlias = "Email | Text | Push | Call | Invocation | WebMessage"


@cache
def _wrapper(channel: str) -> Callable[[Draft], Envelope]:
    """The `wrap` of a channel: most processes send by one channel, and load the others at need."""
    wrap: Callable[[Draft], Envelope] = _module(channel).wrap
    return wrap


def _module(channel: str) -> Any:
    return import_module(f"postroad.envelopes.{CHANNELS[channel].key}")


def find_mistakes(channel: str, parts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """(part, sentence) for each part of a message, as everybody gets it, with which it could never be sent."""
    find = getattr(_module(channel), "find_mistakes", None)
    return tuple(find(parts)) if find else ()


# What a machine may know a contact by, by kind of identity.
_NAMES = {"user": "user_id", "email": "email", "phone": "phone", "anon": "anonymous_id"}


def values_of(
    contact: Contact,
    address: str,
    message: Message,
    properties: Mapping[str, Any],
    policy: Policy,
    unsubscribe_url: str,
    preferences_url: str,
    signer: Signer | None = None,
    asked: Mapping[str, Any] = {},
    subjects: Container[str] = ("coupon",),
) -> dict[str, Any]:
    """What a template may speak of: `contact`, the `event` that started its journey, its `item`, `message`, `account`,
    `coupon`, `unsubscribe_url`, `preferences_url`, and what it has `asked` for beside these. Without a signer the codes
    of coupons are samples. Codes are made when they are among the `subjects` that it does speak of."""
    facts = {name: word.value for name, word in contact.attributes.items()}
    kind = address_kind(message.channel)
    return {
        "contact": {**facts, **(_names_of(contact) if kind == CONTACT else {kind: address})},
        "event": dict(properties),
        "item": find_item(dict(properties), contact.key_of(message.enrollment_id)),
        "message": {
            "id": message.message_id,
            "template": message.template,
            "origin": message.origin,
            "step": message.step,
            "created_at": format_instant(message.created_at),
        },
        "account": {"name": policy.name, "postal_address": policy.postal_address},
        "coupon": show_codes(policy.coupons, contact.contact_id, message, signer) if "coupon" in subjects else {},
        "unsubscribe_url": unsubscribe_url,
        "preferences_url": preferences_url,
        **asked,
    }


def _names_of(contact: Contact) -> dict[str, str]:
    """The contact's id, and of each kind of identity the latest."""
    found = {name: contact.identity_values(kind)[:1] for kind, name in _NAMES.items()}
    return {"contact_id": contact.contact_id, **{name: values[0] for name, values in found.items() if values}}


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
    asked: Mapping[str, Any] = {},
) -> Envelope:
    """Render a message and wrap it; `asked` is what its template asks for beside the rest.

    Raises a PostroadError (RenderError, MimeError, TextTooLongError) when that is impossible for this contact.
    """
    asks = confirmation.topics_of(message.step) if message.template == confirmation.TEMPLATE else []
    link = Unsubscribe(message.contact_id, message.channel, asks[0] if asks else message.topic, message.message_id)
    unsubscribe_url = base_url + signer.path(link)
    preferences = Preferences(message.contact_id, message.channel, message.message_id)
    preferences_url = base_url + signer.path(preferences)
    values = values_of(
        contact, address, message, properties, policy, unsubscribe_url, preferences_url, signer, asked,
        template.subjects,
    )  # fmt: skip
    if "coupon" in template.subjects:
        check_codes(values.get("coupon", {}), template.variables, template.unguarded, now)
    own_urls: tuple[str, ...] = (unsubscribe_url, preferences_url)
    if asks:
        asked_at = int((message.expires_at or now) - confirmation.GOOD_FOR)
        confirm = Confirm(message.contact_id, message.step, message.message_id, asked_at)
        confirm_url = base_url + signer.path(confirm)
        own_urls = (*own_urls, confirm_url)
        values = confirmation.values_of(
            [(topic, policy.find_topic(topic).name) for topic in asks],
            values["account"],
            confirm_url=confirm_url,
            unsubscribe_url=unsubscribe_url,
            preferences_url=preferences_url,
        )
    rendered = template.render(values)
    draft = Draft(message, template, rendered, address, policy, signer, base_url, unsubscribe_url, now, own_urls)
    return _wrapper(message.channel)(draft)
