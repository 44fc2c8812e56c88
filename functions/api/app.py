"""The JSON API for developers: everything under /api/v1, with an API key as a Bearer token."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError as NoMatchError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from functions.api import page, repeats
from functions.api.problems import NoKeyError, NoRouteError, WrongKeyError, WrongMethodError, answer_problem
from functions.api.requests import PREFIX, Request, is_storable
from functions.api.routes import TABLE
from functions.api.routing import JSON, Caller, Route, list_methods
from postroad_aws.storage import keys

app = APIGatewayHttpResolver()


def require_api_key(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[Any]:
    """No route is open without a key for the JSON API; a write key opens nothing."""
    scheme, _, offered = (app.current_event.headers.get("authorization") or "").partition(" ")
    offered = offered.strip()
    key = keys.find_key(offered) if scheme.lower() == "bearer" and offered and is_storable(offered) else None
    if key is None:
        raise NoKeyError("Send an API key: Authorization: Bearer <key>.")
    if key.kind != "api":
        raise WrongKeyError("This is a write key, which may only send events; the API takes an API key.")
    app.append_context(caller=Caller(keys.hash_key(offered), key.source))
    return next_middleware(app)


def _endpoint(route: Route) -> Callable[..., Response[Any]]:
    def answer(**values: str) -> Response[Any]:
        request = Request.of(app.current_event.raw_event)
        caller = app.context["caller"]
        found = repeats.answer_once(request, route, caller, lambda: route.call(request, values, caller))
        headers = {"cache-control": "no-store", **found.headers}
        body = found.body if route.media == JSON else found.document
        return Response(found.status, route.media, body, headers)

    return answer


for _route in TABLE:
    app.route(_route.pattern, _route.method, middlewares=[require_api_key])(_endpoint(_route))
for _path, _serve in page.PAGES.items():
    app.get(PREFIX + _path)(_serve)


@app.not_found
def no_route(error: NoMatchError) -> Response[Any]:
    """Nothing is at this address, or nothing for this method."""
    path, method = app.current_event.path, app.current_event.http_method
    methods = list_methods(TABLE, path)
    if methods and method not in methods:
        return answer_problem(WrongMethodError(method, methods))
    return answer_problem(NoRouteError(f"There is no such address in this API; {PREFIX}/docs shows them all."))


@app.exception_handler(Exception)
def any_error(error: Exception) -> Response[Any]:
    return answer_problem(error)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An HTTP API event, payload version 2.0."""
    return app.resolve(event, context)
