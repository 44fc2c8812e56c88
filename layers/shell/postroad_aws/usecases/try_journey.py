"""Try a journey before it is live, or see what would happen to a contact: over what is stored, and storing nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from postroad.book import Book, Manifest
from postroad.contacts.contact import Contact
from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.fold import needs_history
from postroad.simulation import (
    Cast,
    Forecast,
    Habits,
    Moment,
    Person,
    Shelf,
    Trial,
    cast_of,
    dry_run,
    learn_habits,
    parse_habits,
    start_event,
    usual_deeds,
)
from postroad.stats import Counts
from postroad_aws.ports import Clock, Stored
from postroad_aws.storage.definitions import Draft
from postroad_aws.usecases.find_contact import find_contacts

Document = Mapping[str, Any]


class Definitions(Protocol):
    def find_manifest(self) -> Manifest: ...

    def load_versions(self, wanted: Sequence[tuple[str, str, int]], /) -> Mapping[tuple[str, str, int], Document]: ...

    def find_draft(self, kind: str, definition_id: str, /) -> Draft | None: ...


class Contacts(Protocol):
    def find_items(self, ids: Collection[str], *, consistent: bool) -> Mapping[str, Stored]: ...


class Timeline(Protocol):
    def list_history(self, contact_ids: Sequence[str]) -> Iterable[Event]: ...


class Stats(Protocol):
    def find_counts(self, definitions: Sequence[str], /) -> Mapping[str, Counts]: ...


@dataclass(frozen=True, slots=True)
class TrialPorts:
    definitions: Definitions
    contacts: Contacts
    timeline: Timeline
    stats: Stats
    clock: Clock


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be simulated.

    So many `people` are made up, unless there are `contacts`, by their ids. `attributes` are the values that made-up
    people's take, in the place of those that the journey suggests; `properties` are those of the event that starts
    people. `habits` is a document (`parse_habits`); with `history`, what it does not say is learned from the
    journey's live numbers. `drafts` stand in the place of what is live; where the journey is not among them, its
    saved draft does.
    """

    journey_id: str
    people: int
    days: float
    seed: int = 1
    habits: Document | None = None
    history: bool = False
    attributes: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    contacts: Sequence[str] = ()
    drafts: Mapping[str, Document] | None = None


def simulate_journey(ports: TrialPorts, wish: Wish) -> Forecast:
    """Let people go through a journey. Raises DefinitionError for a draft with mistakes, and for what is not there."""
    key = f"journey/{wish.journey_id}"
    drafts = dict(wish.drafts or {})
    if key not in drafts and (draft := ports.definitions.find_draft("journey", wish.journey_id)):
        drafts[key] = draft.document
    shelf = _load_shelf(ports, drafts)
    trial = Trial(
        shelf,
        wish.journey_id,
        days=wish.days,
        seed=wish.seed,
        start=ports.clock.now(),
        habits=_find_habits(ports, shelf, wish),
        cast=_find_cast(shelf, wish),
    )
    if wish.contacts:
        return trial.try_with(_find_people(ports, shelf.book, wish))
    return trial.try_made_up(range(wish.people))


def dry_run_contact(
    ports: TrialPorts, contact: Contact, events: Iterable[Event], until: float, drafts: Mapping[str, Document]
) -> tuple[Book, tuple[Moment, ...]]:
    """What would happen to a contact, and the book by which. Raises DefinitionError for a draft with mistakes."""
    book = _load_shelf(ports, drafts).book
    return book, dry_run(contact, book, events, until=until, history=find_history(ports.timeline, contact, book))


def find_history(timeline: Timeline, contact: Contact, book: Book) -> Sequence[Event]:
    """The contact's timeline, when a fold by this book needs it."""
    if not needs_history(contact, book):
        return ()
    return tuple(timeline.list_history((contact.contact_id, *contact.merged_from)))


def _load_shelf(ports: TrialPorts, drafts: Mapping[str, Document]) -> Shelf:
    manifest = ports.definitions.find_manifest()
    live = Shelf(manifest, ports.definitions.load_versions(manifest.loaded))
    changed = {
        key: document
        for key, document in drafts.items()
        if key not in manifest.live or live.documents.get(manifest.live[key][:3]) != document
    }
    return live.put(changed)


def _find_cast(shelf: Shelf, wish: Wish) -> Cast:
    usual = cast_of(*shelf.documents_around(wish.journey_id))
    return usual._replace(attributes={**usual.attributes, **wish.attributes}, properties=wish.properties)


def _find_habits(ports: TrialPorts, shelf: Shelf, wish: Wish) -> Habits:
    documents = shelf.documents_around(wish.journey_id)
    usual = Habits(deeds=usual_deeds(*documents, at=ports.clock.now()))
    if wish.history:
        definition = f"journey/{wish.journey_id}"
        goal = documents[0].get("goal")
        event = goal.get("event", "") if isinstance(goal, Mapping) else ""
        steps = shelf.book.journeys[wish.journey_id].steps
        usual = learn_habits(ports.stats.find_counts([definition])[definition], steps, usual, event)
    return usual if wish.habits is None else parse_habits(wish.habits, usual)


def _find_people(ports: TrialPorts, book: Book, wish: Wish) -> list[Person]:
    found = find_contacts(ports.contacts, list(wish.contacts))
    missing = [contact_id for contact_id in wish.contacts if contact_id not in found]
    if missing:
        raise DefinitionError(("contacts", f"there is no contact {missing[0][:60]!r}"))
    journey, now = book.journeys[wish.journey_id], ports.clock.now()
    contacts = {contact.contact_id: contact for contact in found.values()}.values()
    return [
        Person(
            contact,
            (start_event(journey, contact, now, properties=wish.properties, event_id=f"simulated-{now:.3f}"),),
            find_history(ports.timeline, contact, book),
        )
        for contact in contacts
    ]
