"""The gallery: looked through, and installed in one call."""

import pytest

from demo.documents import load_definitions
from postroad import gallery
from postroad_aws import books
from tests.functions.api.client import call, paths, problem

SITE = {"site": "https://shop.example"}


@pytest.fixture
def policy(account):
    policy = load_definitions()["policy/policy"]
    calendar = {"closed": [{"name": "Christmas", "date": "12-25"}]}
    score = {"name": "Warmth", "rules": [{"id": "demo", "event": "Demo Booked", "points": 70}]}
    call("PUT", "/api/v1/definitions/policy/policy", body={**policy, "calendar": calendar})
    call("PUT", "/api/v1/definitions/score/something", body=score)
    call("POST", "/api/v1/definitions/publish", body={"definitions": ["policy/policy", "score/something"]})


def test_every_workflow_says_what_it_does_needs_and_contains(account):
    items = call("GET", "/api/v1/gallery")[1]["items"]
    assert len(items) >= 14
    for workflow in items:
        assert call("GET", f"/api/v1/gallery/{workflow['id']}")[1] == workflow
        assert all(workflow[part] for part in ("summary", "goal", "listens"))
        assert {"topic", "site"} <= {setting["id"] for setting in workflow["settings"]}
        assert f"journey/{workflow['id']}" in workflow["definitions"]


@pytest.mark.parametrize("workflow_id", [workflow.id for workflow in gallery.list_workflows()])
def test_every_workflow_is_installed_and_live_in_one_call(policy, workflow_id):
    asked = [setting for setting in gallery.get_workflow(workflow_id).settings if setting.default is None]
    settings = {setting.id: "something" for setting in asked} | SITE
    status, installed = call(
        "POST", f"/api/v1/gallery/{workflow_id}/install", body={"settings": settings, "publish": True}
    )
    assert status == 200, installed
    assert f"journey/{workflow_id}" in installed["definitions"]
    assert workflow_id in books.newest().journeys


def test_without_publish_it_is_left_as_drafts_and_installing_again_changes_nothing(policy):
    body = {"settings": SITE}
    first = call("POST", "/api/v1/gallery/birthday/install", body=body)
    assert first == call("POST", "/api/v1/gallery/birthday/install", body=body)
    assert first[1]["revision"] is None
    assert "birthday" not in books.newest().journeys
    assert call("GET", "/api/v1/definitions/journey/birthday")[1]["edit"] == 1


def test_one_workflow_can_be_installed_twice_under_two_ids_and_does_not_replace_what_is_there(policy):
    call("POST", "/api/v1/gallery/cart/install", body={"settings": SITE, "publish": True})
    other = {"settings": {**SITE, "code": "OTHER"}, "publish": True}
    status, said = problem(call("POST", "/api/v1/gallery/cart/install", body=other))[:2]
    assert status == 409
    assert "template/cart-offer" in said
    assert "another id" in said
    assert call("POST", "/api/v1/gallery/cart/install", body={**other, "id": "spring"})[0] == 200
    assert {"cart", "spring"} <= books.newest().journeys.keys()


def test_every_setting_that_is_missing_unknown_or_wrong_is_named(policy):
    body = {"settings": {"site": "shop", "gif": "X", "topic": "nothing"}, "publish": True}
    found = paths(call("POST", "/api/v1/gallery/birthday/install", body=body))
    assert set(found) == {"settings.site", "settings.gif", "settings.topic"}
    assert set(paths(call("POST", "/api/v1/gallery/invitation/install", body={}))) >= {
        "settings.site",
        "settings.event",
    }
    assert set(paths(call("POST", "/api/v1/gallery/cart/install", body={"settings": SITE, "id": "Böse"}))) == {"id"}


def test_a_workflow_that_there_is_not_is_not_found(account):
    status, said = problem(call("GET", "/api/v1/gallery/nothing"))[:2]
    assert status == 404
    assert "birthday" in said
