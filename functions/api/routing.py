"""The route table: each route is a typed function, from which its checks, its call and its documentation follow.

A parameter named in the path is read from there, `body` from the body, one with a Header note from that header, one of
type Caller is who calls; every other one is a parameter of the query.
"""

import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, NamedTuple, get_type_hints
from typing import get_args as args_of

from functions.api.problems import NoRouteError
from functions.api.requests import PREFIX, Request
from functions.api.schemas import ParameterError, read_text, read_value

Function = Callable[..., Any]

JSON = "application/json"
# Of the 6 MB that Lambda hands over, headers and all.
MOST_ANSWERED = 6_000_000


class Caller(NamedTuple):
    """Whose key a request was made with."""

    key_id: str
    source: str


class Header(NamedTuple):
    """The note of a parameter that is a header."""

    name: str


class Parameter(NamedTuple):
    """One parameter of a route's function. `where` is path, query, header, body or caller; `key` its name there."""

    name: str
    where: str
    key: str
    annotation: Any
    default: Any

    @property
    def is_required(self) -> bool:
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True)
class Answer:
    """What a route answers: a status, a JSON document, and headers."""

    status: int
    document: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def body(self) -> str:
        return json.dumps(self.document)

    @property
    def is_too_large(self) -> bool:
        """Whether Lambda would not hand it over: inside a function's answer a body is JSON once more."""
        return 2 * len(self.body) > MOST_ANSWERED and len(json.dumps(self.body)) > MOST_ANSWERED


@dataclass(frozen=True)
class Route:
    """One route. `etag` names the member of the answer that counts its edits; `secrets` those that are shown once.
    `media` is the type of what is answered: JSON of what the function returns, else the text that it returns."""

    method: str
    path: str
    function: Function
    tag: str
    status: int = HTTPStatus.OK
    etag: str = ""
    secrets: tuple[str, ...] = ()
    media: str = JSON

    @cached_property
    def hints(self) -> dict[str, Any]:
        return get_type_hints(self.function, include_extras=True)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        found = inspect.signature(self.function).parameters.values()
        return tuple(Parameter(p.name, *self._place(p.name), self.hints[p.name], p.default) for p in found)

    def _place(self, name: str) -> tuple[str, str]:
        if f"{{{name}}}" in self.path:
            return "path", name
        if self.hints[name] is Caller:
            return "caller", ""
        headers = [note.name for note in args_of(self.hints[name]) if isinstance(note, Header)]
        return ("header", headers[0]) if headers else ("body", "") if name == "body" else ("query", name)

    @property
    def pattern(self) -> str:
        """Its path as the resolver knows it."""
        return PREFIX + self.path.replace("{", "<").replace("}", ">")

    def is_at(self, parts: Sequence[str]) -> bool:
        """Whether an address, cut at its slashes, is one of this route."""
        mine = self.path.split("/")
        return len(mine) == len(parts) and all(
            part == theirs or (part.startswith("{") and theirs) for part, theirs in zip(mine, parts, strict=True)
        )

    def call(self, request: Request, values: Mapping[str, str], caller: Caller) -> Answer:
        """Read what the function asks for, and call it. Raises ParameterError, BodyError and RequestError."""
        self._refuse_strangers(request)
        arguments = {p.name: self._read(p, request, values, caller) for p in self.parameters}
        answer = self._answer(arguments)
        while answer.is_too_large and arguments.get("limit", 1) > 1:
            arguments["limit"] //= 2  # a page may be short
            answer = self._answer(arguments)
        return answer

    def _answer(self, arguments: Mapping[str, Any]) -> Answer:
        document = self.function(**arguments)
        headers = {"etag": f'"{document[self.etag]}"'} if self.etag and self.etag in document else {}
        return Answer(self.status, document, headers)

    def _refuse_strangers(self, request: Request) -> None:
        known = [p.key for p in self.parameters if p.where == "query"]
        for name in request.query:
            if name not in known:
                there = f"there are {', '.join(known)}" if known else "this address takes none"
                raise ParameterError((name[:40], f"is no parameter here; {there}"))

    def _read(self, parameter: Parameter, request: Request, values: Mapping[str, str], caller: Caller) -> Any:
        if parameter.where == "caller":
            return caller
        if parameter.where == "body":
            if not parameter.is_required and not request.body:
                return parameter.default
            return read_value(parameter.annotation, request.read_object(), "")
        if parameter.where == "path":
            try:
                return read_text(parameter.annotation, values[parameter.key], parameter.key)
            except ParameterError as error:
                raise NoRouteError(f"There is nothing here: {error}.") from None
        found = (request.query if parameter.where == "query" else request.headers).get(parameter.key.lower())
        if found is None:
            if parameter.is_required:
                raise ParameterError((parameter.key, "is missing"))
            return parameter.default
        return read_text(parameter.annotation, found, parameter.key)


class Routes:
    """The routes of one resource, in the order of their definition."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.table: list[Route] = []

    def get(self, path: str, **options: Any) -> Callable[[Function], Function]:
        return self._add("GET", path, options)

    def post(self, path: str, **options: Any) -> Callable[[Function], Function]:
        return self._add("POST", path, options)

    def put(self, path: str, **options: Any) -> Callable[[Function], Function]:
        return self._add("PUT", path, options)

    def _add(self, method: str, path: str, options: Mapping[str, Any]) -> Callable[[Function], Function]:
        def add(function: Function) -> Function:
            self.table.append(Route(method, path, function, self.tag, **options))
            return function

        return add


def list_methods(table: Iterable[Route], path: str) -> list[str]:
    """The methods that have a route at this address; one that a route spells out is no name of something."""
    parts = path.removeprefix(PREFIX).split("/")
    found = [route for route in table if route.is_at(parts)]
    spelt = [route for route in found if route.path.split("/") == parts]
    return sorted({route.method for route in spelt or found})
