"""Segments: who is in them, and how many; who is put into static ones."""

from http import HTTPStatus
from typing import Annotated, Any, NotRequired, TypedDict

from functions.api.problems import RefusedError
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
from functions.api.routing import Caller, Routes
from functions.api.schemas import BodyError, Cursor, Example, Limit, Listed, Text, Within
from postroad.contacts.identities import Identity, parse_identity
from postroad.contacts.places import segment_place
from postroad.definitions import check_definition, known_in
from postroad_aws import books, clock
from postroad_aws.storage import NotFoundError, contacts, stats, timeline
from postroad_aws.usecases.change_members import change_members
from postroad_aws.usecases.estimate_segment import EstimatePorts, estimate_segment
from postroad_aws.usecases.tell_members import UnknownMembersError
from postroad_aws.wiring import production

routes = Routes("Segments")


MOST_MEMBERS = 500
# An estimate goes by what it has seen after so long.
SECONDS = 15.0

Members = Annotated[
    list[Annotated[str, Text(300)]],
    Within(0, MOST_MEMBERS),
    Example(["email:ana@example.com"]),
    "Ids of contacts, or identities: `email:`, `phone:`, `user:` or `anon:` and the value.",
]


class SegmentDayView(PlaceCountsView):
    """What a day changed."""

    day: Day


EstimateBody = TypedDict(
    "EstimateBody",
    {"if": Annotated[dict[str, Any], Example({"attribute": "country", "is": "PT"}), "A predicate."]},
)
EstimateBody.__doc__ = "A condition that is not published yet."


class EstimateView(TypedDict):
    """How many a condition would hold for. The bounds are right 19 times out of 20."""

    members: int
    members_least: int
    members_most: int
    total: Annotated[int, "How many contacts there are, about."]
    share: Annotated[float, "From 0 to 1."]
    share_least: float
    share_most: float
    sampled: Annotated[int, "How many contacts were looked at."]
    matching: Annotated[int, "For how many of them it holds."]
    is_exact: Annotated[bool, "All were looked at."]
    sentence: str
    condition: Annotated[str, "The condition in a sentence."]


class MembersBody(TypedDict):
    """Who is put into a static segment, and who is taken out of it."""

    add: NotRequired[Members]
    remove: NotRequired[Members]
    because: NotRequired[
        Annotated[str, Text(200), Example("talked to us at the fair"), "Kept as the reason of the decision."]
    ]


class MembersView(TypedDict):
    """How many are on their way in and out; who is there already, or never was, changes nothing."""

    adding: int
    removing: int


@routes.post("/segments/estimate")
def estimate_members(body: EstimateBody) -> EstimateView:
    """Say how many a condition would hold for, from a sample, before it is published.

    Up to 2,000 rows of the contacts table are read; up to 800, and their timelines, when the condition asks about
    events that nothing live asks about yet. In a small account all are looked at, and the answer is exact.
    """
    book, started = books.newest(), clock.now()
    document = {"kind": "segment", "id": "estimate", "if": body["if"]}
    predicate = check_definition(document, known_in(book, {})).predicate
    found = estimate_segment(
        EstimatePorts(contacts, timeline), predicate, book, started, lambda: clock.now() - started < SECONDS
    )
    likely, least, most = found.members
    return {
        "members": likely,
        "members_least": least,
        "members_most": most,
        "total": found.total,
        "share": round(found.share.share, 4),
        "share_least": round(found.share.low, 4),
        "share_most": round(found.share.high, 4),
        "sampled": found.sampled,
        "matching": found.matching,
        "is_exact": found.is_exact,
        "sentence": found.describe(),
        "condition": predicate.describe(),
    }


@routes.get("/segments/{segment_id}/members")
def list_segment_members(segment_id: str, cursor: Cursor | None = None, limit: Limit = 50) -> Listed[MemberView]:
    """Who is in a published segment now, in no order."""
    return list_members(_find_place(segment_id), cursor, limit)


@routes.post("/segments/{segment_id}/members", status=HTTPStatus.ACCEPTED)
def change_segment_members(segment_id: str, body: MembersBody, caller: Caller) -> MembersView:
    """Put contacts into a static segment, and take others out.

    It is done within seconds. Somebody named by an identity that nobody has becomes a contact. Doing it again changes
    nothing.
    """
    _find_place(segment_id)
    if not books.newest().segments[segment_id].is_static:
        raise RefusedError("This segment follows its condition; only into a static one can contacts be put.")
    adding, removing = _read_members("add", body.get("add", [])), _read_members("remove", body.get("remove", []))
    if not adding and not removing:
        raise BodyError(("add", "names nobody, and neither does remove"))
    because = body.get("because", "said through the API")
    try:
        changed = change_members(production(), segment_id, [*adding], [*removing], because, caller.source)
    except UnknownMembersError as error:
        unknown = {f"add[{n}]": member for n, member in enumerate(adding)}
        unknown |= {f"remove[{n}]": member for n, member in enumerate(removing)}
        raise BodyError(
            *((path, "is the id of no contact") for path, member in unknown.items() if member in error.args[0])
        ) from None
    return {"adding": changed.adding, "removing": changed.removing}


def _read_members(key: str, texts: list[str]) -> list[Identity | str]:
    members: list[Identity | str] = []
    for number, text in enumerate(texts):
        try:
            members.append(parse_identity(text) if ":" in text else text)
        except ValueError as error:
            raise BodyError((f"{key}[{number}]", str(error))) from None
    return members


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
