"""The quarantine: the contract of the port, and its listing."""

import pytest

from postroad.tracking.quarantine import Reject
from postroad_aws.ports import Quarantine
from postroad_aws.storage import CursorError, quarantine
from tests.shell.port_contract import DAY, T0, QuarantineContract, at

PORT: Quarantine = quarantine


class TestQuarantine(QuarantineContract):
    """The tables pass what memory passes."""


def a_reject(number: int, seconds: float = 0.0) -> Reject:
    return Reject(f"r-{number}", at(seconds), "it has no name", "shop", '{"type": "tra\ud800ck"}')


def listed(now: float, limit: int) -> list[Reject]:
    found, cursor = [], None
    while True:
        page = quarantine.list_rejects(now, cursor=cursor, limit=limit)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


def test_rejects_are_listed_newest_first_over_days_and_shards(aws):
    rejects = [a_reject(number, -number * 7_000.5) for number in range(45)]
    quarantine.save_rejects([*rejects[20:], *rejects[:20]])
    quarantine.save_rejects(rejects[5:9])
    for limit in (4, 45, 100):
        assert listed(at(60), limit) == rejects


def test_a_reject_of_three_weeks_ago_is_found_and_one_of_three_months_ago_is_not(aws):
    quarantine.save_rejects([a_reject(1, -21 * DAY), a_reject(2, -90 * DAY)])
    assert listed(T0, 10) == [a_reject(1, -21 * DAY)]


def test_an_empty_week_is_a_short_page_that_goes_on(aws):
    quarantine.save_rejects([a_reject(1, -21 * DAY)])
    first = quarantine.list_rejects(T0)
    assert first.items == []
    assert first.next is not None


def test_the_last_days_alone_can_be_asked_for(aws):
    rejects = [a_reject(1, -60), a_reject(2, -DAY), a_reject(3, -5 * DAY)]
    quarantine.save_rejects(rejects)
    page = quarantine.list_rejects(T0, since=T0 - DAY)
    assert page == (rejects[:2], None)


def test_a_reject_from_a_clock_ahead_is_listed(aws):
    quarantine.save_rejects([a_reject(1, 3_600)])
    assert listed(T0, 10) == [a_reject(1, 3_600)]


def test_a_foreign_cursor_is_refused(aws):
    with pytest.raises(CursorError, match="start again"):
        quarantine.list_rejects(T0, cursor="WyJhIiwxXQ")
