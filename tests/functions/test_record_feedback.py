"""What SES says about mails, and what people answer to texts, as EventBridge and SNS bring it."""

import json
from itertools import permutations
from typing import Any

import pytest

from functions.record_feedback.app import handler
from postroad.consent.rule import EVERY_TOPIC
from postroad.instants import format_instant
from postroad.sending.messages import Message
from postroad_aws.storage import messages, refusals
from postroad_aws.usecases.send_message import send_message
from tests.account import ANA, PHONE, Account, ses_event

EMAIL = f"email:{ANA}"
BOUNCE = {
    "bounceType": "Permanent",
    "bounceSubType": "General",
    "bouncedRecipients": [{"emailAddress": f"<{ANA.upper()}>"}],
}
COMPLAINT = {"complainedRecipients": [{"emailAddress": ANA}], "complaintFeedbackType": "abuse"}
SENT_AT = {"Timestamp": "2026-11-02T09:14:00.000Z"}


def sent_at(account: Account) -> dict[str, str]:
    return {"Timestamp": format_instant(account.now())}


PARTS: dict[str, dict[str, Any]] = {"Send": {}, "Delivery": {}, "Bounce": BOUNCE, "Complaint": COMPLAINT}


@pytest.fixture
def sent(account: Account) -> Message:
    message = account.sign_up()
    assert send_message(account.ports, message.message_id) == "sent"
    return message


def state(message: Message) -> str:
    found = messages.find_message(message.message_id)
    assert found is not None
    return found.state


@pytest.mark.parametrize("order", list(permutations(PARTS)))
def test_in_whatever_order_it_comes_the_message_ends_the_same(account, sent, order):
    for kind in (*order, *order):
        handler(ses_event(sent, kind, PARTS[kind]), None)
    assert state(sent) == "complained"
    assert refusals.find_suppression(EMAIL) in ("bounced (General)", "reported as spam")
    events = account.fold_arrived()
    assert sorted({event.name for event in events}) == ["Email Bounced", "Email Marked as Spam"]
    assert len({event.event_id for event in events}) == 2
    contact = account.contact(EMAIL)
    assert set(contact.suppressions) == {EMAIL}
    assert contact.events_folded == 3


def test_a_delivery_is_noted_and_nobody_is_woken_for_it(account, sent):
    handler(ses_event(sent, "Delivery", {}), None)
    assert state(sent) == "delivered"
    assert account.arrived() == []
    assert refusals.find_suppression(EMAIL) is None


def test_after_a_transient_bounce_a_mail_has_failed_and_the_next_may_get_through(account, sent):
    full = {**BOUNCE, "bounceType": "Transient", "bounceSubType": "MailboxFull"}
    handler(ses_event(sent, "Bounce", full), None)
    assert state(sent) == "failed"
    assert [event.name for event in account.arrived()] == ["Message Failed"]
    assert refusals.find_suppression(EMAIL) is None


def test_an_answer_of_somebody_who_is_away_comes_after_the_delivery_or_before_it(account, sent):
    away = {**BOUNCE, "bounceType": "Transient", "bounceSubType": "General"}
    handler(ses_event(sent, "Delivery", {}), None)
    handler(ses_event(sent, "Bounce", away), None)
    assert state(sent) == "delivered"
    assert account.arrived() == []
    fresh = account.sign_up("second@example.com")
    handler(ses_event(fresh, "Bounce", away), None)
    handler(ses_event(fresh, "Delivery", {}), None)
    assert state(fresh) == "delivered"


def test_whom_ses_has_on_its_list_is_on_ours_and_counts_as_no_bounce(account, sent):
    handler(ses_event(sent, "Bounce", {**BOUNCE, "bounceSubType": "OnAccountSuppressionList"}), None)
    assert state(sent) == "failed"
    assert refusals.find_suppression(EMAIL) == "on SES's list of suppressed addresses"
    account.fold_arrived()
    assert set(account.contact(EMAIL).suppressions) == {EMAIL}


def test_what_ses_rejects_has_failed_though_ses_took_it_in_whatever_order_that_is_said(account, sent):
    handler(ses_event(sent, "Reject", {"reason": "Bad content"}), None)
    assert state(sent) == "failed"
    handler(ses_event(sent, "Send", {}), None)
    assert state(sent) == "failed"
    fresh = account.sign_up("second@example.com")
    handler(ses_event(fresh, "Reject", {"reason": "Bad content"}), None)
    assert state(fresh) == "failed"


def test_a_bounce_of_a_message_that_nobody_knows_suppresses_the_address_all_the_same(account, sent):
    handler(ses_event(sent.with_(message_id="gone.welcome~2"), "Bounce", BOUNCE), None)
    assert refusals.find_suppression(EMAIL) == "bounced (General)"
    assert account.arrived() == []


