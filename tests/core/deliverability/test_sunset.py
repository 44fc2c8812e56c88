"""Sunset: who is silent for months hears less, is asked, and is left alone; and what a list is worth."""

import pytest

from postroad.contacts.contact import Contact
from postroad.contacts.engagement import note_sent
from postroad.deliverability.list_quality import describe, rate
from postroad.deliverability.sunset import ASK, FEWER, LIVELY, STOP, Sunset, is_sign, preview
from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.fold import fold
from postroad.instants import DAY
from postroad.policy import parse_policy
from postroad.stats import MessageCounts
from tests.books import Shelf

T0 = 1_793_610_000.0
SUNSET = Sunset(template="still-there")


def silent(days: float) -> Contact:
    return Contact("c", created_at=T0 - 400 * DAY, last_seen=T0, last_sign=T0 - days * DAY)


@pytest.mark.parametrize(
    ("days", "band"), [(0, LIVELY), (89.9, LIVELY), (90, FEWER), (179, FEWER), (180, ASK), (269, ASK), (270, STOP)]
)
def test_c81_who_is_silent_hears_less_is_asked_and_is_left_alone(days, band):
    assert SUNSET.band_of(silent(days), T0) == band


def test_c81_who_is_asked_gets_that_message_alone():
    assert SUNSET.find_obstacle(silent(200), "still-there", T0) == ""
    because = "no sign of life for 200 days: they are only asked whether they want to hear more"
    assert SUNSET.find_obstacle(silent(200), "offer", T0) == because
    assert SUNSET.find_obstacle(silent(300), "still-there", T0).endswith("they are left alone")


def test_c81_who_hears_less_hears_once_a_month():
    contact = silent(100)
    assert SUNSET.find_obstacle(contact, "offer", T0) == ""
    contact.engagement = note_sent(contact.engagement, "email", "m-1", T0 - 10 * DAY)
    assert (
        SUNSET.find_obstacle(contact, "offer", T0) == "no sign of life for 100 days: they hear once in 30 days at most"
    )
    assert SUNSET.find_obstacle(contact, "offer", T0 + 21 * DAY) == ""


def test_what_happens_to_somebody_and_what_machines_do_are_no_signs_of_life():
    def event(name: str, **properties: object) -> Event:
        return Event("e", name, T0, T0, properties=properties)

    assert is_sign(event("Page Viewed"))
    assert is_sign(event("Email Opened", actor="unknown"))
    assert is_sign(event("Task Completed", kind="call", outcome="interested"))
    nothing = [event("Email Opened", actor="machine"), event("Email Bounced"), event("Wake"), event("Message Sent")]
    told = [event("Identified"), event("Aliased"), event("Account Joined")]
    told.append(event("Consent Requested", topics=["offers"]))
    work = [event("Task Completed", kind="call", outcome="no_answer"), event("Task Completed", kind="errand")]
    for each in (*nothing, *told, *work):
        assert not is_sign(each)
        folded = fold(silent(100), each, Shelf().book, T0).contact
        assert folded.last_sign == T0 - 100 * DAY
    assert fold(silent(100), event("Page Viewed"), Shelf().book, T0).contact.last_sign == T0


def test_c81_before_it_is_turned_on_it_is_counted_whom_it_would_concern():
    found = preview(SUNSET, [silent(1), silent(2), silent(100), silent(300)], 4_000, T0)
    assert found.bands == {LIVELY: 2, FEWER: 1, ASK: 0, STOP: 1}
    assert (found.people(STOP), found.people(LIVELY)) == (1_000, 2_000)
    assert preview(SUNSET, [], 0, T0).people(STOP) == 0


def test_the_policy_says_when():
    policy = parse_policy(
        {
            "kind": "policy",
            "id": "policy",
            "topics": [{"id": "news"}],
            "sunset": {"stop": "P365D", "template": "still-there"},
        }
    )
    assert policy.sunset == Sunset(stop=365 * DAY, template="still-there")
    assert parse_policy({"kind": "policy", "id": "policy", "topics": [{"id": "news"}]}).sunset is None
    with pytest.raises(DefinitionError) as refused:
        parse_policy(
            {"kind": "policy", "id": "policy", "topics": [{"id": "news"}], "sunset": {"fewer": "P200D", "ask": "P100D"}}
        )
    assert refused.value.mistakes == (("sunset.stop", "fewer, ask and stop must come in this order"),)


def test_c82_a_list_is_worth_what_its_readers_are():
    good = rate(90, 100, MessageCounts(sent=1_000, bounced=2))
    assert good
    assert (good.number, good.active, good.bounced, good.complained) == (93, 0.9, 0.002, 0.0)
    bad = rate(10, 100, MessageCounts(sent=1_000, bounced=60, complained=3))
    assert bad
    assert bad.number == 6
    assert rate(0, 0, MessageCounts()) is None
    assert describe().startswith("60 for the share of people with a sign of life within 90 days")
