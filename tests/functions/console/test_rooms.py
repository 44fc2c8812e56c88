"""The pages of home, segments, messages and quarantine."""

import re
from functools import partial

import pytest

from postroad.broadcasts.broadcast import plan_run
from postroad.instants import DAY, format_instant
from postroad.rebuilds import ShardProgress
from postroad.stats import MESSAGES, Cell, Counts, MessageCounts, PlaceCounts, day_of
from postroad.tracking.quarantine import reject_text
from postroad_aws import clock, runs
from postroad_aws.storage import broadcasts, contacts, definitions, messages, quarantine, rebuilds, stats
from postroad_aws.usecases.publish_definitions import publish_definitions
from tests.account import ANA

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def message(account):
    return account.sign_up(first_name="Ana")


# Segments


def test_each_segment_is_a_sentence_with_a_number(account, browser):
    text = browser.get("/console/segments").text
    assert "Customers" in text
    assert "Did Order Completed within the last 365 days." in text


def test_many_segments_are_paged_and_each_is_shown_once(account, browser):
    documents = {
        f"segment/many-{number}": {
            "kind": "segment",
            "id": f"many-{number}",
            "name": f"Many {number:03d}",
            "if": {"attribute": "plan", "is": str(number)},
        }
        for number in range(60)
    }
    publish_definitions(definitions, runs, clock, documents)
    first = browser.get("/console/segments").text
    second = browser.fragment("/console/segments?cursor=50").text
    assert "cursor=50" in first
    assert "cursor=" not in second
    for number in range(60):
        assert (first + second).count(f">Many {number:03d}<") == 1
    assert browser.get("/console/segments?cursor=9999").status == 200
    for wrong in ("-1", "x", "1" * 30):
        assert browser.get(f"/console/segments?cursor={wrong}").status == 400


def test_a_segment_lists_its_members(account, browser):
    account.fold(account.event("Order Completed", f"email:{ANA}", total=1))
    account.fold(account.event("Page Viewed", "user:otto"))
    text = browser.get("/console/segments/customers").text
    assert ANA in text
    assert "otto" not in text
    assert "Used by" in text


def test_how_far_the_run_after_a_publication_is_stands_above_the_segments(account, browser):
    assert "since the last publication" not in browser.get("/console/segments").text

    def tell(done: int, is_done: bool) -> str:
        for shard in contacts.SHARDS:
            rebuilds.save_progress(7, ShardProgress(shard, done, 1_000, is_done, account.now()))
        return browser.get("/console/segments/customers").text

    assert "0 of 16,000 contacts have been looked at anew." in tell(0, False)
    assert "8,000 of 16,000 contacts have been looked at anew." in tell(500, False)
    fragment = browser.fragment("/console/segments").text
    assert "8,000 of 16,000" in fragment
    assert 'hx-trigger="every 5s"' in fragment
    assert "Customers" not in fragment
    done = tell(1_000, True)
    assert "All 16,000 contacts have been looked at anew since the last publication." in done
    assert "every 5s" not in done
    account.advance(601)
    assert "looked at anew" not in browser.get("/console/segments").text


def test_a_segment_says_by_name_what_reads_it(account, browser):
    text = browser.get("/console/segments/customers").text
    assert '<a href="/console/segments/hot-leads">Hot leads</a>' in text
    assert '<a href="/console/journeys/welcome">Welcome</a>' in text


def test_a_segment_of_many_is_paged(account, browser):
    account.fold(*(account.event("Order Completed", f"user:u{n:03}", total=1) for n in range(70)))
    first = browser.get("/console/segments/customers").text
    more = re.search(r'hx-get="([^"]+cursor[^"]+)"', first)[1].replace("&amp;", "&")
    rest = browser.fragment(more).text
    names = re.findall(r"<b>(u\d+)</b>", first) + re.findall(r"<b>(u\d+)</b>", rest)
    assert len(names) == len(set(names)) == 70


def test_a_segment_that_is_not_there_says_so(browser):
    assert browser.get("/console/segments/nothing").status == 404


def test_an_empty_segment_says_how_one_gets_in(browser):
    assert "Nobody is in it now" in browser.get("/console/segments/customers").text


# Messages


def test_everything_that_sends_is_listed(browser, message):
    text = browser.get("/console/messages").text
    assert 'href="/console/messages?from=journey%2Fwelcome"' in text
    assert "Abandoned cart" in text


