"""What may be read without a key: the OpenAPI document, a page on which to read it and try it, and JSON Schemas."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import Response

from functions.api.requests import PREFIX
from postroad.definitions import KINDS

_FOLDER = Path(__file__).with_name("docs")
_POWERS = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def _document() -> Response[Any]:
    from functions.api.openapi import build_document  # few requests ask for it

    return _answer("application/json", json.dumps(build_document()))


def _schema(kind: str) -> Callable[[], Response[Any]]:
    def serve() -> Response[Any]:
        from postroad.schemas import build_schema  # editors ask once in a while

        return _answer("application/schema+json", json.dumps(build_schema(kind)))

    return serve


def _file(name: str) -> Callable[[], Response[Any]]:
    path = _FOLDER / name
    return lambda: _answer(f"{_KINDS[path.suffix]}; charset=utf-8", path.read_text("utf-8"))


def _way_to_page() -> Response[Any]:
    return Response(302, headers={"location": f"{PREFIX}/docs", "cache-control": "no-store"})


def _answer(kind: str, body: str) -> Response[Any]:
    headers = {
        "cache-control": "no-cache",
        "content-security-policy": _POWERS,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return Response(200, kind, body, headers)


PAGES: Mapping[str, Callable[[], Response[Any]]] = {
    "": _way_to_page,
    "/": _way_to_page,
    "/openapi.json": _document,
    **{f"/schemas/{kind}.json": _schema(kind) for kind in KINDS},
    "/docs": _file("docs.html"),
    "/docs/docs.css": _file("docs.css"),
    "/docs/docs.js": _file("docs.js"),
    "/docs/mark.svg": _file("mark.svg"),
}
