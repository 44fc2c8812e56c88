"""Journeys in the console: drawn with live numbers, the people behind them with the reason, publishing, withdrawing."""

import re
from functools import partial
from html import unescape
from urllib.parse import quote

import pytest

from postroad.commits import MembershipChange
from postroad.contacts.places import outcome_place, places_of, split_place, step_place
from postroad.journeys.drawing import draw_journey
from postroad.stats import PLACES, Cell, add_up, count_membership, count_message, day_of
from postroad_aws import books
from postroad_aws.storage import definitions, messages, stats
from tests.account import ANA, Account

WELCOME = "/console/journeys/welcome"
EMAIL = f"email:{ANA}"


def count(account: Account, *identities: str) -> None:
    """What the streams would have counted of these people."""
    found = []
    for identity in identities:
        contact = account.contact(identity)
        for place, since in places_of(contact).items():
            found.append(count_membership(None, MembershipChange(place, contact.contact_id, since), account.now()))
        found += [count_message(None, message) for message in account.messages(identity).values()]
    stats.add(add_up(found))


def words(text: str) -> str:
    """What a reader reads: no markup, single spaces."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)))


def draft(journey_id: str, **changes: object) -> definitions.Draft:
    """A draft, saved over the one that is there."""
    known = definitions.find_draft("journey", journey_id)
    document = {
        "kind": "journey", "id": journey_id, "trigger": {"event": "Signed Up"}, "name": journey_id.capitalize(),
        "steps": [{"id": "hello", "send": {"template": "welcome"}}], **(known.document if known else {}), **changes,
    }  # fmt: skip
    return definitions.save_draft("journey", journey_id, document, edit=known.edit if known else 0, now=1.8e9)


@pytest.fixture
def drafts(account):
    """The demo brand's journeys as drafts, as whoever published them has left them."""
    for journey_id in ("welcome", "abandoned-cart", "enterprise"):
        document = definitions.get_version("journey", journey_id, 1)
        definitions.save_draft("journey", journey_id, document, edit=0, now=account.now())


# The list


def test_the_list_says_what_each_journey_is_and_how_many_are_in_it(account, drafts, browser):
    account.sign_up()
    account.sign_up("ben@example.com")
    count(account, EMAIL, "email:ben@example.com")
    text = browser.get("/console/journeys").text
    assert "Welcome live Sign-up, welcome, first open, first purchase, second offer. 2 2 no goal" in words(text)
    assert "Abandoned cart live" in words(text)
    assert 'aria-label="2 people entered in 30 days"' in text
    assert 'href="/console/journeys/abandoned-cart"' in text


def test_the_list_tells_drafts_changes_and_what_was_withdrawn(account, drafts, browser):
    draft("welcome", description="Other words.")
    draft("brand-new")
    browser.post("/console/journeys/enterprise/withdraw")
    text = words(browser.get("/console/journeys").text)
    assert "Welcome live unpublished changes" in text
    assert "Brand-new draft" in text
    assert "Coffee for offices withdrawn" in text


def test_without_journeys_the_list_says_what_to_do(bare_browser):
    text = words(bare_browser.get("/console/journeys").text)
    assert "No journeys yet" in text
    assert "draw one of your own" in text


def test_a_long_list_is_paged(account, drafts, browser):
    for number in range(60):
        draft(f"many-{number:02d}")
    seen, address, pages = [], "/console/journeys", 0
    while address:
        text = browser.fragment(address).text
        seen += re.findall(r'<a href="/console/journeys/([\w-]+)">', text)
        found = re.search(r'hx-get="([^"]+)"', text)
        address, pages = unescape(found[1]) if found else "", pages + 1
    assert len(seen) == len(set(seen)) == 63
    assert pages == 3


# One journey


def test_a_journey_is_drawn_with_the_numbers_of_each_step(account, drafts, browser):
    account.sign_up()
    account.sign_up("ben@example.com")
    messages.settle(account.messages(EMAIL)["welcome"].message_id, "delivered", account.now())
    count(account, EMAIL, "email:ben@example.com")
    text = browser.get(WELCOME).text
    said = words(text)
    assert "Welcome Send “Welcome” by email 1 sent 0 % opened 0 % clicked" in said
    assert "First open Wait until: opened welcome, at most 3 days 2 waiting 0 have waited" in said
    assert "If the time runs out" in said
    assert text.count('class="way"') == len(draw_journey(books.newest().journeys["welcome"]).ways)
    # The picture and the list stand in the same order.
    assert text.index("step-card-start") < text.index('title="First open"') < text.index('title="Second offer"')


