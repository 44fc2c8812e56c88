"""The tracking API's wire format: real shapes of real clients, and everything that may go wrong."""

import base64
import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad import events
from postroad.contacts.identities import Identity
from postroad.events import Event
from postroad.tracking.quarantine import parse_reject
from postroad.tracking.wire import (
    BATCH_LIMIT,
    BODY_LIMIT,
    Accepted,
    Refused,
    Request,
    Source,
    parse_pixel,
    parse_request,
    read_events,
)

NOW = datetime(2026, 11, 2, 9, 14, tzinfo=UTC).timestamp()
HOUR = NOW - 14 * 60
SERVER = Source("shop", True)
BROWSER = Source("website", False)
ANA = "8f7c1f1e-2c1d-4a55-9d3a-0c5a1f6a7b01"


def basic(key: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


def send(path: str, document: Any, *, headers: Any = None, source: Source = SERVER, now: float = NOW) -> Accepted:
    request = parse_request(path, headers or {}, {}, json.dumps(document).encode())
    assert isinstance(request, Request), request
    return read_events(request, source, now)


def one(path: str, document: Any, **options: Any) -> Event:
    accepted = send(path, document, **options)
    assert accepted.rejects == ()
    (event,) = accepted.events
    return event


def refusal(body: bytes, path: str = "/v1/batch") -> Refused:
    refused = parse_request(path, basic("k"), {}, body)
    assert isinstance(refused, Refused), refused
    return refused


# --- routes and shapes


@pytest.mark.parametrize(
    ("paths", "call", "name", "properties"),
    [
        (("/v1/identify", "/v1/i"), {"traits": {"plan": "pro"}}, "Identified", {}),
        (("/v1/track", "/v1/t"), {"event": "Left", "properties": {"a": 1}}, "Left", {"a": 1}),
        (("/v1/page", "/v1/p"), {"name": "Home", "category": "D"}, "Page Viewed", {"name": "Home", "category": "D"}),
        (("/v1/screen", "/v1/s"), {"name": "Cart"}, "Screen Viewed", {"name": "Cart"}),
        (
            ("/v1/group", "/v1/g"),
            {"groupId": "acme", "traits": {"createdAt": "2026", "plan": "x"}},
            "Account Joined",
            {"group_id": "acme", "created_at": "2026", "plan": "x"},
        ),
        (("/v1/alias", "/v1/a"), {"previousId": "old-1"}, "Aliased", {}),
    ],
)
def test_each_route_and_its_short_form_read_their_kind_of_call(paths, call, name, properties):
    for path in (*paths, paths[0] + "/"):
        event = one(path, {"userId": "u1", **call})
        assert (event.name, event.properties) == (name, properties)
    (batched,) = send("/v1/batch", {"batch": [{"type": paths[0][4:], "userId": "u1", **call}]}).events
    assert (batched.name, batched.properties) == (name, properties)


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/b", "/v1/import", "/api/public/apps/batch"])
def test_every_batch_route_takes_a_batch_and_a_bare_list(path):
    calls = [{"type": "track", "event": f"Step {n}", "userId": "u1", "messageId": f"m{n}"} for n in range(3)]
    for document in ({"batch": calls}, calls):
        assert [event.event_id for event in send(path, document).events] == ["m0", "m1", "m2"]


def test_a_bare_list_on_a_call_route_is_a_list_of_such_calls():
    accepted = send("/v1/track", [{"event": "A", "userId": "u1"}, {"event": "B", "userId": "u1"}])
    assert [event.name for event in accepted.events] == ["A", "B"]


def test_an_unknown_route_is_404():
    assert refusal(b"{}", "/v1/nothing").status == 404


# As recorded from the clients themselves; see docs/tracking.md for the list.
SEGMENT_PYTHON = {
    "batch": [
        {
            "integrations": {},
            "anonymousId": None,
            "properties": {"total": 12.5},
            "timestamp": "2026-11-02T09:13:58.000000+00:00",
            "context": {"library": {"name": "analytics-python", "version": "2.4.0"}},
            "userId": "user-42",
            "type": "track",
            "event": "Order Completed",
            "messageId": "b5b8c1f0-8d25-4f2f-8c0f-111111111111",
        }
    ],
    "sentAt": "2026-11-02T09:14:00.000000Z",
    "writeKey": "demo-write-key",
}
RUDDER_PYTHON = {
    "batch": [
        {
            "integrations": {"All": True},
            "anonymousId": None,
            "channel": "server",
            "type": "identify",
            "userId": "user-42",
            "originalTimestamp": "2026-11-02T09:13:58.000000+00:00",
            "messageId": "0a",
            "context": {"traits": {"email": "Ana@Example.com", "firstName": "Ana"}, "library": {"name": "rudder"}},
        }
    ],
    "sentAt": "2026-11-02T09:14:00.000000+00:00",
}
RUDDER_NODE = {
    "batch": [
        {
            "type": "track",
            "event": "Signed Up",
            "anonymousId": ANA,
            "_metadata": {"nodeVersion": "22.1.0"},
            "context": {"library": {"name": "@rudderstack/rudder-sdk-node"}},
            "originalTimestamp": "2026-11-02T09:13:59.500Z",
            "messageId": "node-1-2",
        }
    ],
    "sentAt": "2026-11-02T09:14:00.000Z",
}
BROWSER_TRACK = {
    "timestamp": "2026-11-02T09:13:59.500Z",
    "integrations": {"Segment.io": True},
    "anonymousId": ANA,
    "event": "Product Added",
    "type": "track",
    "properties": {"product_id": "p1", "price": 19.9},
    "context": {
        "page": {"path": "/p/1", "referrer": "", "search": "?utm_source=x", "title": "Lamp", "url": "https://shop/p/1"},
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        "userAgentData": {"mobile": False},
        "locale": "es-ES",
        "timezone": "Europe/Madrid",
        "ip": "203.0.113.9",
        "library": {"name": "analytics.js", "version": "next-1.84.3"},
        "campaign": {"source": "x", "name": "autumn"},
    },
    "messageId": "ajs-next-1762074839500-8f7c",
    "writeKey": "demo-browser-key",
    "userId": None,
    "sentAt": "2026-11-02T09:14:00.000Z",
    "_metadata": {"bundled": ["Segment.io"], "unbundled": []},
}


def test_segment_python_sends_null_for_the_anonymous_id_and_its_key_twice():
    body = json.dumps(SEGMENT_PYTHON).encode()
    request = parse_request("/v1/batch", basic("demo-write-key"), {}, body)
    assert isinstance(request, Request)
    assert request.keys == ("demo-write-key",)
    (event,) = read_events(request, SERVER, NOW).events
    assert event.identities == (Identity("user", "user-42"),)
    assert (event.name, event.properties, event.time) == ("Order Completed", {"total": 12.5}, NOW - 2)
    assert event.trusted


def test_rudder_python_sends_traits_in_the_context_and_gzip():
    request = parse_request("/v1/batch", basic("k"), {}, gzip.compress(json.dumps(RUDDER_PYTHON).encode()))
    assert isinstance(request, Request)
    (event,) = read_events(request, SERVER, NOW).events
    assert event.identities == (Identity("user", "user-42"), Identity("email", "ana@example.com"))
    assert event.attributes == {"email": "ana@example.com", "first_name": "Ana"}


def test_rudder_node_sends_gzip_under_a_form_content_type():
    headers = {**basic("k"), "content-type": "application/x-www-form-urlencoded", "content-encoding": "gzip"}
    request = parse_request("/v1/batch", headers, {}, gzip.compress(json.dumps(RUDDER_NODE).encode()))
    assert isinstance(request, Request)
    (event,) = read_events(request, SERVER, NOW).events
    assert (event.name, event.time, event.event_id) == ("Signed Up", NOW - 0.5, "node-1-2")


def test_a_browser_sends_text_plain_with_the_key_in_the_body():
    request = parse_request("/v1/t", {"content-type": "text/plain"}, {}, json.dumps(BROWSER_TRACK).encode())
    assert isinstance(request, Request)
    assert request.keys == ("demo-browser-key",)
    (event,) = read_events(request, BROWSER, NOW).events
    assert event.identities == (Identity("anon", ANA),)
    assert not event.trusted
    assert event.attributes == {"timezone": "Europe/Madrid", "locale": "es-ES"}
    assert event.context == {
        "page": {"path": "/p/1", "search": "?utm_source=x", "title": "Lamp", "url": "https://shop/p/1"},
        "campaign": {"source": "x", "name": "autumn"},
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    }


def test_the_ip_address_and_the_library_are_not_kept():
    event = one("/v1/t", BROWSER_TRACK)
    assert "203.0.113.9" not in json.dumps(event.to_document())
    assert "analytics.js" not in json.dumps(event.to_document())


def test_the_context_of_a_batch_is_merged_into_each_event():
    document = {
        "context": {"timezone": "Europe/Paris", "traits": {"plan": "pro"}},
        "integrations": {"All": True},
        "batch": [
            {"type": "track", "event": "A", "userId": "u1"},
            {"type": "track", "event": "B", "userId": "u1", "context": {"timezone": "Asia/Tokyo"}},
        ],
    }
    first, second = send("/v1/batch", document).events
    assert first.attributes == {"plan": "pro", "timezone": "Europe/Paris"}
    assert second.attributes == {"plan": "pro", "timezone": "Asia/Tokyo"}


# --- keys


@pytest.mark.parametrize(
    ("headers", "query", "document", "keys", "by_address"),
    [
        (basic("k1"), {}, {}, ("k1",), False),
        ({"authorization": "Bearer token"}, {}, {"writeKey": "k2"}, ("token", "k2"), False),
        ({"authorization": "bearer k3"}, {}, {}, ("k3",), False),
        ({"authorization": "k4"}, {}, {}, ("k4",), False),
        ({}, {}, {"writeKey": "k5"}, ("k5",), False),
        ({}, {"writeKey": "k6"}, {}, ("k6",), True),
        (basic("k7"), {"writeKey": "k6"}, {}, ("k7",), False),
        ({"authorization": "Basic ???"}, {}, {}, (), True),
        ({}, {}, {"writeKey": {"a": 1}}, (), True),
        ({}, {}, {"writeKey": "x" * 300}, (), True),
        ({"authorization": "Basic"}, {}, {}, (), True),
    ],
)
def test_a_key_is_found_wherever_clients_put_it(headers, query, document, keys, by_address):
    body = json.dumps({"batch": [], **document}).encode()
    request = parse_request("/v1/batch", headers, query, body)
    assert isinstance(request, Request)
    assert (request.keys, request.by_address) == (keys, by_address)


def test_the_key_of_a_bare_list_is_that_of_its_first_event():
    request = parse_request("/v1/batch", {}, {}, b'[{"writeKey": "k1"}, {"writeKey": "k2"}]')
    assert isinstance(request, Request)
    assert request.keys == ("k1",)


def test_a_key_in_the_address_is_never_trusted():
    request = parse_request("/v1/t", {}, {"writeKey": "k"}, b'{"event": "A", "userId": "u"}')
    assert isinstance(request, Request)
    assert not read_events(request, SERVER, NOW).events[0].trusted


# --- times


@pytest.mark.parametrize(
    ("call", "time", "key_time"),
    [
        ({}, NOW, HOUR),  # a retry within the hour has the same key
        ({"timestamp": NOW - 60}, NOW - 60, NOW - 60),
        ({"timestamp": (NOW - 60) * 1000}, NOW - 60, NOW - 60),
        ({"timestamp": "2026-11-02T08:14:00Z"}, NOW - 3600, NOW - 3600),
        ({"timestamp": "2026-11-02T10:14:00+02:00"}, NOW - 3600, NOW - 3600),
        ({"originalTimestamp": NOW - 3660, "sentAt": NOW - 3600}, NOW - 60, NOW - 3660),  # a clock an hour slow
        ({"timestamp": NOW + 3540, "sentAt": NOW + 3600}, NOW - 60, NOW + 3540),  # a clock an hour fast
        ({"timestamp": NOW - 86400, "originalTimestamp": NOW - 9, "sentAt": NOW}, NOW - 86400, NOW - 9),
        ({"timestamp": NOW - 60, "sentAt": "soon"}, NOW - 60, NOW - 60),
        ({"timestamp": NOW + 9999}, NOW, NOW + 9999),  # nothing happens later than we hear of it
        ({"timestamp": "2999-01-01"}, NOW, 4_102_444_800.0),
        ({"timestamp": "0001-01-01T00:00:00Z"}, NOW, 946_684_800.0),
        ({"timestamp": None, "originalTimestamp": ""}, NOW, HOUR),
    ],
)
def test_the_time_is_corrected_and_the_key_time_comes_from_the_bytes(call, time, key_time):
    event = one("/v1/track", {"event": "A", "userId": "u1", **call})
    assert (event.time, event.key_time) == (time, key_time)


def test_the_batch_tells_when_it_was_sent_unless_the_event_does():
    calls = [
        {"type": "track", "event": "A", "userId": "u", "timestamp": NOW - 100},
        {"type": "track", "event": "B", "userId": "u", "timestamp": NOW - 100, "sentAt": NOW - 50},
    ]
    first, second = send("/v1/batch", {"batch": calls, "sentAt": NOW - 90}).events
    assert (first.time, second.time) == (NOW - 10, NOW - 50)


@given(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.datetimes().map(str)))
def test_no_time_is_later_than_the_receipt_nor_before_the_year_2000(stamp):
    accepted = send("/v1/track", {"event": "A", "userId": "u", "timestamp": stamp, "sentAt": NOW})
    for event in accepted.events:
        assert 946_684_800.0 <= event.time <= NOW
        assert 946_684_800.0 <= event.key_time <= 4_102_444_800.0


