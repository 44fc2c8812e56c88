"""The tracking API on the running product: the real SDKs, every way of naming a key, the pixel, CORS, the settings."""

import base64
import gzip
import json
from datetime import timedelta

import pytest

from tests.stories.client import API_KEY, BROWSER_KEY, WRITE_KEY, fresh, instant
from tests.tracking_clients import rudder_client, segment_client


@pytest.mark.parametrize("make_client", [segment_client, rudder_client], ids=["segment", "rudder"])
def test_a_real_sdk_is_understood(shop, make_client):
    user, errors = fresh("ana"), []
    sdk = make_client(shop.url, WRITE_KEY, errors=errors)
    sdk.identify(user, {"email": f"{user}@example.com", "firstName": "Ana"})
    sdk.track(user, "Signed Up", {"plan": "home"})
    sdk.page(user, "Docs", "Start", {"path": "/start"})
    sdk.screen(user, "App", "Home")
    sdk.group(user, "acme", {"name": "ACME"})
    sdk.alias(fresh("old"), user)
    sdk.flush()
    sdk.shutdown()
    assert errors == []
    shop.advance("PT0S")
    ana = shop.find(f"user:{user}")
    assert ana["attributes"] == {"email": f"{user}@example.com", "first_name": "Ana"}
    timeline = shop.items(f"/contacts/{ana['contact_id']}/timeline")
    assert {item["name"] for item in timeline} == {
        "Identified",
        "Signed Up",
        "Page Viewed",
        "Screen Viewed",
        "Account Joined",
        "Aliased",
    }
    joined = next(item for item in timeline if item["name"] == "Account Joined")
    account = joined["properties"].pop("account")
    assert (account["id"], account["attributes"]) == ("acme", {"name": "ACME"})
    assert joined["properties"] == {"group_id": "acme", "name": "ACME"}
    assert {item["source"] for item in timeline} == {"demo-server"}
    assert [mail.subject for mail in shop.inbox(f"{user}@example.com")] == ["Welcome aboard, Ana"]


def test_an_sdk_with_the_wrong_key_is_told_so(shop):
    errors = []
    sdk = segment_client(shop.url, "no-such-key", errors=errors)
    sdk.track("ana", "Signed Up")
    sdk.flush()
    sdk.shutdown()
    assert "No source has this write key" in str(errors[0])


