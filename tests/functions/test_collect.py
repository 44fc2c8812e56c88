"""The front door over moto: whatever a client sends is on the queue, or the answer says why not."""

import base64
import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from moto import mock_aws

from functions.collect import app
from postroad.content.link_keys import add_key, withdraw_key
from postroad.content.links import Click, Open, Signer, Unsubscribe
from postroad.tracking.packing import unpack
from postroad_aws import links
from postroad_aws.clients import forget_clients, get_client
from postroad_aws.settings import settings
from postroad_aws.storage import keys
from tests.tracking_clients import rudder_client, segment_client

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
TRACK = {"type": "track", "event": "Product Added", "userId": "u1", "messageId": "m1", "properties": {"price": 5}}


class Stack:
    """What the door needs of an account, and what arrived on the queue."""

    def __init__(self) -> None:
        self.dynamodb, self.sqs = get_client("dynamodb"), get_client("sqs")
        self.dynamodb.create_table(
            TableName="keys",
            KeySchema=[{"AttributeName": "key_hash", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "key_hash", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.queue = self.sqs.create_queue(QueueName="events.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]

    def arrived(self) -> tuple[list[Any], list[Any]]:
        """Events and rejects that came since the last look."""
        events: list[Any] = []
        rejects: list[Any] = []
        while answer := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in answer:
                packed = unpack(message["Body"])
                events += packed.events
                rejects += packed.rejects
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return events, rejects


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setenv("KEYS_TABLE", "keys")
    with mock_aws():
        forget_clients()
        keys.forget_keys()
        links.forget()
        made = Stack()
        monkeypatch.setenv("EVENTS_QUEUE_URL", made.queue)
        settings.cache_clear()
        keys.create_stack_secret(b"s" * 32)
        keys.save_key("demo-write-key", keys.Key("write", "demo-server", trusted=True))
        keys.save_key("demo-browser-key", keys.Key("write", "demo-browser"))
        keys.save_key("demo-api-key", keys.Key("api", "demo-api", trusted=True))
        yield made
    settings.cache_clear()
    forget_clients()
    keys.forget_keys()
    links.forget()


def http(
    method: str, target: str, body: bytes | str | None = None, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """What an HTTP API hands over, payload version 2.0; bytes travel as base64."""
    path, _, query = target.partition("?")
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "track.example.com", "x-forwarded-proto": "https", **(headers or {})},
        "requestContext": {"http": {"method": method, "path": path}, "domainName": "track.example.com"},
        "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": isinstance(body, bytes),
    }


def basic(key: str = "demo-write-key") -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


def post(path: str, document: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
    return app.handler(http("POST", path, json.dumps(document), basic() if headers is None else headers), None)


def message_of(answer: dict[str, Any]) -> str:
    document = json.loads(answer["body"])
    assert document["success"] is False
    return str(document["message"])


# --- the tracking API


def test_an_event_is_answered_with_exactly_200_and_is_on_the_queue(stack):
    answer = post("/v1/track", TRACK)
    assert (answer["statusCode"], answer["body"]) == (200, '{"success":true}')
    ((event,), rejects) = stack.arrived()
    assert (event.event_id, event.name, event.trusted, event.source) == ("m1", "Product Added", True, "demo-server")
    assert rejects == []


def test_a_browser_key_is_not_trusted(stack):
    assert post("/v1/t", {**TRACK, "writeKey": "demo-browser-key"}, {"content-type": "text/plain"})["statusCode"] == 200
    ((event,), _) = stack.arrived()
    assert (event.trusted, event.source) == (False, "demo-browser")


def test_a_beacon_carries_its_key_in_the_address_and_is_not_trusted(stack):
    answer = app.handler(http("POST", "/v1/t?writeKey=demo-write-key", json.dumps(TRACK)), None)
    assert answer["statusCode"] == 200
    assert not stack.arrived()[0][0].trusted


@pytest.mark.parametrize("text", [True, False])
def test_gzip_arrives_as_base64_or_as_text(stack, text):
    body: Any = gzip.compress(json.dumps({"batch": [TRACK]}).encode())
    headers = {**basic(), "content-encoding": "gzip", "content-type": "application/json"}
    event = http("POST", "/v1/batch", body.decode("latin-1") if text else body, headers)
    assert app.handler(event, None)["statusCode"] == 200
    assert len(stack.arrived()[0]) == 1


def test_headers_are_known_in_any_case(stack):
    assert post("/v1/track", TRACK, {"Authorization": basic()["authorization"]})["statusCode"] == 200


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({}, "missing"),
        (basic("nobody"), "No source"),
        (basic("demo-api-key"), "JSON API"),
        ({"authorization": "Basic !!!"}, "missing"),
    ],
)
def test_without_a_write_key_nothing_is_taken(stack, headers, says):
    answer = post("/v1/track", TRACK, headers)
    assert answer["statusCode"] == 401
    assert says in message_of(answer)
    assert answer["headers"]["access-control-allow-origin"] == "*"
    assert stack.arrived() == ([], [])


def test_a_bearer_that_is_no_write_key_leaves_the_one_in_the_body(stack):
    answer = post("/v1/track", {**TRACK, "writeKey": "demo-write-key"}, {"authorization": "Bearer an.oauth.token"})
    assert answer["statusCode"] == 200


def test_one_bad_event_of_a_batch_goes_to_quarantine_and_the_others_on(stack):
    batch = [TRACK, {"type": "track", "userId": "u1"}, {**TRACK, "messageId": "m2"}]
    assert post("/v1/batch", {"batch": batch})["statusCode"] == 200
    events, rejects = stack.arrived()
    assert [event.event_id for event in events] == ["m1", "m2"]
    assert [reject.reason for reject in rejects] == ["A track call needs event."]


def test_a_single_bad_call_is_told_and_kept(stack):
    answer = post("/v1/track", {"userId": "u1"})
    assert answer["statusCode"] == 400
    assert message_of(answer) == "A track call needs event."
    assert [reject.source for reject in stack.arrived()[1]] == ["demo-server"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"", 400), (None, 400), (b"\xff\xfe", 400), (b"[" * 9_999, 400), (b"x" * 4_300_000, 413)],
)
def test_a_body_that_cannot_be_read_is_refused_with_a_sentence(stack, body, status):
    answer = app.handler(http("POST", "/v1/batch", body, basic()), None)
    assert answer["statusCode"] == status
    assert message_of(answer).endswith(".")


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/nothing"), ("GET", "/v1/track"), ("PUT", "/v1/track"),
                                              ("GET", "/"), ("POST", "/c/x")])  # fmt: skip
