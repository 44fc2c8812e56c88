from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.instants import parse_instant
from postroad.local_time import find_instant, find_zone, next_local, parse_date, parse_time_of_day

ZONES = (
    "UTC", "Europe/Madrid", "Europe/London", "America/New_York", "America/St_Johns", "America/Sao_Paulo",
    "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Tokyo", "Africa/Cairo", "Pacific/Apia", "Pacific/Chatham",
)  # fmt: skip


def next_text(now: str, wanted: str, zone: str, weekdays: tuple[int, ...] = ()) -> str:
    """The local date and time that `next_local` finds, with its offset."""
    found = next_local(parse_instant(now), parse_time_of_day(wanted), ZoneInfo(zone), weekdays)
    return datetime.fromtimestamp(found, ZoneInfo(zone)).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("case", "now", "wanted", "zone", "weekdays", "found"),
    [
        ("later today", "2026-11-02T05:00Z", "09:00", "Europe/Madrid", (), "2026-11-02T09:00+01:00"),
        ("past today", "2026-11-02T09:14Z", "09:00", "Europe/Madrid", (), "2026-11-03T09:00+01:00"),
        ("exactly now is past", "2026-11-02T08:00Z", "09:00", "Europe/Madrid", (), "2026-11-03T09:00+01:00"),
        ("tomorrow there already", "2026-11-02T22:00Z", "06:00", "Asia/Tokyo", (), "2026-11-04T06:00+09:00"),
        ("next Monday", "2026-11-03T12:00Z", "09:00", "UTC", (0,), "2026-11-09T09:00+00:00"),
        ("a week on, past today", "2026-11-02T12:00Z", "09:00", "UTC", (0,), "2026-11-09T09:00+00:00"),
        ("over a weekend", "2026-11-06T12:00Z", "09:00", "UTC", (0, 1, 2, 3, 4), "2026-11-09T09:00+00:00"),
        ("the gap moves it to its end", "2026-03-28T12:00Z", "02:30", "Europe/Madrid", (), "2026-03-29T03:00+02:00"),
        ("a gap of half an hour", "2026-10-03T12:00Z", "02:10", "Australia/Lord_Howe", (), "2026-10-04T02:30+11:00"),
        ("a gap at midnight", "2026-04-23T12:00Z", "00:30", "Africa/Cairo", (), "2026-04-24T01:00+03:00"),
        ("twice that day: the first", "2026-10-24T12:00Z", "02:30", "Europe/Madrid", (), "2026-10-25T02:30+02:00"),
        ("between the two: the next day", "2026-10-25T01:00Z", "02:30", "Europe/Madrid", (), "2026-10-26T02:30+01:00"),
        ("into a leap day", "2028-02-28T12:00Z", "09:00", "UTC", (), "2028-02-29T09:00+00:00"),
        ("out of a leap day", "2028-02-29T12:00Z", "09:00", "America/New_York", (), "2028-02-29T09:00-05:00"),
        ("no leap day in 2027", "2027-02-28T12:00Z", "09:00", "UTC", (), "2027-03-01T09:00+00:00"),
        ("a day the calendar skipped", "2011-12-29T22:00Z", "09:00", "Pacific/Apia", (), "2011-12-31T09:00+14:00"),
        ("a skipped Friday", "2011-12-29T22:00Z", "09:00", "Pacific/Apia", (4,), "2012-01-06T09:00+14:00"),
    ],
)  # fmt: skip
def test_next_local_time(case, now, wanted, zone, weekdays, found):
    assert next_text(now, wanted, zone, weekdays) == found


@given(
    now=st.floats(0, 4_000_000_000),
    wanted=st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    weekdays=st.frozensets(st.integers(0, 6)),
)
def test_it_is_in_the_future_at_the_asked_time_and_the_earliest_such(now, wanted, zone, weekdays):
    found = next_local(now, wanted, zone, weekdays)
    local = datetime.fromtimestamp(found, zone)
    assert found > now
    assert not weekdays or local.weekday() in weekdays
    if local.time() != wanted:  # then the asked time was swallowed by a gap that ends here
        assert datetime.fromtimestamp(found - 1, zone).time() < wanted < local.time()
        assert local.utcoffset() > datetime.fromtimestamp(found - 1, zone).utcoffset()
    # No earlier instant has that local time on such a day, unless it is the second time that day.
    day = datetime.fromtimestamp(now, zone).date()
    while day < local.date():
        for fold in (0, 1):
            earlier = datetime.combine(day, wanted, zone).replace(fold=fold)
            same = earlier.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == earlier.replace(tzinfo=None)
            allowed = not weekdays or day.weekday() in weekdays
            assert not (same and allowed and fold == 0 and now < earlier.timestamp())
        day += timedelta(days=1)


@pytest.mark.parametrize(
    "name", [None, 7, "", "Mars/Base", "Europe", "../etc/passwd", "Europe/../UTC", "a" * 300, "\0", "\ud800", "UTC "]
)
def test_a_name_that_is_no_zone_finds_none(name):
    assert find_zone(name) is None


def test_a_zone_is_found_by_its_name():
    assert str(find_zone("America/Argentina/Buenos_Aires")) == "America/Argentina/Buenos_Aires"


@pytest.mark.parametrize("text", ["9:00", "24:00", "09:60", "0900", "09:00:00", "", None, 9, "0\u0669:00"])
def test_what_is_no_time_of_day_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="write for example 09:00"):
        parse_time_of_day(text)


def test_a_time_of_day_is_hours_and_minutes():
    assert parse_time_of_day("18:30") == time(18, 30)


@pytest.mark.parametrize(
    ("day", "time", "zone", "found"),
    [
        ("2026-11-02", "09:00", "Europe/Madrid", "2026-11-02T09:00+01:00"),
        ("2026-03-29", "02:30", "Europe/Madrid", "2026-03-29T03:00+02:00"),
        ("2026-10-25", "02:30", "Europe/Madrid", "2026-10-25T02:30+02:00"),
        ("2011-12-30", "09:00", "Pacific/Apia", None),
    ],
)
def test_a_day_and_a_time_of_a_place_are_an_instant_unless_the_calendar_skipped_the_day(day, time, zone, found):
    instant = find_instant(parse_date(day), parse_time_of_day(time), ZoneInfo(zone))
    assert instant == (found and parse_instant(found))


@pytest.mark.parametrize("junk", [None, 7, "", "2026-13-01", "2026-02-30", "20261102", "2026-W45-1", "02/11/2026"])
def test_what_is_no_date_is_refused_with_an_example(junk):
    with pytest.raises(ValueError, match="is not a date; write for example 2026-11-02"):
        parse_date(junk)
