"""Bad input: a 4xx that says what is wrong, nothing lost of what was right, and a queue that goes on."""

import gzip
import json

import pytest

from tests.stories.client import WRITE_KEY, fresh

KEY = f'"writeKey":"{WRITE_KEY}"'.encode()


def _event(**more):
    return {"type": "track", "userId": "bad-input", "event": "Odd", **more}


def _deep(levels):
    return b"[" * levels + b"]" * levels


WHOLE = {
    "no JSON": (b"{not json", 400),
    "half a JSON": (b'{"batch": [', 400),
    "nothing": (b"", 400),
    "a number": (b"7", 400),
    "a text": (b'"batch"', 400),
    "null": (b"null", 400),
    "no UTF-8": (b'{"batch": [], "x": "\xff\xfe"}', 400),
    "a batch that is an object": (b'{"batch": {}, ' + KEY + b"}", 400),
    "a batch that is a text": (b'{"batch": "[]", ' + KEY + b"}", 400),
    "a context that is a list": (b'{"batch": [], "context": [], ' + KEY + b"}", 400),
    "nested 100,000 deep": (b'{"batch": ' + _deep(100_000) + b"," + KEY + b"}", 400),
    "gzip cut off": (gzip.compress(json.dumps({"batch": [_event()] * 50}).encode())[:-20], 400),
    "a zip bomb": (gzip.compress(b" " * 50_000_000), 413),
    "10 MB": (b'{"batch": ["' + b"x" * 10_000_000 + b'"]}', 413),
    "more than the gateway takes": (b"x" * 11_000_000, 413),
    "600 KB of events": (json.dumps({"batch": [_event(properties={"x": "y" * 1_000})] * 600}).encode(), 413),
    "3,000 events": (json.dumps({"batch": [{"a": 1}] * 3_000}).encode(), 413),
}


