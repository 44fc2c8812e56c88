"""The table of live numbers: sums by definition, in all and by day, each change once."""

import pytest
from botocore.exceptions import ClientError

from postroad.stats import Cell, Counts, MessageCounts, PlaceCounts
from postroad_aws.clients import get_client
from postroad_aws.ports import Fault, Stats
from postroad_aws.storage import stats
from tests.shell.port_contract import T0, StatsContract

PORT: Stats = stats

JOURNEY = "journey/welcome"


def place(counter: str, spot: str = "look", day: str = "2026-11-02") -> Cell:
    return Cell(JOURNEY, "places", day, spot, counter)


def message(counter: str, step: str = "hello", day: str = "2026-11-02") -> Cell:
    return Cell(JOURNEY, "messages", day, step, counter)


class TestStats(StatsContract):
    pass


def test_numbers_are_read_in_all(aws):
    stats.add({place("here"): 1, place("entered"): 3, place("entered", ":goal"): 2, message("delivered"): 5})
    stats.add({place("here", day="2026-11-03"): 1, message("bounced", day="2026-11-03"): 1})
    counts = stats.find_counts([JOURNEY, "journey/other"])
    assert counts[JOURNEY].places == {"look": PlaceCounts(2, 3), ":goal": PlaceCounts(0, 2)}
    assert counts[JOURNEY].messages == {"hello": MessageCounts(total=6, sent=6, delivered=5, bounced=1)}
    assert counts["journey/other"] == Counts()


def test_numbers_are_read_by_day_and_a_day_without_any_has_zeros(aws):
    stats.add({place("entered", day="2026-11-01"): 1, message("sent"): 2, place("entered", day="2026-11-04"): 7})
    days = stats.list_days(JOURNEY, "2026-11-01", "2026-11-03")
    assert [day for day, _ in days] == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert [counts.place("look").entered for _, counts in days] == [1, 0, 0]
    assert [counts.all_messages.sent for _, counts in days] == [0, 2, 0]
    assert stats.list_days(JOURNEY, "2026-11-03", "2026-11-01") == []


def test_the_last_day_is_whole(aws):
    stats.add({place("entered"): 1, message("sent"): 1})
    ((_, counts),) = stats.list_days(JOURNEY, "2026-11-02", "2026-11-02")
    assert (counts.place("look").entered, counts.all_messages.sent) == (1, 1)


def test_people_are_counted_by_place(aws):
    stats.add({place("here"): 4, Cell("segment/vip", "places", "2026-11-02", "", "here"): 9})
    places = ["segment/vip", "journey/welcome/look", "journey/welcome/rest", "segment/nobody"]
    assert stats.count_members(places) == dict(zip(places, (9, 4, 0, 0), strict=True))
    assert stats.count_members([]) == {}


def test_a_definitions_numbers_can_be_forgotten(aws):
    stats.add({place("here"): 4, message("sent"): 1, Cell("segment/vip", "places", "2026-11-02", "", "here"): 9})
    stats.forget(JOURNEY)
    assert stats.find_counts([JOURNEY])[JOURNEY] == Counts()
    assert stats.list_days(JOURNEY, "2026-11-02", "2026-11-02")[0].counts == Counts()
    assert stats.count_members(["segment/vip"]) == {"segment/vip": 9}


def test_the_marks_go_by_themselves(aws):
    stats.add_once("messages", 7, 9, {message("sent"): 1}, T0)
    item = aws.get_item(TableName="Stats", Key={"definition": {"S": "mark/messages"}, "period": {"S": "7"}})["Item"]
    assert T0 + 86_400 < int(item["expires_at"]["N"]) < T0 + 3 * 86_400


def test_no_more_is_added_at_once_than_a_transaction_takes(aws):
    days = [f"2026-11-{number:02d}" for number in range(1, 31)]
    many = {Cell(f"segment/{n}", "places", day, "", "here"): 1 for n in range(3) for day in days}
    assert not stats.fits(many)
    fitting = dict(list(many.items())[:80])
    assert stats.fits(fitting)
    assert stats.add_once("memberships", 1, 80, fitting, T0) == 80
    assert stats.count_members(["segment/0"]) == {"segment/0": 30}
    assert not stats.fits({message("sent", f"step-{number}"): 1 for number in range(301)})


def test_whoever_meets_another_writer_tries_again(aws, monkeypatch):
    calls = failing(monkeypatch, "TransactionConflict", times=2)
    assert stats.add_once("messages", 1, 2, {message("sent"): 1}, T0) == 2
    assert calls == ["failed", "failed"]
    assert stats.find_counts([JOURNEY])[JOURNEY].all_messages.sent == 1


def test_whoever_meets_others_all_the_time_gives_the_batch_back(aws, monkeypatch):
    failing(monkeypatch, "TransactionConflict", times=99)
    with pytest.raises(Fault, match="could not be added"):
        stats.add_once("messages", 1, 2, {message("sent"): 1}, T0)


def test_what_will_never_do_is_not_tried_again(aws, monkeypatch):
    calls = failing(monkeypatch, "ValidationError", times=99)
    with pytest.raises(ClientError):
        stats.add_once("messages", 1, 2, {message("sent"): 1}, T0)
    assert len(calls) == 1


def failing(monkeypatch: pytest.MonkeyPatch, code: str, *, times: int) -> list[str]:
    """The next transactions are cancelled, as a second writer of the same item has them."""
    client = get_client("dynamodb")
    write, calls = client.transact_write_items, []

    def cancel(**asked: object) -> object:
        if len(calls) == times:
            return write(**asked)
        calls.append("failed")
        reasons = [{"Code": "None"}, {"Code": code}]
        error = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
        raise ClientError(error, "TransactWriteItems")  # type: ignore[arg-type]

    monkeypatch.setattr(client, "transact_write_items", cancel)
    monkeypatch.setattr("postroad_aws.storage.stats.time.sleep", lambda seconds: None)
    return calls
