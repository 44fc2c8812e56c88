"""Waits: the steps at which people stay, in one table by what they wait for.

A wait ends at `due`, an instant fixed on entering. An event counts when since <= time < due, by its own time (never
later than now): one that happened before the wait was entered does not count, nor does one at the very instant at which
the wait ends. One whose news came before the wait was entered is remembered; it counts when it happened after `since`.
A fact (opened, clicked, segment) that already holds on entering goes on at once: it is a state, no occurrence; nor does
it matter how it has come about by the time at which the wait ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from math import inf
from typing import NamedTuple

from postroad.contacts.zones import CLOCK_FACTS, clock_of
from postroad.documents import Reader, choose
from postroad.events import CLICKS, OPENINGS, SEGMENT_ENTERED
from postroad.instants import DAY, describe_duration, stamp
from postroad.journeys.dates import ContactDate, find_moment, parse_moment_text
from postroad.journeys.reading import HAPPENINGS, Happening, Scope
from postroad.journeys.stepping import (
    LONGEST,
    Answer,
    Go,
    Here,
    Read,
    Stay,
    StepType,
    parse_weekdays,
    parse_zone,
)
from postroad.local_time import WEEKDAYS, next_local, parse_time_of_day
from postroad.lots import draw
from postroad.predicates.operators import describe_name
from postroad.predicates.predicate import Predicate
from postroad.sending.calendars import FURTHEST, Calendar, Window, read_window
from postroad.sending.channels import CHANNELS


class Cause(NamedTuple):
    """What has ended a wait early, and when; `is_event` says that it was the event in hand, which that uses up."""

    because: str
    at: float
    is_event: bool

    def go(self) -> Go:
        return Go("then", "yes", f"{self.because}, {stamp(self.at)}", at=self.at, used_event=self.is_event)


class Wait(StepType):
    """Stays until `due`. What happens before leads to `then`, the end of the wait to `else`; both may be just next."""

    __slots__ = ()
    key = "wait"

    def find_end(self, here: Here) -> tuple[float, str]:
        """(when the wait that is entered now ends, a note for the decision)."""
        raise NotImplementedError

    def find_cause(self, here: Here, due: float) -> Cause | None:
        """What has happened before `due` that ends the wait early."""
        return None

    def enter(self, here: Here) -> Answer:
        due, note = self.find_end(here)
        return Stay(due, "wait", f"until {stamp(due)}{note}")

    def resume(self, here: Here) -> Answer:
        due = here.enrollment.due or 0.0
        cause = self.find_cause(here, due)
        if cause:
            return cause.go()
        if here.now >= due:
            return Go("else", "over", f"the wait ended {stamp(due)}", at=due)
        return Stay(due)

    def describe_arm(self, name: str) -> str:
        return {"then": "If it happens:", "else": "If the time runs out:"}[name]


@dataclass(frozen=True, slots=True)
class WaitFor(Wait):
    """A duration; with `spread` up to so much more, by lot, so that not all who came together go on together."""

    seconds: float
    spread: float

    @property
    def longest(self) -> float:
        return self.seconds + self.spread

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "WaitFor":
        return cls(
            reader.duration("for", least=1, most=LONGEST), reader.duration("spread", 0.0, least=1, most=LONGEST / 10)
        )

    def takes_time(self, way: str) -> bool:
        return True

    def find_end(self, here: Here) -> tuple[float, str]:
        visit = str(here.enrollment.visits.get(here.step_id, 1))
        lot = draw("spread", here.enrollment.enrollment_id, here.step_id, visit) if self.spread else 0.0
        return here.now + self.seconds + float(int(lot * self.spread)), ""

    def describe(self) -> str:
        spread = f", and by lot up to {describe_duration(self.spread)} more" if self.spread else ""
        return f"Wait for {describe_duration(self.seconds)}{spread}"


@dataclass(frozen=True, slots=True)
class WaitUntil(Wait):
    hour: time
    weekdays: tuple[int, ...]
    timezone: str | None

    @property
    def longest(self) -> float:
        return 8 * DAY  # the same weekday again, and a clock change

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "WaitUntil":
        any_day: tuple[int, ...] = ()
        return cls(
            reader.read("until", parse_time_of_day, time()),
            reader.read("weekdays", parse_weekdays, any_day, any_day),
            reader.read("timezone", parse_zone, None, None),
        )

    def takes_time(self, way: str) -> bool:
        return True

    def find_end(self, here: Here) -> tuple[float, str]:
        clock = clock_of(here.view.contact, self.timezone, *here.timezones)
        note = f" ({self.hour:%H:%M} {clock.because})"
        return next_local(here.now, self.hour, clock.zone, self.weekdays), note

    def describe(self) -> str:
        days = f" on {', '.join(WEEKDAYS[day].capitalize() for day in self.weekdays)}" if self.weekdays else ""
        zone = f" (where that is not known: {self.timezone})" if self.timezone else ""
        return f"Wait until {self.hour:%H:%M}{days}, local time{zone}"


@dataclass(frozen=True, slots=True)
class WaitForMoment(Wait):
    """Until a fixed moment, local where it says no time zone. Who comes later goes on at once."""

    moment: datetime
    timezone: str | None

    @property
    def longest(self) -> float:
        return LONGEST

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "WaitForMoment":
        return cls(
            reader.read("moment", parse_moment_text, datetime.min), reader.read("timezone", parse_zone, None, None)
        )

    def enter(self, here: Here) -> Answer:
        clock = clock_of(here.view.contact, self.timezone, *here.timezones)
        due = find_moment(self.moment, clock.zone)
        if due <= here.now:
            return Go("", "over", f"{stamp(due)} has passed")
        return Stay(min(due, here.now + LONGEST), "wait", f"until {stamp(due)} ({clock.because})")

    def describe(self) -> str:
        return f"Wait until {self.moment:%Y-%m-%d %H:%M}{'' if self.moment.tzinfo else ', local time'}"


@dataclass(frozen=True, slots=True)
class WaitForDate(Wait):
    """Until a date of the contact. When that changes, the wait ends by the new one; without one to come it is over."""

    date: ContactDate
    timezone: str | None

    @property
    def longest(self) -> float:
        return LONGEST

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "WaitForDate":
        date = ContactDate.read(reader)
        scope.watch(date.reads | CLOCK_FACTS)
        scope.arm(reader, "then")
        scope.arm(reader, "else")
        return cls(date, reader.read("timezone", parse_zone, None, None))

    def takes_time(self, way: str) -> bool:
        return way == "then"

    def enter(self, here: Here) -> Answer:
        return self.stay(here, "wait")

    def resume(self, here: Here) -> Answer:
        due = here.enrollment.due or 0.0
        if here.now >= due:
            return Go("then", "yes", f"it is {self.date.describe()}", at=due)
        answer = self.stay(here, "moved")
        # A due instant is stored in whole milliseconds.
        return Stay(due) if isinstance(answer, Stay) and abs(answer.due - due) < 0.002 else answer

    def stay(self, here: Here, verdict: str) -> Answer:
        clock = clock_of(here.view.contact, self.timezone, *here.timezones)
        due = self.date.find_next(here.view.contact.find_value(self.date.attribute), here.now, clock.zone)
        if due > here.now + LONGEST:
            return Go("else", "else", f"{describe_name(self.date.attribute)} holds no date to come")
        return Stay(due, verdict, f"until {stamp(due)} ({clock.because})")

    def describe(self) -> str:
        return f"Wait until {self.date.describe()}"

    def describe_arm(self, name: str) -> str:
        return {"then": "When it has come:", "else": "If there is no such date to come:"}[name]


class WaitForOpening(Wait):
    """Until it is open; who comes while it is goes on at once."""

    __slots__ = ()

    @property
    def longest(self) -> float:
        return FURTHEST * DAY

    def find_opening(self, here: Here) -> tuple[float | None, str]:
        """When it is open next, None for never, and on whose clock."""
        raise NotImplementedError

    def enter(self, here: Here) -> Answer:
        at, because = self.find_opening(here)
        if at is None or at <= here.now:
            return Go("", "open" if at else "never open", because)
        return Stay(at, "wait", f"until {stamp(at)} ({because})")


@dataclass(frozen=True, slots=True)
class WaitBetween(WaitForOpening):
    """Until the local time lies between two."""

    window: Window
    weekdays: tuple[int, ...]
    timezone: str | None

    @property
    def longest(self) -> float:
        return 8 * DAY

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "WaitBetween":
        any_day: tuple[int, ...] = ()
        return cls(
            read_window(reader.child("between")),
            reader.read("weekdays", parse_weekdays, any_day, any_day),
            reader.read("timezone", parse_zone, None, None),
        )

    def find_opening(self, here: Here) -> tuple[float | None, str]:
        clock = clock_of(here.view.contact, self.timezone, *here.timezones)
        hours = Calendar(open=dict.fromkeys(self.weekdays or range(7), (self.window,)))
        return hours.find_opening(here.now, (clock.zone,), None)[0], clock.because

    def describe(self) -> str:
        days = f" on {', '.join(WEEKDAYS[day].capitalize() for day in self.weekdays)}" if self.weekdays else ""
        return f"Wait until it is between {self.window.start:%H:%M} and {self.window.end:%H:%M}{days}, local time"


@dataclass(frozen=True, slots=True)
class WaitOpen(WaitForOpening):
    """Until the account's calendar is open, for a channel or in general."""

    channel: str

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "WaitOpen":
        if not reader.flag("open") and not reader.is_broken:
            reader.mistake("is true; leave the step out when nobody has to wait", "open")
        return cls(reader.choice("channel", CHANNELS, ""))

    def find_opening(self, here: Here) -> tuple[float | None, str]:
        if here.calendar is None:
            return here.now, "the policy has no calendar"
        zone = here.timezones[-1] or "UTC"
        at, because = here.calendar.of_channel(self.channel).next_opening(here.view.contact, here.now, zone)
        return at, because or "it is open"

    def describe(self) -> str:
        return f"Wait until it is open{f' for {self.channel}' if self.channel else ''}, by the account's calendar"


