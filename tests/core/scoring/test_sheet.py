"""Scoring: points fade by a half-life, in any order of arrival, and cross a threshold at a known minute."""

from math import inf, isclose
from operator import ge, gt, le, lt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.contacts.contact import Attribute, Contact, Points
from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.instants import DAY, format_instant
from postroad.predicates.predicate import View, parse_predicate
from postroad.scoring.sheet import Reason, parse_score

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
        Reason("left", -25.0, "Unsubscribed", NOW),
        Reason("director", 15.0, "role is director"),
        Reason("opened", 5.0, "Email Opened", NOW - 14 * DAY),
    )


def test_a_score_falls_below_its_threshold_a_half_life_later():
    engaged = parse_predicate({"score": "engagement", "gte": 20})
    truth, turns_at = engaged.evaluate(a_view([an_event("Order Completed", total=99)]))
    assert truth
    assert abs(turns_at - (NOW + 14 * DAY)) <= 60 * 60
    view = a_view([an_event("Order Completed", total=99)])
    assert SCORE.value(view._replace(now=turns_at - 0.001)) == 20.0
    assert SCORE.value(view._replace(now=turns_at)) == 19.999


CAPPED = parse_score(
    {
        "kind": "score", "id": "engagement", "half_life": "P14D",
        "bands": [{"id": "hot", "from": 15}, {"id": "warm", "from": 5}, {"id": "cold"}],
        "rules": [{"id": "page", "event": "Page Viewed", "points": 3, "cap": {"points": 10, "per": "P1D"}}],
    }
)  # fmt: skip
# Noon of the day in UTC, so that hours before and after belong to it.
NOON = NOW // DAY * DAY + DAY / 2
LASTING = parse_score(
    {
        "kind": "score", "id": "engagement", "half_life": "P14D",
        "bands": [{"id": "hot", "from": 8}, {"id": "cold"}],
        "rules": [{"id": "visit", "event": "Pricing Viewed", "points": 4, "lasts": "P7D", "at_most": 10}],
    }
)  # fmt: skip


def views(*days):
    return [
        Event(f"p{n}", "Page Viewed", NOON - day * DAY + n, NOON - day * DAY + n, source=str(day))
        for n, day in enumerate(days)
    ]


@pytest.mark.parametrize(
    ("days", "value"),
    [
        ([0, 0], 6.0),
        ([0] * 9, 10.0),
        ([0] * 9 + [1] * 9, 10.0 + 10.0 * 0.5 ** (1 / 14)),
        ([28] * 9 + [14] * 9 + [0], 2.5 + 5.0 + 3.0),
    ],
)
def test_c67_a_cap_bounds_what_one_day_gives(days, value):
    assert CAPPED.value(a_view(views(*days), CAPPED, NOON + 60)) == pytest.approx(value, abs=0.02)


def test_c67_a_late_event_finds_the_window_to_which_it_belongs():
    held = CAPPED.recompute(views(*[3] * 3, 2, 1, 0))
    late = views(*[3] * 9)
    for event in late:
        held = CAPPED.update(held, event)
    in_order = CAPPED.recompute([*views(*[3] * 3), *late, *views(2, 1, 0)])
    one, other = (Contact("c1", scores={"engagement": dict(each)}) for each in (held, in_order))
    assert CAPPED.value(View(one, NOON + 60)) == CAPPED.value(View(other, NOON + 60))


def test_c67_what_comes_later_than_four_windows_counts_as_a_window_of_its_own():
    held = CAPPED.recompute(views(*[5] * 9, 3, 2, 1, 0))
    assert len(held["page"].windows) == 4
    late = CAPPED.update(held, views(5)[0])
    added = late["page"].points / held["page"].points
    assert added == pytest.approx(13 / 10, rel=1e-6)


def a_lasting_view(*days, now=NOW):
    (tracker,) = LASTING.trackers
    times = sorted(NOW - day * DAY for day in days)
    memory = [len(times), *times[:1], *times[-1:], *times[-tracker.keep :]]
    return View(Contact("c1", behaviour={tracker.tracker_id: memory} if times else {}), now, {"engagement": LASTING})


