"""Why a journey did, or did not, come to somebody, as their page tells it."""

from typing import NamedTuple

from functions.console import telling
from functions.console.requests import Request
from postroad.book import Book
from postroad.contacts.contact import Contact
from postroad.explaining import LATER, NO, OPEN, YES, Finding, why_journey
from postroad.fold import needs_history
from postroad_aws.storage import timeline

# As far as the timeline is looked through.
_MOST_ROWS = 200

# How each verdict is called, and its colour.
VERDICTS = {YES: ("yes", "green"), NO: ("no", "red"), LATER: ("later", "orange"), OPEN: ("not asked", "grey")}


class Explained(NamedTuple):
    """A journey, and each thing that had to be so before it came to a contact."""

    title: str
    href: str
    findings: tuple[Finding, ...]


def explain(request: Request, contact: Contact, book: Book) -> Explained | None:
    """About the journey that the request names; None when it names none, or one that was never published."""
    journey_id = request.text("journey")
    if not journey_id or not any(journey_id == known for known, _ in book.versions):
        return None
    ids = (contact.contact_id, *contact.merged_from)
    rows = timeline.list_rows(ids, limit=_MOST_ROWS).items
    history = tuple(timeline.list_history(ids)) if needs_history(contact, book) else ()
    findings = why_journey(contact, journey_id, book, rows, request.now, history=history)
    return Explained(telling.name_of(book, "journey", journey_id), f"/console/journeys/{journey_id}", findings)
