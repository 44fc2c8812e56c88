"""Trying things out: simulations, dry runs and why; nothing is stored, and nobody is written to."""

from typing import Any

import pytest

from demo.documents import load_definitions
from postroad_aws.clients import get_client
from tests.books import FOOTER
from tests.functions.api.client import call, paths, problem

SIMULATE = "/api/v1/journeys/abandoned-cart/simulate"


def stored() -> dict[str, Any]:
    """Everything in every table."""
    client = get_client("dynamodb")
    return {
        name: sorted(map(str, client.scan(TableName=name)["Items"]))
        for name in client.list_tables()["TableNames"]
        if "equests" not in name
    }


# Simulations


def test_a_live_journey_is_simulated_and_nothing_is_stored(account, ana):
    before = stored()
    status, shown = call("POST", SIMULATE, body={"people": 40, "habits": {"opened": 0}})
    assert status == 200
    assert (shown["journey"], shown["people"], shown["started"]) == ("journey/abandoned-cart@1", 40, 40)
    steps = {step["step"]: step for step in shown["steps"]}
    assert steps["reminder"]["sent"] == 40
    assert {(way["step"], way["way"]) for way in shown["never_taken"]} == {
        ("reaction", "then"),
        ("think", ""),
        ("offer", ""),
    }
    assert sum(shown["outcomes"].values()) == 40
    assert shown["cost"]["email"] == pytest.approx(shown["sends"]["email"] * 160e-6)
    assert len(shown["messages"]) == sum(shown["sends"].values())
    assert {step["step"] for step in shown["messages"]} == {"reminder", "text", "last"}
    assert stored() == before


def test_a_saved_draft_is_tried_before_it_is_live(account):
    document = {
        "name": "Short",
        "trigger": {"event": "Signed Up"},
        "steps": [{"id": "now", "send": {"template": "welcome"}}],
    }
    assert call("PUT", "/api/v1/definitions/journey/short", body=document)[0] == 200
    status, shown = call("POST", "/api/v1/journeys/short/simulate", body={"people": 3})
    assert (status, shown["journey"], shown["sends"]["email"]) == (200, "journey/short@1", 3)
    changed = {
        **load_definitions()["journey/abandoned-cart"],
        "steps": [{"id": "now", "send": {"template": "cart-reminder"}}],
    }
    call("PUT", "/api/v1/definitions/journey/abandoned-cart", body=changed)
    assert call("POST", SIMULATE, body={"people": 3})[1]["journey"] == "journey/abandoned-cart@2"


def test_definitions_in_the_body_stand_in_the_place_of_what_is_live(account):
    drafts = {
        "template/note": {"channel": "email", "topic": "offers", "subject": "Hi", "html": "<p>Hi</p>" + FOOTER},
        "journey/brand-new": {"trigger": {"event": "X"}, "steps": [{"id": "now", "send": {"template": "note"}}]},
    }
    status, shown = call("POST", "/api/v1/journeys/brand-new/simulate", body={"people": 2, "definitions": drafts})
    assert (status, shown["sends"]) == (200, {"email": 2})


def test_made_up_people_have_the_attributes_that_are_said_and_for_the_rest_those_that_the_journey_asks_about(account):
    founders, locals_ = ({"id": name, "send": {"template": "welcome"}} for name in ("founders", "locals"))
    journey = {
        "trigger": {"event": "X"},
        "steps": [
            {"branch": {"cases": [{"if": {"attribute": "role", "is": "founder"}, "then": [founders]}]}},
            {"branch": {"cases": [{"if": {"attribute": "country", "is": "PT"}, "then": [locals_]}]}},
        ],
    }

    def sends(body: dict[str, Any]) -> set[str]:
        drafts = {"journey/brand-new": journey}
        status, shown = call("POST", "/api/v1/journeys/brand-new/simulate", body={**body, "definitions": drafts})
        assert status == 200
        return {each["step"] for each in shown["messages"]}

    assert sends({"people": 40}) == {"founders", "locals"}
    assert sends({"people": 40, "properties": {"plan": "pro"}}) == {"founders", "locals"}
    assert sends({"people": 40, "attributes": {"role": ["cook"]}}) == {"locals"}


def test_chosen_contacts_take_part_as_they_are(account, ana):
    status, shown = call("POST", "/api/v1/journeys/welcome/simulate", body={"contacts": [ana.contact_id]})
    assert status == 200
    assert (shown["people"], shown["started"]) == (1, 0)
    assert "is in this journey since" in shown["not_started"][0]["because"]
    assert {sent["contact_id"] for sent in shown["messages"]} == {ana.contact_id}


