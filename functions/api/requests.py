"""Reading requests: parameters and bodies, each with an error that says how to mend it."""

import json
from typing import Any

from aws_lambda_powertools.event_handler.router import Router

from functions.api.problems import RequestError

MAX_LIMIT = 200
MAX_BODY = 350_000


def read_page(router: Router) -> tuple[str | None, int]:
    """(cursor, limit) of a list."""
    query = router.current_event.query_string_parameters or {}
    text = query.get("limit", "50")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= MAX_LIMIT):
        raise RequestError(f"limit is a number from 1 to {MAX_LIMIT}.")
    return query.get("cursor") or None, int(text)


def read_query(router: Router, name: str) -> str | None:
    """A parameter of the query, None when it is absent or empty."""
    return (router.current_event.query_string_parameters or {}).get(name) or None


def read_object(router: Router) -> dict[str, Any]:
    """The body as a JSON object."""
    try:
        text = router.current_event.decoded_body or ""
    except (ValueError, UnicodeError):
        raise RequestError("The body is not UTF-8.") from None
    if len(text) > MAX_BODY:
        raise RequestError(f"The body is larger than {MAX_BODY} characters.")
    try:
        body = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise RequestError("The body is nested too deeply.") from None
    except ValueError as error:
        raise RequestError(f"The body is not JSON: {error}.") from None
    if not isinstance(body, dict):
        raise RequestError("The body is not a JSON object.")
    return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
