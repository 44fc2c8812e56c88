"""The page of deliverability: what it shows, and how a person lets marketing go on."""

import pytest

from functions.console.routes import deliverability
from postroad.broadcasts.broadcast import DONE, Run, parse_broadcast
from postroad.deliverability.breakers import BREAKER, RESUMED
from postroad.deliverability.doctor import CHECKS
from postroad.sending.holds import ALL, MARKETING, PAUSE, Hold
from postroad.stats import DOMAINS, MESSAGES, Cell, Increments, day_of, hour_of
from postroad_aws.storage import broadcasts, holds, stats

PAGE = "/console/deliverability"


@pytest.fixture
def mails(account):
    hour = hour_of(account.now())
    numbers = {"delivered": 960, "bounced": 40, "opened": 300, "machine_opened": 400, "clicked": 90, "unsubscribed": 3}
    stats.add(Increments({Cell(DOMAINS, MESSAGES, hour, "gmail", name): n for name, n in numbers.items()}))


def test_before_any_mail_has_left_the_page_says_what_it_will_show(browser):
    text = browser.get(PAGE).text
    assert "No mail has left lately" in text
    assert "slows at 2.00%, stops at 4.00%" in text


def test_c74_the_page_shows_who_receives_mail_with_raw_and_corrected_rates(browser, mails, account):
    account.sign_up()
    text = browser.get(PAGE).text
    for said in ("Gmail", "1,000", "4 %", "30 %", "70 % raw", "of 100", "Would be left alone"):
        assert said in text


def test_c56_a_marketer_lets_marketing_go_on_and_says_why(browser, mails, account):
    holds.save_hold(Hold(MARKETING, PAUSE, account.now(), BREAKER, "40 of 1,000 mails bounced"))
    assert "40 of 1,000 mails bounced" in browser.get(PAGE).text
    assert browser.as_role("viewer").post(f"{PAGE}/resume", {"note": "x"}).status == 403
    marketer = browser.as_role("marketer")
    assert marketer.post(f"{PAGE}/resume", {"note": " "}).status == 400
    assert marketer.post(f"{PAGE}/resume", {"note": "the <b>list</b> was cleaned"}).status == 303
    assert [hold.scope for hold in holds.list_holds()] == [RESUMED]
    text = browser.get(PAGE).text
    assert "the &lt;b&gt;list&lt;/b&gt; was cleaned" in text
    assert "Why it may go on" not in text


def test_what_people_have_put_is_shown_and_is_no_breakers(browser, account):
    holds.save_hold(Hold(ALL, PAUSE, account.now(), note="we move house"))
    text = browser.get(PAGE).text
    assert "All messages" in text
    assert "Why it may go on" not in text


def test_how_sending_is_set_up_is_asked_for_by_itself(browser):
    text = browser.fragment(f"{PAGE}/checks").text
    assert "There is a postal address" in text
    assert set(deliverability._TITLES) == set(CHECKS)
    assert "This cannot be checked here" in text


def test_c82_broadcasts_are_shown_by_size_with_what_came_of_them(browser, account):
    for name, sent, clicked in (("Everybody", 1_000, 20), ("Readers", 50, 10)):
        document = {
            "kind": "broadcast",
            "id": name.lower(),
            "name": name,
            "segment": "customers",
            "template": "welcome",
        }
        broadcast = parse_broadcast(document)
        broadcasts.save_run(Run(broadcast, document, 1, 1, DONE, account.now(), {}), None)
        numbers = {"delivered": sent, "clicked": clicked}
        day = day_of(account.now())
        stats.add(Increments({Cell(broadcast.origin, MESSAGES, day, "", name): n for name, n in numbers.items()}))
    text = browser.get(PAGE).text
    shown = text[text.index("Does a larger audience") :]
    assert shown.index("Readers") < shown.index("Everybody")
    assert "20 %" in shown
    assert "2 %" in shown


def test_the_first_page_says_that_marketing_is_held_back(browser, account):
    assert "Marketing is held back" not in browser.get("/console").text
    holds.save_hold(Hold(MARKETING, PAUSE, account.now(), BREAKER, "40 of 1,000 mails bounced"))
    assert "Marketing is held back: 40 of 1,000 mails bounced." in browser.get("/console").text
