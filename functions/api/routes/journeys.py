"""Journeys: where people are in them, and how many came how far."""

from typing import Annotated, TypedDict

from functions.api.problems import RequestError
from functions.api.routes.numbers import (
    Day,
    MemberView,
    MessageCountsView,
    PlaceCountsView,
    Since,
    Until,
    list_days,
    list_members,
    show_messages,
    show_place,
)
from functions.api.routing import Routes
from functions.api.schemas import Cursor, Example, Limit, Listed, ParameterError
from postroad.places import OUTCOMES, is_outcome, is_step, outcome_place, step_place
from postroad.stats import Counts
from postroad_aws import books
from postroad_aws.storage import NotFoundError, stats

routes = Routes("Journeys")


class StepView(TypedDict):
    """The numbers of a step, in all versions of the journey."""

    step: str
    people: Annotated[PlaceCountsView, "Who waits here; steps at which nobody waits have none."]
    messages: MessageCountsView


class JourneyCountsView(TypedDict):
    """The numbers of a journey, in all its versions."""

    started: Annotated[int, "Passages begun."]
    active: Annotated[int, "People who are in it now."]
    ended: Annotated[int, "Passages ended."]
    steps: Annotated[list[StepView], "In the order of the live version, then those of older versions."]
    outcomes: Annotated[
        dict[str, PlaceCountsView],
        "How passages ended: goal, completed, exited (by `exit_if`), failed, and `exited.<step>` by a step of its own.",
    ]
    messages: Annotated[MessageCountsView, "Of all steps together."]


class JourneyDayView(TypedDict):
    """What a day added."""

    day: Day
    started: int
    ended: int
    messages: MessageCountsView


@routes.get("/journeys/{journey_id}/counts")
def get_journey_counts(journey_id: str) -> JourneyCountsView:
    """How many are at each step of a journey, how many ended it how, and what became of its messages.

    Live numbers are some seconds old.
    """
    definition, steps = _find_journey(journey_id)
    counts = stats.find_counts([definition])[definition]
    others = {spot for spot in (*counts.places, *counts.messages) if spot and is_step(spot)}
    steps += sorted(others - set(steps))
    finer = {spot[1:] for spot in counts.places if is_outcome(spot)} - set(OUTCOMES)
    return {
        "started": counts.started,
        "active": counts.active,
        "ended": counts.ended,
        "steps": [_show_step(step, counts) for step in steps],
        "outcomes": {outcome: show_place(counts.place(f":{outcome}")) for outcome in (*OUTCOMES, *sorted(finer))},
        "messages": show_messages(counts.all_messages),
    }


@routes.get("/journeys/{journey_id}/days")
def list_journey_days(journey_id: str, since: Since = None, until: Until = None) -> Listed[JourneyDayView]:
    """How many started and ended on each day, and what became of the messages made then, the earliest day first."""
    days = list_days(_find_journey(journey_id)[0], since, until)
    items: list[JourneyDayView] = [
        {
            "day": day,
            "started": counts.started,
            "ended": counts.ended,
            "messages": show_messages(counts.all_messages),
        }
        for day, counts in days
    ]
    return {"items": items, "next": None}


@routes.get("/journeys/{journey_id}/contacts")
def list_journey_contacts(
    journey_id: str,
    step: Annotated[str | None, "A step at which people wait."] = None,
    outcome: Annotated[str | None, Example("goal"), "How the last passage of somebody ended."] = None,
    cursor: Cursor | None = None,
    limit: Limit = 50,
) -> Listed[MemberView]:
    """The people behind a number of a journey, in no order.

    One of `step` and `outcome` must be given. The people behind the messages of a step are those of
    `GET /messages?origin=…`.
    """
    _find_journey(journey_id)
    if (step is None) == (outcome is None):
        raise RequestError("Say where in the journey: step=<id>, or outcome=goal.")
    if outcome is not None and outcome.partition(".")[0] not in OUTCOMES:
        raise ParameterError(("outcome", f"is one of {', '.join(OUTCOMES)}, or exited.<step>"))
    place = step_place(journey_id, step) if step is not None else outcome_place(journey_id, str(outcome))
    return list_members(place, cursor, limit)


def _find_journey(journey_id: str) -> tuple[str, list[str]]:
    """A published journey's key and the ids of its steps, those of its live version first."""
    book = books.newest()
    versions = [book.journeys[journey_id]] if journey_id in book.journeys else []
    versions += [journey for (name, _), journey in book.versions.items() if name == journey_id]
    if not versions:
        raise NotFoundError("There is no published journey with this id.")
    return f"journey/{journey_id}", list(dict.fromkeys(step for journey in versions for step in journey.steps))


def _show_step(step: str, counts: Counts) -> StepView:
    return {
        "step": step,
        "people": show_place(counts.place(step)),
        "messages": show_messages(counts.step(step)),
    }
