"""Stages: where contacts stand in the life cycle. They move ahead by themselves, and back only when told to."""

from dataclasses import dataclass
from math import inf
from typing import ClassVar, NamedTuple

from postroad.behaviour import Tracker
from postroad.documents import Reader, read_head, refuse_twins
from postroad.predicates import Predicate, View, read_predicate


class StageRule(NamedTuple):
    """A stage, and what lets a contact reach it."""

    id: str
    predicate: Predicate


class Placement(NamedTuple):
    """The stage to move to (None: stay), and the earliest instant at which time alone may move the contact further."""

    stage: str | None
    turns_at: float = inf


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of a life cycle in their order. A contact is moved to the furthest whose predicate holds."""

    kind: ClassVar[str] = "stages"

    id: str
    name: str
    description: str
    stages: tuple[StageRule, ...]

    @property
    def reads(self) -> frozenset[str]:
        return frozenset().union(*(stage.predicate.reads for stage in self.stages))

    @property
    def trackers(self) -> tuple[Tracker, ...]:
        return tuple(tracker for stage in self.stages for tracker in stage.predicate.trackers)

    def place(self, view: View) -> Placement:
        """Where the contact moves now. One at a stage that is not in the list stands before the first."""
        turns_at = inf
        for stage in reversed(self.stages):
            if view.contact.stage and view.contact.stage.name == stage.id:
                break
            holds, turns = stage.predicate.evaluate(view)
            if holds:
                return Placement(stage.id, turns_at)
            turns_at = min(turns_at, turns)
        return Placement(None, turns_at)

    def describe(self) -> str:
        return "; ".join(f"{stage.id} when {stage.predicate.describe()}" for stage in self.stages)


def parse_stages(document: object) -> Stages:
    """The stages of a document `{kind, id, name, stages: [{id, if: predicate}, …]}`. Raises DefinitionError."""
    reader = Reader(document)
    head = read_head(reader, Stages.kind)
    parts = reader.children("stages", most=50)
    stages = tuple(StageRule(part.id("id"), read_predicate(part.child("if"))) for part in parts)
    refuse_twins(parts)
    reader.finish()
    return Stages(*head, stages)
