"""The account's calendar: the hours at which messages may leave, on the clock of whoever gets them.

Three things close it: quiet hours, what lies outside the open hours of a weekday, and closed days. An hour that a clock
change skips or repeats is what `local_time` says of it. Closed days are a table that the account fills: a day of each
year, a date, a number of days from Easter Sunday, or such a weekday of a month; each for all countries or for some.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from postroad.contacts.contact import Contact
from postroad.contacts.zones import ZONES, clock_of, find_clock, find_country, possible_zones
from postroad.documents import Reader, choose
from postroad.instants import DAY
from postroad.local_time import WEEKDAYS, find_instant, parse_date, parse_time_of_day

# What to do about somebody whose time zone is not known, and what becomes of a message while it is closed.
UNKNOWN = ("account", "wait", "send")
WHEN_CLOSED = ("wait", "skip")
# What a send may ask of the gate "hours": to leave also while it is closed.
HOURS, ANY_TIME = "hours", "any"
# A message that could not leave within so many days is not kept back any longer: it is given up.
FURTHEST = 400
# Of what closes it in a row so much is told.
MOST_REASONS = 3
TEXTS = "sms"


class Window(NamedTuple):
    """Hours of a day, from one local time up to another; that of the next day when it is not later."""

    start: time
    end: time

    def on(self, day: date, zone: tzinfo) -> tuple[float, float]:
        """The instants between which it lies when it begins on this day."""
        last = day if self.end > self.start else day + timedelta(days=1)
        return _instant(day, self.start, zone), _instant(last, self.end, zone)

    def describe(self) -> str:
        return f"{self.start:%H:%M} to {self.end:%H:%M}"


# Texts between nine in the evening and eight in the morning are forbidden in the US (47 CFR 64.1200(c)(1)).
TEXTS_QUIET = (Window(time(21), time(8)),)


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A day (or several in a row) on which nothing leaves; `countries` empty: everywhere.

    It is `month_day` of every year, `first` to `last`, so many days from `easter`, or the `nth` weekday of a month (-1:
    the last).
    """

    name: str
    countries: frozenset[str] = frozenset()
    month_day: tuple[int, int] | None = None
    first: date | None = None
    last: date | None = None
    easter: int | None = None
    nth: tuple[int, int, int] | None = None

    def covers(self, day: date) -> bool:
        """Whether this day is one of them."""
        if self.month_day:
            return (day.month, day.day) == self.month_day
        if self.first and self.last:
            return self.first <= day <= self.last
        if self.easter is not None:
            return day - timedelta(days=self.easter) == easter_sunday((day - timedelta(days=self.easter)).year)
        if self.nth:
            number, weekday, month = self.nth
            if (day.month, day.weekday()) != (month, weekday):
                return False
            return (day + timedelta(days=7)).month != month if number < 0 else (day.day - 1) // 7 + 1 == number
        return False

    def find_next(self, after: date) -> date | None:
        """The first day of it after this one, within FURTHEST days."""
        days = (after + timedelta(days=number) for number in range(1, FURTHEST + 1))
        return next((day for day in days if self.covers(day)), None)


