"""The gallery on the running product: every workflow is installed by one call, and people live with some of them."""

import re

from tests.books import FOOTER
from tests.stories.client import fresh

# What some workflows ask for beside the address of the site; two of them do in hours what else takes days.
SETTINGS = {
    "course": {"title": "Brewing"},
    "review": {"after": "PT6H"},
    "trial": {"length": "P1D"},
    "invitation": {"event": "gala", "title": "the Gala"},
    "handoff": {"score": "engagement", "manager": "rui@tidewater.example"},
}
# Those that nobody else comes into: they start with events of their own.
LIVED_WITH = ("review", "trial", "invitation")


def test_every_workflow_is_installed_by_one_call_and_people_live_with_it(shop):
    names = {}
    for workflow in shop.items("/gallery"):
        key = workflow["id"]
        names[key] = fresh(key)
        settings = {"site": "https://shop.example", "topic": "offers", **SETTINGS.get(key, {})}
        body = {"id": names[key], "settings": settings, "publish": key in LIVED_WITH}
        answer = shop.api("POST", f"/gallery/{key}/install", body)
        assert answer.status_code == 200, answer.text
        assert f"journey/{names[key]}" in answer.json()["definitions"]
        assert (answer.json()["revision"] is not None) == (key in LIVED_WITH)
    assert len(names) >= 14

    buyer, newcomer, guest = (shop.person(key) for key in LIVED_WITH)
    buyer.track("Order Delivered", order_id="o-1", products=[{"product_id": "kenya", "name": "Kenya"}])
    newcomer.track("Trial Started")
    shop.settle()
    members = {"add": [f"email:{guest.email}"]}
    answer = shop.api("POST", f"/segments/{names['invitation']}-guests/members", members)
    assert answer.status_code < 300, answer.text
    shop.advance("PT12H")
    walked = {person: set(person.messages()) for person in (buyer, newcomer, guest)}
    assert walked[buyer] == {"ask"}
    assert walked[newcomer] == {"start", "help"}
    assert walked[guest] == {"invite"}
    (question,) = buyer.subjects()
    assert question == "How do you like Kenya?"


def test_c50_the_code_in_a_mail_is_redeemed_once_and_the_journey_goes_on_by_that(shop):
    name, began = fresh("thanks"), fresh("Came Back")
    mail = {"kind": "template", "channel": "email", "topic": "offers"}
    used = {"event": "Coupon Redeemed", "where": {"property": "coupon", "is": "comeback"}, "timeout": "P14D"}
    thanks = {"id": "thanks", "send": {"template": f"{name}-thanks"}}
    shop.publish(
        {
            **mail,
            "id": f"{name}-code",
            "subject": "code",
            "html": "<p>Your code: {{ coupon.comeback.code }}</p>" + FOOTER,
        },
        {**mail, "id": f"{name}-thanks", "subject": "thanks", "html": "<p>Enjoy it.</p>" + FOOTER},
        {
            "kind": "journey", "id": name, "trigger": {"event": began},
            "steps": [
                {"id": "code", "send": {"template": f"{name}-code"}},
                {"id": "used", "wait": {**used, "then": [thanks], "else": []}},
            ],
        },
    )  # fmt: skip
    ana, bea = shop.person("ana"), shop.person("bea")
    ana.track(began)
    (mail,) = ana.inbox()
    (code,) = re.findall(r"[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{5}", mail.text)

    def redeem(person, order):
        who = f"email:{person.email}"
        return shop.api("POST", "/coupons/redeem", {"code": code, "contact": who, "order_id": order}).status_code

    assert redeem(bea, "o-0") == 409
    assert (redeem(ana, "o-1"), redeem(ana, "o-1"), redeem(ana, "o-2")) == (200, 200, 409)
    assert ana.subjects() == ["code", "thanks"]
    assert bea.subjects() == []
