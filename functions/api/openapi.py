"""The OpenAPI 3.1 document, made from the route table; built when it is first asked for."""

import inspect
from functools import cache
from typing import Any

from functions.api.problems import CONTENT_TYPE, PROBLEMS, ProblemDetails
from functions.api.repeats import MAX_KEY
from functions.api.requests import PREFIX
from functions.api.routes import TABLE
from functions.api.routing import Parameter, Route
from functions.api.schemas import MAX_TEXT, schema_of

Json = dict[str, Any]

_ABOUT = """For developers. Send an API key with every request: `Authorization: Bearer <key>`.
Sending events is another API, with write keys: the tracking API under `/v1`."""

_REPEATABLE: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Any text of your own. The same request sent again within 24 hours with the same key is not done "
    "again, and gets the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[ -~]+$"},
}


@cache
def build_document() -> Json:
    """The document as JSON."""
    components: dict[str, Json] = {}
    problem = schema_of(ProblemDetails, components)
    paths: dict[str, Json] = {}
    for route in TABLE:
        paths.setdefault(route.path, {})[route.method.lower()] = _describe(route, components, problem)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Postroad", "version": "1", "description": _ABOUT},
        "servers": [{"url": PREFIX}],
        "security": [{"apiKey": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in TABLE)],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer"}},
        },
        "x-problems": [problem._asdict() for problem in dict.fromkeys(PROBLEMS.values())],
    }


def _describe(route: Route, components: dict[str, Json], problem: Json) -> Json:
    summary, _, description = inspect.getdoc(route.function).partition("\n\n")  # type: ignore[union-attr]
    places = [p for p in route.parameters if p.where in ("path", "query", "header")]
    operation: Json = {
        "operationId": route.function.__name__,
        "tags": [route.tag],
        "summary": " ".join(summary.split()),
        "parameters": [_parameter(p, components) for p in places],
        "responses": {
            str(int(route.status)): {
                "description": "Done.",
                "content": {route.media: {"schema": schema_of(route.hints["return"], components)}},
                **({"headers": {"ETag": {"schema": {"type": "string"}}}} if route.etag else {}),
            },
            "4XX": {"description": "Refused.", "content": {CONTENT_TYPE: {"schema": problem}}},
            "5XX": {"description": "Our fault.", "content": {CONTENT_TYPE: {"schema": problem}}},
        },
    }
    if description:
        operation["description"] = " ".join(description.split())
    if route.method == "POST":
        operation["parameters"].append(_REPEATABLE)
    for body in (p for p in route.parameters if p.where == "body"):
        content = {"application/json": {"schema": schema_of(body.annotation, components)}}
        operation["requestBody"] = {"required": body.is_required, "content": content}
    return operation


def _parameter(parameter: Parameter, components: dict[str, Json]) -> Json:
    schema = schema_of(parameter.annotation, components)
    # An absent parameter is left out; there is no null in a query.
    schema = {**next(iter(schema.pop("anyOf", [{}]))), **schema}
    if schema["type"] == "string" and "enum" not in schema:
        schema = {"minLength": 1, "maxLength": MAX_TEXT, **schema}
    described = {"description": schema.pop("description")} if "description" in schema else {}
    if not parameter.is_required and parameter.default is not None:
        schema["default"] = parameter.default
    return {
        "name": parameter.key,
        "in": parameter.where,
        "required": parameter.is_required,
        **described,
        "schema": schema,
    }
