"""The pages of contacts: everybody, one, and why things were done."""

import re

import pytest

from postroad import demo
from postroad.broadcasts.broadcast import RUNNING, event_for, plan_run
from postroad.commits import Commit
from postroad.tasks import DONE, Task
from postroad_aws.storage import broadcasts, contacts, messages
from tests.account import ANA

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"


@pytest.fixture
def ana(account):
    account.sign_up(first_name="Ana", last_name="Marker", company={"name": "Acme", "size": 40})
    return account.contact(f"email:{ANA}")


def _people(account, count):
    for number in range(count):
        account.fold(account.event("Signed Up", f"user:u{number:03}"))


def test_the_list_shows_everybody_the_newest_first_with_score_stage_and_segments(account, browser, ana):
    account.advance(60)
    account.fold(account.event("Order Completed", "user:otto", total=24))
    text = browser.get("/console/contacts").text
    assert text.index("otto") < text.index("Ana Marker")
    assert ANA in text
    assert "Customers" in text
    assert "Engagement" in text
    assert "1 minute ago" in text


def test_a_contact_shows_when_and_how_to_reach_them_and_what_is_to_be_done(account, browser, ana):
    text = " ".join(browser.get(f"/console/contacts/{ana.contact_id}").text.split())
    assert "10:00, the account&#39;s usual hour: 0 openings say too little" in text
    assert "From now on: " in text
    assert "is the account&#39;s usual hour; 0 openings of 1 messages say too little" in text
    assert "reached best by</dt><dd>email" in text
    assert "phone: there is no number to call" in text
    assert "To do" not in text
    now = round(account.now(), 3)
    ring = Task("enr.ring", ana.contact_id, "call", f"Call {HOSTILE}", "journey/a@1", "ring", "enr", now, now, "bo")
    done = Task("enr.done", ana.contact_id, "call", "Called before", "journey/a@1", "ring", "enr", now, now, state=DONE)
    contacts.commit(Commit(account.contact(f"email:{ANA}"), tasks=(ring, done)))
    text = browser.get(f"/console/contacts/{ana.contact_id}").text
    assert "To do" in text
    assert "Call &lt;script&gt;" in text
    assert HOSTILE not in text
    assert "Called before" not in text


def test_a_list_goes_on_where_it_ended(account, browser):
    _people(account, 60)
    first = browser.get("/console/contacts").text
    more = re.search(r'hx-get="([^"]+cursor[^"]+)"', first)[1].replace("&amp;", "&")
    rest = browser.fragment(more)
    assert "<html" not in rest.text
    names = re.findall(r"<b>(u\d+)</b>", first) + re.findall(r"<b>(u\d+)</b>", rest.text)
    assert len(names) == len(set(names)) == 60
    assert "Show more" not in rest.text
    assert "<html" in browser.get(more).text


@pytest.mark.parametrize("cursor", ["x", "W10", "bnVsbA", "WyJhIiwxXQ", "%22", "W251bGwsbnVsbF0"])
def test_a_cursor_that_nobody_gave_is_refused_with_a_sentence(browser, ana, cursor):
    addresses = ("contacts", f"contacts/{ana.contact_id}", f"contacts/{ana.contact_id}?tab=messages")
    for address in (*addresses, "segments/customers", "quarantine", "messages?from=journey%2Fwelcome"):
        answer = browser.get(f"/console/{address}{'&' if '?' in address else '?'}cursor={cursor}")
        assert answer.status == 400, address
        assert "cursor" in answer.text


@pytest.mark.parametrize("wanted", [ANA, ANA.upper(), f"email:{ANA}", f"  {ANA} ", "ana-7", "user:ana-7"])
def test_somebody_is_found_by_an_identity(account, browser, wanted):
    account.fold(account.event("Signed Up", "user:ana-7", f"email:{ANA}", attributes={"first_name": "Ana"}))
    account.fold(account.event("Signed Up", "user:otto"))
    from urllib.parse import quote

    text = browser.get(f"/console/contacts?q={quote(wanted)}").text
    assert "<b>Ana</b>" in text
    assert "otto" not in text


def test_somebody_is_found_by_our_own_id(browser, ana):
    assert "Ana Marker" in browser.get(f"/console/contacts?q={ana.contact_id}").text


def test_a_search_that_finds_nobody_says_what_to_do(browser, ana):
    text = browser.get("/console/contacts?q=nobody%3Cb%3E").text
    assert "Nobody is called that" in text
    assert "nobody&lt;b&gt;" in text


def test_an_empty_account_says_what_to_do(bare_browser):
    assert "appears with the first event" in bare_browser.get("/console/contacts").text
    assert "No segments yet" in bare_browser.get("/console/segments").text
    assert "Nothing is in quarantine" in bare_browser.get("/console/quarantine").text
    assert "No messages yet" in bare_browser.get("/console/messages").text
    assert "All is well" in bare_browser.get("/console").text


