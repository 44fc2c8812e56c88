"""How many events a second of processor time folds, and that definitions which an event cannot touch cost nothing.

The account is a big one: the demo brand, and beside it 200 segments and 30 journeys of other people's interests. The
contact is a busy one, under way in three journeys. Its events are what a shop sees most: pages and products looked at,
which scoring rules, a few segments and a journey read. `grown` has 2,000 more segments that none of them touches.

By itself: `PYTHONPATH=infra python -m tests.bench.folding`.
"""

import time
from collections.abc import Iterator
from itertools import count, islice
from typing import Any

from demo.documents import load_definitions
from postroad.book import Book
from postroad.contacts.contact import Contact
from postroad.events import Event
from postroad.fold import begin, fold
from tests.bench.report import Measured
from tests.books import Shelf

NOW = 1_793_610_000.0
SEGMENTS, JOURNEYS, MORE_SEGMENTS = 200, 30, 2_000
EVENTS, RUNS = 2_000, 7
GOAL = 5_000.0


def _segments(number: int) -> Iterator[dict[str, Any]]:
    """Segments as marketers have them; a fiftieth of the first reads what is looked at, the rest something else."""
    for each in range(number):
        attribute = {"attribute": f"interest_{each}", "is": "yes"}
        bought = {"event": f"Bought {each}", "at_least": 2, "within": "P30D"}
        looked = {"event": "Product Viewed", "at_least": 2 + each // 50, "within": "P7D"}
        is_touched = each < SEGMENTS and each % 50 == 0
        condition = {"any": [attribute, looked if is_touched else bought]}
        yield {"kind": "segment", "id": f"interest-{each}", "name": f"Interest {each}", "if": condition}


def _journeys() -> Iterator[dict[str, Any]]:
    """The first three start with signing up, and wait for something that does not come."""
    for each in range(JOURNEYS):
        yield {
            "kind": "journey",
            "id": f"course-{each}",
            "name": f"Course {each}",
            "trigger": {"event": "Signed Up" if each < 3 else f"Course {each} Opened"},
            "goal": {"event": f"Course {each} Ended"},
            "steps": [{"wait": {"event": f"Lesson {each} Read", "timeout": "P90D"}}, {"exit": {}}],
        }


def make_book(more_segments: int = 0) -> Book:
    """The big account's book."""
    brand = [document for key, document in load_definitions().items() if not key.startswith("form/")]
    return Shelf(*brand, *_segments(SEGMENTS + more_segments), *_journeys(), now=NOW).book


def make_contact(book: Book) -> Contact:
    """Somebody known, a day old, who is under way in three courses."""
    contact = begin("busy", book, NOW - 86_400)
    known = {"email": "ana@example.com", "first_name": "Ana", "country": "PT", "company_size": 40}
    for name, attributes in (("Identified", known), ("Signed Up", {})):
        event = Event(name, name, NOW - 86_400, NOW - 86_400, trusted=True, attributes=attributes)
        contact = fold(contact, event, book, NOW - 86_400).contact
    under_way = [journey for journey in contact.active if journey.startswith("course-")]
    assert len(under_way) == 3, under_way
    return contact


def _events() -> Iterator[Event]:
    for number in count():
        at = NOW + 20.0 * number
        if number % 3 == 2:
            yield Event(f"e{number}", "Product Viewed", at, at, properties={"product_id": f"p-{number % 40}"})
        else:
            yield Event(f"e{number}", "Page Viewed", at, at, properties={"path": f"/coffee/{number % 12}"})


def fold_rate(book: Book, contact: Contact) -> float:
    """Events folded in a second of processor time."""
    events = list(islice(_events(), EVENTS))
    began = time.process_time()
    for event in events:
        contact = fold(contact, event, book, event.time).contact
    return EVENTS / (time.process_time() - began)


def measure() -> Measured:
    """Events a second, run by run; `growth` is how much less of it 2,000 more segments leave."""
    books = {name: make_book(more) for name, more in (("base", 0), ("grown", MORE_SEGMENTS))}
    contacts = {name: make_contact(book) for name, book in books.items()}
    rates: dict[str, list[float]] = {name: [] for name in books}
    for _ in range(RUNS):
        for name, book in books.items():
            rates[name].append(fold_rate(book, contacts[name]))
    return Measured(rates["base"], max(rates["base"]) / max(rates["grown"]))


if __name__ == "__main__":
    found = measure()
    print(f"{found.value:,.0f} events a second (goal {GOAL:,.0f}), {found.growth:.2f} times as long when grown")
