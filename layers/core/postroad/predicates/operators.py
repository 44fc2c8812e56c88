"""Operators: the ways to compare a value of a contact or an event. To add one, add an entry to OPERATORS.

Comparing never raises: what is missing or of another type simply does not match.

- Text compares without regard to case. A text is never a number: "10" is not 10, and true is not 1.
- A list matches when one of its elements does; `contains` asks a list for an element, and a text for a part of it.
- A dotted path leads into objects, and through lists to each of their elements: `products.sku`.
- Negative operators are the exact opposite of their positives, so they hold for what is missing.
- Instants in values are ISO 8601 texts (UTC when they name no zone) or epoch numbers in seconds or milliseconds.
- Windows are half open: what happened at t is within the last d from t until just before t + d.
- Whole days are those of the contact's own zone. A value that says no time, or midnight, means that day.
- A place is an object with lat and lng, a GeoJSON point, a pair [lat, lng], or a text "lat, lng".
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from math import asin, cos, inf, radians, sin, sqrt
from operator import ge, gt, le, lt, not_
from typing import Any, NamedTuple, Protocol
from unicodedata import normalize

from postroad import local_time
from postroad.documents import Reader
from postroad.instants import DAY, describe_duration, format_instant, parse_instant
from postroad.predicates.verdicts import FALSE, TRUE, Verdict


class Moment(Protocol):
    """When something is asked, and where the contact's clock stands."""

    @property
    def now(self) -> float: ...
    @property
    def zone(self) -> tzinfo: ...


Judge = Callable[[Any, Moment], Verdict]


@dataclass(frozen=True, slots=True)
class Operator:
    """A way to compare a value: `judge` compiles the operand into a function of (value, moment).

    With an operand that it `denies`, it holds exactly where its judge says no. One that `is_whole` looks at a list as a
    whole; the others hold for a list when they hold for one of its elements. One that `is_local` asks for the zone.
    `examples` are values of which it holds for some at an instant, and not for others; what is missing is one more.
    """

    key: str
    read: Callable[[Reader, str], Any]
    judge: Callable[[Any], Judge]
    describe: Callable[[Any], str]
    examples: Callable[[Any, float], Sequence[Any]]
    denies: Callable[[Any], bool] = lambda operand: False
    is_whole: bool = False
    is_local: bool = False


def fold_case(text: str) -> str:
    """Text as it compares: without case, and in one form where Unicode has several."""
    return text.lower() if text.isascii() else normalize("NFC", normalize("NFC", text).casefold())


