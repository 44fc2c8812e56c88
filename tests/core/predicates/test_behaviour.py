"""What a contact did, and how often: memories are bounded, exact, and the same in any order of arrival."""

import json
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.instants import DAY
from postroad.predicates import behaviour
from postroad.predicates.behaviour import (
    EXACT,
    FREQUENCIES,
    NOTHING,
    Amounts,
    Different,
    Ends,
    Summary,
    Tracker,
    combine_trackers,
    has_happened_until,
    have_been_until,
    recompute,
)
from tests.books import Shelf

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


def test_what_is_remembered_is_as_exact_as_the_timeline():
    assert a_tracker().update(None, an_order(NOW + 0.00049), NOW) == [1, NOW, NOW, NOW]


# Amounts, ends, different things

HOUR = 3_600.0


def an_amounts(grain=DAY, window=30 * DAY):
    return Amounts(
        "spend", ("order completed",), lambda event: True, EXACT, window,
        lambda event: (round(event.properties["total"] * 10_000),), grain,
    )  # fmt: skip


def an_ends():
    return Ends("ends", ("order completed",), lambda event: True, read=lambda event: event.properties.get("total"))


def a_different(keep=3):
    return Different(
        "mails", ("order completed",), lambda event: True, keep, None, lambda event: str(event.properties["total"])
    )


def fold_all(tracker, orders, now=NOW):
    memory = None
    for time, total in orders:
        memory = tracker.update(memory, an_order(time, total), now)
    return memory


def left_of(tracker, memory, window, now):
    """How many and how much counts now, by the memory."""
    total = NOTHING
    for _, summary in tracker.leaving(memory, window, now):
        total = total.plus(summary)
    return total


orders = st.lists(
    st.tuples(
        st.integers(0, 40 * 24 * 4).map(lambda quarters: NOW - quarters * HOUR / 4), st.sampled_from([1, 2.5, -4, 0.1])
    ),
    max_size=20,
)
kinds = st.sampled_from([an_amounts(), an_amounts(HOUR, 2 * DAY), an_amounts(None, None), an_ends(), a_different()])


@pytest.fixture(scope="module", autouse=True)
def few_are_exact():
    """So that lists of some twenty events are long ones."""
    whole, behaviour.EXACT = behaviour.EXACT, 4
    yield
    behaviour.EXACT = whole


@given(orders, kinds, st.randoms(use_true_random=False))
def test_every_kind_of_memory_is_the_same_in_any_order_of_arrival(orders, tracker, random):
    memory = fold_all(tracker, orders)
    assert memory == fold_all(tracker, random.sample(orders, len(orders)))
    assert memory == recompute(tracker, [an_order(*each) for each in orders], NOW)


@given(orders, orders, orders, kinds)
def test_every_kind_of_memory_merges_like_one(a, b, c, tracker):
    one, two, three = (fold_all(tracker, each) for each in (a, b, c))
    merged = tracker.merge(one, two, NOW)
    assert merged == tracker.merge(two, one, NOW) == (fold_all(tracker, a + b) or [])
    assert tracker.merge(merged, three, NOW) == tracker.merge(one, tracker.merge(two, three, NOW), NOW)


