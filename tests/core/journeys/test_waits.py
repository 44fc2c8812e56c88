"""Waits by dates, hours and calendars, and the calendar as a gate, proved with the fold itself."""

import pytest

from postroad.errors import DefinitionError
from postroad.journeys import parse_journey
from tests.people import POLICY, Person, template


def mail(step_id, **keys):
    return {"id": step_id, "send": {"template": "hello", **keys}}


def journey(*steps, **document):
    return {"kind": "journey", "id": "tour", "trigger": {"event": "Called"}, "steps": list(steps), **document}


def walk(*steps, more=(), now="2026-11-02T09:00:00Z", **attributes):
    return Person(*more, journey(*steps), now=now, **attributes).does("Called")


# A date of the contact

RENEWAL = {
    "id": "renewal",
    "wait": {"date": "renewal", "before": "P7D", "at": "10:00", "then": [mail("soon")], "else": [mail("none")]},
}


def test_a_wait_ends_by_a_date_of_the_contact():
    assert walk(RENEWAL, renewal="2026-12-01", country="FR").passes("P60D").sent == [("soon", "2026-11-24T09:00")]


@pytest.mark.parametrize("renewal", [None, "2026-11-05", "2020-01-01", "soon", "2099-01-01"])
def test_a_wait_for_a_date_that_is_not_to_come_is_over_at_once(renewal):
    ana = walk(RENEWAL, **({"renewal": renewal} if renewal else {}))
    assert ana.sent == [("none", "2026-11-02T09:00")]


def test_a_wait_moves_with_its_date():
    ana = walk(RENEWAL, renewal="2026-12-01").passes("P7D").is_(renewal="2026-12-20")
    assert ana.why("journey/tour")[-1] == ("moved", "until 2026-12-13 10:00 UTC (UTC)")
    assert ana.passes("P60D").sent == [("soon", "2026-12-13T10:00")]
    earlier = walk(RENEWAL, renewal="2026-12-20").passes("P7D").is_(renewal="2026-12-01")
    assert earlier.passes("P60D").sent == [("soon", "2026-11-24T10:00")]
    gone = walk(RENEWAL, renewal="2026-12-20").passes("P7D").is_(renewal=None)
    assert gone.sent == [("none", "2026-11-09T09:00")]


def test_a_wait_for_a_yearly_date_takes_the_next_one():
    step = {"wait": {"date": "birthday", "yearly": True}}
    assert walk(step, mail("wish"), birthday="1990-11-01").until("2028-01-01").sent == [("wish", "2027-11-01T09:00")]


# A fixed moment


@pytest.mark.parametrize(
    ("at", "sent"),
    [
        ("2026-12-24T09:00", "2026-12-24T08:00"),
        ("2026-12-24T09:00:00Z", "2026-12-24T09:00"),
        ("2026-12-24T09:00:00-05:00", "2026-12-24T14:00"),
        ("2026-11-02T09:00", "2026-11-02T09:00"),
        ("2020-01-01T00:00", "2026-11-02T09:00"),
    ],
)
def test_a_wait_ends_at_a_fixed_moment_and_is_over_for_who_comes_later(at, sent):
    ana = walk({"wait": {"moment": at}}, mail("hello"), country="FR").passes("P90D")
    assert ana.sent == [("hello", sent)]


@pytest.mark.parametrize("at", ["2026-12-24", "soon", 7, "9999-01-01T00:00", "2026-13-01T00:00", "1026-12-24T09:00"])
def test_what_is_no_moment_is_refused(at):
    with pytest.raises(DefinitionError, match="is no moment"):
        parse_journey(journey({"wait": {"moment": at}}))


# Hours of the day


