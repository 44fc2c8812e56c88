"""Journeys: where people are in them, and how many came how far."""

import json
from http import HTTPStatus
from typing import Annotated, Any, NotRequired, TypedDict

from functions.api.problems import RefusedError, RequestError
from functions.api.routes.definitions import TransferBody
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
from functions.api.routing import Caller, Routes
from functions.api.schemas import BodyError, Cursor, Example, Limit, Listed, OneOf, ParameterError, Text
from postroad.book import Book
from postroad.contacts.identities import parse_identity
from postroad.contacts.places import OUTCOMES, is_outcome, is_step, outcome_place, step_place
from postroad.events import ENROLLMENT_REQUESTED
from postroad.experiments.results import DECIDED, RUNNING, UNEVEN, WON, Result, read_results
from postroad.instants import describe_duration
from postroad.journeys import parse_journey
from postroad.journeys.transfers import FATES, foresee, read_transfer
from postroad.stats import Counts
from postroad_aws import books, clock
from postroad_aws.storage import NotFoundError, definitions, stats
from postroad_aws.usecases.enroll_contact import UnknownContactError, enroll_contact
from postroad_aws.usecases.judge_experiments import choose_winner
from postroad_aws.wiring import production

routes = Routes("Journeys")

# What a request may say to a journey, in characters of JSON.
LONGEST_PROPERTIES = 8_000


class EnrollBody(TypedDict):
    """Who is to enter a journey, and what is known about the occasion."""

    contact: Annotated[
        str,
        Text(300),
        Example("email:ana@example.com"),
        "The id of a contact, or an identity: `email:`, `phone:`, `user:` or `anon:` and the value.",
    ]
    properties: NotRequired[
        Annotated[
            dict[str, Any], Example({"order_id": "o-7"}), "Of the event that starts the journey; templates see it."
        ]
    ]


class EnrolledView(TypedDict):
    """What was asked for."""

    event_id: Annotated[str, "The event in the contact's timeline, whose decisions say whether the journey began."]


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


class VariantView(TypedDict):
    """What has come of one variant."""

    name: str
    weight: float
    shown: Annotated[int, "People who have been dealt it."]
    converted: Annotated[int, "Those of them who reached the goal within the window."]
    rate: float
    chance_to_be_best: Annotated[float, "By the numbers so far; nothing is decided by it."]
    uplift: Annotated[
        list[float], "Bounds of how much its rate differs from that of the first variant, or of those held out."
    ]


class ExperimentView(TypedDict):
    """An experiment of a journey; `step` is empty for its holdout."""

    step: str
    about: Annotated[str, Example("Order Completed"), "What counts as a conversion."]
    within: Annotated[str, Example("7 days")]
    state: Annotated[str, OneOf((RUNNING, DECIDED, WON, UNEVEN))]
    verdict: Annotated[str, "What the numbers mean, in a sentence."]
    leader: str
    evidence: Annotated[float, "How much likelier a difference makes the numbers than none; it has won at `needed`."]
    needed: float
    sample_ratio: Annotated[float, "How likely chance deals people out as unevenly; below 0.001 there is no verdict."]
    winner: Annotated[str | None, "The variant that newcomers get."]
    variants: list[VariantView]


class WinnerBody(TypedDict):
    """The variant that newcomers get."""

    variant: Annotated[str | None, Example("short")]


class ChosenView(TypedDict):
    """What choosing made."""

    revision: Annotated[int, "The number of the book."]


class FateView(TypedDict):
    """What becomes of the people who are now at a step."""

    step: Annotated[str, "Empty for who has only just entered."]
    people: int
    fate: Annotated[str, OneOf(FATES)]
    to: Annotated[str | None, "The step of the new version to which they go."]
    sentence: str


class PlanView(TypedDict):
    """What publishing the draft would do to the people under way."""

    version: Annotated[int, "The version that it would be."]
    people: Annotated[int, "How many are under way now."]
    fates: list[FateView]


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


