"""The rhythm of an account's people: when they read, and how many of them have habits of their own."""

from datetime import time
from typing import NamedTuple

from postroad.documents import Reader
from postroad.local_time import parse_time_of_day

# The rate of an hour about which nothing is known; how flat the rhythm of all people is taken to be, and how much
# likelier than their best hour the usual one is taken to be.
RATE, FLAT, USUAL = 0.03, 0.3, 2.0
# Where the rhythm of an account's people is not known: how much is read at night, where the day has 1.
NIGHT, WAKES, SLEEPS = 0.25, 9, 22
# The share of people who are taken to have habits of their own before an account's people have shown how many do.
HABITS = 0.2
# What changes by less is no news.
NEWS = 0.1


class Learned(NamedTuple):
    """What an account's people have taught, so many of them by so many openings: the weights of their rhythm (none when
    it is not known to differ from the usual one), and the share of them who have habits of their own."""

    weights: tuple[float, ...]
    habits: float
    openings: int
    people: int

    def is_news(self, before: "Learned | None") -> bool:
        """Whether this says something else than what was learned before, or than what is assumed."""
        known = before or NOTHING_LEARNED
        if abs(self.habits - known.habits) >= NEWS:
            return True
        pairs = zip(self.weights, known.weights, strict=True) if self.weights and known.weights else ()
        return bool(self.weights) != bool(known.weights) or any(abs(a - b) >= NEWS * max(a, b, 1.0) for a, b in pairs)


NOTHING_LEARNED = Learned((), HABITS, 0, 0)


class Rhythm(NamedTuple):
    """What holds of everybody: the account's usual hour, how much people read at each hour of the day (24 numbers
    that are compared with each other; none when that is not known), and what share of them has habits of their own."""

    usual: int = 10
    weights: tuple[float, ...] = ()
    habits: float = HABITS

    def taught(self, learned: "Learned | None") -> "Rhythm":
        """This rhythm with what was learned of an account's people; what the policy says of the hours stays."""
        if learned is None:
            return self
        return self._replace(weights=self.weights or learned.weights, habits=learned.habits)

    def begun(self, past: int) -> "Rhythm":
        """The same for hours that begin so many minutes past the full hour: where a zone is half an hour off."""
        if not past:
            return self
        here, weights = 60 - past, self.weights
        shared = tuple((here * n + past * weights[(hour + 1) % 24]) / 60 for hour, n in enumerate(weights))
        return self._replace(usual=(self.usual - 1) % 24, weights=shared)

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
