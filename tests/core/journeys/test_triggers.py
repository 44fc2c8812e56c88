"""What starts a journey, proved over simulated weeks with the fold itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad import events as names
from postroad.errors import DefinitionError
from postroad.instants import DAY, parse_instant
from postroad.journeys import TRIGGERS, describe_journey, parse_journey
from tests.books import FOOTER
from tests.people import POLICY, Person

HELLO = {"id": "hello", "send": {"template": "hello"}}
PRO = {"kind": "segment", "id": "pro", "if": {"attribute": "plan", "is": "pro"}}
FORM = {"kind": "form", "id": "newsletter", "fields": [{"id": "email", "type": "email", "required": True}]}


def journey(trigger, *, journey_id="tour", reentry="always", steps=(HELLO,), **document):
    return {
        "kind": "journey", "id": journey_id, "trigger": trigger, "reentry": reentry, "steps": list(steps), **document
    }  # fmt: skip


def birthday(**keys):
    return journey({"date": "birthday", "yearly": True, "at": "09:00", **keys})


# One row for every key: (trigger, what it says of itself).
ROWS = {
    "event": ({"event": "Signed Up", "where": {"property": "plan", "is": "pro"}}, "Signed Up (plan is pro)"),
    "segment": ({"segment": "pro"}, "entering segment pro"),
    "left": ({"left": "pro"}, "leaving segment pro"),
    "form": ({"form": "newsletter"}, "submitting form newsletter"),
    "journey": ({"journey": "welcome", "ended": "goal"}, "the end of journey welcome as goal"),
    "date": ({"date": "birthday", "before": "P7D", "at": "09:00", "yearly": True},
             "1 week before birthday of each year at 09:00, local time"),
    "every": ({"every": "week", "weekdays": ["mon", "thu"], "at": "08:30", "segment": "pro"},
              "every week on Mon, Thu at 08:30, local time, for who is in the segment pro"),
    "holiday": ({"holiday": "Christmas", "before": "P7D", "segment": "pro"},
                "7 days before Christmas at 09:00, local time, for who is in the segment pro"),
    "api": ({"api": True, "if": {"attribute": "plan", "is": "pro"}}, "a request by the API, if plan is pro"),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_every_trigger_describes_itself(row):
    trigger, sentence = ROWS[row]
    assert describe_journey(parse_journey(journey(trigger)))[1] == f"Starts with {sentence}"


def test_the_rows_cover_the_table():
    assert set(ROWS) == set(TRIGGERS)


# Segments, forms, journeys


def test_leaving_a_segment_starts_a_journey():
    ana = Person(PRO, journey({"left": "pro"}), plan="pro")
    assert ana.steps == []
    ana.passes("P3D").is_(plan="free")
    assert ana.sent == [("hello", "2026-11-05T09:00")]


def test_c08_a_form_starts_a_journey_and_another_one_does_not():
    other = {**FORM, "id": "contact"}
    ana = Person(FORM, other, journey({"form": "newsletter"}))
    ana.does(names.FORM_SUBMITTED, form="contact", trusted=False)
    assert ana.steps == []
    ana.does(names.FORM_SUBMITTED, form="newsletter", trusted=False)
    assert ana.steps == ["hello"]


@pytest.mark.parametrize("reason", ["finished", "goal"])
def test_who_left_by_an_exit_has_not_completed_a_journey_whatever_the_reason_is_called(reason):
    first = journey({"event": "Called"}, journey_id="first", steps=[{"exit": {"reason": reason}}])
    after = [
        journey({"journey": "first", "ended": how}, journey_id=f"after-{how}", steps=[{**HELLO, "id": how}])
        for how in ("goal", "completed", "exited")
    ]
    assert Person(first, *after).does("Called").steps == ["exited"]


def test_the_end_of_another_journey_starts_one_by_how_it_ended():
    first = journey(
        {"event": "Signed Up"}, journey_id="first", goal={"event": "Bought"}, steps=[{"wait": {"for": "P3D"}}]
    )
    after = [
        journey({"journey": "first", "ended": how}, journey_id=f"after-{how}", steps=[{**HELLO, "id": how}])
        for how in ("goal", "completed", "exited", "failed")
    ]
    ana = Person(first, *after).does("Signed Up").passes("P4D")
    assert ana.sent == [("completed", "2026-11-05T09:00")]
    ana.does("Signed Up").passes("P1D").does("Bought")
    assert ana.steps == ["completed", "goal"]


def test_several_triggers_start_one_journey_and_each_may_have_a_condition():
    triggers = [{"event": "Signed Up"}, {"event": "Called", "if": {"attribute": "plan", "is": "pro"}}]
    ana = Person(journey(triggers)).does("Called")
    assert ana.steps == []
    assert ana.why("journey/tour") == [("not started", "not so: plan is pro")]
    ana.is_(plan="pro").does("Called").does("Signed Up")
    assert ana.steps == ["hello", "hello"]


# Re-entry


def test_re_entry_is_capped_by_number_and_by_interval():
    ana = Person(journey({"event": "Called"}, reentry={"after": "P1D", "most": 3}))
    for _ in range(10):
        ana.does("Called").passes("PT12H")
    assert ana.sent == [("hello", "2026-11-02T09:00"), ("hello", "2026-11-03T09:00"), ("hello", "2026-11-04T09:00")]
    assert ana.why("journey/tour")[-1] == (
        "not started", "entered 2026-11-04 09:00 UTC, and each contact enters 3 times at most",
    )  # fmt: skip


def test_a_cap_alone_lets_in_at_once_again():
    ana = Person(journey({"event": "Called"}, reentry={"most": 2})).does("Called").does("Called").does("Called")
    assert ana.steps == ["hello", "hello"]


def test_who_may_enter_always_enters_by_news_that_comes_late_too():
    """Two orders, of which the first is heard of last: each gets its mail."""
    ana = Person(journey({"event": "Called"}, reentry="always")).does("Called").does("Called", ago=60.0)
    assert ana.steps == ["hello", "hello"]
    assert ana.contact.passages["tour"].last_entered == ana.now


def test_news_of_what_was_before_the_last_entry_does_not_enter_again_and_says_so():
    ana = Person(journey({"event": "Called"}, reentry={"after": "P1D"})).does("Called").does("Called", ago=2 * 86_400.0)
    assert ana.steps == ["hello"]
    assert ana.why("journey/tour")[-1] == ("not started", "entered 2026-11-02 09:00 UTC, after that")


# API


def test_a_request_by_the_api_starts_only_the_journey_that_it_names():
    both = journey({"api": True}), journey({"api": True}, journey_id="other", steps=[{**HELLO, "id": "other"}])
    ana = Person(*both).does(names.ENROLLMENT_REQUESTED, journey="other", order=7)
    assert ana.steps == ["other"]


# Dates of a contact


def test_a_birthday_is_greeted_each_year_on_the_local_day():
    ana = Person(birthday(), birthday="1990-11-05", timezone="Asia/Tokyo").until("2028-12-01")
    assert ana.sent == [("hello", "2026-11-05T00:00"), ("hello", "2027-11-05T00:00"), ("hello", "2028-11-05T00:00")]


@pytest.mark.parametrize("said", ["1990-11-05", "1990-11-05T00:00:00.000Z", "1990-11-05T00:00:00+02:00"])
def test_c17_a_birthday_at_midnight_is_that_day_whatever_its_zone(said):
    """So a date comes out of JavaScript and of most systems for customers; a segment takes it for that day, too."""
    ana = Person(birthday(), birthday=said, timezone="America/New_York").until("2027-12-01")
    assert ana.sent == [("hello", "2026-11-05T14:00"), ("hello", "2027-11-05T13:00")]


@pytest.mark.parametrize(
    ("leap_day", "expected"),
    [
        ("feb-28", ["2027-02-28T09:00", "2028-02-29T09:00", "2029-02-28T09:00"]),
        ("mar-01", ["2027-03-01T09:00", "2028-02-29T09:00", "2029-03-01T09:00"]),
    ],
)
@pytest.mark.parametrize("born", ["1992-02-29", "1990-02-29", "--02-29"])
def test_somebody_born_on_29_february_has_a_birthday_every_year(born, leap_day, expected):
    ana = Person(birthday(leap_day=leap_day), birthday=born).until("2029-06-01")
    assert [when for _, when in ana.sent] == expected


@pytest.mark.parametrize("said", ["--11-05", "11-05", "1990-11-05", "1990-11-05T13:00:00Z", " 1990-11-05 "])
def test_a_birthday_may_lack_its_year_or_have_a_time(said):
    ana = Person(birthday(), birthday=said).until("2026-12-01")
    assert ana.sent == [("hello", "2026-11-05T09:00")]


@pytest.mark.parametrize("said", ["", "soon", "02-30", "1990-13-01", 19901105, ["11-05"], True, "9999-99-99"])
def test_what_is_no_date_starts_nothing_and_breaks_nothing(said):
    assert Person(birthday(), birthday=said).until("2027-12-01").contact.wake_at is None


def test_days_before_a_date_are_days_of_the_calendar_whatever_the_clocks_do():
    # In Madrid the clocks change on 2027-03-28, between the two.
    ana = Person(birthday(before="P7D", at="08:00"), birthday="1990-04-01", timezone="Europe/Madrid")
    assert ana.until("2027-12-31").sent == [("hello", "2027-03-25T07:00")]


def test_a_date_that_changes_moves_what_is_armed():
    ana = Person(journey({"date": "renewal", "before": "P1D", "at": "10:00"}), renewal="2026-11-20")
    ana.until("2026-11-10").is_(renewal="2026-12-01").until("2026-11-25")
    assert ana.sent == []
    assert ana.until("2026-12-31").sent == [("hello", "2026-11-30T10:00")]


def test_a_date_that_is_taken_away_disarms():
    ana = Person(journey({"date": "renewal"}), renewal="2026-11-20").is_(renewal=None)
    assert ana.until("2027-01-01").sent == []


def test_a_date_in_the_past_starts_nothing_unless_it_comes_each_year():
    assert Person(journey({"date": "renewal"}), renewal="2026-11-01").until("2028-01-01").sent == []
    yearly = journey({"date": "renewal", "yearly": True})
    assert Person(yearly, renewal="2026-11-01").until("2028-01-01").sent == [("hello", "2027-11-01T09:00")]


def test_a_yearly_date_in_the_future_begins_in_its_own_year():
    ana = Person(journey({"date": "renewal", "yearly": True}), renewal="2028-05-01").until("2029-12-01")
    assert [when for _, when in ana.sent] == ["2028-05-01T09:00", "2029-05-01T09:00"]


def test_an_appointment_with_a_time_is_reckoned_to_the_minute():
    ana = Person(journey({"date": "appointment", "before": "PT2H"}), appointment="2026-11-10T14:30:00+01:00")
    assert ana.until("2026-12-01").sent == [("hello", "2026-11-10T11:30")]
    local = Person(journey({"date": "appointment", "before": "PT2H"}), appointment="2026-11-10T14:30", country="FR")
    assert local.until("2026-12-01").sent == [("hello", "2026-11-10T11:30")]


def test_a_time_zone_that_becomes_known_moves_what_is_armed():
    ana = Person(birthday(), birthday="1990-11-05").is_(timezone="America/New_York")
    assert ana.until("2026-12-01").sent == [("hello", "2026-11-05T14:00")]


def test_publishing_a_date_trigger_arms_those_who_are_there():
    ana = Person(PRO, birthday="1990-11-05").passes("PT1H")
    ana.book = ana.shelf.after({"kind": "template", "id": "hello", "channel": "email", "topic": "news", "subject": "x",
                                "html": "<p>x</p>" + FOOTER}, birthday())  # fmt: skip
    assert ana.wake().until("2026-12-01").sent == [("hello", "2026-11-05T09:00")]
    ana.shelf.withdraw("journey/tour")
    ana.book = ana.shelf.book
    assert ana.wake().contact.wake_at is None


def test_what_is_due_while_a_new_version_is_published_still_happens():
    ana = Person(birthday(), birthday="1990-11-05")
    ana.now = parse_instant("2026-11-05T09:00:30Z")  # the clock has not come round yet
    ana.book = ana.shelf.after({**birthday(), "description": "Better"})
    assert ana.wake().steps == ["hello"]
    later = Person(birthday(), birthday="1990-11-05")
    later.now = parse_instant("2026-11-05T09:00:30Z")
    later.book = later.shelf.after(birthday(at="10:00"))
    assert later.wake().steps == []
    assert later.until("2026-12-01").sent == [("hello", "2026-11-05T10:00")]


# Schedules


def weekly(**keys):
    return journey({"every": "week", "weekdays": ["mon", "thu"], "at": "09:30", "segment": "pro", **keys})


def test_a_schedule_starts_a_journey_for_the_members_of_a_segment_only():
    ana = Person(PRO, weekly()).until("2026-11-20")
    assert ana.contact.wake_at is None  # who is in no segment costs nothing
    ana.is_(plan="pro").until("2026-12-01").is_(plan="free").until("2027-01-01")
    assert [when for _, when in ana.sent] == ["2026-11-23T09:30", "2026-11-26T09:30", "2026-11-30T09:30"]
    assert ana.contact.wake_at is None


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ({"every": "day"}, ["2026-01-30T09:00", "2026-01-31T09:00", "2026-02-01T09:00"]),
        ({"every": "day", "weekdays": ["sat"]}, ["2026-01-31T09:00", "2026-02-07T09:00", "2026-02-14T09:00"]),
        ({"every": "week"}, ["2026-02-02T09:00", "2026-02-09T09:00", "2026-02-16T09:00"]),
        ({"every": "month"}, ["2026-02-01T09:00", "2026-03-01T09:00", "2026-04-01T09:00"]),
        ({"every": "month", "days": [31]}, ["2026-01-31T09:00", "2026-02-28T09:00", "2026-03-31T09:00"]),
        ({"every": "year", "dates": ["02-29", "03-15"]}, ["2026-02-28T09:00", "2026-03-15T09:00", "2027-02-28T09:00"]),
        ({"every": "month", "days": ["last", 15]}, ["2026-01-31T09:00", "2026-02-15T09:00", "2026-02-28T09:00"]),
    ],
)
def test_a_schedule_comes_round_on_its_days(trigger, expected):
    ana = Person(PRO, journey({"segment": "pro", **trigger}), now="2026-01-29T10:00:00Z", plan="pro")
    assert [when for _, when in ana.until("2027-03-02").sent][:3] == expected


def test_a_schedule_keeps_the_time_on_the_wall_when_clocks_change():
    daily = journey({"every": "day", "at": "02:30", "segment": "pro"})
    ana = Person(PRO, daily, now="2027-03-27T12:00:00Z", plan="pro", timezone="Europe/Madrid")
    # On 28 March there is no half past two: the first instant after the gap is 03:00.
    assert [when for _, when in ana.until("2027-03-29T12:00Z").sent] == ["2027-03-28T01:00", "2027-03-29T00:30"]


def test_a_schedule_that_was_slept_through_rings_once():
    ana = Person(PRO, journey({"every": "day", "segment": "pro"}), plan="pro")
    ana.now += 5 * DAY + 60
    assert ana.wake().sent == [("hello", "2026-11-07T09:01")]
    assert [when for _, when in ana.passes("P2D").sent][1:] == ["2026-11-08T09:00", "2026-11-09T09:00"]


HOLIDAYS = {
    **POLICY,
    "calendar": {
        "closed": [
            {"name": "Labour Day", "date": "05-01", "country": ["FR", "DE"]},
            {"name": "Labour Day", "weekday": "mon", "week": 1, "month": 9, "country": "US"},
            {"name": "Summer", "date": "2027-08-02", "to": "2027-08-08"},
        ]
    },
}


@pytest.mark.parametrize(
    ("country", "expected"),
    [
        ("FR", ["2027-04-24T07:00", "2028-04-24T07:00"]),
        ("US", ["2027-08-30T09:00", "2028-08-28T09:00"]),
        ("JP", []),
    ],
)
def test_a_holiday_of_the_contacts_country_starts_a_journey(country, expected):
    trigger = {"holiday": "Labour Day", "before": "P7D", "segment": "pro"}
    ana = Person(HOLIDAYS, PRO, journey(trigger), country=country, plan="pro")
    assert [when for _, when in ana.until("2028-12-01").sent] == expected


def test_several_closed_days_in_a_row_begin_once():
    ana = Person(HOLIDAYS, PRO, journey({"holiday": "Summer", "segment": "pro"}), plan="pro").until("2028-12-01")
    # It begins on the first of them, and what it sends waits until they are over.
    assert ana.contact.passages["tour"].times == 1
    assert ana.sent == [("hello", "2027-08-09T00:00")]


# What is refused


@pytest.mark.parametrize(
    ("case", "trigger", "path", "sentence"),
    [
        ("nothing", {}, "trigger", "what happens is one of event, segment, left, form, journey, date, every"),
        ("two things", {"event": "X", "left": "pro"}, "trigger", "this one has event and left"),
        ("an unknown ending", {"journey": "a", "ended": "well"}, "trigger.ended", "must be one of goal, completed"),
        ("before and after", {"date": "d", "before": "P1D", "after": "P1D"}, "trigger.before", "both before and after"),
        ("hours with a time of day", {"date": "d", "before": "PT2H", "at": "09:00"}, "trigger.before", "whole days"),
        ("no leap day", {"date": "d", "leap_day": "feb-30"}, "trigger.leap_day", "must be one of feb-28, mar-01"),
        ("an unknown zone", {"date": "d", "timezone": "Mars"}, "trigger.timezone", "is not a time zone"),
        ("no period", {"every": "hour", "segment": "a"}, "trigger.every", "must be one of day, week, month"),
        ("a schedule for everybody", {"every": "day"}, "trigger.segment", "is missing"),
        ("days of a week", {"every": "week", "days": [1], "segment": "a"}, "trigger.days", "belong to every: month"),
        ("weekdays of a month", {"every": "month", "weekdays": ["mon"], "segment": "a"}, "trigger.weekdays",
         "belong to every: day or week"),
        ("a year without dates", {"every": "year", "segment": "a"}, "trigger.dates", "and it needs them"),
        ("dates of a week", {"every": "week", "dates": ["12-01"], "segment": "a"}, "trigger.dates", "every: year"),
        ("no day of a year", {"every": "year", "dates": ["13-01"], "segment": "a"}, "trigger.dates",
         "no day of a year"),
        ("a holiday and hours", {"holiday": "x", "before": "PT5H", "segment": "a"}, "trigger.before", "whole days"),
        ("day 32", {"every": "month", "days": [32], "segment": "a"}, "trigger.days", "1 to 31, or last"),
        ("no api", {"api": False}, "trigger.api", "is true, or left out"),
        ("a condition of nothing", {"event": "X", "if": {}}, "trigger.if", "does not say what it is about"),
        ("a cap of nothing", {"event": "X"}, "reentry.most", "between 1 and 1000"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_trigger_is_refused_with_a_sentence(case, trigger, path, sentence):
    reentry = {"most": 0} if path.startswith("reentry") else "once"
    with pytest.raises(DefinitionError) as caught:
        parse_journey(journey(trigger, reentry=reentry))
    assert any(at == path and sentence in text for at, text in caught.value.mistakes), caught.value.mistakes


@pytest.mark.parametrize("trigger", [{"date": "d", "yearly": True}, {"every": "day", "segment": "a"},
                                     {"holiday": "Easter", "segment": "a"}])  # fmt: skip
@pytest.mark.parametrize("reentry", ["once", None, {"most": 1}])
def test_what_comes_round_must_let_contacts_in_again(trigger, reentry):
    with pytest.raises(DefinitionError, match="reentry: must let contacts in again"):
        parse_journey(journey(trigger, reentry=reentry))


def test_a_trigger_that_names_nothing_published_is_refused():
    for trigger in (
        {"holiday": "Easter", "segment": "pro"},
        {"left": "vip"},
        {"form": "ask"},
        {"journey": "none"},
        {"every": "day", "segment": "vip"},
    ):
        with pytest.raises(DefinitionError) as caught:
            Person(PRO, journey(trigger))
        assert "there is no " in str(caught.value)


# Laws


@given(
    st.lists(st.floats(1.0, 40 * DAY), min_size=1, max_size=12),
    st.sampled_from(["1990-02-29", "1992-02-29", "--11-09", "2026-12-24", "2026-11-30T08:00:00Z"]),
    st.sampled_from(["UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe"]),
)
@settings(max_examples=40)
def test_time_may_pass_in_any_pieces(pieces, date, zone):
    """Waking a contact at moments at which nothing is due changes nothing of what happens to it."""
    definitions = (
        {**POLICY, "timezone": "Europe/Lisbon"}, PRO, birthday(before="P2D"),
        journey({"every": "month", "days": ["last"], "segment": "pro"}, journey_id="monthly",
                steps=[{"wait": {"until": "02:30"}}, {**HELLO, "id": "monthly"}]),
    )  # fmt: skip
    whole = Person(*definitions, birthday=date, plan="pro", timezone=zone)
    in_pieces = Person(*definitions, birthday=date, plan="pro", timezone=zone)
    for piece in pieces:
        in_pieces.until(in_pieces.now + piece).wake()
    whole.until(in_pieces.now)
    assert in_pieces.sent == whole.sent
    assert in_pieces.why("journey/tour") == whole.why("journey/tour")


def test_g11_who_leaves_a_segment_for_a_moment_loses_nothing_that_was_planned():
    """Also when the segment is left and entered again several times, and in one event."""
    hot = {"kind": "segment", "id": "hot", "if": {"attribute": "plan", "is": "pro"}}
    tour = {
        "kind": "journey", "id": "tour", "trigger": {"segment": "hot"}, "reentry": "once",
        "steps": [{"id": "day", "wait": {"for": "P1D"}}, {"id": "later", "send": {"template": "hello"}}],
    }  # fmt: skip
    ana = Person(hot, tour).is_(plan="pro")
    for _ in range(3):
        ana.passes("PT1H").is_(plan=None).is_(plan="pro")
    ana.passes("PT1H").is_(plan=None)
    assert ana.until("2026-11-05T09:00:00Z").sent == [("later", "2026-11-03T09:00")]
    assert ana.contact.passages["tour"].times == 1
