"""Reading definition documents: every mistake is gathered, with the path where it stands and a sentence that helps."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from postroad.errors import DefinitionError
from postroad.instants import DAY, describe_duration, parse_duration, parse_instant

T = TypeVar("T")
D = TypeVar("D")
DEEPEST = 50
MOST_MISTAKES = 100
LARGEST = 1e15
EARLIEST, LATEST = parse_instant("1900-01-01"), parse_instant("3000-01-01")
TEN_YEARS = 520 * 7 * DAY

P = TypeVar("P", bound=Callable[[Any], Any])

# Stands where no default was given. Typed Any, so that a read without a default has the type that it reads.
REQUIRED: Any = object()

_TYPES = ((bool, "true or false"), (int | float, "a number"), (str, "text"), (list | tuple, "a list"))
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
# For JSON Schema, whose patterns are those of ECMAScript.
_AMOUNT = r"[0-9]+(\.[0-9]+)?"
_DURATION = rf"^P(?=.)({_AMOUNT}W)?({_AMOUNT}D)?(T(?=[0-9])({_AMOUNT}H)?({_AMOUNT}M)?({_AMOUNT}S)?)?$"


def form(schema: Mapping[str, Any]) -> Callable[[P], P]:
    """Say of a function that parses a value for `Reader.read` what it takes, as JSON Schema (see `schemas`)."""

    def note(parse: P) -> P:
        vars(parse)["form"] = schema
        return parse

    return note


def find_form(parse: Callable[[Any], Any]) -> Mapping[str, Any] | None:
    """What was said by `form` of a function."""
    return getattr(parse, "form", None)


class Reader:
    """One JSON object of a definition document, read key by key.

    A read that finds a mistake notes it and returns a harmless blank, so that the rest is read too. Readers of one
    document share their list of mistakes; `finish`, called on the root, raises them. A null counts as an absent key.
    """

    __slots__ = ("_asked", "_depth", "_family", "document", "is_broken", "mistakes", "path")

    def __new__(cls, document: object, path: str = "", parent: "Reader | None" = None) -> "Reader":
        # A reader in the place of a document stands for every document that can be (see `schemas`).
        return document if isinstance(document, Reader) else super().__new__(cls)

    def __init__(self, document: object, path: str = "", parent: "Reader | None" = None) -> None:
        if document is self:
            return
        self.path = path
        self.mistakes: list[tuple[str, str]] = parent.mistakes if parent else []
        self._family: list[Reader] = parent._family if parent else []
        self._depth: int = parent._depth + 1 if parent else 0
        self._asked: dict[str, None] = {}
        self.is_broken = True
        self.document: Mapping[str, Any] = {}
        if document is None:
            self.mistake("is missing")
        elif not isinstance(document, Mapping):
            self.mistake(f"must be an object with keys, not {name_type(document)}")
        elif self._depth > DEEPEST:
            self.mistake(f"is nested more than {DEEPEST} levels deep")
        else:
            self.is_broken = False
            self.document = document
            self._family.append(self)

    # Mistakes

    def mistake(self, sentence: str, key: str = "") -> None:
        """Note a mistake at this object, or at one of its keys."""
        if len(self.mistakes) < MOST_MISTAKES:
            self.mistakes.append((self._path_of(key) if key else self.path, sentence))

    def misfit(self, sentence: str, key: str = "") -> None:
        """Note that the keys that are there do not go together, or that one of them lacks another."""
        self.mistake(sentence, key)

    def stands_for(self, form: str) -> bool:
        """Whether this object stands for every one of a form, such as a predicate: then there is nothing to read."""
        return False

    @property
    def is_every(self) -> bool:
        """Whether this object stands for every document there can be: of what it reads nothing can be made."""
        return False

    def expect(self, *keys: str) -> None:
        """These keys are known here, whether or not they get read."""
        self._asked.update(dict.fromkeys(keys))

    def strangers(self) -> list[str]:
        """The keys of the document that nobody has asked for."""
        return [key for key in self.document if key not in self._asked]

    def finish(self) -> None:
        """Raise DefinitionError with every mistake in the whole document, unknown keys included, if there are any."""
        for reader in self._family:
            for key in reader.strangers():
                shown = str(key)[:40] if isinstance(key, str) else name_type(key)
                close = get_close_matches(shown, reader._asked, 1, 0.5)
                known = f"did you mean '{close[0]}'?" if close else f"known here: {', '.join(reader._asked)}"
                reader.mistake(f"unknown key {quote(shown)}; {known}", shown)
        if self.mistakes:
            raise DefinitionError(*self.mistakes)

    # Values

    def has(self, key: str) -> bool:
        """Whether the key is there, and not null."""
        return self.document.get(key) is not None

    def is_object(self, key: str) -> bool:
        """Whether an object is there, where it could be something else."""
        return isinstance(self.document.get(key), Mapping)

    def names(self) -> list[Any]:
        """The keys of an object that may have any."""
        return list(self.document)

    def only(self, *keys: str) -> "Reader":
        """The same object, as if it had these keys alone."""
        self.expect(*keys)
        document = {key: value for key, value in self.document.items() if key in keys}
        return Reader(None if self.is_broken else document, self.path, self)

    def read(self, key: str, parse: Callable[[Any], T], blank: T, default: D = REQUIRED) -> T | D:
        """The value as `parse` understands it; a ValueError of `parse` becomes the mistake, and `blank` the value."""
        self._asked[key] = None
        raw = self.document.get(key)
        if raw is None:
            if default is not REQUIRED:
                return default
            if not self.is_broken:
                self.mistake("is missing", key)
            return blank
        try:
            return parse(raw)
        except ValueError as error:
            self.mistake(str(error), key)
            return blank

    def text(self, key: str, default: D = REQUIRED, *, longest: int = 500) -> str | D:
        """Text that is not empty."""
        return self.read(key, _text_of(longest), "", default)

    def id(self, key: str, default: D = REQUIRED) -> str | D:
        """An id: lower-case letters, digits, - and _, at most 64 characters."""
        return self.read(key, parse_id, "", default)

    def ids(self, key: str, default: D = REQUIRED) -> tuple[str, ...] | D:
        """Ids; one alone stands for a list of one."""
        blank: tuple[str, ...] = ()
        return self.read(key, _parse_ids, blank, default)

    def number(self, key: str, default: D = REQUIRED, *, least: float = -LARGEST, most: float = LARGEST) -> float | D:
        """A number between two bounds, both included."""
        return self.read(key, _number_of(least, most), 0.0, default)

    def integer(self, key: str, default: D = REQUIRED, *, least: int = 0, most: int = 10**9) -> int | D:
        """A whole number between two bounds, both included."""

        return self.read(key, _integer_of(least, most), least, default)

    def flag(self, key: str, default: D = REQUIRED) -> bool | D:
        """True or false."""
        return self.read(key, _parse_flag, False, default)

    def choice(self, key: str, options: Iterable[str], default: D = REQUIRED) -> str | D:
        """One of the options."""
        known = tuple(options)

        return self.read(key, _choice_of(known), known[0], default)

    def duration(self, key: str, default: D = REQUIRED, *, least: float = 1.0, most: float = TEN_YEARS) -> float | D:
        """Seconds of an ISO 8601 duration between two bounds, both included."""

        return self.read(key, _duration_of(least, most), least, default)

    def instant(self, key: str, default: D = REQUIRED) -> float | D:
        """Epoch seconds of an ISO 8601 date or time; YAML hands over what it knows to be a date as one."""

        return self.read(key, _parse_instant, 0.0, default)

    def value(self, key: str) -> str | int | float | bool:
        """Text, a number, true or false."""
        blank: str | int | float | bool = ""
        return self.read(key, _parse_value, blank)

    def values(self, key: str) -> tuple[str | int | float | bool, ...]:
        """A list of texts, numbers, trues and falses; one alone stands for a list of one."""
        return self.read(key, _parse_values, ())

    def anything(self, key: str, default: D = None) -> Any | D:  # type: ignore[assignment]
        """A JSON value as it is, if it can be stored: no NaN, no lone surrogate, not too deep."""
        return self.read(key, _parse_json, None, default)

    # Objects within

    def child(self, key: str) -> "Reader":
        """The object under a key. When there is none, that is a mistake, and the reader `is_broken`."""
        self._asked[key] = None
        return self if self.is_broken else Reader(self.document.get(key), self._path_of(key), self)

    def find_child(self, key: str) -> "Reader | None":
        """The object under a key, or None when the key is absent."""
        self._asked[key] = None
        return self.child(key) if self.has(key) else None

    def children(self, key: str, *, least: int = 1, most: int = 100, or_one: bool = False) -> "list[Reader]":
        """The objects of the list under a key. With `or_one` an object alone stands for a list of one."""
        self._asked[key] = None
        raw, path = self.document.get(key), self._path_of(key)
        if or_one and isinstance(raw, Mapping):
            return [Reader(raw, path, self)]
        items = raw if isinstance(raw, list | tuple) else []
        if raw is None and least and not self.is_broken:
            self.mistake("is missing", key)
        elif raw is not None and not isinstance(raw, list | tuple):
            self.mistake(f"must be a list of objects, not {name_type(raw)}", key)
        elif raw is not None and not least <= len(items) <= most:
            self.mistake(f"must be a list of {least} to {most} objects; there are {len(items)}", key)
        else:
            return [Reader(item, f"{path}[{index}]", self) for index, item in enumerate(items)]
        return []

    def _path_of(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


class Head(NamedTuple):
    """What every definition begins with."""

    id: str
    name: str
    description: str


def read_head(reader: Reader, kind: str) -> Head:
    """The kind, checked, and the id, name (the id when there is none) and description."""
    reader.choice("kind", (kind,))
    definition_id = reader.id("id")
    return Head(definition_id, reader.text("name", definition_id), reader.text("description", "", longest=5_000))


def choose(reader: Reader, table: Collection[str], what: str) -> str | None:
    """The one key of the table that the object has; a mistake, and None, when there is none or more than one."""
    reader.expect(*table)
    found = [key for key in table if reader.has(key)]
    if len(found) == 1:
        return found[0]
    if reader.is_broken or (reader.strangers() and not found):
        return None  # said already, or about to be: an unknown key is named with the one that was meant
    given = "this one has " + (" and ".join(found) if found else "none")
    reader.misfit(f"{what} one of {', '.join(table)}; {given}")
    return None


def refuse_twins(readers: Iterable[Reader]) -> None:
    """Note a mistake at every object that has the id of one before it."""
    seen: set[object] = set()
    for reader in readers:
        found = reader.document.get("id")
        if isinstance(found, str):
            if found in seen:
                reader.mistake(f"{quote(found)} is the id of one before it", "id")
            seen.add(found)


def says_the_same(one: object, other: object) -> bool:
    """Whether two documents mean the same. Python takes true for 1; conditions do not."""
    match one, other:
        case Mapping(), Mapping():
            return one.keys() == other.keys() and all(says_the_same(value, other[key]) for key, value in one.items())
        case list(), list():
            return len(one) == len(other) and all(map(says_the_same, one, other))
    return one == other and isinstance(one, bool) is isinstance(other, bool)


def name_type(value: object) -> str:
    """What a JSON value is, in words: `a list`."""
    if value is None:
        return "null"
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "an object")


def quote(text: str) -> str:
    """Text in quotes that fits into a sentence, with nothing unprintable left bare."""
    shown = text if len(text) <= 60 else text[:57] + "…"
    return f"'{shown}'" if shown.isprintable() else ascii(shown)


def parse_text(raw: object, longest: int = 500) -> str:
    """Text that is not empty and can be written as UTF-8. Raises ValueError with a sentence."""
    if not isinstance(raw, str):
        raise ValueError(f"must be text, not {name_type(raw)}")
    if not raw.strip():
        raise ValueError("must not be empty")
    if len(raw) > longest:
        raise ValueError(f"must not be longer than {longest} characters")
    _refuse_surrogates(raw)
    return raw


@form({"type": "string", "pattern": f"^{_ID.pattern}$"})
def parse_id(raw: object) -> str:
    """An id as it is. Raises ValueError with a sentence, and the id that was probably meant."""
    text = parse_text(raw, 64)
    if _ID.fullmatch(text):
        return text
    better = re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-_") or "my-id"
    raise ValueError(f"{quote(text)} is not an id; write lower-case letters, digits, - and _, such as '{better}'")


@form({"type": "string", "pattern": r"^[^\u0000-\u001f\u007f]*\S[^\u0000-\u001f\u007f]*$", "maxLength": 500})
def parse_line(raw: object) -> str:
    """Text of one line, without control characters. Raises ValueError with a sentence."""
    text = parse_text(raw)
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in text):
        raise ValueError("must be a text of one line")
    return text


def _refuse_surrogates(text: str) -> None:
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("holds half of a surrogate pair, which is no character")


def _one_or_many(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a list, of which one alone may stand by itself."""
    return {"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1, "maxItems": 1_000}]}


def _between(least: float, most: float) -> dict[str, float]:
    """Bounds of a number as JSON Schema; those that hold for every number are left out."""
    bounds = {"minimum": least, "maximum": most}
    return {name: bound for name, bound in bounds.items() if abs(bound) < LARGEST}


# What reads a value of which the caller says more. They are kept, because definitions are read again and again.


@lru_cache(1_024)
def _text_of(longest: int) -> Callable[[Any], str]:
    return form({"type": "string", "pattern": r"\S", "maxLength": longest})(lambda raw: parse_text(raw, longest))


@lru_cache(1_024)
def _number_of(least: float, most: float) -> Callable[[Any], float]:
    return form({"type": "number", **_between(least, most)})(lambda raw: _parse_number(raw, least, most))


@lru_cache(1_024)
def _integer_of(least: int, most: int) -> Callable[[Any], int]:
    @form({"type": "integer", **_between(least, most)})
    def parse(raw: object) -> int:
        number = _parse_number(raw, least, most)
        if number != int(number):
            raise ValueError("must be a whole number")
        return int(number)

    return parse


@lru_cache(1_024)
def _choice_of(known: tuple[str, ...]) -> Callable[[Any], str]:
    @form({"enum": list(known)})
    def parse(raw: object) -> str:
        if isinstance(raw, str) and raw in known:
            return raw
        close = get_close_matches(str(raw)[:40], known, 1, 0.5) if isinstance(raw, str) else []
        hint = f"; did you mean '{close[0]}'?" if close else ""
        raise ValueError(f"must be one of {', '.join(known)}{hint}")

    return parse


@lru_cache(1_024)
def _duration_of(least: float, most: float) -> Callable[[Any], float]:
    @form({"type": "string", "pattern": _DURATION, "examples": ["PT1H", "P3D", "P2W"]})
    def parse(raw: object) -> float:
        seconds = parse_duration(raw)
        if not least <= seconds <= most:
            raise ValueError(f"must be between {describe_duration(least)} and {describe_duration(most)}")
        return seconds

    return parse


@form({"type": "string", "pattern": "^[0-9]{4}-?[0-9W]", "examples": ["2026-11-02T09:14:00Z"]})
def _parse_instant(raw: object) -> float:
    time = parse_instant(raw.isoformat() if isinstance(raw, date) else raw)
    if not EARLIEST <= time < LATEST:
        raise ValueError("must lie between the years 1900 and 3000")
    return time


def _parse_number(raw: object, least: float, most: float) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise ValueError(f"must be a number, not {name_type(raw)}")
    if not least <= raw <= most:
        raise ValueError(f"must be a number between {least:.15g} and {most:.15g}")
    return raw


@form({"type": "boolean"})
def _parse_flag(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise ValueError(f"must be true or false, not {name_type(raw)}")
    return raw


_VALUE = {"anyOf": [{"type": "string", "pattern": r"\S", "maxLength": 500}, {"type": "number"}, {"type": "boolean"}]}


@form(_VALUE)
def _parse_value(raw: object) -> str | int | float | bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, int | float):
        return _parse_number(raw, -LARGEST, LARGEST)
    if isinstance(raw, date):
        raw = raw.isoformat()
    if not isinstance(raw, str):
        raise ValueError(f"must be text, a number, true or false, not {name_type(raw)}")
    return parse_text(raw)


def _parse_list(raw: object, parse: Callable[[Any], T]) -> tuple[T, ...]:
    items = raw if isinstance(raw, list | tuple) else (raw,)
    if not 1 <= len(items) <= 1_000:
        raise ValueError(f"must be a list of 1 to 1000 values; there are {len(items)}")
    found = []
    for index, item in enumerate(items):
        try:
            found.append(parse(item))
        except ValueError as error:
            raise ValueError(f"value {index + 1} {error}" if len(items) > 1 else str(error)) from None
    return tuple(found)


@form(_one_or_many(_VALUE))
def _parse_values(raw: object) -> tuple[str | int | float | bool, ...]:
    return _parse_list(raw, _parse_value)


@form(_one_or_many({"type": "string", "pattern": f"^{_ID.pattern}$"}))
def _parse_ids(raw: object) -> tuple[str, ...]:
    return _parse_list(raw, parse_id)


@form({})
def _parse_json(raw: Any, depth: int = 0) -> Any:
    if depth > DEEPEST:
        raise ValueError(f"is nested more than {DEEPEST} levels deep")
    if isinstance(raw, Mapping):
        return {_parse_json(str(key)): _parse_json(value, depth + 1) for key, value in raw.items()}
    if isinstance(raw, list | tuple):
        return [_parse_json(item, depth + 1) for item in raw]
    if isinstance(raw, str):
        _refuse_surrogates(raw)
    if isinstance(raw, int | float) and not -LARGEST <= raw <= LARGEST:
        raise ValueError(f"holds a number that is not between {-LARGEST:g} and {LARGEST:g}")
    return raw.isoformat() if isinstance(raw, date) else raw
