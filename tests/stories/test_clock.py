"""Time: long waits and short ones, local hours, segments that turn by themselves, and the clock in real time."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.books import FOOTER
from tests.stories.client import SLACK, fresh, passed


def _waiting_journey(shop, wait):
    name = fresh("waiting")
    shop.publish(
        {
            "kind": "template",
            "id": name,
            "channel": "email",
            "topic": "offers",
            "subject": name,
            "html": "<p>Hi</p>" + FOOTER,
        },
        {
            "kind": "journey",
            "id": name,
            "trigger": {"event": name},
            "steps": [{"id": "wait", "wait": wait}, {"id": "mail", "send": {"template": name}}],
        },
    )
    return name


def test_a_contact_that_is_due_is_woken_within_a_minute_of_real_time(shop):
    """Takes up to a minute: nothing but the stack's own schedule moves it."""
    name = _waiting_journey(shop, {"for": "PT1S"})
    ana = shop.person("ana")
    shop.track(ana.user, name)
    due = time.monotonic() + 1
    while not shop.inbox(ana.email):
        assert time.monotonic() < due + 90
        time.sleep(0.5)
    assert time.monotonic() - due < 60 + SLACK.total_seconds()
    assert ana.subjects() == [name]


@pytest.mark.parametrize(("duration", "expected"), [("PT15M", timedelta(minutes=15)), ("P400D", timedelta(days=400))])
def test_a_wait_of_a_quarter_of_an_hour_and_one_of_400_days_are_alike(shop, duration, expected):
    name = _waiting_journey(shop, {"for": duration})
    ana = shop.person("ana")
    began = ana.track(name)
    assert ana.is_in(name) == "wait"
    standing = next(each for each in ana.contact()["journeys"] if each["journey"] == name)
    assert passed(began, expected, datetime.fromisoformat(standing["next"]))
    shop.advance(f"PT{int(expected.total_seconds()) - 40}S")
    assert ana.inbox() == []
    shop.advance("PT1M")
    [mail] = ana.inbox()
    assert passed(began, expected, mail.at)
    assert ana.is_in(name) is None


def test_a_wait_until_the_morning_goes_by_the_contacts_own_clock(shop):
    name = _waiting_journey(shop, {"until": "09:00", "weekdays": ["mon", "tue"]})
    tokyo, lisbon = shop.person("tokyo", timezone="Asia/Tokyo"), shop.person("lisbon")
    tokyo.track(name)
    lisbon.track(name)
    shop.advance("P8D")
    for person, zone in ((tokyo, "Asia/Tokyo"), (lisbon, "Europe/Lisbon")):
        [mail] = person.inbox()
        local = mail.at.astimezone(ZoneInfo(zone))
        assert (local.hour, local.minute, local.weekday() in (0, 1)) == (9, 0, True)


def test_a_segment_turns_with_time_alone_and_says_when(shop):
    ana = shop.person("ana")
    added = ana.track("Product Added", name="Mug")
    assert "full-carts" in ana.contact()["segments"]
    shop.advance("P2DT23H59M")
    assert "full-carts" in ana.contact()["segments"]
    shop.advance("PT2M")
    assert "full-carts" not in ana.contact()["segments"]
    left = next(item for item in ana.timeline() for cause in item["caused"] if cause["name"] == "Segment Left")
    assert passed(added, timedelta(days=3), datetime.fromisoformat(left["time"]))


def test_a_score_fades_and_its_segment_with_it(shop):
    ana = shop.person("ana")
    for _ in range(2):
        ana.track("Product Added", name="Mug")  # 15 each
    for number in range(5):
        ana.visits(f"/beans/{number}")  # 2 each
    assert ana.contact()["scores"]["engagement"] == pytest.approx(40, abs=0.1)
    ana.visits("/plans/enterprise")  # 10, beside a day's pages, which give ten at most
    assert ana.contact()["scores"]["engagement"] == pytest.approx(50, abs=0.1)
    assert "hot-leads" in ana.contact()["segments"]
    shop.advance("P14D")
    contact = ana.contact()
    assert contact["scores"]["engagement"] == pytest.approx(25, abs=0.1)
    assert "hot-leads" not in contact["segments"]
    # 50 * 2^(-t/14 days) = 40 after 4.5 days
    left = next(
        i
        for i in ana.timeline()
        for c in i["caused"]
        if c == {"name": "Segment Left", "properties": {"segment": "hot-leads"}}
    )
    faded = datetime.fromisoformat(left["time"]) - ana.happened("Page Viewed")
    assert timedelta(days=4.4) < faded < timedelta(days=4.6)


def test_a_late_event_counts_where_it_belongs(shop):
    ana = shop.person("ana")
    late = (shop.now() - timedelta(days=4)).astimezone(UTC).isoformat()
    shop.send("track", {"userId": ana.user, "event": "Product Added", "timestamp": late, "properties": {"name": "Mug"}})
    assert "full-carts" not in ana.contact()["segments"]
    recent = (shop.now() - timedelta(days=2)).astimezone(UTC).isoformat()
    shop.send(
        "track", {"userId": ana.user, "event": "Product Added", "timestamp": recent, "properties": {"name": "Mug"}}
    )
    assert "full-carts" in ana.contact()["segments"]
    shop.advance("P1DT1M")
    assert "full-carts" not in ana.contact()["segments"]


def test_the_time_machine_refuses_what_is_no_duration(shop):
    for body in ({"advance": "soon"}, {"advance": 5}, {}, [], {"advance": "-P1D"}):
        answer = shop.call("POST", "/_local/clock", json=body)
        assert answer.status_code == 400, body
        assert answer.json()["message"]
