"""Payload format 2.0, and which route a request takes. The expected events are those of AWS's documentation."""

import base64

import pytest

from localcloud.gateway import Gateway, Request, Route, event_of, response_of

ROUTES = [
    "GET /pets/dog/1",
    "GET /pets/dog/{id}",
    "GET /pets/{proxy+}",
    "ANY /pets/{proxy+}",
    "ANY /{proxy+}",
    "ANY /$default",
]


def request(method="GET", target="/", headers=(), body=b""):
    return Request(method, target, [("Host", "localhost:8080"), *headers], body, "127.0.0.1", 1_795_000_000.5)


def event(target="/a", headers=(), body=b"", method="POST", path="/{proxy+}"):
    route = Route.parse(path, "ANY", "f")
    raw_path = target.partition("?")[0]
    return event_of(request(method, target, headers, body), route, raw_path, route.pattern.fullmatch(raw_path))


@pytest.mark.parametrize(
    ("method", "path", "chosen"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1"),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}"),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}"),
        ("POST", "/pets/dog/1", "ANY /pets/{proxy+}"),
        ("POST", "/horses", "ANY /{proxy+}"),
        ("GET", "/", "$default"),
    ],
)
def test_the_most_specific_route_wins_as_aws_documents_it(method, path, chosen):
    routes = sorted(
        (Route.parse(key.split(" ")[1], key.split(" ")[0], "f") for key in reversed(ROUTES)),
        key=lambda route: route.rank,
    )
    taken = next(route for route in routes if route.method in (method, "ANY") and route.pattern.fullmatch(path))
    assert taken.key == chosen


def test_headers_are_lower_case_and_joined_and_cookies_stand_apart():
    made = event(headers=[("X-A", "1"), ("x-a", "2"), ("Cookie", "a=1; b=2"), ("Connection", "close")])
    assert made["headers"]["x-a"] == "1,2"
    assert made["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in made["headers"]
    assert "connection" not in made["headers"]
    assert made["headers"]["x-forwarded-for"] == "127.0.0.1"


def test_query_values_are_decoded_and_joined_and_the_raw_query_is_kept():
    made = event("/a?x=1&x=2%2C3&y=&z=%C3%BC")
    assert made["rawQueryString"] == "x=1&x=2%2C3&y=&z=%C3%BC"
    assert made["queryStringParameters"] == {"x": "1,2,3", "y": "", "z": "ü"}


def test_what_a_request_lacks_is_absent():
    made = event("/a", method="GET")
    assert not {"cookies", "queryStringParameters", "body", "stageVariables"} & set(made)
    assert made["rawQueryString"] == ""
    assert made["isBase64Encoded"] is False


@pytest.mark.parametrize(
    ("kind", "is_text"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("text/plain", True),
        ("application/xml", True),
        ("application/javascript", True),
        ("application/x-www-form-urlencoded", False),
        ("application/jsonp", False),
        ("application/octet-stream", False),
        ("", False),
    ],
)
def test_only_text_bodies_go_as_text(kind, is_text):
    made = event(headers=[("Content-Type", kind)], body=b'{"a": 1}')
    assert made["isBase64Encoded"] is not is_text
    assert made["body"] == ('{"a": 1}' if is_text else base64.b64encode(b'{"a": 1}').decode())


def test_the_request_context_names_route_time_and_caller():
    context = event("/v1/track", path="/v1/{proxy+}")["requestContext"]
    assert context["routeKey"] == "ANY /v1/{proxy+}"
    assert context["http"] == {
        "method": "POST",
        "path": "/v1/track",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "",
    }
    assert (context["stage"], context["timeEpoch"], context["time"]) == (
        "$default",
        1_795_000_000_500,
        "18/Nov/2026:11:06:40 +0000",
    )


def test_path_parameters_carry_what_the_variables_matched():
    assert event("/v1/a/b", path="/v1/{proxy+}")["pathParameters"] == {"proxy": "a/b"}


def test_an_answer_without_status_is_the_body():
    made = response_of({"hello": "world"})
    assert (made.status, made.body, made.headers) == (
        200,
        b'{"hello": "world"}',
        [("content-type", "application/json")],
    )


def test_cookies_and_bytes_of_an_answer_arrive():
    made = response_of(
        {
            "statusCode": 201,
            "headers": {"Content-Type": "image/gif"},
            "cookies": ["a=1", "b=2"],
            "isBase64Encoded": True,
            "body": "AAEC",
        }
    )
    assert (made.status, made.body) == (201, b"\0\1\2")
    assert made.headers == [("content-type", "image/gif"), ("set-cookie", "a=1"), ("set-cookie", "b=2")]


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "many"},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "isBase64Encoded": True, "body": "%"},
        {"statusCode": 200, "headers": {"x": "a\r\nb: c"}},
    ],
)
def test_an_answer_that_is_none_is_an_internal_error(answer):
    with pytest.raises((ValueError, TypeError)):
        response_of(answer)


def test_bodies_beyond_the_gateways_limit_never_reach_the_function():
    def invoke(**_):
        raise AssertionError("called")

    gateway = Gateway([Route.parse("/$default", "ANY", "f")], invoke)
    too_large = gateway.handle(request("POST", "/", [("Content-Type", "text/plain")], b"x" * (10 * 1024 * 1024 + 1)))
    too_long = gateway.handle(request("POST", "/", [("Content-Type", "image/png")], b"x" * (5 * 1024 * 1024)))
    assert (too_large.status, too_long.status) == (413, 413)


def test_the_bare_address_leads_to_the_inbox_unless_the_product_has_a_front_page():
    def invoke(**arguments):
        raise AssertionError("nothing is asked")

    request = Request("GET", "/", [], b"", "127.0.0.1")
    answer = Gateway([], invoke).handle(request)
    assert (answer.status, answer.headers) == (302, [("location", "/_local/inbox")])
    assert Gateway([], invoke).handle(Request("POST", "/", [], b"", "127.0.0.1")).status == 404
