"""The marketer's web console: every request passes the same four questions, then a page answers it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

from functions.console import pages
from functions.console.requests import Request, RequestError, TooLargeError, is_storable, read_request
from functions.console.responses import Response, redirect, to_answer
from functions.console.routes import ROUTES
from functions.console.routing import find_route
from functions.console.sessions import cookie_name, find_session
from postroad.errors import DefinitionError
from postroad_aws import clock
from postroad_aws.observability import logger
from postroad_aws.settings import settings
from postroad_aws.storage import CursorError, NotFoundError, VersionConflictError, keys

SAFE_METHODS = ("GET", "HEAD")

_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (VersionConflictError, 409),
    (DefinitionError, 422),
    (NotFoundError, 404),
    (CursorError, 400),
    (TooLargeError, 413),
    (RequestError, 400),
    (keys.StackSecretError, 503),
)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """An HTTP API event, payload version 2.0."""
    try:
        request = read_request(event, clock.now(), settings().base_url)
    except TooLargeError as error:
        return {"statusCode": 413, "headers": {"content-type": "text/plain; charset=utf-8"}, "body": str(error)}
    is_head = event["requestContext"]["http"]["method"] == "HEAD"
    return to_answer(serve(request), request.headers.get("accept-encoding", ""), head=is_head)


def serve(request: Request) -> Response:
    """From our own pages? Signed in? Is there such a page? May this person open it? Then it answers."""
    if request.method not in SAFE_METHODS and not is_ours(request):
        return pages.problem(request, 403, "This came from another site, so nothing was done.")
    try:
        found = find_route(ROUTES, request.method, request.path)
        if found.route is None or found.route.role is not None:
            request = replace(request, session=_find_session(request))
            if request.session is None:
                return _ask_to_sign_in(request)
        if found.route is None:
            if found.methods:
                return pages.problem(request, 405, "This page does not do that.").with_(allow=", ".join(found.methods))
            return pages.problem(request, 404, "There is no such page. The menu lists those that there are.")
        if request.session and not request.session.may(found.route.role):
            return pages.problem(
                request, 403, f"This needs the role {found.route.role}; yours is {request.session.role}."
            )
        if not all(map(is_storable, found.variables.values())):
            return pages.problem(request, 404, "Nothing has an address like this.")
        return found.route.answer(replace(request, variables=found.variables))
    except Exception as error:
        return _explain(request, error)


def is_ours(request: Request) -> bool:
    """Whether one of our own pages sent this: the browser itself says so, and no page can make it say otherwise."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("origin")
    if origin is None:
        return site is not None
    return _host(origin) in (_host(request.origin), request.headers.get("host"))


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _find_session(request: Request) -> Any:
    token = request.cookies.get(cookie_name("session", request.origin.startswith("https:")), "")
    return find_session(token, keys.derive_key("sessions"), request.now) if token else None


def _ask_to_sign_in(request: Request) -> Response:
    if request.method not in SAFE_METHODS:
        return pages.problem(request, 401, "Your session is over, so nothing was done. Sign in and do it again.")
    if request.is_fragment:
        # Fetched in the background: the whole page has to go.
        return Response(401, b"").with_(hx_refresh="true", cache_control="no-store")
    return redirect(f"/console/sign-in?back={quote(request.address, safe='')}")


def _explain(request: Request, error: Exception) -> Response:
    for kind, status in _STATUS:
        if isinstance(error, kind):
            mistakes = [f"{path}: {sentence}" for path, sentence in getattr(error, "mistakes", ())]
            return pages.problem(request, status, " ".join(mistakes) or str(error))
    logger.exception("a page of the console failed", path=request.path)
    return pages.problem(request, 500, "Something went wrong on our side; the log says what.")
