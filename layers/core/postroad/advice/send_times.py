"""When to write to a person: the hour that is worth most by what they did (`estimates`), and why that one."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple

from postroad.advice.confidence import HIGH, LOW, MEDIUM, NONE
from postroad.advice.estimates import WEEK_HOURS, Worth, count, past_of, slot_of, weigh
from postroad.advice.rhythm import Rhythm
from postroad.contacts.engagement import HOUR, Sent
from postroad.instants import DAY

# Without so many openings, and so many of them together, nobody is said to have a habit.
FEW, TOGETHER = 3, 2
# A day of the week is named when so large a share of the openings near that hour were on that day.
STANDS_OUT = 0.6

# The gate's key, by which a message asks for its best hour and says how many seconds it may wait for it.
SEND_TIME = "send_time"
LONGEST_WAIT = 7 * DAY
USUAL_WAIT = DAY

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# What an hour rests on: the person's own habit, when the account's people read, the account's usual hour; or it is
# tried, because what came at the usual hour was not read.
HABIT, PEOPLE, USUAL, TRIAL = "habit", "people", "usual", "trial"


class SendTime(NamedTuple):
    """The best time to write to somebody, on their clock: `weekday` (0 is Monday) is None when any day will do.

    `basis` is one of HABIT, PEOPLE, USUAL and TRIAL. `read` of `sent` messages were read by the person, `near` of them
    within an hour of that time. `confidence` is NONE without a habit, else LOW, MEDIUM or HIGH. `gain` is how many
    times likelier a message is read soon than at the account's `usual` hour.
    """

    weekday: int | None
    hour: int
    minute: int
    basis: str
    read: int
    sent: int
    near: int
    confidence: str
    gain: float
    usual: int
    zone: str

    @property
    def time(self) -> str:
        day = "" if self.weekday is None else f"{DAYS[self.weekday]} "
        return f"{day}{self.hour:02d}:{self.minute:02d}"

    def describe(self) -> str:
        openings = "1 opening" if self.read == 1 else f"{self.read} openings"
        say = "say too little" if self.read < FEW else "show no habit"
        because = {
            HABIT: f" from {openings}, {self.near} of them within an hour of it, confidence {self.confidence}",
            PEOPLE: f", when the account's people read: {openings} of their own {say}",
            USUAL: f", the account's usual hour: {openings} {say}",
            TRIAL: f", to learn: {openings} of {self.sent} messages {say}, and the usual {self.usual:02d}:00 "
            "promises less",
        }[self.basis]
        return f"{self.time}{because} ({self.zone})"


class Choice(NamedTuple):
    """When one message should leave (epoch seconds), and why then."""

    at: float
    because: str


def recommend(sents: Sequence[Sent], rhythm: Rhythm, zone: tzinfo, now: float) -> SendTime:
    """The hour of the week at which it is best to write to somebody who did this with the latest messages."""
    person = _Person(sents, rhythm, zone, now)
    best = max(range(WEEK_HOURS), key=person.worth.known.__getitem__)
    basis, is_usual = person.find_basis(best), best % 24 == person.usual
    read, near, weekday = len(person.slots), person.count_near(best % 24), None
    if basis == HABIT and (on_that_day := person.count_near(best, WEEK_HOURS)) >= max(FEW, STANDS_OUT * near):
        near, weekday = on_that_day, best // 24
    usual = sum(person.worth.known[person.usual :: 24]) / 7
    return SendTime(
        weekday=weekday,
        hour=rhythm.usual if is_usual else best % 24,
        minute=0 if is_usual else person.past,
        basis=basis,
        read=read,
        sent=len(sents),
        near=near,
        confidence=_confidence(near, read) if basis == HABIT else NONE,
        gain=1.0 if is_usual else person.worth.known[best] / usual,
        usual=rhythm.usual,
        zone=str(zone),
    )


def choose(sents: Sequence[Sent], rhythm: Rhythm, zone: tzinfo, since: float, within: float, now: float) -> Choice:
    """When a message should leave that wants to since then, and may wait so many seconds.

    The choice is the same at whatever moment it is asked for, as long as nothing more is known of the contact.
    """
    person = _Person(sents, rhythm, zone, now)
    first, last = int(since // HOUR), int((since + within) // HOUR)
    hours = [hour for hour in range(first, last + 1) if hour == first or person.begin(hour) <= since + within]
    hour = max(hours, key=lambda hour: (person.worth.known[slot_of(hour, zone)], -hour))
    at = min(person.begin(hour), max(hour * HOUR, since + within))
    name = f"{_name(at, zone)} ({zone})"
    read, sent = len(person.slots), len(sents)
    because = {
        HABIT: f"{name} is their best hour by then, from {read} openings of {sent} messages",
        PEOPLE: f"{name} is when the account's people read; {read} openings of {sent} messages show no habit",
        USUAL: f"{name} is the account's usual hour; {read} openings of {sent} messages "
        + ("say too little" if read < FEW else "show no better one"),
        TRIAL: f"{name}, to learn: little was read of what came at the usual {rhythm.usual:02d}:00",
    }[person.find_basis(slot_of(hour, zone), by_then=True)]
    return Choice(at, because)


class _Person:
    """What is known of somebody, by the hours of the week as messages are kept by them: where a zone is half an hour
    off, these begin `past` the full hour, in minutes, and the account's usual hour lies within one of them."""

    def __init__(self, sents: Sequence[Sent], rhythm: Rhythm, zone: tzinfo, now: float) -> None:
        self.past = past_of(int(now // HOUR), zone)
        kept = rhythm.begun(self.past)
        self.usual = kept.usual
        self.slots = [slot_of(sent.read_at, zone) for sent in sents if sent.answered]
        self.worth: Worth = weigh(count(sents, zone, now), kept)
        self._zone = zone

    def begin(self, hour: int) -> float:
        """When a message would leave in an hour counted from the epoch."""
        if self.past and slot_of(hour, self._zone) % 24 == self.usual:
            return hour * HOUR + (60 - self.past) * 60
        return hour * HOUR

    def count_near(self, slot: int, circle: int = 24) -> int:
        """How many openings lie within an hour of this one, of the day or of the week."""
        return sum(_is_near(each % circle, slot, circle) for each in self.slots)

    def find_basis(self, slot: int, *, by_then: bool = False) -> str:
        """What an hour of the week rests on. The best one of a few days needs no openings near it (`by_then`)."""
        enough = len(self.slots) >= FEW and (by_then or self.count_near(slot % 24) >= TOGETHER)
        is_usual = slot % 24 == self.usual
        by_rhythm = self.worth.by_rhythm
        if is_usual:
            return HABIT if enough and not by_then else USUAL
        if by_rhythm[slot] > by_rhythm[self.usual] and (not enough or self.worth.likely < 0.5):
            return PEOPLE
        return HABIT if enough else TRIAL


def _name(at: float, zone: tzinfo) -> str:
    local = datetime.fromtimestamp(at, UTC).astimezone(zone)
    return f"{DAYS[local.weekday()]} {local.hour:02d}:{local.minute:02d}"


def _is_near(slot: int, wanted: int, circle: int) -> bool:
    apart = (slot - wanted) % circle
    return min(apart, circle - apart) <= 1


def _confidence(near: int, read: int) -> str:
    share = near / read
    if read >= 8 and share >= 0.6:
        return HIGH
    return MEDIUM if read >= 4 and share >= 0.4 else LOW