def find_instant(value: object) -> float | None:
    """Epoch seconds of a value that means an instant, or None."""
    if isinstance(value, str):
        return _parse_instant(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1e14 < value < 1e14:
        return None
    return value / 1_000 if abs(value) >= 1e11 else float(value)


@lru_cache(maxsize=4_096)
def _parse_instant(text: str) -> float | None:
    try:
        return parse_instant(text)
    except ValueError:
        return None


def _comparable(value: object) -> object:
    """Equal for values that count as equal, and only for those. None stands for what equals nothing."""
    if isinstance(value, str):
        return fold_case(value)
    if isinstance(value, bool):
        return ("is", value)  # Python takes True for 1.
    return value if isinstance(value, (int, float)) else None


def _timeless(test: Callable[[Any], bool]) -> Judge:
    return lambda value, moment: TRUE if test(value) else FALSE


def _is_in(operand: Any) -> Judge:
    wanted = frozenset(_comparable(value) for value in (operand if isinstance(operand, tuple) else (operand,)))
    return _timeless(lambda value: _comparable(value) in wanted)


def _contains(operand: Any) -> Judge:
    wanted = _comparable(operand)

    def test(value: Any) -> bool:
        if isinstance(value, (list, tuple)):
            return any(_comparable(item) == wanted for item in value)
        return isinstance(value, str) and isinstance(wanted, str) and wanted in fold_case(value)

    return _timeless(test)


def _contains_all(operand: tuple[Any, ...]) -> Judge:
    judges = [_contains(wanted) for wanted in operand]
    return lambda value, moment: TRUE if all(judge(value, moment).truth for judge in judges) else FALSE


def _exists(operand: bool) -> Judge:
    return _timeless(lambda value: value is not None and value != "" and value != [] and value != ())


def _of_text(test: Callable[[str, str], bool]) -> Callable[[str], Judge]:
    def judge(operand: str) -> Judge:
        wanted = fold_case(operand)
        return _timeless(lambda value: isinstance(value, str) and test(fold_case(value), wanted))

    return judge


def _of_number(test: Callable[[float, float], bool]) -> Callable[[float], Judge]:
    def judge(operand: float) -> Judge:
        return _timeless(
            lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and test(value, operand)
        )

    return judge


def _of_instant(test: Callable[[float, float], bool]) -> Callable[[float], Judge]:
    def judge(operand: float) -> Judge:
        return _timeless(lambda value: (at := find_instant(value)) is not None and test(at, operand))

    return judge


def _between(shift_start: float, shift_end: float) -> Judge:
    """True from the value's instant plus one shift until just before it plus the other."""

    def judge(value: Any, moment: Moment) -> Verdict:
        at = find_instant(value)
        return FALSE if at is None else _within(at + shift_start, at + shift_end, moment.now)

    return judge


def _within(start: float, end: float, now: float) -> Verdict:
    """True from one instant until just before the other."""
    if now >= end:
        return FALSE
    return Verdict(True, end) if now >= start else Verdict(False, start)


# Whole days


class Day(NamedTuple):
    """A day of the calendar; without a year it comes round every year."""

    year: int | None
    month: int
    day: int

    def in_year(self, year: int) -> date:
        """That day of a year; 29 February is 28 February where there is none."""
        is_missing = (self.month, self.day) == (2, 29) and not _is_leap(year)
        return date(year, self.month, 28 if is_missing else self.day)


class Days(NamedTuple):
    """From so many days ahead of today to so many; what has been is below zero."""

    first: int
    last: int


_DAY = re.compile(r"(\d{4}-|--|)(\d\d)-(\d\d)")
_FIRST_YEAR, _LAST_YEAR = 1800, 2999
# Two anniversaries are at least 365 days apart, so these spans of days do not overlap.
MOST_DAYS_ROUND = 180
MOST_DAYS = 3_650


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def find_day(value: object, zone: tzinfo) -> Day | None:
    """The day that a value means, or None. With a time of day that is not midnight it is the day there in the zone."""
    if isinstance(value, str):
        return _parse_day(value, zone)
    at = find_instant(value)
    try:
        return None if at is None else _day_of(datetime.fromtimestamp(at, UTC), zone)
    except (ValueError, OverflowError):  # before the year 1, or after 9999
        return None


@lru_cache(maxsize=4_096)
def _parse_day(text: str, zone: tzinfo) -> Day | None:
    text = text.strip()
    try:
        if found := _DAY.fullmatch(text):
            year, month, day = found[1].strip("-"), int(found[2]), int(found[3])
            known = Day(int(year) if int(year or 0) else None, month, day)
            known.in_year(known.year or 2_000)
            return _checked(known)
        return _day_of(datetime.fromisoformat(text), zone) if len(text) >= 8 else None
    except (ValueError, OverflowError):
        return None


def _day_of(moment: datetime, zone: tzinfo) -> Day | None:
    if moment.time() != time(0):
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(zone)
    return _checked(Day(moment.year, moment.month, moment.day))


def _checked(day: Day) -> Day | None:
    return day if day.year is None or _FIRST_YEAR <= day.year <= _LAST_YEAR else None


def _starts(day: date, zone: tzinfo) -> float:
    """The instant at which a day begins in a zone; of one that the calendar skipped, that of the next."""
    while (instant := local_time.find_instant(day, time(0), zone)) is None:
        day += timedelta(days=1)
    return instant


def _in_days(occurrences: Callable[[Day, date], Iterator[date]]) -> Callable[[Days], Judge]:
    """Holds on the days that lie as far as that before or after what a value means; `occurrences` are given the day and
    today, and yield dates in their order."""

    def judge(operand: Days) -> Judge:
        def test(value: Any, moment: Moment) -> Verdict:
            zone, now = moment.zone, moment.now
            day = find_day(value, zone)
            if day is None:
                return FALSE
            today = datetime.fromtimestamp(now, zone).date()
            for at in occurrences(day, today):
                end = _starts(at - timedelta(days=operand.first - 1), zone)
                if now < end:
                    return _within(_starts(at - timedelta(days=operand.last), zone), end, now)
            return FALSE

        return test

    return judge


def _once(day: Day, today: date) -> Iterator[date]:
    if day.year is not None:
        yield day.in_year(day.year)


def _each_year(day: Day, today: date) -> Iterator[date]:
    first = today.year - 1 if day.year is None else max(day.year + 1, today.year - 1)
    for year in range(first, first + 4):
        yield day.in_year(year)


def _read_days(most: int) -> Callable[[Reader, str], Days]:
    def parse(raw: object) -> Days:
        bounds: list[Any] = list(raw) if isinstance(raw, list | tuple) else [raw, raw]
        if len(bounds) != 2 or any(isinstance(n, bool) or not isinstance(n, int) for n in bounds):
            raise ValueError("must be a whole number of days, or two: the first and the last, such as [0, 7]")
        first, last = bounds
        if first > last:
            raise ValueError(f"contradicts itself: {first} comes after {last}; write the earlier day first")
        if first < -most or last > most:
            raise ValueError(f"must lie between {-most} and {most} days")
        return Days(first, last)

    return lambda reader, key: reader.read(key, parse, Days(0, 0))


def _describe_days(days: Days) -> str:
    def told(number: int) -> str:
        count = f"{abs(number)} day{'' if abs(number) == 1 else 's'}"
        return "today" if number == 0 else f"in {count}" if number > 0 else f"{count} ago"

    first, last = days
    if first == last:
        return told(first)
    if first == 0:
        return f"within the next {last} days"
    if last == 0:
        return f"within the last {-first} days"
    return f"between {told(first)} and {told(last)}"


# Places


class Circle(NamedTuple):
    """What is at most so many kilometres away from a place."""

    lat: float
    lng: float
    km: float


_EARTH_KM = 6_371.0088
_LATITUDES, _LONGITUDES = ("lat", "latitude"), ("lng", "lon", "long", "longitude")


def find_place(value: Any) -> tuple[float, float] | None:
    """(latitude, longitude) of a value that means a place, or None."""
    if isinstance(value, Mapping):
        if value.get("type") == "Point" and isinstance(value.get("coordinates"), list | tuple):
            pair = list(value["coordinates"][1::-1])
        else:
            pair = [next((value[key] for key in keys if key in value), None) for keys in (_LATITUDES, _LONGITUDES)]
    elif isinstance(value, str):
        try:
            pair = [float(part) for part in value.split(",")] if len(value) <= 60 else []
        except ValueError:
            return None
    else:
        pair = list(value) if isinstance(value, list | tuple) else []
    if len(pair) != 2 or any(isinstance(n, bool) or not isinstance(n, int | float) for n in pair):
        return None
    lat, lng = pair
    return (lat, lng) if -90 <= lat <= 90 and -180 <= lng <= 180 else None


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Kilometres between two places along the surface (haversine)."""
    (lat1, lng1), (lat2, lng2) = one, other
    north, east = radians(lat2 - lat1) / 2, radians(lng2 - lng1) / 2
    a = sin(north) ** 2 + cos(radians(lat1)) * cos(radians(lat2)) * sin(east) ** 2
    return 2 * _EARTH_KM * asin(min(1.0, sqrt(a)))


def _read_circle(reader: Reader, key: str) -> Circle:
    child = reader.child(key)
    return Circle(
        child.number("lat", least=-90, most=90),
        child.number("lng", least=-180, most=180),
        child.number("km", least=0.1, most=20_000),
    )


def _near(operand: Circle) -> Judge:
    def test(value: Any) -> bool:
        place = find_place(value)
        return place is not None and distance_km(place, (operand.lat, operand.lng)) <= operand.km

    return _timeless(test)


def _describe_circle(circle: Circle) -> str:
    return f"is within {circle.km:g} km of {circle.lat:g}, {circle.lng:g}"


def describe_name(name: str) -> str:
    """An attribute or a property in a sentence: `company_size` is the company size."""
    return name.replace("_", " ")


def describe_value(value: object) -> str:
    """A value in a sentence: text as it is, numbers without noise, lists with `or`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        words = [describe_value(item) for item in value]
        return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _says(words: str, show: Callable[[Any], str] = describe_value) -> Callable[[Any], str]:
    return lambda operand: words.format(show(operand))


def _says_all(operand: tuple[Any, ...]) -> str:
    words = [describe_value(item) for item in operand]
    return "contains " + " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _says_known(wanted: bool) -> str:
    return "is known" if wanted else "is not known"


def _always(operand: Any) -> bool:
    return True


# Examples of values, for a given operand at an instant


OTHER = "something else"


def _or_other(operand: Any, now: float) -> Sequence[Any]:
    return operand, OTHER


def _any_or_other(operand: tuple[Any, ...], now: float) -> Sequence[Any]:
    return *operand, OTHER


def _part_or_other(operand: Any, now: float) -> Sequence[Any]:
    return operand if isinstance(operand, str) else [operand], OTHER


def _all_or_most(operand: tuple[Any, ...], now: float) -> Sequence[Any]:
    return list(operand), list(operand[1:])


def _around(operand: float, now: float) -> Sequence[Any]:
    return operand - 1, operand, operand + 1


def _about(operand: float, now: float) -> Sequence[Any]:
    return format_instant(operand - DAY), format_instant(operand + DAY)


def _ago(operand: float, now: float) -> Sequence[Any]:
    """In the middle of a window, so that it holds for a while, and well before it."""
    return format_instant(now - operand / 2), format_instant(now - 2 * operand)


def _ahead(operand: float, now: float) -> Sequence[Any]:
    return format_instant(now + operand / 2), format_instant(now + 2 * operand)


def _days_around(write: Callable[[date], str]) -> Callable[[Days, float], Sequence[Any]]:
    """Days in the middle, on both sides of it because zones have different days, and beyond both ends."""

    def examples(operand: Days, now: float) -> Sequence[Any]:
        today, middle = datetime.fromtimestamp(now, UTC).date(), (operand.first + operand.last) // 2
        days = (operand.first - 2, middle - 1, middle, middle + 1, operand.last + 2)
        return [write(today + timedelta(days=number)) for number in days]

    return examples


def _here_or_far(operand: Circle, now: float) -> Sequence[Any]:
    far = {"lat": -operand.lat, "lng": operand.lng + (180 if operand.lng <= 0 else -180)}
    return {"lat": operand.lat, "lng": operand.lng}, far


_EQUAL = (Reader.value, _is_in)
_AMONG = (Reader.values, _is_in)
_HOLDS = (Reader.value, _contains)
_RECENT = (Reader.duration, lambda d: _between(0.0, d))
_COMING = (Reader.duration, lambda d: _between(-d, 0.0))

OPERATORS = {
    operator.key: operator
    for operator in (
        Operator("is", *_EQUAL, _says("is {}"), _or_other),
        Operator("is_not", *_EQUAL, _says("is not {}"), _or_other, denies=_always),
        Operator("in", *_AMONG, _says("is {}"), _any_or_other),
        Operator("not_in", *_AMONG, _says("is not {}"), _any_or_other, denies=_always),
        Operator("contains", *_HOLDS, _says("contains {}"), _part_or_other, is_whole=True),
        Operator("not_contains", *_HOLDS, _says("does not contain {}"), _part_or_other, is_whole=True, denies=_always),
        Operator("contains_all", Reader.values, _contains_all, _says_all, _all_or_most, is_whole=True),
        Operator("starts_with", Reader.text, _of_text(str.startswith), _says("starts with {}"), _or_other),
        Operator("ends_with", Reader.text, _of_text(str.endswith), _says("ends with {}"), _or_other),
        Operator("gt", Reader.number, _of_number(gt), _says("is more than {}"), _around),
        Operator("gte", Reader.number, _of_number(ge), _says("is at least {}"), _around),
        Operator("lt", Reader.number, _of_number(lt), _says("is less than {}"), _around),
        Operator("lte", Reader.number, _of_number(le), _says("is at most {}"), _around),
        Operator(
            "exists", Reader.flag, _exists, _says_known, lambda wanted, now: ("something",), denies=not_, is_whole=True
        ),
        Operator("before", Reader.instant, _of_instant(lt), _says("is before {}", format_instant), _about),
        Operator("after", Reader.instant, _of_instant(gt), _says("is after {}", format_instant), _about),
        Operator("within_last", *_RECENT, _says("is within the last {}", describe_duration), _ago),
        Operator(
            "not_within_last", *_RECENT, _says("is not within the last {}", describe_duration), _ago, denies=_always
        ),
        Operator("within_next", *_COMING, _says("is within the next {}", describe_duration), _ahead),
        Operator(
            "older_than",
            Reader.duration,
            lambda d: _between(d, inf),
            _says("is more than {} ago", describe_duration),
            _ago,
        ),
        Operator(
            "is_in_days",
            _read_days(MOST_DAYS),
            _in_days(_once),
            _says("is {}", _describe_days),
            _days_around(date.isoformat),
            is_local=True,
        ),
        Operator(
            "anniversary_in",
            _read_days(MOST_DAYS_ROUND),
            _in_days(_each_year),
            _says("has its anniversary {}", _describe_days),
            _days_around(lambda day: f"2000-{day:%m-%d}"),  # a leap year, so it has every day
            is_local=True,
        ),
        Operator("near", _read_circle, _near, _describe_circle, _here_or_far, is_whole=True),
    )
}

# What a number can be compared by, and by what a score can: (value, operand) -> bool.
THRESHOLDS: dict[str, Callable[[float, float], bool]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}


class _Several(tuple[Any, ...]):
    """What a path found in each element of a list."""

    __slots__ = ()


def walk(value: Any, parts: Sequence[str]) -> Any:
    for index, part in enumerate(parts):
        if isinstance(value, (list, tuple)):
            return _Several(walk(item, parts[index:]) for item in value if isinstance(item, Mapping))
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def elements_of(value: Any, is_whole: bool) -> Iterable[Any]:
    if isinstance(value, _Several):
        return [element for found in value for element in elements_of(found, is_whole)]
    return value if isinstance(value, (list, tuple)) and not is_whole else (value,)