# --- ids


def test_a_retry_has_the_same_id_and_the_same_key():
    call = {"type": "track", "event": "A", "userId": "u1", "timestamp": "2026-11-02T09:00:00Z"}
    batch = {"batch": [call], "writeKey": "k"}
    first = send("/v1/batch", {**batch, "sentAt": "2026-11-02T09:14:00Z"}).events[0]
    again = send("/v1/batch", {**batch, "sentAt": "2026-11-02T09:15:00Z"}, now=NOW + 60).events[0]
    assert first.key == again.key
    assert first.event_id.startswith("c-")
    single = one("/v1/track", {**call, "sentAt": "2026-11-02T09:16:00Z", "writeKey": "k"}, now=NOW + 120)
    assert single.key == first.key


def test_without_an_id_and_a_time_the_same_words_an_hour_later_are_a_new_event():
    call = {"event": "Signed In", "userId": "u1"}
    now, retry, later = (one("/v1/track", call, now=NOW + seconds).event_id for seconds in (0, 30, 3600))
    assert now == retry != later


@pytest.mark.parametrize(
    ("message_id", "event_id"),
    [
        ("ajs-next-1762074839500-8f7c", "ajs-next-1762074839500-8f7c"),
        ("a" * 100, "a" * 100),
        ("a" * 101, "h-"),
        ("with space", "h-"),
        ("línea\nnueva", "h-"),
        (42, "h-"),
        ({"a": 1}, "h-"),
        ("", "c-"),
        (None, "c-"),
    ],
)
def test_a_message_id_becomes_a_harmless_event_id(message_id, event_id):
    event = one("/v1/track", {"event": "A", "userId": "u1", "messageId": message_id})
    assert event.event_id.startswith(event_id)
    assert len(event.event_id) <= 100
    assert event.event_id.isascii()


