"""The people behind each number of a journey, and why each of them is there."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from functions.console import pages, picture
from functions.console.crowds import CROWDS
from functions.console.requests import Request
from functions.console.responses import Response
from functions.console.routes.journeys import Shown, find_shown
from functions.console.steps import describe_steps
from postroad.commits import Row
from postroad.contacts.contact import Contact, Enrollment
from postroad.contacts.places import split_place
from postroad.decisions import Decision
from postroad.journeys.drawing import COMPLETED, EXITED, Box, Card, draw_journey
from postroad.journeys.steps import SendStep
from postroad.sending.messages import Message
from postroad.stats import Counts
from postroad_aws import books
from postroad_aws.storage import NotFoundError, contacts, memberships, messages, stats, timeline
from postroad_aws.usecases.find_contact import find_contact, find_contacts
from postroad_aws.usecases.list_recipients import list_recipients

_PAGE = 25
# How many events back the reason is looked for.
_FARTHEST = 400

# How a journey can end, as it stands in the numbers above its picture.
_LEFT, _FAILED = ":left", ":failed"
_NOWHERE = Box(0, 0, 0, 0)
_ENDS = (
    Card(_LEFT, "exited", "Left by an exit", "Came to an exit, or had to leave early", _NOWHERE),
    Card(_FAILED, "exited", "Stuck by a mistake", "A step could not be run; the reason says which", _NOWHERE),
    Card(COMPLETED, "completed", "Came to the end", "Went all the way to the end", _NOWHERE),
)


class Person(NamedTuple):
    """One of the people, there since `since` (epoch seconds); with their enrollment while it is under way, and with
    the message when it is about one."""

    contact: Contact
    since: float
    enrollment: Enrollment | None
    message: Message | None


class Why(NamedTuple):
    """The event at which somebody came to a place, and what this journey decided then."""

    row: Row
    decisions: tuple[Decision, ...]


def show(request: Request) -> Response:
    """Who is at a place of the journey (`at`), or to whom the messages of a step went (`who`: one of CROWDS)."""
    shown = find_shown(request)
    card = _find_card(_cards(shown), request.text("at"))
    counts = stats.find_counts([shown.subject])[shown.subject]
    values: dict[str, Any] = {"shown": shown, "card": card, "crowd": None, "tabs": []}
    if shown.journey and card.id in shown.journey.steps and isinstance(shown.journey.steps[card.id].body, SendStep):
        crowd = CROWDS.get(request.text("who"), CROWDS["all"])
        found = list_recipients(
            messages,
            shown.origins,
            lambda message: message.step == card.id and crowd.wanted(message),
            cursor=request.cursor,
            enough=_PAGE,
        )
        people = _people(shown, [(message.contact_id, message.created_at, message) for message in found.items])
        of_step = counts.step(card.id)
        tabs = [(each, each.count(of_step)) for each in CROWDS.values()]
        values |= {"crowd": crowd, "tabs": [(each, count) for each, count in tabs if count or each is crowd]}
        values |= {"people": people, "next": found.next, "total": crowd.count(of_step)}
    else:
        spots = _spots(shown, card, counts)
        places = [f"{shown.subject}/{spot}" for spot in spots]
        members = memberships.list_members(*places, cursor=request.cursor, limit=_PAGE)
        people = _people(shown, [(member.contact_id, member.since, None) for member in members.items])
        values |= {"people": people, "next": members.next, "total": sum(counts.place(spot).here for spot in spots)}
    return pages.page(request, "journeys/people.html", fragment="people", **values)


def explain(request: Request) -> Response:
    """Why one contact is at a place: what led there."""
    shown = find_shown(request)
    cards = _cards(shown)
    spot = _find_card(cards, request.text("at")).id
    contact = find_contact(contacts, request.text("contact") or "-")
    if contact is None:
        raise NotFoundError("This contact is no longer there.")
    values: dict[str, Any] = {"shown": shown, "contact": contact, "why": _find_why(contact, shown, spot)}
    titles = {card.id: card.title for card in cards.values()}
    return pages.page(request, "journeys/why.html", fragment="content", titles=titles, **values)


def _cards(shown: Shown) -> dict[str, Card]:
    """The cards of the picture, and what stands only in the numbers above it."""
    drawn = draw_journey(shown.journey).cards if shown.journey else ()
    sentences = describe_steps(shown.journey, books.current()) if shown.journey else {}
    return {card.id: card._replace(sentence=sentences.get(card.id, card.sentence)) for card in (*_ENDS, *drawn)}


def _spots(shown: Shown, card: Card, counts: Counts) -> list[str]:
    """Where those are who stand behind a card."""
    if card.id == _LEFT:
        left = (spot for spot, place in counts.places.items() if spot.partition(".")[0] == EXITED and place.here)
        return [*left] or [EXITED]
    return [split_place(picture.place_of(shown.journey, card.id))[1] if shown.journey else card.id]


def _find_card(cards: Mapping[str, Card], card_id: str) -> Card:
    if card_id not in cards:
        raise NotFoundError("This journey has no such step in this version.")
    return cards[card_id]


def _people(shown: Shown, found: Sequence[tuple[str, float, Message | None]]) -> list[Person]:
    by_id = find_contacts(contacts, {contact_id for contact_id, _, _ in found})
    return [
        Person(by_id[contact_id], since, next(iter(by_id[contact_id].enrollments_in(shown.id)), None), message)
        for contact_id, since, message in found
        if contact_id in by_id
    ]


def _find_why(contact: Contact, shown: Shown, spot: str) -> Why | None:
    """The latest event that led to the place, as far as one looks back."""
    cursor, looked_at = None, 0
    while looked_at < _FARTHEST:
        page = timeline.list_rows((contact.contact_id, *contact.merged_from), cursor=cursor, limit=100)
        for row in page.items:
            decisions = tuple(d for d in row.decisions if d.definition.partition("@")[0] == shown.subject)
            if any(_leads_to(decision, spot) for decision in decisions):
                return Why(row, decisions)
        looked_at, cursor = looked_at + len(page.items), page.next
        if cursor is None:
            break
    return None


def _leads_to(decision: Decision, card_id: str) -> bool:
    return decision.step == card_id or (
        card_id.startswith(":") and decision.verdict in ("completed", "exited", "failed")
    )