@pytest.mark.parametrize(
    ("days", "value", "turns_at"),
    [
        ([], 0.0, inf),
        ([8], 0.0, inf),
        ([6, 1], 8.0, NOW + DAY),
        ([6, 5, 4, 3, 2], 10.0, NOW + 3 * DAY),
        ([1], 4.0, inf),
    ],
)
def test_c67_points_that_last_a_window_are_gone_after_it(days, value, turns_at):
    view = a_lasting_view(*days)
    assert LASTING.value(view) == value
    if turns_at < inf:
        assert LASTING.sort(view).turns_at <= turns_at
        assert LASTING.value(view._replace(now=turns_at)) < value


def test_a_lasting_rule_says_why_and_when():
    assert LASTING.reasons(a_lasting_view(6, 1)) == (
        Reason("visit", 8.0, "Pricing Viewed within the last 1 week", NOW - DAY),
    )


@pytest.mark.parametrize(
    ("count", "days", "band"), [(9, 0, "warm"), (1, 0, "cold"), (0, 0, "cold"), (9, 13, "warm"), (9, 15, "cold")]
)
def test_a_score_stands_in_the_band_that_its_value_reaches(count, days, band):
    view = a_view(views(*[days] * count), CAPPED, NOON + 60)
    assert CAPPED.sort(view).names == (band,)


def test_a_band_is_left_at_the_minute_at_which_the_score_falls_below_it():
    view = a_view([*views(*[0] * 9), *views(*[1] * 9)], CAPPED, NOON + 60)
    assert CAPPED.sort(view).names == ("hot",)
    turns_at = CAPPED.sort(view).turns_at
    assert CAPPED.value(view._replace(now=turns_at - 0.001)) >= 15
    assert CAPPED.value(view._replace(now=turns_at)) < 15
    assert CAPPED.sort(view._replace(now=turns_at)).names == ("warm",)


def test_points_can_be_given_by_name_and_have_a_reason_of_their_own():
    given = Event("g", "Points Given", NOW, NOW, trusted=True, properties={"score": "engagement", "points": 7})
    other = Event("o", "Points Given", NOW, NOW, trusted=True, properties={"score": "fit", "points": 7})
    view = a_view([given, other, an_event("Email Opened")])
    assert SCORE.value(view) == 17.0
    assert Reason("~given", 7.0, "points given by a journey", NOW) in SCORE.reasons(view)


def test_c67_a_sheet_describes_its_rules_with_weights_windows_and_decay():
    sheet = parse_score({**DOCUMENT, "bands": [{"id": "hot", "from": 70}, {"id": "cold"}], "rules": [
        {"id": "page", "event": "Page Viewed", "points": 2, "at_most": 20, "cap": {"points": 10, "per": "P1D"}},
        {"id": "visit", "event": "Pricing Viewed", "points": 4, "lasts": "P7D"},
        {"id": "role", "if": {"attribute": "role", "is": "director"}, "points": -5},
    ]})  # fmt: skip
    assert sheet.describe() == (
        "points fade to a half in 2 weeks",
        "+2 for Page Viewed, at most 10 within 1 day, at most 20 in all",
        "+4 for Pricing Viewed within the last 1 week, for the latest 50",
        "-5 while role is director",
        "bands: hot from 70, cold",
    )


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
        ([{"id": "a", "event": "X", "points": 1, "cap": {"points": 5}}], [("rules[0].cap.per", "is missing")]),
        ([{"id": "a", "event": "X", "points": 1, "cap": {"points": 5, "per": "PT1M"}}],
         [("rules[0].cap.per", "must be between 1 hour and 400 days")]),
        ([{"id": "a", "event": "X", "points": 1, "lasts": "P30D", "at_most": 60}],
         [("rules[0].at_most", "is 60 events; points that last a while count up to 50")]),
        ([{"id": "a", "event": "X", "points": 1, "lasts": "P30D", "cap": {"points": 5, "per": "P1D"}}],
         [("rules[0].cap", "has no place beside lasts; at_most bounds what counts at any moment")]),
        ([3], [("rules[0]", "must be an object with keys, not a number")]),
    ],
)  # fmt: skip
def test_a_score_with_a_mistake_is_refused(rules, mistakes):
    with pytest.raises(DefinitionError) as raised:
        parse_score({**DOCUMENT, "rules": rules})
    assert list(raised.value.mistakes) == mistakes


