"""Journeys that start by request."""

import pytest

from postroad.events import ENROLLMENT_REQUESTED
from tests.functions.api.client import EMAIL, MARKUP, call, paths

STEPS = [{"id": "pause", "wait": {"for": "P1D"}}]
PATH = "/api/v1/journeys/on-request/enroll"


@pytest.fixture
def on_request(account):
    trigger = [{"api": True, "if": {"not": {"attribute": "plan", "is": "none"}}}, {"event": "Called"}]
    document = {"trigger": trigger, "reentry": "always", "steps": STEPS}
    call("PUT", "/api/v1/definitions/journey/on-request", body=document)
    assert call("POST", "/api/v1/definitions/journey/on-request/publish")[0] == 200


def journeys(identity):
    (contact,) = call("GET", "/api/v1/contacts", query=f"identity={identity}")[1]["items"]
    return [journey["journey"] for journey in contact["journeys"]]


def test_a_contact_enters_by_id_or_identity_and_a_newcomer_begins(account, ana, on_request):
    status, answer = call(
        "POST", PATH, body={"contact": ana.contact_id, "properties": {"note": MARKUP, "journey": "x"}}
    )
    assert status == 202
    account.fold_arrived()
    assert "on-request" in journeys(EMAIL)
    (row,) = [
        item
        for item in call("GET", f"/api/v1/contacts/{ana.contact_id}/timeline")[1]["items"]
        if item["event_id"] == answer["event_id"]
    ]
    assert (row["name"], row["properties"]) == (ENROLLMENT_REQUESTED, {"note": MARKUP, "journey": "on-request"})
    assert call("POST", PATH, body={"contact": "email:new@example.com"})[0] == 202
    account.fold_arrived()
    assert journeys("email:new@example.com") == ["on-request"]


def test_the_journeys_own_rules_decide(account, ana, on_request):
    for _ in range(2):
        assert call("POST", PATH, body={"contact": ana.contact_id})[0] == 202
    account.fold_arrived()
    decisions = call("GET", f"/api/v1/contacts/{ana.contact_id}/decisions")[1]["items"]
    verdicts = [item["verdict"] for item in decisions if item["definition"].startswith("journey/on-request")]
    assert sorted(verdicts) == ["not started", "started", "wait"]


def test_a_journey_that_does_not_start_by_request_refuses(account, ana, on_request):
    call("PUT", "/api/v1/definitions/journey/by-call", body={"trigger": {"event": "Called"}, "steps": STEPS})
    assert call("POST", "/api/v1/definitions/journey/by-call/publish")[0] == 200
    status, answer = call("POST", "/api/v1/journeys/by-call/enroll", body={"contact": ana.contact_id})
    assert status == 409
    assert "{api: true}" in answer["detail"]
    assert call("POST", "/api/v1/journeys/none/enroll", body={"contact": ana.contact_id})[0] == 404


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "contact"),
        ({"contact": "nobody"}, "contact"),
        ({"contact": "email:ana"}, "contact"),
        ({"contact": "fax:7"}, "contact"),
        ({"contact": ["a"]}, "contact"),
        ({"contact": "email:a@example.com", "properties": []}, "properties"),
        ({"contact": "email:a@example.com", "properties": {"a": "x" * 9_000}}, "properties"),
        ({"contact": "email:a@example.com", "who": 1}, "who"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_path(account, on_request, body, path):
    answer = call("POST", PATH, body=body)
    assert (answer[0], paths(answer)) == (422, [path])
    assert account.arrived() == []
