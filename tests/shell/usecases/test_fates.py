"""What became of a message, as predicates hear it: with what the message is, and on demand what comes to every one."""

from typing import Any

import pytest

from postroad.events import EMAIL_DELIVERED, MESSAGE_SENT
from postroad.sending.feedback import Feedback
from postroad.sending.messages import DELIVERED, SENT
from postroad_aws import books, clock, runs
from postroad_aws.storage import broadcasts, definitions, timeline
from postroad_aws.usecases.publish_definitions import publish_definitions
from postroad_aws.usecases.record_feedback import record_feedback
from postroad_aws.usecases.send_message import send_message
from postroad_aws.usecases.withdraw_definition import withdraw_definition
from tests.account import ANA, Account, Channel

EMAIL = f"email:{ANA}"


def publish(account: Account, **predicate: Any) -> None:
    document = {"kind": "segment", "id": "asked", "name": "Asked", "if": predicate}
    publish_definitions(definitions, runs, clock, {"segment/asked": document})
    books.forget()


def send(account: Account, address: str = ANA) -> str:
    """The welcome mail leaves, and SES says twice that it took it, and that it was delivered."""
    message = account.sign_up(address)
    assert send_message(account.with_channels(email=Channel()), message.message_id) == SENT
    for state in (SENT, DELIVERED, DELIVERED):
        feedback = Feedback(message.message_id, state, account.now(), "ses-1")
        record_feedback(account.ports, feedback)
    return message.message_id


def test_what_comes_to_every_message_is_told_to_nobody_as_long_as_nothing_listens(account: Account) -> None:
    send(account)
    assert account.arrived() == []


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"message": "delivered", "origin": "journey/welcome"}, EMAIL_DELIVERED),
        ({"message": "sent", "template": "welcome", "channel": "email"}, MESSAGE_SENT),
        ({"event": "message sent", "where": {"property": "step", "is": "welcome"}, "exactly": 1}, MESSAGE_SENT),
    ],
)
def test_what_comes_to_every_message_is_heard_once_while_something_listens(
    account: Account, asked: dict[str, Any], name: str
) -> None:
    publish(account, **asked)
    send(account)
    heard = account.fold_arrived()
    assert {event.name for event in heard} == {name}
    assert account.names(EMAIL).count(name) == 1
    assert "asked" in account.contact(EMAIL).segments
    withdraw_definition(definitions, broadcasts, runs, clock, "segment/asked")
    books.forget()
    send(account, "bob@example.com")
    assert account.arrived() == []


def test_that_nobody_could_be_told_does_not_keep_a_message_from_being_sent(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(account, message="sent")
    message = account.sign_up()
    ports = account.with_channels(email=Channel())
    monkeypatch.setattr(ports.queues, "send_events", lambda messages: messages)
    assert send_message(ports, message.message_id) == SENT
    monkeypatch.undo()
    assert account.messages(EMAIL)["welcome"].state == SENT
    # SES tells of a mail by itself.
    record_feedback(account.ports, Feedback(message.message_id, SENT, account.now(), "ses-1"))
    account.fold_arrived()
    assert "asked" in account.contact(EMAIL).segments


def test_an_open_knows_what_was_opened(account: Account) -> None:
    publish(account, message="opened", template="welcome", origin="journey/welcome", step="welcome")
    message = account.sign_up()
    account.fold(account.event("Email Opened", EMAIL, message_id=message.message_id, actor="machine"))
    assert "asked" not in account.contact(EMAIL).segments
    account.fold(account.event("Email Opened", EMAIL, message_id=message.message_id, actor="human"))
    assert "asked" in account.contact(EMAIL).segments
    opened = [r for r in timeline.list_rows([message.contact_id]).items if r.event.name == "Email Opened"]
    said = {"email_id": "welcome", "campaign_id": message.origin}
    assert all(said.items() <= row.event.properties.items() for row in opened)
