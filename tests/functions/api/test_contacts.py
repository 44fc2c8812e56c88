"""Contacts, timelines and decisions."""

import pytest

from tests.account import ANA
from tests.functions.api.client import EMAIL, MARKUP, call, problem


def test_a_contact_is_shown_with_all_that_is_known(account, ana):
    status, shown = call("GET", f"/api/v1/contacts/{ana.contact_id}")
    assert status == 200
    assert shown["contact_id"] == ana.contact_id
    assert shown["attributes"] == {"email": ANA, "first_name": MARKUP, "plan": "vip"}
    assert shown["identities"] == [EMAIL]
    assert shown["scores"] == {"engagement": 2.0}
    assert shown["stage"] == "lead"
    assert shown["segments"] == []
    ((journey),) = shown["journeys"]
    assert (journey["journey"], journey["step"]) == ("welcome", "first-open")
    assert shown["created_at"].endswith("Z")


def test_an_attribute_that_was_taken_away_is_not_shown(account, ana):
    account.fold(account.event("Identified", EMAIL, attributes={"plan": None}))
    assert "plan" not in call("GET", f"/api/v1/contacts/{ana.contact_id}")[1]["attributes"]


def test_a_contact_is_found_by_identity_in_any_writing(account, ana):
    for written in (EMAIL, f"email: {ANA.upper()} "):
        status, shown = call("GET", "/api/v1/contacts", {"identity": written})
        assert status == 200
        assert [item["contact_id"] for item in shown["items"]] == [ana.contact_id]
        assert shown["next"] is None
    assert call("GET", "/api/v1/contacts", {"identity": "user:nobody"}) == (200, {"items": [], "next": None})


@pytest.mark.parametrize(
    "written", ["ana", "email:", "email:ana", "fax:1", ":", "email:a@b c.d", "phone:12", "user:null"]
)
def test_what_is_no_identity_is_told_how_to_write_one(account, written):
    status, sentence = problem(call("GET", "/api/v1/contacts", {"identity": written}))
    assert status == 400
    assert "email:ana@example.com" in sentence


def test_a_merged_contact_is_found_under_every_id_it_had(account):
    account.fold(account.event("Page Viewed", "anon:device-1", path="/"))
    account.fold(account.event("Signed Up", EMAIL, attributes={"email": ANA}))
    account.fold(account.event("Page Viewed", "anon:device-1", EMAIL, path="/again"))
    shown = [call("GET", f"/api/v1/contacts/{account.contact_id(i)}")[1] for i in ("anon:device-1", EMAIL)]
    assert shown[0] == shown[1]
    assert shown[0]["identities"] == ["anon:device-1", EMAIL]
    assert len(shown[0]["merged_from"]) == 1
    for contact_id in (shown[0]["contact_id"], *shown[0]["merged_from"]):
        status, timeline = call("GET", f"/api/v1/contacts/{contact_id}/timeline")
        assert [item["name"] for item in timeline["items"]] == ["Page Viewed", "Signed Up", "Page Viewed"]
        assert status == 200
    assert len(call("GET", "/api/v1/contacts")[1]["items"]) == 1


def test_pages_of_contacts_show_everybody_once(account):
    for number in range(5):
        account.fold(account.event("Page Viewed", f"user:u{number}", path="/"))
    found, query = [], {"limit": "2"}
    while True:
        status, page = call("GET", "/api/v1/contacts", query)
        assert status == 200
        assert len(page["items"]) <= 2
        found += [item["identities"][0] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert sorted(found) == [f"user:u{number}" for number in range(5)]


def test_the_timeline_tells_what_happened_the_latest_first(ana):
    status, page = call("GET", f"/api/v1/contacts/{ana.contact_id}/timeline")
    assert status == 200
    assert page["next"] is None
    latest, first = page["items"]
    assert (latest["name"], latest["properties"]) == ("Page Viewed", {"path": "/plans", "note": MARKUP})
    assert (first["event_id"], first["source"]) == ("event-1", "demo-server")
    assert first["time"][10] == "T"
    assert first["time"].endswith("Z")
    assert "Journey Started" in [caused["name"] for caused in first["caused"]]
    page = call("GET", f"/api/v1/contacts/{ana.contact_id}/timeline", {"limit": "1"})[1]
    assert page["items"] == [latest]
    following = call("GET", f"/api/v1/contacts/{ana.contact_id}/timeline", {"limit": "1", "cursor": page["next"]})[1]
    assert following["items"] == [first]


def test_decisions_say_what_decided_and_why(ana):
    status, page = call("GET", f"/api/v1/contacts/{ana.contact_id}/decisions")
    assert status == 200
    started = next(item for item in page["items"] if item["verdict"] == "started")
    assert started["definition"] == "journey/welcome@1"
    assert started["event"] == "Signed Up"
    assert started["because"]


ODD_IDS = ["nobody", "ü-ñ", "a%2Fb", "a b", "..", "%00", "a'b\"c", "<b>", "-_.~", "x" * 900, "x" * 5_000, "é" * 2_000,
           "\ud800", "a\nb", "journey@3", "{}", "[]", "a+b", "a:b", "$default", "\u202e"]  # fmt: skip


@pytest.mark.parametrize(
    "path",
    ["contacts/{}", "contacts/{}/timeline", "contacts/{}/decisions", "messages/{}", "definitions/segment/{}",
     "definitions/{}/x", "definitions/segment/{}/publish"],
)  # fmt: skip
def test_an_odd_id_is_found_nowhere(account, path):
    for odd in ODD_IDS:
        method = "POST" if path.endswith("publish") else "GET"
        assert problem(call(method, "/api/v1/" + path.format(odd)))[0] == 404, odd


def test_an_odd_id_in_the_query_is_found_nowhere_either(account):
    for odd in ODD_IDS:
        assert problem(call("GET", "/api/v1/messages", {"contact": odd}))[0] in (400, 404), odd
        assert call("GET", "/api/v1/messages", {"origin": odd})[0] in (200, 400), odd