def test_the_list_of_steps_says_the_same_and_indents_what_follows(account, drafts, browser):
    text = browser.get(f"{WELCOME}?view=steps").text
    assert "flow-stage" not in text
    assert text.index("If the time runs out:") < text.index("Take the first way that holds")
    assert text.count("<ol") == text.count("</ol>") == 5


def test_the_numbers_are_fetched_anew_without_the_page(account, drafts, browser):
    text = browser.get(WELCOME).text
    address = unescape(re.search(r'id="live" hx-get="([^"]+)" hx-trigger="every 20s"', text)[1])
    before = browser.fragment(address).text
    account.sign_up()
    count(account, EMAIL)
    after = browser.fragment(address).text
    assert "<html" not in before + after
    assert "In it now 0" in words(before)
    assert "In it now 1" in words(after)


def test_way_shares_are_shown_where_they_are_known(account, drafts, browser):
    account.fold(account.event("Product Added", EMAIL, attributes={"email": ANA}))
    place = step_place("abandoned-cart", "think")
    stats.add(count_membership(None, MembershipChange(place, "c-1", account.now()), account.now()))
    stats.add(count_membership(None, MembershipChange(place, "c-2", account.now()), account.now()))
    assert '<b title="have gone this way">2</b>' not in browser.get("/console/journeys/abandoned-cart").text
    assert '<b title="have gone this way">100 %</b>' in browser.get("/console/journeys/abandoned-cart").text


def test_a_draft_is_drawn_with_what_has_to_be_mended(account, drafts, browser):
    steps = [{"id": "hello", "send": {"template": "no-such-template"}}]
    draft("welcome", steps=steps)
    text = words(browser.get(f"{WELCOME}?version=draft").text)
    assert "This draft cannot be published yet. steps[0].send.template there is no template 'no-such-template'" in text
    assert "Publish this draft" not in text
    assert "Send no-such-template by email" in text
    assert "Look at the draft" in words(browser.get(WELCOME).text)


def test_a_draft_that_cannot_be_read_is_a_page_all_the_same(account, drafts, browser):
    draft("welcome", steps=[{"wait": {}}], name=["no", "text"], description={"a": 1})
    answer = browser.get(f"{WELCOME}?version=draft")
    assert answer.status == 200
    assert "This cannot be drawn yet" in answer.text
    assert "a wait is one of for, until" in answer.text
    assert browser.get("/console/journeys").status == 200


def test_versions_are_listed_and_each_can_be_looked_at(account, drafts, browser):
    saved = draft("welcome", name="Welcome, again")
    assert browser.post(f"{WELCOME}/publish", {"edit": str(saved.edit)}).status == 303
    text = words(browser.get(f"{WELCOME}?view=versions").text)
    assert re.search(r"Version 2 live .* Welcome, again Version 1 .* Welcome", text)
    first = browser.get(f"{WELCOME}?version=1").text
    assert "version 1" in words(first)
    assert "Welcome, again" not in first


@pytest.mark.parametrize("version", ["9", "x", "-1", "1.5", "0x1", "99999999999", "٣", "1;2"])
def test_there_is_no_page_for_a_version_that_there_is_not(account, drafts, browser, version):
    assert browser.get(f"{WELCOME}?version={quote(version)}").status == 404


@pytest.mark.parametrize("name", ["none", "%3Cscript%3E", "a" * 900, "..%2F..", "%00", "welcome%20"])
def test_there_is_no_page_for_a_journey_that_there_is_not(account, drafts, browser, name):
    for path in ("", "/people?at=hello", "/why?at=hello&contact=x"):
        assert browser.get(f"/console/journeys/{name}{path}").status == 404
    assert browser.post(f"/console/journeys/{name}/publish").status == 404
    assert browser.post(f"/console/journeys/{name}/withdraw").status in (404, 422)


def test_markup_in_a_journey_stays_text(account, drafts, browser):
    hostile = "<script>alert(1)</script>\"'&{{ 7 * 1907 }}"
    steps = [
        {"id": "hello", "send": {"template": "welcome"}},
        {"wait": {"event": hostile, "timeout": "P1D"}},
        {"branch": {"cases": [{"if": {"attribute": "a", "is": hostile}, "name": hostile, "then": [
            {"exit": {"reason": hostile}}]}]}},
    ]  # fmt: skip
    draft("welcome", name=hostile, description=hostile, steps=steps, goal={"event": hostile})
    pages = [browser.get(path).text for path in ("/console/journeys", f"{WELCOME}?version=draft",
             f"{WELCOME}?version=draft&view=steps", f"{WELCOME}/people?version=draft&at=wait-2")]  # fmt: skip
    for page in pages[1:]:
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "13349" not in re.sub(r'<svg.*?</svg>|"[^"]*"', "", page)


