"""The steps that change a contact.

Such a step stays, due at once, so that the fold applies the change before the journey goes on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from postroad.documents import Reader, parse_text
from postroad.journeys.reading import Scope
from postroad.journeys.stepping import Answer, Go, Here, Stay, StepType, show
from postroad.operators import describe_name


class Update(NamedTuple):
    """Effect: change the contact's attributes, and its stage unless None."""

    step_id: str
    set: Mapping[str, Any]
    unset: tuple[str, ...]
    stage: str | None


@dataclass(frozen=True, slots=True)
class UpdateStep(StepType):
    key = "update"
    set: Mapping[str, Any]
    unset: tuple[str, ...]
    stage: str | None

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "UpdateStep":
        values = {}
        changes = reader.find_child("set")
        for name in changes.names() if changes else ():
            if not isinstance(name, str) or not 0 < len(name) <= 100:
                reader.mistake("the name of an attribute is text of at most 100 characters", "set")
            elif changes and changes.has(name):
                values[name] = changes.anything(name)
            else:
                reader.mistake("to take an attribute away, name it under unset", f"set.{name}")
        none: tuple[str, ...] = ()
        unset = reader.read("unset", parse_names, none, none)
        both = sorted(values.keys() & set(unset))
        if both:
            reader.mistake(f"{', '.join(both)} cannot be both set and unset", "unset")
        stage = reader.id("stage", None)
        scope.refer("stage", stage or "", f"{reader.path}.stage")
        if not (reader.is_broken or reader.has("set") or reader.has("unset") or reader.has("stage")):
            reader.misfit("says nothing to change; give set, unset or stage")
        return cls(values, unset, stage)

    def enter(self, here: Here) -> Answer:
        effect = Update(here.step_id, self.set, self.unset, self.stage)
        return Stay(here.now, "update", self.describe(), (effect,))

    def resume(self, here: Here) -> Answer:
        return Go("", "", "")

    def describe(self) -> str:
        parts = [f"set {describe_name(name)} to {show(value)}" for name, value in self.set.items()]
        parts += [f"unset {', '.join(map(describe_name, self.unset))}"] if self.unset else []
        parts += [f"move to stage {self.stage}"] if self.stage else []
        text = ", ".join(parts)
        return text[:1].upper() + text[1:]


def parse_names(raw: object) -> tuple[str, ...]:
    """Names of attributes; one alone stands for a list of one. Raises ValueError with a sentence."""
    names = raw if isinstance(raw, list | tuple) else [raw]
    if not 1 <= len(names) <= 100:
        raise ValueError("must be a list of 1 to 100 names of attributes")
    return tuple(parse_text(name, 100) for name in names)
