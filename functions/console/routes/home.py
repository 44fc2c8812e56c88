"""The first page: how things stand, and what needs somebody."""

from collections.abc import Sequence
from typing import Any

from functions.console import digest, telling
from functions.console.pages import page
from functions.console.requests import Request
from functions.console.responses import Response
from postroad.broadcasts.broadcast import Run
from postroad.instants import DAY
from postroad.stats import day_of
from postroad.tasks import OPEN
from postroad_aws import books
from postroad_aws.storage import broadcasts, contacts, holds, quarantine, stats, tasks

DAYS = 30
_WEEK = 7
_NEWEST = 6
_LISTED = 8
# Of so many journeys and broadcasts the days are added up: those with most people, and the latest.
MOST_ADDED_UP = 100
_BROADCASTS_AT_ONCE = 50
_MOST_REJECTS = 50
_MOST_TASKS = 20


def show(request: Request) -> Response:
    return page(request, "home/home.html", fragment="numbers", **_numbers(request.now))


def _numbers(now: float) -> dict[str, Any]:
    book = books.current()
    since, until = day_of(now - (DAYS - 1) * DAY), day_of(now)
    known = stats.find_counts(sorted({f"journey/{journey_id}" for journey_id, _ in book.versions}))
    journeys = sorted(known, key=lambda subject: (-known[subject].active, -known[subject].started, subject))
    runs, are_all_runs = _list_runs(since)
    counts = stats.find_counts([run.broadcast.origin for run in runs])
    days = [
        *(stats.list_days(subject, since, until) for subject in journeys[:MOST_ADDED_UP]),
        # All messages of a broadcast are made when it begins.
        *(digest.on_one_day(counts[run.broadcast.origin], day_of(run.at), since, until) for run in runs),
    ]
    named = {
        (each := subject.partition("/")[2]): (telling.name_of(book, "journey", each), known[subject])
        for subject in journeys
    }
    rejects = quarantine.list_rejects(now, limit=_MOST_REJECTS, since=now - DAY)
    fresh = sum(reject.received > now - DAY for reject in rejects.items)
    late = sum(task.due_at < now for task in tasks.list_tasks(OPEN, limit=_MOST_TASKS).items)
    return {
        "days": DAYS,
        "month": digest.add_up(days),
        "is_all": are_all_runs and len(journeys) <= MOST_ADDED_UP,
        "most": MOST_ADDED_UP,
        "under_way": sum(each.active for each in known.values()),
        "journeys": list(named.items())[:_LISTED],
        "how_many": len(named),
        "live": {key.partition("/")[2] for key in book.manifest.live if key.startswith("journey/")},
        "notices": digest.find_notices(
            digest.add_up(each[-_WEEK:] for each in days),
            named,
            digest.Some(fresh, is_more=fresh == _MOST_REJECTS),
            digest.Some(late, is_more=late == _MOST_TASKS),
            holds.list_holds(),
        ),
        "newest": contacts.list_contacts(limit=_NEWEST).items,
    }


def _list_runs(since: str) -> tuple[Sequence[Run], bool]:
    """The latest broadcasts that began on that day or later, and whether these are all."""
    found: list[Run] = []
    cursor = None
    while True:
        page = broadcasts.list_runs(cursor=cursor, limit=min(_BROADCASTS_AT_ONCE, MOST_ADDED_UP))
        fresh = [run for run in page.items if day_of(run.at) >= since]
        found += fresh
        cursor = page.next
        if cursor is None or len(fresh) < len(page.items):
            return found, True
        if len(found) >= MOST_ADDED_UP:
            return found, False
