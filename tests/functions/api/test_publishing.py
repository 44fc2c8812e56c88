"""Publishing and withdrawing, and the versions that this makes."""

import json

import pytest

from demo.documents import load_definitions
from postroad_aws.clients import get_client
from postroad_aws.storage import definitions
from tests.functions.api.client import EMAIL, call, paths, problem, segment


def test_a_published_draft_is_live_and_folds_everybody_again(account):
    call("PUT", "/api/v1/definitions/segment/vip", body=segment())
    status, published = call("POST", "/api/v1/definitions/segment/vip/publish")
    assert (status, published) == (200, {"revision": 2, "versions": {"segment/vip": 1}})
    assert call("GET", "/api/v1/definitions/segment/vip")[1]["live_version"] == 1
    shown = call("GET", "/api/v1/definitions/segment/vip/versions/1")[1]
    assert shown["document"]["if"] == segment()["if"]
    (run,) = get_client("stepfunctions").list_executions(stateMachineArn=account.machine)["executions"]
    run = get_client("stepfunctions").describe_execution(executionArn=run["executionArn"])
    assert json.loads(run["input"]) == {"revision": 2}
    assert call("POST", "/api/v1/definitions/segment/vip/publish")[1]["versions"] == {"segment/vip": 2}
    assert call("GET", "/api/v1/definitions/segment/vip/versions/1")[0] == 200


@pytest.mark.parametrize(("version", "status"), [("2", 404), ("0", 404), ("x", 404), ("-1", 404), ("9" * 30, 404)])
def test_a_version_is_a_number_and_there(account, version, status):
    assert problem(call("GET", f"/api/v1/definitions/segment/customers/versions/{version}"))[0] == status


def test_a_broken_draft_is_not_published_and_every_mistake_has_its_path(account):
    call(
        "PUT", "/api/v1/definitions/journey/odd", body={"trigger": {"event": ""}, "steps": [{"wait": {"for": "soon"}}]}
    )
    status, document = call("POST", "/api/v1/definitions/journey/odd/publish")
    assert (status, document["status"]) == (422, 422)
    paths = [mistake["path"] for mistake in document["errors"]]
    assert any(path.startswith("trigger") for path in paths)
    assert any(path.startswith("steps[0]") for path in paths)
    assert all(mistake["detail"] for mistake in document["errors"])
    assert "journey/odd" not in definitions.find_manifest().live


def test_drafts_that_refer_to_one_another_are_published_together(account):
    call("PUT", "/api/v1/definitions/segment/vip", body=segment())
    call("PUT", "/api/v1/definitions/segment/silent-vip", body={"if": {"all": [{"segment": "vip"}]}})
    assert call("POST", "/api/v1/definitions/segment/silent-vip/publish")[0] == 422
    together = {"definitions": ["segment/silent-vip", "segment/vip"]}
    status, published = call("POST", "/api/v1/definitions/publish", body=together)
    assert (status, published["versions"]) == (200, {"segment/silent-vip": 1, "segment/vip": 1})


def test_of_several_the_broken_ones_are_named_and_none_is_published(account):
    call("PUT", "/api/v1/definitions/segment/vip", body=segment())
    call("PUT", "/api/v1/definitions/segment/odd", body={"iff": 1})
    status, document = call("POST", "/api/v1/definitions/publish", body={"definitions": ["segment/odd", "segment/vip"]})
    assert status == 422
    assert all(mistake["path"].startswith("segment/odd: ") for mistake in document["errors"])
    assert "segment/vip" not in definitions.find_manifest().live


@pytest.mark.parametrize(
    ("named", "status"),
    [
        (None, 422), ([], 422), ("segment/vip", 422), ([1], 422), (["vip"], 422), (["/vip"], 422), (["segment/"], 422),
        ([None], 422), (["segment/\ud800"], 400), (["segment/" + "x" * 3_000], 422), (["segment/nobody"], 404),
        (["sausage/x"], 404), (["segment/a/b"], 404), ([f"segment/s{n}" for n in range(10_000)], 422), ([""], 422),
    ],
)  # fmt: skip
def test_what_names_no_drafts_cannot_be_published(account, named, status):
    assert problem(call("POST", "/api/v1/definitions/publish", body={"definitions": named}))[0] == status


def test_when_somebody_else_published_meanwhile_the_later_one_is_refused(account, monkeypatch):
    call("PUT", "/api/v1/definitions/segment/vip", body=segment())
    call("PUT", "/api/v1/definitions/segment/other", body=segment())
    load = definitions.load_versions

    def meanwhile(wanted):
        monkeypatch.setattr(definitions, "load_versions", load)
        assert call("POST", "/api/v1/definitions/segment/other/publish")[0] == 200
        return load(wanted)

    monkeypatch.setattr(definitions, "load_versions", meanwhile)
    status, sentence = problem(call("POST", "/api/v1/definitions/segment/vip/publish"))
    assert status == 409
    assert "try again" in sentence
    assert call("POST", "/api/v1/definitions/segment/vip/publish")[1]["revision"] == 3


def test_what_is_live_may_not_lose_what_it_refers_to(account):
    policy = definitions.get_version("policy", "policy", 1)
    topics = [topic for topic in policy["topics"] if topic["id"] != "business"]
    call("PUT", "/api/v1/definitions/policy/policy", body={**policy, "topics": topics})
    status, document = call("POST", "/api/v1/definitions/policy/policy/publish")
    assert status == 422
    assert {"template/enterprise-intro: topic"} <= {mistake["path"] for mistake in document["errors"]}


def test_a_second_policy_is_refused(account):
    status, document = call("PUT", "/api/v1/definitions/policy/other", body={"topics": [{"id": "a"}]})
    assert status == 422
    assert "one policy" in document["errors"][0]["detail"]


def test_a_withdrawn_definition_is_live_no_more_and_its_draft_and_versions_stay(account):
    call("PUT", "/api/v1/definitions/segment/vip", body=segment())
    call("POST", "/api/v1/definitions/segment/vip/publish")
    assert call("POST", "/api/v1/definitions/segment/vip/withdraw") == (200, {"revision": 3})
    assert call("GET", "/api/v1/definitions/segment/vip")[1]["live_version"] is None
    assert call("GET", "/api/v1/definitions/segment/vip/versions/1")[0] == 200
    assert call("POST", "/api/v1/definitions/segment/vip/publish")[1]["versions"] == {"segment/vip": 2}


@pytest.mark.parametrize("key", ["segment/nobody", "segment/customers", "policy/policy", "template/welcome"])
def test_what_is_not_live_or_still_in_use_is_not_withdrawn(account, key):
    status, document = call("POST", f"/api/v1/definitions/{key}/withdraw")
    assert status == 422
    assert document["errors"]
    assert definitions.find_manifest().revision == 1


def test_journeys_published_together_say_what_becomes_of_people_under_way(account, ana):
    document = load_definitions()["journey/welcome"]
    call("PUT", "/api/v1/definitions/journey/welcome", body={**document, "description": "Anew."})
    body = {"definitions": ["journey/welcome"], "transfers": {"journey/welcome": {"under_way": "move"}}}
    assert call("POST", "/api/v1/definitions/publish", body=body)[1]["versions"] == {"journey/welcome": 2}
    account.fold(account.event("Page Viewed", EMAIL, path="/"))
    assert account.contact(EMAIL).active["welcome"].version == 2
    for wrong in ("journey/other", "segment/customers"):
        together = {"definitions": ["journey/welcome"], "transfers": {wrong: {"under_way": "move"}}}
        assert paths(call("POST", "/api/v1/definitions/publish", body=together)) == [f"transfers.{wrong}"]
