"""Messages and the states they can be in."""

import pytest

from postroad.sending.messages import PATIENCE, STATES, Message, split_message_id, states_before

NEVER_LEFT = {"queued", "sending", "unknown", "skipped"}


def message(**changes: object) -> Message:
    made = Message("e.welcome", "c", "journey/welcome@1", "welcome", "e", "email", "offers", "welcome", 1, "k", 1.0)
    return made.with_(**changes)


@pytest.mark.parametrize("state", STATES)
def test_a_state_never_comes_before_itself_or_before_one_that_it_leads_to(state):
    assert state not in states_before(state)
    for earlier in states_before(state):
        assert state not in states_before(earlier)
        assert set(states_before(earlier)) < set(states_before(state))


def test_only_the_channels_own_word_corrects_what_never_left():
    assert states_before("queued") == ()
    assert {"skipped", "failed"}.isdisjoint(states_before("unknown"))
    assert set(states_before("sent")) == NEVER_LEFT
    assert {"sent", "failed"} < set(states_before("delivered"))
    assert set(states_before("complained")) == set(STATES) - {"complained"}


def test_what_the_channel_took_may_have_failed_all_the_same_until_it_is_delivered():
    assert set(states_before("failed")) == {*NEVER_LEFT, "sent"}


def test_the_sweep_looks_after_what_waits_and_nothing_else():
    assert {state for state in STATES if message(state=state).is_pending} == set(PATIENCE) == {"queued", "sending"}


@pytest.mark.parametrize(
    ("message_id", "parts"),
    [
        ("abc-DEF_.welcome", ("abc-DEF_", "welcome")),
        ("abc.welcome~2", ("abc", "welcome")),
        ("abc.a-b_c~12", ("abc", "a-b_c")),
        ("None", ("None", "")),
        ("", ("", "")),
    ],
)
def test_a_message_id_says_whose_step_it_is(message_id, parts):
    assert split_message_id(message_id) == parts