@dataclass(frozen=True, slots=True)
class WaitForEvent(Wait):
    happening: Happening
    timeout: float

    @property
    def longest(self) -> float:
        return self.timeout

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "WaitForEvent":
        happening = scope.happening(reader)
        scope.listen(happening)
        return cls(happening, read_timeout(reader, scope))

    def find_end(self, here: Here) -> tuple[float, str]:
        return here.now + self.timeout, f" for {self.happening.describe()}"

    def takes_time(self, way: str) -> bool:
        return way == "else"

    def find_cause(self, here: Here, due: float) -> Cause | None:
        since, is_event = here.enrollment.since, False
        at = self.happening.find_time(here.view.contact, here.enrollment, since, here.now)
        if self.happening.matches(here.event) and since <= here.moment and (at is None or here.moment <= at):
            at, is_event = here.moment, True
        return Cause(self.happening.describe(), at, is_event) if at is not None and at < due else None

    def enter(self, here: Here) -> Answer:
        if self.happening.matches(here.event):
            return Wait.enter(self, here)  # and is resumed with the event in hand
        cause = self.find_cause(here, inf)
        return cause.go() if cause else Wait.enter(self, here)

    def describe(self) -> str:
        return f"Wait for {self.happening.describe()}, at most {describe_duration(self.timeout)}"


