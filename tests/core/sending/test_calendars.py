"""When messages may leave."""

from datetime import UTC, datetime, timedelta

import pytest
from dateutil.easter import easter
from hypothesis import given
from hypothesis import strategies as st

from postroad.contacts.contact import Attribute, Contact
from postroad.documents import Reader
from postroad.errors import DefinitionError
from postroad.instants import DAY, format_instant, parse_instant
from postroad.sending.calendars import Calendar, easter_sunday, read_calendar

QUIET = {"quiet": {"from": "21:00", "to": "08:00"}}
OFFICE = {"open": {day: {"from": "09:00", "to": "17:00"} for day in ("mon", "tue", "wed", "thu", "fri")}}


def calendar(**document):
    reader = Reader(document)
    found = read_calendar(reader, ("email", "sms"))
    reader.finish()
    return found


def person(**attributes):
    attributes = attributes or {"timezone": "UTC"}
    return Contact("ana", attributes={name: Attribute(value, 0.0, True) for name, value in attributes.items()})


def opening(document, at, account="Europe/Madrid", **attributes):
    found = calendar(**document).next_opening(person(**attributes), parse_instant(at), account)
    return found.at and format_instant(found.at)[:16], found.because


@pytest.mark.parametrize(
    ("case", "document", "at", "opens"),
    [
        ("by day", QUIET, "2026-11-02T12:00", "2026-11-02T12:00"),
        ("the last moment before", QUIET, "2026-11-02T20:59", "2026-11-02T20:59"),
        ("at their first instant", QUIET, "2026-11-02T21:00", "2026-11-03T08:00"),
        ("after midnight", QUIET, "2026-11-03T03:00", "2026-11-03T08:00"),
        ("at their end", QUIET, "2026-11-03T08:00", "2026-11-03T08:00"),
        ("before the office opens", OFFICE, "2026-11-02T07:00", "2026-11-02T09:00"),
        ("in the office hours", OFFICE, "2026-11-02T16:59", "2026-11-02T16:59"),
        ("on Friday evening", OFFICE, "2026-11-06T17:00", "2026-11-09T09:00"),
        ("two windows of a day",
         {"open": {"mon": [{"from": "09:00", "to": "12:00"}, {"from": "14:00", "to": "18:00"}]}},
         "2026-11-02T12:30", "2026-11-02T14:00"),
        ("only one window a week", {"open": {"mon": {"from": "09:00", "to": "10:00"}}}, "2026-11-02T10:00",
         "2026-11-09T09:00"),
        ("open hours over midnight", {"open": {"fri": {"from": "22:00", "to": "02:00"}}}, "2026-11-07T01:00",
         "2026-11-07T01:00"),
        ("quiet in open hours", {**OFFICE, "quiet": {"from": "12:00", "to": "13:00"}}, "2026-11-02T12:15",
         "2026-11-02T13:00"),
        ("a closed day", {"closed": [{"name": "Christmas", "date": "12-25"}]}, "2026-12-25T10:00", "2026-12-26T00:00"),
        ("Christmas before a weekend, in the office", {**OFFICE, "closed": [{"name": "Christmas", "date": "12-25"}]},
         "2026-12-24T17:30", "2026-12-28T09:00"),
        ("a closed week", {"closed": [{"name": "Summer", "date": "2026-08-03", "to": "2026-08-09"}]},
         "2026-08-05T10:00", "2026-08-10T00:00"),
        ("Easter Monday", {"closed": [{"name": "Easter Monday", "easter": 1}]}, "2026-04-06T10:00",
         "2026-04-07T00:00"),
        ("Thanksgiving", {"closed": [{"name": "Thanksgiving", "weekday": "thu", "week": 4, "month": 11}]},
         "2026-11-26T10:00", "2026-11-27T00:00"),
        ("the last Monday of May", {"closed": [{"name": "Memorial Day", "weekday": "mon", "week": "last", "month": 5}]},
         "2026-05-25T10:00", "2026-05-26T00:00"),
        ("29 February in a leap year", {"closed": [{"name": "Leap day", "date": "02-29"}]}, "2028-02-29T10:00",
         "2028-03-01T00:00"),
        ("29 February in another year", {"closed": [{"name": "Leap day", "date": "02-29"}]}, "2027-03-01T10:00",
         "2027-03-01T10:00"),
    ],
)  # fmt: skip
def test_a_message_leaves_when_it_is_open(case, document, at, opens):
    found, because = opening(document, at)
    assert found == opens
    assert bool(because) is (opens != at)


