"""Erasing one contact takes all that is its own, and nothing that is anybody else's."""

from dataclasses import replace

import pytest

from postroad.commits import Commit
from postroad.contacts.places import places_of
from postroad.tasks import DONE, OPEN, Task
from postroad_aws.ports import Forward, Outcome
from postroad_aws.storage import contacts, memberships, messages, tasks, timeline
from postroad_aws.usecases.erase_contact import erase_contact
from postroad_aws.wiring import removal_ports


@pytest.fixture
def ports(account):
    removal_ports.cache_clear()
    yield removal_ports()
    removal_ports.cache_clear()


@pytest.fixture
def ana(account):
    account.fold(account.event("Signed Up", "user:ana", "email:ana@example.com", "anon:a-1"))
    account.fold(account.event("Order Completed", "user:ana"))
    return account.contact("user:ana")


def stored(*ids):
    return contacts.find_items(ids, consistent=True)


def test_all_that_is_stored_about_her_goes(account, ports, ana):
    ids = [account.contact_id(text) for text in ana.identities]
    assert len(stored(*ids)) == 3
    assert places_of(ana)
    ring = Task("enr.ring", ana.contact_id, "call", "Call Ana", "journey/a@1", "ring", "enr", 1.8e9, 1.8e9)
    contacts.commit(Commit(ana, tasks=(ring, replace(ring, task_id="enr.two", state=DONE))))
    erased = erase_contact(ports, ana.contact_id)
    assert erased.contact_id == ana.contact_id
    assert tasks.list_by_contact([ana.contact_id]).items == []
    assert tasks.list_tasks(OPEN).items == []
    assert stored(*ids) == {}
    assert timeline.list_rows([ana.contact_id]).items == []
    assert messages.list_by_contact([ana.contact_id]).items == []
    for place in places_of(ana):
        assert memberships.list_members(place).items == []


def test_one_membership_may_stay_to_find_what_is_left(account, ports, ana):
    assert erase_contact(ports, ana.contact_id, but="segment/customers")
    assert [member.contact_id for member in memberships.list_members("segment/customers").items] == [ana.contact_id]
    assert memberships.list_members("journey/welcome/first-open").items == []
    assert erase_contact(ports, ana.contact_id) is None


def test_others_are_left_alone(account, ports, ana):
    account.fold(account.event("Order Completed", "user:ben", "email:ben@example.com"))
    ben = account.contact("user:ben")
    erase_contact(ports, ana.contact_id)
    assert account.contact("user:ben") == ben
    assert stored(account.contact_id("email:ben@example.com")) == {
        account.contact_id("email:ben@example.com"): Forward(ben.contact_id)
    }


def test_an_identity_that_leads_to_somebody_else_stays(account, ports, ana):
    """As when a browser claims an address that is hers."""
    from postroad_aws.clients import get_client
    from postroad_aws.settings import settings

    taken = account.contact_id("email:ana@example.com")
    get_client("dynamodb").put_item(
        TableName=settings().require("contacts_table"),
        Item={"contact_id": {"S": taken}, "forward_to": {"S": "somebody-else"}},
    )
    assert erase_contact(ports, ana.contact_id)
    assert stored(taken) == {taken: Forward("somebody-else")}


def test_a_contact_that_was_written_meanwhile_is_not_deleted(account, ports, ana):
    account.fold(account.event("Page Viewed", "user:ana"))
    assert contacts.erase(ana, [], []) is Outcome.CONFLICT
    assert account.contact("user:ana").events_folded == 3


def test_what_exceeds_a_transaction_goes_too(account, ports, ana):
    forwards = [f"further-{number}" for number in range(150)]
    ana = account.contact("user:ana")
    assert contacts.erase(ana, forwards, places_of(ana)) is Outcome.DONE
    assert stored(ana.contact_id) == {}


def test_a_device_that_was_let_go_begins_anew_when_the_contact_is_gone(account, ports):
    for number in range(60):
        account.fold(account.event("Page Viewed", "user:ana", f"anon:device-{number}"))
    ana = account.contact("user:ana")
    assert "anon:device-0" not in ana.identities
    assert account.contact("anon:device-0") == ana
    erase_contact(ports, ana.contact_id)
    account.fold(account.event("Page Viewed", "anon:device-0"))
    account.fold(account.event("Signed Up", "user:bo", "anon:device-1"))
    assert account.contact("anon:device-0").events_folded == 1
    assert account.contact("anon:device-1") == account.contact("user:bo")
