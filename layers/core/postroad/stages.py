"""Stages: where contacts stand in the life cycle. They move ahead by themselves, and back only when told to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, NamedTuple, Protocol

from postroad.contacts.contact import MAX_STAGES_BEFORE, Stage
from postroad.documents import Reader, read_head, refuse_twins
from postroad.predicates.predicate import Predicate, Ruled, View, read_predicate

# The reason of a move is kept with the contact; a longer one is cut off.
LONGEST_REASON = 100

# A life cycle to begin with: save it as a draft, and change it.
DEFAULT: Mapping[str, Any] = {
    "kind": "stages",
    "id": "lifecycle",
    "name": "Life cycle",
    "description": "From the first visit to buying again.",
    "stages": [
        {"id": "attract", "if": {"event": "Page Viewed"}},
        {"id": "capture", "if": {"attribute": "email", "exists": True}},
        {
            "id": "nurture",
            "if": {
                "any": [
                    {"event": "Email Link Clicked", "where": {"property": "actor", "is": "human"}},
                    {"event": "Form Submitted", "at_least": 2},
                    {"event": "Page Viewed", "at_least": 10},
                ]
            },
        },
        {"id": "convert", "if": {"event": "Order Completed"}},
        {"id": "expand", "if": {"event": "Order Completed", "at_least": 2}},
    ],
}


class StageRule(NamedTuple):
    """A stage, and what lets a contact reach it."""

    id: str
    predicate: Predicate


class Placement(NamedTuple):
    """The stage to move to (None: stay), the earliest instant at which time alone may move the contact further, and why
    it moves."""

    stage: str | None
    turns_at: float = inf
    because: str = ""


@dataclass(frozen=True, slots=True)
class Stages(Ruled):
    """The stages of a life cycle in their order. A contact is moved to the furthest whose predicate holds."""

    kind: ClassVar[str] = "stages"

    id: str
    name: str
    description: str
    stages: tuple[StageRule, ...]

    @property
    def predicates(self) -> tuple[Predicate, ...]:
        return tuple(stage.predicate for stage in self.stages)

    def place(self, view: View) -> Placement:
        """Where the contact moves now. One at a stage that is not in the list stands before the first."""
        turns_at = inf
        for stage in reversed(self.stages):
            if view.contact.stage and view.contact.stage.name == stage.id:
                break
            holds, turns = stage.predicate.evaluate(view)
            if holds:
                return Placement(stage.id, turns_at, stage.predicate.describe())
            turns_at = min(turns_at, turns)
        return Placement(None, turns_at)

    def rank(self, name: str) -> int:
        """How far a stage is, from 0 on; -1 of one that is not in the list."""
        return next((number for number, stage in enumerate(self.stages) if stage.id == name), -1)

    def describe(self) -> str:
        return "; ".join(f"{stage.id} when {stage.predicate.describe()}" for stage in self.stages)


def move(before: Stage | None, earlier: tuple[Stage, ...], name: str, now: float, because: str) -> tuple[Stage, ...]:
    """All stages of a contact who moves to another one, the latest last: at most MAX_STAGES_BEFORE and the new one."""
    reason = because if len(because) <= LONGEST_REASON else because[: LONGEST_REASON - 1] + "…"
    return (*(*earlier, *([before] if before else []))[-MAX_STAGES_BEFORE:], Stage(name, now, reason))


def join(histories: Iterable[Stage], present: Stage | None) -> tuple[Stage, ...]:
    """The earlier stages of a contact out of those of two, of whom one stood at another stage till now."""
    return tuple(sorted({*histories} - {present}, key=lambda stage: (stage.since, stage.name, stage.because)))[
        -MAX_STAGES_BEFORE:
    ]


class Covered(NamedTuple):
    """The templates for a stage ("" is none) on a channel; none of them is a gap."""

    stage: str
    channel: str
    templates: tuple[str, ...]


class Tagged(Protocol):
    """A template, as far as it says for which stage it is."""

    @property
    def template_id(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def stage(self) -> str: ...


def cover(stages: Iterable[str], channels: Iterable[str], templates: Iterable[Tagged]) -> tuple[Covered, ...]:
    """Which templates there are for each stage on each channel, and at the end those that name no stage."""
    found = sorted((template.stage, template.channel, template.template_id) for template in templates)
    known = list(channels)
    return tuple(
        Covered(stage, channel, tuple(name for *place, name in found if place == [stage, channel]))
        for stage in (*stages, "")
        for channel in known
    )


def parse_stages(document: object) -> Stages:
    """The stages of a document `{kind, id, name, stages: [{id, if: predicate}, …]}`. Raises DefinitionError."""
    reader = Reader(document)
    head = read_head(reader, Stages.kind)
    parts = reader.children("stages", most=50)
    stages = tuple(StageRule(part.id("id"), read_predicate(part.child("if"))) for part in parts)
    refuse_twins(parts)
    reader.finish()
    return Stages(*head, stages)
