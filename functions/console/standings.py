"""Where people stand, to choose from: with sales, at a stage, most like a persona, in a segment."""

from collections.abc import Mapping
from typing import NamedTuple

from postroad.book import Book
from postroad.contacts.places import handover_place, persona_place, segment_place, stage_place
from postroad.scoring.handovers import NURTURE, SALES

# As many segments are offered; any other is reached from its own page.
MOST_SEGMENTS = 300

_HANDED: Mapping[str, str] = {SALES: "With sales", NURTURE: "Being nurtured"}


class Standing(NamedTuple):
    """A place ("stage/lead") with what people call it, and the kind of place that it is."""

    place: str
    title: str
    group: str


def list_standings(book: Book) -> list[Standing]:
    """What to choose from, by groups."""
    handed = [Standing(handover_place(to), title, "Hand-over") for to, title in _HANDED.items() if book.handover]
    stages = [
        Standing(stage_place(rule.id), rule.id, "Stages") for each in book.stages.values() for rule in each.stages
    ]
    personas = [Standing(persona_place(each.id), each.name, "Personas") for each in book.personas.personas]
    segments = [Standing(segment_place(each.id), each.name, "Segments") for each in book.segments.values()]
    segments.sort(key=lambda standing: (standing.title.lower(), standing.place))
    return [*handed, *stages, *personas, *segments[:MOST_SEGMENTS]]


def find_standing(book: Book, place: str) -> Standing | None:
    """A place by its text; None when nothing of the kind is live."""
    kind, _, name = place.partition("/")
    if kind == "segment" and name in book.segments:
        return Standing(place, book.segments[name].name, "Segments")
    return next((each for each in list_standings(book) if each.place == place), None)
