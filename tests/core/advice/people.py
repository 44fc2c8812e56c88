"""Made-up people whose habits are known: at which hours they look into their mailbox, and how deep.

A message that comes lies there; at each hour somebody looks with the probability of their habit. The first look finds
it, and reads it the less likely the longer it lay. So what a time of sending is worth to each of them is known exactly,
and how much of it advice wins can be measured. CROWDS are people of several kinds, so that what is learned is not how
one kind was made.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from math import exp, sqrt
from random import Random
from typing import NamedTuple

from postroad.advice.estimates import WEEK_HOURS
from postroad.advice.lessons import learn
from postroad.advice.rhythm import Rhythm
from postroad.advice.send_times import choose
from postroad.contacts.engagement import HOUR, OPENED, Sent, note_response, note_sent

# A Monday, midnight in UTC; the people live there.
START = int(1_793_577_600 // HOUR)
USUAL = 10
WAITS = 24
LIES_AT_MOST = 72

_HOURS = (7, 8, 9, 12, 13, 18, 20, 21, 22, 6, 0, 23)
_OFTEN = (10, 10, 6, 8, 6, 8, 12, 12, 6, 4, 2, 3)
EVERY_DAY, WORKDAYS, WEEKEND = range(7), range(5), range(5, 7)


# Habits: the probability to look in each hour of a week, or of two


def _blank(random: Random, least: float = 0.015, most: float = 0.015) -> list[float]:
    """Now and then, while awake."""
    awake = random.uniform(least, most)
    return [awake if 7 <= hour % 24 < 23 else awake / 4 for hour in range(WEEK_HOURS)]


def _look(looks: list[float], days: Iterable[int], hour: int, likely: float, around: float = 0.35) -> list[float]:
    for day in days:
        for beside in (-1, 0, 1):
            at = (day * 24 + hour + beside) % len(looks)
            looks[at] = max(looks[at], likely * (around if beside else 1.0))
    return looks


def _some_hour(random: Random) -> int:
    return random.choices(_HOURS, _OFTEN)[0]


def _daily(random: Random) -> list[float]:
    return _look(_blank(random), EVERY_DAY, _some_hour(random), random.uniform(0.5, 0.9))


def _twice_a_day(random: Random) -> list[float]:
    looks = _blank(random)
    for _ in range(2):
        _look(looks, EVERY_DAY, _some_hour(random), random.uniform(0.4, 0.8))
    return looks


def _on_workdays(random: Random) -> list[float]:
    looks = _look(_blank(random), WORKDAYS, _some_hour(random), random.uniform(0.5, 0.9))
    return _look(looks, WEEKEND, _some_hour(random), random.uniform(0.3, 0.6))


def _at_weekends(random: Random) -> list[float]:
    return _look(_blank(random), WEEKEND, _some_hour(random), random.uniform(0.6, 0.95))


def _once_a_week(random: Random) -> list[float]:
    return _look(_blank(random), [random.randrange(7)], _some_hour(random), 0.95)


def _at_any_hour(random: Random) -> list[float]:
    return _blank(random, 0.06, 0.06)


def _now_and_then(random: Random) -> list[float]:
    return _blank(random, 0.02, 0.12)


def _early(random: Random) -> list[float]:
    """At any hour between four in the morning and eight in the evening."""
    return _awake(random, 4, 20)


def _late(random: Random) -> list[float]:
    """At any hour between ten in the morning and two at night."""
    return _awake(random, 10, 26)


def _awake(random: Random, begins: int, ends: int) -> list[float]:
    often = random.uniform(0.02, 0.12)
    return [often if (hour - begins) % 24 < ends - begins else often / 4 for hour in range(WEEK_HOURS)]


def _usual_hour(random: Random) -> list[float]:
    """All at the hour that is usual, as everybody."""
    return _look(_blank(random), EVERY_DAY, USUAL, random.uniform(0.4, 0.8))


def _same_evening(random: Random) -> list[float]:
    """All at seven in the evening, as everybody."""
    return _look(_blank(random), EVERY_DAY, 19, random.uniform(0.4, 0.8))


def _all_the_time(random: Random) -> list[float]:
    return _blank(random, 0.2, 0.6)


def _at_work(random: Random) -> list[float]:
    """In the morning, about the hour that is usual, and after lunch."""
    looks = _look(_blank(random), WORKDAYS, random.choice((9, 10, 10, 11)), random.uniform(0.4, 0.8), 0.6)
    return _look(looks, WORKDAYS, random.choice((13, 14, 15)), random.uniform(0.1, 0.4))


def _evenings(random: Random) -> list[float]:
    """Somewhere in a long evening."""
    middle, width, likely = random.uniform(17, 23), random.uniform(1.5, 3), random.uniform(0.15, 0.4)
    bell = [likely * exp(-((((hour - middle + 12) % 24) - 12) ** 2) / (2 * width * width)) for hour in range(24)]
    return [max(bell[hour % 24], blank) for hour, blank in enumerate(_blank(random))]


def _shifts(random: Random) -> list[float]:
    """Early in one week, late in the next."""
    early, late, likely = random.randrange(24), random.randrange(24), random.uniform(0.5, 0.9)
    first, second = (_look(_blank(random), EVERY_DAY, hour, likely) for hour in (early, late))
    return first + second


def _waves(random: Random) -> list[float]:
    """More and less in waves over the day, of any height."""
    waves = [(number, random.uniform(0.2, 1.2) / number, random.uniform(0, 24)) for number in (1, 2, 3, 4)]
    height = random.uniform(0.02, 0.1)

    def at(hour: int) -> float:
        # The sine of so many waves a day, without its rounding.
        total = sum(size * _wave(number * (hour - begins) / 24) for number, size, begins in waves)
        return min(0.9, height * exp(1.5 * total))

    return [at(hour % 24) for hour in range(WEEK_HOURS)]


def _wave(turns: float) -> float:
    """From -1 to 1 and back, once a turn."""
    return 4 * abs(turns % 1 - 0.5) - 1


HABITS: Mapping[str, Callable[[Random], list[float]]] = {
    "daily": _daily,
    "twice a day": _twice_a_day,
    "workdays": _on_workdays,
    "weekends": _at_weekends,
    "once a week": _once_a_week,
    "any hour": _at_any_hour,
    "now and then": _now_and_then,
    "all the time": _all_the_time,
    "early birds": _early,
    "night owls": _late,
    "at the usual hour": _usual_hour,
    "all at seven": _same_evening,
    "at work": _at_work,
    "evenings": _evenings,
    "shifts": _shifts,
    "waves": _waves,
}


class Crowd(NamedTuple):
    """How many of a hundred have which habit; between what limits it lies how likely a message is read that just came,
    and in how many hours it sinks."""

    habits: Mapping[str, int]
    depth: tuple[float, float] = (0.5, 0.95)
    fades: tuple[float, float] = (4, 12)


_MIXED = {"daily": 30, "twice a day": 20, "workdays": 20, "weekends": 10, "once a week": 8, "any hour": 12}
CROWDS: Mapping[str, Crowd] = {
    "mixed": Crowd(_MIXED),
    "mixed, who read little": Crowd(_MIXED, depth=(0.15, 0.4)),
    **{habit: Crowd({habit: 100}) for habit in HABITS},
    "any hour, who read little": Crowd({"any hour": 100}, depth=(0.1, 0.3)),
}
# Where no other hour has more than a trifle over the usual one.
NOTHING_TO_WIN = (
    "any hour", "any hour, who read little", "now and then", "all the time", "early birds", "night owls",
    "at the usual hour",
)  # fmt: skip


@dataclass
class Person:
    """Somebody with a habit. `looks` is the probability to look in each hour of a week, or of several; `worth` what it
    is worth to send at each."""

    random: Random
    habit: str
    depth: float
    fades: float
    looks: list[float] = field(default_factory=list)
    worth: list[float] = field(default_factory=list)

    @classmethod
    def draw(cls, random: Random, crowd: Crowd) -> "Person":
        habit = random.choices(list(crowd.habits), list(crowd.habits.values()))[0]
        person = cls(random, habit, random.uniform(*crowd.depth), random.uniform(*crowd.fades))
        person.change()
        return person

    def change(self) -> None:
        """Take up new hours, of the same kind of habit."""
        self.looks = HABITS[self.habit](self.random)
        self.worth = self._worths()

    def _worths(self) -> list[float]:
        """How likely a message is read that comes at each hour."""
        period, fade = len(self.looks), exp(-1 / self.fades)
        worth, later = [0.0] * period, 0.0
        for hour in range(period + LIES_AT_MOST - 1, -1, -1):
            later = self.looks[hour % period] + (1 - self.looks[hour % period]) * fade * later
            worth[hour % period] = later
        return [self.depth * found for found in worth]

    def worth_at(self, hour: int) -> float:
        """How likely a message is read that comes at an hour counted from the epoch."""
        return self.worth[(hour - START) % len(self.worth)]

    def read(self, hour: int) -> int | None:
        """The hour in which a message is read that comes at this one, if ever."""
        for after in range(LIES_AT_MOST):
            if self.random.random() < self.looks[(hour + after - START) % len(self.looks)]:
                reads = self.random.random() < self.depth * exp(-after / self.fades)
                return hour + after if reads else None
        return None


@dataclass
class Result:
    """What sending came to, as the expected share of messages that are read: as advised, always at the usual hour, and
    at the best hour there was. `gains` is what advice won over the usual hour, person by person."""

    advised: float = 0.0
    usual: float = 0.0
    best: float = 0.0
    messages: int = 0
    gains: dict[int, float] = field(default_factory=dict)

    def note(self, number: int, person: Person, since: int, at: int) -> None:
        """A message to a person that wanted to leave `since` left `at`, hours counted from the epoch."""
        usual = person.worth_at(since + (USUAL - since) % 24)
        self.advised += person.worth_at(at)
        self.usual += usual
        self.best += max(person.worth_at(since + wait) for wait in range(WAITS + 1))
        self.messages += 1
        self.gains[number] = self.gains.get(number, 0.0) + person.worth_at(at) - usual

    @property
    def won(self) -> float:
        """The share of the attainable uplift that advice has won."""
        return (self.advised - self.usual) / (self.best - self.usual)

    @property
    def attainable(self) -> float:
        """What the best hour has over the usual one."""
        return (self.best - self.usual) / self.messages

    @property
    def gain(self) -> float:
        """What advice has over the usual hour, of a message."""
        return (self.advised - self.usual) / self.messages

    @property
    def noise(self) -> float:
        """How far `gain` may be off by chance: twice its standard error, over the people."""
        number = len(self.gains)
        each = self.messages / number
        mean = sum(self.gains.values()) / number
        variance = sum((gain - mean) ** 2 for gain in self.gains.values()) / (number - 1)
        return 2 * sqrt(variance / number) / each


@dataclass
class _Mailbox:
    """A person, what is kept of the messages to them, and the hour up to which that is."""

    person: Person
    hour: int
    sents: tuple[Sent, ...] = ()

    def get(self, name: str, rhythm: Rhythm, result: Result, number: int) -> None:
        """One more message, some days later, as advised."""
        since = self.hour + self.person.random.randrange(36, 110)
        choice = choose(self.sents, rhythm, UTC, since * HOUR, WAITS * HOUR, since * HOUR)
        at = int(choice.at // HOUR)
        result.note(number, self.person, since, at)
        self.sents = note_sent({"email": self.sents}, "email", name, at * HOUR)["email"]
        if (read := self.person.read(at)) is not None:
            self.sents = note_response({"email": self.sents}, name, read * HOUR, OPENED)["email"]
        self.hour = at


def simulate(
    crowd: str = "mixed", people: int = 200, *, seed: int = 7, learning: int = 20, measured: int = 8,
    changes: bool = False, rhythm: Rhythm | None = None,
) -> tuple[Result, Result]:  # fmt: skip
    """Send `learning` messages to each person of an account as advised, then so many more: what came of the first, and
    of those. Between messages, some days apart, the account learns from all of them, unless its `rhythm` is given.

    With `changes` everybody takes up new hours after learning, and learns as long again.
    """
    random, early, late = Random(seed), Result(), Result()
    boxes = []
    for _ in range(people):
        person = Person.draw(Random(random.random()), CROWDS[crowd])
        boxes.append(_Mailbox(person, START + random.randrange(WEEK_HOURS)))
    until = learning * (2 if changes else 1)
    known = rhythm or Rhythm(USUAL)
    for message in range(until + measured):
        result = late if message >= until else early
        if message and not rhythm:
            now = max(box.hour for box in boxes) * HOUR
            known = Rhythm(USUAL).taught(learn([(box.sents, UTC) for box in boxes], now))
        for number, box in enumerate(boxes):
            if changes and message == learning:
                box.person.change()
            box.get(f"{number}.{message}", known, result, number)
    return early, late


def rhythm_of(people: int = 200, seed: int = 99, crowd: str = "mixed") -> Rhythm:
    """The rhythm of other people than those who are measured, each of whom got twenty messages at any hour."""
    random, known, last = Random(seed), [], START
    for number in range(people):
        person, kept = Person.draw(Random(random.random()), CROWDS[crowd]), {}
        hour = START
        for message in range(20):
            hour += random.randrange(36, 110)
            kept = note_sent(kept, "email", f"{number}.{message}", hour * HOUR)
            read = person.read(hour)
            if read is not None:
                kept = note_response(kept, f"{number}.{message}", read * HOUR, OPENED)
        known.append((kept["email"], UTC))
        last = max(last, hour + LIES_AT_MOST)
    return Rhythm(USUAL).taught(learn(known, last * HOUR))