def test_what_is_no_route_is_404(stack, method, path):
    assert app.handler(http(method, path, "{}", basic()), None)["statusCode"] == 404


def test_events_of_many_people_reach_the_queue_in_one_answer(stack):
    batch = [{**TRACK, "userId": f"u{n % 40}", "messageId": f"m{n}"} for n in range(200)]
    assert post("/v1/batch", {"batch": batch})["statusCode"] == 200
    events, _ = stack.arrived()
    assert sorted(event.event_id for event in events) == sorted(f"m{n}" for n in range(200))


def test_a_retry_of_the_sdk_is_not_queued_twice(stack):
    for _ in range(2):
        assert post("/v1/batch", {"batch": [TRACK]})["statusCode"] == 200
    assert len(stack.arrived()[0]) == 1


def test_when_the_queue_refuses_the_sdk_is_asked_to_come_again(stack, monkeypatch):
    failed = {"Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}]}
    monkeypatch.setattr(get_client("sqs"), "send_message_batch", lambda **_: failed)
    answer = post("/v1/track", TRACK)
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "5")


def test_when_aws_fails_the_answer_is_503_and_the_log_names_no_person(stack, capsys):
    stack.sqs.delete_queue(QueueUrl=stack.queue)
    answer = post("/v1/track", {**TRACK, "userId": "ana@example.com"})
    assert (answer["statusCode"], answer["headers"]["retry-after"]) == (503, "5")
    logged = capsys.readouterr().out
    assert "ERROR" in logged
    assert "ana@example.com" not in logged + json.dumps(answer)


def test_a_key_never_shows_in_an_answer_or_a_log(stack, capsys):
    answer = post("/v1/track", {"x": 1}, basic("wrong-secret-key"))
    assert "wrong-secret-key" not in json.dumps(answer) + capsys.readouterr().out


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(body=st.binary(max_size=200), path=st.sampled_from(["/v1/batch", "/v1/t", "/v1/i", "/v1/a"]))
def test_no_body_is_ever_answered_with_a_5xx(stack, body, path):
    assert app.handler(http("POST", path, body, basic()), None)["statusCode"] in (200, 400, 413)


# --- browsers


