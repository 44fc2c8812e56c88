"""Left a page of the enterprise plan → mail within a quarter of an hour → three weeks by role and behaviour → sales."""

from datetime import timedelta
from itertools import pairwise

import pytest

from tests.stories.client import passed

JOURNEY = "journey/enterprise"
PAGE = "/plans/enterprise"
INTRO = "Coffee for your office"
DECIDER, MANAGER = "What a cup really costs", "Never run out of beans again"
INVITATION, CASE = "Come and taste, or we come to you", "How a team of forty stopped queueing"


def test_leaving_the_page_is_what_counts(shop):
    ana = shop.person("ana", company="Atelier Norte")
    came = ana.visits(PAGE)
    shop.advance("PT3M")
    ana.track("Page Left", path="/plans/home", reason="left")
    shop.advance("PT1M")
    left = ana.track("Page Left", path=PAGE, reason="left")
    shop.advance("PT1M50S")
    assert ana.inbox() == []
    shop.advance("PT20S")
    assert ana.subjects() == ["Coffee for Atelier Norte"]
    assert passed(left, timedelta(minutes=2), ana.latest().at)
    assert ana.latest().at - came < timedelta(minutes=15)
    assert ana.why(JOURNEY, "left").startswith("Page Left (path starts with /plans/enterprise), ")


def test_silence_is_leaving_it_too(shop):
    ana = shop.person("ana")
    came = ana.visits(PAGE)
    shop.advance("PT11M50S")
    assert ana.inbox() == []
    shop.advance("PT20S")
    assert ana.subjects() == [INTRO]
    assert passed(came, timedelta(minutes=12), ana.latest().at)
    assert ("left", "over") in ana.verdicts(JOURNEY)


@pytest.mark.parametrize(
    ("company", "printed"),
    [
        ({"name": "Atelier Norte", "employee_count": 40}, "Atelier Norte"),
        ("Atelier Norte", "Atelier Norte"),
        ({"employee_count": 40}, "your office"),
        (["Atelier Norte"], "your office"),
    ],
    ids=["as Segment says", "a plain text", "without a name", "nonsense"],
)
def test_a_company_is_named_however_it_was_said(shop, company, printed):
    ana = shop.person("ana", company=company, role="founder")
    ana.visits(PAGE)
    shop.advance("P7DT13M")
    assert ana.subjects() == [f"Coffee for {printed}", DECIDER]
    assert f"does the sum for {printed}." in ana.latest().text


@pytest.mark.parametrize(
    ("role", "clicks", "second", "third", "end"),
    [
        ("founder", "intro", DECIDER, INVITATION, "warm"),
        ("finance", None, DECIDER, CASE, "cold"),
        ("office manager", "intro", MANAGER, INVITATION, "warm"),
        (None, None, MANAGER, CASE, "cold"),
        (None, "case", MANAGER, CASE, "warm"),
        ("director", "second", DECIDER, CASE, "cold"),
    ],
    ids=["decider, interested", "decider, silent", "manager, interested", "unknown, silent", "late", "other mail"],
)
def test_three_weeks_go_by_role_and_behaviour(shop, role, clicks, second, third, end):
    ana = shop.person("ana", **({"role": role} if role else {}))
    ana.visits(PAGE)
    shop.advance("PT13M")
    if clicks == "intro":
        ana.latest().click("Read the guide (8 pages)")
    shop.advance("P7D")
    if clicks == "second":
        ana.latest().click("Open the calculator")
    shop.advance("P7D")
    if clicks == "case":
        ana.latest().open()
    shop.advance("P8D")
    shop.advance("P30D")
    assert ana.subjects() == [INTRO, second, third]
    times = [mail.at for mail in ana.inbox()]
    assert all(passed(a, timedelta(days=7), b) for a, b in pairwise(times))
    contact = ana.contact()
    ended = next(item for item in ana.timeline() for cause in item["caused"] if cause["name"] == "Journey Ended")
    reason = next(cause["properties"]["reason"] for cause in ended["caused"] if cause["name"] == "Journey Ended")
    if end == "warm":
        assert (contact["attributes"]["handed_to"], contact["stage"]) == ("sales", "qualified")
        assert reason == "handed to sales"
    else:
        assert "handed_to" not in contact["attributes"]
        assert contact["stage"] == "lead"
        assert reason == "no interest for now"


def test_a_lively_score_counts_as_interest_without_a_click(shop):
    ana = shop.person("ana")
    ana.visits(PAGE)
    shop.advance("PT13M")
    shop.advance("P13D")
    for _ in range(4):
        ana.track("Order Completed")  # 30 points each
    shop.advance("P2D")
    assert ana.subjects() == [INTRO, MANAGER, INVITATION]
    assert ana.contact()["scores"]["engagement"] > 40
    assert ana.why(JOURNEY, "interest") == "clicked in intro or score engagement is at least 40"


def test_a_booked_tasting_stops_it(shop):
    ana = shop.person("ana")
    ana.visits(PAGE)
    shop.advance("P8D")
    assert ana.subjects() == [INTRO, MANAGER]
    ana.track("Tasting Booked")
    assert ana.is_in("enterprise") is None
    shop.advance("P30D")
    assert ana.subjects() == [INTRO, MANAGER]
    assert ana.decisions(JOURNEY)[-1]["because"] == "Tasting Booked within 60 days"


def test_coming_back_within_ninety_days_begins_nothing_new(shop):
    ana = shop.person("ana")
    ana.visits(PAGE)
    shop.advance("P60D")
    ana.visits(PAGE)
    shop.advance("P1D")
    assert len(ana.inbox()) == 3
    shop.advance("P30D")
    ana.visits(f"{PAGE}/machines")
    shop.advance("P1D")
    assert ana.subjects() == [INTRO, MANAGER, CASE, INTRO]


def test_any_other_plan_begins_nothing(shop):
    ana = shop.person("ana")
    ana.visits("/plans/home")
    shop.advance("P1D")
    assert ana.inbox() == []
    assert ana.is_in("enterprise") is None
