"""Types as JSON Schema, and JSON values read as types: a route's signature is its check and its documentation.

Known are str, int, float, bool, None, Any, Literal, `X | None`, list[T], dict[str, T] and TypedDicts, generic ones too;
and any of them in Annotated with notes: a text describes it, the classes below bound it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NotRequired,
    TypedDict,
    TypeVar,
    Union,
    get_type_hints,
    is_typeddict,
)
from typing import get_args as args_of
from typing import get_origin as origin_of

from postroad.documents import MOST_MISTAKES, name_type, quote
from postroad.errors import DefinitionError

T = TypeVar("T")
Json = dict[str, Any]

# Notes are compared by identity, so that a type with a note can be part of another whatever the note holds.

# DynamoDB takes no longer key, and no shorter one.
MAX_TEXT = 1_000
MAX_LIMIT = 200


@dataclass(frozen=True, eq=False)
class Text:
    """Bounds of a text; `lines` says that it may have more than one, with tabs."""

    longest: int = MAX_TEXT
    format: str = ""
    lines: bool = False


@dataclass(frozen=True, eq=False)
class Within:
    """Bounds of a number, both included."""

    least: int
    most: int


@dataclass(frozen=True, eq=False)
class OneOf:
    """The words that are taken, when a table says which there are."""

    words: Collection[str]


@dataclass(frozen=True, eq=False)
class Example:
    """A value that shows what is meant."""

    value: Any


Cursor = Annotated[str, "The `next` of the page before; without it the first page."]
Limit = Annotated[int, Within(1, MAX_LIMIT), "How many items a page holds at most."]
Instant = Annotated[str, Text(format="date-time"), Example("2026-11-02T09:14:00.000Z")]
Address = Annotated[
    str, Text(320), Example("email:ana@example.com"), "`email:` or `phone:` (as `+351…`) and the address."
]


class Listed(TypedDict, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: Annotated[str | None, "The cursor of the following page, null at the end. A page may be short."]


class BodyError(DefinitionError):
    """The document in a body is not of the shape that the route asks for."""


class ParameterError(DefinitionError):
    """A parameter is not what the route asks for."""


class _Parts(NamedTuple):
    """An annotation taken apart: what it is, its type arguments, its notes, and whether null is one of its values."""

    kind: Any
    arguments: tuple[Any, ...]
    notes: tuple[Any, ...]
    nullable: bool

    def note(self, kind: type[T]) -> T | None:
        return next((note for note in reversed(self.notes) if isinstance(note, kind)), None)


def _take_apart(annotation: Any) -> _Parts:
    notes: tuple[Any, ...] = ()
    nullable = False
    while True:
        origin, arguments = origin_of(annotation), args_of(annotation)
        if origin is Annotated:
            # What an alias says of itself comes first, so that the last note is the one nearest to its use.
            annotation, notes = arguments[0], (*arguments[1:], *notes)
        elif origin is NotRequired:
            annotation = arguments[0]
        elif origin in (Union, UnionType) and NoneType in arguments:
            (annotation,), nullable = [each for each in arguments if each is not NoneType], True
        else:
            return _Parts(origin or annotation, arguments, notes, nullable)


def _members(parts: _Parts) -> dict[str, Any]:
    """The members of a TypedDict with their annotations, a generic one's as its arguments say."""
    filled = dict(zip(getattr(parts.kind, "__parameters__", ()), parts.arguments, strict=True))
    hints = get_type_hints(parts.kind, include_extras=True)
    return {name: _fill(hint, filled) for name, hint in hints.items()}


def _fill(hint: Any, filled: Mapping[Any, Any]) -> Any:
    if isinstance(hint, TypeVar):
        return filled[hint]
    return list[_fill(args_of(hint)[0], filled)] if origin_of(hint) is list else hint  # type: ignore[misc]


# ---------------------------------------------------------------- as JSON Schema

_NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}


def schema_of(annotation: Any, components: dict[str, Json]) -> Json:
    """Its JSON Schema (2020-12). TypedDicts go into `components` by their names, and are referred to."""
    parts = _take_apart(annotation)
    schema = _bare_schema(parts, components)
    if parts.nullable:
        schema = {"anyOf": [schema, {"type": "null"}]}
    if description := parts.note(str):
        schema["description"] = description
    if example := parts.note(Example):
        schema["examples"] = [example.value]
    return schema


def _bare_schema(parts: _Parts, components: dict[str, Json]) -> Json:
    if is_typeddict(parts.kind):
        return {"$ref": f"#/components/schemas/{_add_component(parts, components)}"}
    if parts.kind is Any:
        return {}
    if parts.kind is Literal:
        return {"type": "string", "enum": list(parts.arguments)}
    if parts.kind is list:
        return {"type": "array", "items": schema_of(parts.arguments[0], components), **_size(parts)}
    if parts.kind is dict:
        of = schema_of(parts.arguments[1], components)
        return {"type": "object", **({"additionalProperties": of} if of else {})}
    schema: Json = {"type": _NAMES[parts.kind], **_size(parts)}
    if words := parts.note(OneOf):
        schema["enum"] = list(words.words)
    return schema


def _size(parts: _Parts) -> Json:
    bounds = parts.note(Within)
    if parts.kind is list:
        return {"minItems": bounds.least, "maxItems": bounds.most} if bounds else {}
    if parts.kind in (int, float):
        return {"minimum": bounds.least, "maximum": bounds.most} if bounds else {}
    text = parts.note(Text)
    if text is None:
        return {}
    return {"format": text.format} if text.format else {"minLength": 1, "maxLength": text.longest}