# --- who


@pytest.mark.parametrize(
    "junk",
    ["", " ", "null", "undefined", "0", 0, "anonymous", "00000000-0000-0000-0000-000000000000", None, True, [], {},
     "x" * 256, "NaN"],
)  # fmt: skip
def test_junk_ids_never_identify(junk):
    event = one("/v1/track", {"event": "A", "userId": junk, "anonymousId": ANA})
    assert event.identities == (Identity("anon", ANA),)
    (reject,) = send("/v1/track", {"event": "A", "userId": junk}).rejects
    assert "names nobody" in reject.reason


def test_the_strongest_identity_comes_first():
    traits = {"email": " ANA@example.com ", "phone": "+34 600 123 123"}
    event = one("/v1/identify", {"anonymousId": ANA, "userId": 42, "traits": traits})
    assert [str(identity) for identity in event.identities] == [
        "user:42", "email:ana@example.com", "phone:+34600123123", f"anon:{ANA}",
    ]  # fmt: skip


def test_an_address_in_the_traits_is_enough_to_name_somebody():
    event = one("/v1/identify", {"traits": {"email": "ana@example.com"}})
    assert event.identities == (Identity("email", "ana@example.com"),)


def test_the_traits_of_a_company_are_not_those_of_the_person():
    call = {"userId": "u1", "groupId": "acme", "traits": {"email": "info@acme.com", "name": "Acme"}}
    event = one("/v1/group", call)
    assert event.identities == (Identity("user", "u1"),)
    assert event.attributes == {}
    assert event.properties == {"email": "info@acme.com", "name": "Acme", "group_id": "acme"}


