"""What people answer to a text."""

import json
from dataclasses import replace
from typing import Any

import pytest

from postroad.consent.rule import EVERY_TOPIC
from postroad_aws.ports import Ports, Unclear
from postroad_aws.storage import refusals, requests, tasks
from postroad_aws.usecases.record_reply import ReplyPorts, record_reply
from tests.account import PHONE, Account, Channel


def reply_ports(ports: Ports) -> ReplyPorts:
    return ReplyPorts(ports, requests)


def text(account: Account, body: Any, number: Any = PHONE, notification: str = "n1") -> None:
    said = json.dumps({"originationNumber": number, "messageBody": body})
    record_reply(reply_ports(account.ports), said, notification, account.now())


def answers(account: Account, *bodies: str, channel: Channel | None = None) -> list[str]:
    """What is answered to these texts, each of which is brought twice, the second time half an hour later."""
    channel = channel or Channel()
    ports = reply_ports(account.with_channels(sms=channel))
    for number, body in enumerate(bodies):
        notified = account.now()
        for _ in range(2):
            said = json.dumps({"originationNumber": PHONE, "messageBody": body})
            record_reply(ports, said, f"n{number}", notified)
            account.advance(1_800)
    return [envelope.body for envelope in channel.sent]


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


@pytest.mark.parametrize(("first", "then", "ends"), [("START", "STOP", False), ("STOP", "START", True)])
def test_a_word_that_is_brought_again_does_not_outrank_what_was_said_since(account, first, then, ends):
    brought = json.dumps({"originationNumber": PHONE, "messageBody": first})
    said_at = account.now()
    record_reply(reply_ports(account.ports), brought, "n1", said_at)
    account.advance(30)
    text(account, then, notification="n2")
    account.advance(3_600)
    record_reply(reply_ports(account.ports), brought, "n1", said_at)
    assert granted() is ends
    account.fold_arrived()
    assert account.contact(f"phone:{PHONE}").consents[f"sms:{EVERY_TOPIC}"].granted is ends


def test_a_number_in_another_writing_is_the_same_person(account):
    text(account, "STOP", "00351 912-345-678")
    assert granted() is False


def test_a_refusal_stands_even_when_the_event_cannot_be_queued(account):
    class Full:
        def send_events(self, messages: Any) -> Any:
            return messages

    ports = replace(account.ports, queues=Full())
    with pytest.raises(ConnectionError):
        record_reply(reply_ports(ports), json.dumps({"originationNumber": PHONE, "messageBody": "STOP"}), "n1", 1e9)
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
    record_reply(reply_ports(account.ports), body, "n1", 1e9)
    assert account.arrived() == []
    assert granted() is None


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("STOP", "Tidewater Coffee: you get no more texts from us. Reply START to get them again."),
        ("please stop texting me", "Tidewater Coffee: you get no more texts from us. Reply START to get them again."),
        ("help?", "Tidewater Coffee: write to hello@tidewater.example for help."),
        ("START", "Tidewater Coffee: you get our texts again."),
    ],
)
def test_c38_stop_help_and_start_are_answered_once_with_the_brand(account, said, answer):
    (found,) = answers(account, said)
    assert found.startswith(answer)


@pytest.mark.parametrize("said", ["Two bags please", "wrong number", "", "👍"])
def test_c38_nothing_else_is_answered(account, said):
    assert answers(account, said) == []


def test_c38_two_machines_that_answer_each_other_come_to_an_end(account):
    assert len(answers(account, *["HELP"] * 10)) == 1


def test_c38_an_answer_that_may_have_left_is_not_given_again(account):
    assert len(answers(account, "HELP", channel=Channel(Unclear("no answer"), Unclear("no answer")))) == 1


def test_c38_an_answer_does_not_wait_for_the_refusal_to_be_folded(account):
    """It is no message of a topic: nothing that the person has refused holds it back."""
    assert len(answers(account, "STOP", "HELP")) == 2
    assert granted() is False


def test_c38_an_unclear_reply_becomes_a_task_for_a_person(account):
    text(account, "wrong number, who is this?")
    account.fold(*account.arrived())
    contact = account.contact(f"phone:{PHONE}")
    (task,) = tasks.list_by_contact([contact.contact_id]).items
    assert (task.kind, task.note, task.state) == ("errand", "wrong number, who is this?", "open")
    assert "no more" in task.title
    assert granted() is None


def test_c38_a_reply_that_is_plain_asks_nobody(account):
    text(account, "Two bags please")
    account.fold(*account.arrived())
    assert tasks.list_by_contact([account.contact(f"phone:{PHONE}").contact_id]).items == []


def test_c38_every_refusal_by_text_leaves_a_proof_with_the_notification(account):
    text(account, "Please stop texting me", notification="n-77")
    (proof,) = refusals.list_proof(f"phone:{PHONE}", EVERY_TOPIC)
    assert proof.granted is False
    assert proof.evidence == {"said": "stop", "notification": "n-77"}
