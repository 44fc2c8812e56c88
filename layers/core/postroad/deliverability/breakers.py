"""Breakers: marketing slows down, and then stops, by itself when too many mails bounce or are reported as spam.

Providers remember a sender's bounces and complaints for weeks, so what goes wrong has to end within minutes. The rates
are those of the mails that left within a window; what concerns people's own requests, transactional mail, goes on.
A breaker that has slowed lets go when the rates have fallen. One that has stopped waits for a person, with a note.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from postroad.deliverability.warm_up import WarmUp
from postroad.instants import DAY, describe_duration
from postroad.sending.holds import MARKETING, PAUSE, SLOW, WARM_UP, Hold
from postroad.stats import HourCounts, MessageCounts, add_counts, day_of, hour_of

# Who puts these holds, and the scope of the row that says from when on numbers count again: it is about no message.
BREAKER, RESUMED = "breaker", "breaker/resumed"
# Who puts the hold when more people than usual unsubscribe, and who when reports of spam come days later.
REFUSALS, COMPLAINTS = "refusals", "complaints"
# Those that a person lets go on.
BREAKERS = (BREAKER, REFUSALS, COMPLAINTS)

HOUR = 3_600.0
# Rates are told over these windows, and only of so many mails or more.
WINDOWS = (HOUR, DAY)
ENOUGH = 200
# What is slowed leaves within so long after it was made.
SPREAD = DAY
# While a domain warms up nothing more leaves on a day on which providers put off so large a share of so many mails.
MANY_DEFERRED, ENOUGH_DEFERRED = 0.05, 50
# How far back numbers are needed: a week of refusals, and the four before it to compare.
WEEK, BEFORE = 7 * DAY, 28 * DAY


class Limit(NamedTuple):
    """From which share of what was sent on a breaker slows, and from which it stops; so many cases or more, because one
    alone is no trend."""

    counter: str
    words: str
    slow: float
    pause: float
    cases: int


LIMITS = (
    Limit("bounced", "bounced", 0.02, 0.04, 2),
    Limit("complained", "were reported as spam", 0.0005, 0.0008, 2),
)
_JUDGED = ("sent", "bounced", "complained", "unsubscribed")
# Refusals slow when they are so many times those of the weeks before, and more than such a share.
MANY_TIMES, MANY_REFUSALS = 2.0, 0.005


class Finding(NamedTuple):
    """What a breaker has found: `kind` is SLOW or PAUSE, "" when all is well; `because` a sentence."""

    kind: str
    because: str


ALL_WELL = Finding("", "")


def judge(hours: Sequence[HourCounts], now: float, since: float = 0.0) -> Finding:
    """The worst that the numbers say; those before `since`, when a person let it go on, do not count."""
    found = [finding for window in WINDOWS for finding in _judge_window(hours, now, window, since)]
    return max(found, key=lambda finding: finding.kind == PAUSE, default=ALL_WELL)


def _judge_window(
    hours: Sequence[HourCounts], now: float, window: float, since: float, limits: Sequence[Limit] = LIMITS
) -> list[Finding]:
    counts = sum_window(hours, max(now - window, since))
    found = []
    for limit in limits if counts.sent >= ENOUGH else ():
        cases = getattr(counts, limit.counter)
        share = cases / counts.sent
        kind = PAUSE if share >= limit.pause and cases >= limit.cases else SLOW if share >= limit.slow else ""
        if kind:
            bound = limit.pause if kind == PAUSE else limit.slow
            found.append(Finding(kind, _tell(cases, counts.sent, limit.words, window, bound)))
    return found


def _tell(cases: int, sent: int, words: str, window: float, bound: float) -> str:
    within = describe_duration(window)
    return f"{cases:,} of {sent:,} mails of the last {within} {words}: {cases / sent:.2%}, and {bound:.2%} is too many"


def judge_complaints(hours: Sequence[HourCounts], now: float, since: float = 0.0) -> Finding:
    """Whether the mails of a week were reported as spam too often: most reports come a day or more after the mail."""
    return next(iter(_judge_window(hours, now, WEEK, since, LIMITS[1:])), ALL_WELL)


def judge_refusals(hours: Sequence[HourCounts], now: float, since: float = 0.0) -> Finding:
    """Whether more people unsubscribe than in the weeks before; it needs the numbers of `WEEK` and `BEFORE`."""
    week = sum_window(hours, max(now - WEEK, since))
    before = sum_window(hours, now - WEEK - BEFORE, now - WEEK)
    if week.sent < ENOUGH or before.sent < ENOUGH:
        return ALL_WELL
    share, usual = week.unsubscribed / week.sent, before.unsubscribed / before.sent
    if share < MANY_REFUSALS or share < MANY_TIMES * usual:
        return ALL_WELL
    because = f"{share:.2%} of those who got mail within a week have unsubscribed, and {usual:.2%} in the weeks before"
    return Finding(SLOW, because)


def sum_window(hours: Sequence[HourCounts], since: float, until: float | None = None) -> MessageCounts:
    """What the mails of a time have come to, over all providers; a begun hour counts whole."""
    first, last = hour_of(max(since, 0.0)), "~" if until is None else hour_of(max(until, 0.0))
    return add_counts(counts for each in hours if first <= each.hour < last for counts in each.providers.values())


class Change(NamedTuple):
    """What is to be done to the hold of one who judges: a hold to put, or (None) to lift it."""

    by: str
    hold: Hold | None


def resumed_at(holds: Collection[Hold]) -> float:
    """When a person last let a breaker go on; 0 if nobody has."""
    return max((hold.since for hold in holds if hold.scope == RESUMED), default=0.0)


def find_own(holds: Collection[Hold], by: str) -> Hold | None:
    """The hold that one who judges has put on marketing."""
    return next((hold for hold in holds if (hold.scope, hold.by) == (MARKETING, by)), None)


def decide(finding: Finding, holds: Collection[Hold], now: float, by: str = BREAKER) -> Change | None:
    """What follows from a finding; None when all stays as it is. One that has stopped stays so."""
    present = find_own(holds, by)
    if present and (present.kind == PAUSE or present.kind == finding.kind):
        return None
    if not finding.kind:
        return Change(by, None) if present else None
    return Change(by, Hold(MARKETING, finding.kind, now, by, finding.because, SPREAD))


def pace(plan: WarmUp | None, hours: Sequence[HourCounts], holds: Collection[Hold], now: float) -> Change | None:
    """What follows from the plan of a new domain and from what has left today; None when all stays as it is."""
    today, present = day_of(now), find_own(holds, WARM_UP)
    midnight = now // DAY * DAY
    room = plan.room(today) if plan else None
    if room is None:
        return Change(WARM_UP, None) if present else None
    counts = sum_window(hours, midnight)
    kind, note = SLOW, f"the domain is warming up: {room:,} mails may leave on {today}"
    if counts.sent >= room:
        kind, note = PAUSE, f"the domain is warming up, and the {room:,} mails of {today} have left"
    elif counts.sent >= ENOUGH_DEFERRED and counts.deferred >= MANY_DEFERRED * counts.sent:
        share = f"{counts.deferred / counts.sent:.1%}"
        kind, note = PAUSE, f"the domain is warming up, and {share} of the mails of {today} were put off"
    # Why the day is over may be told with ever other numbers; that it is over is said once.
    known = present and present.kind == kind and (present.since == midnight if kind == PAUSE else present.note == note)
    if known:
        return None
    # Each day deals out its moments anew, to what is left of the days before as well.
    return Change(WARM_UP, Hold(MARKETING, kind, midnight, WARM_UP, note, DAY))


def resume(note: str, hours: Sequence[HourCounts], now: float) -> Hold:
    """The row by which a person lets a breaker go on; it keeps what the begun hour has counted so far."""
    counts = sum_window(hours, now)
    numbers = tuple((name, number) for name in _JUDGED if (number := getattr(counts, name)))
    return Hold(RESUMED, SLOW, now, BREAKER, note, numbers=numbers)


def forgive(hours: Sequence[HourCounts], holds: Collection[Hold]) -> list[HourCounts]:
    """The hours without what the hour had counted in which a person let breakers go on."""
    row = next((hold for hold in holds if hold.scope == RESUMED and hold.numbers), None)
    taken = MessageCounts(**{name: -number for name, number in row.numbers}) if row else MessageCounts()
    return [*hours, *([HourCounts(hour_of(row.since), {"": taken})] if row else [])]


def describe() -> Mapping[str, str]:
    """The rules, in sentences, by what they are about."""
    return {
        **{
            limit.counter: f"slows at {limit.slow:.2%}, stops at {limit.pause:.2%} of an hour's or a day's mails"
            for limit in LIMITS
        },
        "unsubscribed": f"slows when twice as many leave as in the weeks before, and {MANY_REFUSALS:.1%} or more",
    }