def test_the_reason_names_what_closed_it_and_on_whose_clock():
    assert opening(QUIET, "2026-11-02T22:00", country="FR")[1] == (
        "quiet hours 21:00 to 08:00 (Europe/Paris, as in all of FR)"
    )
    day = {"closed": [{"name": "Assumption", "date": "08-15", "country": ["FR", "ES"]}]}
    assert opening(day, "2026-08-15T10:00", country="FR") == (
        "2026-08-15T22:00", "Assumption (Europe/Paris, as in all of FR)",
    )  # fmt: skip
    assert opening(day, "2026-08-15T10:00", country="DE") == ("2026-08-15T10:00", "")
    assert opening(day, "2026-08-15T10:00", timezone="Europe/Paris") == ("2026-08-15T10:00", "")


@pytest.mark.parametrize(
    ("case", "at", "opens"),
    [
        ("the night that is an hour short", "2026-03-29T00:30Z", "2026-03-29T06:00"),
        ("the night that is an hour long", "2026-10-25T00:30Z", "2026-10-25T07:00"),
        ("a night like others", "2026-10-26T00:30Z", "2026-10-26T07:00"),
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_wall_when_clocks_change(case, at, opens):
    assert opening(QUIET, at, timezone="Europe/Madrid")[0] == opens


@pytest.mark.parametrize(
    ("unknown", "known", "opens"),
    [
        # 03:00 UTC is 04:00 in Madrid, 17:00 in Honolulu, 22:00 in New York.
        ("account", {"plan": "pro"}, "2026-11-03T07:00"),
        ("send", {"plan": "pro"}, "2026-11-03T03:00"),
        ("wait", {"plan": "pro"}, "2026-11-03T07:00"),
        ("account", {"country": "US"}, "2026-11-03T07:00"),
        ("wait", {"country": "US"}, "2026-11-03T18:00"),  # 08:00 in Honolulu, 13:00 in New York
        ("send", {"country": "FR"}, "2026-11-03T07:00"),
        ("wait", {"country": "US", "timezone": "America/Denver"}, "2026-11-03T03:00"),
    ],
)
def test_what_happens_when_the_time_zone_is_not_known_is_a_setting(unknown, known, opens):
    assert opening({**QUIET, "unknown_timezone": unknown}, "2026-11-03T03:00", **known)[0] == opens


def test_a_channel_may_have_hours_of_its_own():
    found = calendar(**QUIET, channels={"sms": {"open": OFFICE["open"], "when_closed": "skip"}})
    sms, email = found.of_channel("sms"), found.of_channel("email")
    saturday = parse_instant("2026-11-07T12:00Z")
    assert email.next_opening(person(), saturday, "UTC").at == saturday
    assert format_instant(sms.next_opening(person(), saturday, "UTC").at or 0)[:16] == "2026-11-09T09:00"
    assert (sms.quiet, sms.when_closed, email.when_closed) == (email.quiet, "skip", "wait")


def test_what_does_not_open_within_400_days_never_does():
    years = [{"name": str(n), "date": f"{2026 + n}-01-01", "to": f"{2026 + n}-12-31"} for n in range(3)]
    assert opening({"closed": years}, "2026-11-02T12:00") == (None, "0, then 1 (UTC)")


def test_all_that_closes_it_in_a_row_is_told_not_only_what_comes_first():
    """A message that waits until Monday does not wait because of tonight's quiet hours."""
    office = {**QUIET, "open": {"mon": {"from": "09:00", "to": "17:00"}}}
    at = "2026-11-06T22:00"
    assert opening(office, at) == ("2026-11-09T09:00", "quiet hours 21:00 to 08:00, then outside the open hours (UTC)")
    fairs = [{"name": name, "date": f"2026-11-{day:02d}"} for day, name in enumerate(("Fair", "Feast", "Fete"), 9)]
    assert opening({**office, "closed": fairs}, at) == (
        "2026-11-16T09:00",
        "quiet hours 21:00 to 08:00, then outside the open hours, then Fair, then more (UTC)",
    )


def test_a_calendar_without_rules_is_always_open_and_says_so():
    assert opening({}, "2026-11-02T03:00") == ("2026-11-02T03:00", "")
    assert Calendar().describe() == "Always open"
    assert calendar(**QUIET, open={"mon": {"from": "09:00", "to": "12:00"}}, closed=[{"name": "Easter", "easter": 0}]
    ).describe() == "Quiet from 21:00 to 08:00; open Mon 09:00 to 12:00; closed on Easter"  # fmt: skip


@pytest.mark.parametrize(
    ("case", "document", "path", "sentence"),
    [
        ("hours of nothing", {"quiet": {"from": "09:00", "to": "09:00"}}, "quiet.to", "which is no time at all"),
        ("no end", {"quiet": {"from": "09:00"}}, "quiet.to", "is missing"),
        ("no time of day", {"quiet": {"from": "9 pm", "to": "08:00"}}, "quiet.from", "is not a time of day"),
        ("never open", {"open": {"mon": []}}, "", "never open: no open hour of the week lies outside"),
        ("quiet when open", {"open": {"mon": {"from": "22:00", "to": "23:00"}}, **QUIET}, "", "never open"),
        ("quiet in a channel", {**QUIET, "channels": {"sms": {"open": {"sun": {"from": "22:00", "to": "07:00"}}}}},
         "channels.sms", "never open"),
        ("no weekday", {"open": {"monday": {"from": "09:00", "to": "10:00"}}}, "open.monday", "did you mean 'mon'?"),
        ("a closed day of no kind", {"closed": [{"name": "x"}]}, "closed[0]", "a closed day is one of date, easter"),
        ("two kinds", {"closed": [{"name": "x", "date": "12-25", "easter": 0}]}, "closed[0]", "has date and easter"),
        ("no name", {"closed": [{"date": "12-25"}]}, "closed[0].name", "is missing"),
        ("no date", {"closed": [{"name": "x", "date": "25 Dec"}]}, "closed[0].date", "is not a date"),
        ("no day", {"closed": [{"name": "x", "date": "02-30"}]}, "closed[0].date", "is no day of a year"),
        ("backwards", {"closed": [{"name": "x", "date": "2026-05-04", "to": "2026-05-01"}]}, "closed[0].to",
         "must be a day from 2026-05-04 on"),
        ("no country", {"closed": [{"name": "x", "date": "12-25", "country": "France"}]}, "closed[0].country",
         "write its two letters"),
        ("the sixth Monday", {"closed": [{"name": "x", "weekday": "mon", "week": 6, "month": 1}]}, "closed[0].week",
         "1, 2, 3, 4, 5 or last"),
        ("an unknown setting", {"unknown_timezone": "guess"}, "unknown_timezone", "must be one of account, wait, send"),
        ("no channel", {"channels": {"fax": {}}}, "channels.fax", "unknown key 'fax'"),
    ],
)  # fmt: skip
def test_a_contradiction_is_refused_with_a_sentence(case, document, path, sentence):
    with pytest.raises(DefinitionError) as caught:
        calendar(**document)
    assert any(at == path and sentence in text for at, text in caught.value.mistakes), caught.value.mistakes


@pytest.mark.parametrize("year", range(1900, 2200))
def test_easter_is_when_the_church_says(year):
    assert easter_sunday(year) == easter(year)


hours = st.sampled_from(["00:00", "02:30", "08:00", "12:00", "21:00", "23:30"])
windows = st.tuples(hours, hours).filter(lambda w: w[0] != w[1]).map(lambda w: {"from": w[0], "to": w[1]})
calendars = st.fixed_dictionaries(
    {},
    optional={
        "quiet": windows,
        "open": st.dictionaries(st.sampled_from(["mon", "wed", "sat", "sun"]), windows, min_size=1),
        "closed": st.just([{"name": "Easter", "easter": 0}, {"name": "Spring", "date": "03-29"}]),
    },
)


@given(
    calendars, st.sampled_from(["Europe/Madrid", "America/New_York", "Australia/Lord_Howe"]), st.integers(0, 999_999)
)
def test_an_opening_is_open_and_the_minutes_before_it_are_not(document, zone, minutes):
    try:
        found = calendar(**document)
    except DefinitionError:
        return  # such hours are refused
    at = parse_instant("2026-01-01") + 60 * minutes
    opens = found.next_opening(person(timezone=zone), at, "UTC").at
    assert opens is not None
    assert opens >= at
    assert found.next_opening(person(timezone=zone), opens, "UTC").at == opens
    for part in (0.0, 0.3, 0.9):
        between = at + part * (opens - at)
        assert found.next_opening(person(timezone=zone), between, "UTC").at == opens


def test_a_day_that_the_calendar_skipped_holds_nothing_up():
    # Samoa had no 30 December 2011.
    at = datetime(2011, 12, 30, 8, tzinfo=UTC).timestamp()
    found = calendar(open={"fri": {"from": "09:00", "to": "17:00"}, "sat": {"from": "09:00", "to": "17:00"}})
    opens = found.next_opening(person(timezone="Pacific/Apia"), at, "UTC").at
    assert opens is not None
    assert datetime.fromtimestamp(opens, UTC) - datetime.fromtimestamp(at, UTC) < timedelta(days=8)
    assert opens - at < 8 * DAY