def test_habits_are_learned_from_the_live_numbers(account):
    status, shown = call("POST", SIMULATE, body={"people": 50, "history": True})
    assert (status, shown["started"]) == (200, 50)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"people": 501}, "people"),
        ({"days": 0}, "days"),
        ({"habits": {"opened": 2}}, "opened"),
        ({"contacts": ["nobody"]}, "contacts"),
        ({"definitions": {"journey": {}}}, "definitions.journey"),
        ({"definitions": {"journey/abandoned-cart": {"steps": []}}}, "trigger"),
        ({"definitions": {"robot/x": {}}}, "kind"),
        ({"attributes": {"role": "founder"}}, "attributes.role"),
    ],
)
def test_a_wish_with_a_mistake_is_refused_with_its_path(account, body, path):
    answer = call("POST", SIMULATE, body=body)
    assert problem(answer)[0] == 422
    assert path in paths(answer)


def test_a_journey_that_is_not_there_is_told_those_that_are(account):
    status, sentence = problem(call("POST", "/api/v1/journeys/nothing/simulate"))
    assert status == 422
    assert "there are abandoned-cart, enterprise, welcome" in sentence


# Dry runs


def test_what_would_happen_is_told_in_sentences_and_nothing_is_stored(account, ana):
    before = stored()
    body = {"event": "Product Added", "properties": {"product_id": "sampler"}, "passes": "P3D"}
    status, shown = call("POST", f"/api/v1/contacts/{ana.contact_id}/dry-run", body=body)
    assert status == 200
    sentences = [sentence for moment in shown["moments"] for sentence in moment["decisions"]]
    assert "Journey Abandoned cart: started, because enters for the first time." in sentences
    assert "Journey Abandoned cart, step reminder: send, because cart-reminder by email." in sentences
    sent = [message["step"] for moment in shown["moments"] for message in moment["messages"]]
    assert sent[0] == "reminder"
    assert "Journey Started" in shown["moments"][0]["caused"]
    assert stored() == before


def test_without_an_event_only_time_passes(account, ana):
    status, shown = call("POST", f"/api/v1/contacts/{ana.contact_id}/dry-run", body={"passes": "P4D"})
    assert status == 200
    assert {moment["event"] for moment in shown["moments"]} == {"Wake"}
    assert [message["step"] for moment in shown["moments"] for message in moment["messages"]] == ["again"]


@pytest.mark.parametrize("passes", ["P91D", "3 days", "P1M"])
def test_a_time_that_cannot_be_looked_through_is_refused(account, ana, passes):
    answer = call("POST", f"/api/v1/contacts/{ana.contact_id}/dry-run", body={"passes": passes})
    assert (problem(answer)[0], paths(answer)) == (422, ["passes"])


# Why


def why(contact_id: str, **query: str) -> list[dict[str, Any]]:
    status, shown = call("GET", f"/api/v1/contacts/{contact_id}/why", query)
    assert status == 200
    return shown["findings"]


def test_a_message_is_explained_gate_by_gate(account, ana):
    findings = why(ana.contact_id, message=ana.message_id)
    keys = [finding["key"] for finding in findings]
    assert keys[:3] == ["trigger", "entry", "step"]
    assert keys.index("template") < keys.index("address") < keys.index("refusal") < keys.index("queued")
    assert {finding["verdict"] for finding in findings} <= {"yes", "later"}
    assert findings[0]["time"].endswith("Z")


def test_a_journey_is_explained_with_where_somebody_stands_and_what_comes(account, ana):
    findings = why(ana.contact_id, journey="welcome")
    (position,) = [finding for finding in findings if finding["key"] == "position"]
    assert position["sentence"].startswith("Stands at first-open, until ")
    assert any(not finding["recorded"] for finding in findings)


def test_the_gates_of_a_step_are_asked_now(account, ana):
    findings = {finding["key"]: finding for finding in why(ana.contact_id, journey="abandoned-cart", step="text")}
    assert findings["address"]["verdict"] == "no"
    assert findings["address"]["recorded"] is False


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"journey": "welcome", "message": "x"}, 400),
        ({"message": "x", "step": "y"}, 400),
        ({"journey": "nothing"}, 404),
        ({"journey": "welcome", "step": "nothing"}, 404),
        ({"message": "nothing"}, 404),
    ],
)
def test_what_cannot_be_explained_is_refused(account, ana, query, status):
    assert problem(call("GET", f"/api/v1/contacts/{ana.contact_id}/why", query))[0] == status


def test_nobody_is_told_about_the_message_of_somebody_else(account, ana):
    account.fold(account.event("Page Viewed", "email:bob@example.com"))
    bob = account.contact_id("email:bob@example.com")
    assert problem(call("GET", f"/api/v1/contacts/{bob}/why", {"message": ana.message_id}))[0] == 404
