"""When an address may be written to again."""

import pytest

from postroad.consent.suppressions import Suppression, find_obstacle_to_lifting
from postroad.contacts.contact import Consent
from postroad.sending.feedback import REPORTED, find_feedback

AT = 1_793_610_000.0


def suppressed(reason):
    return Suppression("hash", reason, AT, {})


@pytest.mark.parametrize("reason", ["bounced (General)", "asked us by telephone"])
def test_what_bounced_or_was_asked_for_may_be_lifted(reason):
    assert find_obstacle_to_lifting(suppressed(reason), []) is None


@pytest.mark.parametrize(
    ("answers", "lifted"),
    [
        ([], False),
        ([Consent(True, AT - 1)], False),
        ([Consent(True, AT)], False),
        ([Consent(False, AT + 1)], False),
        ([Consent(False, AT + 2), Consent(True, AT + 1)], True),
    ],
)
def test_who_reported_a_mail_as_spam_must_have_said_yes_since(answers, lifted):
    assert (find_obstacle_to_lifting(suppressed(REPORTED), answers) is None) == lifted


def test_the_reason_of_a_complaint_is_the_one_that_the_rule_knows():
    complaint = {
        "eventType": "Complaint",
        "mail": {"tags": {"message_id": ["m"]}, "messageId": "ses-1"},
        "complaint": {"complainedRecipients": [{"emailAddress": "ana@example.com"}]},
    }
    feedback = find_feedback(complaint, AT)
    assert feedback
    assert feedback.reason == REPORTED
