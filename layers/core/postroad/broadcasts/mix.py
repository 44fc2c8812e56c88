"""The mix: which share of each month's messages are broadcasts, beside the line that the account has set itself.

What is sent once to many is less welcome than what follows from what somebody does; so an account may want less of it.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

# How many months are shown at most.
MOST_MONTHS = 24


class Month(NamedTuple):
    """One month ("2026-11", in UTC): how many messages left that were broadcasts, and that journeys asked for."""

    month: str
    broadcasts: int
    journeys: int

    @property
    def total(self) -> int:
        return self.broadcasts + self.journeys

    @property
    def share(self) -> float | None:
        """The percentage of broadcasts; None when nothing left."""
        return 100 * self.broadcasts / self.total if self.total else None

    def is_above(self, target: float | None) -> bool:
        """Whether broadcasts were more than the account wants; never where it has said nothing."""
        return target is not None and self.share is not None and self.share > target


def last_months(today: str, number: int) -> list[str]:
    """So many months up to that of a day ("2026-11-23"), the earliest first."""
    year, month = int(today[:4]), int(today[5:7])
    return [f"{(year * 12 + month - 1 - back) // 12:04}-{(month - 1 - back) % 12 + 1:02}" for back in range(number)][
        ::-1
    ]


def mix(
    months: Iterable[str], broadcasts: Iterable[tuple[str, int]], journeys: Iterable[tuple[str, int]]
) -> list[Month]:
    """Each of these months, from (day or month, how many messages left)."""
    sums = []
    for parts in (broadcasts, journeys):
        sums.append(Counter[str]())
        for when, sent in parts:
            sums[-1][when[:7]] += sent
    return [Month(month, max(sums[0][month], 0), max(sums[1][month], 0)) for month in months]


def describe_mix(found: Iterable[Month], target: float | None) -> str:
    """What the latest month in which anything left says, in a sentence."""
    latest = next((month for month in reversed(list(found)) if month.total), None)
    if latest is None or latest.share is None:
        return "Nothing has been sent yet."
    said = f"In {latest.month} {latest.share:.0f} % of the messages were broadcasts"
    if target is None:
        return f"{said}; the policy sets no line (broadcast_share)."
    how = "above" if latest.is_above(target) else "within"
    return f"{said}, {how} the line of {target:g} %."
