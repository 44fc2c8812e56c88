"""Segments: contacts are put into static ones and taken out; estimates and rebuilds of dynamic ones."""

import pytest

from functions.rebuild_contacts.app import handler
from postroad.events import SEGMENT_ADDED
from postroad_aws.storage import contacts
from tests.account import lambda_context
from tests.functions.api.client import EMAIL, MARKUP, call, paths, problem

BOB = "email:bob@example.com"


@pytest.fixture
def fair(account):
    """A static segment is live."""
    call("PUT", "/api/v1/definitions/segment/fair", body={"name": "Met at the fair", "static": True})
    assert call("POST", "/api/v1/definitions/segment/fair/publish")[0] == 200
    return "/api/v1/segments/fair/members"


def members(path):
    page = call("GET", path)[1]
    return {identity for item in page["items"] for identity in item["contact"]["identities"]}


def test_contacts_are_put_in_by_id_and_by_identity_and_taken_out_again(account, ana, fair):
    body = {"add": [ana.contact_id, BOB], "because": MARKUP}
    assert call("POST", fair, body=body) == (202, {"adding": 2, "removing": 0})
    account.fold_arrived()
    assert members(fair) >= {EMAIL, BOB}
    decisions = call("GET", f"/api/v1/contacts/{ana.contact_id}/decisions")[1]["items"]
    assert {"definition": "segment/fair", "step": "", "verdict": "entered", "because": MARKUP}.items() <= decisions[
        0
    ].items()
    assert call("POST", fair, body={"remove": [EMAIL, BOB]}) == (202, {"adding": 0, "removing": 2})
    account.fold_arrived()
    assert members(fair) == set()


def test_taking_out_somebody_whom_nobody_knows_makes_no_contact(account, fair):
    assert call("POST", fair, body={"remove": [BOB]}) == (202, {"adding": 0, "removing": 0})
    assert account.arrived() == []


def test_who_cannot_be_put_in_is_told_with_the_path_before_anything_changes(account, ana, fair):
    body = {"add": [ana.contact_id, "nobody"], "remove": ["nobody-else"]}
    for given, places in ((body, ["add[1]", "remove[0]"]), ({"add": ["email:ana"]}, ["add[0]"]), ({}, ["add"])):
        answer = call("POST", fair, body=given)
        assert (answer[0], paths(answer)) == (422, places)
    assert account.arrived() == []


def test_only_a_static_segment_that_is_live_takes_members(account, ana, fair):
    call("PUT", "/api/v1/definitions/segment/french", body={"if": {"attribute": "country", "is": "FR"}})
    call("POST", "/api/v1/definitions/segment/french/publish")
    assert problem(call("POST", "/api/v1/segments/french/members", body={"add": [BOB]}))[0] == 409
    assert problem(call("POST", "/api/v1/segments/nowhere/members", body={"add": [BOB]}))[0] == 404


def test_an_event_of_a_trusted_source_puts_its_contact_in(account, ana, fair):
    account.fold(account.event(SEGMENT_ADDED, EMAIL, segment="fair"))
    assert EMAIL in members(fair)


# Estimates


def estimated(**predicate):
    return call("POST", "/api/v1/segments/estimate", body={"if": predicate})


@pytest.fixture
def crowd(account):
    """Forty people, ten of them French, five of whom have viewed a page twice."""
    for number in range(40):
        who = f"user:u{number}"
        country = "FR" if number < 10 else "PT"
        account.fold(account.event("Signed Up", who, attributes={"country": country, "name": MARKUP}))
        for _ in range(2 if number < 5 else 1):
            account.fold(account.event("Tea Brewed", who, cups=number))


def test_in_a_small_account_an_estimate_looks_at_all(crowd):
    status, found = estimated(attribute="country", **{"is": "FR"})
    assert status == 200
    assert (found["members"], found["members_least"], found["members_most"], found["total"]) == (10, 10, 10, 40)
    assert (found["is_exact"], found["sampled"], found["share"]) == (True, 40, 0.25)
    assert (found["sentence"], found["condition"]) == ("10 of 40 contacts", "country is FR")


def test_an_estimate_reads_from_timelines_what_nothing_live_remembers(crowd):
    assert estimated(event="Tea Brewed", at_least=2, within="P30D")[1]["members"] == 5
    assert estimated(event="Tea Brewed", sum="cups", gte=30)[1]["members"] == 10
    assert estimated(event="Coffee Brewed")[1]["members"] == 0


def test_in_a_large_account_an_estimate_has_bounds(crowd, monkeypatch):
    from postroad_aws.usecases import estimate_segment

    monkeypatch.setattr(estimate_segment, "ROWS", 16)
    found = estimated(attribute="country", **{"is": "PT"})[1]
    assert not found["is_exact"]
    assert found["sampled"] < 40 == found["total"]
    assert found["members_least"] <= 30 <= found["members_most"]
    assert found["sentence"].startswith("about ")


def test_an_estimate_of_what_cannot_be_published_is_refused(crowd):
    answer = estimated(attribute="country")
    assert (answer[0], paths(answer)) == (422, ["if"])
    assert problem(estimated(segment="nowhere"))[0] == 422
    assert problem(call("POST", "/api/v1/segments/estimate", body={}))[0] == 422


# Rebuilds


def test_how_far_a_rebuild_is_can_be_asked_by_its_revision(account, crowd):
    call("PUT", "/api/v1/definitions/segment/brewers", body={"if": {"event": "Tea Brewed"}})
    revision = call("POST", "/api/v1/definitions/segment/brewers/publish")[1]["revision"]
    status, waiting = call("GET", f"/api/v1/rebuilds/{revision}")
    assert (status, waiting["state"], waiting["of"], waiting["touched_at"]) == (200, "waiting", None, None)
    for shard in contacts.SHARDS:
        handler({"shard": shard, "revision": revision, "cursor": None}, lambda_context())
    done = call("GET", f"/api/v1/rebuilds/{revision}")[1]
    assert (done["state"], done["done"], done["of"]) == ("done", 40, 40)
    assert call("GET", "/api/v1/rebuilds")[1] == {"items": [done], "next": None}