def test_an_international_address_is_suppressed_as_the_contact_has_it(account):
    address = "ana@bücher.example"
    message = account.sign_up(address)
    assert send_message(account.ports, message.message_id) == "sent"
    wire = {**BOUNCE, "bouncedRecipients": [{"emailAddress": "ana@xn--bcher-kva.example"}]}
    handler(ses_event(message, "Bounce", wire), None)
    assert refusals.find_suppression("email:ana@xn--bcher-kva.example") == "bounced (General)"
    account.fold_arrived()
    assert "email:ana@xn--bcher-kva.example" in account.contact(f"email:{address}").suppressions


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"detail": {}},
        {"detail": {"eventType": "Open", "mail": {}}},
        {"detail": {"eventType": "Bounce"}},
        {"detail": {"eventType": "Bounce", "mail": {"tags": {}}}},
        {"detail": {"eventType": "Bounce", "mail": {"tags": {"message_id": []}}, "bounce": None}},
        {"detail": {"eventType": "Bounce", "mail": {"tags": {"message_id": [1]}}, "bounce": []}},
        {"detail": {"eventType": "Delivery", "mail": {"tags": {"message_id": ["nobody"]}}}},
        {"Records": []},
    ],
)
def test_what_is_not_about_a_message_of_ours_is_nothing(account, event):
    handler(event, None)
    assert account.arrived() == []


def reply(text: str, number: str = PHONE) -> str:
    return json.dumps({"originationNumber": number, "messageBody": text, "destinationNumber": "+351900000000"})


def texted(*bodies: str) -> dict[str, Any]:
    return {"Records": [{"Sns": {"Message": body, "MessageId": f"n{n}", **SENT_AT}} for n, body in enumerate(bodies)]}


@pytest.mark.parametrize("text", ["STOP", "stop.", "Please stop texting me", "unsubscribe"])
def test_stop_ends_all_texts_before_anything_else_happens(account, text):
    handler(texted(reply(text)), None)
    consent = refusals.find_consent(f"phone:{PHONE}", EVERY_TOPIC)
    assert consent is not None
    assert consent.granted is False
    assert refusals.find_consent(f"email:{ANA}", EVERY_TOPIC) is None
    (event,) = account.fold_arrived()
    assert event.name == "Unsubscribed"
    assert account.contact(f"phone:{PHONE}").consents["sms:*"].granted is False


def test_start_allows_texts_again_and_anything_else_is_an_event(account):
    for text in ("STOP", "START", "What do you roast?"):
        account.advance(1)
        handler({"Records": [{"Sns": {"Message": reply(text), "MessageId": text, **sent_at(account)}}]}, None)
    consent = refusals.find_consent(f"phone:{PHONE}", EVERY_TOPIC)
    assert consent is not None
    assert consent.granted is True
    events = {event.name: event for event in account.fold_arrived()}
    assert set(events) == {"Unsubscribed", "Subscribed", "SMS Replied"}
    assert events["SMS Replied"].properties == {"text": "What do you roast?"}
    assert account.contact(f"phone:{PHONE}").consents["sms:*"].granted is True


def test_texts_and_mails_that_cannot_be_read_are_logged_without_what_they_say(account, sent, capsys):
    handler(texted("marker", '"marker"', "[]", "{}", reply("marker", "marker"), "[" * 100_000, "null"), None)
    handler(ses_event(sent, "Bounce", {**BOUNCE, "bouncedRecipients": [{"emailAddress": 5}, "marker", None]}), None)
    printed = capsys.readouterr()
    assert printed.out.count("an inbound text could not be read") == 7
    assert "marker" not in printed.out + printed.err
    assert PHONE not in printed.out
    assert state(sent) == "bounced"


def test_feedback_that_the_queue_does_not_take_comes_again_and_the_suppression_stands(account, sent):
    from postroad_aws.clients import get_client

    get_client("sqs").delete_queue(QueueUrl=account.events_queue)
    for _ in range(2):
        with pytest.raises(Exception, match="queue"):
            handler(ses_event(sent, "Bounce", BOUNCE), None)
        assert refusals.find_suppression(EMAIL) == "bounced (General)"
        assert state(sent) == "bounced"


EVIL = {
    "W1 a certificate of somebody else": {"SigningCertURL": "https://evil.example/cert.pem", "Type": "Notification"},
    "W2 a certificate that looks like AWS's": {"SigningCertURL": "https://sns.us-east-1.amazonaws.com.evil.example/c.pem"},
    "W3 a replay of long ago": {"Type": "Notification", "Timestamp": "2020-01-01T00:00:00Z"},
    "W4 a foreign topic": {
        "Type": "SubscriptionConfirmation", "Token": "t",
        "TopicArn": "arn:aws:sns:us-east-1:666666666666:evil", "SubscribeURL": "https://evil.example/confirm",
    },
}  # fmt: skip


@pytest.mark.parametrize("said", EVIL.values(), ids=EVIL.keys())
def test_w1_to_w4_nothing_that_a_text_says_is_fetched_or_believed(account, said, monkeypatch):
    """AWS calls the function itself, so there is neither an address to post to nor a signature to check."""
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **options: pytest.fail(f"looked up {args[0]}"))
    handler(texted(json.dumps(said)), None)
    assert account.arrived() == []