def test_shares_are_of_what_was_sent_on_every_page(account, browser, message):
    """Of three that were sent one is not delivered (a text never is), and one was opened: a third, everywhere."""
    cell = partial(Cell, "journey/welcome", MESSAGES, day_of(account.now()), "welcome")
    stats.add({cell("delivered"): 2, cell("sent"): 1, cell("opened"): 1, cell("clicked"): 1})
    senders, home = browser.get("/console/messages").text, browser.get("/console").text
    assert re.findall(r">1</a> <span class=\"text-secondary\">(\d+ %)", senders)[-2:] == ["33 %", "33 %"]
    assert home.count('<div class="stat-figure">33 %</div>') == 2
    assert home.count("1 of 3 sent") == 2
    assert "<b>33 %</b> opened" in browser.get("/console/journeys/welcome").text


def test_broadcasts_are_counted_by_when_they_began(account, browser, monkeypatch):
    """However many there were, and whatever they are called: those of this month on the first page, the latest ones
    among all that sends, and an older one where a message leads to it."""
    monkeypatch.setattr("functions.console.routes.home._BROADCASTS_AT_ONCE", 2)
    monkeypatch.setattr("functions.console.routes.messages._MOST_BROADCASTS", 3)
    for number, days_ago in enumerate((1, 2, 3, 4, 40)):
        at = account.now() - days_ago * DAY
        name = f"letter-{9 - number}"
        document = {"kind": "broadcast", "id": name, "name": name, "segment": "customers", "template": "second-offer"}
        broadcasts.save_run(plan_run({**document, "at": format_instant(at)}, 1, None, at - 60), None)
        stats.add({Cell(f"broadcast/{name}", MESSAGES, day_of(at), "", "delivered"): 10})
    assert '<div class="stat-figure">40</div>' in browser.get("/console").text
    senders = browser.get("/console/messages").text
    assert re.findall(r"<b>(letter-\d)</b>", senders) == ["letter-7", "letter-8", "letter-9"]
    oldest = browser.get("/console/messages?from=broadcast%2Fletter-5").text
    assert 'Delivered <span class="tab-count">10</span>' in oldest
    assert browser.get("/console/messages?from=broadcast%2F").status == 200


def test_the_messages_of_a_sender_by_what_became_of_them(account, browser, message):
    every = browser.get("/console/messages?from=journey%2Fwelcome").text
    assert ANA in every
    assert "queued" in every
    assert ANA in browser.get("/console/messages?from=journey%2Fwelcome&who=waiting").text
    other = browser.get("/console/messages?from=journey%2Fwelcome&who=bounced").text
    assert ANA not in other
    assert "None of its messages has come this far." in other
    assert "No messages yet" not in browser.get("/console/messages?from=nothing").text


def test_many_senders_are_paged(account, browser, monkeypatch):
    monkeypatch.setattr("functions.console.routes.messages._SENDERS", 2)
    first = browser.get("/console/messages").text
    more = re.search(r'hx-get="([^"]+cursor[^"]+)"', first)[1].replace("&amp;", "&")
    rest = browser.fragment(more).text
    assert "cursor=" not in rest
    found = re.findall(r"<b>([A-Z][\w ]+)</b></a> <span", first) + re.findall(r"<b>([A-Z][\w ]+)</b></a> <span", rest)
    assert sorted(found) == ["Abandoned cart", "Coffee for offices", "Welcome"]
    assert browser.get("/console/messages?cursor=-1").status == 400


def test_a_message_tells_its_life(account, browser, message):
    messages.claim(message.message_id, "o", account.now())
    messages.settle(message.message_id, "sent", account.now() + 2, owner="o", address=ANA, provider_id="p")
    messages.settle(message.message_id, "bounced", account.now() + 60, reason="the mailbox is full")
    text = browser.get(f"/console/messages/{message.message_id}").text
    assert "<h1>Welcome aboard, Ana" in text
    assert re.search(r"<b>queued</b>.*<b>sent</b>.*<b>bounced</b>", text, re.DOTALL)
    assert "the mailbox is full" in text
    assert "Offers and reminders" in text
    assert 'sandbox=""' in text


def test_the_preview_is_the_mail_alone_and_may_do_nothing(account, browser, message):
    answer = browser.get(f"/console/messages/{message.message_id}/preview")
    assert answer.status == 200
    policy = answer.headers["content-security-policy"]
    assert "sandbox;" in policy
    assert "script" not in policy
    assert "frame-ancestors 'self'" in policy
    assert "Good to have you, Ana." in answer.text
    assert "/o/" not in answer.text
    assert "/c/" not in answer.text


