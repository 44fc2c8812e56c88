"""Contacts, their timelines, and why things were decided."""

from collections.abc import Iterable
from typing import Annotated, Any, TypedDict

from functions.api.routing import Routes
from functions.api.schemas import Cursor, Example, Instant, Limit, Listed, ParameterError
from postroad.book import Book
from postroad.commits import Row
from postroad.contacts.contact import Contact
from postroad.contacts.identities import parse_identity
from postroad.decisions import Decision
from postroad.instants import format_instant
from postroad.predicates.verdicts import Sorting
from postroad.scoring.sheet import Reason
from postroad.tasks import assignee_of
from postroad_aws import books, clock
from postroad_aws.storage import NotFoundError, Page, keys, timeline
from postroad_aws.storage import contacts as storage
from postroad_aws.usecases.find_contact import find_contact, find_owner

routes = Routes("Contacts")

Properties = dict[str, Any]


class JourneyView(TypedDict):
    """An enrollment under way."""

    journey: str
    version: int
    step: Annotated[str, "Where the contact stands."]
    key: Annotated[str | None, "What it is about, in a journey whose passages go side by side."]
    entered: Instant
    next: Annotated[Instant | None, "When it moves by itself; null when only an event moves it."]


class ConsentView(TypedDict):
    """A contact's latest answer to a topic."""

    granted: bool
    time: Instant


class StageView(TypedDict):
    """A stage that a contact has reached."""

    stage: str
    since: Instant
    because: Annotated[str, "The reason, in a sentence; empty when it was reached before reasons were kept."]


class PersonaMatchView(TypedDict):
    """Whom a contact is most like."""

    persona: str
    since: Instant
    confidence: Annotated[float, "How sure that is, from 0 to 1."]


class HandedView(TypedDict):
    """Where the hand-over has put a contact."""

    to: Annotated[str, "`sales` or `nurture`."]
    since: Instant
    owner: Annotated[str | None, "Who looks after them."]


class SeatView(TypedDict):
    """A contact's place in an account."""

    role: str
    since: Instant
    engaged: bool


class ReasonView(TypedDict):
    """What one rule adds, and why."""

    rule: str
    points: float
    because: str
    time: Annotated[Instant | None, "When that happened last; null for what holds without a moment."]


class TotalView(TypedDict):
    """A score or a grade, with what it is made of."""

    sheet: Annotated[str, Example("score/engagement")]
    total: float
    name: Annotated[str | None, "The band of a score, the letter of a grade; null when there is none."]
    reasons: Annotated[list[ReasonView], "They add up to the total."]


class ContactView(TypedDict):
    """A contact: all that is known about one person."""

    contact_id: Annotated[str, "Its id: no secret, and nobody can tell from it who it is."]
    created_at: Annotated[Instant, "When it was first heard of."]
    last_seen: Annotated[Instant | None, "When it was heard of last."]
    identities: Annotated[list[str], Example(["email:ana@example.com", "user:ana"])]
    attributes: Annotated[Properties, "By name."]
    scores: Annotated[dict[str, float], "By score, as they stand at this moment."]
    grades: Annotated[dict[str, str | None], "Letters by grade; null while nothing is known."]
    cells: Annotated[dict[str, list[str]], "By matrix: the cell and its name.", Example({"readiness": ["A1", "hot"]})]
    stage: str | None
    stages: Annotated[list[StageView], "Its history, the present stage last; at most eleven."]
    persona: PersonaMatchView | None
    handed: HandedView | None
    accounts: Annotated[dict[str, SeatView], "The accounts to which it belongs, by their ids."]
    segments: Annotated[list[str], "Ids of the segments that it is in."]
    journeys: Annotated[list[JourneyView], "Enrollments under way."]
    consents: Annotated[
        dict[str, ConsentView], "The latest answers by topic; `*` is every topic, `sms:…` those by text."
    ]
    suppressions: Annotated[dict[str, str], "Addresses that get nothing any more, each with the reason."]
    merged_from: Annotated[list[str], "Ids of contacts that turned out to be this one."]