# People


def test_the_people_at_a_step_are_listed_with_why_and_until_when(account, drafts, browser):
    account.sign_up(firstName="Ana", lastName="Marker")
    count(account, EMAIL)
    text = browser.get(f"{WELCOME}/people?at=first-open&who=here").text
    said = words(text)
    assert "First open 1 here now Wait until: opened welcome, at most 3 days" in said
    assert "Ana Marker" in said
    assert "in 2 days" in said or "in 3 days" in said
    contact_id = account.contact(EMAIL).contact_id
    assert f'href="/console/contacts/{contact_id}"' in text
    why = browser.fragment(unescape(re.search(r'hx-get="([^"]+/why[^"]+)"', text)[1])).text
    assert "<html" not in why
    assert (
        "at the event Signed Up : started: enters for the first time Welcome → send: welcome by email First open →"
        in (words(why))
    )


def test_the_people_of_an_outcome_are_listed_with_why(account, drafts, browser):
    account.fold(account.event("Product Added", EMAIL, attributes={"email": ANA}))
    account.advance(60)
    account.fold(account.event("Order Completed", EMAIL, total=30))
    count(account, EMAIL)
    assert places_of(account.contact(EMAIL))[outcome_place("abandoned-cart", "goal")]
    text = browser.get("/console/journeys/abandoned-cart").text
    assert "1 reached it 100 % of all" in words(text)
    listed = browser.get("/console/journeys/abandoned-cart/people?at=:goal").text
    assert ANA in listed
    why = browser.fragment(unescape(re.search(r'hx-get="([^"]+/why[^"]+)"', listed)[1])).text
    assert "at the event Order Completed : Grace → completed: Order Completed" in words(why)


def test_who_came_to_an_end_twice_is_one_of_the_people(account, drafts, browser):
    account.fold(account.event("Product Added", EMAIL, attributes={"email": ANA}))
    account.fold(account.event("Order Completed", EMAIL, total=30))
    count(account, EMAIL)
    spots = {name: split_place(outcome_place("abandoned-cart", name))[1] for name in ("goal", "completed")}
    cell = partial(Cell, "journey/abandoned-cart", PLACES, day_of(account.now()))
    stats.add({cell(spots["goal"], "entered"): 1, cell(spots["completed"], "entered"): 5})
    text = words(browser.get("/console/journeys/abandoned-cart").text)
    assert re.search(r"Goal Order Completed within 1 week 2 times \d+ % of all 1 person", text)
    assert "Came to the end 5 0 people" in text
    assert "2 times of" in text


def test_who_left_by_an_exit_stands_at_that_exit(account, drafts, browser):
    early = {"if": {"attribute": "vip", "is": True}, "then": [{"id": "early", "exit": {"reason": "knows us"}}]}
    short = [{"branch": {"cases": [early]}}, {"id": "late", "exit": {"reason": "new to us"}}]
    saved = draft("short", trigger={"event": "Order Completed"}, steps=short)
    assert browser.post("/console/journeys/short/publish", {"edit": str(saved.edit)}).status == 303
    for name, vip in (("ana", True), ("ben", False), ("eva", False)):
        address = f"{name}@example.com"
        account.fold(account.event("Order Completed", f"email:{address}", attributes={"email": address, "vip": vip}))
        count(account, f"email:{address}")
    text = browser.get("/console/journeys/short").text
    assert "Early Exit: knows us 1 left here 33 % of all" in words(text)
    assert "Late Exit: new to us 2 left here 67 % of all" in words(text)
    assert "Left by an exit 3" in words(text)
    assert 'title="have gone this way">33 %</b>' in text
    for at, names in (("early", {"ana"}), ("late", {"ben", "eva"}), (":left", {"ana", "ben", "eva"})):
        listed = browser.get(f"/console/journeys/short/people?at={at}").text
        assert set(re.findall(r"(\w+)@example\.com", listed)) == names
    why = browser.fragment(unescape(re.search(r'hx-get="([^"]+/why[^"]+)"', listed)[1])).text
    assert "at the event Order Completed" in words(why)


