"""Signing in and out."""

import hmac
from typing import Any
from urllib.parse import quote, urlsplit

from functions.console import pages, sign_in
from functions.console.requests import Request
from functions.console.responses import Response, redirect
from functions.console.sessions import (
    SESSION_SECONDS,
    SIGN_IN_SECONDS,
    Session,
    cookie,
    cookie_name,
    highest_role,
    seal,
    seal_session,
    unseal,
)
from postroad_aws.observability import logger
from postroad_aws.settings import settings
from postroad_aws.sign_in import exchange_code
from postroad_aws.storage import keys


def front(request: Request) -> Response:
    """The bare address leads to the console."""
    return redirect("/console", 302)


def begin(request: Request) -> Response:
    """Off to the sign-in page; a cookie keeps what must come back."""
    back = request.query.get("back", "")
    if _host(request.origin) != request.headers.get("host") and "moved" not in request.query:
        # The sign-in comes back to the stack's own address, and finds its cookie only if it has begun there.
        return redirect(f"{request.origin}/console/sign-in?moved=1&back={quote(back, safe='')}")
    attempt = sign_in.start(back)
    sealed = seal({**attempt._asdict(), "expires": request.now + SIGN_IN_SECONDS}, _key())
    url = sign_in.authorize_url(_service(), _client(request), _callback(request), attempt)
    return redirect(url).with_(cookies=(_cookie(request, "sign-in", sealed, SIGN_IN_SECONDS),))


def finish(request: Request) -> Response:
    """Back from the sign-in page: the code becomes a session."""
    token = request.cookies.get(cookie_name("sign-in", _is_secure(request)), "")
    attempt = unseal(token, _key(), request.now) if token else None
    code, state = request.query.get("code", ""), request.query.get("state", "")
    if not attempt or not code or not hmac.compare_digest(str(attempt.get("state")).encode(), state.encode()):
        return _again(request, "This sign-in was started elsewhere, or took too long.")
    try:
        claims = exchange_code(_service(), _client(request), code, attempt["verifier"], _callback(request))
    except OSError:
        logger.exception("the sign-in service did not answer")
        return _again(request, "The sign-in service did not answer.")
    if claims is None:
        return _again(request, "The sign-in service did not confirm this sign-in.")
    groups = claims.get("cognito:groups")
    role = highest_role(group for group in groups if isinstance(group, str)) if isinstance(groups, list) else None
    email = _said(claims, "email")
    if role is None:
        sentence = "Your account has no role here yet. An admin adds you to the group viewer, marketer or admin."
        return pages.problem(request, 403, sentence)
    session = Session(_said(claims, "name") or email, email, role, request.now + SESSION_SECONDS)
    return redirect(attempt["back"]).with_(
        cookies=(
            _cookie(request, "session", seal_session(session, keys.derive_key("sessions")), SESSION_SECONDS),
            _cookie(request, "sign-in", "", 0),
        )
    )


def sign_out(request: Request) -> Response:
    """Forget the session, here and at the sign-in service."""
    back = f"{request.origin}/console/signed-out"
    url = sign_in.logout_url(_service(), _client(request), back)
    return redirect(url).with_(cookies=(_cookie(request, "session", "", 0),))


def signed_out(request: Request) -> Response:
    return pages.page(request, "session/signed_out.html")


def _again(request: Request, sentence: str) -> Response:
    return pages.page(request, "session/again.html", status=400, sentence=sentence)


def _said(claims: Any, name: str) -> str:
    text = claims.get(name)
    return text[:200] if isinstance(text, str) else ""


def _key() -> bytes:
    return keys.derive_key("sign-ins")


def _service() -> str:
    return settings().require("sign_in_url")


def _client(request: Request) -> str:
    """The stack's client of the sign-in service. It refers to this API, so only the API's stage can name it to us."""
    return request.stage.get("SignInClient", "")


def _callback(request: Request) -> str:
    return f"{request.origin}/console/signed-in"


def _host(origin: str) -> str:
    return urlsplit(origin).netloc


def _is_secure(request: Request) -> bool:
    return request.origin.startswith("https:")


def _cookie(request: Request, name: str, value: str, seconds: float) -> str:
    return cookie(name, value, seconds=seconds, secure=_is_secure(request))
