"""A caller of the JSON API: requests as the HTTP API hands them over, answers as they go back."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from functions.api import app
from tests.account import ANA, lambda_context

EMAIL = f"email:{ANA}"
MARKUP = "<script>alert('Ana & Co')</script>"


def ask(
    method: str,
    path: str,
    query: dict[str, str] | str | None = None,
    body: Any = None,
    *,
    key: str | None = "demo-api-key",
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A request as the HTTP API hands it over (payload version 2.0), and the answer."""
    encoded = isinstance(body, bytes)
    sent = body if isinstance(body, str | bytes | None) else json.dumps(body)
    event = {
        "version": "2.0",
        "routeKey": "ANY /api/{proxy+}",
        "rawPath": path,
        "rawQueryString": query if isinstance(query, str) else urlencode(query or {}, errors="replace"),
        "headers": {**({"authorization": f"Bearer {key}"} if key else {}), **(headers or {})},
        "requestContext": {"http": {"method": method, "path": path}, "stage": "$default", "requestId": "r"},
        "body": base64.b64encode(body).decode() if encoded else sent,
        "isBase64Encoded": encoded,
    }
    answer = app.handler(event, lambda_context())
    return {**answer, "headers": {name.lower(): value for name, value in answer["headers"].items()}}


def call(*request: Any, **more: Any) -> tuple[int, Any]:
    """Ask; the status and the document of the answer."""
    answer = ask(*request, **more)
    assert ("problem+json" in answer["headers"]["content-type"]) == (answer["statusCode"] >= 400)
    document = json.loads(answer["body"], parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    return answer["statusCode"], document


def problem(answer: tuple[int, Any]) -> tuple[int, str]:
    """The status and the sentence of a problem (RFC 9457)."""
    status, document = answer
    assert document["status"] == status
    assert document["title"]
    assert document["type"].startswith("/api/v1/docs#")
    assert document["detail"].endswith(".")
    return status, document["detail"]


def segment(name: str = "vip", **changes: Any) -> dict[str, Any]:
    return {"id": name, "kind": "segment", "if": {"attribute": "plan", "is": "vip"}, **changes}


def paths(answer: tuple[int, Any]) -> list[str]:
    """Where the mistakes stand that an answer names."""
    document = answer[1]
    return [error["path"] for error in document.get("errors", document.get("mistakes"))]


WHATEVER = {"if-match": "*"}
