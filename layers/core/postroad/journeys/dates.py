"""Dates of a contact: birthdays, renewals, appointments, and the instants that follow from them.

An attribute holds a date (`1990-05-12`), a day of a year without the year (`05-12`, `--05-12`), or a date with a time.
What follows from it is reckoned in calendar days on the contact's clock, so that seven days before nine in the morning
is nine in the morning, whatever the clocks did in between.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from math import inf
from typing import Any, NamedTuple

from postroad.documents import Reader, form
from postroad.instants import DAY, describe_duration
from postroad.journeys.stepping import LONGEST
from postroad.local_time import find_instant, parse_time_of_day
from postroad.predicates.operators import describe_name

# When a day has no time of its own, and nobody said one.
MORNING = time(9)
# What 29 February is in a year that has none.
LEAP_DAYS = {"feb-28": (2, 28), "mar-01": (3, 1)}

_DAY = re.compile(r"(?:(\d{4})-|--)?(\d\d)-(\d\d)", re.ASCII)


class Moment(NamedTuple):
    """What an attribute says: a day, its year if it has one, and a local time or instant if it has one."""

    month: int
    day: int
    year: int | None
    clock: time | None


@dataclass(frozen=True, slots=True)
class ContactDate:
    """An attribute of the contact that holds a date, and so many seconds from it.

    `at` is the local time of that day, else the date's own, else nine in the morning. `yearly` means the day of every
    year from the first on; 29 February is then `leap_day` in years that lack it.
    """

    attribute: str
    offset: float
    at: time | None
    yearly: bool
    leap_day: tuple[int, int]

    @classmethod
    def read(cls, reader: Reader) -> "ContactDate":
        """The date in the keys `date`, `before` or `after`, `at`, `yearly` and `leap_day` of an object."""
        found = cls(
            reader.text("date", longest=100),
            read_offset(reader),
            reader.read("at", parse_time_of_day, None, None),
            reader.flag("yearly", False),
            LEAP_DAYS[reader.choice("leap_day", LEAP_DAYS, "feb-28")],
        )
        if found.at is not None and found.offset % DAY:
            key = "before" if found.offset < 0 else "after"
            reader.mistake("with a time of day (at) count in whole days, such as P7D", key)
        return found

    @property
    def reads(self) -> frozenset[str]:
        return frozenset((f"attribute:{self.attribute}",))

    def find_next(self, value: Any, after: float, zone: tzinfo) -> float:
        """The first instant after another one that follows from the attribute's value; inf when there is none."""
        moment = parse_moment(value, zone, is_day=self.yearly or self.at is not None)
        if moment is None:
            return inf
        if not self.yearly:
            instant = self._reckon(moment, moment.year, zone)
            return instant if instant is not None and instant > after else inf
        around = _local_year(after, zone)
        first = max(around - 12, moment.year or around - 12)
        for year in range(first, max(around + 12, first + 2)):
            instant = self._reckon(moment, year, zone)
            if instant is not None and instant > after:
                return instant
        return inf

    def _reckon(self, moment: Moment, year: int | None, zone: tzinfo) -> float | None:
        if year is None:
            return None
        leaps = (moment.month, moment.day) == (2, 29)
        month, day = self.leap_day if leaps and not _is_leap(year) else (moment.month, moment.day)
        days, rest = divmod(self.offset, DAY)
        with suppress(ValueError, OverflowError):
            local = date(year, month, day) + timedelta(days=days)
            instant = find_instant(local, self.at or moment.clock or MORNING, zone)
            return None if instant is None else instant + rest
        return None

    def describe(self) -> str:
        offset = describe_duration(abs(self.offset))
        where = f"{offset} before " if self.offset < 0 else f"{offset} after " if self.offset else ""
        clock = f" at {self.at:%H:%M}" if self.at else ""
        return f"{where}{describe_name(self.attribute)}{' of each year' if self.yearly else ''}{clock}, local time"


def read_offset(reader: Reader) -> float:
    """Seconds after a moment (negative: before it) in the keys `before` and `after`."""
    if reader.has("after") and reader.has("before"):
        reader.mistake("cannot be both before and after the date; give one of the two", "before")
    after = reader.duration("after", 0.0, least=1, most=LONGEST / 2)
    return after - reader.duration("before", 0.0, least=1, most=LONGEST / 2)


def parse_moment(value: Any, zone: tzinfo, *, is_day: bool = False) -> Moment | None:
    """What an attribute's value says; None when it is no date. An instant is told by the clock of the zone.

    Where a day is asked for (`is_day`), midnight is that day, whatever its zone: so many systems write one.
    """
    if not isinstance(value, str):
        return None
    text = value.strip()
    written = _DAY.fullmatch(text)
    with suppress(ValueError, OverflowError):
        if written:
            # People say that they were born on 29 February in whatever year.
            day = date(2000, int(written[2]), int(written[3]))
            return Moment(day.month, day.day, int(written[1]) if written[1] else None, None)
        if len(text) > 10:
            stated = datetime.fromisoformat(text)
            if is_day and stated.time() == time():
                return Moment(stated.month, stated.day, stated.year, None)
            local = stated.astimezone(zone) if stated.tzinfo else stated
            return Moment(local.month, local.day, local.year, local.time())
    return None


@form({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T", "examples": ["2026-12-24T09:00"]})
def parse_moment_text(raw: object) -> datetime:
    """A date with a time, with or without a zone. Raises ValueError with a sentence."""
    with suppress(ValueError):
        if isinstance(raw, datetime):
            raw = raw.isoformat()
        moment = datetime.fromisoformat(raw) if isinstance(raw, str) and "T" in raw and len(raw) <= 40 else None
        if moment and 1970 < moment.year < 3000:
            return moment.replace(microsecond=0)
    raise ValueError(f"{str(raw)[:40]!r} is no moment; write for example 2026-12-24T09:00, or with a zone …T09:00:00Z")


def find_moment(moment: datetime, zone: tzinfo) -> float:
    """The instant of a moment, by the clock of the zone unless it has one of its own."""
    if moment.tzinfo:
        return moment.timestamp()
    day, wanted = moment.date(), moment.time()
    while (instant := find_instant(day, wanted, zone)) is None:
        day, wanted = day + timedelta(days=1), time()
    return instant


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _local_year(instant: float, zone: tzinfo) -> int:
    return datetime.fromtimestamp(instant, zone).year
