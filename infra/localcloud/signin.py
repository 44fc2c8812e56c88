"""The sign-in page of a user pool, as far as an OAuth client sees it: authorize, token, logout.

Nobody types a password here: a click says who one is. The people and their groups stand in settings.yaml. The code is
good once, for five minutes, and only with the PKCE verifier whose challenge began it, as Cognito has it.
"""

import hashlib
import json
import secrets
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from localcloud.gateway import Request, Response

_PAGE = (Path(__file__).parent / "pages/sign-in.html").read_text()
_POLICY = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
_CODE_SECONDS = 300.0


class SignIn:
    """Gives out codes and tokens for `people`, each with name, email and groups."""

    def __init__(self, title: str, people: Sequence[Mapping[str, Any]], now: Callable[[], float]):
        self.title, self.people, self.now = title, people, now
        self.lock = threading.Lock()
        self.codes: dict[str, dict[str, Any]] = {}

    def authorize(self, request: Request) -> Response:
        """The page on which one says who one is; with `person`, the way back with a code."""
        query = _query(request)
        try:
            self._check(query)
        except ValueError as problem:
            return Response.of(400, {"error": "invalid_request", "error_description": str(problem)})
        number = query.pop("person", "")
        if not number:
            return _html(self._page(query))
        if not (number.isdigit() and int(number) < len(self.people)):
            return Response.of(400, {"error": "invalid_request", "error_description": "nobody has this number"})
        code = secrets.token_urlsafe(24)
        with self.lock:
            self.codes = {key: each for key, each in self.codes.items() if each["until"] > self.now()}
            self.codes[code] = {**query, "person": int(number), "until": self.now() + _CODE_SECONDS}
        back = urlencode({"code": code, "state": query.get("state", "")})
        return Response(302, [("location", f"{query['redirect_uri']}?{back}"), ("cache-control", "no-store")])

    def token(self, request: Request) -> Response:
        """A code for an id token, which nobody signed."""
        form = dict(parse_qsl(request.body.decode(errors="replace")))
        with self.lock:
            asked = self.codes.pop(form.get("code", ""), None)
        challenge = _challenge(form.get("code_verifier", ""))
        if (
            asked is None
            or asked["until"] <= self.now()
            or form.get("grant_type") != "authorization_code"
            or challenge != asked["code_challenge"]
            or any(form.get(name) != asked[name] for name in ("client_id", "redirect_uri"))
        ):
            return Response.of(400, {"error": "invalid_grant"})
        person = self.people[asked["person"]]
        now = int(self.now())
        claims = {
            "sub": hashlib.sha256(person["email"].encode()).hexdigest()[:32],
            "aud": form["client_id"],
            "token_use": "id",
            "iat": now,
            "exp": now + 3_600,
            "name": person["name"],
            "email": person["email"],
            "email_verified": True,
            "cognito:groups": list(person["groups"]),
        }
        token = f"{_encode({'alg': 'none', 'typ': 'JWT'})}.{_encode(claims)}."
        return Response.of(200, {"id_token": token, "access_token": token, "token_type": "Bearer", "expires_in": 3_600})

    def logout(self, request: Request) -> Response:
        """There is no session here to end."""
        back = _query(request).get("logout_uri", "")
        return Response(302, [("location", back if _is_local(back) else "/")])

    def _check(self, query: Mapping[str, str]) -> None:
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            raise ValueError("only response_type=code with PKCE (code_challenge_method=S256) is played here")
        if not query.get("client_id") or not query.get("code_challenge"):
            raise ValueError("client_id or code_challenge is missing")
        if not _is_local(query.get("redirect_uri", "")):
            raise ValueError("redirect_uri must lead back to this machine")

    def _page(self, query: Mapping[str, str]) -> str:
        entries = []
        for number, person in enumerate(self.people):
            address = "?" + urlencode({**query, "person": number})
            first, groups = person["name"].split()[0], ", ".join(person["groups"])
            entries.append(
                f'<a class="button{"" if number == 0 else " quiet"}" href="{escape(address)}">'
                f"Continue as {escape(first)}, {escape(groups)}</a>"
            )
        return _PAGE.replace("{title}", escape(self.title)).replace("{people}", "\n".join(entries))


def _query(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.target.partition("?")[2]))


def _is_local(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.hostname in ("localhost", "127.0.0.1")


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _encode(part: Mapping[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _html(text: str) -> Response:
    headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", _POLICY),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ]
    return Response(200, headers, text.encode())
