"""A visitor of the console, signed in as a marketer, over an account in which the demo brand is live."""

import base64
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import pytest

from functions.console.app import handler
from functions.console.sessions import Session, cookie_name, seal_session
from postroad_aws import clock
from postroad_aws.storage import keys
from tests.account import Account, lambda_context

ORIGIN = "https://post.tidewater.example"
SIGN_IN_URL = "https://sign-in.example"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    cookies: list[str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Browser:
    """Asks as a browser does; `session` None is somebody who has not signed in."""

    session: Session | None
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)

    def as_role(self, role: str) -> "Browser":
        return replace(self, session=Session("Marta Reis", "marta@tidewater.example", role, clock.now() + 3_600))

    def anonymous(self) -> "Browser":
        return replace(self, session=None)

    def with_headers(self, **headers: str) -> "Browser":
        return replace(self, headers={**self.headers, **{k.replace("_", "-"): v for k, v in headers.items()}})

    def with_cookies(self, **cookies: str) -> "Browser":
        return replace(self, cookies={**self.cookies, **cookies})

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def fragment(self, path: str) -> Answer:
        """As htmx asks for a part of a page."""
        return self.with_headers(hx_request="true").ask("GET", path)

    def post(self, path: str, form: Mapping[str, str] | None = None) -> Answer:
        ours = {"origin": ORIGIN, "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}
        return replace(self, headers={**ours, **self.headers}).ask("POST", path, urlencode(form or {}))

    def ask(self, method: str, path: str, body: str | bytes = "") -> Answer:
        answer = handler(self._event(method, path, body), lambda_context())
        data = answer.get("body", "")
        body_bytes = base64.b64decode(data) if answer.get("isBase64Encoded") else data.encode()
        headers = answer["headers"]
        if headers.get("content-encoding") == "gzip":
            body_bytes = gzip.decompress(body_bytes)
        return Answer(answer["statusCode"], headers, answer.get("cookies", []), body_bytes)

    def _event(self, method: str, address: str, body: str | bytes) -> dict[str, Any]:
        path, _, query = address.partition("?")
        cookies = dict(self.cookies)
        if self.session:
            cookies[cookie_name("session", True)] = seal_session(self.session, keys.derive_key("sessions"))
        return {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {"host": "post.tidewater.example", "accept-encoding": "gzip", **self.headers},
            "cookies": [f"{name}={value}" for name, value in cookies.items()],
            "stageVariables": {"SignInClient": "client-1"},
            "requestContext": {"http": {"method": method, "path": path}, "domainName": "post.tidewater.example"},
            "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
            "isBase64Encoded": isinstance(body, bytes),
        }


@pytest.fixture
def browser(account: Account, monkeypatch: pytest.MonkeyPatch) -> Browser:
    return _open(monkeypatch)


@pytest.fixture
def bare_browser(bare_account: Account, monkeypatch: pytest.MonkeyPatch) -> Browser:
    """Over an account in which nothing has been published."""
    return _open(monkeypatch)


def _open(monkeypatch: pytest.MonkeyPatch) -> Browser:
    from postroad_aws.settings import settings

    monkeypatch.setenv("SIGN_IN_URL", SIGN_IN_URL)
    monkeypatch.setenv("CONSOLE_LINKS", "Shop=https://shop.example")
    settings.cache_clear()
    return Browser(None).as_role("marketer")
