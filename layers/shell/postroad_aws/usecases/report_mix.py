"""How much of each month's messages are broadcasts, and how much journeys asked for."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from postroad.broadcasts.broadcast import KIND, Run
from postroad.broadcasts.mix import Month, last_months, mix
from postroad.manifest import Manifest
from postroad.stats import Counts, DayCounts, day_of
from postroad_aws.storage import Page

# Of so many broadcasts, the latest, and of so many journeys at most the numbers are read.
MOST = 500
_PAGE = 100
_JOURNEY = "journey/"


class Stats(Protocol):
    def find_counts(self, definitions: Sequence[str], /) -> Mapping[str, Counts]: ...

    def list_days(self, definition: str, since: str, until: str, /) -> Sequence[DayCounts]: ...


class Runs(Protocol):
    def list_runs(self, *, cursor: str | None = None, limit: int = 50) -> Page[Run]: ...


def report_mix(stats: Stats, runs: Runs, manifest: Manifest, now: float, months: int) -> list[Month]:
    """So many months, the latest last. A broadcast counts in the month in which it began."""
    today = day_of(now)
    shown = last_months(today, months)
    return mix(shown, _count_broadcasts(stats, runs, shown[0]), _count_journeys(stats, manifest, shown[0], today))


def _count_broadcasts(stats: Stats, runs: Runs, first: str) -> Iterator[tuple[str, int]]:
    cursor: str | None = None
    for _ in range(MOST // _PAGE):
        page = runs.list_runs(cursor=cursor, limit=_PAGE)
        begun = {f"{KIND}/{run.broadcast.id}": day_of(run.at) for run in page.items if day_of(run.at)[:7] >= first}
        counts = stats.find_counts(list(begun)) if begun else {}
        for subject, day in begun.items():
            yield day, counts[subject].all_messages.sent
        cursor = page.next
        if cursor is None or len(begun) < len(page.items):
            return


def _count_journeys(stats: Stats, manifest: Manifest, first: str, today: str) -> Iterator[tuple[str, int]]:
    known = sorted(key for key in {*manifest.live, *manifest.withdrawn} if key.startswith(_JOURNEY))
    for subject in known[:MOST]:
        for day in stats.list_days(subject, f"{first}-01", today):
            yield day.day, day.counts.all_messages.sent
