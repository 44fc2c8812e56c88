"""Privacy in the console: an export that is read and downloaded, an erasure that says before what it will do."""

import json
import re

import pytest

from functions.serve_privacy import app
from postroad.consent.privacy import DONE, ERASURE, EXPORT, cut_files
from postroad_aws.clients import get_client
from postroad_aws.storage import contacts, privacy
from postroad_aws.usecases.find_contact import find_contact
from tests.account import ANA, lambda_context

LETTER = {"because": "a letter of 23 November"}


@pytest.fixture
def admin(browser):
    return browser.as_role("admin")


@pytest.fixture
def ana(account):
    account.sign_up(first_name="Ana")
    return account.contact(f"email:{ANA}")


def ask(admin, contact_id, what, **form):
    """What was asked for of a contact; its id."""
    answer = admin.post(f"/console/contacts/{contact_id}/{what}", {**LETTER, **form})
    assert answer.status == 303
    return answer.headers["location"].removeprefix("/console/privacy/")


def serve(request_id):
    assert app.handler({"request_id": request_id}, lambda_context(60_000))["done"]


def test_an_export_is_asked_for_followed_read_and_downloaded(admin, ana, account):
    request_id = ask(admin, ana.contact_id, "export")
    execution = get_client("stepfunctions").list_executions(stateMachineArn=account.privacy_machine)["executions"][0]
    described = get_client("stepfunctions").describe_execution(executionArn=execution["executionArn"])
    assert json.loads(described["input"]) == {"request_id": request_id}
    page = admin.get(f"/console/privacy/{request_id}").text
    assert "0 of 9 parts are done" in page
    assert 'hx-trigger="every 2s"' in page
    assert "0 of 9 parts" in admin.fragment(f"/console/privacy/{request_id}").text
    assert admin.get(f"/console/privacy/{request_id}/records").status == 404
    serve(request_id)
    assert admin.fragment(f"/console/privacy/{request_id}").headers["hx-refresh"] == "true"
    page = admin.get(f"/console/privacy/{request_id}").text
    assert "can be read until" in page
    records = admin.get(f"/console/privacy/{request_id}/records").text
    for said in ("Who they are", "Signed Up", "welcome by email: queued", ANA):
        assert said in records
    file = admin.get(f"/console/privacy/{request_id}/file")
    assert file.headers["content-disposition"] == f'attachment; filename="export-{request_id}-1.json"'
    held = json.loads(file.body)
    assert (held["file"], held["of"], held["contacts"]) == (1, 1, [ana.contact_id])
    assert sum(privacy.get_request(request_id).counts.values()) == len(held["records"])
    assert {record["part"] for record in held["records"]} >= {"contacts", "messages", "timeline"}


def test_what_is_held_reads_as_text_whatever_somebody_wrote(admin, account):
    account.sign_up(first_name="<script>alert(1)</script>")
    request_id = ask(admin, account.contact(f"email:{ANA}").contact_id, "export")
    serve(request_id)
    text = admin.get(f"/console/privacy/{request_id}/records").text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text


def test_an_export_can_be_read_for_a_week(admin, ana, account):
    request_id = ask(admin, ana.contact_id, "export")
    serve(request_id)
    account.advance(8 * 86_400)
    admin = admin.as_role("admin")
    assert "can be read no more" in admin.get(f"/console/privacy/{request_id}").text
    for page in ("records", "file"):
        assert admin.get(f"/console/privacy/{request_id}/{page}").status == 404


def test_a_marketer_sees_that_it_is_done_and_not_what_is_held(admin, browser, ana):
    request_id = ask(admin, ana.contact_id, "export")
    serve(request_id)
    marketer = browser.as_role("marketer")
    assert "/file" not in marketer.get(f"/console/privacy/{request_id}").text
    assert marketer.get(f"/console/privacy/{request_id}/records").status == 403
    assert "/export" not in marketer.get(f"/console/contacts/{ana.contact_id}").text
    assert "/export" in admin.get(f"/console/contacts/{ana.contact_id}").text