@pytest.mark.parametrize("subject", ["score", "matrix"])
def test_a_rule_of_a_score_may_not_read_what_depends_on_scores(subject):
    rules = [{"id": "a", "if": {subject: "x"}, "points": 1}]
    with pytest.raises(DefinitionError, match="is not known in this place"):
        parse_score({**DOCUMENT, "rules": rules})


@pytest.mark.parametrize(
    ("bands", "mistake"),
    [
        ([{"id": "hot", "from": 70}], ("bands", "must be a list of 2 to 10 objects; there are 1")),
        ([{"id": "cold"}, {"id": "hot", "from": 70}], ("bands[0].from", "is missing")),
        ([{"id": "warm", "from": 30}, {"id": "hot", "from": 70}, {"id": "cold"}],
         ("bands[1].from", "must begin below 30; write the highest band first")),
        ([{"id": "hot", "from": 70}, {"id": "cold", "from": 0}],
         ("bands[1].from", "is the lowest band, which takes all that is left; leave from out")),
        ([{"id": "hot", "from": 70}, {"id": "hot"}], ("bands[1].id", "'hot' is the id of one before it")),
    ],
)  # fmt: skip
def test_bands_with_a_mistake_are_refused(bands, mistake):
    with pytest.raises(DefinitionError) as raised:
        parse_score({**DOCUMENT, "bands": bands})
    assert mistake in raised.value.mistakes


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


capped_events = st.lists(
    st.builds(lambda minutes: an_event("Page Viewed", minutes / 1_440), st.integers(0, 4 * 1_440 - 1)), max_size=14
)


def is_alike(one, other):
    assert one.keys() == other.keys()
    for rule, points in one.items():
        assert isclose(points.points, other[rule].points, rel_tol=1e-9, abs_tol=1e-9)
        assert [(number, at) for number, _, at in points.windows] == [(n, at) for n, _, at in other[rule].windows]
        for mine, theirs in zip(points.windows, other[rule].windows, strict=True):
            assert isclose(mine[1], theirs[1], rel_tol=1e-9, abs_tol=1e-9)
    return True


@given(capped_events, st.randoms(use_true_random=False))
def test_c67_a_cap_does_not_depend_on_the_order_of_arrival_within_its_open_windows(events, random):
    # Four days ending at midnight: as many windows as are kept open.
    shifted = [Event(e.event_id, e.name, e.time - (NOW % DAY), e.time) for e in events]
    held: dict[str, Points] = {}
    for event in random.sample(shifted, len(shifted)):
        held = CAPPED.update(held, event)
    assert is_alike(held, CAPPED.recompute(shifted))


@given(capped_events, capped_events)
def test_c67_merging_commutes_under_a_cap(a, b):
    one, other = CAPPED.recompute(a), CAPPED.recompute(b)
    assert CAPPED.merge(one, other) == CAPPED.merge(other, one)


@given(
    st.lists(st.integers(0, 20), max_size=12), st.lists(st.floats(0, 30), min_size=1, max_size=5),
    st.sampled_from([LASTING, CAPPED]),
)  # fmt: skip
def test_time_never_changes_a_band_before_it_says_so(days, moments, sheet):
    view = a_lasting_view(*days) if sheet is LASTING else a_view(views(*days), CAPPED, NOW)
    names, turns_at = sheet.sort(view)
    for moment in (NOW + days * DAY for days in moments):
        if moment < turns_at:
            assert sheet.sort(view._replace(now=moment)).names == names


@settings(max_examples=200)
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
