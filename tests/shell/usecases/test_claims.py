"""Addresses that only a browser has named: who is reached by them, and what nobody can do with them."""

from dataclasses import replace

import pytest

from postroad.contacts import resolution
from postroad_aws.storage import timeline
from tests.account import Account

VICTIM = "email:victim@example.com"


def browser(account: Account, name: str, *who: str) -> None:
    """A public source says something, in two deliveries, as a queue may bring it."""
    event = replace(account.event(name, *who), trusted=False, source="demo-browser")
    account.fold(event)
    account.fold(event)


def server(account: Account, name: str, *who: str) -> None:
    event = account.event(name, *who)
    account.fold(event)
    account.fold(event)


def test_who_signs_up_in_a_browser_alone_is_reached(account):
    browser(account, "Signed Up", "email:bo@example.com", "anon:device")
    bo = account.contact("anon:device")
    assert bo.find_address("email") == "bo@example.com"
    assert bo.claims == {"email:bo@example.com"}
    assert account.messages("anon:device")["welcome"].state == "queued"


def test_a_server_that_names_the_address_confirms_it_and_the_person_stays_one(account):
    browser(account, "Signed Up", "email:bo@example.com", "anon:device")
    server(account, "Identified", "user:bo", "email:bo@example.com")
    bo = account.contact("email:bo@example.com")
    assert bo.identities.keys() == {"email:bo@example.com", "anon:device", "user:bo"}
    assert not bo.claims
    assert account.contact("anon:device") == bo


@pytest.mark.parametrize("names", [(VICTIM,), ("user:victim", VICTIM)])
def test_a_thief_who_claims_an_address_keeps_nobody_from_it(account, names):
    """The thief has an account of their own; the victim signs up later, through the shop's server."""
    browser(account, "Page Viewed", VICTIM, "anon:thief")
    server(account, "Identified", "user:thief", "anon:thief")
    thief = account.contact("user:thief")
    assert thief.find_address("email") == "victim@example.com"
    server(account, "Signed Up", *names)
    victim, thief = account.contact(VICTIM), account.contact("user:thief")
    assert victim.contact_id != thief.contact_id
    assert victim.identities.keys() == set(names)
    assert victim.find_address("email") == "victim@example.com"
    assert VICTIM not in thief.identities
    assert thief.find_address("email") is None
    # Nor does it help to say it again.
    browser(account, "Page Viewed", VICTIM, "anon:thief")
    server(account, "Order Completed", "user:thief")
    assert account.contact(VICTIM).identities.keys() == set(names)
    assert "anon:thief" in account.contact("user:thief").identities


def test_a_mistyped_address_goes_to_whom_it_belongs(account):
    browser(account, "Signed Up", "email:an@example.com", "anon:ana")
    server(account, "Identified", "user:ana", "email:ana@example.com", "anon:ana")
    ana = account.contact("user:ana")
    assert ana.find_address("email") == "ana@example.com"
    server(account, "Signed Up", "user:an", "email:an@example.com")
    an = account.contact("email:an@example.com")
    assert an.identities.keys() == {"user:an", "email:an@example.com"}
    assert account.contact("user:ana").identities.keys() == {"user:ana", "email:ana@example.com", "anon:ana"}


def test_a_claim_and_its_confirmation_in_one_batch_come_to_the_same(account):
    events = [
        replace(account.event("Page Viewed", VICTIM, "anon:thief"), trusted=False),
        account.event("Identified", "user:thief", "anon:thief"),
        account.event("Signed Up", "user:victim", VICTIM),
        replace(account.event("Page Viewed", VICTIM), trusted=False),
    ]
    account.fold(*events)
    account.fold(*events)
    assert account.contact(VICTIM).identities.keys() == {"user:victim", VICTIM}
    assert account.contact("user:thief").identities.keys() == {"user:thief", "anon:thief"}
    assert account.contact("user:victim").events_folded == 2


def test_two_servers_words_join_who_was_split(account):
    """An address that a browser claimed for somebody known is not theirs until a server says so; then it is."""
    browser(account, "Signed Up", "email:bo@example.com", "anon:bo")
    server(account, "Identified", "user:bo", "anon:bo")
    server(account, "Order Completed", "email:bo@example.com")
    assert account.contact("email:bo@example.com").contact_id != account.contact("user:bo").contact_id
    server(account, "Identified", "user:bo", "email:bo@example.com")
    bo = account.contact("user:bo")
    assert account.contact("email:bo@example.com") == bo
    assert bo.identities.keys() == {"user:bo", "anon:bo", "email:bo@example.com"}
    assert not bo.claims


def test_a_user_id_that_only_a_browser_named_does_not_keep_the_person_from_their_address(account):
    browser(account, "Identified", "user:thief", VICTIM, "anon:thief")
    server(account, "Signed Up", VICTIM)  # a newsletter, which knows the address alone
    server(account, "Identified", "user:victim", VICTIM)
    victim = account.contact("user:victim")
    assert victim.find_address("email") == "victim@example.com"
    assert victim.identities.keys() == {"user:victim", VICTIM}
    server(account, "Identified", "user:thief", "email:thief@example.com")
    assert account.contact("user:thief").identities.keys() == {"user:thief", "email:thief@example.com", "anon:thief"}
    assert account.contact(VICTIM).contact_id == victim.contact_id


def test_whom_a_newsletters_server_split_from_their_user_id_is_one_when_a_server_names_both(account):
    browser(account, "Identified", "user:bo", "email:bo@example.com", "anon:device")
    server(account, "Signed Up", "email:bo@example.com")
    assert account.contact("user:bo").contact_id != account.contact("email:bo@example.com").contact_id
    server(account, "Identified", "user:bo", "email:bo@example.com")
    bo = account.contact("anon:device")
    assert bo.confirmed == {"user:bo", "email:bo@example.com"}
    assert bo.find_address("email") == "bo@example.com"


def test_devices_fill_no_place_that_an_address_needs(account):
    server(account, "Identified", "user:ana")
    for number in range(60):
        browser(account, "Page Viewed", "user:ana", f"anon:device-{number}")
    server(account, "Signed Up", "user:ana", "email:ana@example.com")
    ana = account.contact("user:ana")
    assert ana.find_address("email") == "ana@example.com"
    assert "anon:device-59" in ana.identities
    assert account.contact("anon:device-0") == ana  # let go, and leading here


def test_a_browser_cannot_make_a_timeline_too_long_to_be_read_whole(account, monkeypatch):
    monkeypatch.setattr(resolution, "MAX_MERGED_ANONYMOUS", 5)
    server(account, "Identified", "user:ana")
    for number in range(8):
        browser(account, "Page Viewed", f"anon:device-{number}")
        browser(account, "Page Viewed", "user:ana", f"anon:device-{number}")
    ana = account.contact("user:ana")
    assert len(ana.merged_from) == 5
    rows = timeline.list_rows((ana.contact_id, *ana.merged_from), limit=100).items
    assert len({row.key for row in rows}) == ana.events_folded == 14
    assert account.contact("anon:device-7").contact_id != ana.contact_id