def test_a_contact_shows_where_they_stand_and_what_comes_next(account, browser, ana):
    text = browser.get(f"/console/contacts/{ana.contact_id}").text
    assert "<h1>Ana Marker" in text
    assert "Welcome" in text
    assert "opened welcome, at most 3 days" in text
    assert "(in 2 days)" in text
    assert "Offers and reminders" in text
    assert "stands until it is refused" in text
    assert "name: Acme, size: 40" in text
    assert "{" not in re.sub(r"<meta[^>]*>|<script.*?</script>", "", text)


def test_the_score_says_its_reasons(account, browser, ana):
    account.fold(account.event("Order Completed", f"email:{ANA}", total=24))
    text = browser.get(f"/console/contacts/{ana.contact_id}").text
    assert re.search(r'<span class="points up">\+\d+</span><span>Order Completed ', text)


def test_the_timeline_tells_what_followed_and_why(account, browser, ana):
    account.fold(account.event("Order Completed", f"email:{ANA}", total=24.5))
    text = browser.get(f"/console/contacts/{ana.contact_id}").text
    assert text.index("Order Completed</b>") < text.index("Signed Up</b>")
    assert '<span class="text-secondary">total</span> 24.5' in text
    assert "Entered the segment Customers" in text
    assert "Started the journey Welcome" in text
    assert "enters for the first time" in text


def test_the_timeline_tells_what_was_sent_and_leads_to_it(account, browser, ana):
    message = account.messages(f"email:{ANA}")["welcome"]
    account.fold(account.event("Email Opened", f"email:{ANA}", message_id=message.message_id, actor="human"))
    text = browser.get(f"/console/contacts/{ana.contact_id}").text
    assert "A message is on its way: welcome by email" in text
    assert f'<a href="/console/messages/{message.message_id}">the message</a>' in text


def test_nothing_is_said_to_be_on_its_way_that_cannot_be_sent(account, browser):
    account.fold(account.event("Signed Up", "user:without-address"))
    text = browser.get(f"/console/contacts/{account.contact('user:without-address').contact_id}").text
    assert "<b>skipped</b>" in text
    assert "is on its way" not in text


def test_what_comes_with_every_event_of_a_device_is_told_once(account, browser, ana):
    said = {"timezone": "Europe/Lisbon", "company_size": 40, demo.ATTRIBUTE: True}
    account.fold(account.event("Page Viewed", f"email:{ANA}", attributes=said))
    moments, about = browser.get(f"/console/contacts/{ana.contact_id}").text.split('<aside aria-label="About">')
    assert '<span class="text-secondary">company size</span> 40' in moments
    assert "Europe/Lisbon" not in moments
    assert '<span class="text-secondary">demo data</span>' not in moments
    assert "Europe/Lisbon" in about


def test_times_in_reasons_are_those_of_the_business(account, browser, ana):
    text = browser.get(f"/console/contacts/{ana.contact_id}?tab=why").text
    assert re.search(r"<b>wait</b> . until \w{3} \d+ \w{3} \d{4}, \d\d:\d\d", text)
    assert " UTC" not in text


def test_a_broadcast_has_its_name_in_the_life_of_who_got_it(account, browser, ana):
    letter = {"kind": "broadcast", "id": "autumn", "name": "The <autumn> letter", "segment": "customers"}
    run = plan_run({**letter, "template": "second-offer"}, 1, None, account.now()).to(RUNNING, account.now())
    broadcasts.save_run(run, None)
    account.fold(event_for(run, ana.contact_id))
    page = f"/console/contacts/{ana.contact_id}"
    timeline = browser.get(page).text
    assert "The broadcast The &lt;autumn&gt; letter began" in timeline
    assert '<a href="/console/broadcasts/autumn">The &lt;autumn&gt; letter</a>' in timeline
    lines = browser.get(f"{page}?tab=messages").text
    assert ">Thank you, and what goes with it</a>" in lines
    assert ">The &lt;autumn&gt; letter</td>" in lines
    message = next(each for each in account.messages(f"email:{ANA}").values() if each.origin == "broadcast/autumn")
    assert ">The &lt;autumn&gt; letter</a>" in browser.get(f"/console/messages/{message.message_id}").text


def test_why_lists_the_decisions_alone(account, browser, ana):
    text = browser.get(f"/console/contacts/{ana.contact_id}?tab=why").text
    assert "did Order Completed" not in text
    assert re.search(r">Welcome</a>, Send welcome by email: <b>send</b>", text)


def test_the_messages_of_a_contact_say_their_state_and_reason(account, browser, ana):
    message = account.messages(f"email:{ANA}")["welcome"]
    messages.settle(message.message_id, "skipped", account.now(), reason="the contact unsubscribed from <Offers>")
    text = browser.get(f"/console/contacts/{ana.contact_id}?tab=messages").text
    assert "the contact unsubscribed from &lt;Offers&gt;" in text
    assert f"/console/messages/{message.message_id}" in text


def test_a_long_timeline_goes_on(account, browser, ana):
    account.fold(*(account.event(f"Step {n:03}", f"email:{ANA}") for n in range(60)))
    first = browser.get(f"/console/contacts/{ana.contact_id}").text
    more = re.search(r'hx-get="([^"]+cursor[^"]+)"', first)[1].replace("&amp;", "&")
    rest = browser.fragment(more).text
    assert "<html" not in rest
    seen = set(re.findall(r"Step \d+", first)) | set(re.findall(r"Step \d+", rest))
    assert len(seen) == 60
    assert "Signed Up" in rest


