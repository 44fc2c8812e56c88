"""Simulating journeys: over the fold itself, the same for the same seed, and nothing is stored."""

import pickle
from collections import Counter
from typing import Any

import pytest

from demo.documents import load_definitions
from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.fold import begin, fold
from postroad.instants import DAY
from postroad.sending.prices import PER_MESSAGE
from postroad.simulation import (
    Cast,
    Deed,
    Forecast,
    Habits,
    Person,
    Response,
    Shelf,
    Trial,
    simulate,
    start_event,
)
from postroad.simulation.simulate import START

SHOP = load_definitions()
NOBODY_READS = Habits(Response(delivered=1.0, opened=0.0, unsubscribed=0.0))
EVERYBODY_READS = Habits(Response(delivered=1.0, opened=1.0, clicked=1.0, unsubscribed=0.0))


def _numbers(forecast: Forecast) -> tuple[Any, ...]:
    return forecast.steps, forecast.ways, forecast.outcomes, sorted(forecast.messages), forecast.capped


def _policy(**changes: Any) -> dict[str, Any]:
    return {"policy/policy": {**SHOP["policy/policy"], **changes}}


# What it answers


def test_c19_a_draft_is_tried_with_time_run_ahead_and_nobody_is_written_to() -> None:
    draft = {
        "kind": "journey",
        "id": "draft",
        "trigger": {"event": "Signed Up"},
        "goal": {"event": "Order Completed"},
        "steps": [
            {"id": "hello", "send": {"template": "welcome"}},
            {
                "id": "read",
                "wait": {
                    "opened": "hello",
                    "timeout": "P3D",
                    "then": [{"id": "thanks", "send": {"template": "second-offer"}}],
                    "else": [{"id": "again", "send": {"template": "welcome-again"}}],
                },
            },
            {"id": "rest", "wait": {"for": "P7D"}},
        ],
    }
    bought = Deed("Order Completed", 0.3, after="opened", delay=6 * 3_600.0)
    habits = Habits(Response(delivered=1.0, opened=0.5, clicked=0.0, unsubscribed=0.0), deeds=(bought,))
    definitions = {key: document for key, document in SHOP.items() if not key.startswith("journey/")}
    forecast = simulate({**definitions, "journey/draft": draft}, "draft", people=400, habits=habits)
    assert (forecast.people, forecast.started) == (400, 400)
    assert forecast.step("hello").sent == 400
    assert 160 < forecast.step("hello").opened < 240
    assert forecast.way("read", "then") + forecast.way("read", "else") == 400
    assert forecast.step("thanks").sent == forecast.way("read", "then")
    assert 40 < forecast.conversions <= forecast.events["Order Completed"]
    assert forecast.conversion_rate == forecast.conversions / 400
    assert forecast.outcomes["goal"] + forecast.outcomes["completed"] == 400
    assert forecast.never_taken == ()
    ours = [sent for sent in forecast.messages if sent.origin == "journey/draft@1"]
    assert forecast.sends == {"email": len(ours)}
    assert forecast.cost == {"email": pytest.approx(len(ours) * PER_MESSAGE["email"])}
    assert sum(day["email"] for day in forecast.sends_by_day.values()) == len(ours)


def test_the_same_seed_gives_the_same_forecast_and_another_seed_another() -> None:
    one, same, other = (simulate(SHOP, "abandoned-cart", people=60, seed=seed) for seed in (7, 7, 8))
    assert _numbers(one) == _numbers(same) != _numbers(other)


def test_parts_of_the_people_add_up_to_all_of_them() -> None:
    trial = Trial(Shelf().put(SHOP), "enterprise")
    together = trial.try_made_up(range(60))
    parts = trial.try_made_up(range(25)) + pickle.loads(pickle.dumps(trial.try_made_up(range(25, 60))))
    assert _numbers(parts) == _numbers(together)
    assert parts.people == 60
    with pytest.raises(ValueError, match="one journey"):
        together + simulate(SHOP, "welcome", people=1)


def test_everybody_is_counted_once_whatever_becomes_of_them() -> None:
    for journey in ("welcome", "abandoned-cart", "enterprise"):
        forecast = simulate(SHOP, journey, people=80, days=9)
        assert forecast.started == forecast.outcomes.total() + forecast.waiting.total()


def test_who_ignores_the_reminder_goes_the_other_way() -> None:
    silent = simulate(SHOP, "abandoned-cart", people=50, habits=NOBODY_READS)
    assert (silent.way("reaction", "then"), silent.way("reaction", "else")) == (0, 50)
    reading = simulate(SHOP, "abandoned-cart", people=50, habits=EVERYBODY_READS)
    assert reading.way("reaction", "then") > 40
    assert reading.step("reminder").clicked == 50


