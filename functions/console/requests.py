"""A request as the console's pages read it, and the ways in which it can be wrong."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

from functions.console.sessions import Session
from postroad.errors import PostroadError

MAX_BODY = 350_000
# A request of more than six megabytes never reaches a function, and a file grows by a third on its way there.
MAX_UPLOAD = 4_000_000
MAX_FIELDS = 500
MAX_PARAMETER = 1_000


class RequestError(PostroadError):
    """The request cannot be understood; the sentence says how to mend it."""


class TooLargeError(RequestError):
    """The request holds more than is taken at once."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `variables` are what the route's path names, `now` is epoch seconds by the product's clock."""

    method: str
    path: str
    now: float
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    variables: Mapping[str, str] = field(default_factory=dict)
    stage: Mapping[str, str] = field(default_factory=dict)
    session: Session | None = None
    origin: str = ""

    @property
    def is_fragment(self) -> bool:
        """Whether htmx asks for a part of a page."""
        return self.headers.get("hx-request") == "true" and "hx-history-restore-request" not in self.headers

    @property
    def address(self) -> str:
        """Path and query, to come back to."""
        return self.path + (f"?{self.headers['x-query']}" if self.headers.get("x-query") else "")

    def text(self, name: str) -> str:
        """A parameter of the query; empty when it is absent. Raises RequestError."""
        value = self.query.get(name, "")
        if not is_storable(value):
            raise RequestError(f"{name} is longer than {MAX_PARAMETER} bytes, or no text.")
        return value.strip()

    @property
    def cursor(self) -> str | None:
        """Where a list goes on."""
        return self.text("cursor") or None

    @property
    def place(self) -> int:
        """Where a list goes on that is known as a whole. Raises RequestError."""
        cursor = self.text("cursor")
        if not cursor:
            return 0
        if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 9):
            raise RequestError("This cursor is none of this list.")
        return int(cursor)

    def form(self) -> dict[str, str]:
        """The fields of a posted form; of several with one name the last counts. Raises RequestError."""
        kind = _kind_of(self.headers)
        if kind == _MULTIPART:
            return {name: _text_of(value) for name, value, is_file in self._parts() if not is_file}
        if self.body and kind != "application/x-www-form-urlencoded":
            raise RequestError("The console takes forms as a browser sends them (application/x-www-form-urlencoded).")
        try:
            pairs = parse_qsl(self.body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
        except UnicodeError:
            raise RequestError("The form is not UTF-8.") from None
        except ValueError:
            raise RequestError(f"A form has at most {MAX_FIELDS} fields.") from None
        return dict(pairs)

    def file(self, name: str) -> bytes:
        """What a form's file holds; empty when none was chosen. Raises RequestError."""
        return next((value for part, value, is_file in self._parts() if is_file and part == name), b"")

    def _parts(self) -> list[tuple[str, bytes, bool]]:
        """Name, value and whether it is a file, of each field of a form with files (RFC 7578)."""
        head = Message()
        head["content-type"] = self.headers.get("content-type", "")
        boundary = head.get_param("boundary")
        if _kind_of(self.headers) != _MULTIPART or not isinstance(boundary, str) or not boundary.isascii():
            raise RequestError("Choose the file on our own page, and send it from there.")
        sections = (b"\r\n" + self.body).split(b"\r\n--" + boundary.encode())[1:-1]
        if len(sections) > MAX_FIELDS:
            raise RequestError(f"A form has at most {MAX_FIELDS} fields.")
        return [_read_part(section) for section in sections]


_MULTIPART = "multipart/form-data"


def _kind_of(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _read_part(section: bytes) -> tuple[str, bytes, bool]:
    said, _, value = section.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    about = message_from_bytes(said)
    name, file_name = (about.get_param(key, None, "content-disposition") for key in ("name", "filename"))
    if not isinstance(name, str):
        raise RequestError("The form cannot be read: a field of it has no name.")
    return name, value, file_name is not None


def _text_of(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeError:
        raise RequestError("The form is not UTF-8.") from None


def is_storable(text: str) -> bool:
    """Whether a text may be asked for as a key: DynamoDB refuses longer ones, and what is no UTF-8."""
    return len(text.encode(errors="replace")) <= MAX_PARAMETER and (text.isprintable())


def read_request(event: Mapping[str, Any], now: float, base_url: str) -> Request:
    """The request in an HTTP API event, payload version 2.0. Raises TooLargeError."""
    http = event["requestContext"]["http"]
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    raw = event.get("body") or ""
    try:
        body = base64.b64decode(raw) if event.get("isBase64Encoded") else raw.encode(errors="replace")
    except ValueError:
        body = b""
    if len(body) > (most := MAX_UPLOAD if _kind_of(headers) == _MULTIPART else MAX_BODY):
        raise TooLargeError(f"This is larger than {most:,} bytes.")
    query = event.get("rawQueryString") or ""
    host = headers.get("host") or event["requestContext"].get("domainName", "")
    proto = headers.get("x-forwarded-proto", "https")
    return Request(
        method="GET" if http["method"] == "HEAD" else http["method"],
        path=event.get("rawPath") or "/",
        now=now,
        query=dict(parse_qsl(query[:8_000], keep_blank_values=True)),
        headers={**headers, "x-query": query[:8_000]},
        cookies=dict(cookie.split("=", 1) for cookie in event.get("cookies") or () if "=" in cookie),
        body=body,
        stage=event.get("stageVariables") or {},
        origin=base_url or f"{proto.partition(',')[0].strip()}://{host}",
    )
