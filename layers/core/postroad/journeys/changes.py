"""The steps that change a contact, or say something about it.

Such a step stays, due at once, so that the fold applies the change before the journey goes on.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from postroad.documents import Reader, parse_text
from postroad.events import POINTS_GIVEN, RESERVED
from postroad.journeys.reading import Scope
from postroad.journeys.stepping import Answer, Effect, Go, Here, Stay, StepType, show
from postroad.lots import draw
from postroad.predicates.operators import describe_name
from postroad.tasks import OWNER

# What an event of one's own may say, as characters of JSON.
LONGEST_PROPERTIES = 2_000
TAGS = "tags"  # the attribute that holds them


class Update(NamedTuple):
    """Effect: change the contact's attributes, and its stage unless None."""

    step_id: str
    set: Mapping[str, Any]
    unset: tuple[str, ...]
    stage: str | None


class List(NamedTuple):
    """Effect: put the contact into these static segments, and take it out of those."""

    step_id: str
    add: tuple[str, ...]
    remove: tuple[str, ...]


class Tag(NamedTuple):
    """Effect: add these tags to the contact's, and take those away."""

    step_id: str
    add: tuple[str, ...]
    remove: tuple[str, ...]


class Say(NamedTuple):
    """Effect: this event happens to the contact."""

    step_id: str
    name: str
    properties: Mapping[str, Any]


class Change(StepType):
    """A step that asks for one effect."""

    __slots__ = ()

    def ask(self, here: Here) -> Effect | None:
        """What is asked for; None when there is nothing to change."""
        raise NotImplementedError

    def enter(self, here: Here) -> Answer:
        effect = self.ask(here)
        if effect is None:
            return Go("", "no change", f"nothing to do: {self.describe()}")
        return Stay(here.now, self.key, self.describe(), (effect,))

    def resume(self, here: Here) -> Answer:
        return Go("", "", "")


@dataclass(frozen=True, slots=True)
class UpdateStep(Change):
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

    def ask(self, here: Here) -> Effect:
        return Update(here.step_id, self.set, self.unset, self.stage)

    def describe(self) -> str:
        parts = [f"set {describe_name(name)} to {show(value)}" for name, value in self.set.items()]
        parts += [f"unset {', '.join(map(describe_name, self.unset))}"] if self.unset else []
        parts += [f"move to stage {self.stage}"] if self.stage else []
        text = ", ".join(parts)
        return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class ListStep(Change):
    """Static segments: people are in them because somebody, or a journey, has put them there."""

    key = "list"
    add: tuple[str, ...]
    remove: tuple[str, ...]

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "ListStep":
        none: tuple[str, ...] = ()
        found = cls(reader.ids("add", none), reader.ids("remove", none))
        refuse_contradiction(reader, found.add, found.remove)
        for key in ("add", "remove"):
            for segment in reader.ids(key, none):
                scope.refer("static segment", segment, f"{reader.path}.{key}")
        return found

    def ask(self, here: Here) -> Effect:
        return List(here.step_id, self.add, self.remove)

    def describe(self) -> str:
        parts = [f"add to {', '.join(self.add)}"] if self.add else []
        parts += [f"remove from {', '.join(self.remove)}"] if self.remove else []
        text = ", ".join(parts)
        return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class TagStep(Change):
    """Tags are words in the attribute `tags`."""

    key = "tag"
    add: tuple[str, ...]
    remove: tuple[str, ...]

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "TagStep":
        none: tuple[str, ...] = ()
        found = cls(reader.read("add", parse_tags, none, none), reader.read("remove", parse_tags, none, none))
        refuse_contradiction(reader, found.add, found.remove)
        return found

    def ask(self, here: Here) -> Effect:
        return Tag(here.step_id, self.add, self.remove)

    def describe(self) -> str:
        parts = [f"tag as {', '.join(self.add)}"] if self.add else []
        parts += [f"take the tags {', '.join(self.remove)} away"] if self.remove else []
        text = ", ".join(parts)
        return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class PointsStep(Change):
    """Points for a score sheet, which fade there like any others."""

    key = "points"
    score: str
    add: float

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "PointsStep":
        score = reader.id("score")
        scope.refer("score", score, f"{reader.path}.score")
        return cls(score, reader.number("add", least=-1_000, most=1_000))

    def ask(self, here: Here) -> Effect:
        return Say(here.step_id, POINTS_GIVEN, {"score": self.score, "points": self.add})

    def describe(self) -> str:
        return f"Give {self.add:+g} points to {self.score}"


