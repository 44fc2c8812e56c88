"""Scoring: points fade by a half-life, in any order of arrival, and cross a threshold at a known minute."""

from math import inf, isclose
from operator import ge, gt, le, lt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.contacts import Attribute, Contact, Points
from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.instants import DAY, format_instant
from postroad.predicates import View, parse_predicate
from postroad.scoring import Reason, parse_score

NOW = 1_793_610_840.0
DOCUMENT = {
    "kind": "score",
    "id": "engagement",
    "half_life": "P14D",
    "rules": [
        {"id": "opened", "event": "Email Opened", "points": 10, "at_most": 30},
        {"id": "bought", "event": "Order Completed", "where": {"property": "total", "gte": 50}, "points": 40},
        {"id": "left", "event": "Unsubscribed", "points": -25},
        {"id": "director", "if": {"attribute": "role", "is": "director"}, "points": 15},
        {"id": "fresh", "if": {"attribute": "signed_up", "within_last": "P7D"}, "points": 5},
    ],
}
SCORE = parse_score(DOCUMENT)
PLAIN = parse_score({**DOCUMENT, "half_life": None})


def an_event(name, days=0.0, **properties):
    time = NOW - days * DAY
    return Event(f"{name}{time}", name, time, time, properties=properties)


def a_view(events=(), score=SCORE, now=NOW, **attributes):
    known = {name: Attribute(value, NOW, True) for name, value in attributes.items()}
    return View(
        Contact("c1", attributes=known, scores={score.id: dict(score.recompute(events))}), now, {score.id: score}
    )


def test_a_score_says_what_it_reads_and_which_events_give_points():
    assert (SCORE.kind, SCORE.id, SCORE.name, SCORE.half_life) == ("score", "engagement", "engagement", 14 * DAY)
    assert SCORE.events == {"email opened", "order completed", "unsubscribed"}
    assert SCORE.reads == {"attribute:role", "attribute:signed_up"}
    assert SCORE.trackers == ()


@pytest.mark.parametrize(
    ("events", "attributes", "value"),
    [
        ([], {}, 0.0),
        ([an_event("Email Opened")], {}, 10.0),
        ([an_event("Email Opened", 14)], {}, 5.0),
        ([an_event("Email Opened", 28), an_event("Email Opened")], {}, 12.5),
        ([an_event("Email Opened")] * 7, {}, 30.0),
        ([an_event("Email Opened", 14)] * 7, {}, 30.0),
        ([an_event("Email Opened", 28)] * 7, {}, 17.5),
        ([an_event("order completed", 14, total=50)], {}, 20.0),
        ([an_event("Order Completed", 14, total=49)], {}, 0.0),
        ([an_event("Unsubscribed", 14), an_event("Email Opened")], {}, -2.5),
        ([an_event("Email Opened", 14)], {"role": "Director", "signed_up": format_instant(NOW - DAY)}, 25.0),
        ([an_event("Email Opened", -1)], {}, 10.0),
    ],
)
def test_points_fade_are_bounded_by_rule_and_add_up(events, attributes, value):
    assert SCORE.value(a_view(events, **attributes)) == value


def test_without_a_half_life_points_stay():
    view = a_view([an_event("Email Opened", 900), an_event("Unsubscribed", 400)], PLAIN)
    assert PLAIN.value(view) == -15.0
    assert PLAIN.evaluate(view, lambda value: value >= 0, 0) == (False, inf)


def test_an_event_without_points_changes_nothing():
    held = {"opened": Points(10.0, NOW)}
    assert SCORE.update(held, an_event("Page Viewed")) is held
    assert SCORE.update(held, an_event("Email Opened")) == {"opened": Points(20.0, NOW)}
    assert held == {"opened": Points(10.0, NOW)}


def test_the_reasons_for_a_score_are_its_rules_the_weightiest_first():
    view = a_view([an_event("Email Opened", 14), an_event("Unsubscribed")], role="director")
    assert SCORE.reasons(view) == (
        Reason("left", -25.0, "Unsubscribed"),
        Reason("director", 15.0, "role is director"),
        Reason("opened", 5.0, "Email Opened"),
    )


def test_a_score_falls_below_its_threshold_a_half_life_later():
    engaged = parse_predicate({"score": "engagement", "gte": 20})
    truth, turns_at = engaged.evaluate(a_view([an_event("Order Completed", total=99)]))
    assert truth
    assert abs(turns_at - (NOW + 14 * DAY)) <= 60 * 60
    view = a_view([an_event("Order Completed", total=99)])
    assert SCORE.value(view._replace(now=turns_at - 0.001)) == 20.0
    assert SCORE.value(view._replace(now=turns_at)) == 19.999


def test_a_fact_that_turns_with_time_may_turn_the_score():
    view = a_view(signed_up=format_instant(NOW - DAY))
    assert parse_predicate({"score": "engagement", "gte": 5}).evaluate(view) == (True, NOW + 6 * DAY)