def test_a_preflight_needs_no_key_and_allows_what_sdks_send(stack):
    asked = {
        "access-control-request-headers": "authorization,content-type,anonymousid,sentat",
        "origin": "https://shop",
    }
    answer = app.handler(http("OPTIONS", "/v1/t", None, asked), None)
    assert answer["statusCode"] == 204
    assert answer["headers"]["access-control-allow-headers"] == "authorization,content-type,anonymousid,sentat"
    odd = {"access-control-request-headers": "a\r\nx: y"}
    plain = app.handler(http("OPTIONS", "/v1/t", None, odd), None)["headers"]
    for name in ("authorization", "content-type", "x-retry-count", "anonymousid", "sentat"):
        assert name in plain["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in plain


def test_the_sdk_settings_name_this_host(stack):
    answer = app.handler(http("GET", "/v1/projects/demo-browser-key/settings"), None)
    target = json.loads(answer["body"])["integrations"]["Segment.io"]
    assert (target["apiKey"], target["apiHost"], target["protocol"]) == (
        "demo-browser-key", "track.example.com/v1", "https",
    )  # fmt: skip
    assert app.handler(http("GET", "/v1/projects/nobody/settings"), None)["statusCode"] == 404


def test_the_pixel_is_a_page_view_and_always_a_gif(stack):
    target = "/v1/p.gif?writeKey=demo-browser-key&anonymousId=a-1&url=" + quote("https://shop/x?y=1")
    answer = app.handler(http("GET", target, None, {"user-agent": CHROME}), None)
    assert (answer["statusCode"], answer["headers"]["cache-control"]) == (200, "no-store")
    assert len(base64.b64decode(answer["body"])) == 43
    ((event,), _) = stack.arrived()
    assert (event.name, event.properties, event.trusted) == ("Page Viewed", {"url": "https://shop/x?y=1"}, False)


@pytest.mark.parametrize("query", ["", "writeKey=nobody&anonymousId=a1", "data=%00", "writeKey", "%ff=%fe&&&=;"])
def test_a_pixel_with_junk_is_a_gif_and_stores_nothing(stack, query):
    answer = app.handler(http("GET", f"/v1/p.gif?{query}"), None)
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (200, "image/gif")
    assert stack.arrived() == ([], [])


def test_a_pixel_that_names_nobody_goes_to_quarantine(stack):
    assert app.handler(http("GET", "/v1/p.gif?writeKey=demo-browser-key"), None)["statusCode"] == 200
    assert "names nobody" in stack.arrived()[1][0].reason


# --- the script of websites


def test_the_script_is_kept_by_browsers_and_may_be_included_by_any_site(stack):
    answer = app.handler(http("GET", "/js/postroad.js"), None)
    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == "text/javascript; charset=utf-8"
    assert answer["headers"]["cache-control"].startswith("public, max-age=3600")
    assert answer["headers"]["access-control-allow-origin"] == "*"
    assert answer["headers"]["cross-origin-resource-policy"] == "cross-origin"
    assert '"/v1/batch"' in answer["body"]


def test_the_script_is_the_same_packed_and_stays_below_five_kilobytes(stack):
    plain = app.handler(http("GET", "/js/postroad.js"), None)["body"]
    answer = app.handler(http("GET", "/js/postroad.js", headers={"accept-encoding": "gzip, br"}), None)
    packed = base64.b64decode(answer["body"])
    assert (answer["isBase64Encoded"], answer["headers"]["content-encoding"]) == (True, "gzip")
    assert gzip.decompress(packed).decode() == plain
    assert len(packed) < 5_000


def test_a_browser_that_has_the_script_is_told_so(stack):
    tag = app.handler(http("HEAD", "/js/postroad.js"), None)["headers"]["etag"]
    answer = app.handler(http("GET", "/js/postroad.js", headers={"if-none-match": f"W/{tag}"}), None)
    assert answer["statusCode"] == 304
    assert "body" not in answer
    other = app.handler(http("GET", "/js/postroad.js", headers={"if-none-match": '"an-older-one"'}), None)
    assert other["statusCode"] == 200


# --- opens and clicks


def signer() -> Signer:
    return Signer({"1": keys.derive_key("links")}, "1")


def click_path(url: str = "https://shop.example.com/lamp?a=1", **more: Any) -> str:
    return signer().path(Click("enrollment.reminder", 2, url, contact_id="contact-1", **more))


def test_a_click_is_recorded_and_leads_to_its_target(stack):
    answer = app.handler(http("GET", click_path(), None, {"user-agent": CHROME}), None)
    assert (answer["statusCode"], answer["headers"]["location"]) == (302, "https://shop.example.com/lamp?a=1")
    assert answer["headers"]["cache-control"] == "no-store"
    ((event,), _) = stack.arrived()
    assert (event.name, event.contact_id, event.trusted) == ("Email Link Clicked", "contact-1", True)
    assert event.properties == {
        "message_id": "enrollment.reminder", "link": 2, "url": "https://shop.example.com/lamp?a=1", "actor": "human",
    }  # fmt: skip


def test_an_open_is_recorded_and_answered_with_a_gif(stack):
    path = signer().path(Open("enrollment.reminder", contact_id="contact-1"))
    answer = app.handler(http("GET", path, None, {"user-agent": "Mozilla/5.0"}), None)
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (200, "image/gif")
    ((event,), _) = stack.arrived()
    because = "Apple's privacy proxy fetches everything at delivery"
    said = {"message_id": "enrollment.reminder", "actor": "machine", "actor_because": because}
    assert (event.name, event.properties) == ("Email Opened", said)


@pytest.mark.parametrize(
    ("method", "headers"),
    [("HEAD", {"user-agent": CHROME}), ("GET", {"user-agent": CHROME, "sec-purpose": "prefetch;prerender"})],
)
def test_a_head_or_a_prefetch_leads_there_and_says_nothing_about_the_person(stack, method, headers):
    assert app.handler(http(method, click_path(), None, headers), None)["statusCode"] == 302
    assert app.handler(http(method, signer().path(Open("m", "c")), None, headers), None)["statusCode"] == 200
    assert stack.arrived() == ([], [])


def test_a_loop_over_a_link_is_one_event_a_minute(stack):
    for agent in (CHROME, CHROME, "curl/8"):
        app.handler(http("GET", click_path(), None, {"user-agent": agent}), None)
    events, _ = stack.arrived()
    assert len({event.event_id for event in events}) == len({event.properties["actor"] for event in events}) == 2


def _tampered() -> list[str]:
    made = Signer({"1": b"f" * 32}, "1")
    return [
        "/c/x", "/c/1.", "/c/1.AAAA", "/o/x", "/c/" + "a" * 4000, "/c/%00", "/c/1.é",
        made.path(Click("m", 1, "https://evil.example.com/", contact_id="c")),
        made.path(Open("m", "c")),
    ]  # fmt: skip


@pytest.mark.parametrize("path", _tampered(), ids=lambda path: path[:12])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_link_that_we_did_not_sign_is_our_own_404_and_never_a_redirect(stack, path, method):
    answer = app.handler(http(method, path, None, {"user-agent": CHROME}), None)
    assert answer["statusCode"] == 404
    assert "location" not in answer["headers"]
    assert stack.arrived() == ([], [])


def test_a_click_on_the_link_of_a_withdrawn_key_leads_nowhere_and_says_why(stack):
    path = click_path()
    first = keys.list_link_keys()
    both = add_key(first, b"n" * 32, 0.0)
    keys.save_link_keys(both, first)
    links.forget()
    assert app.handler(http("GET", path, None, {"user-agent": CHROME}), None)["statusCode"] == 302
    keys.save_link_keys(withdraw_key(both, "1", 1_000.0), both)
    links.forget()
    answer = app.handler(http("GET", path, None, {"user-agent": CHROME}), None)
    assert (answer["statusCode"], "location" in answer["headers"]) == (410, False)
    assert "safety" in answer["body"]


def test_a_token_for_one_purpose_is_worth_nothing_for_another(stack):
    token = signer().sign(Unsubscribe("contact-1", "email", "offers", "m"))
    assert app.handler(http("GET", f"/c/{token}"), None)["statusCode"] == 404
    open_token = signer().sign(Open("m", "c"))
    assert app.handler(http("GET", f"/c/{open_token}"), None)["statusCode"] == 404


def test_a_reader_gets_the_page_although_the_queue_is_down(stack):
    path = click_path()
    stack.sqs.delete_queue(QueueUrl=stack.queue)
    assert app.handler(http("GET", path, None, {"user-agent": CHROME}), None)["statusCode"] == 302


def test_a_target_with_foreign_letters_leaves_as_ascii(stack):
    answer = app.handler(http("GET", click_path("https://bücher.example/straße?q=ü%20x#ä")), None)
    assert answer["headers"]["location"] == "https://xn--bcher-kva.example/stra%C3%9Fe?q=%C3%BC%20x#%C3%A4"


# --- the real SDKs, over HTTP


@pytest.fixture
def host(stack) -> Iterator[str]:
    """The handler behind a port, as an HTTP API would call it."""

    class Gateway(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = app.handler(http(self.command, self.path, self.rfile.read(length), headers), None)
            body = answer.get("body", "")
            self.send_response(answer["statusCode"])
            for name, value in answer["headers"].items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode())

        do_GET = do_POST = do_OPTIONS = _serve

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("gzipped", [True, False])
@pytest.mark.parametrize("make_client", [segment_client, rudder_client])
def test_a_real_sdk_delivers_every_kind_of_call(stack, host, make_client, gzipped):
    errors: list[Any] = []
    client = make_client(host, "demo-write-key", errors=errors, gzip=gzipped)
    traits = {"email": "Ana@example.com", "firstName": "Ana"}
    client.identify("user-42", traits)
    client.track("user-42", "Completed Order", {"total": 12.5})
    client.page("user-42", "Docs", "Home", {"url": "https://shop/"})
    client.screen("user-42", "App", "Cart")
    client.group("user-42", "acme", {"plan": "pro"})
    client.alias("anon-7", "user-42")
    client.flush()
    client.shutdown()
    assert errors == []
    events, rejects = stack.arrived()
    assert rejects == []
    assert [event.name for event in events] == [
        "Identified", "Order Completed", "Page Viewed", "Screen Viewed", "Account Joined", "Aliased",
    ]  # fmt: skip
    identified, order, page, _, joined, aliased = events
    assert [str(identity) for identity in identified.identities] == ["user:user-42", "email:ana@example.com"]
    assert identified.attributes == {"email": "ana@example.com", "first_name": "Ana"}
    assert order.properties == {"total": 12.5}
    assert page.properties == {"url": "https://shop/", "name": "Home", "category": "Docs"}
    assert joined.properties == {"plan": "pro", "group_id": "acme"}
    assert str(aliased.previous) == "anon:anon-7"
    assert all(event.trusted for event in events)


@pytest.mark.parametrize("make_client", [segment_client, rudder_client])
def test_a_real_sdk_hears_that_its_key_is_wrong(host, make_client):
    errors: list[Any] = []
    client = make_client(host, "nobody", errors=errors)
    client.track("user-42", "Completed Order")
    client.flush()
    client.shutdown()
    assert ["401" in str(error) or "No source" in str(error) for error in errors] == [True]


def test_the_settings_lead_a_browser_back_to_this_port(host):
    import urllib.request

    request = urllib.request.Request(f"{host}/v1/projects/demo-browser-key/settings")
    request.add_header("x-forwarded-proto", "http")
    with urllib.request.urlopen(request) as answer:
        target = json.load(answer)["integrations"]["Segment.io"]
    assert target["apiHost"] == f"{urlsplit(host).netloc}/v1"
    assert target["protocol"] == "http"


BOMBS = {
    "a number that is too large": '{"total": 1e999}',
    "no number": '{"total": NaN}',
    "forty digits": '{"total": ' + "9" * 40 + "}",
    "a key twice": '{"total": 1, "total": 2}',
    "a key that scripts believe": '{"__proto__": {"admin": true}, "constructor": {}}',
    "an empty key": '{"": 1}',
    "half a sign": '{"name": "\\ud800"}',
    "an item that is too large": '{"name": "' + "x" * 420_000 + '"}',
    "a thousand levels": '{"a": ' + "[" * 1_000 + "]" * 1_000 + "}",
    "very many keys": "{" + ", ".join(f'"k{n}": {n}' for n in range(5_000)) + "}",
}


@pytest.mark.parametrize("properties", BOMBS.values(), ids=BOMBS.keys())
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
def test_a5_whatever_the_properties_are_the_answer_is_a_clear_one(stack, properties, path):
    call = f'{{"type": "track", "userId": "ana", "event": "X", "properties": {properties}}}'
    body = f'{{"batch": [{call}]}}' if path == "/v1/batch" else call
    answer = app.handler(http("POST", path, body.encode(), basic()), None)
    assert answer["statusCode"] in (200, 400, 413)
    if answer["statusCode"] != 200:
        assert len(answer["body"]) > 20


def test_x6_the_script_puts_no_markup_into_a_page_and_evaluates_nothing():
    script = (Path(app.__file__).parent / "postroad.js").read_text()
    for dangerous in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "srcdoc",
    ):
        assert dangerous not in script
    assert "textContent" in script
