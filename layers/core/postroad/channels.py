"""Channels: the ways in which a message travels, in one table.

A channel has a module of its name in `postroad.envelopes`, which wraps what a template made, and one in the shell,
which sends it. Everything else about it is its entry here.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One member of a template's document that holds placeholders."""

    key: str
    html: bool = False
    required: bool = True


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to reach somebody: the kind of identity that it writes to, and what a template for it is made of."""

    key: str
    description: str
    address_kind: str
    parts: tuple[Part, ...]


CHANNELS: Mapping[str, Channel] = {
    channel.key: channel
    for channel in (
        Channel(
            "email",
            "a mail through SES",
            "email",
            (
                Part("subject"),
                Part("html", html=True),
                Part("text", required=False),
                Part("preheader", required=False),
            ),
        ),
        Channel("sms", "a text message through SNS", "phone", (Part("text"),)),
    )
}

# The channel of what does not name one.
USUAL = "email"


def address_kind(channel: str) -> str:
    """The kind of identity that a channel writes to."""
    return CHANNELS[channel].address_kind


def full_address(channel: str, address: str) -> str:
    """An address as the refusals know it: "email:ana@example.com"."""
    return f"{address_kind(channel)}:{address}"
