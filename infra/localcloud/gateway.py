"""API Gateway's HTTP API: finds a request's route, calls its function with payload format 2.0, gives back the answer.

Format and limits: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html and
http-api-quotas.html. Only text/*, application/json, application/xml and application/javascript go as text.
"""

import base64
import json
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from botocore.exceptions import ClientError

from localcloud.deploy import Stack

BODY_LIMIT = 10 * 1024 * 1024  # of an HTTP API
EVENT_LIMIT = 6 * 1024 * 1024  # of a Lambda invocation, both ways
TEXT = re.compile(r"text/|application/(json|xml|javascript)\s*(;|$)", re.IGNORECASE)
HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    address: str
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @classmethod
    def of(cls, status: int, value: Any) -> "Response":
        return cls(status, [("content-type", "application/json")], json.dumps(value).encode())


@dataclass(frozen=True, slots=True)
class Route:
    key: str
    method: str
    pattern: re.Pattern[str]
    names: list[str]
    function: str
    rank: tuple[Any, ...]
    variables: Mapping[str, str] = field(default_factory=dict)  # of the stage

    @classmethod
    def parse(cls, path: str, method: str, function: str, variables: Mapping[str, str] | None = None) -> "Route":
        if path == "/$default":
            return cls("$default", "ANY", re.compile(".*", re.DOTALL), [], function, (2,), variables or {})
        names: list[str] = []
        parts: list[str] = []
        for part in path.strip("/").split("/"):
            variable = re.fullmatch(r"\{(.+?)(\+)?\}", part)
            names += [variable[1]] if variable else []
            parts.append(re.escape(part) if not variable else "(.+)" if variable[2] else "([^/]+)")
        # A full match wins over a variable, a variable over a greedy one; then the exact method over ANY.
        rank = (0 if not names else 1, ["(.+)" in parts] + [part.startswith("(") for part in parts], method == "ANY")
        pattern = re.compile("/" + "/".join(parts), re.DOTALL)
        return cls(f"{method} {path}", method, pattern, names, function, rank, variables or {})


def routes_of(stack: Stack) -> list[Route]:
    """The routes of the template's HTTP APIs, best match first."""
    routes = []
    for key, api in stack.of_type("AWS::ApiGatewayV2::Api").items():
        variables = _stage_variables(stack, key)
        for path, methods in api["Properties"].get("Body", {}).get("paths", {}).items():
            for method, operation in methods.items():
                uri = json.dumps(operation.get("x-amazon-apigateway-integration", {}).get("uri", ""))
                if found := re.search(r"\$\{(\w+)\.Arn\}", uri):
                    name = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
                    routes.append(Route.parse(path, name, stack.names[found[1]], variables))
    return sorted(routes, key=lambda route: route.rank)


def _stage_variables(stack: Stack, api: str) -> dict[str, str]:
    """The variables of an API's stage: texts, or what a Ref names."""
    variables: dict[str, str] = {}
    for stage in stack.of_type("AWS::ApiGatewayV2::Stage").values():
        if stage["Properties"].get("ApiId") == {"Ref": api}:
            for name, value in stage["Properties"].get("StageVariables", {}).items():
                variables[name] = stack.names[value["Ref"]] if isinstance(value, dict) else str(value)
    return variables


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def event_of(request: Request, route: Route, path: str, found: re.Match[str]) -> dict[str, Any]:
    """The request as payload format 2.0. What a request lacks is absent, not empty."""
    query = request.target.partition("?")[2]
    lowered = [(name.lower(), value) for name, value in request.headers]
    headers = _joined((name, value) for name, value in lowered if name not in HOP_BY_HOP and name != "cookie")
    host = headers.get("host", "localhost")
    headers |= {
        "x-forwarded-for": ", ".join(filter(None, [headers.get("x-forwarded-for"), request.address])),
        "x-forwarded-port": host.partition(":")[2] or "80",
        "x-forwarded-proto": "http",
        "x-amzn-trace-id": f"Root=1-{int(request.time):08x}-{uuid.uuid4().hex[:24]}",
    }
    cookies = [each.strip() for name, value in lowered if name == "cookie" for each in value.split(";") if each.strip()]
    is_text = TEXT.match(headers.get("content-type", "").strip())
    if is_text:
        try:
            body = request.body.decode()
        except UnicodeDecodeError:
            is_text = None
    event = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": query,
        "cookies": cookies,
        "headers": dict(sorted(headers.items())),
        "queryStringParameters": _joined(parse_qsl(query, keep_blank_values=True)),
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": host.partition(":")[0],
            "domainPrefix": host.partition(":")[0].partition(".")[0],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.address,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": uuid.uuid4().hex[:16],
            "routeKey": route.key,
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(request.time)),
            "timeEpoch": int(request.time * 1000),
        },
        "stageVariables": dict(route.variables),
        "pathParameters": dict(zip(route.names, found.groups(), strict=True)),
        "body": body if is_text else base64.b64encode(request.body).decode(),
        "isBase64Encoded": bool(request.body) and not is_text,
    }
    return {key: value for key, value in event.items() if value not in ({}, [], "") or key == "rawQueryString"}


