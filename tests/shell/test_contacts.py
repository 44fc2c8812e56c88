"""The contacts table: the contract of the port, what only AWS can do, and the listing of the API."""

from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

from postroad.commits import Commit, MembershipChange
from postroad.contacts.contact import Contact
from postroad.tracking.quarantine import Reject
from postroad_aws.ports import Contacts, Fault, Outcome
from postroad_aws.storage import CursorError, contacts, memberships, quarantine
from tests.shell.faults import fail_calls, leave_undone, lose_answers
from tests.shell.port_contract import T0, ContactsContract, a_contact, a_message, a_row, at, find, store

PORT: Contacts = contacts


class TestContacts(ContactsContract):
    """The tables pass what memory passes."""


def test_a_put_whose_answer_is_lost_is_repeated_by_the_sdk_and_found_done(ports, aws):
    store(ports, a_contact())
    calls = lose_answers(aws, "PutItem")
    assert ports.contacts.commit(Commit(a_contact(version=1, events_folded=7))) is Outcome.DONE
    assert calls() == 2
    assert find(ports, "ana-4f1c") == a_contact(version=2, events_folded=7)


def test_a_put_that_lost_its_answer_to_another_writer_is_a_conflict(ports, aws):
    store(ports, a_contact())
    assert ports.contacts.commit(Commit(a_contact(version=1, events_folded=1))) is Outcome.DONE
    lose_answers(aws, "PutItem")
    assert ports.contacts.commit(Commit(a_contact(version=1, events_folded=7))) is Outcome.CONFLICT


def test_a_commit_of_the_contact_alone_is_no_transaction(ports, aws):
    transactions = fail_calls(aws, "TransactWriteItems", EndpointConnectionError(endpoint_url="https://aws"))
    store(ports, a_contact())
    assert transactions() == 0


def cancelled(*codes: str) -> dict[str, Any]:
    return {"CancellationReasons": [{"Code": code} for code in codes]}


@pytest.mark.parametrize(
    ("reasons", "outcome"),
    [
        (("None", "ConditionalCheckFailed", "None"), Outcome.ALREADY_THERE),
        (("None", "ConditionalCheckFailed", "ConditionalCheckFailed"), Outcome.ALREADY_THERE),
        (("ConditionalCheckFailed", "None", "None"), Outcome.CONFLICT),
        (("ConditionalCheckFailed", "ConditionalCheckFailed", "None"), Outcome.CONFLICT),
        (("TransactionConflict", "None", "None"), Outcome.CONFLICT),
        (("None", "TransactionConflict", "None"), Outcome.CONFLICT),
        (("TransactionConflict", "ConditionalCheckFailed", "None"), Outcome.CONFLICT),
        (("None", "ThrottlingError", "None"), Fault),
        (("ConditionalCheckFailed", "ProvisionedThroughputExceeded", "None"), Fault),
        (("None", "ValidationError", "None"), Fault),
        (("None", "None", "None"), Fault),
    ],
)
def test_the_reasons_of_a_cancelled_transaction_are_read(aws, reasons, outcome):
    commit = Commit(a_contact(), messages=(a_message("a.1"), a_message("b.1")))
    with Stubber(aws) as stubber:
        stubber.add_client_error(
            "transact_write_items", "TransactionCanceledException", modeled_fields=cancelled(*reasons)
        )
        if outcome is Fault:
            with pytest.raises(Fault, match="cancelled"):
                contacts.commit(commit)
        else:
            assert contacts.commit(commit) is outcome


@pytest.mark.parametrize("parts", [{}, {"messages": (a_message(),)}])
def test_a_transaction_under_way_on_the_same_contact_is_a_conflict(aws, parts):
    operation = "transact_write_items" if parts else "put_item"
    with Stubber(aws) as stubber:
        stubber.add_client_error(operation, "TransactionConflictException")
        assert contacts.commit(Commit(a_contact(), **parts)) is Outcome.CONFLICT


def test_other_errors_of_aws_pass_through(aws):
    with Stubber(aws) as stubber:
        stubber.add_client_error("put_item", "ProvisionedThroughputExceededException")
        with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
            contacts.commit(Commit(a_contact()))