def test_paths_that_nobody_took_are_named_in_words() -> None:
    forecast = simulate(SHOP, "abandoned-cart", people=30, habits=NOBODY_READS)
    assert {(way.step, way.name) for way in forecast.never_taken} == {
        ("reaction", "then"),
        ("think", ""),
        ("offer", ""),
    }
    assert "nobody came to offer: Send cart-offer by email" in {way.sentence for way in forecast.never_taken}


def test_people_are_made_up_so_that_each_branch_finds_some() -> None:
    forecast = simulate(SHOP, "abandoned-cart", people=60, habits=NOBODY_READS)
    assert forecast.way("reachable", "has a phone") > 10
    assert forecast.way("reachable", "else") > 10
    forecast = simulate(SHOP, "enterprise", people=60)
    assert forecast.way("role", "decides") > 10
    assert forecast.way("role", "else") > 5


def test_a_cast_says_who_comes_and_when() -> None:
    cast = Cast({"phone": [None]}, within=1.0)
    forecast = simulate(SHOP, "abandoned-cart", people=20, habits=NOBODY_READS, cast=cast)
    assert forecast.way("reachable", "else") == 20
    first = [sent.at for sent in forecast.messages if sent.step == "reminder"]
    assert max(first) - min(first) < 1.0
    assert min(first) >= START + 3_600


def test_a_person_who_unsubscribes_is_sent_nothing_more() -> None:
    leaving = Habits(Response(delivered=1.0, opened=0.0, unsubscribed=1.0), opens_after=1.0)
    forecast = simulate(SHOP, "abandoned-cart", people=20, habits=leaving, cast=Cast({"phone": [None]}))
    assert forecast.step("reminder").sent == 20
    assert (forecast.step("last").sent, forecast.step("last").skipped) == (0, 20)
    assert [reason for _, reason in forecast.skipped] == ["the contact unsubscribed from Offers and reminders"]


def test_an_address_that_bounces_is_suppressed() -> None:
    forecast = simulate(SHOP, "abandoned-cart", people=10, habits=Habits(Response(delivered=0.0)))
    assert forecast.step("last").sent == 0
    assert forecast.marks["reminder", "bounced"] == 10


def test_c19_contacts_who_hit_a_cap_are_named() -> None:
    capped = {**SHOP, **_policy(caps=[{"per": "P7D", "at_most": 1}], when_full="skip")}
    forecast = simulate(capped, "abandoned-cart", people=30, habits=NOBODY_READS, cast=Cast({"phone": [None]}))
    assert forecast.step("reminder").sent == 30
    assert (forecast.step("last").sent, forecast.step("last").skipped) == (0, 30)
    assert len(forecast.capped) == 30
    postponing = {**SHOP, **_policy(caps=[{"per": "P7D", "at_most": 1}], postpone_at_most="P7D")}
    forecast = simulate(postponing, "abandoned-cart", people=30, habits=NOBODY_READS, cast=Cast({"phone": [None]}))
    assert (forecast.step("last").sent, forecast.step("last").postponed) == (30, 30)
    week = [
        sent.at for sent in forecast.messages if sent.step in ("reminder", "last") and sent.contact_id == "person-1"
    ]
    assert max(week) - min(week) >= 7 * DAY


@pytest.mark.parametrize("trigger", [{"segment": "lapsed"}, {"every": "day", "segment": "lapsed"}])
def test_made_up_people_are_in_the_segment_that_lets_them_in(trigger) -> None:
    """Nobody would go on in a journey for members that somebody leaves who is none."""
    lapsed = {"event": "Order Completed", "when": "last", "older_than": "P90D"}
    journey = {
        "kind": "journey", "id": "winback", "trigger": trigger, "reentry": "always",
        "exit_if": {"segment": "lapsed", "is": False},
        "steps": [{"id": "miss", "send": {"template": "welcome"}}, {"wait": {"for": "P1D"}}],
    }  # fmt: skip
    around = {**SHOP, "segment/lapsed": {"kind": "segment", "id": "lapsed", "if": lapsed}, "journey/winback": journey}
    buys = Habits(Response(opened=0.0), deeds=(Deed("Order Completed", 0.5, delay=3_600.0),))
    forecast = simulate(around, "winback", people=40, habits=buys)
    assert forecast.step("miss").sent >= 40
    assert min(forecast.outcomes["completed"], forecast.outcomes["exited"]) >= 10


