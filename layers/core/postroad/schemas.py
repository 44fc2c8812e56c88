"""JSON Schemas of all kinds of definitions, told by the readers themselves.

Each kind's parser is run over a *probe*, a Reader that stands for every document there can be: it writes down what it
is asked for, and answers that certain keys are there and all others are not. An object is asked again and again, with
more of the keys that turned out to matter, until nothing new comes. So a new key, operator or step is in the schema as
soon as a reader reads it.

A schema knows which keys there are, what their values look like, and which go together. Whether what is named exists,
whether a time zone is one, whether a step is ever reached, is for the parser to say. A null counts as an absent key,
and a schema has none.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

from postroad.definitions import KINDS
from postroad.documents import REQUIRED, Reader, find_form
from postroad.sending.channels import CHANNELS, Channel

Schema = dict[str, Any]
DRAFT = "https://json-schema.org/draft/2020-12/schema"

# What stands for any key of an object that may have any.
ANY = "any"


def build_schemas() -> Mapping[str, Schema]:
    """The JSON Schema (2020-12) of each kind of definition."""
    return {kind: build_schema(kind) for kind in KINDS}


@cache
def build_schema(kind: str) -> Schema:
    """The JSON Schema (2020-12) of one kind of definition; nobody may change it."""
    forms = _Forms({}, {})
    schema = _build_template(forms) if kind == "template" else _Explorer(KINDS[kind].parse, forms).explore("", {})
    schema = {"$schema": DRAFT, "title": kind, **schema}
    return {**schema, "$defs": dict(sorted(forms.schemas.items()))} if forms.schemas else schema


def _build_template(forms: "_Forms") -> Schema:
    """A template is read by its channel's parts; what several channels have is explored once."""
    from postroad.content.rendering import read_message_template  # loads Jinja2, which nobody else here needs

    def explore(channel: Channel) -> Schema:
        return _Explorer(lambda document: read_message_template(Reader(document), channel), forms).explore("", {})

    return {"type": "object", "anyOf": [explore(channel) for channel in CHANNELS.values()]}


# -------------------------------------------------------------------------------------------------------------- asking


class _DoneError(Exception):
    """The document has been read to its end."""


@dataclass(slots=True)
class _Asked:
    """What was asked about one object in one run: its properties with their schemas, who wanted which of them to be
    there, flags that were not as usual, keys of which only the presence was asked, and whether the keys that were there
    fitted. `form` is what it stands for; `readers` counts the items of a list that are read apart."""

    properties: dict[str, Schema] = field(default_factory=dict)
    wanted: dict[str, set[int]] = field(default_factory=dict)
    readers: int = 0
    said: dict[str, bool] = field(default_factory=dict)
    presence: dict[str, None] = field(default_factory=dict)
    fits: bool = True
    is_open: bool = False
    form: str = ""

    @property
    def required(self) -> list[str]:
        """What everybody wanted to be there."""
        return [key for key, readers in self.wanted.items() if len(readers) == self.readers]


@dataclass(slots=True)
class _Run:
    """One reading of a document that is not: which keys are there, by the path of their object, and what was asked."""

    there: Mapping[str, frozenset[str]]
    builders: dict[str, str]
    asked: dict[str, _Asked] = field(default_factory=dict)


