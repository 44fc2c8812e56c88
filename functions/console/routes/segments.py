"""Segments: each as a sentence, with who is in it; drafts with how many they would hold, and publishing them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Any, NamedTuple

from functions.console.drafts import Drafted, find_drafted, look_at, publish_seen
from functions.console.pages import page, part
from functions.console.requests import Request
from functions.console.responses import Response, redirect
from functions.console.segment_form import form_of_document
from postroad.book import Book
from postroad.contacts.contact import Contact
from postroad.contacts.places import segment_place
from postroad.estimates import Estimate
from postroad.instants import DAY
from postroad.journeys import Journey
from postroad.predicates.predicate import Predicate
from postroad.rebuilds import describe
from postroad.segments import Segment
from postroad.stages import Stages
from postroad_aws import books, clock, runs
from postroad_aws.storage import (
    NotFoundError,
    broadcasts,
    contacts,
    definitions,
    memberships,
    rebuilds,
    stats,
    timeline,
)
from postroad_aws.usecases.estimate_segment import EstimatePorts, estimate_segment
from postroad_aws.usecases.find_contact import find_contacts
from postroad_aws.usecases.withdraw_definition import withdraw_definition

KIND = "segment"
DAYS = 30
# Seconds that an estimate may take, of those that a request has.
PATIENCE = 12.0
# So many of those that read a segment are named.
_NAMED = 20
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
    if request.text("view") == "drafts":
        return _show_drafts(request)
    segments = sorted(books.current().segments.values(), key=lambda segment: (segment.name.lower(), segment.id))
    end = request.place + _PAGE
    listed = segments[request.place : end]
    counts = stats.count_members([segment_place(segment.id) for segment in listed])
    shown = [Shown(segment, counts[segment_place(segment.id)]) for segment in listed]
    further = str(end) if end < len(segments) else None
    values = {"shown": shown, "drafts": (), "view": "", "next": further, **_progress(request.now)}
    return page(request, "segments/list.html", fragment="rows", **values)


def _show_drafts(request: Request) -> Response:
    """Those that are being worked on, by their ids; of what is live, only what differs."""
    found = definitions.list_drafts(KIND, cursor=request.cursor, limit=_PAGE)
    drafts = [each for each in look_at(found.items, books.newest()) if each.is_changed]
    values = {"shown": (), "drafts": drafts, "view": "drafts", "next": found.next, **_progress(request.now)}
    return page(request, "segments/list.html", fragment="draft_rows", **values)


def show_one(request: Request) -> Response:
    book, segment_id = books.newest(), request.variables["segment_id"]
    segment = book.segments.get(segment_id)
    drafted = None if request.is_fragment else find_drafted(KIND, segment_id, book)
    if drafted and (segment is None or request.text("version") == "draft"):
        is_form = form_of_document(drafted.draft.document, drafted.draft.edit) is not None
        return page(request, "segments/draft.html", drafted=drafted, live=segment, is_form=is_form)
    if segment is None:
        raise NotFoundError("There is no segment of this name. It may have been withdrawn.")
    place = segment_place(segment_id)
    found = memberships.list_members(place, cursor=request.cursor, limit=_PAGE)
    known = find_contacts(contacts, [membership.contact_id for membership in found.items])
    members = [Member(known[each.contact_id], each.since) for each in found.items if each.contact_id in known]
    values: dict[str, Any] = {"segment": segment, "members": members, "next": found.next}
    if not request.is_fragment:
        values |= {"count": stats.count_members([place])[place], "arrivals": _arrivals(place, request.now)}
        readers = _readers(book, segment_id)
        values |= {"readers": readers[:_NAMED], "other_readers": len(readers[_NAMED:]), **_progress(request.now)}
        values |= {"is_changed": drafted is not None and drafted.is_changed}
        document = drafted.draft.document if drafted else _load(book, segment_id)
        values |= {"is_form": form_of_document(document, 0) is not None}
    return page(request, "segments/segment.html", fragment="rows", **values)


def show_estimate(request: Request) -> Response:
    """How many the draft would hold, told from a sample."""
    parsed = _get_drafted(request).parsed
    has_condition = parsed and not parsed.is_static
    found = count_estimate(parsed.predicate, books.newest(), request.now) if has_condition else None
    return part(request, "segments/_estimate.html", "estimate", found=found)


def count_estimate(predicate: Predicate, book: Book, now: float) -> Estimate:
    """How many a condition would hold for, from a sample, within the time of a request."""
    until = monotonic() + PATIENCE
    ports = EstimatePorts(contacts, timeline)
    return estimate_segment(ports, predicate, book, now, lambda: monotonic() < until)


def publish(request: Request) -> Response:
    """Make the draft that was looked at the next version; everybody is folded by it."""
    segment_id = request.variables["segment_id"]
    publish_seen(request, KIND, segment_id)
    return redirect(f"/console/segments/{segment_id}")


def withdraw(request: Request) -> Response:
    """Nobody is in it any more."""
    segment_id = request.variables["segment_id"]
    withdraw_definition(definitions, broadcasts, runs, clock, f"{KIND}/{segment_id}")
    return redirect("/console/segments")


def _load(book: Book, segment_id: str) -> Mapping[str, Any]:
    return definitions.get_version(KIND, segment_id, book.manifest.live[f"{KIND}/{segment_id}"].version)


def _get_drafted(request: Request) -> Drafted:
    drafted = find_drafted(KIND, request.variables["segment_id"], books.newest())
    if drafted is None:
        raise NotFoundError("There is no draft of this segment.")
    return drafted


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
