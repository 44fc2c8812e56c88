"""Segments: each as a sentence, with who is in it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from functions.console.pages import page
from functions.console.requests import Request
from functions.console.responses import Response
from postroad.book import Book
from postroad.contacts import Contact
from postroad.instants import DAY
from postroad.journeys import Journey
from postroad.places import segment_place
from postroad.rebuilds import describe
from postroad.segments import Segment
from postroad.stages import Stages
from postroad_aws import books
from postroad_aws.storage import CursorError, NotFoundError, contacts, memberships, rebuilds, stats
from postroad_aws.usecases.find_contact import find_contacts

DAYS = 30
_PAGE = 50
# For so many seconds the end of a run is told.
_FRESH = 600.0


class Member(NamedTuple):
    contact: Contact
    since: float


class Shown(NamedTuple):
    """A segment, and how many are in it now."""

    segment: Segment
    members: int


def show_list(request: Request) -> Response:
    """The segments by name; without a cursor, a part is how far the run after a publication is."""
    if request.is_fragment and not request.cursor:
        return page(request, "segments/list.html", fragment="progress", **_progress(request.now))
    segments = sorted(books.current().segments.values(), key=lambda segment: (segment.name.lower(), segment.id))
    start = _read_place(request.cursor)
    listed, end = segments[start : start + _PAGE], start + _PAGE
    counts = stats.count_members([segment_place(segment.id) for segment in listed])
    shown = [Shown(segment, counts[segment_place(segment.id)]) for segment in listed]
    further = str(end) if end < len(segments) else None
    values = {"shown": shown, "next": further, **_progress(request.now)}
    return page(request, "segments/list.html", fragment="rows", **values)


def _read_place(cursor: str | None) -> int:
    """Where in the list a cursor stands. Raises CursorError."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 9):
        raise CursorError("This cursor is none of this list.")
    return int(cursor)


def show_one(request: Request) -> Response:
    book, segment_id = books.current(), request.variables["segment_id"]
    segment = book.segments.get(segment_id)
    if segment is None:
        raise NotFoundError("There is no segment of this name. It may have been withdrawn.")
    place = segment_place(segment_id)
    found = memberships.list_members(place, cursor=request.cursor, limit=_PAGE)
    known = find_contacts(contacts, [membership.contact_id for membership in found.items])
    members = [Member(known[each.contact_id], each.since) for each in found.items if each.contact_id in known]
    values: dict[str, Any] = {"segment": segment, "members": members, "next": found.next}
    if not request.is_fragment:
        values |= {"count": stats.count_members([place])[place], "arrivals": _arrivals(place, request.now)}
        values |= {"readers": _readers(book, segment_id), **_progress(request.now)}
    return page(request, "segments/segment.html", fragment="rows", **values)


def _readers(book: Book, segment_id: str) -> list[tuple[str, str, str]]:
    """(kind, id, name) of all that asks who is in the segment."""
    known: Mapping[str, Mapping[str, Segment | Journey | Stages]] = {
        "segment": book.segments,
        "journey": book.journeys,
        "stages": book.stages,
    }
    fact = f"segment:{segment_id}"
    return [
        (kind, each.id, each.name) for kind, found in known.items() for each in found.values() if fact in each.reads
    ]


def _progress(now: float) -> dict[str, Any]:
    """The latest run through all contacts; that it is done is told for a while."""
    latest = rebuilds.list_rebuilds(now, limit=1)
    rebuild = latest[0] if latest else None
    is_fresh = rebuild is not None and now - (rebuild.touched_at or 0.0) < _FRESH
    return {"rebuild": rebuild, "told": describe(rebuild) if rebuild else "", "is_fresh": is_fresh}


def _arrivals(place: str, now: float) -> list[int]:
    """How many came on each of the last days, the earliest first."""
    since, until = (datetime.fromtimestamp(time, UTC).date().isoformat() for time in (now - (DAYS - 1) * DAY, now))
    return [day.counts.place().entered for day in stats.list_days(place, since, until)]
