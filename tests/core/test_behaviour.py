"""What a contact did, and how often: memories are bounded, exact, and the same in any order of arrival."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.behaviour import FREQUENCIES, Tracker, combine_trackers, has_happened_until, recompute
from postroad.events import Event
from postroad.instants import DAY

NOW = 1_793_610_840.0


def a_tracker(keep=3, window=30 * DAY):
    return Tracker("orders", ("order completed",), lambda event: event.properties.get("total", 0) >= 50, keep, window)


def an_order(time, total=80, name="Order Completed"):
    return Event(f"e{time}-{total}", name, time, time, properties={"total": total})


def remember(tracker, times, now=NOW):
    memory = None
    for time in times:
        memory = tracker.update(memory, an_order(time), now)
    return memory


times = st.lists(st.integers(0, 80 * 24).map(lambda hours: NOW - hours * 3_600.0), max_size=30)
trackers = st.builds(a_tracker, keep=st.integers(0, 6), window=st.integers(1, 60).map(lambda days: days * DAY))


def test_a_memory_holds_the_count_the_first_the_last_and_the_newest_times():
    memory = remember(a_tracker(keep=2), [NOW - 3 * DAY, NOW - DAY, NOW - 2 * DAY])
    assert memory == [3, NOW - 3 * DAY, NOW - DAY, NOW - 2 * DAY, NOW - DAY]


def test_a_lifetime_count_keeps_no_list():
    assert remember(a_tracker(keep=0, window=None), [NOW, NOW - 900 * DAY]) == [2, NOW - 900 * DAY, NOW]


def test_times_beyond_the_longest_window_are_forgotten_but_stay_counted():
    assert remember(a_tracker(), [NOW - 31 * DAY, NOW]) == [2, NOW - 31 * DAY, NOW, NOW]


def test_an_update_leaves_the_old_memory_as_it_was():
    tracker = a_tracker()
    old = remember(tracker, [NOW - DAY])
    before = list(old)
    tracker.update(old, an_order(NOW), NOW)
    tracker.merge(old, old, NOW)
    assert old == before


def test_a_time_in_the_future_does_not_push_out_the_present():
    memory = remember(a_tracker(), [NOW - DAY, NOW + 400 * DAY])
    assert has_happened_until(memory, 2, 30 * DAY) == NOW + 29 * DAY


@pytest.mark.parametrize(
    ("times", "at_least", "window", "until"),
    [
        ([], 1, DAY, -inf),
        ([], 1, None, -inf),
        ([], 0, DAY, inf),
        ([NOW], 1, None, inf),
        ([NOW], 2, None, -inf),
        ([NOW], 1, DAY, NOW + DAY),
        ([NOW - 10, NOW], 1, DAY, NOW + DAY),
        ([NOW - 10, NOW], 2, DAY, NOW - 10 + DAY),
        ([NOW - 10, NOW], 3, DAY, -inf),
    ],
)
def test_it_is_known_until_when_something_has_happened_often_enough(times, at_least, window, until):
    assert has_happened_until(remember(a_tracker(), times), at_least, window) == until


@pytest.mark.parametrize(
    ("key", "operand", "bounds", "sentence"),
    [
        ("at_least", 1, (1, None), "did X"),
        ("at_least", 2, (2, None), "did X at least 2 times"),
        ("at_most", 1, (0, 1), "did X at most once"),
        ("at_most", 3, (0, 3), "did X at most 3 times"),
        ("exactly", 1, (1, 1), "did X exactly once"),
        ("exactly", 0, (0, 0), "did X exactly 0 times"),
        ("never", True, (0, 0), "did not do X"),
        ("never", False, (1, None), "did X"),
    ],
)
def test_a_frequency_has_bounds_and_a_sentence(key, operand, bounds, sentence):
    assert FREQUENCIES[key].bounds(operand) == bounds
    assert FREQUENCIES[key].describe(operand).format("X") == sentence


def test_one_tracker_remembers_for_the_most_demanding_definition():
    found = combine_trackers([a_tracker(2, DAY), a_tracker(0, None), a_tracker(1, 9 * DAY)])
    assert found == {"orders": a_tracker(2, 9 * DAY)}
    assert combine_trackers([a_tracker(0, None)]) == {"orders": a_tracker(0, None)}


@given(times, trackers, st.randoms(use_true_random=False))
def test_a_memory_does_not_depend_on_the_order_of_arrival(times, tracker, random):
    shuffled = random.sample(times, len(times))
    assert remember(tracker, shuffled) == remember(tracker, sorted(times))


@given(times, trackers)
def test_a_memory_equals_one_recomputed_from_the_timeline(times, tracker):
    timeline = [an_order(time) for time in times]
    noise = [an_order(NOW, total=3), an_order(NOW, name="Order Refunded")]
    assert recompute(tracker, timeline + noise, NOW) == remember(tracker, times)


@given(times, times, trackers)
def test_folding_in_two_batches_equals_folding_in_one(first, second, tracker):
    memory = remember(tracker, first, NOW - DAY)
    for time in second:
        memory = tracker.update(memory, an_order(time), NOW)
    whole = remember(tracker, first + second)
    horizon = NOW - tracker.window
    # What lay in the future at the earlier now was not yet taken as the measure for forgetting.
    assert memory is whole is None or (
        memory[:3] == whole[:3] and [t for t in memory[3:] if t > horizon] == [t for t in whole[3:] if t > horizon]
    )


@given(times, times, times, trackers)
def test_merging_commutes_is_associative_and_equals_remembering_everything(a, b, c, tracker):
    one, two, three = (remember(tracker, part) for part in (a, b, c))
    merged = tracker.merge(one, two, NOW)
    assert merged == tracker.merge(two, one, NOW) == (remember(tracker, a + b) or [])
    left = tracker.merge(merged, three, NOW)
    assert left == tracker.merge(one, tracker.merge(two, three, NOW), NOW) == (remember(tracker, a + b + c) or [])


@given(times.filter(bool), trackers, st.integers(1, 7), st.integers(1, 60))
def test_a_window_is_exact_for_all_that_a_tracker_keeps(times, tracker, n, days):
    window = min(days * DAY, tracker.window)
    n = min(n, tracker.keep)
    until = has_happened_until(remember(tracker, times), n, window)
    alive = [time for time in times if time + window > NOW]
    assert (until > NOW) is (len(alive) >= n)
    if NOW < until < inf:
        assert len([time for time in times if time + window > until]) < n
        assert len([time for time in times if time + window > until - 0.001]) >= n


def test_a_lifetime_count_survives_what_the_timeline_has_forgotten():
    tracker = a_tracker()
    known = [9, NOW - 900 * DAY, NOW - 40 * DAY]
    assert recompute(tracker, [an_order(NOW - DAY)], NOW, known) == [9, NOW - 900 * DAY, NOW - DAY, NOW - DAY]
    assert recompute(tracker, [], NOW, known) == known
    assert recompute(tracker, [], NOW) is None
