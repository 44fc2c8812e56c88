"""What starts an enrollment, in one table by the key that says so.

A trigger is always an event: one that happens, or one that Postroad itself says when the time has come. For a date of
the contact and for a recurring schedule the contact's own timer is armed (its *alarm*), so a schedule costs nothing for
whoever is not in its segment. An alarm that rings late rings once; what it has missed in between is not made up for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from math import inf
from typing import Any, ClassVar, NamedTuple, Protocol

from postroad.contacts.contact import Contact
from postroad.contacts.zones import CLOCK_FACTS, clock_of, find_country
from postroad.documents import Reader
from postroad.events import DATE_REACHED, ENROLLMENT_REQUESTED, JOURNEY_ENDED, JOURNEY_STARTED, SCHEDULE_REACHED, Event
from postroad.instants import DAY
from postroad.journeys.dates import MORNING, ContactDate, read_offset
from postroad.journeys.reading import HAPPENINGS, Happening, Scope, mentions
from postroad.journeys.stepping import parse_weekdays, parse_zone
from postroad.local_time import WEEKDAYS, find_instant, parse_time_of_day
from postroad.predicates.predicate import EventPattern, Predicate, read_pattern
from postroad.sending.calendars import Calendar, parse_month_day

PERIODS = ("day", "week", "month", "year")
LAST = 31  # the day that a shorter month does not have is its last one


class Account(NamedTuple):
    """What an alarm needs to know besides the contact: zones to try where its own is not known, and the calendar."""

    zones: tuple[str | None, ...]
    calendar: Calendar | None = None


class Alarm(Protocol):
    """When the time for an event comes by itself: the name of it, and the facts (`reads`) that may change that."""

    event: ClassVar[str]

    @property
    def reads(self) -> frozenset[str]: ...
    @property
    def comes_round(self) -> bool: ...
    def find_next(self, contact: Contact, after: float, account: Account) -> float: ...
    def tell(self, contact: Contact) -> Mapping[str, Any]: ...
    def describe(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Trigger:
    """One way into a journey: the happening, what must hold of the contact then, and what makes it happen by itself."""

    happening: Happening
    condition: Predicate | None = None
    alarm: Alarm | None = None

    @property
    def pattern(self) -> EventPattern:
        return self.happening.pattern

    @property
    def segment(self) -> str | None:
        """The segment, when it is entering one."""
        return self.happening.segment

    @property
    def among(self) -> str | None:
        """The segment in which everybody is for whom it starts."""
        return self.segment or getattr(self.alarm, "segment", None)

    @property
    def key(self) -> str:
        """The event's name in lower case, by which books index it."""
        return self.happening.key

    def matches(self, event: Event | None) -> bool:
        return self.happening.matches(event)

    def describe(self) -> str:
        said = self.alarm.describe() if self.alarm else self.happening.describe()
        return f"{said}, if {self.condition.describe()}" if self.condition else said


@dataclass(frozen=True, slots=True)
class DateAlarm:
    """Rings by a date of the contact."""

    event: ClassVar[str] = DATE_REACHED
    date: ContactDate
    timezone: str | None

    @property
    def reads(self) -> frozenset[str]:
        return self.date.reads | CLOCK_FACTS

    @property
    def comes_round(self) -> bool:
        return self.date.yearly

    def find_next(self, contact: Contact, after: float, account: Account) -> float:
        """The first instant after another one, inf when there is none."""
        value = contact.find_value(self.date.attribute)
        if value is None:
            return inf
        return self.date.find_next(value, after, clock_of(contact, self.timezone, *account.zones).zone)

    def tell(self, contact: Contact) -> Mapping[str, Any]:
        return {"attribute": self.date.attribute, "value": contact.find_value(self.date.attribute)}

    def describe(self) -> str:
        return self.date.describe()


