"""How likely a person reads what has just come, by the hour of the week, from what they did with the latest messages.

Each message that a contact keeps (see `engagement`) lay unread for some hours, until it was read or long enough. For an
hour of the week h let N be the messages first read in h, and E the hours h in which one lay there, each message weighed
by its age (half as much after HALF_LIFE) and each hour by e^(-k/LIES), k hours after it came: what lies long sinks. The
rate at which the person reads what has just come is then estimated with a gamma prior, on three levels, each the prior
of the next: the hour of the day, the same on workdays or at the weekend, the hour of the week:

    day = (N_day + 8 p) / (E_day + 8)    part = (N_part + 5 day) / (E_part + 5)    rate = (N + 5 part) / (E + 5)

N_day and E_day take a fifth from each of their neighbours. p is the rhythm of the account's people with a peak at the
account's usual hour, of a strength of 3 in place of 8: that is tried first, and stays until it fails.

All that holds of somebody who has a habit of their own. Who reads at any hour, or when everybody does, seems to have
one too, by chance, and would be worse off for it. So a second estimate is the rhythm alone, at the person's own level,
and the two are mixed by how likely each makes what happened: the N of a few hours together are Poisson under the
rhythm, and negative binomial under a habit, whose rate differs from the rhythm's by a gamma of a small shape. How many
have habits at all is learned from the account's people (`lessons`). The worth of sending at h is in both the chance
that it is read, discounted by how long it lay:

    worth(h) = rate(h) + (1 - rate(h)) e^(-1/LIES) worth(h + 1)

The estimate is the empirical Bayes rate of the gamma-Poisson model (D. Clayton, J. Kaldor, "Empirical Bayes estimates
of age-standardized relative risks", Biometrics 43 (1987), 671-681), openings in place of deaths. What lay unread speaks
against an hour, so hours that were never tried come up by themselves.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from math import exp, lgamma, log
from typing import NamedTuple

from postroad.advice.rhythm import RATE, Rhythm
from postroad.contacts.engagement import HOUR, Sent
from postroad.instants import DAY

WEEK_HOURS = 168
# Seconds after which a message says half as much of a habit, and hours in which what lies unread loses a factor of e.
HALF_LIFE = 180 * DAY
LIES = 6.0
# Hours for which a message counts as lying there.
LOOKS = 24
STRENGTH, STRENGTH_PART, STRENGTH_USUAL = 8.0, 5.0, 3.0
NEIGHBOUR = 0.2
# By how many hours RATE holds a person's own level.
FIRM = 20.0
# Habits are looked for in so many hours together, with rates of such a shape.
WIDTHS = ((3, 0.2), (6, 0.6))
# Another hour must promise so much more than the usual one.
EDGE = 0.02
# Of hours that promise as much, the one at which the person was seen.
SEEN = 0.02


class Deeds(NamedTuple):
    """What somebody did, by the hour of the week: how much was read in it, and how long messages lay there unread."""

    read: list[float]
    lay: list[float]


class Worth(NamedTuple):
    """What it is worth to send in each hour of the week, with all that is known and by the rhythm of everybody alone,
    and how likely it is that the person has a habit of their own."""

    known: list[float]
    by_rhythm: list[float]
    likely: float


def count(sents: Sequence[Sent], zone: tzinfo, now: float) -> Deeds:
    """What somebody did with these messages, on the clock of a zone."""
    read, lay = [0.0] * WEEK_HOURS, [0.0] * WEEK_HOURS
    this_hour = int(now // HOUR)
    for sent in sents:
        weight = 0.5 ** (max(this_hour - sent.hour, 0) * HOUR / HALF_LIFE)
        slot, looks = slot_of(sent.hour, zone), min(LOOKS, this_hour - sent.hour + 1)
        if sent.answered:
            looks = min(looks, sent.delay + 1)
            read[(slot + sent.delay) % WEEK_HOURS] += weight
        for after in range(looks):
            lay[(slot + after) % WEEK_HOURS] += weight * _FADE[after]
    return Deeds(read, lay)


def weigh(deeds: Deeds, rhythm: Rhythm) -> Worth:
    """What each hour of the week is worth to somebody who did this."""
    evidence, without = _compare_habit(deeds, rhythm)
    odds = rhythm.habits / (1 - rhythm.habits) * evidence
    likely = odds / (1 + odds)
    total = sum(deeds.read) or 1.0
    by_habit, by_rhythm = _look_ahead(_rates(deeds, rhythm)), _look_ahead(without) * 7
    if not rhythm.weights:
        # Nobody knows when these people read: that alone is no reason to leave the usual hour.
        by_rhythm = [min(each, by_rhythm[rhythm.usual]) for each in by_rhythm]
    known = [
        likely * (habit + SEEN * seen / total) + (1 - likely) * usually
        for habit, seen, usually in zip(by_habit, deeds.read, by_rhythm, strict=True)
    ]
    for slot in range(rhythm.usual, WEEK_HOURS, 24):
        known[slot] *= 1 + EDGE
    return Worth(known, by_rhythm, likely)


def weigh_habit(deeds: Deeds, rhythm: Rhythm) -> float:
    """How many times likelier it is that somebody did this when they have a habit than when they have none."""
    return _compare_habit(deeds, rhythm)[0]


def slot_of(hour: int, zone: tzinfo) -> int:
    """The hour of the week, in local time, at which an hour counted from the epoch begins."""
    local = datetime.fromtimestamp(hour * HOUR, UTC).astimezone(zone)
    return local.weekday() * 24 + local.hour


def past_of(hour: int, zone: tzinfo) -> int:
    """How many minutes past a full hour, in local time, an hour counted from the epoch begins."""
    return datetime.fromtimestamp(hour * HOUR, UTC).astimezone(zone).minute


def by_hour(counts: Sequence[float]) -> list[float]:
    """What is counted by the hour of the week, by the hour of the day."""
    return [sum(counts[hour::24]) for hour in range(24)]


def _compare_habit(deeds: Deeds, rhythm: Rhythm) -> tuple[float, list[float]]:
    """`weigh_habit`, and the rate of each hour of the day for somebody without a habit."""
    read, lay, shares = by_hour(deeds.read), by_hour(deeds.lay), rhythm.shares
    exposed = sum(share * hours for share, hours in zip(shares, lay, strict=True))
    level = (sum(read) + RATE * FIRM) / (exposed + FIRM)
    without = [min(_SURE, level * share) for share in shares]
    expected = [rate * hours for rate, hours in zip(without, lay, strict=True)]
    evidence = [
        exp(min(_CERTAIN, sum(_compare(n, m, shape) for n, m in _in_groups(read, expected, width, begin)))) / width
        for width, shape in WIDTHS
        for begin in range(width)
    ]
    return sum(evidence) / len(WIDTHS), without


def _in_groups(
    read: Sequence[float], expected: Sequence[float], width: int, begin: int
) -> Iterator[tuple[float, float]]:
    """Both summed over so many hours of the day together, from an hour on."""
    twice = (*read, *read), (*expected, *expected)
    for first in range(begin, begin + 24, width):
        yield sum(twice[0][first : first + width]), sum(twice[1][first : first + width])


def _compare(read: float, expected: float, shape: float) -> float:
    """By how much likelier (as a logarithm) it is that so much was read when the rate differs by a gamma of this shape
    than when it is as expected."""
    habit = lgamma(shape + read) - lgamma(shape) + shape * log(shape) - (shape + read) * log(shape + expected)
    return habit + expected


def _rates(deeds: Deeds, rhythm: Rhythm) -> list[float]:
    """What each hour of the week is estimated at: each level is the prior of the next."""
    read, lay = deeds
    strengths = [STRENGTH_USUAL if hour == rhythm.usual else STRENGTH for hour in range(24)]
    days = _estimate(_spread(by_hour(read)), _spread(by_hour(lay)), rhythm.rates, strengths)
    rates: list[float] = []
    for part in (slice(0, _WEEKEND), slice(_WEEKEND, WEEK_HOURS)):
        of_part = _estimate(by_hour(read[part]), by_hour(lay[part]), days, [STRENGTH_PART] * 24)
        of_each = of_part * (len(read[part]) // 24)
        rates += _estimate(read[part], lay[part], of_each, [STRENGTH_PART] * len(of_each))
    return [min(_SURE, rate) for rate in rates]


def _estimate(read: Sequence[float], lay: Sequence[float], prior: Sequence[float], by: Sequence[float]) -> list[float]:
    return [(n + m * p) / (e + m) for n, e, p, m in zip(read, lay, prior, by, strict=True)]


def _spread(counts: Sequence[float]) -> list[float]:
    """Habits are not exact to the hour: neighbours share."""
    return [
        (1 - 2 * NEIGHBOUR) * counts[hour] + NEIGHBOUR * (counts[hour - 1] + counts[(hour + 1) % 24])
        for hour in range(24)
    ]


def _look_ahead(rates: Sequence[float]) -> list[float]:
    """What it is worth to send in each hour of a round, a day or a week, after whose last hour comes its first."""
    fade, later = _FADE[1], 0.0
    for rate in rates[LOOKS - 1 :: -1]:
        later = rate + (1 - rate) * fade * later
    worth = []
    for rate in reversed(rates):
        later = rate + (1 - rate) * fade * later
        worth.append(later)
    return worth[::-1]


_WEEKEND = 5 * 24
_SURE, _CERTAIN = 0.95, 50.0
_FADE = tuple(exp(-hours / LIES) for hours in range(LOOKS))
