"""The life cycle: how many people are at each stage, with which persona, and with whom; and messages for each stage."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypedDict

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
from postroad.book import Book
from postroad.contacts.places import handover_place, persona_place, stage_place
from postroad.scoring.handovers import NURTURE, SALES
from postroad.sending.channels import CHANNELS
from postroad.stages import DEFAULT, cover
from postroad_aws import books
from postroad_aws.storage import NotFoundError, stats

routes = Routes("Life cycle")

To = Annotated[Literal["sales", "nurture"], "Who went to sales, or who is nurtured."]


class StageCountsView(PlaceCountsView):
    """How many people are at a stage."""

    stage: str
    when: Annotated[str, "What lets people reach it."]


class FunnelView(TypedDict):
    """Where everybody stands who has a stage."""

    people: Annotated[int, "How many have a stage: the sum of `here`."]
    stages: Annotated[list[StageCountsView], "In their order."]


class DayView(PlaceCountsView):
    """What a day changed."""

    day: Day


class PersonaCountsView(PlaceCountsView):
    """How many people are most like a persona."""

    persona: str
    name: str


class HandoverCountsView(TypedDict):
    """How many were handed over."""

    sales: PlaceCountsView
    nurture: PlaceCountsView


class CoverageCellView(TypedDict):
    """The templates for one stage on one channel."""

    stage: Annotated[str | None, "Null for those that name no stage."]
    channel: str
    templates: Annotated[list[str], "Ids of published templates; an empty list is a gap."]


@routes.get("/funnel")
def get_funnel() -> FunnelView:
    """How many people are at each stage, in their order: live numbers, some seconds old."""
    book = books.newest()
    names = _stages(book)
    counts = stats.find_counts([stage_place(name) for name in names])
    stages: list[StageCountsView] = [
        {"stage": name, "when": when, **show_place(counts[stage_place(name)].place())} for name, when in names.items()
    ]
    return {"people": sum(stage["here"] for stage in stages), "stages": stages}


@routes.get("/stages/default")
def get_default_stages() -> dict[str, Any]:
    """A life cycle to begin with: attract, capture, nurture, convert, expand.

    Save it as the draft of `stages/lifecycle`, change it to what you sell, and publish it.
    """
    return dict(DEFAULT)


@routes.get("/stages/{stage}/members")
def list_stage_members(stage: str, cursor: Cursor | None = None, limit: Limit = 50) -> Listed[MemberView]:
    """Who is at a stage now, in no order."""
    return list_members(stage_place(_find_stage(stage)), cursor, limit)


@routes.get("/stages/{stage}/days")
def list_stage_days(stage: str, since: Since = None, until: Until = None) -> Listed[DayView]:
    """How many reached a stage on each day, and by how many it grew, the earliest day first."""
    return _show_days(stage_place(_find_stage(stage)), since, until)


@routes.get("/personas")
def list_persona_counts() -> Listed[PersonaCountsView]:
    """How many people are most like each persona."""
    personas = books.newest().personas.personas
    counts = stats.find_counts([persona_place(persona.id) for persona in personas])
    items: list[PersonaCountsView] = [
        {"persona": p.id, "name": p.name, **show_place(counts[persona_place(p.id)].place())} for p in personas
    ]
    return {"items": items, "next": None}


@routes.get("/personas/{persona_id}/members")
def list_persona_members(persona_id: str, cursor: Cursor | None = None, limit: Limit = 50) -> Listed[MemberView]:
    """Who is most like a persona, in no order."""
    if persona_id not in {persona.id for persona in books.newest().personas.personas}:
        raise NotFoundError("There is no published persona with this id.")
    return list_members(persona_place(persona_id), cursor, limit)


@routes.get("/handover")
def get_handover_counts() -> HandoverCountsView:
    """How many are at sales, and how many are nurtured: now, and so far."""
    counts = stats.find_counts([handover_place(to) for to in (SALES, NURTURE)])
    sales, nurture = (show_place(counts[handover_place(to)].place()) for to in (SALES, NURTURE))
    return {"sales": sales, "nurture": nurture}


@routes.get("/handover/{to}/members")
def list_handed_over(to: To, cursor: Cursor | None = None, limit: Limit = 50) -> Listed[MemberView]:
    """Who is at sales, or nurtured, now, in no order."""
    return list_members(handover_place(to), cursor, limit)


@routes.get("/handover/{to}/days")
def list_handover_days(to: To, since: Since = None, until: Until = None) -> Listed[DayView]:
    """How many were handed over on each day, the earliest day first."""
    return _show_days(handover_place(to), since, until)


@routes.get("/coverage")
def get_coverage() -> Listed[CoverageCellView]:
    """Which published templates there are for each stage on each channel; an empty cell is a gap.

    A template says for which `stage` it is. Those that say nothing come last.
    """
    book = books.newest()
    cells = cover(
        [rule.id for model in book.stages.values() for rule in model.stages], CHANNELS, book.templates.values()
    )
    items: list[CoverageCellView] = [
        {"stage": cell.stage or None, "channel": cell.channel, "templates": list(cell.templates)} for cell in cells
    ]
    return {"items": items, "next": None}


def _show_days(place: str, since: str | None, until: str | None) -> Listed[DayView]:
    days: Iterable[DayView] = (
        {"day": day, **show_place(counts.place())} for day, counts in list_days(place, since, until)
    )
    return {"items": list(days), "next": None}


def _stages(book: Book) -> dict[str, str]:
    return {rule.id: rule.predicate.describe() for model in book.stages.values() for rule in model.stages}


def _find_stage(stage: str) -> str:
    if stage not in _stages(books.newest()):
        raise NotFoundError("The life cycle has no stage with this name.")
    return stage
