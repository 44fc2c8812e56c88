"""Segments: contacts are put into static ones and taken out of them."""

import pytest

from postroad.events import SEGMENT_ADDED
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
