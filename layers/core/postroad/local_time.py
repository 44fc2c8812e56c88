"""Local time: when it is next nine in the morning where a contact lives.

A local time that a day has twice (clocks go back) means its first occurrence. One that a day lacks (clocks go forward)
means the first instant after the gap; a day that lacks even that, because the calendar skipped it, is passed over.
"""

import re
from collections.abc import Collection
from contextlib import suppress
from datetime import date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_NAME = re.compile(r"[A-Za-z0-9_+-]{1,32}(?:/[A-Za-z0-9_+-]{1,32}){0,2}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def find_zone(name: object) -> tzinfo | None:
    """The time zone of an IANA name such as `Europe/Madrid`, or None; any value may be asked for."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # no such zone, a folder of zones, a file that is none
        return None


def parse_date(text: object) -> date:
    """A day written as `2026-11-02`. Raises ValueError with a sentence."""
    with suppress(ValueError):
        if isinstance(text, str) and _DATE.fullmatch(text):
            return date.fromisoformat(text)
    raise ValueError(f"{str(text)[:40]!r} is not a date; write for example 2026-11-02")


def parse_time_of_day(text: object) -> time:
    """A local time written as `09:00`. Raises ValueError with a sentence."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if not match:
        raise ValueError(f"{str(text)[:40]!r} is not a time of day; write for example 09:00 or 18:30")
    return time(int(match[1]), int(match[2]))


def next_local(now: float, wanted: time, zone: tzinfo, weekdays: Collection[int] = ()) -> float:
    """The first instant after `now` at which it is `wanted` o'clock in the zone, on one of the weekdays (0 is Monday;
    none given: any day)."""
    day = datetime.fromtimestamp(now, zone).date()
    while True:
        if not weekdays or day.weekday() in weekdays:
            instant = find_instant(day, wanted, zone)
            if instant is not None and instant > now:
                return instant
        day += timedelta(days=1)


def find_instant(day: date, wanted: time, zone: tzinfo) -> float | None:
    """When it is first `wanted` o'clock on this day, or the end of the gap that swallows it; None when that is another
    day."""
    asked = datetime.combine(day, wanted, zone)
    instant = asked.timestamp()
    if datetime.fromtimestamp(instant, zone).replace(tzinfo=None) == asked.replace(tzinfo=None):
        return instant
    # In a gap Python counts with the offset from before it (fold=0), which lands after it, and the other way round.
    before, after = asked.replace(fold=1).timestamp(), instant
    offset = datetime.fromtimestamp(after, zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after if datetime.fromtimestamp(after, zone).date() == day else None
