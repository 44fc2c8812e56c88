"""Holds: what keeps queued messages from leaving."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.sending.holds import ALL, MARKETING, PAUSE, SLOW, STOP, Hold, find_hold

NOW = 1_793_610_840.0


@pytest.mark.parametrize(
    ("scope", "origin", "transactional", "held"),
    [
        (ALL, "journey/welcome@3", True, True),
        (MARKETING, "journey/welcome@3", False, True),
        (MARKETING, "journey/welcome@3", True, False),
        ("journey/welcome", "journey/welcome@3", True, True),
        ("broadcast/autumn", "broadcast/autumn", False, True),
        ("broadcast/autumn", "broadcast/autumn-2", False, False),
        ("journey/welcome", "broadcast/welcome", False, False),
    ],
)
def test_a_hold_is_about_what_its_scope_names(scope, origin, transactional, held):
    hold = Hold(scope, PAUSE, NOW)
    assert find_hold([hold], origin, transactional) == (hold if held else None)


def test_of_several_the_strictest_counts_and_then_the_older_one():
    slow, pause, older, stop = (
        Hold(ALL, SLOW, NOW, "breaker", spread=600.0),
        Hold(MARKETING, PAUSE, NOW),
        Hold(ALL, PAUSE, NOW - 60.0, "breaker"),
        Hold("broadcast/autumn", STOP, NOW),
    )
    assert find_hold([slow, pause, older, stop], "broadcast/autumn", False) == stop
    assert find_hold([slow, pause, older, stop], "broadcast/spring", False) == older
    assert find_hold([slow, pause], "broadcast/spring", True) == slow
    assert find_hold([], "broadcast/spring", False) is None


@given(st.text(min_size=1, max_size=40), st.floats(1.0, 86_400.0))
def test_what_is_slowed_leaves_at_a_moment_of_its_own_that_never_changes(message_id, spread):
    hold = Hold(ALL, SLOW, NOW, spread=spread)
    moment = hold.find_moment(message_id, NOW)
    assert NOW <= moment <= NOW + spread
    assert hold._replace(note="again").find_moment(message_id, NOW) == moment
    assert hold.find_moment(message_id, NOW - 9 * 86_400) == moment  # what was made before the hold is slowed as well


def test_what_is_slowed_is_spread_evenly():
    hold = Hold(MARKETING, SLOW, NOW, spread=100.0)
    moments = [hold.find_moment(f"message-{number}", NOW) - NOW for number in range(2_000)]
    for tenth in range(10):
        assert 140 <= sum(10 * tenth <= moment < 10 * tenth + 10 for moment in moments) <= 260