class Opening(NamedTuple):
    """When a message may leave: `at` (None: not within FURTHEST days), and why not before, "" when at once."""

    at: float | None
    because: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """When messages may leave. `channels` has what differs for one channel."""

    quiet: tuple[Window, ...] = ()
    open: Mapping[int, tuple[Window, ...]] | None = None
    closed: tuple[ClosedDay, ...] = ()
    unknown: str = UNKNOWN[0]
    when_closed: str = WHEN_CLOSED[0]
    channels: Mapping[str, "Calendar"] = field(default_factory=dict)

    def of_channel(self, channel: str) -> "Calendar":
        """The calendar that holds for a channel. A text rings at night: unless the account says otherwise, it has quiet
        hours, in every zone in which the person may be."""
        if channel in self.channels or channel != TEXTS:
            return self.channels.get(channel, self)
        return replace(self, quiet=self.quiet or TEXTS_QUIET, unknown="wait")

    def next_opening(self, contact: Contact, at: float, account_zone: str) -> Opening:
        """The first instant from `at` at which it is open where the contact is.

        Where the clock is not known, `unknown` says whether the account's serves, or the message is sent anyway, or it
        waits until it is open in every zone of the contact's country (the account's when that is not known either).
        """
        if not (self.quiet or self.closed) and self.open is None:
            return Opening(at, "")
        own = find_clock(contact)
        if own is None and self.unknown == "send":
            return Opening(at, "")
        zones = possible_zones(contact) if own is None and self.unknown == "wait" else ()
        clock = own or clock_of(contact, account_zone)
        country = find_country(contact)
        moment, because = self.find_opening(at, zones or (clock.zone,), country)
        where = f"in all zones of {country or 'numbers that begin with +1'}" if zones else clock.because
        return Opening(moment, because and f"{because} ({where})")

    def find_opening(self, at: float, zones: tuple[tzinfo, ...], country: str | None) -> tuple[float | None, str]:
        """The first instant from `at` at which it is open in all of these zones, and what closes it till then."""
        moment, reasons = at, dict[str, None]()
        while moment - at <= FURTHEST * DAY:
            closed = next((found for zone in zones if (found := self._close(moment, zone, country))), None)
            if closed is None:
                return moment, _in_turn(reasons)
            moment = closed[0]
            reasons[closed[1]] = None
        return None, _in_turn(reasons)

    @property
    def ever_opens(self) -> bool:
        """Whether an ordinary week has a moment at which it is open."""
        return replace(self, closed=()).find_opening(0.0, (UTC,), None)[0] is not None

    def _close(self, at: float, zone: tzinfo, country: str | None) -> tuple[float, str] | None:
        """What closes it at this instant: (until when at least, why); None when it is open."""
        day = datetime.fromtimestamp(at, zone).date()
        for closed in self.closed:
            if (not closed.countries or country in closed.countries) and closed.covers(day):
                return _instant(day + timedelta(days=1), time(), zone), closed.name
        for window in self.quiet:
            for start, end in (window.on(day - timedelta(days=1), zone), window.on(day, zone)):
                if start <= at < end:
                    return end, f"quiet hours {window.describe()}"
        if self.open is None:
            return None
        spans = [window.on(near, zone) for near in _days(day, -1, 8) for window in self.open.get(near.weekday(), ())]
        if any(start <= at < end for start, end in spans):
            return None
        later = min((start for start, _ in spans if start > at), default=at + (FURTHEST + 1) * DAY)
        return later, "outside the open hours"

    def describe(self) -> str:
        """The hours in a sentence."""
        parts = [f"quiet from {window.describe()}" for window in self.quiet]
        if self.open is not None:
            hours = [
                f"{WEEKDAYS[day].capitalize()} {' and '.join(window.describe() for window in windows)}"
                for day, windows in sorted(self.open.items())
                if windows
            ]
            parts.append(f"open {', '.join(hours)}")
        parts += [f"closed on {', '.join(day.name for day in self.closed)}"] if self.closed else []
        text = "; ".join(parts) or "always open"
        return text[:1].upper() + text[1:]


ALWAYS_OPEN = Calendar()


