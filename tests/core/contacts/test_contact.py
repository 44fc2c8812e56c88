"""The contact: copies that share nothing that changes, addresses, shards."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.contacts.contact import (
    MAX_IDENTITIES,
    SHARD_NAMES,
    SHARDS,
    Attribute,
    Contact,
    Enrollment,
    latest_identities,
)
from postroad.contacts.identities import Identity, contact_id_of


def test_a_copy_can_be_changed_without_the_original_noticing():
    contact = Contact("c", identities={"user:a": 1.0}, scores={"s": {}}, extra={"later": 1})
    copy = contact.copy()
    assert copy == contact
    for part in fields(Contact):
        value = getattr(copy, part.name)
        if isinstance(value, dict) and part.name != "extra":
            value["new"] = None
            assert "new" not in getattr(contact, part.name), part.name


@given(st.text(min_size=1, max_size=20))
def test_every_contact_belongs_to_one_of_the_shards(value):
    contact = Contact(contact_id_of(Identity("user", value), b"k" * 32))
    assert contact.shard in SHARD_NAMES
    assert contact.shard == Contact(contact.contact_id, version=5).shard


def test_shards_are_about_equally_full():
    ids = [contact_id_of(Identity("user", str(number)), b"k" * 32) for number in range(3_200)]
    counts = [sum(Contact(i).shard == shard for i in ids) for shard in SHARD_NAMES]
    assert len(counts) == SHARDS
    assert min(counts) > 120
    assert max(counts) < 290


@pytest.mark.parametrize(
    ("channel", "address"), [("email", "new@example.com"), ("sms", "+351912345678"), ("push", None), ("", None)]
)
def test_a_channel_reaches_the_latest_address(channel, address):
    identities = {"email:old@example.com": 1.0, "email:new@example.com": 2.0, "phone:+351912345678": 1.0, "user:a": 9.0}
    contact = Contact("c", identities=identities)
    assert contact.find_address(channel) == address


@pytest.mark.parametrize(
    ("said", "written_to"),
    [
        ("old@example.com", "old@example.com"),  # it came back
        ("new@example.com", "new@example.com"),
        ("taken@example.com", "new@example.com"),  # somebody else's
        (None, "new@example.com"),
        (["old@example.com"], "new@example.com"),
    ],
)
def test_the_address_that_a_contact_is_said_to_have_is_written_to_if_it_is_its_own(said, written_to):
    contact = Contact("c", identities={"email:old@example.com": 1.0, "email:new@example.com": 2.0})
    contact.attributes["email"] = Attribute(said, 3.0, confirmed=True)
    assert contact.find_address("email") == written_to


@pytest.mark.parametrize(
    ("identities", "written_to"),
    [
        ("claimed", "claimed@example.com"),
        ("claimed sure", "sure@example.com"),
        ("sure claimed", "sure@example.com"),
    ],
)
def test_a_claimed_address_is_written_to_until_there_is_a_confirmed_one(identities, written_to):
    found = {f"email:{name}@example.com": float(since) for since, name in enumerate(identities.split())}
    contact = Contact("c", identities=found, claims=frozenset({"email:claimed@example.com"}))
    contact.attributes["email"] = Attribute("claimed@example.com", 3.0, confirmed=False)
    assert contact.find_address("email") == written_to
    assert contact.confirmed == {text for text in found if "sure" in text}
    assert contact.is_known


def test_of_two_addresses_of_one_instant_the_choice_is_always_the_same():
    pair = {"email:b@example.com": 1.0, "email:a@example.com": 1.0}
    turned = dict(reversed(pair.items()))
    assert Contact("c", identities=pair).find_address("email") == Contact("c", identities=turned).find_address("email")


def test_an_anonymous_contact_is_not_known():
    assert not Contact("c", identities={"anon:d": 1.0}).is_known
    assert Contact("c", identities={"anon:d": 1.0, "user:a": 1.0}).is_known


def test_an_attribute_is_read_by_name():
    contact = Contact("c", attributes={"plan": Attribute("vip", 1.0, confirmed=True)})
    assert (contact.find_value("plan"), contact.find_value("other")) == ("vip", None)


def test_an_enrollment_changes_into_another_one():
    enrollment = Enrollment("e", "welcome", 1, 1.0, "k", "first", None)
    assert enrollment.with_(step="second").step == "second"
    assert enrollment.step == "first"


def test_the_latest_devices_are_kept_and_every_address():
    devices = {f"anon:{n}": float(n) for n in range(60)}
    kept = latest_identities({"email:ana@example.com": 0.0, **devices, "user:ana": 1.0})
    assert kept.keys() == {"email:ana@example.com", "user:ana", *(f"anon:{n}" for n in range(12, 60))}
    assert len(kept) == MAX_IDENTITIES
