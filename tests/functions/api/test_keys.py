"""Keys: made, shown once, listed, disabled."""

import json
import zlib

import pytest

from postroad_aws.clients import get_client
from postroad_aws.storage import keys
from tests.functions.api.client import MARKUP, call, paths, problem


def make(**body):
    return call("POST", "/api/v1/keys", body={"kind": "api", "name": "a script", **body})


@pytest.mark.parametrize(
    ("kind", "prefix", "stored"),
    [("api", "ak_", ("api", True)), ("write", "wk_", ("write", True)), ("browser", "bk_", ("write", False))],
)  # fmt: skip
def test_a_key_of_each_kind_is_made_and_opens_what_it_should(account, kind, prefix, stored):
    status, made = make(kind=kind, name=MARKUP, source="shop-2")
    assert status == 201
    assert made["key"].startswith(prefix)
    assert (made["kind"], made["name"], made["source"], made["disabled_at"]) == (kind, MARKUP, "shop-2", None)
    found = keys.find_key(made["key"])
    assert (found.kind, found.trusted, found.source) == (*stored, "shop-2")
    assert call("GET", "/api/v1/contacts", key=made["key"])[0] == (200 if kind == "api" else 403)


def test_a_key_is_shown_once_and_stored_as_a_hash(account):
    made = make()[1]
    listed = call("GET", "/api/v1/keys")[1]["items"]
    assert {key["name"] for key in listed} == {"a script", ""}
    assert all("key" not in key for key in listed)
    stored = json.dumps(get_client("dynamodb").scan(TableName="Keys")["Items"], default=str)
    assert made["key"] not in stored
    assert made["key_id"] in stored


def test_a_repeated_answer_keeps_the_key_to_itself(account):
    body, headers = {"kind": "write", "name": "shop"}, {"idempotency-key": "a"}
    first, second = (call("POST", "/api/v1/keys", body=body, headers=headers) for _ in range(2))
    assert second == (201, {**first[1], "key": None})
    kept = [zlib.decompress(item["answer"]["B"]) for item in get_client("dynamodb").scan(TableName="Requests")["Items"]]
    assert kept
    assert not [answer for answer in kept if first[1]["key"].encode() in answer]
    assert len(call("GET", "/api/v1/keys")[1]["items"]) == 3


def test_a_disabled_key_opens_nothing_any_more(account):
    made = make()[1]
    assert call("GET", "/api/v1/keys", key=made["key"])[0] == 200
    status, disabled = call("POST", f"/api/v1/keys/{made['key_id']}/disable")
    assert status == 200
    assert disabled["disabled_at"]
    assert call("GET", "/api/v1/keys", key=made["key"])[0] == 401
    assert call("POST", f"/api/v1/keys/{made['key_id']}/disable") == (200, disabled)


def test_a_key_does_not_lock_itself_out(account):
    key_id = keys.hash_key("demo-api-key")
    assert problem(call("POST", f"/api/v1/keys/{key_id}/disable"))[0] == 409
    assert call("GET", "/api/v1/keys")[0] == 200


@pytest.mark.parametrize("key_id", ["nobody", "secret", "x" * 64, "ü"])
def test_what_is_no_key_is_not_disabled(account, key_id):
    assert problem(call("POST", f"/api/v1/keys/{key_id}/disable"))[0] == 404
    assert keys.get_stack_secret() == b"s" * 32


@pytest.mark.parametrize(
    ("body", "path"),
    [({"kind": "root"}, "kind"), ({"kind": 1}, "kind"), ({"kind": None}, "kind"), ({"name": ""}, "name"),
     ({"name": "x" * 101}, "name"), ({"name": "a\nb"}, "name"), ({"source": []}, "source"), ({"sourc": "a"}, "sourc"),
     ({"trusted": True}, "trusted")],
)  # fmt: skip
def test_a_wrong_field_is_named(account, body, path):
    answer = make(**body)
    assert problem(answer)[0] == 422
    assert paths(answer) == [path]
    assert len(call("GET", "/api/v1/keys")[1]["items"]) == 2


def test_an_empty_body_is_told_what_is_missing(account):
    assert paths(call("POST", "/api/v1/keys", body={})) == ["kind", "name"]
