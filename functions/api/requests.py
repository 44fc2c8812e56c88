"""Requests: what API Gateway hands over, read with errors that say how to mend it."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Any
from urllib.parse import parse_qsl

from functions.api.problems import RequestError, TooLargeError

MAX_BODY = 350_000
MAX_PARAMETER = 1_000
MAX_DEPTH = 64
PREFIX = "/api/v1"


def is_storable(text: str) -> bool:
    """Whether a text may be asked for as a key: DynamoDB refuses longer ones, and what is no UTF-8."""
    return len(text.encode(errors="replace")) <= MAX_PARAMETER and text.isprintable()


@dataclass(frozen=True)
class Request:
    """A request; `path` is what follows /api/v1, `headers` have lower-case names, `body` is as it was sent."""

    method: str
    path: str
    raw_query: str
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Request":
        """The request in an HTTP API event, payload version 2.0. Raises RequestError."""
        body = event.get("body") or ""
        try:
            sent = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        except UnicodeEncodeError:
            raise RequestError("The body has half a surrogate pair in a text; send whole characters.") from None
        except ValueError:
            raise RequestError("The body is not what its encoding says.") from None
        return cls(
            event["requestContext"]["http"]["method"],
            event["rawPath"].removeprefix(PREFIX),
            event.get("rawQueryString") or "",
            {name.lower(): value for name, value in (event.get("headers") or {}).items()},
            sent,
        )

    @cached_property
    def query(self) -> dict[str, str]:
        """The parameters of the query. Raises RequestError when one is given twice, or is no text."""
        found: dict[str, str] = {}
        for name, text in parse_qsl(self.raw_query, keep_blank_values=True):
            if name in found:
                raise RequestError(f"{name[:40]} is given twice.")
            if not (is_storable(text) and is_storable(name)):
                raise RequestError(f"{name[:40]!a} is longer than {MAX_PARAMETER} bytes, or no text.")
            found[name] = text
        return found

    def read_object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises RequestError."""
        if len(self.body) > MAX_BODY:
            raise TooLargeError(f"The body is larger than {MAX_BODY} bytes.")
        try:
            body = json.loads(self.body.decode(), parse_constant=_refuse_constant, parse_float=_finite)
            _check_depth(body)
            json.dumps(body, ensure_ascii=False).encode()
        except RecursionError:
            raise RequestError("The body is nested too deeply.") from None
        except UnicodeDecodeError:
            raise RequestError("The body is not UTF-8.") from None
        except UnicodeEncodeError:
            raise RequestError("The body has half a surrogate pair in a text; send whole characters.") from None
        except ValueError as error:
            raise RequestError(f"The body is not JSON: {error}.") from None
        if not isinstance(body, dict):
            raise RequestError("The body is not a JSON object.")
        return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _check_depth(body: Any) -> None:
    """What can be read here must be writable further in, with less room on the stack."""
    level, depth = [body], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise RecursionError
        nested = [value for value in level if isinstance(value, dict | list)]
        level = [item for value in nested for item in (value.values() if isinstance(value, dict) else value)]
