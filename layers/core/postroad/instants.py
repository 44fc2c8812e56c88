"""Instants and durations: float seconds inside, ISO 8601 in documents and answers."""

import re
from datetime import UTC, datetime

DAY = 86_400.0

_DURATION = re.compile(
    r"P(?:(?P<W>\d+(?:\.\d+)?)W)?(?:(?P<D>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<H>\d+(?:\.\d+)?)H)?(?:(?P<M>\d+(?:\.\d+)?)M)?(?:(?P<S>\d+(?:\.\d+)?)S)?)?"
)
_UNITS = {"W": 7 * DAY, "D": DAY, "H": 3_600.0, "M": 60.0, "S": 1.0}
_WORDS = (("week", 7 * DAY), ("day", DAY), ("hour", 3_600.0), ("minute", 60.0), ("second", 1.0))


def parse_duration(text: object) -> float:
    """Seconds of an ISO 8601 duration made of weeks, days, hours, minutes and seconds, such as `P3D` or `PT1H`.

    Months and years are refused, because their length depends on where one starts. Raises ValueError with a sentence.
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if not match or not any(match.groupdict().values()) or str(text).endswith("T"):
        raise ValueError(f"{text!r} is not a duration; write for example PT15M, PT1H, P3D or P2W")
    return sum(float(amount) * _UNITS[unit] for unit, amount in match.groupdict().items() if amount)


def describe_duration(seconds: float) -> str:
    """A duration in words: `3 days`, `1 hour 30 minutes`."""
    parts = []
    # 30 days are not "4 weeks 2 days".
    for word, size in _WORDS if seconds % _UNITS["W"] == 0 else _WORDS[1:]:
        count, seconds = divmod(seconds, size) if size > 1 else (seconds, 0.0)
        if count:
            parts.append(f"{count:g} {word}{'' if count == 1 else 's'}")
    return " ".join(parts) or "no time"


def parse_instant(text: object) -> float:
    """Epoch seconds of an ISO 8601 date or date-time; without a zone it is UTC. Raises ValueError with a sentence."""
    if isinstance(text, str) and 8 <= len(text) <= 40:
        try:
            moment = datetime.fromisoformat(text.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            pass
    raise ValueError(f"{str(text)[:40]!r} is not a date or time; write for example 2026-11-02T09:14:00Z")


def stamp(time: float) -> str:
    """An instant as a person reads it, to the minute, in UTC: `2026-11-02 09:14 UTC`."""
    return f"{format_instant(time)[:16].replace('T', ' ')} UTC"


def format_instant(time: float) -> str:
    """ISO 8601 in UTC with milliseconds: `2026-11-02T09:14:00.000Z`."""
    return datetime.fromtimestamp(round(time, 3), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
