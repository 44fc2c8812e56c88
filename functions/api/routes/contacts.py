"""Contacts, their timelines, and why things were decided."""

from typing import Any

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from functions.api.problems import RequestError
from functions.api.requests import read_page, read_query
from postroad.book import Book
from postroad.commits import Row
from postroad.contacts import Contact
from postroad.identities import contact_id_of, parse_identity
from postroad.instants import format_instant
from postroad.predicates import View
from postroad_aws import books, clock
from postroad_aws.storage import NotFoundError, keys, timeline
from postroad_aws.storage import contacts as storage
from postroad_aws.usecases.find_contact import find_contact

router = APIGatewayHttpRouter()


@router.get("/contacts")
def list_contacts() -> dict[str, Any]:
    """Contacts, the newest first; with `identity=email:ana@example.com`, the one who has it."""
    named = read_query(router, "identity")
    if named:
        try:
            identity = parse_identity(named)
        except ValueError as error:
            raise RequestError(f"{error}.") from None
        contact = find_contact(storage, contact_id_of(identity, keys.derive_key("contacts")))
        return _list([contact] if contact else [], None)
    cursor, limit = read_page(router)
    page = storage.list_contacts(cursor=cursor, limit=limit)
    return _list(page.items, page.next)


@router.get("/contacts/<contact_id>")
def get_contact(contact_id: str) -> dict[str, Any]:
    return show(_get(contact_id), books.newest(), clock.now())


@router.get("/contacts/<contact_id>/timeline")
def list_timeline(contact_id: str) -> dict[str, Any]:
    """What happened, the latest first."""
    page = _rows(contact_id)
    # Events that said no time of their own are kept by the hour.
    rows = sorted(page.items, key=lambda row: row.event.time, reverse=True)
    return {"items": [_show_row(row) for row in rows], "next": page.next}


@router.get("/contacts/<contact_id>/decisions")
def list_decisions(contact_id: str) -> dict[str, Any]:
    """Why things were, or were not, done, the latest first."""
    page = _rows(contact_id)
    items = [
        {
            "time": format_instant(row.event.time),
            "event_id": row.event.event_id,
            "event": row.event.name,
            **decision._asdict(),
        }
        for row in page.items
        for decision in row.decisions
    ]
    return {"items": items, "next": page.next}


def _get(contact_id: str) -> Contact:
    contact = find_contact(storage, contact_id)
    if contact is None:
        raise NotFoundError("There is no contact with this id.")
    return contact


def _rows(contact_id: str) -> Any:
    contact = _get(contact_id)
    cursor, limit = read_page(router)
    return timeline.list_rows((contact.contact_id, *contact.merged_from), cursor=cursor, limit=limit)


def _list(contacts: Any, cursor: str | None) -> dict[str, Any]:
    book, now = books.newest(), clock.now()
    return {"items": [show(contact, book, now) for contact in contacts], "next": cursor}


def show(contact: Contact, book: Book, now: float) -> dict[str, Any]:
    """A contact as the API speaks of it; scores as they stand now."""
    view = View(contact, now, book.scores, assumed=book.assumed)
    return {
        "contact_id": contact.contact_id,
        "created_at": format_instant(contact.created_at),
        "last_seen": format_instant(contact.last_seen) if contact.last_seen else None,
        "identities": sorted(contact.identities),
        "attributes": {n: word.value for n, word in sorted(contact.attributes.items()) if word.value is not None},
        "scores": {sheet.id: sheet.value(view) for sheet in book.scores.values()},
        "stage": contact.stage.name if contact.stage else None,
        "segments": sorted(contact.segments),
        "journeys": [
            {
                "journey": enrollment.journey,
                "version": enrollment.version,
                "step": enrollment.step,
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


def _show_row(row: Row) -> dict[str, Any]:
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
        "decisions": [decision._asdict() for decision in row.decisions],
    }