class CausedView(TypedDict):
    """An event that followed from another one."""

    name: str
    properties: Properties


class DecisionView(TypedDict):
    """Why something was, or was not, done."""

    definition: Annotated[str, Example("journey/welcome@1"), "What decided."]
    step: str
    verdict: str
    because: Annotated[str, "The reason, in a sentence."]
    gate: Annotated[str, "Which gate of a message it was, empty where none was asked."]


class EventView(TypedDict):
    """Something that happened to a contact."""

    event_id: str
    name: str
    time: Instant
    properties: Properties
    attributes: Annotated[Properties, "What the event said about the contact."]
    context: Properties
    source: Annotated[str, "Whose key sent it."]
    caused: Annotated[list[CausedView], "Events that followed from it, such as *Segment Entered*."]
    decisions: list[DecisionView]


class TimedDecisionView(DecisionView):
    """Why something was, or was not, done, and what caused it."""

    time: Instant
    event_id: str
    event: Annotated[str, "The name of the event that caused it."]


@routes.get("/contacts")
def list_contacts(
    identity: Annotated[
        str | None,
        Example("email:ana@example.com"),
        "`email:`, `phone:` (as `+351…`), `user:` or `anon:` and its value.",
    ] = None,
    cursor: Cursor | None = None,
    limit: Limit = 50,
) -> Listed[ContactView]:
    """Contacts, the newest first.

    With `identity`, the one who has it, in a list of none or one.
    """
    if identity is not None:
        try:
            parsed = parse_identity(identity)
        except ValueError as error:
            raise ParameterError(("identity", str(error))) from None
        contact = find_owner(storage, parsed, keys.derive_key("contacts"))
        return {"items": show_contacts([contact] if contact else []), "next": None}
    page = storage.list_contacts(cursor=cursor, limit=limit)
    return {"items": show_contacts(page.items), "next": page.next}


@routes.get("/contacts/{contact_id}")
def get_contact(contact_id: str) -> ContactView:
    """One contact.

    The id of a contact that was merged into another leads to that one.
    """
    (shown,) = show_contacts([read_contact(contact_id)])
    return shown


@routes.get("/contacts/{contact_id}/reasons")
def get_reasons(contact_id: str) -> Listed[TotalView]:
    """The reasons for every score and grade of a contact, as they stand at this moment."""
    contact, book, now = read_contact(contact_id), books.newest(), clock.now()
    view = book.view(contact, now)
    items: list[TotalView] = [
        *(_show_total(f"score/{s.id}", s.value(view), s.sort(view), s.reasons(view)) for s in book.scores.values()),
        *(_show_total(f"grade/{g.id}", g.total(view), g.sort(view), g.reasons(view)) for g in book.grades.values()),
    ]
    return {"items": items, "next": None}


@routes.get("/contacts/{contact_id}/timeline")
def list_timeline(contact_id: str, cursor: Cursor | None = None, limit: Limit = 50) -> Listed[EventView]:
    """What happened to a contact, the latest first.

    Kept for 400 days. Opens and clicks are filed under the minute in which they happened.
    """
    page = _list_rows(contact_id, cursor, limit)
    # Events that said no time of their own are kept by the hour.
    rows = sorted(page.items, key=lambda row: row.event.time, reverse=True)
    return {"items": [_show_row(row) for row in rows], "next": page.next}


@routes.get("/contacts/{contact_id}/decisions")
def list_decisions(contact_id: str, cursor: Cursor | None = None, limit: Limit = 50) -> Listed[TimedDecisionView]:
    """Why things were, or were not, done, the latest event first.

    The decisions of the timeline; `limit` counts events, not decisions.
    """
    page = _list_rows(contact_id, cursor, limit)
    items: list[TimedDecisionView] = [
        {
            "time": format_instant(row.event.time),
            "event_id": row.event.event_id,
            "event": row.event.name,
            **_show_decision(decision),
        }
        for row in page.items
        for decision in row.decisions
    ]
    return {"items": items, "next": page.next}


