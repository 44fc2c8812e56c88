"""What SES says of a message, as the ledger and the contact hear it."""

from typing import Any

import pytest

from postroad.sending.feedback import Feedback
from postroad.sending.messages import BOUNCED, COMPLAINED, DELIVERED, FAILED, SENT, Message
from postroad_aws.storage import messages, refusals
from postroad_aws.usecases.record_feedback import record_feedback
from tests.account import ANA, Account

EMAIL = f"email:{ANA}"


def put(account: Account, state: str) -> Message:
    """The welcome mail, brought to a state by its sender."""
    message = account.sign_up()
    if state != "queued":
        assert messages.claim(message.message_id, "me", account.now())
    if state not in ("queued", "sending"):
        assert messages.settle(message.message_id, state, account.now(), owner="me", address=ANA)
    return message


def say(account: Account, message: Message, state: str, **parts: Any) -> str:
    """What the message's state is once that has been heard."""
    record_feedback(account.ports, Feedback(message.message_id, state, account.now(), "ses-1", **parts))
    found = messages.find_message(message.message_id)
    assert found is not None
    return found.state


# What a message that stands there becomes when SES says this of it.
@pytest.mark.parametrize(
    ("stands", "says", "becomes"),
    [
        ("sending", SENT, "sent"),
        ("unknown", SENT, "sent"),
        ("queued", SENT, "queued"),
        ("sent", SENT, "sent"),
        ("skipped", SENT, "skipped"),
        ("sending", DELIVERED, "delivered"),
        ("unknown", DELIVERED, "delivered"),
        ("queued", DELIVERED, "delivered"),
        ("sent", DELIVERED, "delivered"),
        ("failed", DELIVERED, "delivered"),
        ("delivered", SENT, "delivered"),
        ("bounced", DELIVERED, "bounced"),
        ("delivered", BOUNCED, "bounced"),
        ("bounced", COMPLAINED, "complained"),
        ("complained", BOUNCED, "complained"),
        ("sending", FAILED, "failed"),
        ("unknown", FAILED, "failed"),
        ("sent", FAILED, "failed"),
        ("delivered", FAILED, "delivered"),
        ("failed", SENT, "failed"),
    ],
)
def test_a_state_never_goes_back(account, stands, says, becomes):
    message = put(account, stands)
    assert say(account, message, says) == becomes
    assert say(account, message, says) == becomes


def test_an_unknown_message_that_was_sent_after_all_says_so_and_lost_its_reason(account):
    message = account.sign_up()
    messages.claim(message.message_id, "me", account.now())
    messages.settle(message.message_id, "unknown", account.now(), reason="no answer came", owner="me")
    assert say(account, message, SENT) == "sent"
    found = messages.find_message(message.message_id)
    assert found is not None
    assert (found.reason, found.provider_id) == ("", "ses-1")


def test_the_suppression_is_written_before_the_contact_hears_of_it(account):
    message = put(account, "sent")
    say(account, message, BOUNCED, reason="bounced (General)", suppressed=(ANA,))
    assert refusals.find_suppression(EMAIL) == "bounced (General)"
    (event,) = account.fold_arrived()
    assert event.properties["addresses"] == [EMAIL]
    assert event.properties["email_id"] == "welcome"
    contact = account.contact(EMAIL)
    assert contact.suppressions == {EMAIL: "bounced (General)"}
    assert contact.active["welcome"].marks == {"welcome": ("bounced",)}


def test_the_first_reason_of_a_suppression_stays_but_for_a_complaint(account):
    message = put(account, "sent")
    say(account, message, BOUNCED, reason="bounced (General)", suppressed=(ANA,))
    say(account, message, BOUNCED, reason="bounced (NoEmail)", suppressed=(ANA,))
    assert refusals.find_suppression(EMAIL) == "bounced (General)"
    say(account, message, COMPLAINED, reason="reported as spam", suppressed=(ANA,))
    assert refusals.find_suppression(EMAIL) == "reported as spam"


def test_a_mail_that_ses_took_and_then_rejected_has_failed_and_the_contact_hears_of_it_once(account):
    message = put(account, "sent")
    for _ in range(2):
        say(account, message, FAILED, reason="SES refused it: Bad content")
    account.fold_arrived()
    assert account.names(EMAIL) == ["Signed Up", "Message Failed"]
    assert account.contact(EMAIL).active["welcome"].marks == {"welcome": ("failed",)}
    found = messages.find_message(message.message_id)
    assert found is not None
    assert (found.state, found.reason) == ("failed", "SES refused it: Bad content")


def test_what_was_delivered_is_not_said_to_have_failed(account):
    message = put(account, "delivered")
    say(account, message, FAILED, reason="SES refused it: Bad content")
    assert account.arrived() == []


def test_an_event_from_the_future_is_of_now(account):
    message = put(account, "sent")
    ahead = account.now() + 90_000
    record_feedback(account.ports, Feedback(message.message_id, BOUNCED, ahead, "ses-1", "bounced", (ANA,)))
    (event,) = account.arrived()
    assert event.time <= account.now()


def test_the_same_word_twice_is_one_event_of_the_contact(account):
    message = put(account, "sent")
    at = account.now()
    for _ in range(3):
        record_feedback(account.ports, Feedback(message.message_id, BOUNCED, at, "ses-1", "bounced", (ANA,)))
        account.advance(400)  # past the queue's own five minutes
    account.fold(*account.arrived())
    assert account.names(EMAIL).count("Email Bounced") == 1
