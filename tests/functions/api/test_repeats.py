"""Idempotency keys: what is sent again is not done again."""

import json

import pytest

from postroad_aws.storage import definitions, keys, requests
from tests.functions.api.client import WHATEVER, ask, call, problem, segment

PUBLISH = "/api/v1/definitions/segment/vip/publish"


@pytest.fixture
def draft(account):
    call("PUT", "/api/v1/definitions/segment/vip", body=segment())
    return account


def publish(name="a", **more):
    return ask("POST", PUBLISH, headers={"idempotency-key": name}, **more)


def test_the_same_request_again_is_not_done_again_and_gets_the_same_answer(draft):
    first, second = publish(), publish()
    assert (first["statusCode"], first["body"]) == (second["statusCode"], second["body"])
    assert "idempotent-replayed" not in first["headers"]
    assert second["headers"]["idempotent-replayed"] == "true"
    assert json.loads(first["body"])["versions"] == {"segment/vip": 1}
    assert definitions.find_manifest().live["segment/vip"].version == 1


def test_another_key_or_none_does_it_again(draft):
    publish("a")
    assert json.loads(publish("b")["body"])["versions"] == {"segment/vip": 2}
    assert call("POST", PUBLISH)[1]["versions"] == {"segment/vip": 3}


def test_a_day_later_it_is_done_again(draft):
    publish()
    draft.advance(86_390)
    assert json.loads(publish()["body"])["versions"] == {"segment/vip": 1}
    draft.advance(20)
    assert json.loads(publish()["body"])["versions"] == {"segment/vip": 2}


@pytest.mark.parametrize(
    ("path", "query", "body"),
    [("/api/v1/definitions/segment/vip/withdraw", "", None), (PUBLISH, "x=1", None), (PUBLISH, "", "{}")],
)
def test_a_key_stands_for_one_request(draft, path, query, body):
    publish()
    answer = call("POST", path, query, body, headers={"idempotency-key": "a"})
    assert problem(answer)[0] == 422
    assert answer[1]["type"].endswith("#reused-key")


def test_two_callers_may_choose_the_same_key(draft):
    keys.save_key("other-key", keys.Key("api", "other"))
    publish()
    assert json.loads(publish()["body"])["versions"] == {"segment/vip": 1}
    other = publish(key="other-key")
    assert json.loads(other["body"])["versions"] == {"segment/vip": 2}


def test_what_was_refused_may_be_sent_again(account):
    assert publish()["statusCode"] == 404
    call("PUT", "/api/v1/definitions/segment/vip", body=segment())
    assert publish()["statusCode"] == 200


def test_while_the_first_is_under_way_the_second_waits(draft, monkeypatch):
    seen = []
    find = definitions.find_manifest

    def meanwhile():
        monkeypatch.setattr(definitions, "find_manifest", find)
        seen.append(publish())
        return find()

    monkeypatch.setattr(definitions, "find_manifest", meanwhile)
    assert publish()["statusCode"] == 200
    assert (seen[0]["statusCode"], seen[0]["headers"]["retry-after"]) == (409, "1")
    assert definitions.find_manifest().live["segment/vip"].version == 1


def test_what_was_begun_and_never_finished_is_done_after_a_minute(draft):
    assert requests.begin(*_begun_by("a", draft.now())) is None
    assert publish()["statusCode"] == 409
    draft.advance(requests.ABANDONED_SECONDS + 1)
    assert publish()["statusCode"] == 200


def _begun_by(key, now):
    """A claim like that of a process that died."""
    from functions.api.repeats import _hash

    caller = keys.hash_key("demo-api-key").encode()
    path = PUBLISH.removeprefix("/api/v1").encode()
    return _hash(caller, key.encode()), _hash(path, b"", b""), "somebody", now


def test_what_was_done_is_answered_also_when_the_answer_cannot_be_kept(draft, monkeypatch):
    monkeypatch.setattr(requests, "finish", lambda *_: (_ for _ in ()).throw(ConnectionError()))
    assert json.loads(publish()["body"])["versions"] == {"segment/vip": 1}
    assert publish()["statusCode"] == 409


@pytest.mark.parametrize("key", ["", "é", "x" * 256, "a\nb"])
def test_a_key_is_a_short_text(draft, key):
    assert problem(call("POST", PUBLISH, headers={"idempotency-key": key}))[0] == 400
    assert "segment/vip" not in definitions.find_manifest().live


def test_a_put_needs_none(draft):
    headers = {**WHATEVER, "idempotency-key": "a"}
    for description in ("one", "two"):
        call("PUT", "/api/v1/definitions/segment/vip", body=segment(description=description), headers=headers)
    assert call("GET", "/api/v1/definitions/segment/vip")[1]["document"]["description"] == "two"