def easter_sunday(year: int) -> date:
    """The Western Easter Sunday of a year (the Gregorian computus)."""
    golden, century = year % 19, year // 100
    epact = (century - century // 4 - (8 * century + 13) // 25 + 19 * golden + 15) % 30
    epact -= (epact // 28) * (1 - (epact // 28) * (29 // (epact + 1)) * ((21 - golden) // 11))
    weekday = (year + year // 4 + epact + 2 - century + century // 4) % 7
    offset = epact - weekday
    month = 3 + (offset + 40) // 44
    return date(year, month, offset + 28 - 31 * (month // 4))


def _in_turn(reasons: Collection[str]) -> str:
    """What closes it one after the other, as far as one wants to read it."""
    told = list(reasons)[:MOST_REASONS]
    return ", then ".join([*told, "more"] if len(reasons) > len(told) else told)


def _instant(day: date, wanted: time, zone: tzinfo) -> float:
    """That local time of a day; of one that the calendar skipped, the beginning of the next."""
    while (instant := find_instant(day, wanted, zone)) is None:
        day, wanted = day + timedelta(days=1), time()
    return instant


def _days(day: date, first: int, last: int) -> Iterator[date]:
    return (day + timedelta(days=number) for number in range(first, last + 1))


# Reading


def read_calendar(reader: Reader, channels: Collection[str]) -> Calendar:
    """The calendar of an object; mistakes are left in the reader."""
    calendar = _read_hours(reader, Calendar())
    child = reader.find_child("channels")
    if child is None:
        return calendar
    child.expect(*channels)
    return replace(
        calendar,
        channels={key: _read_hours(child.child(key), calendar.of_channel(key)) for key in channels if child.has(key)},
    )


def _read_hours(reader: Reader, usual: Calendar) -> Calendar:
    """What one object says of hours; what it does not say is as usual."""
    before = len(reader.mistakes)
    reader.expect("quiet", "open", "closed")
    calendar = Calendar(
        tuple(map(read_window, reader.children("quiet", least=0, most=4, or_one=True)))
        if reader.has("quiet")
        else usual.quiet,
        _read_open(reader.child("open")) if reader.has("open") else usual.open,
        tuple(map(_read_closed, reader.children("closed", least=0, most=200)))
        if reader.has("closed")
        else usual.closed,
        reader.choice("unknown_timezone", UNKNOWN, usual.unknown),
        reader.choice("when_closed", WHEN_CLOSED, usual.when_closed),
    )
    if len(reader.mistakes) == before and not calendar.ever_opens:
        reader.mistake("is never open: no open hour of the week lies outside the quiet hours")
    return calendar


def read_window(reader: Reader) -> Window:
    """The hours in the keys `from` and `to` of an object."""
    before = len(reader.mistakes)
    window = Window(reader.read("from", parse_time_of_day, time()), reader.read("to", parse_time_of_day, time(1)))
    if window.start == window.end and len(reader.mistakes) == before:
        reader.mistake(f"begins and ends at {window.start:%H:%M}, which is no time at all", "to")
    return window


def _read_open(reader: Reader) -> Mapping[int, tuple[Window, ...]]:
    reader.expect(*WEEKDAYS)
    return {
        number: tuple(map(read_window, reader.children(key, least=0, most=4, or_one=True)))
        for number, key in enumerate(WEEKDAYS)
        if reader.has(key)
    }


def _read_closed(reader: Reader) -> ClosedDay:
    name = reader.text("name", longest=100)
    none: frozenset[str] = frozenset()
    countries = reader.read("country", _parse_countries, none, none)
    key = choose(reader, CLOSED_DAYS, "a closed day is")
    return CLOSED_DAYS[key](reader, ClosedDay(name, countries)) if key else ClosedDay(name)


def _read_date(reader: Reader, day: ClosedDay) -> ClosedDay:
    if isinstance(reader.document["date"], str) and len(reader.document["date"]) == 5:
        return replace(day, month_day=reader.read("date", parse_month_day, (1, 1)))
    first = reader.read("date", _parse_day, date(2000, 1, 1))
    last = reader.read("to", _parse_day, first, first)
    if last < first or (last - first).days >= FURTHEST:
        reader.mistake(f"must be a day from {first} on, and less than {FURTHEST} days later", "to")
    return replace(day, first=first, last=last)


def _read_easter(reader: Reader, day: ClosedDay) -> ClosedDay:
    return replace(day, easter=reader.integer("easter", least=-100, most=100))


def _read_weekday(reader: Reader, day: ClosedDay) -> ClosedDay:
    weekday = WEEKDAYS.index(reader.choice("weekday", WEEKDAYS))
    week = reader.read("week", _parse_week, 1)
    return replace(day, nth=(week, weekday, reader.integer("month", least=1, most=12)))


# How a closed day is said, by the key that says so.
CLOSED_DAYS: Mapping[str, Callable[[Reader, ClosedDay], ClosedDay]] = {
    "date": _read_date,
    "easter": _read_easter,
    "weekday": _read_weekday,
}


def parse_month_day(raw: object) -> tuple[int, int]:
    """Month and day of "12-25"; 29 February is one. Raises ValueError with a sentence."""
    try:
        if isinstance(raw, str) and len(raw) == 5:
            day = date.fromisoformat(f"2000-{raw}")
            return day.month, day.day
    except ValueError:
        pass
    raise ValueError(f"{str(raw)[:40]!r} is no day of a year; write for example 12-25")


def _parse_day(raw: object) -> date:
    return raw if isinstance(raw, date) and not isinstance(raw, datetime) else parse_date(raw)


def _parse_week(raw: object) -> int:
    weeks: Mapping[object, int] = {"last": -1, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5}
    if isinstance(raw, bool) or not isinstance(raw, str | int) or raw not in weeks:
        raise ValueError("says which one of the month: 1, 2, 3, 4, 5 or last")
    return weeks[raw]


def _parse_countries(raw: object) -> frozenset[str]:
    codes = raw if isinstance(raw, list | tuple) else [raw]
    for code in codes:
        if not isinstance(code, str) or code not in ZONES:
            raise ValueError(f"{str(code)[:40]!r} is no country; write its two letters, such as FR")
    return frozenset(codes)
