"""The JSON API for developers: everything under /api/v1, with an API key as a Bearer token."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError as NoRouteError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from functions.api import problems
from functions.api.requests import is_storable
from functions.api.routes import contacts, definitions, messages, quarantine
from postroad_aws.storage import keys

app = APIGatewayHttpResolver()
app.include_router(contacts.router, prefix="/api/v1")
app.include_router(definitions.router, prefix="/api/v1")
app.include_router(messages.router, prefix="/api/v1")
app.include_router(quarantine.router, prefix="/api/v1")


def require_api_key(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[Any]:
    """Nothing here is readable without a key for the JSON API; a write key opens nothing."""
    scheme, _, offered = (app.current_event.headers.get("authorization") or "").partition(" ")
    offered = offered.strip()
    key = keys.find_key(offered) if scheme.lower() == "bearer" and offered and is_storable(offered) else None
    if key is None:
        return problems.answer(401, "Send an API key: Authorization: Bearer <key>.")
    if key.kind != "api":
        return problems.answer(403, "This is a write key, which may only send events; the API takes an API key.")
    if not is_storable(app.current_event.path):
        return problems.answer(404, "Nothing has a name like this.")
    return next_middleware(app)


app.use(middlewares=[require_api_key])


@app.not_found
def no_route(error: NoRouteError) -> Response[Any]:
    return problems.answer(404, "There is no such address in this API; docs/api.md lists them.")


@app.exception_handler(Exception)
def any_error(error: Exception) -> Response[Any]:
    return problems.from_exception(error)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An HTTP API event, payload version 2.0."""
    return app.resolve(event, context)