@pytest.mark.parametrize(
    ("now", "sent"),
    [
        ("2026-11-02T09:30:00Z", "2026-11-02T09:30"),
        ("2026-11-02T06:00:00Z", "2026-11-02T08:00"),
        ("2026-11-02T16:00:00Z", "2026-11-03T08:00"),
        ("2026-11-06T16:00:00Z", "2026-11-09T08:00"),
    ],
)
def test_who_comes_within_the_hours_goes_on_at_once_and_others_when_they_begin(now, sent):
    hours = {"from": "09:00", "to": "17:00"}
    step = {"wait": {"between": hours, "weekdays": ["mon", "tue", "wed", "thu", "fri"]}}
    assert walk(step, mail("hello"), now=now, country="FR").passes("P7D").sent == [("hello", sent)]


# Spread


def test_a_spread_lets_people_go_on_apart_but_each_always_at_the_same_moment():
    step = {"id": "pause", "wait": {"for": "PT1H", "spread": "PT1H"}}
    tour = parse_journey(journey(step, mail("hello")))
    assert tour.longest == 7_200
    times = {}
    for number in (*range(20), *range(20)):
        ana = Person(journey(step, mail("hello")), contact_id=f"contact-{number}").does("Called")
        wait = ana.contact.active["tour"].due - ana.now
        assert 3_600 <= wait <= 7_200
        assert times.setdefault(number, wait) == wait
    assert len(set(times.values())) > 15


# The account's calendar

OPEN = {
    **POLICY,
    "topics": [{"id": "news", "opt_in": False}, {"id": "receipts", "opt_in": False, "transactional": True}],
    "calendar": {
        "quiet": {"from": "21:00", "to": "08:00"},
        "closed": [{"name": "Christmas", "date": "12-25"}],
        "channels": {"sms": {"open": {"mon": {"from": "10:00", "to": "12:00"}}, "when_closed": "skip"}},
    },
}
LATE = "2026-12-24T22:00:00Z"


def test_a_message_of_the_night_leaves_in_the_morning_of_whoever_gets_it():
    ana = walk(mail("hello"), more=(OPEN,), now=LATE, country="FR").passes("P3D")
    # 22:00 UTC is 23:00 in Paris; the next day is closed, and after it the night is quiet.
    assert ana.sent == [("hello", "2026-12-26T07:00")]
    assert [(d.gate, d.verdict) for d in ana.decisions if d.gate] == [("hours", "postponed")]


def test_what_is_owed_to_people_and_what_may_leave_at_any_time_does_not_wait():
    receipt = template("receipt", topic="receipts")
    steps = {"id": "receipt", "send": {"template": "receipt"}}, mail("urgent", any_time=True), mail("other")
    ana = walk(*steps, more=(OPEN, receipt), now=LATE)
    assert ana.steps == ["receipt", "urgent"]


def test_a_channel_whose_closed_hours_skip_gives_the_message_up():
    text = template("text", "sms")
    ana = walk({"id": "text", "send": {"template": "text", "channel": "sms"}}, more=(OPEN, text), now=LATE)
    (message,) = ana.messages
    because = (
        "it is closed: quiet hours 21:00 to 08:00, then Christmas, then outside the open hours (in all zones of ES)"
    )
    assert (message.state, message.reason) == ("skipped", because)


def test_a_step_waits_until_it_is_open():
    step = {"id": "open", "wait": {"open": True}}
    ana = walk(step, {"update": {"set": {"seen": True}}}, more=(OPEN,), now=LATE)
    assert ana.contact.find_value("seen") is None
    assert ana.why("journey/tour")[-1] == (
        "wait", "until 2026-12-26 08:00 UTC (quiet hours 21:00 to 08:00, then Christmas (UTC))",
    )  # fmt: skip
    assert ana.until("2026-12-26T08:00:00Z").contact.find_value("seen") is True
    assert walk(step, mail("hello"), more=(OPEN,)).sent == [("hello", "2026-11-02T09:00")]


def test_the_calendar_of_a_policy_is_checked():

    with pytest.raises(DefinitionError, match="calendar: is never open"):
        Person({**POLICY, "calendar": {"open": {}}})
