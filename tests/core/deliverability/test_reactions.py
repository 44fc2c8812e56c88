"""How somebody answered a message, in one word."""

import pytest

from postroad.deliverability.reactions import PATIENCE, REACTIONS, reaction_of
from postroad.instants import DAY
from postroad.sending.messages import BOUNCED, COMPLAINED, DELIVERED, QUEUED, SENT, SKIPPED, Message

T0 = 1_793_610_000.0


def a_message(state: str, **times: float) -> Message:
    said = ("m-1", "c1", "journey/welcome@1", "welcome", "enr-1", "email", "news", "welcome", 1, "", T0, state)
    return Message(*said, times=times)  # type: ignore[arg-type]


ARRIVED = {SENT: T0, DELIVERED: T0 + 5}


@pytest.mark.parametrize(
    ("message", "days", "reaction"),
    [
        (a_message(DELIVERED, **ARRIVED), 1, ""),
        (a_message(DELIVERED, **ARRIVED), 8, "ignored"),
        (a_message(DELIVERED, **ARRIVED, opened=T0 + 60), 8, "ignored"),
        (a_message(DELIVERED, **ARRIVED, machine_clicked=T0 + 6), 8, "ignored"),
        (a_message(SENT, sent=T0), 8, "ignored"),
        (a_message(DELIVERED, **ARRIVED, clicked=T0 + 60), 1, "clicked"),
        (a_message(DELIVERED, **ARRIVED, clicked=T0 + 60, converted=T0 + 90), 1, "converted"),
        (a_message(DELIVERED, **ARRIVED, converted=T0 + 9, unsubscribed=T0 + 90), 1, "unsubscribed"),
        (a_message(COMPLAINED, **ARRIVED, unsubscribed=T0 + 9, complained=T0 + 90), 1, "spam"),
        (a_message(BOUNCED, sent=T0, bounced=T0 + 9), 30, ""),
        (a_message(SKIPPED, skipped=T0), 30, ""),
        (a_message(QUEUED), 30, ""),
    ],
)
def test_c54_each_message_comes_to_one_of_five_reactions(message, days, reaction):
    assert reaction_of(message, T0 + days * DAY) == reaction
    assert reaction in {"", *REACTIONS}


def test_c54_that_nobody_answered_is_told_after_a_week():
    message = a_message(DELIVERED, **ARRIVED)
    assert reaction_of(message, T0 + 5 + PATIENCE - 1) == ""
    assert reaction_of(message, T0 + 5 + PATIENCE) == "ignored"
