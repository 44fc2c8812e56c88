"""Broadcasts in the console: drafted in a form, looked over, scheduled, cancelled, and what became of each message."""

import re
from collections import Counter
from datetime import datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest

from postroad.broadcasts.broadcast import Tally
from postroad.commits import Commit, MembershipChange
from postroad.contacts.contact import Contact
from postroad.contacts.places import segment_place
from postroad.deliverability.doctor import Facts
from postroad.instants import format_instant, parse_instant
from postroad.sending.holds import MARKETING, PAUSE, SLOW, Hold
from postroad.sending.messages import Message
from postroad.stats import count_membership, count_message
from postroad_aws.storage import broadcasts, contacts, definitions, holds, memberships, stats
from tests.account import ANA, Account
from tests.functions.console.test_journeys import words

LIST = "/console/broadcasts"
LISBON = ZoneInfo("Europe/Lisbon")  # where the demo brand is


def a_form(account: Account, **changes: str) -> dict[str, str]:
    """What somebody types who means the day after tomorrow at half past eight."""
    day = datetime.fromtimestamp(account.now(), LISBON).date() + timedelta(days=2)
    typed = {"name": "Autumn letter", "segment": "customers", "template": "second-offer", "when": "later",
             "date": day.isoformat(), "time": "08:30", "edit": "0"}  # fmt: skip
    return {**typed, **changes}


def create(account: Account, browser, **changes: str) -> str:
    """The address of a new draft."""
    answer = browser.post(LIST, a_form(account, **changes))
    assert answer.status == 303, answer.text
    return answer.headers["location"]


def edit_of(text: str) -> str:
    return re.search(r'name="edit" value="(\d+)"', text)[1]


def schedule(browser, address: str):
    return browser.post(f"{address}/schedule", {"edit": edit_of(browser.get(address).text)})


def join(account: Account, *contact_ids: str) -> None:
    """These people are in the segment of customers, and counted."""
    for contact_id in contact_ids:
        change = MembershipChange(segment_place("customers"), contact_id, account.now())
        memberships.apply([change])
        stats.add(count_membership(None, change, account.now()))


def a_message(number: int, state: str, reason: str = "", **times: float) -> Message:
    return Message(
        f"mail-{number:03d}", f"c-{number:03d}", "broadcast/autumn-letter", "", "", "email", "offers", "second-offer",
        1, "", 1.79e9, state=state, reason=reason, times=times,
    )  # fmt: skip


def send(*messages: Message) -> None:
    """These messages of it are in the ledger, and counted."""
    for message in messages:
        contact = Contact(
            message.contact_id, created_at=1.79e9, identities={f"email:{message.contact_id}@x.example": 1.0}
        )
        contacts.commit(Commit(contact, messages=(message,)))
        stats.add(count_message(None, message))


def run_to(state: str, tally: Tally | None = None) -> None:
    """The run of the autumn letter is that far."""
    run = broadcasts.find_run("autumn-letter")
    assert run is not None
    at = run.at
    for number, name in enumerate(("running", *(("testing",) if state == "testing" else ("sending", "done")))):
        following = run.to(name, at + 60 * number, tally=tally)
        broadcasts.save_run(following, run)
        run = following
        if name == state:
            return


# Drafting


def test_without_broadcasts_the_list_says_what_one_is_and_how_to_begin(account, browser):
    text = browser.get(LIST).text
    assert "No broadcasts yet" in text
    assert text.count('href="/console/broadcasts/_new"') == 2
    assert "/console/broadcasts/_new" not in browser.as_role("viewer").get(LIST).text


def test_the_form_offers_what_is_published_and_the_zone_of_the_account(account, browser):
    text = browser.get(f"{LIST}/_new").text
    assert '<option value="customers">Customers</option>' in text
    assert "Thank you, and what goes with it (email): How was the first cup?" in words(text)
    assert "in Europe/Lisbon, where Tidewater Coffee is" in text


def test_of_very_many_some_are_offered_and_what_was_chosen(account, browser, monkeypatch):
    monkeypatch.setattr("functions.console.routes.broadcasts.MOST_CHOICES", 2)
    text = browser.post(LIST, a_form(account, name="", segment="offices", template="welcome")).text
    shown = text.split('<datalist id="events">')[0] + text.split("</datalist>")[1]
    # "Choose one" of each; those of a test, and how it is decided.
    assert shown.count("<option value=") == 2 + 2 + 2 + 3 + 5
    assert '<option value="offices" selected>' in text
    assert '<option value="welcome" selected>' in text


