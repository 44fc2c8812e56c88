"""The function behind the streams of accounts and memberships: members carry what their account says."""

from typing import Any

import pytest

from functions.follow_accounts.app import handler
from postroad.accounts import Account, values_of
from postroad.contacts.places import account_place
from postroad.events import ACCOUNT_CHANGED, ACCOUNT_JOINED, ACCOUNT_LEFT
from postroad_aws.ports import Accepted
from postroad_aws.storage import accounts
from postroad_aws.usecases.change_account import suppress_account, tell_account
from postroad_aws.usecases.send_message import send_message
from tests.account import ANA, Channel

EMAIL, BOB = f"email:{ANA}", "email:bob@example.com"
DONE: dict[str, Any] = {"batchItemFailures": []}


def joins(account, who, **said):
    account.fold(account.event(ACCOUNT_JOINED, who, group_id="acme", **said))


def changed(before: Account | None, after: Account) -> dict[str, Any]:
    """The record of the accounts' stream."""
    keys = {"account_id": {"S": after.account_id}}
    old = {"OldImage": accounts._item(before.with_(version=before.version - 1))} if before else {}
    new = accounts._item(after.with_(version=after.version - 1))
    return {"eventName": "MODIFY" if before else "INSERT", "dynamodb": {"Keys": keys, "NewImage": new, **old}}


def came(place: str, contact_id: str, shard: str = "00") -> dict[str, Any]:
    """The record of the memberships' stream."""
    keys = {"place_shard": {"S": f"{place}#{shard}"}, "contact_id": {"S": contact_id}}
    return {"eventName": "INSERT", "dynamodb": {"Keys": keys, "NewImage": {**keys, "since": {"N": "1"}}}}


def follow(account, *records):
    """The function, and what then comes over the events queue."""
    assert handler({"Records": list(records)}, None) == DONE
    account.fold_arrived()


def acme() -> Account:
    found = accounts.find_account("acme")
    assert found is not None
    return found


def carried(account, who):
    return account.contact(who).accounts["acme"].attributes


def test_a_server_says_what_a_company_is_like_and_the_one_who_joins_carries_it_at_once(account):
    joins(account, EMAIL, name="Acme", plan="pro", role="Buyer")
    assert values_of(acme()) == {"name": "Acme", "plan": "pro"}
    assert account.contact(EMAIL).accounts["acme"].role == "buyer"
    assert carried(account, EMAIL) == {"name": "Acme", "plan": "pro"}


def test_who_joins_without_traits_carries_what_is_known_already(account):
    joins(account, EMAIL, plan="pro")
    joins(account, BOB)
    assert carried(account, BOB) == {"plan": "pro"}


def test_a_browser_changes_no_account(account):
    event = account.event(ACCOUNT_JOINED, EMAIL, group_id="acme", plan="pro")
    account.fold(event.__class__(**{**{f: getattr(event, f) for f in event.__slots__}, "trusted": False}))
    assert accounts.find_account("acme") is None


def test_what_changes_in_an_account_is_told_to_every_member_once(account):
    joins(account, EMAIL, plan="pro")
    joins(account, BOB)
    before = acme()
    joins(account, BOB, plan="free")
    assert (carried(account, EMAIL), carried(account, BOB)) == ({"plan": "pro"}, {"plan": "free"})
    for _ in range(2):
        follow(account, changed(before, acme()))
    assert carried(account, EMAIL) == {"plan": "free"}
    assert account.names(EMAIL).count(ACCOUNT_CHANGED) == 1
    assert ACCOUNT_CHANGED not in account.names(BOB)


def test_who_has_yet_to_hear_of_a_change_hears_also_that_it_was_taken_back(account):
    joins(account, EMAIL, plan="pro")
    for later, plan in enumerate(("free", "pro"), 1):
        before = acme()
        tell_account(accounts, "acme", "acme", {"plan": plan}, account.now() + later, account.now())
        assert handler({"Records": [changed(before, acme())]}, None) == DONE
    account.fold_arrived()
    assert carried(account, EMAIL) == {"plan": "pro"}


def test_who_joins_while_the_account_changes_hears_of_it_because_they_came(account):
    joins(account, EMAIL, plan="pro")
    tell_account(accounts, "acme", "acme", {"plan": "free"}, account.now() + 1, account.now())
    follow(account, came(account_place("acme"), account.contact(EMAIL).contact_id))
    assert carried(account, EMAIL) == {"plan": "free"}


def test_members_are_counted_by_who_is_there_however_often_that_is_done(account):
    joins(account, EMAIL)
    joins(account, BOB)
    for _ in range(2):
        follow(account, came(account_place("acme"), account.contact(EMAIL).contact_id))
    assert acme().members == 2
    account.fold(account.event(ACCOUNT_LEFT, BOB, group_id="acme"))
    follow(account, came(account_place("acme"), account.contact(EMAIL).contact_id))
    assert acme().members == 1


def test_how_many_members_there_are_is_no_news_to_them(account):
    joins(account, EMAIL)
    before = acme()
    follow(account, changed(before, before.with_(version=5, members=7)))
    assert ACCOUNT_CHANGED not in account.names(EMAIL)


def test_members_of_a_suppressed_account_carry_the_reason(account):
    joins(account, EMAIL)
    before = acme()
    follow(account, changed(before, suppress_account(accounts, "acme", "in talks", account.now())))
    assert account.contact(EMAIL).accounts["acme"].suppressed == "in talks"


def test_what_was_queued_for_a_member_does_not_leave_once_they_have_heard_that_the_account_is_suppressed(account):
    message, mailbox = account.sign_up(), Channel(Accepted("ses-1"))
    joins(account, EMAIL)
    before = acme()
    follow(account, changed(before, suppress_account(accounts, "acme", "in talks", account.now())))
    assert send_message(account.with_channels(email=mailbox), message.message_id) == "skipped"
    assert mailbox.sent == []
    assert account.messages(EMAIL)["welcome"].reason == "the account acme gets nothing: in talks"


def test_other_places_and_accounts_that_are_gone_are_left_alone(account):
    follow(account, came("segment/vip", "somebody", "07"), came(account_place("nowhere"), "somebody"))
    assert accounts.find_account("nowhere") is None


def test_a_row_that_cannot_be_read_does_not_hold_up_the_others(account):
    joins(account, EMAIL, plan="pro")
    before = acme()
    tell_account(accounts, "acme", "acme", {"plan": "free"}, account.now() + 1, account.now())
    broken = {"dynamodb": {"Keys": {"account_id": {"S": "x"}}, "OldImage": {}, "NewImage": {}}}
    follow(account, broken, changed(before, acme()))
    assert carried(account, EMAIL) == {"plan": "free"}


def test_what_the_queue_does_not_take_brings_the_batch_again(account, monkeypatch):
    joins(account, EMAIL, plan="pro")
    before = acme()
    tell_account(accounts, "acme", "acme", {"plan": "free"}, account.now() + 1, account.now())
    with monkeypatch.context() as patch:
        patch.setattr("postroad_aws.queues.send_events", lambda messages: messages)
        with pytest.raises(ConnectionError):
            handler({"Records": [changed(before, acme())]}, None)
    follow(account, changed(before, acme()))
    assert carried(account, EMAIL) == {"plan": "free"}
