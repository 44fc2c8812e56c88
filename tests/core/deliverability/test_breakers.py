"""Breakers: when marketing slows and stops by itself, when it goes on, and how a new domain warms up."""

from collections import Counter
from itertools import pairwise

import pytest

from postroad.deliverability.breakers import (
    ALL_WELL,
    BREAKER,
    ENOUGH,
    RESUMED,
    WARM_UP,
    decide,
    describe,
    forgive,
    judge,
    judge_complaints,
    judge_refusals,
    pace,
    resume,
    resumed_at,
)
from postroad.deliverability.warm_up import WarmUp, find_turn
from postroad.instants import DAY, parse_instant
from postroad.sending.holds import ALL, MARKETING, PAUSE, SLOW, Hold, find_hold
from postroad.stats import HourCounts, MessageCounts, hour_of

NOW = parse_instant("2026-11-23T15:30:00Z")
HOUR = 3_600.0


def hour(ago: float, sent: int, provider: str = "gmail", **cases: int) -> HourCounts:
    return HourCounts(hour_of(NOW - ago), {provider: MessageCounts(total=sent, sent=sent, **cases)})


@pytest.mark.parametrize(
    ("cases", "kind"),
    [
        ({}, ""),
        ({"bounced": 19}, ""),
        ({"bounced": 20}, SLOW),
        ({"bounced": 39}, SLOW),
        ({"bounced": 40}, PAUSE),
        ({"complained": 1}, SLOW),
        ({"complained": 2}, PAUSE),
        ({"bounced": 25, "complained": 2}, PAUSE),
    ],
)
def test_c56_bounces_and_complaints_slow_and_then_stop_marketing(cases, kind):
    assert judge([hour(0, 1_000, **cases)], NOW).kind == kind


def test_c56_a_finding_says_how_many_of_how_many_and_what_is_too_many():
    because = "40 of 1,000 mails of the last 1 hour bounced: 4.00%, and 4.00% is too many"
    assert judge([hour(0, 1_000, bounced=40)], NOW).because == because


def test_c56_one_complaint_alone_stops_nothing_however_few_were_sent():
    assert judge([hour(0, ENOUGH, complained=1)], NOW).kind == SLOW
    assert judge([hour(0, ENOUGH - 1, complained=5)], NOW) == ALL_WELL


def test_c56_a_day_is_looked_at_as_well_as_an_hour_and_all_providers_together():
    spread = [hour(n * HOUR, 50, provider, bounced=2) for n, provider in enumerate(("gmail", "yahoo", "gmx", "other"))]
    assert judge(spread, NOW).kind == PAUSE
    assert judge([hour(25 * HOUR + HOUR, 1_000, bounced=500)], NOW) == ALL_WELL
    mixed = [hour(0, 200, bounced=9), hour(5 * HOUR, 10_000)]
    assert judge(mixed, NOW).because.startswith("9 of 200 mails of the last 1 hour")


def test_c56_more_refusals_than_in_the_weeks_before_slow():
    usual = [hour(n * DAY, 1_000, unsubscribed=4) for n in range(8, 30)]
    assert judge_refusals([*usual, hour(DAY, 1_000, unsubscribed=7)], NOW) == ALL_WELL
    found = judge_refusals([*usual, hour(DAY, 1_000, unsubscribed=9)], NOW)
    assert found.kind == SLOW
    assert found.because == "0.90% of those who got mail within a week have unsubscribed, and 0.40% in the weeks before"
    assert judge_refusals([hour(DAY, 1_000, unsubscribed=90)], NOW) == ALL_WELL


def test_c56_a_breaker_holds_marketing_and_lets_what_people_asked_for_go_on():
    change = decide(judge([hour(0, 1_000, bounced=40)], NOW), [], NOW)
    assert change
    assert change.hold
    assert (change.hold.scope, change.hold.kind, change.hold.by) == (MARKETING, PAUSE, BREAKER)
    assert find_hold([change.hold], "journey/welcome@1", transactional=False) == change.hold
    assert find_hold([change.hold], "journey/receipt@1", transactional=True) is None