def test_choosing_a_segment_shows_how_many_it_holds(account, browser):
    join(account, "c-1", "c-2")
    text = browser.fragment(f"{LIST}/_audience?segment=customers").text
    assert "<html" not in text
    assert "2 people in Customers now: did Order Completed within the last 365 days" in words(text)
    for other in ("", "none", "%3Cscript%3E"):
        assert "Choose a segment" in browser.fragment(f"{LIST}/_audience?segment={other}").text


def test_a_form_becomes_a_draft_at_the_time_of_the_account(account, browser):
    address = create(account, browser)
    assert address == f"{LIST}/autumn-letter"
    typed = a_form(account)
    document = definitions.get_draft("broadcast", "autumn-letter").document
    local = datetime.fromisoformat(f"{typed['date']}T08:30").replace(tzinfo=LISBON)
    assert document == {
        "kind": "broadcast", "id": "autumn-letter", "name": "Autumn letter", "segment": "customers",
        "template": "second-offer", "at": format_instant(local.timestamp()),
    }  # fmt: skip
    text = words(browser.get(address).text)
    assert "Autumn letter draft" in text
    assert "08:30" in text
    assert "time of Europe/Lisbon" in text


def test_as_soon_as_it_is_scheduled_needs_no_time(account, browser):
    address = create(account, browser, when="now", date="", time="")
    assert "at" not in definitions.get_draft("broadcast", "autumn-letter").document
    text = words(browser.get(address).text)
    assert "Begins as soon as it is scheduled" in text
    assert "Send it now to 0 people" in text


