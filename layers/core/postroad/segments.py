"""Segments: named groups of contacts. A dynamic one is a predicate, and memberships follow it by themselves; into a
static one contacts are put, and out of it they are taken."""

from dataclasses import dataclass
from typing import ClassVar

from postroad.documents import Reader, read_head
from postroad.predicates.behaviour import Tracker
from postroad.predicates.predicate import Predicate, Ruled, Verdict, View, read_predicate
from postroad.predicates.verdicts import FALSE, TRUE


@dataclass(frozen=True, slots=True)
class Listed:
    """Whoever was put into a static segment stays in it."""

    segment_id: str
    reads: frozenset[str] = frozenset()
    trackers: tuple[Tracker, ...] = ()

    def evaluate(self, view: View) -> Verdict:
        return TRUE if self.segment_id in view.contact.segments else FALSE

    def describe(self) -> str:
        return "was put into it, and not taken out"


@dataclass(frozen=True, slots=True)
class Segment(Ruled):
    """The contacts for whom a predicate holds; of a static one those who were put into it."""

    kind: ClassVar[str] = "segment"

    id: str
    name: str
    description: str
    predicate: Predicate
    is_static: bool = False

    @property
    def predicates(self) -> tuple[Predicate, ...]:
        return (self.predicate,)

    def evaluate(self, view: View) -> Verdict:
        """Whether the contact belongs to it, and when time alone may change that."""
        return self.predicate.evaluate(view)

    def describe(self) -> str:
        return self.predicate.describe()


def parse_segment(document: object) -> Segment:
    """The segment of a document `{kind, id, name, if: predicate}`, or `{kind, id, name, static: true}`.

    Raises DefinitionError with all its mistakes.
    """
    reader = Reader(document)
    head = read_head(reader, Segment.kind)
    if reader.flag("static", False):
        if reader.has("if"):
            reader.expect("if")
            sentence = "has no place in a static segment, into which contacts are put; leave out if or static"
            reader.mistake(sentence, "if")
        reader.finish()
        return Segment(*head, Listed(head.id), is_static=True)
    predicate = read_predicate(reader.child("if"))
    if f"segment:{head.id}" in predicate.reads:
        reader.mistake("cannot depend on the segment itself", "if")
    reader.finish()
    return Segment(*head, predicate)