@pytest.mark.parametrize("what", WHOLE)
def test_a_request_that_cannot_be_read_is_refused_with_a_sentence(shop, what):
    body, status = WHOLE[what]
    answer = shop.call(
        "POST", "/v1/batch", data=body, auth=(WRITE_KEY, ""), headers={"content-type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    assert len(answer.json()["message"]) > 10
    _good_event_is_folded(shop)


SINGLE = {
    "no name": {"userId": "a"},
    "a name that is a number": {"userId": "a", "event": 7},
    "a name that is an object": {"userId": "a", "event": {}},
    "an endless name": {"userId": "a", "event": "x" * 300},
    "nobody": {"event": "Odd"},
    "ids that are objects": {"userId": {"$gt": ""}, "anonymousId": ["x"], "event": "Odd"},
    "properties that are a list": _event(properties=[1]),
    "a context that is a text": _event(context="page"),
    "a time that is none": _event(timestamp="yesterday"),
    "a time that is an object": _event(timestamp={}),
    "NaN": _event(properties={"x": float("nan")}),
    "Infinity": _event(properties={"x": float("inf")}),
    "half a surrogate pair": _event(properties={"x": "\ud800"}),
    "half a surrogate pair as a name": _event(properties={"\udfff": 1}),
    "nested 150 deep": _event(properties={"x": json.loads(_deep(150))}),
    "40 KB": _event(properties={"x": "y" * 40_000}),
    "a name of ours": _event(event="email opened"),
}


@pytest.mark.parametrize("what", SINGLE)
def test_a_bad_event_alone_is_told_at_once_and_kept(shop, what):
    document = {**SINGLE[what], "messageId": fresh("odd")}
    answer = shop.call("POST", "/v1/track", data=json.dumps(document).encode(), auth=(WRITE_KEY, ""))
    assert answer.status_code == 400, answer.text
    reason = answer.json()["message"]
    assert reason.endswith(".")
    kept = next(item for item in shop.quarantine() if document["messageId"] in item["raw"])
    assert (kept["reason"], kept["source"]) == (reason, "demo-server")


def test_an_empty_batch_is_no_mistake(shop):
    for document in ([], {"batch": []}):
        assert shop.post("/v1/batch", document).status_code == 200


def test_one_bad_event_never_fails_its_batch(shop):
    ana, mark = shop.person("ana"), fresh("mark")
    batch = [
        {"type": "track", "userId": ana.user, "event": "Before", "properties": {"mark": mark}},
        {"type": "track", "userId": ana.user, "properties": {"mark": mark}},
        {"type": "dance", "userId": ana.user, "properties": {"mark": mark}},
        [mark],
        mark,
        {"type": "track", "event": "Whose?", "properties": {"mark": mark}},
        {"type": "track", "userId": ana.user, "event": "NaN", "properties": {"mark": mark, "x": float("nan")}},
        {"type": "track", "userId": ana.user, "event": "After", "properties": {"mark": mark}},
    ]
    body = json.dumps({"batch": batch, "writeKey": WRITE_KEY}).encode()
    answer = shop.call("POST", "/v1/batch", data=body)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert sorted(item["name"] for item in ana.timeline()) == ["After", "Before", "Identified"]
    kept = [item for item in shop.quarantine() if mark in item["raw"]]
    assert sorted(item["reason"] for item in kept) == [
        "A track call needs event.",
        "An event must be a JSON object.",
        "An event must be a JSON object.",
        "An event needs a type; write one of identify, track, page, screen, group, alias.",
        "The event has a number that JSON cannot carry (NaN, Infinity or too large).",
        "The event names nobody: userId and anonymousId are missing, or junk such as null or 0.",
    ]
    assert {item["source"] for item in kept} == {"demo-server"}
    assert not any(WRITE_KEY in item["raw"] for item in kept)


@pytest.mark.parametrize(
    "odd",
    [
        {"someday": {"a": [1, {"b": None}]}, "event_type": 3, "🜁": "🜁"},
        {"properties": {"": 1, "a.b[0]": {"$set": 1}, "__proto__": {}, "x": "\u0000\u202e", "n": 10**30, "e": ""}},
        {"traits": "ignored by track", "integrations": ["All"], "channel": 9, "sentAt": "never"},
        {"context": {"ip": 7, "page": "x", "userAgent": [], "timezone": "Mars/Olympus", "locale": {}}},
    ],
    ids=["unknown keys", "odd properties", "odd fields", "odd context"],
)
def test_what_is_only_odd_is_taken(shop, odd):
    ana = shop.person("ana")
    shop.send("track", {"userId": ana.user, "event": "Odd", **odd})
    assert ana.timeline()[0]["name"] == "Odd"
    _good_event_is_folded(shop, ana)


@pytest.mark.parametrize(
    "traits",
    [
        {"email": "not an address", "phone": "12"},
        {"email": ["a@b.example"], "phone": {}},
        {"age": 1e308, "deep": {"a": {"b": [1, 2]}}, "": "x", "\u0007": 1},
        {"timezone": "Nowhere/Land", "company": {"a": 1}, "created_at": []},
    ],
)
def test_odd_traits_neither_name_anybody_nor_stop_a_mail(shop, traits):
    ana = shop.person("ana")
    shop.identify(ana.user, **traits)
    ana.track("Signed Up")
    assert ana.contact()["identities"] == [f"email:{ana.email}", f"user:{ana.user}"]
    assert len(ana.inbox()) == 1


def test_a_missing_key_is_told_and_nothing_is_kept(shop):
    for key in (None, "wrong-key"):
        answer = shop.post("/v1/track", {"userId": "ana", "event": "x"}, key)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert "write key" in answer.json()["message"]


def test_an_address_that_is_none_says_so(shop):
    for method, path in (
        ("POST", "/v1/nothing"),
        ("POST", "/v1/track/extra"),
        ("PUT", "/v1/track"),
        ("GET", "/v1/batch"),
    ):
        answer = shop.call(method, path, json={}, auth=(WRITE_KEY, ""))
        assert answer.status_code in (404, 405), (method, path)
        assert answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/contacts/nobody", {}, 404),
        ("GET", "/contacts/" + "x" * 3_000, {}, 404),
        ("GET", "/contacts/%00", {}, 404),
        ("GET", "/contacts?identity=ana", {}, 400),
        ("GET", "/contacts?identity=email:nothing", {}, 400),
        ("GET", "/contacts?limit=0", {}, 400),
        ("GET", "/contacts?limit=many", {}, 400),
        ("GET", "/contacts?limit=100000", {}, 400),
        ("GET", "/contacts?cursor=%F0%9F%9C%81", {}, 400),
        ("GET", "/contacts?cursor=eyJhIjoxfQ", {}, 400),
        ("GET", "/messages", {}, 400),
        ("GET", "/messages/none", {}, 404),
        ("GET", "/messages?contact=none", {}, 404),
        ("GET", "/definitions", {}, 400),
        ("GET", "/definitions?kind=spaceship", {}, 400),
        ("GET", "/definitions/segment/none", {}, 404),
        ("GET", "/definitions/segment/customers/versions/x", {}, 404),
        ("GET", "/definitions/segment/customers/versions/99", {}, 404),
        ("PUT", "/definitions/segment/odd", {"data": b"{"}, 400),
        ("PUT", "/definitions/segment/odd", {"data": b"[]"}, 400),
        ("PUT", "/definitions/segment/odd", {"data": b'{"x": NaN}'}, 400),
        ("PUT", "/definitions/segment/odd", {"data": b'{"x": "\\ud800"}'}, 400),
        ("PUT", "/definitions/segment/odd", {"data": b'{"x": ' + _deep(50_000) + b"}"}, 400),
        ("PUT", "/definitions/segment/odd", {"data": b'{"x": ' + _deep(200) + b"}"}, 400),
        ("PUT", "/definitions/segment/odd", {"data": b'{"x": "' + b"y" * 400_000 + b'"}'}, 413),
        ("PUT", "/definitions/segment/odd", {"data": b'{"x": 1e400}'}, 400),
        ("PUT", "/definitions/segment/Odd Id", {"data": b"{}"}, 422),
        ("PUT", "/definitions/spaceship/odd", {"data": b"{}"}, 404),
        ("PUT", "/definitions/segment/odd?edit=3", {"data": b"{}"}, 400),
        ("DELETE", "/definitions/segment/odd", {}, 405),
        ("PATCH", "/contacts", {"data": b"{}"}, 405),
        ("POST", "/definitions/segment/none/publish", {}, 404),
        ("POST", "/definitions/publish", {"data": b"{}"}, 422),
        ("POST", "/definitions/publish", {"data": b'{"definitions": [7]}'}, 422),
        ("POST", "/definitions/publish", {"data": b'{"definitions": ["segment/none"]}'}, 404),
        ("GET", "/nothing", {}, 404),
    ],
)
def test_the_json_api_says_what_is_wrong(shop, method, path, options, status):
    headers = {"authorization": "Bearer demo-api-key", "content-type": "application/json"}
    answer = shop.call(method, f"/api/v1{path}", headers=headers, **options)
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert problem["status"] == status
    assert len(problem["detail"]) > 10
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_json_api_opens_to_an_api_key_only(shop):
    for header, status in (
        (None, 401),
        ("Bearer wrong", 401),
        ("Basic demo-api-key", 401),
        (f"Bearer {WRITE_KEY}", 403),
    ):
        headers = {"authorization": header} if header else {}
        assert shop.call("GET", "/api/v1/contacts", headers=headers).status_code == status


def test_links_that_we_did_not_sign_lead_nowhere(shop):
    ana = shop.person("ana")
    ana.track("Signed Up")
    [mail] = ana.inbox()
    link = mail._path(mail.links()["See the sampler"])
    for path in (link[:-1], link[:-3] + "AAA", "/c/1.x.y", "/c/x", link.replace("/c/", "/o/")):
        answer = shop.call("GET", path)
        assert answer.status_code == 404, path
    for path in ("/u/x", mail.unsubscribe_path[:-2]):
        for method in ("GET", "POST"):
            assert shop.call(method, path).status_code == 404
    assert ana.contact()["consents"] == {}
    assert ana.is_in("welcome") == "first-open"


def _good_event_is_folded(shop, person=None):
    """The queue goes on."""
    user = person.user if person else fresh("good")
    shop.track(user, "Good")
    contact = shop.find(f"user:{user}")
    assert shop.get(f"/contacts/{contact['contact_id']}/timeline")["items"][0]["name"] == "Good"
