"""The gallery's pages: looked through, filled in, installed."""

import pytest

from postroad import gallery
from postroad_aws import books
from postroad_aws.storage import definitions

SITE = {"site": "https://shop.example", "topic": "offers"}


def test_the_gallery_shows_every_workflow_with_what_it_does(browser):
    text = browser.get("/console/gallery").text
    for workflow in gallery.list_workflows():
        assert f"/console/gallery/{workflow.id}" in text
    assert "/console/gallery" in browser.get("/console/journeys").text


@pytest.mark.parametrize("workflow_id", [workflow.id for workflow in gallery.list_workflows()])
def test_a_workflow_asks_for_its_settings_by_name(browser, workflow_id):
    text = browser.get(f"/console/gallery/{workflow_id}").text
    for setting in gallery.get_workflow(workflow_id).settings:
        assert f'name="{setting.id}"' in text
    assert "Offers and reminders" in text


def test_a_marketer_installs_one_and_it_is_live(browser):
    answer = browser.post("/console/gallery/birthday", {**SITE, "id": "birthday", "gift": "CAKE", "then": "live"})
    assert (answer.status, answer.headers["location"]) == (303, "/console/journeys/birthday")
    assert "birthday" in books.newest().journeys
    assert browser.get("/console/journeys/birthday").status == 200


def test_left_as_a_draft_nothing_is_live_yet(browser):
    answer = browser.post("/console/gallery/birthday", {**SITE, "id": "other", "then": "look"})
    assert answer.headers["location"] == "/console/journeys/other"
    assert definitions.find_draft("journey", "other") is not None
    assert "other" not in books.newest().journeys
    assert browser.get("/console/journeys/other").status == 200


def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(browser):
    answer = browser.post("/console/gallery/course", {"site": "<b>no</b>", "id": "My course", "topic": "nothing"})
    assert answer.status == 422
    assert "not installed yet" in answer.text
    assert "must be the address of a page" in answer.text
    assert "&lt;b&gt;no&lt;/b&gt;" in answer.text
    answer = browser.post("/console/gallery/course", {**SITE, "title": "Brewing", "id": "My course"})
    assert answer.status == 422
    assert 'id="problem-id"' in answer.text


def test_what_is_there_already_is_not_replaced(browser):
    browser.post("/console/gallery/birthday", {**SITE, "gift": "CAKE"})
    answer = browser.post("/console/gallery/birthday", {**SITE, "gift": "PIE"})
    assert answer.status == 422
    assert "another id" in answer.text


def test_a_workflow_that_there_is_not_is_not_found(browser):
    assert browser.get("/console/gallery/nothing").status == 404