class _Probe(Reader):
    """A reader that stands for every document. Its path has no numbers: items of a list are alike."""

    __slots__ = ("_mine", "_number", "_restricted", "_run")
    _mine: _Asked
    _number: int
    _restricted: tuple[str, ...] | None
    _run: _Run

    @classmethod
    def at(cls, run: _Run, place: str, parent: "Reader | None" = None) -> "_Probe":
        probe = object.__new__(cls)
        # Whoever looks for himself finds something under each key that is there.
        Reader.__init__(probe, dict.fromkeys(run.there.get(place, ()), ANY), place, parent)
        probe._run, probe._restricted = run, None
        probe._mine = run.asked.setdefault(place, _Asked())
        probe._mine.readers += 1
        probe._number = probe._mine.readers
        return probe

    def __init__(self, document: object, path: str = "", parent: Reader | None = None) -> None:
        assert document is self

    # What is there

    def has(self, key: str) -> bool:
        if self._restricted is not None and key not in self._restricted:
            return False
        self._mine.presence.setdefault(key)
        return key in self._run.there.get(self.path, ())

    def is_object(self, key: str) -> bool:
        """A key that may hold an object has two presences: its own, and one with braces behind."""
        return self.has(key + "{}")

    def names(self) -> list[Any]:
        self._mine.is_open = True
        return [ANY]

    def only(self, *keys: str) -> "Reader":
        probe = _Probe.at(self._run, self.path, self)
        probe._restricted, probe._number = keys, self._number
        self._mine.readers -= 1
        return probe

    def stands_for(self, form: str) -> bool:
        if self._restricted is not None:
            return False
        builder = self._run.builders.setdefault(form, self.path)
        self._mine.form = form
        return builder != self.path

    @property
    def is_every(self) -> bool:
        return True

    # What is said of it

    def mistake(self, sentence: str, key: str = "") -> None:
        """What is wrong in meaning is nothing that a schema knows."""

    def misfit(self, sentence: str, key: str = "") -> None:
        self._mine.fits = False

    def expect(self, *keys: str) -> None:
        pass

    def strangers(self) -> list[str]:
        return []

    def finish(self) -> None:
        raise _DoneError

    # What is read

    def _note(self, key: str, schema: Schema, default: Any) -> None:
        self._mine.properties.setdefault(key, schema)
        if default is REQUIRED:
            self._mine.wanted.setdefault(key, set()).add(self._number)

    def read(self, key: str, parse: Callable[[Any], Any], blank: Any, default: Any = REQUIRED) -> Any:
        form = _try_out(parse)
        self._note(key, form, default)
        if default is None and "examples" in form and self.has(key):
            # Whether there is such a value may decide what else is there.
            return next((parse(example) for example in form["examples"] if _takes(parse, example)), None)
        return blank if default is REQUIRED else default

    def flag(self, key: str, default: Any = REQUIRED) -> Any:
        """A flag decides what else is there: where its key is, it is not as usual."""
        self._note(key, {"type": "boolean"}, default)
        if default not in (True, False):
            return True
        if self.has(key):
            self._mine.said[key] = not default
        return self._mine.said.get(key, default)

    def child(self, key: str) -> Reader:
        return self._child(key, f"{self.path}.{key}".lstrip("."), {}, REQUIRED)

    def find_child(self, key: str) -> Reader | None:
        return self._child(key, f"{self.path}.{key}".lstrip("."), {}, None)

    def children(self, key: str, *, least: int = 1, most: int = 100, or_one: bool = False) -> list[Reader]:
        place = f"{self.path}.{key}[]".lstrip(".")
        wrap = {"array": {"minItems": least, "maxItems": most}, "or_one": or_one}
        # The last of several may be read otherwise.
        return [self._child(key, place, wrap, REQUIRED if least else None) for _ in range(2 if least > 1 else 1)]

    def _child(self, key: str, place: str, wrap: Schema, default: Any) -> Reader:
        self._note(key, {"place": place, **wrap}, default)
        return _Probe.at(self._run, place, self)


# One of each that some value in a definition is, to learn of a function which types it takes.
_SAMPLES: Mapping[str, tuple[Any, ...]] = {
    "string": (
        "x", "mon", "09:00", "2026-11-02", "12-25", "Europe/Madrid", "FR", "en", "A", "A1", "PT1H", "#1f3b4d", "last",
        "https://example.com/", "example.com", "journey/welcome", "email", "One", "Somebody <one@example.com>",
    ),
    "integer": (1, 2, 10, 0),
    "number": (1.5, 0.5),
    "boolean": (True, False),
}  # fmt: skip


@cache
def _try_out(parse: Callable[[Any], Any]) -> Schema:
    """The types of values that a function takes without a ValueError, alone and in lists of one or two."""
    said = find_form(parse)
    if said is not None:
        return dict(said)
    alone = [kind for kind, samples in _SAMPLES.items() if any(_takes(parse, sample) for sample in samples)]
    within = [
        kind
        for kind, samples in _SAMPLES.items()
        if any(_takes(parse, [sample]) for sample in samples)
        or any(_takes(parse, [one, other]) for one in samples for other in samples if one != other)
    ]
    forms: list[Schema] = [{"type": alone[0] if len(alone) == 1 else alone}] if alone else []
    if within:
        forms.append({"type": "array", "items": {"type": within[0] if len(within) == 1 else within}})
    return {} if not forms else forms[0] if len(forms) == 1 else {"anyOf": forms}


def _takes(parse: Callable[[Any], Any], value: Any) -> bool:
    try:
        parse(value)
    except Exception:  # whatever it says, this value is none
        return False
    return True


# ----------------------------------------------------------------------------------------------------------- exploring


@dataclass(slots=True)
class _Shape:
    """An object with certain keys there: what it looks like, and what it looks like with one key more."""

    there: frozenset[str]
    asked: _Asked
    more: dict[str, "_Shape"]


@dataclass(slots=True)
class _Forms:
    """What objects stand for, such as predicates: the schemas, and the places at which they were found first."""

    schemas: dict[str, Schema]
    builders: dict[str, str]


