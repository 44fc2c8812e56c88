"""The timeline: the contract of the port, what only AWS can do, and the listing of the API."""

import pytest

from postroad_aws.ports import Fault, Timeline
from postroad_aws.storage import CursorError, timeline
from tests.shell.faults import leave_undone
from tests.shell.port_contract import DAY, T0, TimelineContract, a_row, at

PORT: Timeline = timeline


class TestTimeline(TimelineContract):
    """The tables pass what memory passes."""


def test_what_a_batch_leaves_unwritten_is_written_again(ports, aws, monkeypatch):
    rows = [a_row(f"e-{number}", seconds=number) for number in range(30)]
    sizes = leave_undone(monkeypatch, aws, "batch_write_item", "UnprocessedItems", times=2)
    timeline.save_rows(rows, at(60))
    assert sizes == [25, 13, 7, 5][: len(sizes)]
    assert len(list(timeline.list_history(["ana-4f1c"]))) == 30


def test_rows_that_cannot_be_written_are_a_fault(aws, monkeypatch):
    monkeypatch.setattr("postroad_aws.storage.batches.time.sleep", lambda seconds: None)
    monkeypatch.setattr(
        aws,
        "batch_write_item",
        lambda RequestItems: {"UnprocessedItems": RequestItems},
    )
    with pytest.raises(Fault, match="throttled"):
        timeline.save_rows([a_row()], T0)


def test_a_row_is_kept_four_hundred_days_from_when_it_was_written(ports, aws):
    timeline.save_rows([a_row("imported", seconds=-1_000 * DAY)], T0)
    (item,) = aws.scan(TableName="Events")["Items"]
    assert float(item["expires_at"]["N"]) == int(T0 + 400 * DAY)


def test_a_long_history_is_read_over_all_its_pages(ports):
    big = {"text": "".join(chr(33 + n * 7 % 90) for n in range(30_000))}
    rows = [a_row(f"e-{n}", seconds=n, properties={**big, "n": str(hash((n, n * n))) * 500}) for n in range(140)]
    timeline.save_rows(rows, at(60))
    assert [e.event_id for e in timeline.list_history(["ana-4f1c"])] == [f"e-{n}" for n in range(140)]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("limit", [1, 4, 30])
def test_the_timelines_of_merged_contacts_are_listed_as_one(ports, newest_first, limit):
    rows = [a_row(f"e-{n:02d}", f"c-{n % 3}", n) for n in range(20)]
    # The same event under two contacts: it came before and after they were known to be one.
    rows.append(a_row("e-07", "c-2", 7))
    timeline.save_rows(rows, at(60))
    found, cursor = [], None
    while True:
        page = timeline.list_rows(["c-0", "c-1", "c-2"], cursor=cursor, limit=limit, newest_first=newest_first)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.next
        if cursor is None:
            break
    assert found == sorted(rows, key=lambda row: (row.key, row.contact_id), reverse=newest_first)


def test_a_foreign_cursor_is_refused(aws):
    with pytest.raises(CursorError, match="start again"):
        timeline.list_rows(["c-0"], cursor="WzEsMl0")


def test_the_model_and_the_hot_path_read_and_write_the_same_items(ports):
    from postroad_aws.storage.rows import EventRow

    timeline.save_rows([a_row()], T0)
    row = EventRow.get("ana-4f1c", a_row().key)
    assert row.expires_at == int(T0 + 400 * DAY)
    row.contact_id = "copy"
    row.save()
    assert timeline.find_row(["copy"], a_row().key) == a_row(contact_id="copy")
