"""Sign-up → welcome → first open → first purchase → second offer, each path with the time machine."""

from datetime import timedelta

from tests.stories.client import passed

JOURNEY = "journey/welcome"
WELCOME, AGAIN, OFFER = "Welcome aboard, Ana", "Your ten percent are still here", "How was the first cup?"


def test_who_opens_and_buys_gets_the_second_offer_two_days_after_the_order(shop):
    ana = shop.person("ana")
    signed_up = ana.track("Signed Up")
    [welcome] = ana.inbox()
    assert welcome.subject == WELCOME
    assert passed(signed_up, timedelta(), welcome.at)
    shop.advance("P1D")
    welcome.open()
    assert ana.is_in("welcome") == "first-purchase"
    shop.advance("P10D")
    ordered = ana.track("Order Completed", total=24.5)
    shop.advance("P1DT23H59M")
    assert ana.subjects() == [WELCOME]
    shop.advance("PT2M")
    assert ana.subjects() == [WELCOME, OFFER]
    assert passed(ordered, timedelta(days=2), ana.latest().at)
    shop.advance("P60D")
    assert ana.subjects() == [WELCOME, OFFER]
    assert ana.is_in("welcome") is None
    assert ana.verdicts(JOURNEY) == [
        ("", "started"),
        ("welcome", "send"),
        ("first-open", "wait"),
        ("first-open", "yes"),
        ("first-purchase", "wait"),
        ("first-purchase", "yes"),
        ("pause", "wait"),
        ("pause", "over"),
        ("second-offer", "send"),
        ("bought", "exited"),
    ]
    assert ana.why(JOURNEY, "bought") == "reached the exit 'bought'"


def test_who_opens_and_does_not_buy_hears_no_more(shop):
    ana = shop.person("ana")
    ana.track("Signed Up")
    shop.advance("PT2H")
    ana.latest().open()
    opened = ana.happened("Email Opened")
    shop.advance("P13D")
    assert ana.is_in("welcome") == "first-purchase"
    shop.advance("P1DT1M")
    assert ana.is_in("welcome") is None
    assert ana.subjects() == [WELCOME]
    ended = ana.decisions(JOURNEY)[-1]
    assert (ended["step"], ended["verdict"], ended["because"]) == (
        "not-yet",
        "exited",
        "reached the exit 'no purchase within two weeks'",
    )
    assert ana.why(JOURNEY, "first-open") == f"opened welcome, {opened:%Y-%m-%d %H:%M} UTC"


def test_who_does_not_open_gets_a_second_try_after_three_days_and_the_offer_after_buying(shop):
    ana = shop.person("ana")
    ana.track("Signed Up")
    shop.advance("P2DT23H59M")
    assert ana.subjects() == [WELCOME]
    shop.advance("PT2M")
    assert ana.subjects() == [WELCOME, AGAIN]
    welcome, again = ana.inbox()
    assert passed(welcome.at, timedelta(days=3), again.at)
    ordered = ana.track("Order Completed")
    shop.advance("P2DT1M")
    assert ana.subjects() == [WELCOME, AGAIN, OFFER]
    assert passed(ordered, timedelta(days=2), ana.latest().at)


def test_who_buys_without_opening_gets_no_second_try_and_the_offer_two_days_after_the_wait_for_an_open(shop):
    ana = shop.person("ana")
    ana.track("Signed Up")
    shop.advance("P1D")
    ana.track("Order Completed")
    shop.advance("P1DT23H59M")
    assert ana.is_in("welcome") == "first-open"
    shop.advance("PT2M")
    assert ana.is_in("welcome") == "pause"
    shop.advance("P2D")
    assert ana.subjects() == [WELCOME, OFFER]
    welcome, offer = ana.inbox()
    assert passed(welcome.at, timedelta(days=5), offer.at)
    shop.advance("P30D")
    assert ana.subjects() == [WELCOME, OFFER]
    assert ana.verdicts(JOURNEY) == [
        ("", "started"),
        ("welcome", "send"),
        ("first-open", "wait"),
        ("first-open", "over"),
        ("unopened", "else"),
        ("first-purchase", "yes"),
        ("pause", "wait"),
        ("pause", "over"),
        ("second-offer", "send"),
        ("bought", "exited"),
    ]


def test_who_buys_and_then_opens_gets_the_offer_two_days_after_the_open(shop):
    ana = shop.person("ana")
    ana.track("Signed Up")
    ana.track("Order Completed")
    shop.advance("P1D")
    ana.latest().open()
    opened = ana.happened("Email Opened")
    assert ana.is_in("welcome") == "pause"
    shop.advance("P2DT1M")
    assert ana.subjects() == [WELCOME, OFFER]
    assert passed(opened, timedelta(days=2), ana.latest().at)


def test_who_neither_opens_nor_buys_is_left_in_peace_after_the_second_try(shop):
    ana = shop.person("ana")
    ana.track("Signed Up")
    shop.advance("P3DT1M")
    shop.advance("P13DT23H")
    assert ana.is_in("welcome") == "first-purchase"
    shop.advance("PT2H")
    assert ana.is_in("welcome") is None
    shop.advance("P60D")
    assert ana.subjects() == [WELCOME, AGAIN]


def test_signing_up_again_welcomes_nobody_twice(shop):
    ana = shop.person("ana")
    ana.track("Signed Up")
    ana.track("Signed Up")
    shop.advance("P30D")
    ana.track("Signed Up")
    assert ana.subjects() == [WELCOME, AGAIN]
    refused = [decision for decision in ana.decisions(JOURNEY) if decision["verdict"] == "not started"]
    assert "is in this journey since" in refused[0]["because"]
    assert "each contact enters once" in refused[1]["because"]


def test_an_open_by_a_machine_is_no_open(shop):
    ana = shop.person("ana")
    ana.track("Signed Up")
    ana.latest().open(**{"user-agent": "Mozilla/5.0"})  # a privacy proxy
    ana.latest().open(**{"user-agent": "Mozilla/5.0 (compatible; Barracuda link scanner)"})
    assert ana.is_in("welcome") == "first-open"
    shop.advance("P3DT1M")
    assert ana.subjects() == [WELCOME, AGAIN]


def test_a_click_leads_to_the_shop_and_counts_as_an_open(shop):
    ana = shop.person("ana")
    ana.track("Signed Up")
    assert ana.latest().click("See the sampler") == "https://tidewater.example/sampler"
    assert ana.is_in("welcome") == "first-purchase"
    clicked = next(item for item in ana.timeline() if item["name"] == "Email Link Clicked")
    assert clicked["properties"]["url"] == "https://tidewater.example/sampler"
    assert clicked["properties"]["actor"] == "human"
