"""Instants and durations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.instants import DAY, describe_duration, format_instant, parse_duration, parse_instant


@pytest.mark.parametrize(
    ("text", "seconds", "words"),
    [
        ("PT15M", 900.0, "15 minutes"),
        ("PT1H", 3_600.0, "1 hour"),
        ("PT90M", 5_400.0, "1 hour 30 minutes"),
        ("P1D", DAY, "1 day"),
        ("P2W", 14 * DAY, "2 weeks"),
        ("P30D", 30 * DAY, "30 days"),
        ("P1DT12H", 1.5 * DAY, "1 day 12 hours"),
        ("PT0.5S", 0.5, "0.5 seconds"),
        ("PT0S", 0.0, "no time"),
        ("P1W2DT3H4M5S", 9 * DAY + 3 * 3_600 + 245, "9 days 3 hours 4 minutes 5 seconds"),
    ],
)
def test_a_duration_is_read_and_said_in_words(text, seconds, words):
    assert parse_duration(text) == seconds
    assert describe_duration(seconds) == words


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1", "1D", "P1M", "P1Y", "PT1D", "p1d", "-P1D", "P-1D", "P1DT", "PT1H30", 5, None, [], "P1D "],
)
def test_what_is_no_duration_says_how_to_write_one(text):
    with pytest.raises(ValueError, match="PT15M"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-11-02T09:14:00Z", "2026-11-02T09:14:00.000Z"),
        ("2026-11-02T09:14:00.1239Z", "2026-11-02T09:14:00.124Z"),
        ("2026-11-02T10:14:00+01:00", "2026-11-02T09:14:00.000Z"),
        ("2026-11-02", "2026-11-02T00:00:00.000Z"),
        ("2026-11-02 09:14", "2026-11-02T09:14:00.000Z"),
        ("20261102T091400Z", "2026-11-02T09:14:00.000Z"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59.000Z"),
    ],
)
def test_an_instant_is_read_and_written_in_utc_with_milliseconds(text, written):
    assert format_instant(parse_instant(text)) == written


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-13-01", "2026-02-30", "09:14", "1762075440", 1762075440, None, "2026-11-02T25:00Z", "x" * 500],
)
def test_what_is_no_instant_says_how_to_write_one(text):
    with pytest.raises(ValueError, match="2026-11-02T09:14:00Z"):
        parse_instant(text)


@given(st.floats(-6e9, 6e9))
def test_an_instant_is_the_same_after_writing_and_reading_to_the_millisecond(time):
    assert abs(parse_instant(format_instant(time)) - time) <= 0.0011


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_written_instants_sort_as_instants_do(a, b):
    if round(a, 3) < round(b, 3):
        assert format_instant(a) < format_instant(b)