def test_a_second_one_of_the_same_name_gets_an_id_of_its_own(account, browser):
    assert [create(account, browser) for _ in range(3)] == [
        f"{LIST}/autumn-letter", f"{LIST}/autumn-letter-2", f"{LIST}/autumn-letter-3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Ünïcode & Søn!", "unicode-sn"), ("日本", "broadcast"), ("_new", "new"), ("a" * 100, "a" * 50), ("<b>", "b")],
)
def test_an_id_is_made_of_any_name(account, browser, name, slug):
    address = create(account, browser, name=name)
    assert address == f"{LIST}/{slug}"
    assert browser.get(address).status == 200


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, "Give it a name"),
        ({"name": "x" * 150}, "Give it a name"),
        ({"name": "a\nb"}, "Give it a name"),
        ({"segment": ""}, "Choose one."),
        ({"segment": "none"}, "there is no published segment called 'none'"),
        ({"template": "none"}, "there is no published template called 'none'"),
        ({"segment": "Not An Id"}, "such as 'not-an-id'"),
        ({"date": ""}, "'' is not a date"),
        ({"date": "2026-02-30"}, "is not a date"),
        ({"date": "2020-01-01"}, "This lies in the past"),
        ({"time": "25:00"}, "is not a time of day"),
        ({"date": "9999-12-31"}, "between the years"),
        ({"segment": "<script>alert(1)</script>"}, "such as"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(account, browser, changes, sentence):
    answer = browser.post(LIST, a_form(account, **changes))
    assert answer.status == 422
    assert sentence in unescape(answer.text)
    assert "<script>alert" not in answer.text
    kept = changes.get("name", "Autumn letter")[:200]
    assert kept in unescape(re.search(r'id="name" name="name" value="([^"]*)"', answer.text)[1])
    assert definitions.list_drafts("broadcast").items == []


@pytest.mark.parametrize("form", [{}, {"name": "A"}, {"when": "junk", "edit": "x"}])
def test_half_a_form_is_answered_with_the_form(account, browser, form):
    assert browser.post(LIST, form).status == 422


def test_a_draft_is_changed_in_the_same_form(account, browser):
    address = create(account, browser)
    text = browser.get(f"{address}/edit").text
    assert 'value="Autumn letter"' in text
    assert 'value="08:30"' in text
    assert '<option value="customers" selected>' in text
    form = a_form(account, name="Winter letter", when="now", edit=edit_of(text))
    assert browser.post(address, form).status == 303
    document = definitions.get_draft("broadcast", "autumn-letter").document
    assert (document["name"], "at" in document) == ("Winter letter", False)


def test_what_the_form_does_not_ask_for_stays(account, browser):
    address = create(account, browser)
    draft = definitions.get_draft("broadcast", "autumn-letter")
    definitions.save_draft(
        "broadcast", "autumn-letter", {**draft.document, "description": "For the files."}, edit=1, now=1.0
    )
    browser.post(address, a_form(account, name="Winter letter", edit="2"))
    assert definitions.get_draft("broadcast", "autumn-letter").document["description"] == "For the files."


def test_the_second_of_two_who_save_is_told_and_nothing_is_overwritten_silently(account, browser):
    address = create(account, browser)
    seen = edit_of(browser.get(f"{address}/edit").text)
    assert browser.post(address, a_form(account, name="Theirs", edit=seen)).status == 303
    answer = browser.post(address, a_form(account, name="Mine", time="19:15", edit=seen))
    assert answer.status == 409
    text = words(answer.text)
    assert "Somebody else has saved this broadcast since you opened it, so yours is not saved." in text
    assert "Name: Theirs (you have Mine)" in text
    assert "Time: 08:30 (you have 19:15)" in text
    assert definitions.get_draft("broadcast", "autumn-letter").document["name"] == "Theirs"
    # Saving again is knowing.
    again = browser.post(address, a_form(account, name="Mine", time="19:15", edit=edit_of(answer.text)))
    assert again.status == 303
    assert definitions.get_draft("broadcast", "autumn-letter").document["name"] == "Mine"


def test_another_like_it_starts_with_its_words_and_a_new_time(account, browser):
    address = create(account, browser)
    schedule(browser, address)
    text = browser.get(f"{LIST}/_new?from=autumn-letter").text
    assert 'value="Autumn letter (copy)"' in text
    assert '<option value="second-offer" selected>' in text
    assert 'name="edit" value="0"' in text
    assert browser.get(f"{LIST}/_new?from=none").status == 404


# Scheduling and cancelling


def test_what_was_looked_over_is_scheduled(account, browser):
    address = create(account, browser)
    join(account, "c-1")
    assert "Schedule it for 1 person" in words(browser.get(address).text)
    assert schedule(browser, address).status == 303
    run = broadcasts.find_run("autumn-letter")
    assert run is not None
    assert (run.state, run.at) == ("scheduled", parse_instant(run.document["at"]))
    text = words(browser.get(address).text)
    assert "Autumn letter scheduled" in text
    assert "Cancel it" in text
    assert "Change it" not in text
    assert "Autumn letter scheduled to Customers" in words(browser.get(LIST).text)


def test_who_schedules_what_has_changed_since_is_told(account, browser):
    address = create(account, browser)
    seen = edit_of(browser.get(address).text)
    browser.post(address, a_form(account, name="Theirs", edit=seen))
    answer = browser.post(f"{address}/schedule", {"edit": seen})
    assert answer.status == 409
    assert "Somebody else has saved" in answer.text
    assert broadcasts.find_run("autumn-letter") is None


def test_scheduling_twice_is_told(account, browser):
    address = create(account, browser)
    edit = edit_of(browser.get(address).text)
    assert browser.post(f"{address}/schedule", {"edit": edit}).status == 303
    assert browser.post(f"{address}/schedule", {"edit": edit}).status == 409


@pytest.mark.parametrize("form", [{}, {"edit": ""}, {"edit": "x"}, {"edit": "-1"}, {"edit": "9" * 30}])
def test_scheduling_without_having_looked_is_refused(account, browser, form):
    address = create(account, browser)
    assert browser.post(f"{address}/schedule", form).status == 400
    assert broadcasts.find_run("autumn-letter") is None


def test_a_draft_whose_time_has_passed_says_so_when_it_is_scheduled(account, browser):
    address = create(account, browser)
    account.advance(3 * 86_400)
    answer = schedule(browser.as_role("marketer"), address)
    assert answer.status == 422
    assert "past" in answer.text


def test_a_draft_that_refers_to_nothing_says_what_is_missing_and_has_no_button(account, browser):
    document = {"kind": "broadcast", "id": "odd", "name": "Odd", "segment": "none", "template": ["junk"]}
    definitions.save_draft("broadcast", "odd", document, edit=0, now=1.0)
    text = words(browser.get(f"{LIST}/odd").text)
    assert "This cannot be scheduled yet." in text
    assert "Schedule it" not in text
    assert "Send it now" not in text
    assert browser.get(f"{LIST}/odd/edit").status == 200
    assert browser.get(LIST).status == 200


def test_a_cancelled_broadcast_can_be_changed_and_scheduled_again(account, browser):
    address = create(account, browser)
    schedule(browser, address)
    assert browser.post(f"{address}/cancel").status == 303
    text = words(browser.get(address).text)
    assert "cancelled before anything was sent" in text
    changed = browser.post(
        address, a_form(account, name="Later letter", edit=edit_of(browser.get(f"{address}/edit").text))
    )
    assert changed.status == 303
    assert "Later letter" in browser.get(address).text
    assert schedule(browser, address).status == 303
    run = broadcasts.find_run("autumn-letter")
    assert run is not None
    assert (run.state, run.number, run.broadcast.name) == ("scheduled", 2, "Later letter")


def test_what_has_begun_cannot_be_changed_and_is_stopped_for_good(account, browser):
    address = create(account, browser)
    schedule(browser, address)
    run_to("running")
    assert browser.get(f"{address}/edit").status == 409
    assert browser.post(address, a_form(account)).status == 409
    assert browser.post(f"{address}/cancel").status == 303
    text = browser.get(address).text
    assert "stopped" in text
    assert "Cancel it" not in text


def test_a_viewer_sees_and_changes_nothing(account, browser):
    address = create(account, browser)
    text = browser.as_role("viewer").get(address).text
    assert "Schedule it" not in text
    assert "Change it" not in text


@pytest.mark.parametrize("name", ["none", "%3Cscript%3E", "a" * 900, "..%2F.."])
def test_there_is_no_page_for_a_broadcast_that_there_is_not(account, browser, name):
    for path in ("", "/edit", "/people", "/preview"):
        assert browser.get(f"{LIST}/{name}{path}").status == 404, path
    for path, form in (("", a_form(account)), ("/schedule", {"edit": "1"}), ("/cancel", {})):
        assert browser.post(f"{LIST}/{name}{path}", form).status == 404, path


# What became of it

STATES = ["delivered"] * 5 + ["sent"] * 2 + ["queued"] + ["skipped"] * 2 + ["bounced"] + ["failed"] + ["unknown"]


@pytest.fixture
def sent(account, browser) -> str:
    """A broadcast to thirteen people that is being sent."""
    address = create(account, browser)
    schedule(browser, address)
    made = [a_message(number, state, "no consent" if state == "skipped" else "") for number, state in enumerate(STATES)]
    made[0] = a_message(0, "delivered", opened=1.79e9, clicked=1.79e9)
    send(*made)
    run_to("sending", Tally(Counter(STATES), {"no consent to <b>Offers</b>": 2}, account.now()))
    return address


def test_the_numbers_of_a_broadcast_add_up(sent, browser):
    text = browser.get(sent).text
    said = words(text)
    assert "People 13 in Customers" in said
    assert "Sent 8 62 %" in said
    legend = re.search(r'<ul class="plain parts-legend".*?</ul>', text, re.S)[0]
    parts = [int(number) for number in re.findall(r"<b>(\d+)</b>", legend)]
    assert sum(parts[:-1]) == parts[-1] == 13
    assert "no consent to &lt;b&gt;Offers&lt;/b&gt;" in text
    again = browser.fragment(f"{sent}?seen=sending")
    assert f'hx-get="{sent}?seen=sending" hx-trigger="every 10s"' in text
    assert "13 people" in words(again.text)
    assert "<html" not in again.text


def test_a_broadcast_that_has_gone_on_is_shown_as_a_whole(sent, browser):
    answer = browser.fragment(f"{sent}?seen=running")
    assert (answer.headers["hx-refresh"], answer.text) == ("true", "")


def test_a_broadcast_that_is_done_is_not_asked_for_again(sent, browser):
    run = broadcasts.find_run("autumn-letter")
    assert run is not None
    broadcasts.save_run(run.to("done", run.at + 999), run)
    text = browser.get(sent).text
    assert "hx-trigger" not in text.split('id="live"')[1]
    assert "done" in words(text)


def test_the_people_of_each_part_are_those_of_its_number(sent, browser):
    first = browser.get(f"{sent}/people").text
    tabs = dict(re.findall(r'people\?who=(\w+)"[^>]*>\w[\w ]* <span class="tab-count">(\d+)</span>', first))
    assert tabs["all"] == "13"
    for who, count in tabs.items():
        text = browser.get(f"{sent}/people?who={who}").text
        assert len(set(re.findall(r"c-\d\d\d@x\.example", text))) == int(count), who


def test_the_list_shows_how_each_did(sent, browser):
    assert "Autumn letter sending to Customers" in words(browser.get(LIST).text)
    assert "13 8 12 % 12 %" in words(browser.get(LIST).text)


def test_many_broadcasts_are_paged(account, browser):
    for number in range(60):
        create(account, browser, name=f"Letter {number}")
    schedule(browser, f"{LIST}/letter-7")
    seen, address = [], LIST
    while address:
        text = browser.fragment(address).text
        seen += re.findall(r'<a href="/console/broadcasts/([\w-]+)">', text)
        found = re.search(r'hx-get="([^"]+)"', text)
        address = unescape(found[1]) if found else ""
    assert len(seen) == len(set(seen)) == 60
    assert browser.get(f"{LIST}?cursor=junk").status == 400


# The preview


def test_the_preview_is_the_message_of_somebody_in_the_segment(account, browser):
    account.fold(account.event("Order Completed", f"email:{ANA}", attributes={"email": ANA, "first_name": "Ana"}))
    address = create(account, browser, template="welcome")
    stats.add(count_membership(None, MembershipChange("segment/customers", "c", account.now()), account.now()))
    assert f'src="{address}/preview"' in browser.get(address).text
    preview = browser.get(f"{address}/preview")
    assert "Good to have you, Ana" in preview.text
    assert "script-src" not in preview.headers["content-security-policy"]
    assert account.arrived() == []


def test_the_preview_can_be_for_somebody_by_name(account, browser):
    for name in ("Ana", "Ben"):
        address = f"{name.lower()}@example.com"
        account.fold(account.event("Met", f"email:{address}", attributes={"email": address, "first_name": name}))
    letter = create(account, browser, template="welcome")
    page = browser.get(f"{letter}?as=ben@example.com").text
    assert f'src="{letter}/preview?as=ben%40example.com"' in page
    assert 'value="ben@example.com"' in page
    assert "Good to have you, Ben" in browser.get(f"{letter}/preview?as=ben%40example.com").text
    assert "Nobody is known by this" in browser.get(f"{letter}/preview?as=%3Cscript%3E").text
    assert "<script>" not in browser.get(f"{letter}?as=%3Cscript%3E").text.split("<main")[1]


def test_a_subject_is_shown_without_what_fills_it(account, browser):
    text = browser.get(f"{LIST}/_new").text
    assert "Welcome (email): Welcome aboard…</option>" in text
    assert "{{" not in text
    assert "{%" not in text


def test_a_text_message_is_shown_as_text(account, browser):
    account.fold(account.event("Order Completed", f"email:{ANA}", "phone:+351912345678", attributes={"email": ANA}))
    address = create(account, browser, template="cart-text")
    text = browser.get(f"{address}/preview").text
    assert text.startswith("<p>")
    assert "Tidewater" in text


def test_an_empty_segment_has_nobody_to_show_it_for(account, browser):
    address = create(account, browser)
    assert "Nobody to show it for" in browser.get(address).text
    assert "Nobody is in the segment yet" in browser.get(f"{address}/preview").text


def test_a_test_and_the_readers_hour_are_typed_and_come_back(account, browser):
    test = {"against": "gift-boxes", "share": "25", "hours": "2.5", "winner": "manual", "decided_by": "opened"}
    fields = {**a_form(account), "when": "reader", **test}
    address = create(account, browser, **fields)
    draft = definitions.get_draft("broadcast", address.rpartition("/")[2]).document
    assert draft["zone"] == "reader"
    assert draft["at"].endswith(f"T{fields['time']}:00.000Z")
    assert draft["test"] == {
        "against": ["gift-boxes"], "share": 25.0, "lasts": "PT150M", "decided_by": "opened", "winner": "manual"
    }  # fmt: skip
    page = browser.get(address).text
    assert "where each reader is" in page
    assert "25 % of them get Thank you, and what goes with it or Gift boxes by lot" in page
    form = browser.get(f"{address}/edit").text
    assert 'value="2.5"' in form
    assert 'value="25"' in form
    assert browser.post(address, {**fields, "share": "all", "edit": "1"}).status == 422


def test_the_event_that_decides_a_test_is_typed_and_comes_back(account, browser):
    test = {"against": "gift-boxes", "share": "25", "hours": "4", "winner": "automatic", "decided_by": "event"}
    fields = {**a_form(account), **test, "event": "Order Completed"}
    refused = browser.post(LIST, {**fields, "event": " "})
    assert refused.status == 422
    assert "Name the event that decides" in refused.text
    address = create(account, browser, **fields)
    draft = definitions.get_draft("broadcast", address.rpartition("/")[2]).document
    assert (draft["test"]["event"], "decided_by" in draft["test"]) == ("Order Completed", False)
    assert "the one that led most people to Order Completed goes to the rest" in browser.get(address).text
    form = browser.get(f"{address}/edit").text
    assert '<option value="event" selected>' in form
    assert 'name="event" value="Order Completed"' in form
    assert '<option value="Order Completed"></option>' in form  # what journeys and scores are about is offered
    schedule(browser, address)
    run_to("testing")
    assert "decided by who did Order Completed" in browser.get(address).text


def test_a_broadcast_that_a_breaker_holds_says_so_and_where_it_is_let_go(account, browser):
    address = create(account, browser)
    schedule(browser, address)
    run_to("sending")
    note = "40 of 1,000 mails of the last 1 hour bounced"
    holds.save_hold(Hold(MARKETING, PAUSE, account.now(), "breaker", note))
    page = browser.get(address).text
    assert f"<b>Held</b>, like all marketing: {note}" in page
    assert '<a href="/console/deliverability">See Deliverability</a>' in page
    assert "the last leaves about" not in page
    holds.save_hold(Hold(MARKETING, SLOW, account.now(), "breaker", note, 600.0))
    assert "<b>Slowed</b>, like all marketing" in browser.get(address).text
    holds.lift_hold(MARKETING, "breaker")
    assert "like all marketing" not in browser.get(address).text


def test_whoever_is_about_to_send_hears_what_is_wrong_with_how_mail_is_sent(account, browser, monkeypatch):
    address = create(account, browser)
    assert 'hx-get="/console/broadcasts/_readiness"' in browser.get(address).text
    facts = Facts(identity="tidewater.example", is_verified=True, is_in_production=False, dmarc=())
    monkeypatch.setattr("postroad_aws.email_account.find_facts", lambda: facts)
    page = browser.get(f"{LIST}/_readiness").text
    assert "Mail may not arrive yet" in page
    assert "Ask whoever looks after your AWS account" in page
    assert "The account is in the sandbox" in page
    assert "Publish a TXT record at _dmarc" in page
    monkeypatch.setattr("postroad_aws.email_account.find_facts", Facts)
    assert "Mail may not arrive" not in browser.get(f"{LIST}/_readiness").text


def test_somebody_pauses_and_resumes_it_and_chooses_a_winner(account, browser):
    address = create(account, browser, **{**a_form(account), "against": "gift-boxes", "winner": "manual"})
    schedule(browser, address)
    run_to("testing")
    page = browser.get(address).text
    # On a phone each number has its name beside it, and nobody has to scroll sideways to the button.
    assert page.count('data-label="Chance to be best"') == page.count("Send it to the rest") == 2
    assert "No winner yet: the difference so far may well be chance" in page
    assert browser.post(f"{address}/pause").status == 303
    page = browser.get(address).text
    assert "Nothing of it leaves" in page
    assert "Resume" in page
    assert browser.post(f"{address}/winner", {"template": "gift-boxes"}).status == 409
    assert browser.post(f"{address}/resume").status == 303
    assert browser.post(f"{address}/winner", {"template": "gift-boxes"}).status == 303
    assert "somebody chose it" in browser.get(address).text
    assert browser.post(f"{address}/resend").status == 409