def test_a_hostile_name_stays_text_in_the_preview(account, browser):
    message = account.sign_up(first_name=HOSTILE)
    assert HOSTILE not in browser.get(f"/console/messages/{message.message_id}/preview").text


def test_a_message_that_is_not_there_says_so(browser):
    assert browser.get("/console/messages/x.y").status == 404
    assert browser.get("/console/messages/x.y/preview").status == 404


# Quarantine


def test_quarantine_says_the_reason_and_what_was_sent(account, browser):
    raw = '{"event": "' + HOSTILE + '", "userId": null}'
    quarantine.save_rejects([reject_text(raw, "the event names <nobody>", account.now() - 60, "demo-server")])
    text = browser.get("/console/quarantine").text
    assert "The event names &lt;nobody&gt;." in text
    assert "from the source demo-server" in text
    assert "&lt;script&gt;" in text
    assert HOSTILE not in text


def test_quarantine_of_what_is_no_json_is_shown_as_it_came(account, browser):
    quarantine.save_rejects([reject_text("[" * 50_000, "it is nested too deeply", account.now())])
    answer = browser.get("/console/quarantine")
    assert answer.status == 200
    assert "[[[[" in answer.text


def test_quarantine_goes_on(account, browser):
    for number in range(60):
        quarantine.save_rejects([reject_text(f"raw {number:02}", f"reason {number:02}", account.now() - number)])
    first = browser.get("/console/quarantine").text
    more = re.search(r'hx-get="([^"]+cursor[^"]+)"', first)[1].replace("&amp;", "&")
    rest = browser.fragment(more).text
    found = re.findall(r"Reason (\d+)", first) + re.findall(r"Reason (\d+)", rest)
    assert len(found) == len(set(found)) == 60


def test_quarantine_of_many_days_goes_on_by_itself(account, browser):
    for number in range(4):
        quarantine.save_rejects([reject_text(f"raw {number}", f"reason {number}", account.now() - number * 9 * DAY)])
    found, text = [], browser.get("/console/quarantine").text
    while True:
        found += re.findall(r"Reason (\d)", text)
        more = re.search(r'hx-get="([^"]+cursor[^"]+)" hx-trigger="load"', text)
        if more is None:
            break
        text = browser.fragment(more[1].replace("&amp;", "&")).text
    assert found == ["0", "1", "2", "3"]
    assert "Show more" not in text


# Home


def test_home_shows_numbers_journeys_and_the_newest(account, browser, message):
    text = browser.get("/console").text
    assert "Newest contacts" in text
    assert ANA in text
    assert "All is well" in text
    assert 'hx-trigger="every 60s"' in text


def test_home_says_what_came_in_and_could_not_be_understood(account, browser):
    quarantine.save_rejects([reject_text("x", "it is no JSON", account.now() - 60)])
    text = browser.get("/console").text
    assert "1 thing came in within a day and could not be understood." in text
    assert 'href="/console/quarantine"' in text


def test_home_refreshes_its_numbers_alone(browser):
    text = browser.fragment("/console").text
    assert "<html" not in text
    assert "Needs attention" in text
    assert 'id="numbers"' not in text


def test_notices_put_the_worst_first():
    from functions.console.digest import Days, Some, find_notices

    week = Days(MessageCounts(total=1_000, sent=1_000, bounced=60, complained=2, failed=3, unknown=1), [], 0, 0)
    journeys = {"welcome": ("Welcome", Counts(places={":failed": PlaceCounts(here=2, entered=2)}))}
    notices = find_notices(week, journeys, Some(50, True), Some(1, False))
    assert [(notice.colour, notice.sentence.partition(" of ")[0]) for notice in notices] == [
        ("red", "2 people could not go on in Welcome."),
        ("red", "6 %"),
        ("red", "0.2 %"),
        ("orange", "3 messages"),
        ("orange", "Of 1 message nobody knows whether they left."),
        ("orange", "More than 50 things came in within a day and could not be understood."),
        ("orange", "1 task is overdue."),
    ]
    none = Some(0, False)
    assert find_notices(Days(MessageCounts(sent=49, bounced=40), [], 0, 0), {}, none, none) == []


def test_days_of_many_subjects_are_added_up():
    from functions.console.digest import add_up
    from postroad.stats import DayCounts

    one = Counts(places={":goal": PlaceCounts(here=1, entered=2)}, messages={"a": MessageCounts(total=3, sent=2)})
    days = add_up([[DayCounts("2026-11-22", one), DayCounts("2026-11-23", one)]] * 2)
    assert (days.messages.total, days.sent, days.goals) == (12, [4, 4], 8)
    assert add_up([]).messages == MessageCounts()