@pytest.mark.parametrize(
    ("call", "previous"),
    [
        ({"previousId": "old-account"}, "user:old-account"),
        ({"previousId": ANA}, f"anon:{ANA}"),
        ({"previousId": "x1", "anonymousId": "x1"}, "anon:x1"),
        ({"previousId": "anon-77"}, "anon:anon-77"),
    ],
)
def test_an_alias_says_which_id_goes(call, previous):
    event = one("/v1/alias", {"userId": "u1", **call})
    assert str(event.previous) == previous
    assert event.identities[0] == Identity("user", "u1")


# --- names


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Completed Order", "Order Completed"),
        ("viewed product", "Product Viewed"),
        ("ORDER COMPLETED", "Order Completed"),
        (" Added Product ", "Product Added"),
        ("My Own Event", "My Own Event"),
        ("Page Viewed", "Page Viewed"),
    ],
)
def test_names_of_the_published_vocabulary_are_known_in_any_case_and_version(sent, kept):
    assert one("/v1/track", {"event": sent, "userId": "u1"}).name == kept


@pytest.mark.parametrize("name", sorted(events.RESERVED))
def test_what_only_postroad_may_say_is_refused(name):
    for spelled in (name, name.upper(), f" {name.lower()} "):
        (reject,) = send("/v1/batch", {"batch": [{"type": "track", "event": spelled, "userId": "u1"}]}).rejects
        assert "Only Postroad" in reject.reason