@routes.get("/journeys/{journey_id}/experiments")
def list_experiments(journey_id: str) -> Listed[ExperimentView]:
    """The experiments of a live journey, its holdout first: the numbers of each variant, and what they say.

    Live numbers are some seconds old; the verdict holds however often you look.
    """
    book = _live_book(journey_id)
    definition = f"journey/{journey_id}"
    results = read_results(journey_id, book, stats.find_counts([definition])[definition])
    return {"items": [_show_result(result) for result in results], "next": None}


@routes.put("/journeys/{journey_id}/experiments/{step}/winner")
def put_winner(journey_id: str, step: str, body: WinnerBody) -> ChosenView:
    """Let newcomers get this variant from now on, or (null) be dealt out again. Who has been dealt one keeps it."""
    if step not in _live_book(journey_id).journeys[journey_id].experiments:
        raise NotFoundError("This journey has no such experiment.")
    because = "somebody has chosen it"
    return {"revision": choose_winner(definitions, clock, f"{journey_id}/{step}", body["variant"], because)}


@routes.post("/journeys/{journey_id}/plan")
def plan_transfer(journey_id: str, body: TransferBody) -> PlanView:
    """What would become of the people under way if the draft were published so; nothing is changed."""
    definition, _ = _find_journey(journey_id)
    draft = definitions.get_draft("journey", journey_id)
    version = definitions.find_manifest().last_version(definition) + 1
    journey = parse_journey(draft.document, version=version)
    plan = read_transfer(dict(body), journey)
    counts = stats.find_counts([definition])[definition]
    here = [(spot, place.here) for spot, place in counts.places.items() if is_step(spot)]
    fates = foresee(journey, plan, here)
    return {
        "version": version,
        "people": sum(fate.people for fate in fates),
        "fates": [
            {
                "step": fate.step,
                "people": fate.people,
                "fate": fate.fate,
                "to": fate.to or None,
                "sentence": fate.describe(),
            }
            for fate in fates
        ],
    }


def _live_book(journey_id: str) -> Book:
    book = books.newest()
    if journey_id not in book.journeys:
        raise NotFoundError("There is no live journey with this id.")
    return book


def _show_result(result: Result) -> ExperimentView:
    finding, arms = result.finding, result.arms
    return {
        "step": result.experiment.step,
        "about": result.experiment.goal.describe(),
        "within": describe_duration(result.experiment.within),
        "state": result.state,
        "verdict": result.verdict,
        "leader": finding.leader,
        "evidence": round(finding.evidence, 3),
        "needed": finding.needed,
        "sample_ratio": round(finding.ratio, 6),
        "winner": result.winner.variant if result.winner else None,
        "variants": [
            {
                "name": name,
                "weight": weight,
                "shown": arms[name].shown,
                "converted": arms[name].converted,
                "rate": round(arms[name].rate, 6),
                "chance_to_be_best": round(finding.best[name], 4),
                "uplift": [round(bound, 6) for bound in result.uplift(name)],
            }
            for name, weight in result.experiment.weights.items()
        ],
    }


@routes.post("/journeys/{journey_id}/enroll", status=HTTPStatus.ACCEPTED)
def enroll(journey_id: str, body: EnrollBody, caller: Caller) -> EnrolledView:
    """Let a contact enter a live journey that has the trigger `{api: true}`.

    The journey's own rules decide within seconds: its condition, its re-entry, its goal. Somebody named by an identity
    that nobody has becomes a contact.
    """
    _find_journey(journey_id)
    journey = books.newest().journeys.get(journey_id)
    if journey is None or all(trigger.key != ENROLLMENT_REQUESTED.lower() for trigger in journey.triggers):
        raise RefusedError("This journey does not start by request; give it the trigger {api: true} and publish it.")
    properties = body.get("properties", {})
    if len(json.dumps(properties)) > LONGEST_PROPERTIES:
        raise BodyError(("properties", f"take at most {LONGEST_PROPERTIES} characters together"))
    try:
        who = parse_identity(body["contact"]) if ":" in body["contact"] else body["contact"]
        event = enroll_contact(production(), journey_id, who, properties, caller.source)
    except ValueError as error:
        raise BodyError(("contact", str(error))) from None
    except UnknownContactError:
        raise BodyError(("contact", "is the id of no contact")) from None
    return {"event_id": event.event_id}


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
