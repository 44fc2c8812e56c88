"""Finding the route of a request."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import NamedTuple

from functions.console.requests import Request
from functions.console.responses import Response


class Route(NamedTuple):
    """`path` may name parts: `/console/contacts/{contact_id}`. `role` is the least that may; None: anybody, signed in
    or not."""

    method: str
    path: str
    role: str | None
    answer: Callable[[Request], Response]

    def match(self, path: str) -> Mapping[str, str] | None:
        """What the path's named parts are, or None when it is another path."""
        found = _pattern(self.path).fullmatch(path)
        return found.groupdict() if found else None


class Found(NamedTuple):
    """The route of a request and the named parts of its path; without a route, the methods that the path has."""

    route: Route | None
    variables: Mapping[str, str]
    methods: tuple[str, ...] = ()


def find_route(routes: Iterable[Route], method: str, path: str) -> Found:
    """The first route that takes it: what is written out comes before what is named."""
    methods = []
    for route in sorted(routes, key=lambda route: "{" in route.path):
        variables = route.match(path)
        if variables is not None:
            if route.method == method:
                return Found(route, variables)
            methods.append(route.method)
    return Found(None, {}, tuple(methods))


@cache
def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", path)
    named = [re.escape(part) if number % 2 == 0 else f"(?P<{part}>[^/]+)" for number, part in enumerate(parts)]
    return re.compile("".join(named))
