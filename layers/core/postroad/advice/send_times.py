"""When to write to a person: the hour after which a message is most likely to be read soon.

Each message that a contact keeps (see `engagement`) lay unread for some hours, until it was read or long enough. For an
hour of the week h let N be the messages first read in h, and E the hours h in which one lay there, each message weighed
by its age (half as much after HALF_LIFE) and each hour by e^(-k/LIES), k hours after it came: what lies long sinks. The
rate at which the person reads what has just come is then estimated with a gamma prior, on three levels, each the prior
of the next: the hour of the day, the same on workdays or at the weekend, the hour of the week:

    day = (N_day + 8 p) / (E_day + 8)    part = (N_part + 5 day) / (E_part + 5)    rate = (N + 5 part) / (E + 5)

N_day and E_day take a fifth from each of their neighbours. p is the rhythm of the account's people with a peak at the
account's usual hour, of a strength of 3 in place of 8: that is tried first, and stays until it fails.

All that holds of somebody who has a habit. Who reads at any hour seems to have one too, by chance, and would be worse
off for it. So a second estimate is the rhythm alone, at the person's own level, and the two are mixed by how likely
each makes what happened: the N of a few hours together are Poisson under the rhythm, and negative binomial under a
habit, whose rate differs from the rhythm's by a gamma of a small shape. The worth of sending at h is in both the
chance that it is read, discounted by how long it lay:

    worth(h) = rate(h) + (1 - rate(h)) e^(-1/LIES) worth(h + 1)

The estimate is the empirical Bayes rate of the gamma-Poisson model (D. Clayton, J. Kaldor, "Empirical Bayes estimates
of age-standardized relative risks", Biometrics 43 (1987), 671-681), openings in place of deaths. What lay unread speaks
against an hour, so hours that were never tried come up by themselves.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, tzinfo
from math import exp, lgamma, log
from typing import NamedTuple

from postroad.documents import Reader
from postroad.engagement import HOUR, Sent
from postroad.instants import DAY
from postroad.local_time import parse_time_of_day

WEEK_HOURS = 168
# Seconds after which a message says half as much of a habit, and hours in which what lies unread loses a factor of e.
HALF_LIFE = 180 * DAY
LIES = 6.0
# Hours for which a message counts as lying there.
LOOKS = 24
STRENGTH, STRENGTH_PART, STRENGTH_USUAL = 8.0, 5.0, 3.0
NEIGHBOUR = 0.2
# The rate of an hour about which nothing is known, and by how many hours it is held; how flat the rhythm of all people
# is taken to be, and how much likelier than their best hour the usual one is taken to be.
RATE, FIRM, FLAT, USUAL = 0.03, 20.0, 0.3, 2.0
# Where the rhythm of an account's people is not known: how much is read at night, where the day has 1.
NIGHT, WAKES, SLEEPS = 0.25, 7, 23
# Habits are looked for in so many hours together, with rates of such a shape; before anything is known somebody has one
# as likely as not.
HABITS = ((3, 0.2), (6, 0.6))
HAS_HABIT = 0.5
# Another hour must promise so much more than the usual one.
EDGE = 0.02
# Without so many openings, and so many of them together, the advice is the account's usual hour.
FEW, TOGETHER = 3, 2
# A day of the week is named when so large a share of the openings near that hour were on that day.
STANDS_OUT = 0.6
# Of hours that promise as much, the one at which the person was seen.
SEEN = 0.02

# The gate's key, by which a message asks for its best hour and says how many seconds it may wait for it.
SEND_TIME = "send_time"
LONGEST_WAIT = 7 * DAY
USUAL_WAIT = DAY

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NONE, LOW, MEDIUM, HIGH = "none", "low", "medium", "high"


class Rhythm(NamedTuple):
    """What holds of everybody: the account's usual hour, and how much people read at each hour of the day (24 numbers
    that are compared with each other; none when that is not known)."""

    usual: int = 10
    weights: tuple[float, ...] = ()

    @property
    def shares(self) -> list[float]:
        """What is expected of an hour of the day, compared with all 24, as long as nothing else is known."""
        weights = self.weights or _ASLEEP_AT_NIGHT
        total = sum(weights)
        return [(1 - FLAT) * 24 * weight / total + FLAT for weight in weights]

    @property
    def rates(self) -> list[float]:
        """The rates from which a habit is learned: the usual hour is tried first."""
        rates = [RATE * share for share in self.shares]
        rates[self.usual] = USUAL * max(rates)
        return rates


_ASLEEP_AT_NIGHT = tuple(1.0 if WAKES <= hour < SLEEPS else NIGHT for hour in range(24))
USUAL_RHYTHM = Rhythm()


def read_rhythm(reader: Reader) -> Rhythm:
    """The rhythm in the key `send_times` of a policy."""
    child = reader.find_child("send_times")
    if child is None:
        return USUAL_RHYTHM
    usual = child.read("usual", parse_time_of_day, time(10), time(10))
    if usual.minute:
        child.mistake("must be a full hour, such as 10:00", "usual")
    none: tuple[float, ...] = ()
    weights = child.read("rhythm", parse_weights, none, none)
    return Rhythm(usual.hour, weights)


def parse_weights(raw: object) -> tuple[float, ...]:
    """How much people read at each hour of the day. Raises ValueError with a sentence."""
    numbers = raw if isinstance(raw, list | tuple) else ()
    good = all(isinstance(each, int | float) and not isinstance(each, bool) and 0 <= each <= 1e6 for each in numbers)
    if len(numbers) != 24 or not good or not sum(numbers):
        raise ValueError("must be 24 numbers, one for each hour of the day, not all of them 0")
    return tuple(float(each) for each in numbers)


class SendTime(NamedTuple):
    """The best hour to write to somebody, in their local time: `weekday` (0 is Monday) is None when any day will do.

    `read` of `sent` messages were read by the person, `near` of them within an hour of that time. `confidence` is one
    of NONE (then it is the account's usual hour), LOW, MEDIUM and HIGH. `gain` is how many times likelier a message is
    read soon than at the usual hour.
    """

    weekday: int | None
    hour: int
    read: int
    sent: int
    near: int
    confidence: str
    gain: float
    zone: str

    @property
    def time(self) -> str:
        day = "" if self.weekday is None else f"{DAYS[self.weekday]} "
        return f"{day}{self.hour:02d}:00"

    def describe(self) -> str:
        openings = "1 opening" if self.read == 1 else f"{self.read} openings"
        if self.confidence == NONE:
            because = "say too little" if self.read < FEW else "show no habit"
            return f"{self.time}, the account's usual hour: {openings} {because} ({self.zone})"
        about = f"{self.near} of them within an hour of it"
        return f"{self.time} from {openings}, {about}, confidence {self.confidence} ({self.zone})"


class Choice(NamedTuple):
    """When one message should leave (epoch seconds), and why then."""

    at: float
    because: str


def recommend(sents: Sequence[Sent], rhythm: Rhythm, zone: tzinfo, now: float) -> SendTime:
    """The hour of the week at which it is best to write to somebody who did this with the latest messages."""
    read = [sent for sent in sents if sent.answered]
    usually = SendTime(None, rhythm.usual, len(read), len(sents), 0, NONE, 1.0, str(zone))
    if len(read) < FEW:
        return usually
    worth = _worth(sents, rhythm, zone, now)
    best = max(range(WEEK_HOURS), key=worth.__getitem__)
    hour = best % 24
    slots = [_slot(sent.read_at, zone) for sent in read]
    on_any_day = sum(_is_near(slot % 24, hour, 24) for slot in slots)
    on_that_day = sum(_is_near(slot, best, WEEK_HOURS) for slot in slots)
    weekday = best // 24 if on_that_day >= max(FEW, STANDS_OUT * on_any_day) else None
    near = on_any_day if weekday is None else on_that_day
    if near < TOGETHER:
        return usually
    usual = sum(worth[rhythm.usual :: 24]) / 7
    return SendTime(
        weekday, hour, len(read), len(sents), near, _confidence(near, len(read)), worth[best] / usual, str(zone)
    )


def choose(sents: Sequence[Sent], rhythm: Rhythm, zone: tzinfo, since: float, within: float, now: float) -> Choice:
    """When a message should leave that wants to since then, and may wait so many seconds.

    The choice is the same at whatever moment it is asked for, as long as nothing more is known of the contact.
    """
    first, last = int(since // HOUR), int((since + within) // HOUR)
    hours = range(first, max(first, last) + 1)
    worth = _worth(sents, rhythm, zone, now)
    hour = max(hours, key=lambda hour: (worth[_slot(hour, zone)], -hour))
    read = sum(sent.answered for sent in sents)
    if _slot(hour, zone) % 24 == rhythm.usual:
        say = "say too little" if read < FEW else "show no better one"
        because = f"{_name(hour, zone)} is the account's usual hour; {read} openings of {len(sents)} messages {say}"
    elif read >= FEW:
        because = f"{_name(hour, zone)} is their best hour by then, from {read} openings of {len(sents)} messages"
    else:
        because = f"{_name(hour, zone)}, to learn: little was read of what came at the usual {rhythm.usual:02d}:00"
    return Choice(hour * HOUR, because)


def learn_rhythm(people: Sequence[tuple[Sequence[Sent], tzinfo]]) -> tuple[tuple[float, ...], int]:
    """(the weights of a rhythm, from how many openings) of what these people, each with a time zone, did."""
    read, lay = [0.0] * 24, [0.0] * 24
    openings = 0
    for sents, zone in people:
        for sent in sents:
            slot, looks = _slot(sent.hour, zone), LOOKS
            if sent.answered:
                openings += 1
                looks = min(looks, sent.delay + 1)
                read[(slot + sent.delay) % 24] += 1.0
            for after in range(looks):
                lay[(slot + after) % 24] += exp(-after / LIES)
    rates = [(n + STRENGTH * RATE) / (e + STRENGTH) for n, e in zip(read, lay, strict=True)]
    return tuple(round(24 * rate / sum(rates), 2) for rate in rates), openings


def _worth(sents: Sequence[Sent], rhythm: Rhythm, zone: tzinfo, now: float) -> list[float]:
    """How likely a message is to be read soon, by the hour of the week at which it comes."""
    read, lay = [0.0] * WEEK_HOURS, [0.0] * WEEK_HOURS
    this_hour = int(now // HOUR)
    for sent in sents:
        weight = 0.5 ** (max(this_hour - sent.hour, 0) * HOUR / HALF_LIFE)
        slot, looks = _slot(sent.hour, zone), min(LOOKS, this_hour - sent.hour + 1)
        if sent.answered:
            looks = min(looks, sent.delay + 1)
            read[(slot + sent.delay) % WEEK_HOURS] += weight
        for after in range(looks):
            lay[(slot + after) % WEEK_HOURS] += weight * _FADE[after]
    read_by_day, lay_by_day, shares = _by_hour(read), _by_hour(lay), rhythm.shares
    exposed = sum(share * hours for share, hours in zip(shares, lay_by_day, strict=True))
    level = (sum(read_by_day) + RATE * FIRM) / (exposed + FIRM)
    without = [min(_SURE, level * share) for share in shares]
    likely = _likely_habit(read_by_day, [rate * hours for rate, hours in zip(without, lay_by_day, strict=True)])
    total = sum(read) or 1.0
    by_habit, by_rhythm = _look_ahead(_rates(read, lay, rhythm)), _look_ahead(without) * 7
    worth = [
        likely * (habit + SEEN * seen / total) + (1 - likely) * usually
        for habit, seen, usually in zip(by_habit, read, by_rhythm, strict=True)
    ]
    for slot in range(rhythm.usual, WEEK_HOURS, 24):
        worth[slot] *= 1 + EDGE
    return worth


def _likely_habit(read: Sequence[float], expected: Sequence[float]) -> float:
    """How likely it is that somebody has a habit, by what was read in each hour of the day and what is to be expected
    of somebody without one."""
    evidence = [
        exp(min(_CERTAIN, sum(_compare(n, m, shape) for n, m in _in_groups(read, expected, width, begin)))) / width
        for width, shape in HABITS
        for begin in range(width)
    ]
    odds = HAS_HABIT / (1 - HAS_HABIT) * sum(evidence) / len(HABITS)
    return odds / (1 + odds)


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


def _rates(read: Sequence[float], lay: Sequence[float], rhythm: Rhythm) -> list[float]:
    """What each hour of the week is estimated at: each level is the prior of the next."""
    strengths = [STRENGTH_USUAL if hour == rhythm.usual else STRENGTH for hour in range(24)]
    days = _estimate(_spread(_by_hour(read)), _spread(_by_hour(lay)), rhythm.rates, strengths)
    rates: list[float] = []
    for part in (slice(0, _WEEKEND), slice(_WEEKEND, WEEK_HOURS)):
        of_part = _estimate(_by_hour(read[part]), _by_hour(lay[part]), days, [STRENGTH_PART] * 24)
        of_each = of_part * (len(read[part]) // 24)
        rates += _estimate(read[part], lay[part], of_each, [STRENGTH_PART] * len(of_each))
    return [min(_SURE, rate) for rate in rates]


def _by_hour(counts: Sequence[float]) -> list[float]:
    return [sum(counts[hour::24]) for hour in range(24)]


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


def _slot(hour: int, zone: tzinfo) -> int:
    """The hour of the week, in local time, at which an hour counted from the epoch begins."""
    local = datetime.fromtimestamp(hour * HOUR, UTC).astimezone(zone)
    return local.weekday() * 24 + local.hour


def _name(hour: int, zone: tzinfo) -> str:
    slot = _slot(hour, zone)
    return f"{DAYS[slot // 24]} {slot % 24:02d}:00 ({zone})"


def _is_near(slot: int, wanted: int, circle: int) -> bool:
    apart = (slot - wanted) % circle
    return min(apart, circle - apart) <= 1


def _confidence(near: int, read: int) -> str:
    share = near / read
    if read >= 8 and share >= 0.6:
        return HIGH
    return MEDIUM if read >= 4 and share >= 0.4 else LOW
