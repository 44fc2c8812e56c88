"""The badge over made-up people, and the tour that notices how far somebody has come."""

import json
import time

import pytest

from postroad.stats import PLACES, Cell, day_of
from postroad_aws.clients import get_client
from postroad_aws.storage import keys, messages, stats


@pytest.fixture
def made_up(account):
    stats.add({Cell("segment/demo-data", PLACES, day_of(time.time()), "", "here"): 503})


def executions(account):
    found = get_client("stepfunctions").list_executions(stateMachineArn=account.removal_machine)["executions"]
    return [each["executionArn"] for each in found]


def test_there_is_no_badge_where_nothing_is_made_up(browser):
    assert browser.fragment("/console/demo").text.strip() == ""


def test_a_badge_says_how_many_are_made_up(browser, made_up):
    answer = browser.fragment("/console/demo")
    assert "503 made-up people" in answer.text
    assert "Remove demo data" in answer.text


def test_who_may_only_look_gets_no_button(browser, made_up):
    assert "Remove" not in browser.as_role("viewer").fragment("/console/demo").text


def test_one_click_starts_the_removal_and_says_how_it_goes(account, browser, made_up):
    answer = browser.with_headers(hx_request="true").post("/console/demo/remove")
    assert "503 made-up people to go" in answer.text
    assert 'hx-get="/console/demo?removing=1"' in answer.text
    assert len(executions(account)) == 1
    stats.add({Cell("segment/demo-data", PLACES, day_of(time.time()), "", "here"): -503})
    gone = browser.fragment("/console/demo?removing=1").text
    assert "The demo data is gone" in gone
    assert "hx-get" not in gone


def test_without_scripts_the_button_works_too(account, browser, made_up):
    answer = browser.post("/console/demo/remove")
    assert (answer.status, answer.headers["location"]) == (303, "/console")
    assert len(executions(account)) == 1


# --- the tour


def test_the_tour_begins_with_a_command_that_works(browser):
    page = browser.fragment("/console/tour").text
    assert "curl https://post.tidewater.example/v1/batch -u demo-write-key:" in page
    assert 'hx-get="/console/tour?step=send"' in page


def test_without_the_demo_key_it_asks_for_ones_own(browser):
    keys.save_key("demo-write-key", keys.Key("write", "demo-server", trusted=True, disabled_at=1.0))
    keys.forget_keys()
    assert "-u YOUR-WRITE-KEY:" in browser.fragment("/console/tour").text


def test_it_answers_only_when_there_is_news(browser):
    assert browser.fragment("/console/tour?step=send").status == 204


def test_it_goes_on_with_what_happens(account, browser):
    account.fold(account.event("Signed Up", "user:ana", "email:ana@example.com"))
    waiting = browser.fragment("/console/tour?step=send")
    assert waiting.status == 200
    assert "A mail to her is on its way" in waiting.text
    (message,) = account.messages("user:ana").values()
    messages.claim(message.message_id, "owner", account.now())
    messages.settle(message.message_id, "sent", account.now(), owner="owner")
    mail = browser.fragment("/console/tour?step=wait").text
    assert f"/console/messages/{message.message_id}" in mail
    messages.note_engagement(message.message_id, "opened", account.now())
    why = browser.fragment("/console/tour?step=mail").text
    assert f"/console/contacts/{account.contact_id('user:ana')}" in why
    assert "hx-get" not in why


def test_once_hidden_it_stays_away(browser):
    answer = browser.post("/console/tour/hide")
    assert answer.status == 303
    assert answer.cookies[0].startswith("tour=hidden;")
    assert browser.with_cookies(tour="hidden").fragment("/console/tour").text == ""


def test_a_name_with_markup_is_shown_as_text(account, browser):
    name = "<script>alert(1)</script>"
    account.fold(account.event("Signed Up", "user:ana", "email:ana@example.com", attributes={"first_name": name}))
    page = browser.fragment("/console/tour").text
    assert name not in page
    assert json.dumps(name)[1:-1].replace("<", "&lt;").replace(">", "&gt;") in page
