"""Something in the cart and no order within an hour, each path with the time machine."""

from datetime import timedelta

import pytest

from tests.stories.client import fresh, passed

JOURNEY = "journey/abandoned-cart"
BEANS = {"product_id": "harbour-1kg", "name": "Harbour Blend", "price": 18.5, "currency": "EUR"}
REMINDER, OFFER, LAST = (
    "Harbour Blend is waiting for you",
    "We will pay the shipping",
    "Shall we put it back on the shelf?",
)


def test_who_orders_within_the_hour_hears_nothing(shop):
    ana = shop.person("ana")
    ana.track("Product Added", **BEANS)
    shop.advance("PT50M")
    assert "full-carts" in ana.contact()["segments"]
    ana.track("Order Completed", total=18.5)
    assert "full-carts" not in ana.contact()["segments"]
    shop.advance("P10D")
    assert ana.inbox() == []
    assert ana.messages() == {}
    assert ana.verdicts(JOURNEY) == [("", "started"), ("grace", "wait"), ("grace", "completed")]
    assert ana.why(JOURNEY, "grace") == "Order Completed within 1 week"


def test_who_opens_the_reminder_gets_an_offer_four_hours_later(shop):
    ana = shop.person("ana")
    added = ana.track("Product Added", **BEANS)
    shop.advance("PT59M30S")
    assert ana.inbox() == []
    shop.advance("PT1M")
    [reminder] = ana.inbox()
    assert passed(added, timedelta(hours=1), reminder.at)
    assert reminder.subject == REMINDER
    assert "€18.50" in reminder.html
    shop.advance("P1D")
    reminder.open()
    opened = ana.happened("Email Opened")
    shop.advance("PT3H59M")
    assert ana.subjects() == [REMINDER]
    shop.advance("PT2M")
    assert ana.subjects() == [REMINDER, OFFER]
    assert passed(opened, timedelta(hours=4), ana.latest().at)
    shop.advance("P30D")
    assert ana.subjects() == [REMINDER, OFFER]
    assert ana.decisions(JOURNEY)[-1]["because"] == "came to the end of the journey"


def test_who_ignores_it_and_has_a_phone_gets_a_text(shop):
    ana = shop.person("ana", phone="+351912000001")
    ana.track("Product Added", **BEANS)
    shop.advance("P3D")
    shop.advance("P30D")
    reminder, text = ana.inbox()
    assert (reminder.subject, text.channel) == (REMINDER, "sms")
    assert passed(reminder.at, timedelta(days=2), text.at)
    assert text.text.startswith("Tidewater Coffee: Harbour Blend is still in your cart.")
    assert ("reachable", "has a phone") in ana.verdicts(JOURNEY)
    assert ana.messages()["text"]["state"] == "sent"


def test_who_ignores_it_and_has_none_gets_a_last_mail(shop):
    ana = shop.person("ana")
    ana.track("Product Added", **BEANS)
    shop.advance("P3D")
    shop.advance("P30D")
    assert ana.subjects() == [REMINDER, LAST]
    reminder, last = ana.inbox()
    assert passed(reminder.at, timedelta(days=2), last.at)
    assert ("reachable", "else") in ana.verdicts(JOURNEY)
    assert ana.why(JOURNEY, "reachable") == "none of: phone is known"


@pytest.mark.parametrize("opens", [True, False], ids=["after opening", "before the last word"])
def test_an_order_on_the_way_stops_it(shop, opens):
    ana = shop.person("ana")
    ana.track("Product Added", **BEANS)
    shop.advance("PT61M")
    if opens:
        ana.latest().open()
        shop.advance("PT3H")
    else:
        shop.advance("P1DT20H")
    ana.track("Order Completed", total=18.5)
    assert ana.is_in("abandoned-cart") is None
    shop.advance("P30D")
    assert ana.subjects() == [REMINDER]
    assert ana.decisions(JOURNEY)[-1]["verdict"] == "completed"


def test_more_in_the_cart_starts_no_second_journey_and_a_new_cart_a_day_later_does(shop):
    ana = shop.person("ana")
    added = ana.track("Product Added", **BEANS)
    shop.advance("PT30M")
    ana.track("Product Added", name="Grinder", price=89)
    ana.track("Order Completed")
    shop.advance("PT2H")
    ana.track("Product Added", name="Filters", price=4)
    shop.advance("PT20H")
    assert ana.subjects() == []
    shop.advance("PT2H")
    again = ana.track("Product Added", name="Mug", price=12)
    assert again - added > timedelta(days=1)
    shop.advance("PT61M")
    assert ana.subjects() == ["Mug is waiting for you"]
    assert passed(again, timedelta(hours=1), ana.latest().at)
    because = [d["because"] for d in ana.decisions(JOURNEY) if d["verdict"] in ("started", "not started")]
    assert because == [
        "enters for the first time",
        f"is in this journey since {added:%Y-%m-%d %H:%M} UTC",
        f"entered {added:%Y-%m-%d %H:%M} UTC, less than 1 day before",
        f"entered {added:%Y-%m-%d %H:%M} UTC, and may enter again",
    ]


def test_a_cart_of_somebody_without_an_address_is_remembered_with_the_reason(shop):
    nobody = fresh("device")
    shop.track(None, "Product Added", anonymous=nobody, **BEANS)
    shop.advance("P4D")
    contact = shop.find(f"anon:{nobody}")
    messages = shop.items("/messages", contact=contact["contact_id"])
    assert {message["step"]: (message["state"], message["reason"]) for message in messages} == {
        "reminder": ("skipped", "the contact has no address for email"),
        "last": ("skipped", "the contact has no address for email"),
    }


def test_the_readers_words_never_become_html(shop):
    ana = shop.person("ana")
    ana.track("Product Added", name="<script>alert(1)</script>", price=1)
    shop.advance("PT61M")
    assert "<script>" not in ana.latest().html
    assert "&lt;script&gt;" in ana.latest().html