class _OfSegment:
    """What alarms for the members of a segment have in common: they ring again and again."""

    __slots__ = ()
    event: ClassVar[str] = SCHEDULE_REACHED
    segment: str

    @property
    def reads(self) -> frozenset[str]:
        return CLOCK_FACTS | {f"segment:{self.segment}"}

    @property
    def comes_round(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class ScheduleAlarm(_OfSegment):
    """Rings again and again for the members of a segment, on the days that fit."""

    every: str
    at: time
    weekdays: tuple[int, ...]
    days: tuple[int, ...]
    dates: tuple[tuple[int, int], ...]
    segment: str
    timezone: str | None

    def find_next(self, contact: Contact, after: float, account: Account) -> float:
        """The first instant after another one, inf when there is none."""
        if self.segment not in contact.segments:
            return inf
        zone = clock_of(contact, self.timezone, *account.zones).zone
        return next_of_days(after, self.at, zone, self.fits)

    def fits(self, day: date) -> bool:
        if self.weekdays and day.weekday() not in self.weekdays:
            return False
        is_last = (day + timedelta(days=1)).month != day.month
        if self.dates:
            # In a year without 29 February its last day stands for it.
            return any((day.month, day.day) == (m, min(d, day.day) if is_last else d) for m, d in self.dates)
        return not self.days or day.day in self.days or (is_last and max(self.days) > day.day)

    def tell(self, contact: Contact) -> Mapping[str, Any]:
        return {"segment": self.segment}

    def describe(self) -> str:
        words = [WEEKDAYS[day].capitalize() for day in self.weekdays]
        words += ["the last day" if day == LAST else f"day {day}" for day in self.days]
        words += [f"{month:02d}-{day:02d}" for month, day in self.dates]
        which = f" on {', '.join(words)}" if words else ""
        return f"every {self.every}{which} at {self.at:%H:%M}, local time, for who is in the segment {self.segment}"


@dataclass(frozen=True, slots=True)
class HolidayAlarm(_OfSegment):
    """Rings for the members of a segment so many days before or after a closed day of the account's calendar."""

    name: str
    days: int
    at: time
    segment: str
    timezone: str | None

    def find_next(self, contact: Contact, after: float, account: Account) -> float:
        """The first instant after another one, inf when there is none."""
        if self.segment not in contact.segments or account.calendar is None:
            return inf
        country, wanted = find_country(contact), self.name.casefold()
        meant = [
            closed
            for closed in account.calendar.closed
            if closed.name.casefold() == wanted and (not closed.countries or country in closed.countries)
        ]

        def fits(day: date) -> bool:
            holiday = day - timedelta(days=self.days)
            return any(closed.covers(holiday) and not closed.covers(holiday - timedelta(days=1)) for closed in meant)

        zone = clock_of(contact, self.timezone, *account.zones).zone
        return next_of_days(after, self.at, zone, fits) if meant else inf

    def tell(self, contact: Contact) -> Mapping[str, Any]:
        return {"segment": self.segment, "holiday": self.name}

    def describe(self) -> str:
        number = "1 day" if abs(self.days) == 1 else f"{abs(self.days)} days"
        where = f"{number} {'before' if self.days < 0 else 'after'} " if self.days else ""
        return f"{where}{self.name} at {self.at:%H:%M}, local time, for who is in the segment {self.segment}"


def next_of_days(after: float, at: time, zone: tzinfo, fits: Callable[[date], bool]) -> float:
    """The first instant after another one at which it is this local time on a day that fits; inf when no day does."""
    day = datetime.fromtimestamp(after, zone).date()
    for number in range(800):
        near = day + timedelta(days=number)
        instant = find_instant(near, at, zone) if fits(near) else None
        if instant is not None and instant > after:
            return instant
    return inf


# Reading


class Sought(NamedTuple):
    """Where a trigger stands: the journey, and the number of the trigger in it."""

    journey: str
    number: int

    def pattern(self, reader: Reader, event: str) -> EventPattern:
        """The event that is said for this trigger and no other."""
        mine = [{"property": "journey", "is": self.journey or "-"}, {"property": "trigger", "is": self.number}]
        return read_pattern(Reader({"event": event, "where": {"all": mine}}, reader.path, reader))


def _read_date(reader: Reader, scope: Scope, sought: Sought) -> Trigger:
    alarm = DateAlarm(ContactDate.read(reader), reader.read("timezone", parse_zone, None, None))
    return Trigger(Happening(sought.pattern(reader, DATE_REACHED)), alarm=alarm)


def _read_schedule(reader: Reader, scope: Scope, sought: Sought) -> Trigger:
    every = reader.choice("every", PERIODS)
    none: tuple[int, ...] = ()
    no_dates: tuple[tuple[int, int], ...] = ()
    weekdays = reader.read("weekdays", parse_weekdays, none, none)
    days = reader.read("days", _parse_days, none, none)
    if days and every != "month":
        reader.mistake("days of the month belong to every: month", "days")
    dates = reader.read("dates", _parse_dates, no_dates, no_dates)
    if bool(dates) is not (every == "year"):
        reader.mistake("dates of the year belong to every: year, and it needs them", "dates")
    if every in ("month", "year") and weekdays:
        reader.mistake("weekdays belong to every: day or week", "weekdays")
    segment = reader.id("segment")
    scope.refer("segment", segment, f"{reader.path}.segment")
    alarm = ScheduleAlarm(
        every,
        reader.read("at", parse_time_of_day, MORNING, MORNING),
        weekdays or ((0,) if every == "week" else ()),
        days or ((1,) if every == "month" else ()),
        dates,
        segment,
        reader.read("timezone", parse_zone, None, None),
    )
    return Trigger(Happening(sought.pattern(reader, SCHEDULE_REACHED)), alarm=alarm)


def _read_holiday(reader: Reader, scope: Scope, sought: Sought) -> Trigger:
    name, segment = reader.text("holiday", longest=100), reader.id("segment")
    scope.refer("holiday", name, f"{reader.path}.holiday")
    scope.refer("segment", segment, f"{reader.path}.segment")
    offset = read_offset(reader)
    if offset % DAY or abs(offset) > 300 * DAY:
        reader.mistake("counts in whole days, at most 300, such as P7D", "before" if offset < 0 else "after")
    at = reader.read("at", parse_time_of_day, MORNING, MORNING)
    alarm = HolidayAlarm(name, int(offset // DAY), at, segment, reader.read("timezone", parse_zone, None, None))
    return Trigger(Happening(sought.pattern(reader, SCHEDULE_REACHED)), alarm=alarm)


def _read_api(reader: Reader, scope: Scope, sought: Sought) -> Trigger:
    if not reader.flag("api") and not reader.is_broken:
        reader.mistake("is true, or left out", "api")
    mine = {"property": "journey", "is": sought.journey or "-"}
    document = {"event": ENROLLMENT_REQUESTED, "where": mine}
    return Trigger(Happening(read_pattern(Reader(document, reader.path, reader)), sentence="a request by the API"))


def _parse_dates(raw: object) -> tuple[tuple[int, int], ...]:
    dates = raw if isinstance(raw, list | tuple) else [raw]
    if not 1 <= len(dates) <= 100:
        raise ValueError("must be a list of 1 to 100 days of the year, such as 12-01")
    return tuple(sorted({parse_month_day(each) for each in dates}))


def _parse_days(raw: object) -> tuple[int, ...]:
    days = raw if isinstance(raw, list | tuple) else [raw]
    known: dict[object, int] = {"last": LAST, **{day: day for day in range(1, LAST + 1)}}
    if not days or any(isinstance(day, bool | float | list | dict) or day not in known for day in days):
        raise ValueError("must be a list of days of the month, 1 to 31, or last")
    return tuple(sorted({known[day] for day in days}))


# The triggers that are no happening, by the key that says so.
TIMED: Mapping[str, Callable[[Reader, Scope, Sought], Trigger]] = {
    "date": _read_date,
    "every": _read_schedule,
    "holiday": _read_holiday,
    "api": _read_api,
}

# Every trigger, by the key that says so.
TRIGGERS = (*HAPPENINGS, *TIMED)


def read_trigger(reader: Reader, scope: Scope, journey_id: str, number: int) -> Trigger:
    """One trigger of a journey; mistakes are left in the reader."""
    condition = reader.find_child("if")
    # A schedule has a segment too, and that is none to enter.
    key = next((key for key in TIMED if reader.has(key)), None)
    trigger = TIMED[key](reader, scope, Sought(journey_id, number)) if key else Trigger(scope.happening(reader, TIMED))
    if (
        trigger.key in _OF_ALL_JOURNEYS
        and not reader.has("journey")
        and not mentions(reader.document.get("where"), "journey")
    ):
        reader.mistake(
            "must say which journey is meant, as in {property: journey, is: welcome}; "
            f"{trigger.pattern.name} is said of every journey, and this one would set itself off without end",
            "where",
        )
    return Trigger(trigger.happening, scope.predicate(condition) if condition else None, trigger.alarm)


# Every journey causes these.
_OF_ALL_JOURNEYS = (JOURNEY_STARTED.lower(), JOURNEY_ENDED.lower())
