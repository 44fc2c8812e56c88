"""The ledger: the contract of the port, what only AWS can do, and the listings of the API."""

import pytest

from postroad.commits import Commit
from postroad.sending.messages import QUEUED, SENDING, SENT, UNKNOWN
from postroad_aws.ports import Messages, Outcome
from postroad_aws.storage import CursorError, contacts, messages
from postroad_aws.storage.paging import encode_cursor
from tests.shell.faults import lose_answers
from tests.shell.port_contract import T0, MessagesContract, a_contact, a_message, at, message, queue

PORT: Messages = messages


class TestMessages(MessagesContract):
    """The tables pass what memory passes."""


def test_a_claim_whose_answer_is_lost_is_ours_at_the_second_try(ports, aws):
    queue(ports, a_message())
    calls = lose_answers(aws, "UpdateItem")
    claimed = messages.claim("enr-1.welcome", "me", at(5))
    assert claimed is not None
    assert claimed.owner == "me"
    assert calls() == 2


def test_a_release_and_a_receipt_whose_answers_are_lost_count(ports, aws):
    queue(ports, a_message())
    messages.claim("enr-1.welcome", "me", at(5))
    lose_answers(aws, "UpdateItem")
    assert messages.release("enr-1.welcome", "me", at(60), "throttled", at(6))
    messages.claim("enr-1.welcome", "you", at(61))
    lose_answers(aws, "UpdateItem")
    assert messages.settle("enr-1.welcome", SENT, at(62), owner="you", provider_id="ses-1")
    assert message(ports).state == SENT
    assert not messages.settle("enr-1.welcome", SENT, at(63), owner="you")


def test_a_message_is_stored_under_the_names_that_the_relay_and_the_indexes_use(ports, aws):
    queue(ports, a_message())
    item = aws.get_item(TableName="Messages", Key={"message_id": {"S": "enr-1.welcome"}})["Item"]
    assert item["state"] == {"S": "queued"}
    assert item["origin_shard"]["S"].startswith("journey/welcome@3#")
    assert item["pending_shard"]["S"] in messages.SHARDS
    assert float(item["pending_at"]["N"]) == at(600)
    assert not {"owner", "reason", "address", "not_before"} & set(item)
    messages.settle("enr-1.welcome", UNKNOWN, at(5))
    item = aws.get_item(TableName="Messages", Key={"message_id": {"S": "enr-1.welcome"}})["Item"]
    assert not {"pending_shard", "pending_at"} & set(item)


def test_a_claim_costs_the_indexes_nothing(ports, aws):
    queue(ports, a_message())
    before = aws.get_item(TableName="Messages", Key={"message_id": {"S": "enr-1.welcome"}})["Item"]
    messages.claim("enr-1.welcome", "me", at(5))
    after = aws.get_item(TableName="Messages", Key={"message_id": {"S": "enr-1.welcome"}})["Item"]
    indexed = ("contact_id", "origin_shard", "pending_shard", "pending_at")
    assert [before[name] for name in indexed] == [after[name] for name in indexed]


def test_a_reason_belongs_to_its_state(ports):
    queue(ports, a_message())
    messages.claim("enr-1.welcome", "me", at(1))
    messages.release("enr-1.welcome", "me", at(9), "throttled", at(2))
    messages.settle("enr-1.welcome", SENT, at(10))
    assert message(ports).reason == ""


def listed(list_page, key, limit):
    found, cursor = [], None
    while True:
        page = list_page(key, cursor=cursor, limit=limit)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


def test_messages_are_listed_by_contact_and_by_those_merged_into_it(ports):
    mine = [a_message(f"e{n:02d}.step", contact_id=f"c-{n % 2}") for n in range(11)]
    queue(ports, *mine, a_message("other.step", contact_id="c-9"))
    expected = [*mine[::2], *mine[1::2]]
    for limit in (1, 3, 6, 11, 50):
        assert listed(messages.list_by_contact, ["c-0", "c-1"], limit) == expected


def test_messages_are_listed_by_what_queued_them(ports):
    mine = [a_message(f"e{n:02d}.step") for n in range(25)]
    queue(ports, *mine, a_message("other.step", origin="journey/welcome@33"))
    for limit in (4, 25):
        found = listed(messages.list_by_origin, "journey/welcome@3", limit)
        assert sorted(found, key=lambda m: m.message_id) == mine


def test_messages_of_an_origin_are_shown_the_newest_first(ports):
    mine = [a_message(f"e{n:02d}.step", created_at=at(n // 3)) for n in range(40)]
    queue(ports, *mine, a_message("other.step", origin="journey/welcome@33"))
    expected = sorted(mine, key=lambda m: (-m.created_at, m.message_id))
    for limit in (1, 7, 39, 40, 50):
        assert listed(messages.list_newest, "journey/welcome@3", limit) == expected


@pytest.mark.parametrize("after", ["", "x", "x y", "1.0", "1.0 ", "nan x", "inf x", "1e300 x"])
def test_a_place_that_no_listing_has_given_out_is_refused(ports, after):
    for cursor in (encode_cursor(0, after), "nonsense"):
        with pytest.raises(CursorError):
            messages.list_by_origin("journey/welcome@3", cursor=cursor)


def test_the_model_and_the_hot_path_read_and_write_the_same_items(ports):
    from postroad_aws.storage.rows import MessageRow

    full = a_message(not_before=at(3), expires_at=at(99))
    assert contacts.commit(Commit(a_contact(), messages=(full,))) is Outcome.DONE
    messages.claim(full.message_id, "me", at(5))
    messages.settle(full.message_id, SENT, at(6), owner="me", address="ana@example.com", provider_id="ses-1")
    row = MessageRow.get(full.message_id)
    assert (row.state, row.owner, row.claimed_at, row.not_before) == (SENT, "me", at(5), at(3))
    assert row.times.as_dict() == {SENT: at(6)}
    row.message_id = "copy"
    row.save()
    copy = messages.find_message("copy")
    assert copy == message(ports).with_(message_id="copy")
    assert (copy.state, copy.created_at) == (SENT, T0)
    assert {QUEUED, SENDING}.isdisjoint(copy.times)