def test_who_was_merged_is_shown_as_whom_they_have_become(account, browser):
    account.fold(account.event("Page Viewed", "anon:a-1"))
    visitor = account.contact("anon:a-1").contact_id
    account.fold(account.event("Signed Up", f"email:{ANA}"))
    account.fold(account.event("Identified", f"email:{ANA}", "anon:a-1"))
    today = account.contact("anon:a-1").contact_id
    assert browser.get(f"/console/contacts/{today}").status == 200
    [yesterday] = {visitor, account.contact_id(f"email:{ANA}")} - {today}
    answer = browser.get(f"/console/contacts/{yesterday}")
    assert (answer.status, answer.headers["location"]) == (303, f"/console/contacts/{today}")


def test_nobody_has_this_id(browser):
    answer = browser.get("/console/contacts/nobody")
    assert answer.status == 404
    assert "There is no contact with this id" in answer.text


def test_markup_is_text_wherever_it_comes_from(account, browser):
    said = {"first_name": HOSTILE, "note": HOSTILE, HOSTILE: HOSTILE, "deep": {HOSTILE: [HOSTILE]}}
    account.fold(
        account.event(HOSTILE, "user:evil", attributes={**said, "email": "evil@example.com"}, **{HOSTILE: HOSTILE})
    )
    account.fold(account.event("Signed Up", "user:evil", "email:evil@example.com", attributes=said))
    contact = account.contact("user:evil")
    [message] = account.messages("user:evil").values()
    pages = [
        "",
        "/contacts",
        "/contacts?q=evil",
        f"/contacts/{contact.contact_id}",
        f"/contacts/{contact.contact_id}?tab=why",
        f"/contacts/{contact.contact_id}?tab=messages",
        "/messages?from=journey%2Fwelcome",
        f"/messages/{message.message_id}",
    ]
    for page in pages:
        text = browser.get(f"/console{page}").text
        assert "<script>alert" not in text, page
        assert "49" not in re.findall(r">49<", text), page
    assert "&lt;script&gt;" in browser.get(f"/console/contacts/{contact.contact_id}").text


def test_a_contact_with_many_of_everything_is_shown(account, browser):
    facts = {f"fact_{n:03}": "x" * 200 for n in range(150)}
    account.fold(account.event("Signed Up", "user:big", attributes=facts))
    account.fold(*(account.event("Signed Up", "user:big", f"anon:a-{n}") for n in range(30)))
    answer = browser.get(f"/console/contacts/{account.contact('user:big').contact_id}")
    assert answer.status == 200
    assert "fact 149" in answer.text


def test_the_list_costs_the_same_however_many_there_are(account, browser, monkeypatch):
    calls = []
    original = contacts.find_items
    monkeypatch.setattr(
        contacts, "find_items", lambda ids, **options: calls.append(len(ids)) or original(ids, **options)
    )
    _people(account, 10)
    browser.get("/console/contacts")
    _people(account, 120)
    browser.get("/console/contacts")
    assert calls[-1] == 50


def test_a_contact_shows_where_they_stand_in_words(account, browser):
    address = f"email:{ANA}"
    known = {"email": ANA, "company_size": 40, "role": "office manager", "phone": "+351912345678"}
    account.fold(account.event("Page Viewed", address, path="/"))
    account.fold(account.event("Signed Up", address, attributes=known))
    for _ in range(3):
        account.fold(account.event("Page Viewed", address, path="/plans/enterprise"))
    text = browser.get(f"/console/contacts/{account.contact_id(address)}").text
    for words in (
        "Where they stand",
        "lead, since",
        "email is known",
        "All stages: 2",
        "did Page Viewed",
        'hot <span class="text-secondary">(A2)</span>',
        "Office manager, 100 % sure",
        "role is office manager, company size is at least 10, did Page Viewed",
        "<dt>with</dt><dd>sales, since",
        "@tidewater.example</dd>",
        "company size is at least 20",
        ", warm",
        "Was handed to sales",
        "Is most like Office manager",
    ):
        assert words in text, words


def test_somebody_of_whom_nothing_is_known_shows_no_grade(account, browser):
    account.fold(account.event("Page Viewed", "anon:device-1", path="/"))
    text = browser.get(f"/console/contacts/{account.contact_id('anon:device-1')}").text
    assert "Where they stand" in text
    assert 'aria-label="Fit"' not in text


def test_the_why_and_why_not_of_a_journey_stands_above_the_decisions(browser, ana):
    page = f"/console/contacts/{ana.contact_id}"
    assert 'href="?tab=why&amp;journey=welcome"' in browser.get(page).text
    text = " ".join(browser.get(f"{page}?tab=why&journey=welcome").text.split())
    assert "Signed Up happened, which starts it." in text
    assert "Stands at first-open, until " in text
    assert "(as things stand)" in text
    assert "or why not" not in browser.get(f"{page}?tab=why").text
    assert "or why not" not in browser.get(f"{page}?tab=why&journey=nothing").text
