"""Accounts in the console: the list, one with its people, and what a marketer may do about it."""

import pytest

from postroad.events import ACCOUNT_JOINED
from postroad_aws.storage import accounts
from tests.account import ANA

EMAIL, BOB = f"email:{ANA}", "email:bob@example.com"
ACME = "/console/accounts/acme"
MARKUP = "<b>Acme & Sons</b>"


@pytest.fixture
def acme(account):
    account.sign_up(first_name="Ana")
    account.fold(account.event(ACCOUNT_JOINED, EMAIL, group_id="acme", name=MARKUP, plan="pro", role="buyer"))
    account.fold(account.event(ACCOUNT_JOINED, BOB, group_id="acme", role="user"))


def test_without_accounts_the_page_says_how_they_begin(browser):
    assert "It begins when a server says so" in browser.get("/console/accounts").text
    assert "No target accounts yet" in browser.get("/console/accounts?view=targets").text


def test_c49_an_account_shows_its_people_with_roles_and_what_they_come_to(browser, acme):
    assert "&lt;b&gt;Acme &amp; Sons&lt;/b&gt;" in browser.get("/console/accounts").text
    text = browser.get(ACME).text
    for said in ("Ana", "buyer", "user", "together", "at best", "pro"):
        assert said in text
    assert MARKUP not in text
    assert "account_id=" not in text, "the frame shows the brand's name, not the account"


def test_c95_a_marketer_makes_it_a_target_and_leaves_it_in_peace_with_a_reason(browser, acme):
    marketer = browser.as_role("marketer")
    assert marketer.post(f"{ACME}/target", {"target": "yes"}).status == 303
    assert marketer.post(f"{ACME}/suppress", {"because": "in talks"}).status == 303
    found = accounts.find_account("acme")
    assert (found.is_target, found.suppression.because) == (True, "in talks")
    listed = browser.get("/console/accounts?view=targets").text
    assert "no marketing" in listed
    assert "in talks" in browser.get(ACME).text
    assert marketer.post(f"{ACME}/lift").status == 303
    assert marketer.post(f"{ACME}/target", {"target": "no"}).status == 303
    found = accounts.find_account("acme")
    assert (found.is_target, found.suppression) == (False, None)


@pytest.mark.parametrize("because", ["", "   ", "x" * 201, "a\x00b"])
def test_a_reason_is_a_line_of_text(browser, acme, because):
    answer = browser.as_role("marketer").post(f"{ACME}/suppress", {"because": because})
    assert answer.status == 400
    assert accounts.find_account("acme").suppression is None


def test_the_timeline_of_a_member_says_to_which_account_it_belongs(browser, account, acme):
    contact = account.contact(EMAIL)
    text = browser.get(f"/console/contacts/{contact.contact_id}").text
    assert "Belongs to the account acme" in text
    assert "not_kept" not in text