def test_the_people_of_a_message_are_told_apart_by_what_became_of_it(account, drafts, browser):
    for name in ("ana", "ben", "eva"):
        account.sign_up(f"{name}@example.com")
    mails = {name: account.messages(f"email:{name}@example.com")["welcome"] for name in ("ana", "ben", "eva")}
    messages.settle(mails["ana"].message_id, "delivered", account.now())
    messages.settle(mails["ben"].message_id, "failed", account.now(), reason="the template failed: no such value")
    count(account, *(f"email:{name}@example.com" for name in mails))
    base = f"{WELCOME}/people?at=welcome"
    everybody = browser.get(base).text
    assert "All 3 On its way 1 Sent 1 Delivered 1 Failed 1" in words(everybody)
    expected = {"all": {"ana", "ben", "eva"}, "sent": {"ana"}, "failed": {"ben"}, "waiting": {"eva"}, "clicked": set()}
    for who, names in expected.items():
        text = browser.get(f"{base}&who={who}").text
        assert {name for name in mails if f"{name}@example.com" in text} == names, who
    assert "the template failed: no such value" in browser.get(f"{base}&who=failed").text
    assert f"/console/messages/{quote(mails['ana'].message_id, safe='')}" in browser.get(f"{base}&who=sent").text


def test_many_people_are_paged_and_each_stands_there_once(account, drafts, browser):
    for number in range(40):
        account.sign_up(f"p{number:02d}@example.com")
    for path in ("?at=first-open&who=here", "?at=welcome&who=all"):
        seen, address = [], f"{WELCOME}/people{path}"
        while address:
            text = browser.fragment(address).text
            seen += re.findall(r"(p\d\d@example\.com)", text)
            found = re.search(r'hx-get="([^"]+cursor[^"]+)"', text)
            address = unescape(found[1]) if found else ""
        assert len(set(seen)) == 40
        assert len(seen) == 40


def test_nobody_at_a_step_is_said_with_a_way_back(account, drafts, browser):
    text = browser.get(f"{WELCOME}/people?at=pause").text
    assert "Nobody here right now" in text
    assert f'href="{WELCOME}"' in text


@pytest.mark.parametrize(
    ("query", "status"),
    [("at=none", 404), ("at=", 404), ("", 404), ("at=welcome&who=junk", 200), ("at=first-open&cursor=junk", 400),
     ("at=welcome&cursor=junk", 400), ("at=" + "x" * 2_000, 400), ("at=first-open&version=9", 404)],
)  # fmt: skip
def test_a_wrong_question_gets_a_clear_answer(account, drafts, browser, query, status):
    assert browser.get(f"{WELCOME}/people?{query}").status == status


@pytest.mark.parametrize("contact", ["", "none", "%00", "x" * 2_000])
def test_why_asks_for_a_contact_that_is_there(account, drafts, browser, contact):
    assert browser.get(f"{WELCOME}/why?at=first-open&contact={contact}").status in (400, 404)


def test_what_led_somewhere_long_ago_is_said_to_be_too_far_back(account, drafts, browser, monkeypatch):
    monkeypatch.setattr("functions.console.routes.journey_people._FARTHEST", 0)
    account.sign_up()
    contact_id = account.contact(EMAIL).contact_id
    assert "further back than" in browser.get(f"{WELCOME}/why?at=first-open&contact={contact_id}").text


# Publishing and withdrawing


def test_a_draft_is_published_and_live_at_once(account, drafts, browser):
    saved = draft("welcome", name="Welcome, again")
    page = browser.get(f"{WELCOME}?version=draft").text
    assert f'name="edit" value="{saved.edit}"' in page
    answer = browser.post(f"{WELCOME}/publish", {"edit": str(saved.edit)})
    assert (answer.status, answer.headers["location"]) == (303, WELCOME)
    assert definitions.find_manifest().live["journey/welcome"].version == 2
    assert "Welcome, again" in browser.get(WELCOME).text


def test_who_publishes_what_somebody_else_has_changed_is_told(account, drafts, browser):
    seen = draft("welcome", name="Mine")
    draft("welcome", name="Theirs")
    answer = browser.post(f"{WELCOME}/publish", {"edit": str(seen.edit)})
    assert answer.status == 409
    assert "nothing was published" in answer.text
    assert definitions.find_manifest().live["journey/welcome"].version == 1


def test_a_draft_with_mistakes_is_refused_with_its_sentences(account, drafts, browser):
    saved = draft("welcome", steps=[{"id": "hello", "send": {"template": "none"}}])
    answer = browser.post(f"{WELCOME}/publish", {"edit": str(saved.edit)})
    assert answer.status == 422
    assert "there is no template &#39;none&#39;" in answer.text


