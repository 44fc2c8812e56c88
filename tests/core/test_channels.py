"""Channels: one row here for each entry, with all that a channel must have."""

from typing import Any

import pytest

from postroad.channels import CHANNELS, USUAL, address_kind, full_address
from postroad.contacts import Contact
from postroad.envelopes import compose
from postroad.identities import KINDS
from postroad.journeys import parse_journey
from postroad.links import Signer
from postroad.messages import Message
from postroad.policy import Policy
from postroad.rendering import compile_message_template

MAIL = {"subject": "Hello", "html": "<p>Hello</p>"}
ROWS = {
    "email": (MAIL, "ana@example.com", "email:ana@example.com"),
    "sms": ({"text": "Hello"}, "+351912345678", "phone:+351912345678"),
}


def test_every_channel_has_a_row():
    assert set(ROWS) == set(CHANNELS)
    assert USUAL in CHANNELS


@pytest.mark.parametrize("key", CHANNELS)
def test_a_channel_has_an_address_a_template_a_step_and_an_envelope(key: str):
    parts, address, full = ROWS[key]
    channel = CHANNELS[key]
    assert address_kind(key) == channel.address_kind
    assert channel.address_kind in KINDS
    assert full_address(key, address) == full
    assert channel.description
    assert {part.key for part in channel.parts if part.required} <= set(parts)
    template = compile_message_template({"kind": "template", "id": "t", "channel": key, "topic": "news", **parts})
    steps = [{"id": "hello", "send": {"template": "t", "channel": key}}]
    journey: Any = parse_journey({"kind": "journey", "id": "j", "trigger": {"event": "X"}, "steps": steps})
    assert journey.steps["hello"].body.channel == key
    message = Message("e.hello", "c", "journey/j@1", "hello", "e", key, "news", "t", 1, "k", 1.0)
    ana = Contact("c", identities={full: 1.0})
    assert ana.find_address(key) == address
    policy = Policy(sender="Tide <hello@tide.example>")
    signer = Signer({"1": b"k" * 32}, "1")
    made = compose(message, template, ana, address, {}, policy, signer, "https://x.example", 1.8e9)
    assert (made.message_id, made.to) == ("e.hello", address)
    assert type(made).__module__ == f"postroad.envelopes.{key}"