class _Explorer:
    """Asks one parser about everything, but for forms that are known already."""

    def __init__(self, parse: Callable[[Any], Any], forms: _Forms) -> None:
        self.parse = parse
        self.forms = forms.schemas
        self.builders = forms.builders
        self.explored: dict[str, Schema] = {}

    def explore(self, place: str, there: Mapping[str, frozenset[str]]) -> Schema:
        """The schema of the object at a place, which is come to when those keys are there."""
        if place not in self.explored:
            form = self.ask(place, frozenset(), there).form
            if form:
                self.explored[place] = {"$ref": f"#/$defs/{form}"}  # it may contain itself
            if form and (self.builders[form] != place or form in self.forms):
                return self.explored[place]
            shape = self.grow(place, frozenset(), there, frozenset())
            # Where nothing fits, more than presence decides that.
            schema = _one_of(self.alternatives(shape, place, there) or [self.draw(shape, place, there)])
            if form:
                self.forms[form] = schema
            else:
                self.explored[place] = schema
        return self.explored[place]

    def ask(self, place: str, here: frozenset[str], there: Mapping[str, frozenset[str]]) -> _Asked:
        """What is asked about an object in which these keys are there, and those there elsewhere."""
        run = _Run({**there, place: here}, self.builders)
        # What is made of blanks may make no sense to whoever goes on with it; what was asked until then counts.
        with suppress(Exception):
            self.parse(_Probe.at(run, ""))
        return run.asked.get(place) or _Asked()

    def grow(
        self, place: str, here: frozenset[str], there: Mapping[str, frozenset[str]], known: frozenset[str]
    ) -> _Shape:
        """The object with these keys, and with each of the keys that only now turn out to matter."""
        asked = self.ask(place, here, there)
        new = [key for key in asked.presence if key not in known and key not in here]
        seen = known | here | frozenset(new)
        fits = {key: self.ask(place, here | {key}, there).fits for key in new}
        # What does not fit alone may fit beside another key that was missing.
        late = frozenset(() if asked.fits else (key for key in new if not fits[key]))
        return _Shape(
            here,
            asked,
            {key: self.grow(place, here | {key}, there, seen - late if fits[key] else seen) for key in new},
        )

    def alternatives(self, shape: _Shape, place: str, there: Mapping[str, frozenset[str]]) -> list[Schema]:
        """The objects that a shape stands for; those that differ only by keys that may be there are one."""
        base = self.draw(shape, place, there)
        alone = {**base, "properties": dict(base["properties"])}
        simple: list[str] = []
        others: list[Schema] = []
        for key, more in shape.more.items():
            found = self.alternatives(more, place, there)
            if key.endswith("{}") and len(found) == 1:
                _widen(base, key.removesuffix("{}"), found[0])
            elif len(found) == 1 and _adds_only(key, alone, found[0]):
                simple.append(key)
                base["properties"].setdefault(key, found[0]["properties"][key])
            else:
                others += found
        is_exclusive = len(simple) > 1 and not any(
            self.ask(place, shape.there | {one, other}, there).fits for one, other in pairwise(simple)
        )
        each = [{"required": [key]} for key in simple]
        if shape.asked.fits:
            if is_exclusive:
                base["oneOf"] = [*each, {"not": {"anyOf": each}}]
            return [base, *others]
        if not simple:
            return others
        if len(simple) == 1:
            base["required"] = [*base["required"], *simple]
        else:
            base["oneOf" if is_exclusive else "anyOf"] = each
        return [base, *others]

    def draw(self, shape: _Shape, place: str, there: Mapping[str, frozenset[str]]) -> Schema:
        """The object of a shape by itself."""
        asked = shape.asked
        properties = {key: self.resolve(schema, place, there, shape.there) for key, schema in asked.properties.items()}
        if asked.is_open:
            return {"type": "object", "additionalProperties": properties.get(ANY, {}), "properties": {}, "required": []}
        properties |= {key: {"const": value} for key, value in asked.said.items()}
        required = [key for key in properties if key in asked.required or key in shape.there]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

    def resolve(self, schema: Schema, place: str, there: Mapping[str, frozenset[str]], here: frozenset[str]) -> Schema:
        """A property's schema: of an object within, what exploring it finds."""
        if "place" not in schema:
            return deepcopy(schema)
        item = self.explore(schema["place"], {**there, place: here})
        if "array" not in schema:
            return item
        several = {"type": "array", "items": item, **schema["array"]}
        return {"anyOf": [item, several]} if schema["or_one"] else several


def _adds_only(key: str, base: Schema, found: Schema) -> bool:
    """Whether one object is another with one key more, which is then required."""
    if "oneOf" in found or "anyOf" in found or key not in found.get("properties", {}):
        return False
    others = {name: schema for name, schema in found["properties"].items() if name != key}
    known = {name: schema for name, schema in base["properties"].items() if name != key}
    return others == known and set(found["required"]) - {key} == set(base["required"]) - {key}


def _widen(base: Schema, key: str, found: Schema) -> None:
    """Let a property also be what it is in another object."""
    schema, other = base["properties"].get(key), found["properties"].get(key)
    if schema is not None and other is not None and schema != other:
        base["properties"][key] = {"anyOf": [schema, other]}


def _one_of(alternatives: list[Schema]) -> Schema:
    unique = list({json.dumps(each, sort_keys=True): each for each in alternatives}.values())
    return unique[0] if len(unique) == 1 else {"anyOf": unique}