@dataclass(frozen=True, slots=True)
class WaitForFact(Wait):
    fact: Predicate
    timeout: float
    segment: str | None

    @property
    def longest(self) -> float:
        return self.timeout

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "WaitForFact":
        key = next(key for key in FACTS if reader.has(key))
        reader.expect(key)
        fact = scope.predicate(reader.only(key))
        scope.awaits(FACTS[key])
        segment = str(reader.document[key]) if key == "segment" else None
        return cls(fact, read_timeout(reader, scope), segment)

    def find_end(self, here: Here) -> tuple[float, str]:
        return here.now + self.timeout, f" for: {self.fact.describe()}"

    def takes_time(self, way: str) -> bool:
        return way == "else"

    def find_cause(self, here: Here, due: float) -> Cause | None:
        is_late = here.event is not None and here.moment >= due
        if not self.fact.evaluate(here.view).truth or (is_late and self.is_new(here, due)):
            return None
        return Cause(self.fact.describe(), min(here.moment, due), not is_late)

    def is_new(self, here: Here, due: float) -> bool:
        """Whether it became true only with the event in hand, after the wait had ended."""
        if self.segment is not None:
            return here.view.contact.segments[self.segment] >= due
        return here.event is not None and here.event.name in (*OPENINGS, *CLICKS)

    def enter(self, here: Here) -> Answer:
        if self.fact.evaluate(here.view).truth:
            return Go("then", "yes", f"{self.fact.describe()}, already")
        return Wait.enter(self, here)

    def describe(self) -> str:
        return f"Wait until: {self.fact.describe()}, at most {describe_duration(self.timeout)}"


# The facts that can be waited for, and the events (in lower case) at which they may have come true. Marks need none:
# whoever sets a mark advances its enrollment.
FACTS: Mapping[str, tuple[str, ...]] = {"opened": (), "clicked": (), "segment": (SEGMENT_ENTERED.lower(),)}

# What a wait can be for, by the key that says so.
WAITS: Mapping[str, Read] = {
    "for": WaitFor.read,
    "until": WaitUntil.read,
    "moment": WaitForMoment.read,
    "date": WaitForDate.read,
    "between": WaitBetween.read,
    "open": WaitOpen.read,
    **dict.fromkeys(HAPPENINGS, WaitForEvent.read),
    **dict.fromkeys(FACTS, WaitForFact.read),
}


def read_wait(reader: Reader, scope: Scope) -> StepType:
    """A wait of whichever kind its keys say."""
    key = choose(reader, WAITS, "a wait is")
    return WAITS[key](reader, scope) if key else WaitFor(1.0, 0.0)


def read_timeout(reader: Reader, scope: Scope) -> float:
    """How long to wait at most, and the two ways on."""
    scope.arm(reader, "then")
    scope.arm(reader, "else")
    if not reader.has("timeout"):
        reader.misfit("is missing: say how long to wait at most, such as P2D", "timeout")
        reader.expect("timeout")
        return 1.0
    return reader.duration("timeout", least=1, most=LONGEST)
