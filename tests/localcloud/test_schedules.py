"""Schedules by the words of EventBridge Scheduler's documentation."""

from datetime import UTC, datetime

import pytest

from localcloud.schedules import next_due, parse_duration


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("expression", "zone", "last", "due"),
    [
        ("rate(1 minute)", "UTC", "2026-11-22T10:00:30", "2026-11-22T10:01:30"),
        ("rate(2 hours)", "UTC", "2026-11-22T10:00:00", "2026-11-22T12:00:00"),
        ("rate(3 days)", "UTC", "2026-11-22T10:00:00", "2026-11-25T10:00:00"),
        ("cron(0 10 * * ? *)", "UTC", "2026-11-22T10:00:00", "2026-11-23T10:00:00"),
        ("cron(15 12 * * ? *)", "Europe/Paris", "2026-07-01T00:00:00", "2026-07-01T10:15:00"),
        ("cron(0 18 ? * MON-FRI *)", "UTC", "2026-11-20T18:00:00", "2026-11-23T18:00:00"),
        ("cron(0 8 1 * ? *)", "UTC", "2026-11-22T00:00:00", "2026-12-01T08:00:00"),
        ("cron(0/10 * ? * MON-FRI *)", "UTC", "2026-11-23T10:05:00", "2026-11-23T10:10:00"),
        ("cron(0/5 8-17 ? * MON-FRI *)", "UTC", "2026-11-20T17:55:00", "2026-11-23T08:00:00"),
        ("cron(0 0 L * ? *)", "UTC", "2026-02-01T00:00:00", "2026-02-28T00:00:00"),
        ("cron(0 0 29 2 ? *)", "UTC", "2026-11-22T00:00:00", "2028-02-29T00:00:00"),
        ("cron(0 9 ? JAN,JUL 1 2027-2028)", "UTC", "2026-11-22T00:00:00", "2027-01-03T09:00:00"),
        # 2027-03-28 02:30 does not exist in Paris.
        ("cron(30 2 * * ? *)", "Europe/Paris", "2027-03-27T12:00:00", "2027-03-29T00:30:00"),
    ],
)
def test_the_next_occurrence_follows_the_last(expression, zone, last, due):
    assert next_due(expression, zone, 0.0, at(last)) == at(due)


def test_a_one_time_schedule_is_due_once_even_when_its_time_has_passed():
    assert next_due("at(2026-11-22T10:00:00)", "Asia/Tokyo", at("2026-11-23T00:00:00"), None) == at(
        "2026-11-22T01:00:00"
    )
    assert next_due("at(2026-11-22T10:00:00)", "UTC", 0.0, at("2026-11-22T10:00:00")) is None


def test_a_rate_counts_from_the_creation_until_it_has_run():
    assert next_due("rate(5 minutes)", "UTC", 1000.0, None) == 1300.0


@pytest.mark.parametrize(
    "expression",
    ["", "rate(1)", "rate(5 fortnights)", "cron(0 10 * *)", "cron(0 10 ? * 2#1 *)", "every(1 day)", "at(noon)"],
)
def test_an_expression_that_is_not_understood_is_refused_with_its_text(expression):
    with pytest.raises(ValueError, match="not understood"):
        next_due(expression, "UTC", 0.0, 1.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT0S", 0),
        ("PT15M", 900),
        ("PT1H", 3600),
        ("P3D", 259_200),
        ("P2W", 1_209_600),
        ("P1DT12H", 129_600),
        ("PT0.5S", 0.5),
    ],
)
def test_a_duration_in_iso_8601_is_seconds(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1", "3D", "P1Y", "-P1D", "P1DT", "1", None, 5, "PT" + "9" * 50 + "S"]
)
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="PT15M"):
        parse_duration(text)
