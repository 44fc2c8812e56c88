"""Leads and the life cycle: who stands where, and whom to speak to first."""

import csv
import io
import re

import pytest

from postroad_aws import clock, runs
from postroad_aws.storage import definitions
from postroad_aws.usecases.publish_definitions import publish_definitions
from tests.functions.api.test_numbers import count

OFFICES = [f"office{number}@example.com" for number in range(4)]
HOME = "home@example.com"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def shop(account):
    """Four people of offices, who look at what offices pay, and one who buys for home."""
    for number, address in enumerate(OFFICES):
        known = {"email": address, "company_size": 40, "role": "office manager", "phone": f"+35191234567{number}"}
        account.fold(account.event("Signed Up", f"email:{address}", attributes=known))
        for _ in range(number):
            account.fold(account.event("Page Viewed", f"email:{address}", path="/plans/enterprise"))
    account.fold(account.event("Signed Up", f"email:{HOME}", attributes={"email": HOME, "first_name": HOSTILE}))
    account.fold(account.event("Order Completed", f"email:{HOME}", total=20))
    count(account)
    return account


def test_the_hottest_leads_stand_first_with_the_reason(shop, browser):
    text = browser.get("/console/leads?at=stage/lead").text
    found = re.findall(r"office(\d)@example.com", text)
    assert list(dict.fromkeys(found)) == ["3", "2", "1"]
    assert "most for Page Viewed (path starts with /plans/enterprise); fit A" in text
    assert "The 3 hottest of 4 people" in text


def test_what_is_not_said_is_the_first_of_each(shop, browser):
    text = browser.get("/console/leads").text
    assert '<option value="handover/sales" selected>With sales</option>' in text
    assert '<option value="fit" selected>Fit</option>' in text


def test_without_a_grade_fit_does_not_count(shop, browser):
    text = browser.get("/console/leads?at=stage/lead&grade=").text
    assert '<th scope="col">Fit</th>' not in text
    assert "fit A" not in text


def test_leads_are_a_table_for_a_spreadsheet_too(shop, browser):
    answer = browser.get("/console/leads.csv?at=stage/customer&score=engagement&grade=")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "leads.csv" in answer.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["email"], row["stage"]) == (HOME, "customer")


def test_a_name_with_markup_is_text_among_the_leads(shop, browser):
    assert HOSTILE not in browser.get("/console/leads?at=stage/customer").text


@pytest.mark.parametrize("query", ["at=stage/boss", "at=nonsense", "score=charm", "grade=charm"])
def test_leads_of_what_is_not_there_are_not_found(shop, browser, query):
    assert browser.get(f"/console/leads?{query}").status == 404
    assert browser.get(f"/console/leads.csv?{query}").status == 404


def test_without_a_score_the_page_says_what_is_missing(bare_browser):
    assert "Leads need a score" in bare_browser.get("/console/leads").text
    assert bare_browser.get("/console/leads.csv").status == 404


def test_where_nobody_stands_the_page_says_so(account, browser):
    assert "Nobody stands there now" in browser.get("/console/leads?at=segment/customers").text


def test_the_life_cycle_is_a_funnel_of_who_has_come_how_far(shop, browser):
    text = re.sub(r"<[^>]+>", "", browser.get("/console/lifecycle").text)
    stages = re.findall(r"(Visitor|Lead|Qualified|Customer|Regular)(\d+) have come so far, ([\d.]+ %)", text)
    assert stages == [
        ("Visitor", "5", "100 %"),
        ("Lead", "5", "100 %"),
        ("Qualified", "1", "20 %"),
        ("Customer", "1", "20 %"),
        ("Regular", "0", "0 %"),
    ]
    assert re.findall(r"(\d+) stand here, (\d+) came in 30 days", text)[1] == ("4", "4")
    assert "Score Engagement is at least 60." in text


def test_a_stage_without_messages_is_a_gap(account, browser):
    text = browser.get("/console/lifecycle").text
    rows = dict(re.findall(r"<td><b>(\w+)</b></td>\s*<td data-label=\"email\">(.*?)</td>", text, re.DOTALL))
    assert "none yet" in rows["Visitor"]
    assert "Cart reminder" in rows["Lead"]
    assert "and 3 others" in rows["Lead"]


def test_behind_each_place_of_the_life_cycle_are_its_people(shop, browser):
    customers = browser.get("/console/lifecycle/people?at=stage/customer").text
    assert HOME in customers
    assert OFFICES[0] not in customers
    assert OFFICES[3] in browser.get("/console/lifecycle/people?at=handover/sales").text
    assert "Nobody stands here now" in browser.get("/console/lifecycle/people?at=stage/regular").text
    for wrong in ("stage/boss", "", "journey/welcome"):
        assert browser.get(f"/console/lifecycle/people?at={wrong}").status == 404


def test_many_at_one_stage_are_paged(account, browser):
    account.fold(*(account.event("Order Completed", f"user:u{n:03}", total=1) for n in range(60)))
    first = browser.get("/console/lifecycle/people?at=stage/customer").text
    more = re.search(r'hx-get="([^"]+cursor[^"]+)"', first)[1].replace("&amp;", "&")
    found = re.findall(r"<b>(u\d+)</b>", first + browser.fragment(more).text)
    assert len(found) == len(set(found)) == 60


def test_without_a_life_cycle_the_page_says_what_one_is(bare_browser):
    text = bare_browser.get("/console/lifecycle").text
    assert "There is no life cycle yet" in text
    assert "No messages yet" in text


