"""When EventBridge Scheduler's expressions are due: at(…), rate(…) and cron(…).

Source: docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html. W and # in cron's day fields are refused.
"""

import calendar
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

UNITS = {"minute": 60.0, "hour": 3_600.0, "day": 86_400.0}
MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
DAYS = {name.upper(): (number + 1) % 7 + 1 for number, name in enumerate(calendar.day_abbr)}  # SUN is 1
_DURATION = re.compile(
    r"P(?=.)(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?(?:T(?=.)(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)


def parse_duration(text: object) -> float:
    """Seconds of an ISO 8601 duration of weeks, days, hours, minutes and seconds. Raises ValueError with a sentence."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) and len(text) < 40 else None
    if not found:
        raise ValueError(f"{str(text)[:40]!r} is not a duration; write for example PT15M, PT1H, P3D or P3W")
    return sum(
        float(amount or 0) * unit for amount, unit in zip(found.groups(), (604_800, 86_400, 3_600, 60, 1), strict=True)
    )


def _field(text: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    found: set[int] = set()
    for part in text.upper().split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if first in ("*", "?"):
            start, end = low, high
        else:
            start = (names or {}).get(first) or int(first)
            end = (names or {}).get(last) or int(last) if last else high if step else start
        found.update(range(start, end + 1, int(step or 1)))
    return {value for value in found if low <= value <= high}


def _next_cron(text: str, zone: ZoneInfo, after: float) -> float | None:
    minutes, hours, days, months, weekdays, years = text.split()
    wanted_months, wanted_years = _field(months, 1, 12, MONTHS), _field(years, 1970, 2199)
    times = sorted((hour, minute) for hour in _field(hours, 0, 23) for minute in _field(minutes, 0, 59))
    day = datetime.fromtimestamp(after, zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    for _ in range(366 * 12):  # 29 February may be eight years away
        last = calendar.monthrange(day.year, day.month)[1]
        matches = day.year in wanted_years and day.month in wanted_months
        if matches and days != "?":
            matches = day.day == last if days.upper() == "L" else day.day in _field(days, 1, 31)
        if matches and weekdays != "?":
            matches = day.isoweekday() % 7 + 1 in _field(weekdays, 1, 7, DAYS)
        if matches:
            for hour, minute in times:
                local = day.replace(hour=hour, minute=minute, tzinfo=zone)
                moment = local.astimezone(UTC)
                is_real = moment.astimezone(zone).hour == hour  # a time that a change of clocks skips does not happen
                if is_real and moment.timestamp() > after:
                    return moment.timestamp()
        day += timedelta(days=1)
    return None


def next_due(expression: str, zone: str, created: float, last: float | None) -> float | None:
    """Epoch seconds of the first occurrence after `last` (none yet: after `created`), or None when there is none.

    Raises ValueError for an expression that is not understood.
    """
    found = re.fullmatch(r"(at|rate|cron)\((.+)\)", expression.strip())
    try:
        match found and found.groups():
            case ("at", text):
                moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()
                return moment if last is None or last < moment else None  # it may have been put off since it ran
            case ("rate", text):
                amount, unit = text.split()
                return (created if last is None else last) + int(amount) * UNITS[unit.rstrip("s")]
            case ("cron", text):
                return _next_cron(text, ZoneInfo(zone), created if last is None else last)
    except (KeyError, ValueError) as problem:
        raise ValueError(f"the schedule {expression!r} is not understood: {problem}") from problem
    raise ValueError(f"the schedule {expression!r} is not understood; use at(…), rate(…) or cron(…)")