def read_contact(contact_id: str) -> Contact:
    """The contact that an address names. Raises NotFoundError."""
    contact = find_contact(storage, contact_id)
    if contact is None:
        raise NotFoundError("There is no contact with this id.")
    return contact


def show_contacts(contacts: Iterable[Contact]) -> list[ContactView]:
    """Contacts as the API speaks of them; scores as they stand now."""
    book, now = books.newest(), clock.now()
    return [_show(contact, book, now) for contact in contacts]


def _list_rows(contact_id: str, cursor: str | None, limit: int) -> Page[Row]:
    contact = read_contact(contact_id)
    return timeline.list_rows((contact.contact_id, *contact.merged_from), cursor=cursor, limit=limit)


def _show(contact: Contact, book: Book, now: float) -> ContactView:
    view = book.view(contact, now)
    return {
        "contact_id": contact.contact_id,
        "created_at": format_instant(contact.created_at),
        "last_seen": format_instant(contact.last_seen) if contact.last_seen else None,
        "identities": sorted(contact.identities),
        "attributes": {n: word.value for n, word in sorted(contact.attributes.items()) if word.value is not None},
        "scores": {sheet.id: sheet.value(view) for sheet in book.scores.values()},
        "grades": {grade.id: grade.letter(view) for grade in book.grades.values()},
        "cells": {matrix.id: list(matrix.sort(view).names) for matrix in book.matrices.values()},
        "stage": contact.stage.name if contact.stage else None,
        "stages": [
            {"stage": stage.name, "since": format_instant(stage.since), "because": stage.because}
            for stage in (*contact.stages_before, *([contact.stage] if contact.stage else []))
        ],
        "persona": {
            "persona": contact.persona.name,
            "since": format_instant(contact.persona.since),
            "confidence": contact.persona.confidence,
        }
        if contact.persona
        else None,
        "handed": {
            "to": contact.handed.to,
            "since": format_instant(contact.handed.since),
            "owner": assignee_of(contact) or None,
        }
        if contact.handed
        else None,
        "accounts": {
            account_id: {"role": seat.role, "since": format_instant(seat.since), "engaged": seat.is_engaged}
            for account_id, seat in sorted(contact.accounts.items())
        },
        "segments": sorted(contact.segments),
        "journeys": [
            {
                "journey": enrollment.journey,
                "version": enrollment.version,
                "step": enrollment.step,
                "key": enrollment.key or None,
                "entered": format_instant(enrollment.entered),
                "next": format_instant(enrollment.due) if enrollment.due is not None else None,
            }
            for _, enrollment in sorted(contact.active.items())
        ],
        "consents": {
            topic: {"granted": consent.granted, "time": format_instant(consent.time)}
            for topic, consent in sorted(contact.consents.items())
        },
        "suppressions": dict(sorted(contact.suppressions.items())),
        "merged_from": list(contact.merged_from),
    }


def _show_total(sheet: str, total: float, sorting: Sorting, reasons: Iterable[Reason]) -> TotalView:
    return {
        "sheet": sheet,
        "total": total,
        "name": next(iter(sorting.names), None),
        "reasons": [
            {
                "rule": reason.rule_id,
                "points": reason.points,
                "because": reason.because,
                "time": format_instant(reason.at) if reason.at is not None else None,
            }
            for reason in reasons
        ],
    }


def _show_row(row: Row) -> EventView:
    event = row.event
    return {
        "event_id": event.event_id,
        "name": event.name,
        "time": format_instant(event.time),
        "properties": dict(event.properties),
        "attributes": dict(event.attributes),
        "context": dict(event.context),
        "source": event.source,
        "caused": [{"name": caused.name, "properties": dict(caused.properties)} for caused in row.caused],
        "decisions": [_show_decision(decision) for decision in row.decisions],
    }


def _show_decision(decision: Decision) -> DecisionView:
    return {
        "definition": decision.definition,
        "step": decision.step,
        "verdict": decision.verdict,
        "because": decision.because,
        "gate": decision.gate,
    }
