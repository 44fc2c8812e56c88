"""The first page: how things stand, and what needs somebody."""

from datetime import UTC, datetime
from typing import Any

from functions.console import digest, telling
from functions.console.pages import page
from functions.console.requests import Request
from functions.console.responses import Response
from postroad.instants import DAY
from postroad_aws import books
from postroad_aws.storage import contacts, definitions, quarantine, stats

DAYS = 30
_WEEK = 7
_NEWEST = 6
_MOST_BROADCASTS = 20
_MOST_REJECTS = 50


def show(request: Request) -> Response:
    return page(request, "home/home.html", fragment="numbers", **_numbers(request.now))


def _numbers(now: float) -> dict[str, Any]:
    book = books.current()
    since, until = (datetime.fromtimestamp(time, UTC).date().isoformat() for time in (now - (DAYS - 1) * DAY, now))
    journeys = sorted({journey_id for journey_id, _ in book.versions})
    broadcasts = [draft.definition_id for draft in definitions.list_drafts("broadcast", limit=_MOST_BROADCASTS).items]
    subjects = [*(f"journey/{each}" for each in journeys), *(f"broadcast/{each}" for each in broadcasts)]
    days = [stats.list_days(subject, since, until) for subject in subjects]
    counts = stats.find_counts(subjects)
    named = {each: (telling.name_of(book, "journey", each), counts[f"journey/{each}"]) for each in journeys}
    rejects = quarantine.list_rejects(now, limit=_MOST_REJECTS, since=now - DAY)
    fresh = sum(reject.received > now - DAY for reject in rejects.items)
    return {
        "days": DAYS,
        "month": digest.add_up(days),
        "under_way": sum(each.active for _, each in named.values()),
        "journeys": sorted(named.items(), key=lambda pair: (-pair[1][1].active, pair[1][0])),
        "live": {key.partition("/")[2] for key in book.manifest.live if key.startswith("journey/")},
        "notices": digest.find_notices(
            digest.add_up(each[-_WEEK:] for each in days), named, fresh, is_more=fresh == _MOST_REJECTS
        ),
        "newest": contacts.list_contacts(limit=_NEWEST).items,
    }
