"""Made-up people whose habits are known: at which hours of the week they look into their mailbox, and how deep.

A message that comes lies there; at each hour somebody looks with the probability of their habit. The first look finds
it, and reads it the less likely the longer it lay. So what a time of sending is worth to each of them is known exactly,
and how much of it advice wins can be measured.
"""

from dataclasses import dataclass, field
from datetime import UTC
from math import exp
from random import Random

from postroad.advice.send_times import WEEK_HOURS, Rhythm, choose, learn_rhythm
from postroad.engagement import HOUR, OPENED, Sent, note_response, note_sent

# A Monday, midnight in UTC; the people live there.
START = int(1_793_577_600 // HOUR)
USUAL = 10
WAITS = 24
LIES_AT_MOST = 72

_HOURS = (7, 8, 9, 12, 13, 18, 20, 21, 22, 6, 0, 23)
_OFTEN = (10, 10, 6, 8, 6, 8, 12, 12, 6, 4, 2, 3)
# How many of a hundred people have which habit.
HABITS = {"daily": 30, "twice a day": 20, "workdays": 20, "weekends": 10, "once a week": 8, "none": 12}


def of_week(hour: int) -> int:
    """The hour of the week of an hour counted from the epoch."""
    return (hour - START) % WEEK_HOURS


@dataclass
class Person:
    """Somebody with a habit. `depth` is how likely a message is read that just came, `fades` in how many hours it
    sinks; `looks` the probability to look in each hour of the week."""

    random: Random
    habit: str
    depth: float
    fades: float
    looks: list[float] = field(default_factory=list)
    worth: list[float] = field(default_factory=list)

    @classmethod
    def draw(cls, random: Random, habit: str | None = None) -> "Person":
        habit = habit or random.choices(list(HABITS), list(HABITS.values()))[0]
        person = cls(random, habit, random.uniform(0.5, 0.95), random.uniform(4, 12))
        person.change()
        return person

    def change(self) -> None:
        """Take up new hours, of the same kind of habit."""
        draw, looks = self.random.uniform, [0.0] * WEEK_HOURS
        if self.habit == "daily":
            self._look(looks, range(7), draw(0.5, 0.9))
        elif self.habit == "twice a day":
            self._look(looks, range(7), draw(0.4, 0.8))
            self._look(looks, range(7), draw(0.4, 0.8))
        elif self.habit == "workdays":
            self._look(looks, range(5), draw(0.5, 0.9))
            self._look(looks, range(5, 7), draw(0.3, 0.6))
        elif self.habit == "weekends":
            self._look(looks, range(5, 7), draw(0.6, 0.95))
        elif self.habit == "once a week":
            self._look(looks, [self.random.randrange(7)], 0.95)
        awake = 0.06 if self.habit == "none" else 0.015
        self.looks = [max(look, awake if 7 <= hour % 24 < 23 else awake / 4) for hour, look in enumerate(looks)]
        self.worth = [self._worth_of(hour) for hour in range(WEEK_HOURS)]

    def _look(self, looks: list[float], days: "range | list[int]", likely: float) -> None:
        hour = self.random.choices(_HOURS, _OFTEN)[0]
        for day in days:
            for beside in (-1, 0, 1):
                at = (day * 24 + hour + beside) % WEEK_HOURS
                looks[at] = max(looks[at], likely * (0.35 if beside else 1.0))

    def _worth_of(self, hour: int) -> float:
        """How likely a message is read that comes at this hour of the week."""
        found, unseen = 0.0, 1.0
        for after in range(LIES_AT_MOST):
            look = self.looks[(hour + after) % WEEK_HOURS]
            found += unseen * look * exp(-after / self.fades)
            unseen *= 1 - look
        return self.depth * found

    def read(self, hour: int) -> int | None:
        """The hour in which a message is read that comes at this one, if ever."""
        for after in range(LIES_AT_MOST):
            if self.random.random() < self.looks[of_week(hour + after)]:
                reads = self.random.random() < self.depth * exp(-after / self.fades)
                return hour + after if reads else None
        return None


@dataclass
class Result:
    """What sending came to, as the expected share of messages that are read: as advised, always at the usual hour, and
    at the best hour there was; and how many were read in truth."""

    advised: float = 0.0
    usual: float = 0.0
    best: float = 0.0
    messages: int = 0
    read: int = 0
    read_usual: int = 0

    @property
    def won(self) -> float:
        """The share of the attainable uplift that advice has won."""
        return (self.advised - self.usual) / (self.best - self.usual)


def simulate(
    people: int = 200, *, seed: int = 7, learning: int = 20, measured: int = 8, habit: str | None = None,
    changes: bool = False, rhythm: Rhythm | None = None,
) -> Result:  # fmt: skip
    """Send `learning` messages to each person as advised, then measure with so many more.

    With `changes` everybody takes up new hours after learning, and learns as long again.
    """
    random, result = Random(seed), Result()
    for number in range(people):
        person, kept = Person.draw(Random(random.random()), habit), {}
        hour = START + random.randrange(WEEK_HOURS)
        for message in range(learning * (2 if changes else 1) + measured):
            if changes and message == learning:
                person.change()
            hour += random.randrange(36, 110)
            name = f"{number}.{message}"
            sents: tuple[Sent, ...] = kept.get("email", ())
            choice = choose(sents, rhythm or Rhythm(USUAL), UTC, hour * HOUR, WAITS * HOUR, hour * HOUR, name)
            at, usual = int(choice.at // HOUR), hour + (USUAL - hour) % 24
            read, as_usual = person.read(at), person.read(usual)
            if message >= learning * (2 if changes else 1):
                window = [person.worth[of_week(hour + wait)] for wait in range(WAITS + 1)]
                result.advised += person.worth[of_week(at)]
                result.usual += person.worth[of_week(usual)]
                result.best += max(window)
                result.messages += 1
                result.read += read is not None
                result.read_usual += as_usual is not None
            kept = note_sent(kept, "email", name, at * HOUR)
            if read is not None:
                kept = note_response(kept, name, read * HOUR, OPENED)
            hour = max(hour, at)
    return result


def rhythm_of(people: int = 200, seed: int = 99) -> Rhythm:
    """The rhythm of other people than those who are measured, each of whom got twenty messages at any hour."""
    random, known = Random(seed), []
    for number in range(people):
        person, kept = Person.draw(Random(random.random())), {}
        hour = START
        for message in range(20):
            hour += random.randrange(36, 110)
            kept = note_sent(kept, "email", f"{number}.{message}", hour * HOUR)
            read = person.read(hour)
            if read is not None:
                kept = note_response(kept, f"{number}.{message}", read * HOUR, OPENED)
        known.append((kept["email"], UTC))
    weights, _ = learn_rhythm(known)
    return Rhythm(USUAL, weights)
