"""Warming up: a new sending domain begins with little and sends more each day, so that providers learn to trust it."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from postroad.documents import Reader, form

# Each day so many times as much as on the day before.
GROWTH = 1.5
# From so many a day on there is nothing left to warm.
WARM = 100_000
USUAL_FIRST = 200


@dataclass(frozen=True, slots=True)
class WarmUp:
    """The plan of a new domain: `start` is its first day, in UTC ("2026-12-01"), `first` how much may leave then."""

    start: str
    first: int

    def room(self, day: str) -> int | None:
        """How many mails may leave on a day; None when it is not over such a plan, before it and once it is warm."""
        passed = (date.fromisoformat(day) - date.fromisoformat(self.start)).days
        if passed < 0 or passed > 60:
            return None
        room = round(self.first * GROWTH**passed)
        return room if room < WARM else None

    def days(self) -> list[tuple[str, int]]:
        """Each day of the plan with its room."""
        found = []
        day = date.fromisoformat(self.start)
        while (room := self.room(day.isoformat())) is not None:
            found.append((day.isoformat(), room))
            day += timedelta(days=1)
        return found


@form({"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"})
def _parse_day(raw: Any) -> str:
    try:
        return date.fromisoformat(str(raw)[:10]).isoformat()
    except ValueError:
        raise ValueError("must be a day such as 2026-12-01") from None


def read_warm_up(reader: Reader) -> WarmUp | None:
    """The policy's `warm_up: {start: 2026-12-01, from: 200}`."""
    child = reader.find_child("warm_up")
    if child is None:
        return None
    start = child.read("start", _parse_day, "")
    return WarmUp(start, child.integer("from", USUAL_FIRST, least=10, most=WARM))
