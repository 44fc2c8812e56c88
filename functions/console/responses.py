"""Answers: pages and parts of pages, redirects and assets, with the headers that keep browsers safe."""

import base64
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# Below this size compressing saves nothing.
_COMPRESS_FROM = 1_400

SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Response:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()

    def with_(self, *, cookies: tuple[str, ...] = (), **headers: str) -> "Response":
        """The same with further cookies and headers; `hx_redirect` is written `hx-redirect`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return replace(self, headers={**self.headers, **named}, cookies=(*self.cookies, *cookies))


def html(text: str, policy: str, status: int = 200) -> Response:
    """A page under a content security policy, kept by nobody on the way."""
    headers = {
        **SECURITY,
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": policy,
        "cache-control": "no-store",
        "vary": "hx-request",
    }
    return Response(status, text.encode(errors="replace"), headers)


def redirect(location: str, status: int = 303) -> Response:
    return Response(status, b"", {**SECURITY, "location": location, "cache-control": "no-store"})


def to_answer(response: Response, accepts: str, *, head: bool = False) -> dict[str, Any]:
    """The answer as an HTTP API takes it; compressed here, because an HTTP API does not."""
    headers, body = dict(response.headers), response.body
    answer: dict[str, Any] = {"statusCode": response.status, "headers": headers}
    if response.cookies:
        answer["cookies"] = list(response.cookies)
    if head or not body:
        return answer
    if len(body) >= _COMPRESS_FROM and "gzip" in accepts and "content-encoding" not in headers:
        body = gzip.compress(body, 5, mtime=0)
        headers["content-encoding"] = "gzip"
        headers["vary"] = ", ".join(filter(None, ["accept-encoding", headers.get("vary", "")]))
    elif "gzip" not in accepts and headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
        del headers["content-encoding"]
    if "content-encoding" in headers:
        return {**answer, "body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    try:
        return {**answer, "body": body.decode()}
    except UnicodeDecodeError:
        return {**answer, "body": base64.b64encode(body).decode(), "isBase64Encoded": True}
