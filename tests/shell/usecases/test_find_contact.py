"""Following forwards."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest

from postroad.contacts.contact import Contact
from postroad.contacts.identities import Identity
from postroad_aws.ports import Forward
from postroad_aws.usecases.find_contact import find_contact, find_owner


class Items:
    """What is stored, and how often it was asked."""

    def __init__(self, **stored: Contact | Forward) -> None:
        self.stored = stored
        self.asked: list[list[str]] = []

    def find_items(self, ids: Collection[str], *, consistent: bool) -> Mapping[str, Contact | Forward]:
        assert consistent
        self.asked.append(list(ids))
        return {contact_id: self.stored[contact_id] for contact_id in ids if contact_id in self.stored}


def test_a_contact_is_found_under_its_own_id_with_one_read():
    items = Items(a=Contact("a"))
    found = find_contact(items, "a")
    assert found is not None
    assert found.contact_id == "a"
    assert items.asked == [["a"]]


def test_forwards_are_followed_however_many_merges_there_were():
    chain = {f"c{n}": Forward(f"c{n + 1}") for n in range(40)}
    found = find_contact(Items(**chain, c40=Contact("end")), "c0")
    assert found is not None
    assert found.contact_id == "end"


def test_nothing_is_found_where_nothing_is():
    assert find_contact(Items(), "a") is None
    assert find_contact(Items(a=Forward("b")), "a") is None


def test_a_circle_of_forwards_is_no_endless_loop():
    with pytest.raises(RecursionError):
        find_contact(Items(a=Forward("b"), b=Forward("a")), "a")


def test_who_has_an_address_is_found_before_who_only_claims_it(account):
    email = Identity("email", "ana@example.com")

    def owner():
        return find_owner(account.ports.contacts, email, account.ports.contact_key)

    assert owner() is None
    account.fold(replace(account.event("Page Viewed", str(email), "anon:device", path="/"), trusted=False))
    claimant = owner()
    assert claimant.identities.keys() == {str(email), "anon:device"}
    account.fold(account.event("Page Viewed", "user:bo", "anon:device", path="/"))
    assert owner().contact_id == claimant.contact_id
    account.fold(account.event("Page Viewed", "user:ana", str(email), path="/"))
    assert owner().identities.keys() == {str(email), "user:ana"}


def test_it_follows_what_merges_have_stored(account):
    account.fold(
        account.event("Page Viewed", "anon:device", path="/"), account.event("Page Viewed", "user:ana", path="/")
    )
    account.fold(account.event("Page Viewed", "anon:device", "user:ana", path="/"))
    ports = account.ports
    one, other = (find_contact(ports.contacts, account.contact_id(i)) for i in ("anon:device", "user:ana"))
    assert one is not None
    assert one == other
    assert set(one.identities) == {"anon:device", "user:ana"}
