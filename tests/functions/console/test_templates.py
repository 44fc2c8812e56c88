"""The room of templates: a mail is written as a form, seen as somebody would get it, tried, and published."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.console.template_form import (
    change_rows,
    form_of_document,
    form_of_fields,
    new_form,
    read_form,
)
from postroad.content.blocks import BLOCKS
from postroad_aws.storage import definitions
from postroad_aws.usecases import send_test
from tests.account import ANA, Channel

MAIL = {
    "name": "Grinder",
    "channel": "email",
    "body": "blocks",
    "edit": "0",
    "topic": "offers",
    "subject": 'A quieter grinder, {{ contact.first_name | default("friend") }}',
    "preheader": "It is cleaned in a minute.",
    "row0.kind": "heading",
    "row0.text": "A quieter grinder",
    "row1.kind": "button",
    "row1.text": "See it",
    "row1.url": "https://tidewater.example/grinder",
    "then": "save",
}
CHOICE = {
    "choice": {"cases": [{"when": {"attribute": "plan", "is": "vip"}, "blocks": [{"text": {"text": "Dear VIP"}}]}]}
}


def typed(**changes):
    return {key: value for key, value in (MAIL | changes).items() if value is not None}


def test_c12_a_mail_is_built_of_blocks_previewed_as_a_contact_tried_and_published(account, browser, monkeypatch):
    account.sign_up(first_name="Ana")
    saved = browser.post("/console/templates", MAIL)
    assert (saved.status, saved.headers["location"]) == (303, "/console/templates/grinder")
    page = browser.get(f"/console/templates/grinder?as={ANA}").text
    assert "A quieter grinder, Ana" in page
    assert "Nothing to mend." in page
    mail = browser.get(f"/console/templates/grinder/preview?as={ANA}")
    assert 'href="https://tidewater.example/grinder"' in mail.text
    assert "sandbox" in mail.headers["content-security-policy"]
    channel = Channel()
    ports = account.with_channels(email=channel)
    monkeypatch.setattr("functions.console.routes.templates.production", lambda: ports)
    tried = browser.post("/console/templates/grinder/test", {"to": "marta@tidewater.example", "as": ANA})
    assert "A test is on its way to marta@tidewater.example." in tried.text
    assert b"[Test] A quieter grinder, Ana" in channel.sent[0].raw
    assert browser.post("/console/templates/grinder/publish", {"edit": "1"}).status == 303
    assert definitions.find_manifest().live["template/grinder"].version == 1
    assert "Withdraw" in browser.get("/console/templates/grinder").text


def test_a_test_to_somebody_outside_is_refused_with_the_reason(account, browser):
    browser.post("/console/templates", MAIL)
    answer = browser.post("/console/templates/grinder/test", {"to": "ana@elsewhere.example"})
    assert answer.status == 422
    assert "Tests go to your own address, and addresses at tidewater.example" in answer.text
    assert send_test.MOST_ADDRESSES == 5


def test_a_draft_that_is_not_finished_is_saved_and_says_what_hinders(browser):
    browser.post("/console/templates", typed(**{"row1.url": "nowhere"}))
    page = browser.get("/console/templates/grinder").text
    assert "This cannot be published yet." in page
    assert "“Where it leads” must be an address such as" in page
    assert 'href="#block-1">Block 2, button</a>' in page
    assert "/console/templates/grinder/publish" not in page


def test_a_block_is_added_moved_copied_and_taken_out_and_what_was_typed_stays(browser):
    page = browser.post("/console/templates", typed(then="up.1")).text
    assert page.index("See it") < page.index('value="A quieter grinder"')
    added = browser.with_headers(hx_request="true").post("/console/templates", typed(then="add.divider")).text
    assert 'name="row2.kind" value="divider"' in added
    assert "<html" not in added
    assert definitions.find_draft("template", "grinder") is None
    form = form_of_fields(MAIL)
    assert [row.kind for row in change_rows(form, "copy", 0).rows] == ["heading", "heading", "button"]
    assert [row.kind for row in change_rows(form, "remove", 0).rows] == ["button"]
    for what, number, kind in [("up", 0, ""), ("down", 1, ""), ("remove", 9, ""), ("add", -1, "columns"), ("x", 0, "")]:
        assert change_rows(form, what, number, kind) == form


def test_what_is_typed_is_shown_and_looked_at_before_it_is_saved(account, browser):
    account.sign_up(first_name="Ana")
    shown = browser.post(
        "/console/templates/_preview", typed(**{"row0.text": "Hi {{ contact.first_name }}", "as": ANA})
    )
    assert "Hi Ana" in shown.text
    text = browser.post("/console/templates/_preview", typed(view="text")).text
    assert "A quieter grinder" in text
    assert "<img" not in text
    found = browser.post("/console/templates/_look", typed(subject="URGENT!! Re: a grinder")).text
    assert "1 word in capitals: URGENT" in found.replace("1 Word", "1 word")
    assert definitions.find_draft("template", "grinder") is None


def test_a_preview_fetches_no_picture_of_another_host(browser):
    fields = {"row2.kind": "image", "row2.url": "https://elsewhere.example/a.png", "row2.alt": "A grinder"}
    shown = browser.post("/console/templates/_preview", typed(**fields)).text
    assert "elsewhere.example" not in shown
    assert 'alt="A grinder"' in shown
    assert 'src="data:image/svg+xml' in shown


def test_a_text_says_in_how_many_segments_it_goes(browser):
    page = browser.get("/console/templates/_new?channel=sms").text
    assert 'name="text"' in page
    fields = {
        "name": "Reminder",
        "channel": "sms",
        "topic": "offers",
        "text": "Tidewater: " + "coffee " * 30,
        "then": "save",
    }
    assert browser.post("/console/templates", fields).status == 303
    assert "2 segments" in browser.get("/console/templates/reminder").text
    document = definitions.get_draft("template", "reminder").document
    assert document.keys() == {"kind", "id", "name", "channel", "topic", "text"}


def test_a_mail_that_a_developer_wrote_in_html_keeps_what_the_form_does_not_show(browser):
    live = definitions.get_version("template", "welcome", 1)
    form = form_of_document(live, 0)
    assert (form.body, form.html) == ("html", live["html"].strip()) or form.html == live["html"]
    page = browser.get("/console/templates/welcome/edit").text
    assert 'name="html"' in page
    before = {"name": "W", "html": "<p>x</p>", "channel": "email", "from": "A <a@b.example>", "languages": {"de": {}}}
    said = read_form(form_of_document(before, 0), "w", before)
    assert (said["from"], said["languages"], said["html"]) == ("A <a@b.example>", {"de": {}}, "<p>x</p>")


def test_a_block_that_holds_others_is_kept_as_it_is_and_can_be_moved():
    document = {"name": "W", "channel": "email", "blocks": [CHOICE, {"text": {"text": "Hi"}}]}
    form = change_rows(form_of_document(document, 0), "down", 0)
    assert read_form(form, "w", {})["blocks"] == [{"text": {"text": "Hi"}}, CHOICE]


def test_who_has_not_read_the_newest_draft_is_told(browser):
    browser.post("/console/templates", MAIL)
    assert browser.post("/console/templates/grinder", typed(edit="1", subject="Hers: a grinder")).status == 303
    answer = browser.post("/console/templates/grinder", typed(edit="1", subject="His: a grinder"))
    assert answer.status == 409
    assert "Somebody else has saved" in answer.text
    assert definitions.get_draft("template", "grinder").document["subject"] == "Hers: a grinder"


def test_the_list_says_what_is_live_and_what_is_not(browser):
    browser.post("/console/templates", MAIL)
    page = browser.get("/console/templates").text
    assert re.search(r"Grinder</b></a>.*?not live", page, re.DOTALL)
    assert "Welcome" in page
    assert "Grinder" not in browser.get("/console/templates?channel=sms").text


@pytest.mark.parametrize("path", ["/console/templates/_new", "/console/templates/welcome/edit"])
def test_a_viewer_looks_and_changes_nothing(browser, path):
    viewer = browser.as_role("viewer")
    assert viewer.get(path).status == 403
    assert viewer.get("/console/templates/welcome").status == 200
    assert viewer.post("/console/templates/welcome/test", {"to": "marta@tidewater.example"}).status == 403


NASTY = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


@given(st.dictionaries(st.sampled_from([*MAIL, "row0.kept", "row0.when", "row3.kind", "row3.text", "html"]), NASTY))
def test_whatever_is_typed_is_a_document_and_comes_back(fields):
    form = form_of_fields({**MAIL, **fields})
    document = read_form(form, "x", {})
    again = form_of_document(document, 0)
    assert again is None or read_form(again, "x", {}) == document


def test_each_simple_block_has_a_form_and_begins_with_something_that_can_be_read():
    form = new_form("email")
    for kind in BLOCKS:
        form = change_rows(form, "add", -1, kind)
    assert {row.kind for row in form.rows} >= {"heading", "text", "image", "button", "divider", "spacer", "footer"}
