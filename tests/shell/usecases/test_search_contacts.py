"""Somebody is found by what people type of them."""

import pytest

from postroad_aws.storage import contacts
from postroad_aws.usecases.search_contacts import search_contacts
from tests.account import ANA


def _found(account, text):
    return [contact.contact_id for contact in search_contacts(contacts, account.ports.contact_key, text)]


def test_one_person_with_many_identities_is_found_once(account):
    account.fold(account.event("Signed Up", f"user:{ANA}", f"email:{ANA}"))
    assert _found(account, ANA) == [account.contact(f"email:{ANA}").contact_id]


def test_two_people_may_be_meant(account):
    account.fold(account.event("Signed Up", "user:351912345678"))
    account.fold(account.event("Signed Up", "anon:351912345678"))
    assert len(_found(account, "351912345678")) == 2
    assert len(_found(account, "anon:351912345678")) == 1


def test_our_own_id_is_an_identity_too(account):
    account.fold(account.event("Signed Up", "user:otto"))
    contact_id = account.contact("user:otto").contact_id
    assert _found(account, contact_id) == [contact_id]


@pytest.mark.parametrize("text", ["", "  ", "nobody", "email:", ":", "email:not an address", "null"])
def test_nobody_is_nobody(account, text):
    account.fold(account.event("Signed Up", "user:otto"))
    assert _found(account, text) == []
