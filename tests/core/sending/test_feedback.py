"""What SES says about a mail, read from the shapes of its developer guide."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.instants import parse_instant
from postroad.sending.feedback import Feedback, find_feedback, parse_tag, tag_of
from postroad.sending.messages import DEFERRED

AT = "2026-11-02T09:14:00.000Z"
MAIL = {"timestamp": "2026-11-02T09:13:00.000Z", "messageId": "ses-1", "tags": {"message_id": ["abc_dwelcome_t2"]}}


def detail(kind: str, **part: Any) -> dict[str, Any]:
    name = {"Rendering Failure": "failure"}.get(kind, kind.lower())
    return {"eventType": kind, "mail": MAIL, name: {"timestamp": AT, **part}}


BOUNCED = [{"emailAddress": "Ana Ruiz <Ana@Example.com>", "status": "5.1.1"}]


@pytest.mark.parametrize(
    ("event", "state", "reason", "suppressed"),
    [
        (detail("Send"), "sent", "", ()),
        (detail("Delivery", recipients=["ana@example.com"]), "delivered", "", ()),
        (detail("Bounce", bounceType="Permanent", bounceSubType="General", bouncedRecipients=BOUNCED), "bounced",
         "bounced (General)", ("ana@example.com",)),
        (detail("Bounce", bounceType="Permanent"), "bounced", "bounced (General)", ()),
        (detail("Bounce", bounceType="Permanent", bounceSubType="OnAccountSuppressionList", bouncedRecipients=BOUNCED),
         "failed", "on SES's list of suppressed addresses", ("ana@example.com",)),
        (detail("Bounce", bounceType="Transient", bounceSubType="MailboxFull", bouncedRecipients=BOUNCED), "failed",
         "SES gave up for now (MailboxFull)", ()),
        (detail("Bounce", bounceType="Undetermined"), "failed", "SES gave up for now (General)", ()),
        (detail("Complaint", complainedRecipients=[{"emailAddress": "ana@example.com"}]), "complained",
         "reported as spam", ("ana@example.com",)),
        (detail("Reject", reason="Bad content"), "failed", "SES refused it: Bad content", ()),
        (detail("Rendering Failure", errorMessage="no value"), "failed", "SES refused it: no value", ()),
    ],
)  # fmt: skip
def test_every_kind_of_event_is_read(event, state, reason, suppressed):
    assert find_feedback(event, 5.0) == Feedback("abc.welcome~2", state, parse_instant(AT), "ses-1", reason, suppressed)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"eventType": "Bounce"},
        {"eventType": "Bounce", "mail": []},
        {"eventType": "Bounce", "mail": {"tags": []}},
        {"eventType": "Bounce", "mail": {"tags": {"message_id": "abc"}}},
        {"eventType": "Bounce", "mail": {"tags": {"message_id": [5]}}},
        {"eventType": "Bounce", "mail": {"tags": {"other": ["x"]}}},
        {"eventType": None, "mail": MAIL},
        {"eventType": 5, "mail": MAIL},
        detail("Open"),
        detail("Click"),
    ],
)
def test_what_says_nothing_of_interest_is_nothing(event):
    assert find_feedback(event, 5.0) is None


@pytest.mark.parametrize(
    "recipients", [None, "ana@example.com", [None], [{"emailAddress": 5}], [{}], [{"emailAddress": "x"}]]
)
def test_recipients_that_cannot_be_read_suppress_nobody(recipients):
    found = find_feedback(detail("Complaint", complainedRecipients=recipients), 5.0)
    assert found is not None
    assert found.suppressed == ()


def test_without_its_own_time_an_event_has_that_of_its_mail_or_of_its_arrival():
    broken = {**detail("Delivery"), "delivery": {"timestamp": "soon"}}
    assert find_feedback(broken, 5.0).time == parse_instant(MAIL["timestamp"])
    assert find_feedback({**broken, "mail": {**MAIL, "timestamp": 7}}, 5.0).time == 5.0


@given(st.text("abcXYZ019-_.~", max_size=40))
def test_a_message_id_survives_as_a_tag_that_ses_takes(message_id):
    tag = tag_of(message_id)
    assert parse_tag(tag) == message_id
    assert set(tag) <= set("abcdXYZ019-_t")


@given(a=st.text("ad_.~t", max_size=10), b=st.text("ad_.~t", max_size=10))
def test_two_message_ids_are_two_tags(a, b):
    assert (tag_of(a) == tag_of(b)) == (a == b)


def test_a_mail_that_is_put_off_stays_on_its_way():
    event = {"eventType": "DeliveryDelay", "mail": MAIL, "deliveryDelay": {"delayType": "MailboxFull"}}
    feedback = find_feedback(event, 5.0)
    assert feedback
    assert (feedback.state, feedback.reason, feedback.suppressed) == (DEFERRED, "put off (MailboxFull)", ())