@pytest.mark.parametrize("form", [{}, {"edit": ""}, {"edit": "x"}, {"edit": "-1"}, {"other": "1"}])
def test_publishing_without_saying_what_was_seen_publishes_nothing(account, drafts, browser, form):
    assert browser.post(f"{WELCOME}/publish", form).status == 409
    assert definitions.find_manifest().live["journey/welcome"].version == 1


def test_a_withdrawn_journey_takes_nobody_in_and_can_be_published_again(account, drafts, browser):
    assert browser.post(f"{WELCOME}/withdraw").status == 303
    assert "journey/welcome" not in definitions.find_manifest().live
    text = words(browser.get(WELCOME).text)
    assert "Welcome withdrawn" in text
    assert "Nobody enters this journey any more." in text
    assert browser.post(f"{WELCOME}/withdraw").status == 422
    draft_page = browser.get(f"{WELCOME}?version=draft").text
    edit = re.search(r'name="edit" value="(\d+)"', draft_page)[1]
    assert browser.post(f"{WELCOME}/publish", {"edit": edit}).status == 303
    assert definitions.find_manifest().live["journey/welcome"].version == 2


def test_a_viewer_sees_no_buttons(account, drafts, browser):
    draft("welcome", name="Mine")
    for path in (WELCOME, f"{WELCOME}?version=draft"):
        text = browser.as_role("viewer").get(path).text
        assert "Withdraw" not in text
        assert "Publish this draft" not in text


# Experiments, and the people under way


VARIANTS = [{"name": name, "then": [{"id": name, "send": {"template": "welcome"}}]} for name in ("short", "long")]


def add(account: Account, **numbers: int) -> None:
    """Live numbers of the journey welcome, by place (its last part)."""
    day = day_of(account.now())
    stats.add({Cell("journey/welcome", PLACES, day, *where.split("/")): number for where, number in numbers.items()})


def test_c34_an_experiment_shows_its_variants_and_the_verdict_in_words(account, drafts, browser):
    draft("welcome", goal={"event": "Order Completed"}, steps=[{"id": "length", "experiment": {"variants": VARIANTS}}])
    browser.post(f"{WELCOME}/publish", {"edit": "2"})
    assert "Too early: a verdict takes 100 people" in browser.get(WELCOME).text
    shown = {"=length.short/entered": 1000, "=length.short.converted/entered": 150}
    add(account, **shown, **{"=length.long/entered": 1010, "=length.long.converted/entered": 101})
    text = words(browser.get(WELCOME).text)
    assert "short is the best: short 15.0 % of 1000, long 10.0 % of 1010" in text
    assert "short 1,000 150 15 % 100 % Let it win long 1,010 101 10 % 0 % Let it win" in text
    assert browser.post(f"{WELCOME}/experiments/length", {"variant": "short"}).status == 303
    text = words(browser.get(WELCOME).text)
    assert "Newcomers get short since" in text
    assert "short winner 1,000 150 15 % 100 % Deal out again" in text
    assert browser.post(f"{WELCOME}/experiments/length", {"variant": ""}).status == 303
    assert definitions.find_manifest().winners == {}


def test_publishing_asks_what_becomes_of_the_people_under_way(account, drafts, browser):
    add(account, **{"first-open/here": 40, "rest/here": 1, ":goal/here": 9})
    draft("welcome", steps=[{"id": "rest", "wait": {"for": "P1D"}}, {"id": "bye", "send": {"template": "welcome"}}])
    text = words(browser.get(f"{WELCOME}?version=draft").text)
    assert "What becomes of the 41 people under way?" in text
    assert "40 people at first-open , a step that this draft has no more. If they move, they go to nowhere" in text
    assert "1 person at rest" in text
    form = {"edit": "2", "under_way": "move", "gone.first-open": "bye"}
    assert browser.post(f"{WELCOME}/publish", form).status == 303
    (transfer,) = definitions.find_manifest().transfers.values()
    assert (transfer.version, transfer.under_way, transfer.gone) == (2, "move", {"first-open": "bye"})


def test_people_stay_unless_the_page_was_told_otherwise(account, drafts, browser):
    add(account, **{"first-open/here": 40})
    draft("welcome", steps=[{"id": "rest", "wait": {"for": "P1D"}}])
    browser.post(f"{WELCOME}/publish", {"edit": "2", "under_way": "stay", "gone.first-open": ""})
    assert definitions.find_manifest().transfers == {}
    assert definitions.find_manifest().live["journey/welcome"].version == 2