def test_whom_a_cap_lets_have_every_message_has_not_hit_it():
    roomy = {**SHOP, **_policy(caps=[{"per": "P7D", "at_most": 10}], when_full="skip")}
    forecast = simulate(roomy, "abandoned-cart", people=30, habits=NOBODY_READS, cast=Cast({"phone": [None]}))
    assert sum(forecast.sends.values()) >= 30
    assert forecast.capped == {}


def test_whom_the_holdout_keeps_out_is_counted_with_the_reason() -> None:
    held = {**SHOP["journey/abandoned-cart"], "holdout": 40}
    forecast = simulate({**SHOP, "journey/abandoned-cart": held}, "abandoned-cart", people=200)
    ((reason, out),) = forecast.refused.items()
    assert "40 % who stay out" in reason
    assert 50 < out < 110
    assert forecast.started == 200 - out


@pytest.mark.parametrize(
    "trigger",
    [
        {
            "event": "Form Submitted",
            "where": {"all": [{"property": "form", "in": ["a", "b"]}, {"property": "n", "gt": 3}]},
        },
        {"segment": "customers"},
        {"left": "customers"},
        {"form": "newsletter"},
        {"journey": "welcome", "ended": "goal"},
        {"api": True},
        {"date": "birthday", "at": "09:00", "yearly": True},
        {"every": "week", "segment": "customers", "weekdays": ["mon"]},
        [{"event": "Page Viewed", "where": {"property": "path", "starts_with": "/plans"}}, {"event": "Signed Up"}],
    ],
)
def test_whatever_starts_a_journey_starts_it_here(trigger: Any) -> None:
    draft = {
        "kind": "journey",
        "id": "draft",
        "trigger": trigger,
        "reentry": "always",
        "steps": [{"id": "a", "send": {"template": "welcome"}}],
    }
    forecast = simulate({**SHOP, "journey/draft": draft}, "draft", people=4)
    assert forecast.step("a").entered >= 4


# Who is tried


def test_chosen_contacts_go_on_from_where_they_stand() -> None:
    shelf = Shelf().put(SHOP)
    journey, book = shelf.book.journeys["welcome"], shelf.book
    before = Event("old", "Signed Up", START - DAY, START - DAY, contact_id="ana", trusted=True)
    ana = begin("ana", book, START - DAY)
    ana.identities["email:ana@example.com"] = START - DAY
    ana = fold(ana, before, book, START - DAY).contact
    bob = begin("bob", book, START)
    people = [Person(each, (start_event(journey, each, START),)) for each in (ana, bob)]
    forecast = simulate({}, "welcome", people=people, around=shelf, habits=NOBODY_READS)
    assert forecast.people == 2
    assert forecast.refused.total() == 1
    assert list(forecast.refused) == ["is in this journey since …"], "people are not told apart by their instants"
    assert Counter(sent.contact_id for sent in forecast.messages) == {"ana": 1}
    assert forecast.skipped == {
        ("welcome", "the contact has no address for email"): 1,
        ("again", "the contact has no address for email"): 1,
    }
    assert ana.active["welcome"].step == "first-open"


def test_a_draft_stands_in_the_place_of_what_is_live() -> None:
    shelf = Shelf().put(SHOP)
    shorter = {**SHOP["journey/abandoned-cart"], "steps": [{"id": "now", "send": {"template": "cart-reminder"}}]}
    forecast = simulate({"journey/abandoned-cart": shorter}, "abandoned-cart", people=5, around=shelf)
    assert forecast.outline.key == "journey/abandoned-cart@2"
    assert forecast.step("now").sent == 5
    assert "now" not in shelf.book.journeys["abandoned-cart"].steps


def test_a_draft_with_a_mistake_is_refused_as_publishing_would() -> None:
    wrong = {**SHOP["journey/abandoned-cart"], "steps": [{"id": "now", "send": {"template": "nothing"}}]}
    with pytest.raises(DefinitionError, match="there is no template 'nothing'"):
        simulate({"journey/abandoned-cart": wrong}, "abandoned-cart", around=Shelf().put(SHOP))


def test_a_journey_that_is_not_there_is_told_those_that_are() -> None:
    with pytest.raises(DefinitionError, match="there is no journey 'welcom'; there are abandoned-cart, enterprise"):
        simulate(SHOP, "welcom")


def test_a_step_that_is_not_there_has_no_numbers() -> None:
    with pytest.raises(KeyError):
        simulate(SHOP, "welcome", people=1).step("nothing")
