"""Channels: the ways in which a message travels, in one table.

A channel has a module of its name in `postroad.envelopes`, which wraps what a template made, and one in the shell,
which sends it. Everything else about it is its entry here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from postroad.contacts.devices import DEVICE
from postroad.contacts.identities import ADDRESSES
from postroad.instants import DAY

# The kind of address of a channel that needs none of the person's: the contact's own id.
CONTACT = "contact"

# What a part of a template is: plain text, HTML, or a JSON document whose texts hold placeholders.
TEXT, HTML, JSON = "text", "html", "json"


@dataclass(frozen=True, slots=True)
class Part:
    """One member of a template's document that holds placeholders. `usual` stands in the place of one left out."""

    key: str
    form: str = TEXT
    required: bool = True
    usual: object = None


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to reach somebody: the kind of identity that it writes to, and what a template for it is made of.

    `to` is the list of the policy in which a template of it names where it goes; what goes to a machine needs no topic.
    `via` is the list of the policy without which nothing goes by it.
    For `tries_for` seconds a message is sent again, with growing pauses, although it may have arrived: whoever gets it
    knows it again by its id. Zero: what may have left is never sent again.
    """

    key: str
    description: str
    address_kind: str
    parts: tuple[Part, ...]
    to: str = ""
    tries_for: float = 0.0
    via: str = ""

    @property
    def needs_topic(self) -> bool:
        """Whether nothing may be sent by it that nobody could have consented to."""
        return not self.to


# What a machine is told unless its template has words of its own.
_HAPPENED = {
    "type": "{{ message.template }}",
    "timestamp": "{{ message.created_at }}",
    "data": {"contact": "{{ contact }}", "event": "{{ event }}", "message": "{{ message }}"},
}

CHANNELS: Mapping[str, Channel] = {
    channel.key: channel
    for channel in (
        Channel(
            "email",
            "a mail through SES",
            "email",
            (
                Part("subject"),
                Part("html", HTML),
                Part("text", required=False),
                Part("preheader", required=False),
            ),
        ),
        Channel("sms", "a text message through SNS", "phone", (Part("text"),)),
        Channel(
            "push",
            "a notification on a phone, through SNS",
            DEVICE,
            (
                Part("title"),
                Part("text"),
                Part("url", required=False),
                Part("image", required=False),
                Part("data", JSON, required=False),
            ),
            via="apps",
        ),
        Channel(
            "webhook",
            "a signed JSON document, posted to an address of the policy",
            CONTACT,
            (Part("body", JSON, required=False, usual=_HAPPENED),),
            to="webhooks",
            tries_for=DAY,
        ),
        Channel(
            "custom",
            "a call of a Lambda function of yours",
            CONTACT,
            (Part("body", JSON, required=False, usual=_HAPPENED),),
            to="functions",
            tries_for=DAY,
        ),
        Channel(
            "web",
            "a message that waits for the person on your site",
            CONTACT,
            (
                Part("title", required=False),
                Part("text"),
                Part("url", required=False),
                Part("button", required=False),
            ),
            tries_for=DAY,
        ),
    )
}

# The channel of what does not name one.
USUAL = "email"

# The channels that reach people at an address of theirs, and so can take each other's place.
ADDRESSED = tuple(key for key, channel in CHANNELS.items() if channel.address_kind != CONTACT)

# Those of them whose address people give us themselves: of these each has answers to topics of its own.
ANSWERED = tuple(key for key in ADDRESSED if CHANNELS[key].address_kind in ADDRESSES)


def address_kind(channel: str) -> str:
    """The kind of identity that a channel writes to."""
    return CHANNELS[channel].address_kind


def full_address(channel: str, address: str) -> str:
    """An address as the refusals know it: "email:ana@example.com"."""
    return f"{address_kind(channel)}:{address}"
