"""The share of broadcasts among what leaves in a month."""

import pytest

from postroad.broadcasts.mix import Month, describe_mix, last_months, mix


@pytest.mark.parametrize(
    ("today", "number", "expected"),
    [
        ("2026-11-23", 3, ["2026-09", "2026-10", "2026-11"]),
        ("2027-01-01", 3, ["2026-11", "2026-12", "2027-01"]),
        ("2026-12-31", 1, ["2026-12"]),
        ("2026-02-28", 14, [f"2025-{month:02}" for month in range(1, 13)] + ["2026-01", "2026-02"]),
    ],
)
def test_the_last_months_go_over_the_turn_of_the_year(today, number, expected):
    assert last_months(today, number) == expected


def test_c11_a_months_share_of_broadcasts_stands_beside_the_line():
    found = mix(
        ["2026-09", "2026-10", "2026-11"],
        [("2026-10-02", 900), ("2026-11-05", 100), ("2026-08-31", 7)],
        [("2026-10-30", 100), ("2026-11-01", 200), ("2026-11-30", 100)],
    )
    assert found == [Month("2026-09", 0, 0), Month("2026-10", 900, 100), Month("2026-11", 100, 300)]
    assert [month.share for month in found] == [None, 90, 25]
    assert [month.is_above(40) for month in found] == [False, True, False]
    assert not any(month.is_above(None) for month in found)
    assert describe_mix(found, 40) == "In 2026-11 25 % of the messages were broadcasts, within the line of 40 %."
    assert describe_mix(found[:2], 40) == "In 2026-10 90 % of the messages were broadcasts, above the line of 40 %."
    assert describe_mix(found, None).endswith("; the policy sets no line (broadcast_share).")
    assert describe_mix(found[:1], 40) == "Nothing has been sent yet."
