"""Simulating a journey: people go through it as they would, over the fold itself, and nothing is stored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from postroad.book import Book, Manifest, compile_book
from postroad.definitions import plan_publication
from postroad.errors import DefinitionError
from postroad.instants import DAY, parse_instant
from postroad.journeys import parse_journey
from postroad.simulation.forecast import Forecast, outline_of
from postroad.simulation.habits import Habits
from postroad.simulation.lives import Life
from postroad.simulation.people import Cast, Person, cast_of, make_people, usual_deeds
from postroad.simulation.reactions import Reactions

Document = Mapping[str, Any]
Documents = Mapping[tuple[str, str, int], Document]

# Where no other time is said, a simulation begins on a Monday morning.
START = parse_instant("2026-11-02T09:00:00Z")
DAYS, PEOPLE = 21.0, 1_000


@dataclass(frozen=True, slots=True)
class Shelf:
    """A book with the documents that it is made of; a draft is tried by putting it in."""

    manifest: Manifest = field(default_factory=Manifest)
    documents: Documents = field(default_factory=dict)

    @property
    def book(self) -> Book:
        return compile_book(self.manifest, self.documents)

    def put(self, definitions: Mapping[str, Document]) -> "Shelf":
        """The shelf as if these ("journey/welcome" → document) were published. Raises DefinitionError."""
        if not definitions:
            return self
        plan = plan_publication(definitions, self.book, self.documents)
        return Shelf(plan.manifest, {**self.documents, **plan.versions})

    def documents_around(self, journey_id: str) -> list[Document]:
        """The document of a live journey, and those of the segments that it names. Raises DefinitionError."""
        journey = parse_journey(self.journey(journey_id))
        named = {f"segment/{reference.id}" for reference in journey.references if reference.kind == "segment"}
        live = [self.manifest.live[key] for key in sorted(named) if key in self.manifest.live]
        return [self.journey(journey_id), *(self.documents[published[:3]] for published in live)]

    def journey(self, journey_id: str) -> Document:
        """The document of the journey that is live. Raises DefinitionError."""
        published = self.manifest.live.get(f"journey/{journey_id}")
        if published is None:
            known = ", ".join(sorted(p.definition_id for p in self.manifest.live.values() if p.kind == "journey"))
            raise DefinitionError(("journey", f"there is no journey '{journey_id}'; there are {known or 'none'}"))
        return self.documents[published[:3]]


@dataclass(frozen=True, slots=True)
class Trial:
    """A journey, and how it is tried. What is None follows from the journey's document."""

    shelf: Shelf
    journey_id: str
    days: float = DAYS
    seed: int = 1
    start: float = START
    habits: Habits | None = None
    cast: Cast | None = None

    def try_made_up(self, numbers: Iterable[int]) -> Forecast:
        """The forecast over made-up people, by their numbers. Raises DefinitionError."""
        documents, book = self.shelf.documents_around(self.journey_id), self.shelf.book
        cast = cast_of(*documents) if self.cast is None else self.cast
        people = make_people(book.journeys[self.journey_id], book, cast, numbers, self.seed, self.start)
        return self._try(book, documents, people)

    def try_with(self, people: Iterable[Person]) -> Forecast:
        """The forecast over people that there are. Raises DefinitionError."""
        return self._try(self.shelf.book, self.shelf.documents_around(self.journey_id), people)

    def _try(self, book: Book, documents: Iterable[Document], people: Iterable[Person]) -> Forecast:
        habits = Habits(deeds=usual_deeds(*documents, at=self.start)) if self.habits is None else self.habits
        reactions = Reactions(habits, self.seed)
        forecast = Forecast(outline_of(book.journeys[self.journey_id]), self.days)
        end = self.start + self.days * DAY
        for person in people:
            life = Life(person.contact, book, history=person.history, react=reactions.to_message)
            life.expect(*person.events)
            for event in person.events:
                life.expect(*reactions.to_start(person.contact, event.time))
            forecast.count(life, life.live(end))
        return forecast


def simulate(
    definitions: Mapping[str, Document],
    journey: str,
    *,
    people: int | Iterable[Person] = PEOPLE,
    days: float = DAYS,
    seed: int = 1,
    start: float = START,
    habits: Habits | None = None,
    cast: Cast | None = None,
    around: Shelf | None = None,
) -> Forecast:
    """What comes of a journey: so many made-up people, or these, go through it for so many days.

    `definitions` are drafts by key ("journey/welcome" → document), tried as if they were published, together with what
    is live `around` them. The same arguments give the same forecast. Raises DefinitionError.
    """
    trial = Trial((around or Shelf()).put(definitions), journey, days, seed, start, habits, cast)
    return trial.try_made_up(range(people)) if isinstance(people, int) else trial.try_with(people)
