"""The API as a WSGI application: each request becomes an HTTP API event, in this process."""

import base64
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from functions.api import app
from tests.account import lambda_context


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    headers = {name[5:].replace("_", "-").lower(): text for name, text in environ.items() if name.startswith("HTTP_")}
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
    event = {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": environ.get("QUERY_STRING", ""),
        "headers": {name: text.encode("latin-1").decode(errors="replace") for name, text in headers.items()},
        "requestContext": {"http": {"method": environ["REQUEST_METHOD"], "path": quote(path)}, "stage": "$default"},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }
    answer = app.handler(event, lambda_context())
    phrase = HTTPStatus(answer["statusCode"]).phrase
    start_response(f"{answer['statusCode']} {phrase}", list(answer["headers"].items()))
    return [answer["body"].encode()]
