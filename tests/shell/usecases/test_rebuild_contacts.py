"""Folding a shard by a new book."""

import pytest

from postroad_aws import books
from postroad_aws.storage import contacts
from postroad_aws.usecases.rebuild_contacts import Rebuilt, rebuild_contacts
from tests.account import Account


def shard_of(account: Account, identity: str) -> str:
    return account.contact(identity).shard


def test_whoever_is_up_to_date_is_not_written(account):
    account.fold(account.event("Page Viewed", "user:ana", path="/"))
    before = account.contact("user:ana")
    shard = shard_of(account, "user:ana")
    assert rebuild_contacts(account.ports, shard, 1, None, lambda: True) == Rebuilt(1, None)
    assert account.contact("user:ana") == before
    assert account.names("user:ana") == ["Page Viewed"]


def test_forwards_are_not_contacts_of_a_shard(account):
    account.fold(
        account.event("Page Viewed", "anon:device", path="/"), account.event("Page Viewed", "user:ana", path="/")
    )
    account.fold(account.event("Page Viewed", "anon:device", "user:ana", path="/"))
    folded = [rebuild_contacts(account.ports, shard, 1, None, lambda: True).folded for shard in contacts.SHARDS]
    assert sum(folded) == 1
    assert account.rejects() == []


def test_a_bad_cursor_is_told(account):
    with pytest.raises(Exception, match="cursor"):
        rebuild_contacts(account.ports, "00", 1, "not a cursor", lambda: True)


def test_it_folds_by_the_book_that_was_published_although_this_process_knows_an_older_one(account):
    from postroad_aws import clock, runs
    from postroad_aws.storage import definitions
    from postroad_aws.usecases.publish_definitions import publish_definitions

    account.fold(account.event("Identified", "user:ana", attributes={"plan": "vip"}))
    assert books.current().revision == 1
    document = {"kind": "segment", "id": "vip", "if": {"attribute": "plan", "is": "vip"}}
    revision = publish_definitions(definitions, runs, clock, {"segment/vip": document}).revision
    rebuild_contacts(account.ports, shard_of(account, "user:ana"), revision, None, lambda: True)
    contact = account.contact("user:ana")
    assert (contact.revision, list(contact.segments)) == (2, ["vip"])