# --- attributes


def test_reserved_traits_get_snake_case_and_custom_ones_stay():
    traits = {
        "firstName": "Ana",
        "createdAt": "2026-01-01",
        "address": {"postalCode": "28001", "city": "Madrid", "street": None},
        "company": {"employeeCount": 12, "name": "Acme"},
        "favouriteColour": "blue",
        "tags": ["a", "b"],
        "gone": None,
        "": "nameless",
    }
    assert one("/v1/identify", {"userId": "u1", "traits": traits}).attributes == {
        "first_name": "Ana",
        "created_at": "2026-01-01",
        "address": {"postal_code": "28001", "city": "Madrid"},
        "company": {"employee_count": 12, "name": "Acme"},
        "favouriteColour": "blue",
        "tags": ["a", "b"],
    }


def test_a_trait_never_grants_consent():
    event = one("/v1/identify", {"userId": "u1", "traits": {"consent": {"news": True}, "consents": ["news"], "a": 1}})
    assert event.attributes == {"a": 1}


def test_an_address_that_is_none_does_not_become_an_attribute():
    event = one("/v1/identify", {"userId": "u1", "traits": {"email": "nobody", "phone": "12", "name": "Ana"}})
    assert event.attributes == {"name": "Ana"}


@pytest.mark.parametrize("timezone", ["Europe/Madrid", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+5"])
def test_a_time_zone_becomes_an_attribute(timezone):
    call = {"event": "A", "userId": "u1", "context": {"timezone": timezone}}
    assert one("/v1/track", call).attributes == {"timezone": timezone}


@pytest.mark.parametrize("timezone", ["../../etc/passwd", "Madrid", "", 7, None, "Europe/Madrid\n", "x" * 500])
def test_what_does_not_look_like_a_time_zone_does_not(timezone):
    call = {"event": "A", "userId": "u1", "context": {"timezone": timezone}}
    assert one("/v1/track", call).attributes == {}


# --- bad input: the whole request


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "empty"),
        (b"  ", 400, "empty"),
        (b"{", 400, "not JSON"),
        (b'{"batch": [1,]}', 400, "not JSON"),
        (b"{'batch': []}", 400, "line 1, column 2"),
        (b"null", 400, "must be a JSON object"),
        (b"17", 400, "must be a JSON object"),
        (b'"text"', 400, "must be a JSON object"),
        (b"{}", 400, "list named batch"),
        (b'{"batch": {}}', 400, "list named batch"),
        (b'{"batch": [], "context": []}', 400, "context must be an object"),
        (b'{"batch": [], "context": {"a": NaN}}', 400, "number"),
        (b'{"batch": [], "context": {"a": "\\ud800"}}', 400, "surrogate"),
        (json.dumps({"batch": [], "context": {"a": "x" * 5000}}).encode(), 400, "4,096"),
        (nested(50_000).encode(), 400, "nested deeper"),
        (b"[" * 100_000, 400, "nested deeper"),
        (b"\xff\xfe{}", 400, "UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', 400, "UTF-8"),
        (b"\x1f\x8bnonsense", 400, "gzip"),
        (gzip.compress(b"{}").decode(errors="replace").encode(), 400, "read as text"),
        (gzip.compress(b'{"batch": []}' * 50)[:-9], 400, "too early"),
        (gzip.compress(b" " * 50_000_000), 413, "over"),
        (b" " * (BATCH_LIMIT + 1), 413, "over"),
        (b"x" * (10 * 1024 * 1024), 413, f"{BODY_LIMIT:,}"),
        (b"[" + b",".join([b"{}"] * 2501) + b"]", 413, "2,501"),
        (b'{"batch": [' + b"1" * 5000 + b"]}", 200, ""),  # a number of 5,000 digits is one bad event
    ],
    ids=lambda value: str(value)[:24] if not isinstance(value, bytes) else f"{len(value)} bytes",
)
def test_a_body_that_is_no_batch_is_refused_with_a_sentence(body, status, says):
    refused = parse_request("/v1/batch", basic("k"), {}, body)
    if status == 200:
        assert isinstance(refused, Request)
    else:
        assert isinstance(refused, Refused)
        assert refused.status == status
        assert says in refused.sentence
        assert refused.sentence.endswith(".")


