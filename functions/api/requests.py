"""Reading requests: parameters and bodies, each with an error that says how to mend it."""

import json
from math import isfinite
from typing import Any

from aws_lambda_powertools.event_handler.router import Router

from functions.api.problems import RequestError, TooLargeError

MAX_LIMIT = 200
MAX_BODY = 350_000
MAX_PARAMETER = 1_000
MAX_DEPTH = 64


def read_page(router: Router) -> tuple[str | None, int]:
    """(cursor, limit) of a list."""
    text = read_query(router, "limit") or "50"
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= MAX_LIMIT):
        raise RequestError(f"limit is a number from 1 to {MAX_LIMIT}.")
    return read_query(router, "cursor"), int(text)


def read_query(router: Router, name: str) -> str | None:
    """A parameter of the query, None when it is absent or empty."""
    text = (router.current_event.query_string_parameters or {}).get(name) or None
    if text and not is_storable(text):
        raise RequestError(f"{name} is longer than {MAX_PARAMETER} bytes, or no text.")
    return text


def is_storable(text: str) -> bool:
    """Whether a text may be asked for as a key: DynamoDB refuses longer ones, and what is no UTF-8."""
    return len(text.encode(errors="replace")) <= MAX_PARAMETER and text.isprintable()


def read_object(router: Router) -> dict[str, Any]:
    """The body as a JSON object."""
    try:
        text = router.current_event.decoded_body or ""
    except (ValueError, UnicodeError):
        raise RequestError("The body is not UTF-8.") from None
    if len(text) > MAX_BODY or len(text.encode(errors="replace")) > MAX_BODY:
        raise TooLargeError(f"The body is larger than {MAX_BODY} bytes.")
    try:
        body = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        _check_depth(body)
        json.dumps(body, ensure_ascii=False).encode()
    except RecursionError:
        raise RequestError("The body is nested too deeply.") from None
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