def test_an_erasure_says_before_what_it_will_do_and_happens_once_somebody_means_it(admin, ana):
    page = admin.get(f"/console/contacts/{ana.contact_id}/erase").text
    for said in ("Nobody can take it back", "nothing is sent to their addresses", "35 more days"):
        assert said in page
    answer = admin.post(f"/console/contacts/{ana.contact_id}/erase", LETTER)
    assert (answer.status, "nothing was done" in answer.text) == (422, True)
    assert privacy.list_requests().items == []
    request_id = ask(admin, ana.contact_id, "erase", sure="yes")
    serve(request_id)
    assert find_contact(contacts, ana.contact_id) is None
    page = admin.get(f"/console/privacy/{request_id}").text
    assert "They are forgotten" in page
    assert "Ana" not in re.sub(r"<[^>]*>", " ", page)
    assert admin.get(f"/console/contacts/{ana.contact_id}").status == 404
    assert privacy.get_request(request_id).asked_by == "marta@tidewater.example"


@pytest.mark.parametrize("because", ["", "  ", "x" * 201, "a\x00b"])
@pytest.mark.parametrize("what", ["export", "erase"])
def test_why_it_is_asked_for_has_to_be_said(admin, ana, what, because):
    answer = admin.post(f"/console/contacts/{ana.contact_id}/{what}", {"because": because, "sure": "yes"})
    assert answer.status == 400
    assert privacy.list_requests().items == []


def test_the_list_has_the_newest_first_and_goes_on(admin, browser, ana, account, monkeypatch):
    assert "Nobody has asked for anything" in browser.get("/console/privacy").text
    asked = []
    for what in ("export", "export", "erase"):
        asked.append(ask(admin, ana.contact_id, what, sure="yes"))
        account.advance(60)
    serve(asked[0])
    first = privacy.list_requests(limit=2)
    assert [each.request_id for each in first.items] == asked[:0:-1]
    assert [each.kind for each in first.items] == [ERASURE, EXPORT]
    second = privacy.list_requests(cursor=first.next, limit=2)
    assert ([each.state for each in second.items], second.next) == ([DONE], None)
    text = browser.get("/console/privacy").text
    assert text.index("Erasure of 1 person") < text.index("Export of 1 person")
    assert "by marta@tidewater.example" in text


def test_nothing_personal_stands_in_an_address(admin, ana):
    request_id = ask(admin, ana.contact_id, "export")
    serve(request_id)
    pages = [f"/console/privacy/{request_id}", "/console/privacy", f"/console/contacts/{ana.contact_id}/erase"]
    for page in pages:
        found = re.findall(r'(?:href|action|hx-get)="([^"]*)"', admin.get(page).text)
        assert not [each for each in found if "ana" in each.lower().replace("marketing", "") and "@" in each]


def test_a_large_export_is_several_files():
    assert cut_files([], 10) == []
    assert cut_files([4, 4, 4, 20, 1], 10) == [range(2), range(2, 3), range(3, 4), range(4, 5)]


def test_a_file_that_is_none_is_not_found(admin, ana):
    request_id = ask(admin, ana.contact_id, "export")
    serve(request_id)
    assert admin.get(f"/console/privacy/{request_id}/file?cursor=7").status == 404
    assert admin.get(f"/console/privacy/{request_id}/file?cursor=x").status == 400


def test_who_looks_reads_that_a_request_is_late_and_what_becomes_of_it(admin, browser, ana, account):
    request_id = ask(admin, ana.contact_id, "erase", sure="yes")
    assert "this page follows" in browser.get(f"/console/privacy/{request_id}").text
    account.advance(1_000)
    page = browser.get(f"/console/privacy/{request_id}").text
    for said in ("should have ended by now", "begun within the hour", "dead letters", "can still be written to"):
        assert said in page
    assert "late" in browser.get("/console/privacy").text
    serve(request_id)
    assert "They are forgotten" in browser.get(f"/console/privacy/{request_id}").text