def test_what_a_batch_leaves_undone_is_asked_for_again(ports, aws, monkeypatch):
    ids = [f"c-{number}" for number in range(120)]
    for contact_id in ids:
        store(ports, a_contact(contact_id))
    sizes = leave_undone(monkeypatch, aws, "batch_get_item", "UnprocessedKeys", times=2)
    assert set(contacts.find_items(ids, consistent=True)) == set(ids)
    assert sizes == [100, 50, 25, 20]


def test_a_batch_that_never_gets_done_is_a_fault(ports, aws, monkeypatch):
    store(ports, a_contact())
    monkeypatch.setattr("postroad_aws.storage.batches.time.sleep", lambda seconds: None)
    answer = {"Responses": {}, "UnprocessedKeys": {"Contacts": {"Keys": [{"contact_id": {"S": "ana-4f1c"}}]}}}
    monkeypatch.setattr(aws, "batch_get_item", lambda **asked: answer)
    with pytest.raises(Fault, match="throttled"):
        contacts.find_items(["ana-4f1c"], consistent=True)


def test_memberships_and_rejects_of_a_commit_are_listed(ports):
    changes = (
        MembershipChange("segment/vip", "ana-4f1c", T0),
        MembershipChange("segment/new", "ana-4f1c", T0),
        MembershipChange("segment/new", "ana-4f1c", None),
    )
    reject = Reject("r-1", T0, "it has no name", "shop", "{}")
    store(ports, a_contact(), memberships=changes, rejects=(reject,), rows=(a_row(),))
    assert memberships.list_members("segment/vip").items == [memberships.Membership("ana-4f1c", T0)]
    assert memberships.list_members("segment/new").items == []
    assert quarantine.list_rejects(at(60)).items == [reject]


def pages(limit: int) -> list[list[str]]:
    found, cursor = [], None
    while True:
        page = contacts.list_contacts(cursor=cursor, limit=limit)
        found.append([contact.contact_id for contact in page.items])
        cursor = page.next
        if cursor is None:
            return found


def flat(lists: Sequence[Sequence[str]]) -> list[str]:
    return [item for one in lists for item in one]


def test_all_contacts_are_listed_newest_first_over_all_shards(ports):
    made = [a_contact(f"{number:04d}abcd", created_at=at(number)) for number in range(40)]
    for contact in made:
        store(ports, contact, attach=(f"{contact.contact_id}-forward",))
    expected = [contact.contact_id for contact in reversed(made)]
    assert flat(pages(7)) == expected
    assert [len(page) for page in pages(7)] == [7, 7, 7, 7, 7, 5]
    assert pages(40) == [expected]


def test_contacts_of_one_instant_are_all_listed_once(ports):
    for number in range(12):
        store(ports, a_contact(f"{number:04d}twin"))
    store(ports, a_contact("0000old", created_at=at(-1)))
    for limit in (1, 5, 12):
        found = flat(pages(limit))
        assert len(found) == 13
        assert len(set(found)) == 13
        assert found[-1] == "0000old"


@pytest.mark.parametrize("cursor", ["nonsense", "W10", "", "é", "bnVsbA"])
def test_a_cursor_that_was_never_given_out_is_refused(aws, cursor):
    if cursor:
        with pytest.raises(CursorError, match="start again"):
            contacts.list_contacts(cursor=cursor)
    with pytest.raises(CursorError, match="start again"):
        contacts.list_ids("00", cursor, 5)


def test_an_unused_stored_contact_has_no_timer_attribute(ports, aws):
    """A sparse index holds what has its attributes, and nothing else."""
    store(ports, a_contact())
    (item,) = aws.scan(TableName="Contacts")["Items"]
    assert set(item) == {"contact_id", "shard", "version", "created_at", "body"}


def test_the_model_and_the_hot_path_read_and_write_the_same_items(ports, aws):
    from postroad_aws.storage.rows import ContactRow

    written = store(ports, a_contact(wake_at=at(60.5), events_folded=4), attach=("forward",))
    row = ContactRow.get("ana-4f1c")
    assert (row.shard, row.version, row.created_at, row.wake_at) == (written.shard, 1, T0, at(60.5))
    assert ContactRow.get("forward").forward_to == "ana-4f1c"
    row.contact_id = "copy"
    row.save()
    copy = find(ports, "copy")
    assert copy == Contact(**{**{name: getattr(written, name) for name in Contact.__slots__}, "contact_id": "copy"})