def _add_component(parts: _Parts, components: dict[str, Json]) -> str:
    of = "".join(getattr(argument, "__name__", "") for argument in parts.arguments)
    name = f"{parts.kind.__name__}{of}"
    if name not in components:
        components[name] = {}  # it may contain itself
        properties = {key: schema_of(hint, components) for key, hint in _members(parts).items()}
        components[name] = {
            "type": "object",
            "description": (parts.kind.__doc__ or "").strip(),
            "properties": properties,
            "required": sorted(parts.kind.__required_keys__),
            "additionalProperties": False,
        }
    return name


# ---------------------------------------------------------------- reading JSON values


def read_value(annotation: Any, value: Any, path: str) -> Any:
    """The value of a body, checked. Raises BodyError with every mistake."""
    mistakes = find_mistakes(annotation, value, path)
    if mistakes:
        raise BodyError(*mistakes)
    return value


def find_mistakes(annotation: Any, value: Any, path: str) -> list[tuple[str, str]]:
    """Where and why a JSON value is not of this type."""
    mistakes: list[tuple[str, str]] = []
    _check(annotation, value, path, mistakes)
    return mistakes


def _check(annotation: Any, value: Any, path: str, mistakes: list[tuple[str, str]]) -> None:
    parts = _take_apart(annotation)
    if parts.kind is Any or (value is None and parts.nullable) or len(mistakes) >= MOST_MISTAKES:
        return
    kind = dict if is_typeddict(parts.kind) else str if parts.kind is Literal else parts.kind
    wanted, known = _WANTED[kind]
    if not isinstance(value, known) or (isinstance(value, bool) and kind is not bool):
        mistakes.append((path, f"must be {wanted}, not {name_type(value)}"))
    elif is_typeddict(parts.kind):
        _check_members(parts, value, path, mistakes)
    elif parts.kind in _CHECKS:
        _CHECKS[parts.kind](parts, value, path, mistakes)


def _check_members(parts: _Parts, value: Json, path: str, mistakes: list[tuple[str, str]]) -> None:
    members = _members(parts)
    prefix = f"{path}." if path else ""
    for name in sorted(value.keys() - members.keys())[:MOST_MISTAKES]:
        close = get_close_matches(name, members, 1, 0.5)
        known = f"did you mean '{close[0]}'?" if close else f"known here: {', '.join(members)}"
        mistakes.append((prefix + name[:40], f"unknown field {quote(name)}; {known}"))
    for name, annotation in members.items():
        if name in value:
            _check(annotation, value[name], prefix + name, mistakes)
        elif name in parts.kind.__required_keys__:
            mistakes.append((prefix + name, "is missing"))


def _check_list(parts: _Parts, value: list[Any], path: str, mistakes: list[tuple[str, str]]) -> None:
    bounds = parts.note(Within)
    if bounds and not bounds.least <= len(value) <= bounds.most:
        mistakes.append((path, f"must be a list of {bounds.least} to {bounds.most} values; there are {len(value)}"))
        return
    for number, item in enumerate(value):
        _check(parts.arguments[0], item, f"{path}[{number}]", mistakes)


def _check_values(parts: _Parts, value: Json, path: str, mistakes: list[tuple[str, str]]) -> None:
    for name, each in value.items():
        _check(parts.arguments[1], each, f"{path}.{name[:40]}" if path else name[:40], mistakes)


# What is in a text of lines besides what can be printed; spreadsheets begin theirs with a mark.
_LINES = dict.fromkeys(map(ord, "\n\r\t\ufeff"))


def _check_text(parts: _Parts, value: str, path: str, mistakes: list[tuple[str, str]]) -> None:
    words = parts.arguments if parts.kind is Literal else (parts.note(OneOf) or OneOf(())).words
    bounds = parts.note(Text) or Text()
    if words and value not in words:
        mistakes.append((path, f"{quote(value)} is not one of {', '.join(words)}"))
    elif not value.strip():
        mistakes.append((path, "must not be empty"))
    elif len(value.encode()) > bounds.longest:
        mistakes.append((path, f"must not be longer than {bounds.longest} bytes"))
    elif not (value.translate(_LINES) if bounds.lines else value).isprintable():
        mistakes.append((path, "holds a character that cannot be printed"))


def _check_number(parts: _Parts, value: float, path: str, mistakes: list[tuple[str, str]]) -> None:
    bounds = parts.note(Within)
    if bounds and not bounds.least <= value <= bounds.most:
        mistakes.append((path, f"must be a number from {bounds.least} to {bounds.most}"))


_WANTED: Mapping[Any, tuple[str, Any]] = {
    str: ("text", str),
    int: ("a whole number", int),
    float: ("a number", int | float),
    bool: ("true or false", bool),
    list: ("a list", list),
    dict: ("an object", dict),
}
_CHECKS: Mapping[Any, Callable[[_Parts, Any, str, list[tuple[str, str]]], None]] = {
    list: _check_list,
    dict: _check_values,
    str: _check_text,
    Literal: _check_text,
    int: _check_number,
    float: _check_number,
}


# ---------------------------------------------------------------- reading texts, as parameters are


def read_text(annotation: Any, text: str, path: str) -> Any:
    """What a parameter's text says. Raises ParameterError."""
    kind = _take_apart(annotation).kind
    value: Any = text
    if kind is int and text.isascii() and text.isdigit() and len(text) < 10:
        value = int(text)
    elif kind is bool and text in ("true", "false"):
        value = text == "true"
    elif kind in (int, bool):
        raise ParameterError((path, f"must be {_WANTED[kind][0]}, not {quote(text)}"))
    mistakes = find_mistakes(annotation, value, path)
    if mistakes:
        raise ParameterError(*mistakes)
    return value