@pytest.mark.parametrize(
    ("rules", "mistakes"),
    [
        ([], [("rules", "must be a list of 1 to 100 objects; there are 0")]),
        ([{"id": "a", "points": 1}], [("rules[0]", "does not say what it gives points for; it needs event or if")]),
        ([{"id": "a", "event": "X"}], [("rules[0].points", "is missing")]),
        ([{"id": "a", "evnt": "X", "points": 1}], [("rules[0].evnt", "unknown key 'evnt'; did you mean 'event'?")]),
        ([{"id": "a", "event": "X", "points": 1e9}],
         [("rules[0].points", "must be a number between -10000 and 10000")]),
        ([{"id": "a", "event": "X", "points": 1}] * 2, [("rules[1].id", "'a' is the id of one before it")]),
        ([{"id": "a", "if": {"stage": "x"}, "points": 1, "at_most": 5}],
         [("rules[0].at_most", "unknown key 'at_most'; known here: id, points, if")]),
        ([{"id": "a", "if": {"score": "x", "gt": 1}, "points": 1}],
         [("rules[0].if.score",
           "is not known in this place; known here: all, any, not, attribute, event, segment, stage, consent")]),
        ([3], [("rules[0]", "must be an object with keys, not a number")]),
    ],
)  # fmt: skip
def test_a_score_with_a_mistake_is_refused(rules, mistakes):
    with pytest.raises(DefinitionError) as raised:
        parse_score({**DOCUMENT, "rules": rules})
    assert list(raised.value.mistakes) == mistakes


def test_a_half_life_so_short_that_minutes_show_is_refused():
    with pytest.raises(DefinitionError, match="half_life: must be between 1 hour and 365 days"):
        parse_score({**DOCUMENT, "half_life": "PT5M"})


# Laws

events = st.lists(
    st.builds(
        lambda name, minutes: an_event(name, minutes / 1_440, total=60),
        st.sampled_from(["Email Opened", "Order Completed", "Unsubscribed"]),
        st.integers(-1_440, 90 * 1_440),
    ),
    max_size=12,
)
scores = st.builds(
    lambda half_life, points, bound: parse_score(
        {
            "kind": "score", "id": "engagement", "half_life": half_life,
            "rules": [
                {"id": "opened", "event": "Email Opened", "points": points[0], "at_most": bound},
                {"id": "bought", "event": "Order Completed", "points": points[1]},
                {"id": "left", "event": "Unsubscribed", "points": points[2], "at_most": 20},
                {"id": "director", "if": {"attribute": "role", "is": "director"}, "points": points[3]},
            ],
        }
    ),
    st.sampled_from(["PT1H", "P1D", "P14D", "P365D"]),
    st.lists(st.integers(-50, 50) | st.floats(-1e4, 1e4), min_size=4, max_size=4),
    st.floats(0.001, 100),
)  # fmt: skip


@given(scores, events, st.randoms(use_true_random=False))
def test_a_score_does_not_depend_on_the_order_of_arrival(score, events, random):
    one, other = (score.recompute(order) for order in (events, random.sample(events, len(events))))
    assert one.keys() == other.keys()
    for rule in one:
        assert one[rule].at == other[rule].at
        assert isclose(one[rule].points, other[rule].points, rel_tol=1e-9, abs_tol=1e-9)


@given(scores, events, events, events)
def test_merging_equals_scoring_the_union_in_any_grouping(score, a, b, c):
    one, two, three = map(score.recompute, (a, b, c))
    ways = [
        score.merge(score.merge(one, two), three),
        score.merge(one, score.merge(three, two)),
        score.recompute(a + b + c),
    ]
    for merged in ways[:2]:
        assert merged.keys() == ways[2].keys()
        for rule, points in merged.items():
            assert points.at == ways[2][rule].at
            assert isclose(points.points, ways[2][rule].points, rel_tol=1e-9, abs_tol=1e-6)


@given(scores, events, events)
def test_folding_in_two_batches_equals_folding_in_one(score, first, second):
    held = score.recompute(first)
    for event in second:
        held = score.update(held, event)
    assert held == score.recompute(first + second)


@settings(max_examples=500)
@given(
    scores, events, st.sampled_from([gt, ge, lt, le]), st.floats(-100, 200) | st.integers(-60, 60), st.booleans(),
    st.lists(st.floats(0, 1), max_size=5), st.floats(0, 120),
)  # fmt: skip
def test_the_crossing_of_a_threshold_is_right_on_both_sides(
    score, events, compare, threshold, is_director, fractions, ahead
):
    def holds(value):
        return compare(value, threshold)

    view = a_view(events, score, NOW + ahead, role="director" if is_director else "intern")
    truth, turns_at = score.evaluate(view, holds, threshold)
    assert truth is holds(score.value(view))
    end = min(turns_at, NOW + 5_000 * DAY)
    assert end > view.now
    before = [view.now + (end - view.now) * fraction**4 for fraction in fractions]
    before += [end - 0.001, end - 60, (end + view.now) / 2]
    for moment in before:
        if view.now <= moment < end:
            assert holds(score.value(view._replace(now=moment))) is truth
    if turns_at < inf:
        assert holds(score.value(view._replace(now=turns_at))) is not truth
