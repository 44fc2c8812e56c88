"""The streams of the ledger and of the memberships, as Lambda hands them over, onto the table of numbers."""

from collections.abc import Iterable
from typing import Any

import pytest

from functions.count_stats.app import handler
from postroad.commits import MembershipChange
from postroad.sending.messages import Message
from postroad.stats import MessageCounts, PlaceCounts
from postroad_aws.clients import get_client
from postroad_aws.storage import memberships, stats
from postroad_aws.storage.messages import put_request
from tests.account import ANA, Account

NOW = 1_793_610_000.0
Image = dict[str, Any] | None


def record(before: Image, after: Image, sequence: int, at: float = NOW) -> dict[str, Any]:
    item = after or before
    assert item
    keys = {name: item[name] for name in ("message_id", "place_shard", "contact_id") if name in item}
    if "message_id" in keys:
        del keys["contact_id"]
    images = {"OldImage": before, "NewImage": after}
    return {
        "eventName": "REMOVE" if after is None else "MODIFY" if before else "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "ApproximateCreationDateTime": at,
            "Keys": keys,
            "SequenceNumber": str(sequence),
            **{name: image for name, image in images.items() if image},
        },
    }


def records(*changes: tuple[Image, Image]) -> dict[str, Any]:
    return {"Records": [record(*change, sequence=100 + number) for number, change in enumerate(changes)]}


def a_message(state: str, **facts: Any) -> dict[str, Any]:
    message = Message(
        "enr-1.hello", "ana", "journey/welcome@3", "hello", "enr-1", "email", "news", "hello", 1, "k", NOW, state=state,
        **facts,
    )  # fmt: skip
    item: dict[str, Any] = put_request(message)["Put"]["Item"]
    return item


def a_member(place: str = "journey/welcome/look", since: float = NOW, *, moved: bool = False) -> dict[str, Any]:
    item: dict[str, Any] = memberships.action(MembershipChange(place, "ana", since, moved))["Put"]["Item"]
    return item


def test_the_way_of_a_message_is_counted(account: Account):
    queued, sending, sent = a_message("queued"), a_message("sending", owner="o"), a_message("sent")
    opened = a_message("sent", times={"sent": NOW, "opened": NOW})
    assert handler(records((None, queued), (queued, sending), (sending, sent), (sent, opened)), None) == {
        "batchItemFailures": []
    }
    counts = stats.find_counts(["journey/welcome"])["journey/welcome"]
    assert counts.step("hello") == MessageCounts(total=1, sent=1, opened=1)


def test_who_comes_and_who_leaves_is_counted(account: Account):
    first, again = a_member(), a_member(since=NOW + 60)
    handler(records((None, first), (first, None), (None, again), (None, a_member("segment/vip", moved=True))), None)
    found = stats.find_counts(["journey/welcome", "segment/vip"])
    assert found["journey/welcome"].place("look") == PlaceCounts(here=1, entered=2)
    assert found["segment/vip"].place() == PlaceCounts(here=1, entered=0)


def test_a_batch_that_comes_again_counts_once(account: Account):
    batch = records((None, a_message("queued")), (None, a_member()))
    for part in (batch["Records"][:1], batch["Records"][1:]):
        for _ in range(3):
            handler({"Records": part}, None)
    counts = stats.find_counts(["journey/welcome"])["journey/welcome"]
    assert (counts.step("hello").total, counts.place("look").here) == (1, 1)


def test_a_row_that_nobody_can_read_does_not_hold_up_the_others(account: Account, capsys: pytest.CaptureFixture[str]):
    spoilt = {**a_member(), "since": {"S": "yesterday"}}
    handler(records((None, spoilt), (None, a_member("segment/vip"))), None)
    assert stats.count_members(["segment/vip", "journey/welcome/look"]) == {"segment/vip": 1, "journey/welcome/look": 0}
    assert "could not be counted" in capsys.readouterr().out


def test_when_the_table_cannot_be_reached_the_whole_batch_comes_again(account: Account):
    get_client("dynamodb").delete_table(TableName="Stats")
    with pytest.raises(Exception, match=r"(?i)table|resource"):
        handler(records((None, a_member())), None)


def test_nothing_is_no_trouble(account: Account):
    handler({"Records": []}, None)


def scan(table: str) -> Iterable[dict[str, Any]]:
    items: list[dict[str, Any]] = get_client("dynamodb").scan(TableName=table)["Items"]
    return items


def test_the_rows_of_a_real_sign_up_are_counted(account: Account):
    account.sign_up()
    handler(records(*((None, item) for item in scan("Memberships"))), None)
    handler(records(*((None, item) for item in scan("Messages"))), None)
    journey = stats.find_counts(["journey/welcome"])["journey/welcome"]
    step = account.contact(f"email:{ANA}").active["welcome"].step
    assert (journey.active, journey.started, journey.place(step).here) == (1, 1, 1)
    assert journey.step("welcome").queued == 1