def test_c56_what_is_slowed_recovers_by_itself_and_what_has_stopped_waits_for_a_person():
    slowed, stopped = (Hold(MARKETING, kind, NOW - 60, BREAKER) for kind in (SLOW, PAUSE))
    bad, worse = judge([hour(0, 1_000, bounced=25)], NOW), judge([hour(0, 1_000, bounced=50)], NOW)
    assert decide(bad, [slowed], NOW) is None
    worsened = decide(worse, [slowed], NOW)
    assert worsened
    assert worsened.hold
    assert worsened.hold.kind == PAUSE
    assert decide(ALL_WELL, [slowed], NOW) == (BREAKER, None)
    for finding in (ALL_WELL, bad, worse):
        assert decide(finding, [stopped], NOW) is None
    assert decide(ALL_WELL, [Hold(ALL, PAUSE, NOW), Hold(MARKETING, PAUSE, NOW)], NOW) is None


def test_c56_once_a_person_lets_it_go_on_what_was_before_does_not_trip_it_again():
    holds = [resume("we have cleaned the list", [], NOW)]
    assert (holds[0].scope, resumed_at(holds)) == (RESUMED, NOW)
    assert find_hold(holds, "broadcast/autumn", transactional=False) is None
    before = [hour(HOUR, 1_000, bounced=500)]
    assert judge(before, NOW + 60).kind == PAUSE
    assert judge(before, NOW + 60, resumed_at(holds)) == ALL_WELL


def test_c56_after_a_person_lets_it_go_on_the_rest_of_the_same_broadcast_is_looked_at_anew():
    tripped = [hour(HOUR, 9_000, bounced=900), hour(0, 1_000, bounced=500)]
    row = resume("the list is clean now", tripped, NOW)
    since = resumed_at([row])
    assert judge(forgive(tripped, [row]), NOW + 60, since) == ALL_WELL
    clean = [tripped[0], hour(0, 2_000, bounced=500)]
    assert judge(forgive(clean, [row]), NOW + 300, since) == ALL_WELL
    still_bad = [tripped[0], hour(0, 1_300, bounced=530)]
    found = judge(forgive(still_bad, [row]), NOW + 300, since)
    assert found.because == "30 of 300 mails of the last 1 hour bounced: 10.00%, and 4.00% is too many"
    later = [*tripped, hour(-HOUR, 300, bounced=30)]
    assert judge(forgive(later, [row]), NOW + HOUR + 60, since).kind == PAUSE


def test_c56_reports_that_come_days_later_are_looked_at_too():
    old = [hour(3 * DAY, 9_000, complained=90)]
    assert judge(old, NOW) == ALL_WELL
    assert judge_complaints(old, NOW).because.startswith("90 of 9,000 mails of the last 1 week were reported as spam")
    assert judge_complaints(old, NOW).kind == PAUSE
    assert judge_complaints([hour(3 * DAY, 9_000, bounced=900)], NOW) == ALL_WELL
    assert judge_complaints(old, NOW, since=NOW - DAY) == ALL_WELL


def test_the_rules_are_told_in_numbers():
    assert describe()["complained"] == "slows at 0.05%, stops at 0.08% of an hour's or a day's mails"


# Warming up

PLAN = WarmUp("2026-11-23", 200)


def test_a_new_domain_sends_half_as_much_again_each_day_until_it_is_warm():
    assert [PLAN.room(day) for day in ("2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25", "2026-12-07")] == [
        None,
        200,
        300,
        450,
        58_386,
    ]
    assert PLAN.room("2026-12-09") is None
    assert len(PLAN.days()) == 16