def test_a_segment_leads_to_its_leads_however_many_segments_there_are(account, browser, monkeypatch):
    monkeypatch.setattr("functions.console.standings.MOST_SEGMENTS", 1)
    text = browser.get("/console/leads?at=segment/hot-leads").text
    assert '<option value="segment/hot-leads" selected>Hot leads</option>' in text
    assert text.count('<option value="segment/') == 2


# Segments that are drafts


DRAFT = {"kind": "segment", "id": "french", "name": "French", "if": {"attribute": "country", "is": "FR"}}


def save(account, edit=0, **parts):
    definitions.save_draft("segment", "french", {**DRAFT, **parts}, edit=edit, now=account.now())


def test_a_draft_says_how_many_it_would_hold_before_it_is_published(account, browser):
    for number, country in enumerate(("FR", "FR", "PT")):
        account.fold(account.event("Signed Up", f"anon:a{number}", attributes={"country": country}))
    save(account)
    assert "French" in browser.get("/console/segments?view=drafts").text
    page = browser.get("/console/segments/french").text
    assert "Country is FR." in page
    assert 'hx-get="/console/segments/french/estimate"' in page
    estimate = browser.fragment("/console/segments/french/estimate").text
    assert re.search(r'stat-figure">2</div>', estimate)
    assert "of 3 contacts; all were looked at." in estimate


def test_a_marketer_publishes_the_draft_that_was_looked_at(account, browser):
    save(account)
    assert browser.as_role("viewer").post("/console/segments/french/publish", {"edit": "1"}).status == 403
    save(account, edit=1, name="Frenchies")
    stale = browser.post("/console/segments/french/publish", {"edit": "1"})
    assert stale.status == 409
    assert "nothing was published" in stale.text
    assert browser.post("/console/segments/french/publish", {"edit": "2"}).status == 303
    assert "Nobody is in it now" in browser.get("/console/segments/french").text
    assert "No draft waits" in browser.get("/console/segments?view=drafts").text
    assert browser.post("/console/segments/none/publish", {"edit": "1"}).status == 404


def test_a_draft_with_mistakes_says_them_and_has_no_button(account, browser):
    save(account, **{"if": {"segment": "nobody"}})
    text = browser.get("/console/segments/french").text
    assert "there is no published segment called &#39;nobody&#39;" in text
    assert "Publish this draft" not in text
    assert browser.post("/console/segments/french/publish", {"edit": "1"}).status == 422
    save(account, edit=1, **{"if": {"nothing": 1}})
    assert "The condition cannot be read yet." in browser.get("/console/segments/french").text
    assert browser.fragment("/console/segments/french/estimate").status == 200


def test_changes_of_what_is_live_lead_to_the_draft(account, browser):
    publish_definitions(definitions, runs, clock, {"segment/french": DRAFT})
    save(account, **{"if": {"attribute": "country", "is": "BE"}})
    assert "The draft has changes that are not published yet." in browser.get("/console/segments/french").text
    draft = browser.get("/console/segments/french?version=draft").text
    assert "Country is BE." in draft
    assert "Country is FR." in draft


def test_a_segment_is_withdrawn_unless_something_reads_it(account, browser):
    publish_definitions(definitions, runs, clock, {"segment/french": DRAFT})
    assert browser.post("/console/segments/french/withdraw").status == 303
    assert browser.get("/console/segments/french").status == 404
    refused = browser.post("/console/segments/customers/withdraw")
    assert refused.status == 422
    assert "it goes on, and there is no published segment called &#39;customers&#39;" in refused.text


def test_a_static_segment_has_nothing_to_estimate(account, browser):
    definitions.save_draft(
        "segment", "fair", {"kind": "segment", "id": "fair", "static": True}, edit=0, now=account.now()
    )
    assert "said one by one" in browser.fragment("/console/segments/fair/estimate").text


# Home


def test_home_lists_the_journeys_with_most_people_and_says_what_its_numbers_are_of(account, browser, monkeypatch):
    monkeypatch.setattr("functions.console.routes.home._LISTED", 2)
    text = browser.get("/console").text
    assert "All 3 journeys" in text
    assert text.count('<li class="line"><a href="/console/journeys/') == 2
    assert "The last 30 days." in text
    monkeypatch.setattr("functions.console.routes.home.MOST_ADDED_UP", 2)
    assert "of the 2 journeys with most people and the 2 latest broadcasts" in browser.get("/console").text


def test_home_names_some_of_many_journeys_that_people_are_stuck_in():
    from functions.console.digest import MOST_NAMED, Some, add_up, find_notices
    from postroad.stats import Counts, PlaceCounts

    stuck = Counts(places={":failed": PlaceCounts(here=2, entered=2)})
    none = Some(0, False)
    notices = find_notices(add_up([]), {f"j{n}": (f"J{n}", stuck) for n in range(10_000)}, none, none)
    assert len(notices) == MOST_NAMED + 1
    assert notices[-1].sentence == "In 9,995 other journeys people could not go on."


def test_sentences_have_the_names_of_what_they_speak_of(account, browser):
    is_no_customer = {"not": {"segment": "customers"}}
    new = {"kind": "segment", "id": "new", "if": {"all": [{"score": "engagement", "gte": 5}, is_no_customer]}}
    publish_definitions(definitions, runs, clock, {"segment/new": new})
    text = browser.get("/console/segments/new").text
    assert "Score Engagement is at least 5 and is not in the segment Customers." in text
