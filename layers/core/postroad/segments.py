"""Segments: named groups of contacts. A dynamic one is a predicate; memberships follow it by themselves."""

from dataclasses import dataclass
from typing import ClassVar

from postroad.behaviour import Tracker
from postroad.documents import Reader, read_head
from postroad.predicates import Predicate, Verdict, View, read_predicate


@dataclass(frozen=True, slots=True)
class Segment:
    """The contacts for whom a predicate holds."""

    kind: ClassVar[str] = "segment"

    id: str
    name: str
    description: str
    predicate: Predicate

    @property
    def reads(self) -> frozenset[str]:
        return self.predicate.reads

    @property
    def trackers(self) -> tuple[Tracker, ...]:
        return self.predicate.trackers

    def evaluate(self, view: View) -> Verdict:
        """Whether the contact belongs to it, and when time alone may change that."""
        return self.predicate.evaluate(view)

    def describe(self) -> str:
        return self.predicate.describe()


def parse_segment(document: object) -> Segment:
    """The segment of a document `{kind, id, name, if: predicate}`. Raises DefinitionError with all its mistakes."""
    reader = Reader(document)
    head = read_head(reader, Segment.kind)
    predicate = read_predicate(reader.child("if"))
    if f"segment:{head.id}" in predicate.reads:
        reader.mistake("cannot depend on the segment itself", "if")
    reader.finish()
    return Segment(*head, predicate)