def _basic(key: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


WAYS = {
    "Basic": lambda key: ({"headers": _basic(key)}, {}),
    "Bearer": lambda key: ({"headers": {"authorization": f"Bearer {key}"}}, {}),
    "the bare key": lambda key: ({"headers": {"authorization": key}}, {}),
    "writeKey in the body": lambda key: ({}, {"writeKey": key}),
    "write_key in the body": lambda key: ({}, {"write_key": key}),
    "writeKey in the address": lambda key: ({"params": {"writeKey": key}}, {}),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_naming_the_key_opens(shop, way):
    user = fresh("ana")
    options, more = WAYS[way](WRITE_KEY)
    event = {"userId": user, "event": "Knocked", **more}
    answer = shop.call("POST", "/v1/track", json=event, **options)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    batch = {"batch": [{"type": "track", "userId": user, "event": "Knocked twice"}], **more}
    assert shop.call("POST", "/v1/batch", json=batch, **options).status_code == 200
    contact = shop.find(f"user:{user}")
    names = [item["name"] for item in shop.items(f"/contacts/{contact['contact_id']}/timeline")]
    assert sorted(names) == ["Knocked", "Knocked twice"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", ["wrong-key", API_KEY])
def test_no_way_of_naming_a_wrong_key_opens(shop, way, key):
    options, more = WAYS[way](key)
    answer = shop.call("POST", "/v1/track", json={"userId": "ana", "event": "Knocked", **more}, **options)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert "write key" in answer.json()["message"]


@pytest.mark.parametrize(
    ("path", "document", "name"),
    [
        ("/v1/i", {"traits": {"city": "Faro"}}, "Identified"),
        ("/v1/t", {"event": "Knocked"}, "Knocked"),
        ("/v1/p", {"name": "Home"}, "Page Viewed"),
        ("/v1/s", {"name": "Home"}, "Screen Viewed"),
        ("/v1/g", {"groupId": "acme"}, "Account Joined"),
        ("/v1/b", {"batch": [{"type": "track", "event": "Knocked"}]}, "Knocked"),
        ("/v1/import", {"batch": [{"type": "track", "event": "Knocked"}]}, "Knocked"),
    ],
)
def test_every_short_form_is_a_route(shop, path, document, name):
    user = fresh("ana")
    for part in document.get("batch", [document]):
        part["userId"] = user
    assert shop.post(path, document).status_code == 200
    contact = shop.find(f"user:{user}")
    assert [item["name"] for item in shop.items(f"/contacts/{contact['contact_id']}/timeline")] == [name]


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/octet-stream", ""])
def test_gzip_is_known_by_its_bytes_whatever_the_headers_say(shop, kind):
    user = fresh("ana")
    body = gzip.compress(json.dumps({"batch": [{"type": "track", "userId": user, "event": "Zipped"}]}).encode())
    headers = {"content-encoding": "gzip", **({"content-type": kind} if kind else {})}
    answer = shop.call("POST", "/v1/batch", data=body, headers=headers, auth=(WRITE_KEY, ""))
    assert answer.status_code == 200, answer.text
    assert shop.find(f"user:{user}")


def test_a_beacon_that_calls_its_json_text_is_understood(shop):
    device = fresh("device")
    body = json.dumps({"writeKey": BROWSER_KEY, "type": "track", "anonymousId": device, "event": "Left"})
    assert shop.call("POST", "/v1/t", data=body, headers={"content-type": "text/plain"}).status_code == 200
    assert shop.find(f"anon:{device}")


def test_the_web_pixel_counts_a_page_view(shop):
    device = fresh("device")
    query = {
        "writeKey": BROWSER_KEY,
        "anonymousId": device,
        "url": "https://tidewater.example/plans/home",
        "title": "Home",
    }
    answer = shop.call("GET", "/v1/p.gif", params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.content.startswith(b"GIF89a")
    assert answer.headers["cache-control"] == "no-store"
    contact = shop.find(f"anon:{device}")
    [view] = shop.items(f"/contacts/{contact['contact_id']}/timeline")
    assert (view["name"], view["properties"]["url"]) == ("Page Viewed", "https://tidewater.example/plans/home")


def test_a_pixel_is_an_image_even_when_it_counts_nothing(shop):
    for query in ({}, {"writeKey": "wrong", "anonymousId": "x"}, {"data": "%%%"}, {"writeKey": BROWSER_KEY}):
        answer = shop.call("GET", "/v1/p.gif", params=query)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")


def test_any_page_may_ask_before_it_sends(shop):
    asked = {
        "origin": "https://tidewater.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type",
    }
    answer = shop.call("OPTIONS", "/v1/batch", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "authorization, content-type"
    sent = shop.call("POST", "/v1/t", json={"userId": fresh("ana"), "event": "x"}, auth=(BROWSER_KEY, ""))
    assert sent.headers["access-control-allow-origin"] == "*"


def test_the_settings_document_sends_a_browser_sdk_here(shop):
    answer = shop.call("GET", f"/v1/projects/{BROWSER_KEY}/settings")
    target = answer.json()["integrations"]["Segment.io"]
    assert (answer.status_code, target["apiKey"], target["protocol"]) == (200, BROWSER_KEY, "http")
    assert target["apiHost"] == f"localhost:{shop.url.rpartition(':')[2]}/v1"
    assert shop.call("GET", "/v1/projects/wrong/settings").status_code == 404


def test_a_clock_that_goes_wrong_is_corrected(shop):
    user = fresh("ana")
    shop.send(
        "track",
        {
            "userId": user,
            "event": "Knocked",
            "originalTimestamp": "2031-01-01T10:00:00.000Z",
            "sentAt": "2031-01-01T10:01:00.000Z",
        },
    )
    contact = shop.find(f"user:{user}")
    [knocked] = shop.items(f"/contacts/{contact['contact_id']}/timeline")
    assert timedelta(seconds=59) < shop.now() - instant(knocked["time"]) < timedelta(seconds=90)
