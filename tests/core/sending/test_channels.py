"""Channels: one row here for each entry, with all that a channel must have."""

from typing import Any, NamedTuple

import pytest

from postroad.consent.rule import Topic, consent_key, find_last_obstacle
from postroad.contacts.contact import Attribute, Consent, Contact
from postroad.contacts.devices import DEVICE
from postroad.contacts.identities import KINDS
from postroad.content.links import Signer
from postroad.content.rendering import compile_message_template
from postroad.envelopes import compose
from postroad.events import Event
from postroad.fold import fold
from postroad.journeys import parse_journey
from postroad.policy import Policy
from postroad.sending.channels import ADDRESSED, ANSWERED, CHANNELS, CONTACT, USUAL, address_kind, full_address
from postroad.sending.messages import Message
from tests.books import FOOTER, Shelf


class Row(NamedTuple):
    """A template's parts, the contact's address as refusals know it, and where its message goes."""

    parts: dict[str, Any]
    full: str
    goes_to: str


MAIL = {"subject": "Hello", "html": "<p>Hello</p>" + FOOTER}
HOOK = "https://hooks.example.com/crm"
ROWS = {
    "email": Row(MAIL, "email:ana@example.com", "ana@example.com"),
    "sms": Row({"text": "Hello"}, "phone:+351912345678", "+351912345678"),
    "push": Row({"title": "Hello", "text": "Hello"}, "push_device:ios:8f3a", "8f3a"),
    "web": Row({"text": "Hello"}, "contact:c", "c"),
    "custom": Row({"to": "whatsapp"}, "contact:c", "postroad-channel-whatsapp"),
    "webhook": Row({"to": "crm"}, "contact:c", HOOK),
}
POLICY = Policy(
    postal_address="1 High Street",
    sender="Tide <hello@tide.example>",
    webhooks={"crm": HOOK},
    functions={"whatsapp": "postroad-channel-whatsapp"},
    apps={"ios": "arn:aws:sns:eu-west-1:123456789012:app/APNS/tide"},
)
PHONE = {DEVICE: Attribute({"type": "ios", "token": "8f3a"}, 1.0, True)}


def test_every_channel_has_a_row():
    assert set(ROWS) == set(CHANNELS)
    assert USUAL in CHANNELS


@pytest.mark.parametrize("key", CHANNELS)
def test_a_channel_has_an_address_a_template_a_step_and_an_envelope(key: str):
    row, channel = ROWS[key], CHANNELS[key]
    kind, _, address = row.full.partition(":")
    assert address_kind(key) == channel.address_kind == kind
    assert kind in (*KINDS, DEVICE, CONTACT)
    assert full_address(key, address) == row.full
    assert channel.description
    assert {part.key for part in channel.parts if part.required} <= set(row.parts)
    template = compile_message_template({"kind": "template", "id": "t", "channel": key, "topic": "news", **row.parts})
    steps = [{"id": "hello", "send": {"template": "t", "channel": key}}]
    journey: Any = parse_journey({"kind": "journey", "id": "j", "trigger": {"event": "X"}, "steps": steps})
    assert journey.steps["hello"].body.channel == key
    message = Message("e.hello", "c", "journey/j@1", "hello", "e", key, "news", "t", 1, "k", 1.0)
    ana = Contact("c", identities={row.full: 1.0} if kind in KINDS else {}, attributes=PHONE)
    assert ana.find_address(key) == address
    signer = Signer({"1": b"k" * 32}, "1")
    made = compose(message, template, ana, address, {}, POLICY, signer, "https://x.example", 1.8e9)
    assert (made.message_id, made.to) == ("e.hello", row.goes_to)
    assert type(made).__module__ == f"postroad.envelopes.{key}"


def test_what_needs_no_address_of_a_person_takes_the_place_of_no_other_channel():
    assert set(ADDRESSED) == {key for key in CHANNELS if address_kind(key) in (*KINDS, DEVICE)}
    assert USUAL in ADDRESSED


def test_answers_of_its_own_has_a_channel_whose_address_people_give_us():
    assert set(ANSWERED) == {key for key in CHANNELS if address_kind(key) in KINDS}
    assert {consent_key(key, "news") for key in CHANNELS if key not in ANSWERED} == {consent_key(USUAL, "news")}


def test_only_what_is_known_again_by_its_id_may_be_sent_again():
    assert {key for key, channel in CHANNELS.items() if channel.tries_for} == {"webhook", "custom", "web"}


def test_c27_one_journey_reaches_a_person_by_every_channel_that_there_is():
    account = {
        "kind": "policy",
        "id": "policy",
        "postal_address": "1 High Street",
        "topics": [{"id": "news", "name": "News", "opt_in": False}],
        "webhooks": [{"id": "crm", "url": HOOK}],
        "functions": [{"id": "whatsapp", "function": "postroad-channel-whatsapp"}],
        "apps": [{"id": "ios", "application": POLICY.apps["ios"]}],
    }
    templates = [
        {"kind": "template", "id": key, "channel": key, "topic": "news", **row.parts} for key, row in ROWS.items()
    ]
    steps = [{"id": key, "send": {"template": key, "channel": key}} for key in ROWS]
    journey = {"kind": "journey", "id": "j", "trigger": {"event": "X"}, "steps": steps}
    book = Shelf(account, *templates, journey).book
    addresses = dict.fromkeys((row.full for row in ROWS.values() if row.full.partition(":")[0] in KINDS), 1.0)
    ana = Contact("c", version=1, revision=book.revision, identities=addresses, attributes=PHONE)
    noon = 1.8e9 + 4 * 3_600
    outcome = fold(ana, Event("e", "X", noon, noon, contact_id="c", trusted=True), book, noon)
    assert {message.step: (message.channel, message.state) for message in outcome.messages} == {
        key: (key, "queued") for key in CHANNELS
    }


def test_c27_a_refusal_by_text_leaves_the_other_channels_and_one_by_mail_leaves_texts():
    topic = Topic("news", "News", opt_in=False)
    by_text = Contact("c", consents={consent_key("sms", "news"): Consent(False, 1.0)})
    by_mail = Contact("c", consents={consent_key("email", "news"): Consent(False, 1.0)})
    refused = {
        name: {key for key in CHANNELS if find_last_obstacle(topic, contact, key, "address", None, {}, 2.0)}
        for name, contact in (("text", by_text), ("mail", by_mail))
    }
    assert refused == {"text": {"sms"}, "mail": set(CHANNELS) - {"sms"}}
