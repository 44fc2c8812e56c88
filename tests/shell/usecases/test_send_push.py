"""A push from a journey to a device: sent, opened in the app, or given up with the device."""

import json
from typing import Any

import pytest

from demo.documents import load_definitions
from postroad.contacts.devices import DEVICE
from postroad.content.links import Waiting
from postroad.envelopes.push import TOKEN_KEY, Push
from postroad.sending.messages import Message
from postroad_aws import books, clock, links, runs
from postroad_aws.ports import Accepted, Refused
from postroad_aws.storage import definitions, messages, refusals, web_messages
from postroad_aws.usecases.end_web_message import end_web_message
from postroad_aws.usecases.publish_definitions import publish_definitions
from postroad_aws.usecases.send_message import send_message
from tests.account import ANA, Account, Channel

EMAIL = f"email:{ANA}"
PHONE, NEW_PHONE = ({DEVICE: {"type": "ios", "token": token}} for token in ("old-phone", "new-phone"))
TEMPLATE = {
    "kind": "template",
    "id": "cart-push",
    "channel": "push",
    "topic": "offers",
    "title": "Still there?",
    "text": "Your cart waits.",
    "url": "tidewater://cart",
}
JOURNEY = {
    "kind": "journey",
    "id": "cart-in-the-app",
    "trigger": {"event": "Cart Viewed"},
    "reentry": "always",
    "steps": [
        {"id": "nudge", "send": {"template": "cart-push", "channel": "push"}},
        {
            "id": "look",
            "wait": {
                "opened": "nudge",
                "timeout": "P1D",
                "then": [{"id": "note", "update": {"set": {"opened_app": True}}}],
                "else": [],
            },
        },
    ],
}
GONE = Refused("the device takes no more", None, is_gone=True)


@pytest.fixture
def shop(account: Account) -> Account:
    documents = [load_definitions()["policy/policy"], TEMPLATE, JOURNEY]
    publish_definitions(definitions, runs, clock, {f"{each['kind']}/{each['id']}": each for each in documents})
    books.forget()
    return account


def look_at_cart(shop: Account, device: dict[str, Any]) -> Message:
    """What a look at the cart on a device leads to."""
    shop.fold(shop.event("Cart Viewed", EMAIL, attributes=device))
    enrollment = shop.contact(EMAIL).active["cart-in-the-app"]
    found = messages.find_message(f"{enrollment.enrollment_id}.nudge")
    assert found is not None
    return found


def find(message: Message) -> Message:
    found = messages.find_message(message.message_id)
    assert found is not None
    return found


def test_c27_a_push_reaches_the_device_and_the_journey_goes_on_when_the_app_says_it_was_opened(shop):
    message, phone = look_at_cart(shop, PHONE), Channel(Accepted("sns-1"))
    ports = shop.with_channels(push=phone)
    assert send_message(ports, message.message_id) == "sent"
    assert send_message(ports, message.message_id) is None
    (sent,) = phone.sent
    assert isinstance(sent, Push)
    assert sent.to == "old-phone"
    shown = json.loads(json.loads(sent.payload)["APNS"])
    assert (shown["aps"]["alert"], shown["url"]) == (
        {"title": "Still there?", "body": "Your cart waits."}, "tidewater://cart",
    )  # fmt: skip
    assert (find(message).address, find(message).provider_id) == ("ios:old-phone", "sns-1")
    link = links.signer().find(Waiting, shown[TOKEN_KEY])
    assert link is not None
    end_web_message(ports, web_messages, link, "opened", {"user-agent": "Tidewater/3 (iPhone)"})
    shop.fold_arrived()
    assert shop.contact(EMAIL).find_value("opened_app") is True
    assert [each.response for each in shop.contact(EMAIL).engagement["push"]] == ["o"]


def test_a_device_that_is_gone_is_asked_once_and_a_new_token_is_a_new_device(shop):
    message, phone = look_at_cart(shop, PHONE), Channel(GONE, Accepted("sns-2"))
    ports = shop.with_channels(push=phone)
    assert send_message(ports, message.message_id) == "failed"
    assert find(message).reason == GONE.reason
    assert refusals.find_suppression(f"{DEVICE}:ios:old-phone") == GONE.reason
    shop.fold_arrived()
    assert shop.contact(EMAIL).suppressions == {f"{DEVICE}:ios:old-phone": GONE.reason}
    shop.advance(2 * 86_400)
    shop.fold(shop.event("Wake", EMAIL))
    # The contact knows by now; had it not heard, the sender would find it in the table.
    again = look_at_cart(shop, PHONE)
    assert (again.state, again.reason) == ("skipped", f"the address is suppressed: {GONE.reason}")
    shop.advance(2 * 86_400)
    shop.fold(shop.event("Wake", EMAIL))
    assert send_message(ports, look_at_cart(shop, NEW_PHONE).message_id) == "sent"
    assert [sent.to for sent in phone.sent] == ["old-phone", "new-phone"]


def test_the_sender_finds_a_device_that_is_gone_before_the_contact_has_heard_of_it(shop):
    message, phone = look_at_cart(shop, PHONE), Channel(Accepted("sns-1"))
    refusals.save_suppression(f"{DEVICE}:ios:old-phone", "gone", shop.now(), {})
    assert send_message(shop.with_channels(push=phone), message.message_id) == "skipped"
    assert phone.sent == []


def test_who_refused_the_topic_gets_no_push_about_it(shop):
    message, phone = look_at_cart(shop, PHONE), Channel(Accepted("sns-1"))
    shop.fold(shop.event("Unsubscribed", EMAIL, topic="offers", channel="email", source="postroad"))
    assert send_message(shop.with_channels(push=phone), message.message_id) == "skipped"
    assert phone.sent == []
    assert "unsubscribed" in find(message).reason