@dataclass(frozen=True, slots=True)
class OwnerStep(Change):
    """Who of us looks after the contact, in the attribute `owner`; of several one by lot. Who has one keeps it."""

    key = "owner"
    owners: tuple[str, ...]
    replaces: bool

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "OwnerStep":
        return cls(reader.read("is", parse_owners, ("-",)), reader.flag("replace", False))

    def ask(self, here: Here) -> Effect | None:
        if here.view.contact.find_value(OWNER) and not self.replaces:
            return None
        lot = draw("owner", here.enrollment.journey, here.step_id, here.view.contact.contact_id)
        return Update(here.step_id, {OWNER: self.owners[int(lot * len(self.owners))]}, (), None)

    def describe(self) -> str:
        who = self.owners[0] if len(self.owners) == 1 else f"one of {', '.join(self.owners)}"
        return f"Give to {who}{'' if self.replaces else ', unless somebody looks after them already'}"


@dataclass(frozen=True, slots=True)
class EventStep(Change):
    """An event of one's own, which counts and starts like any other."""

    key = "event"
    name: str
    properties: Mapping[str, Any]

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "EventStep":
        name = reader.text("name", longest=200).strip()
        if name.lower() in {reserved.lower() for reserved in RESERVED}:
            reader.mistake(f"{name} is said by Postroad alone; choose a name of your own", "name")
        properties = reader.find_child("properties")
        values = {key: properties.anything(key) for key in properties.names()} if properties else {}
        if len(json.dumps(values)) > LONGEST_PROPERTIES:
            reader.mistake(f"take at most {LONGEST_PROPERTIES} characters together", "properties")
        return cls(name, values)

    def ask(self, here: Here) -> Effect:
        return Say(here.step_id, self.name, self.properties)

    def describe(self) -> str:
        said = f" ({', '.join(f'{name} {show(value)}' for name, value in self.properties.items())})"
        return f"Say that {self.name} happened{said if self.properties else ''}"


def refuse_contradiction(reader: Reader, add: tuple[str, ...], remove: tuple[str, ...]) -> None:
    """Note what cannot be both, and that one of the two has to be said."""
    both = sorted(set(add) & set(remove))
    if both:
        reader.mistake(f"{', '.join(both)} cannot be both added and removed", "remove")
    reader.expect("add", "remove")
    if not (reader.is_broken or reader.has("add") or reader.has("remove")):
        reader.misfit("says nothing to change; give add or remove")


def parse_names(raw: object) -> tuple[str, ...]:
    """Names of attributes; one alone stands for a list of one. Raises ValueError with a sentence."""
    return _parse_words(raw, 100, "names of attributes")


def parse_tags(raw: object) -> tuple[str, ...]:
    """Tags; one alone stands for a list of one. Raises ValueError with a sentence."""
    return _parse_words(raw, 20, "tags")


def parse_owners(raw: object) -> tuple[str, ...]:
    """Who may look after somebody; one alone stands for a list of one. Raises ValueError with a sentence."""
    return _parse_words(raw, 100, "people")


def _parse_words(raw: object, most: int, what: str) -> tuple[str, ...]:
    words = raw if isinstance(raw, list | tuple) else [raw]
    if not 1 <= len(words) <= most:
        raise ValueError(f"must be a list of 1 to {most} {what}")
    return tuple(parse_text(word, 100) for word in words)