def response_of(answer: Any) -> Response:
    """A function's answer as HTTP; without a statusCode the whole answer is the body.

    Raises ValueError or TypeError when it is no answer.
    """
    if not isinstance(answer, dict) or "statusCode" not in answer:
        body = answer if isinstance(answer, str) else json.dumps(answer)
        return Response(200, [("content-type", "application/json")], body.encode())
    body = answer.get("body") or ""
    if not isinstance(body, str):
        raise ValueError("the body must be text")
    headers = [
        (str(name).lower(), value if isinstance(value, str) else json.dumps(value))
        for name, value in (answer.get("headers") or {}).items()
    ]
    if body and "content-type" not in dict(headers):
        headers.append(("content-type", "text/plain;charset=utf-8"))
    headers += [("set-cookie", cookie) for cookie in answer.get("cookies") or []]
    if any("\r" in text or "\n" in text for header in headers for text in header):
        raise ValueError("a header holds a line break")
    data = (
        base64.b64decode(body, validate=True)
        if answer.get("isBase64Encoded")
        else body.encode("utf-8", "surrogatepass")
    )
    return Response(int(answer["statusCode"]), headers, data)


class Gateway:
    """One instance per deployed stack."""

    def __init__(self, routes: list[Route], invoke: Any):
        self.routes, self.invoke = routes, invoke

    def handle(self, request: Request) -> Response:
        path = unquote(request.target.partition("?")[0])  # as AWS does: rawPath arrives decoded
        for route in self.routes:
            if route.method in (request.method, "ANY") and (found := route.pattern.fullmatch(path)):
                break
        else:
            if path == "/" and request.method == "GET":
                # A product without a front page gets one: whoever opens the printed address sees something.
                return Response(302, [("location", "/_local/inbox")])
            return Response.of(404, {"message": "Not Found"})
        if len(request.body) > BODY_LIMIT:
            return Response.of(413, {"message": "Request Entity Too Large"})
        payload = json.dumps(event_of(request, route, path, found)).encode()
        if len(payload) > EVENT_LIMIT:
            return Response.of(413, {"message": "Request Too Long"})
        try:
            answer = self.invoke(FunctionName=route.function, Payload=payload)
            data = answer["Payload"].read()
            if answer.get("FunctionError") or len(data) > EVENT_LIMIT:
                return Response.of(500, {"message": "Internal Server Error"})
            return response_of(json.loads(data))
        except ClientError as problem:
            throttled = problem.response["ResponseMetadata"].get("HTTPStatusCode") == 429
            return (
                Response.of(503, {"message": "Service Unavailable"})
                if throttled
                else Response.of(500, {"message": "Internal Server Error"})
            )
        except (ValueError, TypeError):
            return Response.of(500, {"message": "Internal Server Error"})
