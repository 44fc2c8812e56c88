"""Warming up: a new sending domain begins with little and sends more each day, so that providers learn to trust it."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from postroad.documents import Reader, form
from postroad.instants import DAY
from postroad.lots import draw
from postroad.sending.holds import WARM_UP

# Each day so many times as much as on the day before.
GROWTH = 1.5
# From so many a day on there is nothing left to warm.
WARM = 100_000
USUAL_FIRST = 200
# Whoever gave no sign of life for so long comes in the middle of the day; so much of a turn is drawn by lot, so that
# people who are alike do not come all at once.
MIDDLE, BY_LOT = 30 * DAY, 0.05


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


def find_turn(last_sign: float, midnight: float, message_id: str) -> float:
    """Where in a day of the plan a message comes, from 0 to 1: the sooner the later its person gave a sign of life; in
    the second half of the day by lot when none is known (0). Providers judge a domain by its first readers."""
    lot = draw(WARM_UP, message_id)
    if not last_sign:
        return (1 + lot) / 2
    silence = max(0.0, midnight - last_sign)
    return (1 - BY_LOT) * silence / (silence + MIDDLE) + BY_LOT * lot


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
