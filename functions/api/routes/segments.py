"""Segments: who is in them, and how many."""

from functions.api.routes.numbers import (
    Day,
    MemberView,
    PlaceCountsView,
    Since,
    Until,
    list_days,
    list_members,
    show_place,
)
from functions.api.routing import Routes
from functions.api.schemas import Cursor, Limit, Listed
from postroad.places import segment_place
from postroad_aws import books
from postroad_aws.storage import NotFoundError, stats

routes = Routes("Segments")


class SegmentDayView(PlaceCountsView):
    """What a day changed."""

    day: Day


@routes.get("/segments/{segment_id}/members")
def list_segment_members(segment_id: str, cursor: Cursor | None = None, limit: Limit = 50) -> Listed[MemberView]:
    """Who is in a published segment now, in no order."""
    return list_members(_find_place(segment_id), cursor, limit)


@routes.get("/segments/{segment_id}/counts")
def get_segment_counts(segment_id: str) -> PlaceCountsView:
    """How many are in a published segment now, and how many came so far.

    Live numbers are some seconds old.
    """
    place = _find_place(segment_id)
    return show_place(stats.find_counts([place])[place].place())


@routes.get("/segments/{segment_id}/days")
def list_segment_days(segment_id: str, since: Since = None, until: Until = None) -> Listed[SegmentDayView]:
    """How many came on each day, and by how many the segment grew, the earliest day first."""
    days = list_days(_find_place(segment_id), since, until)
    return {"items": [{"day": day, **show_place(counts.place())} for day, counts in days], "next": None}


def _find_place(segment_id: str) -> str:
    if segment_id not in books.newest().segments:
        raise NotFoundError("There is no published segment with this id.")
    return segment_place(segment_id)
