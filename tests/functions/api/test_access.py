"""Who may call, and which addresses there are."""

import json

import pytest

from postroad_aws.storage import keys
from tests.functions.api.client import ask, call, paths, problem


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer"}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": "Bearer nobody"}, 401),
        ({"authorization": "Basic ZGVtby1hcGkta2V5Og=="}, 401),
        ({"authorization": "demo-api-key"}, 401),
        ({"authorization": "Bearer " + "x" * 9_000}, 401),
        ({"authorization": "Bearer \ud800"}, 401),
        ({"authorization": "Bearer demo-write-key"}, 403),
    ],
)
def test_without_an_api_key_nothing_is_readable(ana, headers, status):
    for path in ("/api/v1/contacts", f"/api/v1/contacts/{ana.contact_id}", "/api/v1/quarantine", "/api/v1/definitions"):
        found, sentence = problem(call("GET", path, key=None, headers=headers))
        assert found == status
        assert "key" in sentence


def test_a_disabled_key_opens_nothing(account):
    keys.save_key("old-key", keys.Key("api", "old", disabled_at=1.0))
    assert problem(call("GET", "/api/v1/contacts", key="old-key"))[0] == 401


def test_a_bearer_is_known_in_any_case_and_spacing(account):
    headers = {"Authorization": "bearer  demo-api-key "}
    assert call("GET", "/api/v1/contacts", key=None, headers=headers)[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v1/nothing"), ("GET", "/api/v2/contacts"), ("GET", "/api/v1//contacts"), ("POST", "/api/v1/"),
     ("GET", "/api/v1/contacts/a/b/c"), ("GET", "/api/v1/messages/"), ("GET", "/api/v1/contacts\u0000")],
)  # fmt: skip
def test_what_is_no_route_is_404(account, method, path):
    assert problem(call(method, path))[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "/contacts", "GET"), ("DELETE", "/definitions/segment/vip", "GET, PUT"), ("HEAD", "/contacts", "GET"),
     ("GET", "/definitions/publish", "POST"), ("OPTIONS", "/keys", "GET, POST"), ("GARBAGE", "/messages/x", "GET"),
     ("DELETE", "/imports/check", "POST"), ("DELETE", "/imports/x", "GET")],
)  # fmt: skip
def test_a_wrong_method_is_told_those_that_are_taken(account, method, path, allowed):
    answer = ask(method, f"/api/v1{path}")
    assert (answer["statusCode"], answer["headers"]["allow"]) == (405, allowed)
    assert json.loads(answer["body"])["type"] == "/api/v1/docs#wrong-method"


def test_a_missing_key_is_told_how_to_send_one(account):
    answer = ask("GET", "/api/v1/contacts", key=None)
    assert (answer["statusCode"], answer["headers"]["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("query", "path"),
    [("limt=5", "limt"), ("edit=3", "edit"), ("=", ""), ("%00=1", None), ("limit=5&limit=6", None), ("limit", "limit"),
     ("limit=", "limit"), ("identity=", "identity"), ("cursor=%FF%FE", None), ("a" * 5_000, None)],
)  # fmt: skip
def test_a_parameter_that_nobody_knows_or_can_read_is_refused(account, query, path):
    answer = call("GET", "/api/v1/contacts", query)
    assert problem(answer)[0] == 400
    if path is not None:
        assert paths(answer) == [path]
