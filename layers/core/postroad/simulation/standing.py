"""How made-up people stand before their journey starts: in which segments, at which stage, with which consent.

What documents ask about is so of some of them, and not of others. To add a fact, add an entry to GIVEN.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from postroad.book import Book
from postroad.contacts.contact import Consent, Contact, Handed, Persona, Seat, Stage
from postroad.simulation.chance import draw

# The account in which somebody has a role.
ACCOUNT = "their-company"


class Standing(NamedTuple):
    """How a fact becomes so of a contact; of one that `is_single` nobody has more than one name."""

    give: Callable[[Contact, str, float, Book], None]
    is_single: bool = False


def _join(contact: Contact, segment_id: str, at: float, book: Book) -> None:
    segment = book.segments.get(segment_id)
    # What attributes say of a segment the fold finds out by itself.
    if segment and not any(fact.startswith("attribute:") for fact in segment.predicate.reads):
        contact.segments[segment_id] = at


def _answer(contact: Contact, topic: str, at: float, book: Book) -> None:
    """The answer that is not taken for granted."""
    contact.consents[topic] = Consent(topic not in book.assumed, at)


def _reach(contact: Contact, stage: str, at: float, book: Book) -> None:
    contact.stage = Stage(stage, at)


def _resemble(contact: Contact, persona: str, at: float, book: Book) -> None:
    contact.persona = Persona(persona, at, 1.0)


def _hand(contact: Contact, to: str, at: float, book: Book) -> None:
    contact.handed = Handed(to, at)


def _sit(contact: Contact, role: str, at: float, book: Book) -> None:
    contact.accounts[ACCOUNT] = Seat(role, at)


# By the subject of a condition, how it comes to hold.
GIVEN: Mapping[str, Standing] = {
    "segment": Standing(_join),
    "consent": Standing(_answer),
    "stage": Standing(_reach, is_single=True),
    "persona": Standing(_resemble, is_single=True),
    "handed_to": Standing(_hand, is_single=True),
    "account_role": Standing(_sit, is_single=True),
}


def find_facts(parts: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The names about which objects of documents ask, by the fact."""
    found: dict[str, list[str]] = {}
    for part in parts:
        for fact in filter(part.__contains__, GIVEN):
            said = part[fact]
            known = found.setdefault(fact, [])
            names = said if isinstance(said, list | tuple) else [said]
            known += [name for name in names if isinstance(name, str) and name not in known]
    return found


def place(contact: Contact, facts: Mapping[str, Sequence[str]], book: Book, at: float, *lot: int) -> None:
    """Make each of these facts so of a contact, or not, by lot."""
    for fact, names in facts.items():
        standing = GIVEN[fact]
        if standing.is_single:
            chosen = int(draw(*lot, fact) * (len(names) + 1))
            given = names[chosen : chosen + 1]
        else:
            given = [name for name in names if draw(*lot, fact, name) < 0.5]
        for name in given:
            standing.give(contact, name, at, book)