def test_a_batch_of_exactly_the_limit_is_taken():
    call = {"type": "track", "event": "A", "userId": "u1", "properties": {"text": ""}}
    empty = len(json.dumps({"batch": [call] * 20}))
    text = "x" * ((BATCH_LIMIT - empty) // 20)
    body = json.dumps({"batch": [{**call, "properties": {"text": text}}] * 20}).ljust(BATCH_LIMIT).encode()
    request = parse_request("/v1/batch", basic("k"), {}, gzip.compress(body))
    assert isinstance(request, Request)
    assert len(read_events(request, SERVER, NOW).events) == 20


# --- bad input: one event of a batch

GOOD = {"type": "track", "event": "Fine", "userId": "u1"}
BAD_CALLS = [
    ("[]", "must be a JSON object"),
    ("null", "must be a JSON object"),
    ('"track"', "must be a JSON object"),
    ("{}", "needs a type"),
    ('{"type": "delete", "userId": "u"}', "needs a type"),
    ('{"type": ["track"], "userId": "u"}', "needs a type"),
    ('{"type": "track", "userId": "u"}', "needs event"),
    ('{"type": "track", "event": "  ", "userId": "u"}', "needs event"),
    ('{"type": "track", "event": 7, "userId": "u"}', "must be text"),
    ('{"type": "track", "event": "a\\u0000b", "userId": "u"}', "must be text"),
    (json.dumps({"type": "track", "event": "x" * 201, "userId": "u"}), "200 is the limit"),
    ('{"type": "track", "event": "A"}', "names nobody"),
    ('{"type": "track", "event": "A", "userId": "u", "properties": []}', "properties must be an object"),
    ('{"type": "track", "event": "A", "userId": "u", "context": "x"}', "context must be an object"),
    ('{"type": "track", "event": "A", "userId": "u", "context": {"traits": 1}}', "traits must be an object"),
    ('{"type": "identify", "userId": "u", "traits": "x"}', "traits must be an object"),
    ('{"type": "track", "event": "A", "userId": "u", "timestamp": "yesterday"}', "timestamp: 'yesterday'"),
    ('{"type": "track", "event": "A", "userId": "u", "timestamp": {}}', "timestamp"),
    ('{"type": "track", "event": "A", "userId": "u", "timestamp": true}', "timestamp"),
    ('{"type": "track", "event": "A", "userId": "u", "properties": {"a": NaN}}', "number"),
    ('{"type": "track", "event": "A", "userId": "u", "properties": {"a": -Infinity}}', "number"),
    ('{"type": "track", "event": "A", "userId": "u", "properties": {"a": 1e999}}', "number"),
    ('{"type": "track", "event": "A", "userId": "u", "properties": {"a": ' + "9" * 6000 + "}}", "number"),
    ('{"type": "track", "event": "A", "userId": "u", "properties": {"a": "\\ud800"}}', "surrogate"),
    ('{"type": "track", "event": "A", "userId": "u", "properties": {"\\udfff": 1}}', "surrogate"),
    ('{"type": "track", "event": "A", "userId": "u", "properties": ' + nested(101) + "}", "nested deeper"),
    (json.dumps({"type": "track", "event": "A", "userId": "u", "properties": {"a": "é" * 16384}}), "32,768"),
    (json.dumps({"type": "identify", "userId": "u", "traits": {"bio": "x" * 5000}}), "'bio' is over"),
    ('{"type": "group", "userId": "u"}', "needs groupId"),
    ('{"type": "alias", "userId": "u"}', "needs previousId"),
    ('{"type": "alias", "anonymousId": "a1", "previousId": "b"}', "needs userId"),
]


@pytest.mark.parametrize(("text", "says"), BAD_CALLS, ids=[says + str(n) for n, (_, says) in enumerate(BAD_CALLS)])
def test_one_bad_event_is_kept_with_its_reason_and_the_others_go_on(text, says):
    body = f'{{"batch": [{json.dumps(GOOD)}, {text}, {json.dumps(GOOD)}]}}'.encode()
    request = parse_request("/v1/batch", basic("k"), {}, body)
    assert isinstance(request, Request)
    accepted = read_events(request, SERVER, NOW)
    assert [event.name for event in accepted.events] == ["Fine", "Fine"]
    (reject,) = accepted.rejects
    assert says in reject.reason
    assert (reject.source, reject.received) == ("shop", NOW)
    assert parse_reject(json.loads(json.dumps(reject.to_document()))) == reject
    reject.raw.encode()


def test_the_same_bad_event_has_the_same_id_again():
    first, again = (send("/v1/batch", [{"type": "?"}], now=now).rejects[0] for now in (NOW, NOW + 999))
    assert first.reject_id == again.reject_id


def test_a_write_key_does_not_travel_with_a_reject():
    (reject,) = send("/v1/track", {"writeKey": "secret-1", "write_key": "secret-1", "userId": "u"}).rejects
    assert reject.raw == '{"userId": "u"}'


def test_a_large_reject_is_cut():
    (reject,) = send("/v1/batch", [{"type": "track", "x": "y" * 200_000}]).rejects
    assert len(reject.raw) == 64 * 1024


def test_a_number_beyond_64_bits_is_kept_as_a_float():
    request = parse_request("/v1/t", {}, {}, b'{"event":"A","userId":"u","properties":{"n":123456789012345678901234}}')
    assert isinstance(request, Request)
    assert read_events(request, SERVER, NOW).events[0].properties == {"n": 1.2345678901234568e23}


def test_odd_but_harmless_names_are_kept():
    properties = {"__proto__": {"x": 1}, "constructor": 1, "": 2, "a.b": 3}
    assert one("/v1/track", {"event": "A", "userId": "u", "properties": properties}).properties == properties


# --- laws

ANY_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("type", "event", "userId", "anonymousId", "traits", "properties", "context", "timestamp", "messageId",
          "groupId", "previousId", "sentAt", "originalTimestamp", "name")  # fmt: skip
ANY_CALL = st.dictionaries(st.sampled_from(FIELDS), ANY_JSON, max_size=8)


def read_any(path: str, body: bytes) -> Request | Refused:
    request = parse_request(path, {}, {}, body)
    if isinstance(request, Request):
        accepted = read_events(request, BROWSER, NOW)
        assert len(accepted.events) + len(accepted.rejects) == len(request.calls)
        json.dumps([item.to_document() for item in (*accepted.events, *accepted.rejects)], allow_nan=False).encode()
    else:
        assert 400 <= request.status < 500
    return request


@given(st.binary(max_size=300), st.sampled_from(["/v1/batch", "/v1/t", "/v1/i", "/v1/x"]))
def test_any_bytes_are_taken_or_refused_and_never_raise(body, path):
    read_any(path, body)
    read_any(path, b"\x1f\x8b" + body)


@given(ANY_CALL, st.sampled_from(["identify", "track", "page", "screen", "group", "alias"]))
def test_any_json_in_any_field_is_an_event_or_a_reject(call, kind):
    read_any(f"/v1/{kind}", json.dumps(call).encode())
    read_any("/v1/batch", json.dumps({"batch": [{**call, "type": kind}], "context": call.get("context")}).encode())


@given(st.lists(st.booleans(), max_size=40))
def test_a_batch_with_k_bad_of_n_events_accepts_n_minus_k_in_order(goods):
    calls = [{"type": "track", "event": f"E{n}", "userId": "u" if good else None} for n, good in enumerate(goods)]
    accepted = send("/v1/batch", calls)
    assert [event.name for event in accepted.events] == [f"E{n}" for n, good in enumerate(goods) if good]
    assert len(accepted.rejects) == goods.count(False)


# --- the pixel


def test_a_pixel_is_a_page_view_of_its_query():
    query = {"writeKey": "k", "anonymousId": ANA, "url": "https://shop/", "title": "Shop", "other": "x"}
    request = parse_pixel(query, {"user-agent": "Mozilla/5.0 (X11)"})
    assert isinstance(request, Request)
    (event,) = read_events(request, SERVER, NOW).events
    assert (event.name, event.properties) == ("Page Viewed", {"url": "https://shop/", "title": "Shop"})
    assert (event.trusted, event.context) == (False, {"user_agent": "Mozilla/5.0 (X11)"})


def test_a_pixel_can_carry_an_event_or_a_whole_call():
    request = parse_pixel({"writeKey": "k", "event": "Ad Seen", "userId": "u1"}, {})
    assert isinstance(request, Request)
    assert read_events(request, SERVER, NOW).events[0].name == "Ad Seen"
    data = base64.b64encode(json.dumps({"writeKey": "k", "event": "Ad?Seen>", "userId": "ü1"}).encode()).decode()
    request = parse_pixel({"data": data.rstrip("=")}, {})
    assert isinstance(request, Request)
    assert request.keys == ("k",)
    assert read_events(request, SERVER, NOW).events[0].name == "Ad?Seen>"


@pytest.mark.parametrize("data", ["", "%%%", "bnVsbA==", "e30x", "W10="])
def test_a_pixel_with_junk_is_refused(data):
    assert isinstance(parse_pixel({"data": data}, {}), Refused)


@given(st.dictionaries(st.sampled_from(["data", "event", "userId", "writeKey", "url", "messageId"]), st.text()))
def test_any_pixel_is_taken_or_refused(query):
    request = parse_pixel(query, {"user-agent": "x"})
    if isinstance(request, Request):
        read_events(request, BROWSER, NOW)


@pytest.mark.parametrize("message_id", ["undefined", "null", "0", 0, "", " ", "00000000-0000-0000-0000-000000000000"])
def test_a_message_id_that_says_nothing_is_none(message_id):
    calls = [{"event": name, "userId": "u1", "messageId": message_id} for name in ("A", "B")]
    ids = {one("/v1/track", call).event_id for call in calls}
    assert len(ids) == 2
    assert all(event_id.startswith("c-") for event_id in ids)