@given(orders, st.integers(1, 30), st.integers(0, 40 * 24))
def test_a_window_over_amounts_moves_as_it_is_told_to(orders, days, later):
    tracker, window, now = an_amounts(), days * DAY, NOW + later * HOUR
    memory = fold_all(tracker, orders)
    ranked = sorted(orders)
    exact, older = ranked[-behaviour.EXACT :], ranked[: -behaviour.EXACT]
    counting = [
        *(total for time, total in exact if time + window > now),
        *(total for time, total in older if time // DAY * DAY + window > now),
    ]
    expected = [round(total * 10_000) for total in counting]
    found = left_of(tracker, memory, window, now)
    assert found == (Summary(len(expected), sum(expected), min(expected), max(expected)) if expected else NOTHING)


@given(orders, orders, st.integers(0, 40 * 24))
def test_what_was_dropped_early_never_counted_again(first, second, hours):
    tracker, between = an_amounts(), NOW - hours * HOUR
    memory = fold_all(tracker, sorted(first), between)
    for time, total in sorted(second):
        memory = tracker.update(memory, an_order(time, total), NOW)
    whole = recompute(tracker, [an_order(*each) for each in first + second], NOW)
    for window in (DAY, 7 * DAY, 30 * DAY):
        assert left_of(tracker, memory, window, NOW) == left_of(tracker, whole, window, NOW)


def test_a_memory_of_amounts_is_bounded():
    many = [(NOW - hours * HOUR, 1) for hours in range(400 * 24)]
    memory = fold_all(an_amounts(window=400 * DAY), many)
    assert (len(memory[0]), len(memory[1])) == (behaviour.EXACT, 400)
    assert left_of(an_amounts(window=400 * DAY), memory, 400 * DAY, NOW).number > 399 * 24


def test_sums_add_up_alike_in_any_order_because_they_are_whole_numbers():
    cents = [(NOW, 0.1)] * 3
    assert fold_all(an_amounts(None, None), cents) == [3, 3_000, 1_000, 1_000]


def test_what_the_timeline_has_forgotten_stays_in_sums_and_first_values():
    spend, ends = an_amounts(None, None), an_ends()
    known = fold_all(spend, [(NOW - 900 * DAY, 40), (NOW - DAY, 2)])
    assert recompute(spend, [an_order(NOW - DAY, 2)], NOW, known) == known
    assert recompute(spend, [an_order(NOW - DAY, 2)], NOW, fold_all(spend, [])) == [1, 20_000, 20_000, 20_000]
    first = fold_all(ends, [(NOW - 900 * DAY, 40)])
    assert recompute(ends, [an_order(NOW, 2)], NOW, first) == [[NOW - 900 * DAY, 40], [NOW, 2]]


@pytest.mark.parametrize("value", ["x" * 300, float("nan"), {1, 2}, ["long"] * 60])
def test_of_a_value_that_is_long_or_no_json_nothing_is_remembered(value):
    assert an_ends().update(None, an_order(NOW, value), NOW) == [[NOW, None], [NOW, None]]


def test_a_thing_counts_once_by_its_last_time():
    memory = fold_all(a_different(), [(NOW - 9 * DAY, "a"), (NOW - 5 * DAY, "b"), (NOW - DAY, "a")])
    assert memory == [[NOW - 5 * DAY, "b"], [NOW - DAY, "a"]]
    assert have_been_until(memory, 2, 7 * DAY) == NOW + 2 * DAY
    assert have_been_until(memory, 3, 7 * DAY) == -inf
    assert have_been_until(memory, 2, None) == have_been_until(None, 0, None) == inf


# What all of it takes


def _sums(number: int, within: str = "P400D") -> list[dict[str, Any]]:
    return [
        {
            "kind": "segment",
            "id": f"s{each}",
            "if": {"event": f"Paid {each}", "sum": "total", "gte": 500, "within": within},
        }
        for each in range(number)
    ]


def test_more_than_fits_into_a_contact_is_refused_at_publish_with_what_takes_most() -> None:
    shelf = Shelf(*_sums(20))
    with pytest.raises(
        DefinitionError, match=r"would remember up to [\d,]+ KB of one contact, and 512 KB is the most.*paid"
    ):
        shelf.publish(*_sums(40)[20:])
    # Over hours, and by counts, a hundred fit.
    Shelf(*_sums(100, "P1D"))


def test_what_is_too_much_already_may_shrink() -> None:
    shelf = Shelf()
    shelf.force(*_sums(60))
    shelf.publish(*_sums(1, "P30D"))
    with pytest.raises(DefinitionError, match="of one contact"):
        shelf.publish({**_sums(1)[0], "id": "more", "if": {**_sums(1)[0]["if"], "sum": "weight"}})


@pytest.mark.parametrize(
    "where",
    [
        {"event": "Paid", "sum": "total", "gte": 5, "within": "P400D"},
        {"event": "Paid", "sum": "total", "gte": 5, "within": "P1D"},
        {"event": "Paid", "sum": "total", "gte": 5},
        {"event": "Paid", "at_least": 50, "within": "P30D"},
        {"event": "Paid", "last": "sku", "is": "x"},
    ],
)
def test_no_memory_takes_more_than_it_is_said_to_take_at_most(where: dict[str, Any]) -> None:
    (tracker,) = Shelf({"kind": "segment", "id": "s", "if": where}).book.trackers.values()
    memory, start = None, 1_793_610_000.0
    for day in range(500):
        for hour in (1, 13):
            at = start + day * DAY + hour * 3_600 + 0.123
            properties = {"total": 1234.5678 + day, "sku": "a-long-name-of-a-thing" * 3}
            event = Event(f"{day}.{hour}", "Paid", at, at, contact_id="c", trusted=True, properties=properties)
            memory = tracker.update(memory, event, at)
    assert 0 < len(json.dumps(memory, separators=(",", ":"))) <= tracker.most_bytes