def test_while_a_domain_warms_up_marketing_leaves_little_by_little_and_stops_at_the_days_room():
    slow = pace(PLAN, [hour(0, 10)], [], NOW)
    assert slow
    assert slow.hold
    assert (slow.hold.kind, slow.hold.note) == (SLOW, "the domain is warming up: 200 mails may leave on 2026-11-23")
    assert pace(PLAN, [hour(0, 20)], [slow.hold], NOW) is None
    full = pace(PLAN, [hour(0, 150), hour(3 * HOUR, 50)], [slow.hold], NOW)
    assert full
    assert full.hold
    assert (full.hold.kind, full.hold.by) == (PAUSE, WARM_UP)
    tomorrow = pace(PLAN, [hour(0, 150), hour(3 * HOUR, 50)], [full.hold], NOW + DAY)
    assert tomorrow
    assert tomorrow.hold
    assert tomorrow.hold.kind == SLOW


def test_c81_a_large_broadcast_of_a_new_domain_leaves_within_the_room_of_each_day():
    """5,000 mails are made at once; it is looked at every ten minutes, and 20 leave a minute at most."""
    made = NOW - NOW % DAY + 10 * HOUR
    waiting = {f"message-{number}" for number in range(5_000)}
    left: Counter[str] = Counter()
    holds: list[Hold] = []
    now = made
    while now < made + 4 * DAY:
        hours = [HourCounts(each, {"gmail": MessageCounts(sent=number)}) for each, number in left.items()]
        change = pace(PLAN, hours, holds, now)
        holds = holds if change is None else [change.hold] if change.hold else []
        (hold,) = holds
        if hold.kind == SLOW:
            free = [each for each in sorted(waiting) if hold.find_moment(each, made) <= now][:200]
            waiting -= set(free)
            left[hour_of(now)] += len(free)
        now += 600.0
    days = Counter[str]()
    for each, number in left.items():
        days[each[:10]] += number
    for day, number in days.items():
        room = PLAN.room(day)
        assert room is not None
        assert number <= room + 200, day  # what leaves between two looks
    assert days.total() >= 200 + 300 + 450 + 675


def test_c81_who_gave_a_sign_of_life_lately_gets_the_mail_of_a_new_domain_first():
    midnight, days = NOW - NOW % DAY, (0, 3, 10, 30, 90, 300)
    (hold,) = [change.hold for change in [pace(PLAN, [], [], NOW)] if change and change.hold]
    turns = {
        silent: [find_turn(midnight - silent * DAY, midnight, f"message-{number}") for number in range(50)]
        for silent in days
    }
    for sooner, later in pairwise(days):
        assert max(turns[sooner]) < min(turns[later])
    assert all(0 <= turn < 1 for found in turns.values() for turn in found)
    unknown = [find_turn(0.0, midnight, f"message-{number}") for number in range(200)]
    assert 0.5 <= min(unknown) < 0.55
    assert 0.95 < max(unknown) < 1
    assert find_turn(midnight + HOUR, midnight, "message-1") == find_turn(midnight, midnight, "message-1")
    assert hold.find_moment("message-1", midnight, 0.25) == midnight + DAY / 4


def test_a_day_on_which_providers_put_mail_off_is_over_for_a_domain_that_warms_up():
    assert pace(PLAN, [hour(0, 100, deferred=4)], [], NOW).hold.kind == SLOW  # type: ignore[union-attr]
    found = pace(PLAN, [hour(0, 100, deferred=5)], [], NOW)
    assert found
    assert found.hold
    assert pace(PLAN, [hour(0, 100, deferred=7)], [found.hold], NOW + 60) is None
    anew = pace(PLAN, [hour(0, 100, deferred=7)], [found.hold._replace(since=found.hold.since - DAY)], NOW)
    assert anew
    assert anew.hold
    assert anew.hold.since == found.hold.since
    assert found
    assert found.hold
    assert found.hold.note == "the domain is warming up, and 5.0% of the mails of 2026-11-23 were put off"


def test_a_plan_that_is_over_or_gone_lets_go():
    held = Hold(MARKETING, PAUSE, NOW, WARM_UP)
    assert pace(PLAN, [], [held], NOW + 20 * DAY) == (WARM_UP, None)
    assert pace(None, [], [held], NOW) == (WARM_UP, None)
    assert pace(None, [], [], NOW) is None
