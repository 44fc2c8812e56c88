"""What people answer to a text."""

import json
from dataclasses import replace
from typing import Any

import pytest

from postroad.consent import EVERY_TOPIC
from postroad_aws.storage import refusals
from postroad_aws.usecases.record_reply import record_reply
from tests.account import PHONE, Account


def text(account: Account, body: Any, number: Any = PHONE, notification: str = "n1") -> None:
    record_reply(account.ports, json.dumps({"originationNumber": number, "messageBody": body}), notification, 1e9)


def granted() -> bool | None:
    consent = refusals.find_consent(f"phone:{PHONE}", EVERY_TOPIC)
    return None if consent is None else consent.granted


@pytest.mark.parametrize(
    ("said", "answer", "event"),
    [
        ("STOP", False, "Unsubscribed"),
        ("Stop!", False, "Unsubscribed"),
        ("please stop texting me", False, "Unsubscribed"),
        ("START", True, "Subscribed"),
        ("help", None, "SMS Replied"),
        ("yes please, two bags", None, "SMS Replied"),
        ("", None, "SMS Replied"),
        ("<b>☕</b>", None, "SMS Replied"),
        (None, None, "SMS Replied"),
        (5, None, "SMS Replied"),
    ],
)
def test_a_reply_is_understood_and_kept(account, said, answer, event):
    text(account, said)
    assert granted() is answer
    (found,) = account.fold_arrived()
    assert found.name == event
    assert account.contact(f"phone:{PHONE}").find_address("sms") == PHONE


def test_a_number_in_another_writing_is_the_same_person(account):
    text(account, "STOP", "00351 912-345-678")
    assert granted() is False


def test_a_refusal_stands_even_when_the_event_cannot_be_queued(account):
    class Full:
        def send_events(self, messages: Any) -> Any:
            return messages

    ports = replace(account.ports, queues=Full())
    with pytest.raises(ConnectionError):
        record_reply(ports, json.dumps({"originationNumber": PHONE, "messageBody": "STOP"}), "n1", 1e9)
    assert granted() is False


def test_the_same_notification_twice_is_one_event(account):
    text(account, "Two bags")
    account.advance(400)
    text(account, "Two bags")
    account.fold(*account.arrived())
    assert account.contact(f"phone:{PHONE}").events_folded == 1


def test_a_long_text_is_cut(account):
    text(account, "x" * 50_000)
    (event,) = account.arrived()
    assert len(event.properties["text"]) == 1_000


@pytest.mark.parametrize(
    "body",
    ["", "{", "null", "[]", '"x"', "5", "{}", '{"originationNumber": "+351912345678"}', '{"messageBody": "STOP"}',
     '{"originationNumber": "SHOP", "messageBody": "STOP"}', '{"originationNumber": [], "messageBody": "STOP"}',
     "[" * 100_000],
)  # fmt: skip
def test_what_cannot_be_read_is_nothing(account, body):
    record_reply(account.ports, body, "n1", 1e9)
    assert account.arrived() == []
    assert granted() is None
