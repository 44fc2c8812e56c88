"""A webhook from a journey to its receiver: delivered and heard of, tried again for a day, or given up."""

import json
from typing import Any

import pytest

from demo.documents import load_definitions
from postroad.contacts.identities import parse_identity
from postroad.errors import DefinitionError
from postroad.sending.messages import PATIENCE, Message
from postroad_aws import books, clock, runs, wiring
from postroad_aws.ports import Accepted, Refused, Unclear
from postroad_aws.storage import definitions, messages
from postroad_aws.usecases.publish_definitions import publish_definitions
from postroad_aws.usecases.send_message import FIRST_PAUSE, send_message
from postroad_aws.usecases.suppress_address import suppress_address
from postroad_aws.usecases.sweep_messages import Swept, sweep_messages
from tests.account import ANA, Account, Channel

EMAIL = f"email:{ANA}"
HOOK = "https://hooks.example.com/crm"
TEMPLATE = {"kind": "template", "id": "tell-crm", "name": "Tell the CRM", "channel": "webhook", "to": "crm"}
# What the machine answered decides the way, and so does that it could not be reached.
JOURNEY = {
    "kind": "journey",
    "id": "to-crm",
    "name": "To the CRM",
    "trigger": {"event": "Order Completed"},
    "steps": [
        {"id": "tell", "send": {"template": "tell-crm", "channel": "webhook"}},
        {
            "id": "heard",
            "wait": {
                "event": "Message Delivered",
                "where": {"all": [{"property": "step", "is": "tell"}, {"property": "answer.vip", "is": True}]},
                "timeout": "P2D",
                "then": [{"id": "vip", "update": {"set": {"vip": True}}}],
                "else": [
                    {
                        "id": "look",
                        "branch": {
                            "cases": [
                                {
                                    "if": {"message": "failed", "step": "tell"},
                                    "then": [{"id": "note", "update": {"set": {"crm": "unreached"}}}],
                                }
                            ]
                        },
                    }
                ],
            },
        },
    ],
}


def publish(*documents: dict[str, Any], webhooks: Any = ({"id": "crm", "url": HOOK},)) -> None:
    policy = {**load_definitions()["policy/policy"], "webhooks": list(webhooks)}
    entering = {f"{document['kind']}/{document['id']}": document for document in (policy, *documents)}
    publish_definitions(definitions, runs, clock, entering)
    books.forget()


@pytest.fixture
def message(account: Account) -> Message:
    """The webhook that an order asks for, queued."""
    publish(TEMPLATE, JOURNEY)
    account.fold(account.event("Order Completed", EMAIL, total=24.5, attributes={"first_name": "Ana"}))
    enrollment = account.contact(EMAIL).active["to-crm"]
    found = messages.find_message(f"{enrollment.enrollment_id}.tell")
    assert found is not None
    return found


def find(message: Message) -> Message:
    found = messages.find_message(message.message_id)
    assert found is not None
    return found


def test_a_webhook_is_delivered_once_and_what_it_was_answered_decides_the_way(account, message):
    receiver = Channel(Accepted("", {"status": 201, "answer": {"vip": True}}))
    ports = account.with_channels(webhook=receiver)
    assert send_message(ports, message.message_id) == "delivered"
    assert send_message(ports, message.message_id) is None
    (call,) = receiver.sent
    assert (call.to, call.name) == (HOOK, "crm")
    said = json.loads(call.body)["data"]
    assert (said["contact"]["email"], said["contact"]["first_name"], said["event"]) == (ANA, "Ana", {"total": 24.5})
    stored = find(message)
    assert (stored.state, stored.topic, stored.address) == ("delivered", "", message.contact_id)
    assert not stored.is_pending
    account.fold_arrived()
    assert account.contact(EMAIL).find_value("vip") is True


def test_nobody_hears_of_a_delivery_to_which_nothing_listens(account):
    publish(TEMPLATE, {**JOURNEY, "steps": JOURNEY["steps"][:1]})
    account.fold(account.event("Order Completed", EMAIL))
    message_id = account.messages(EMAIL)["tell"].message_id
    assert (
        send_message(account.with_channels(webhook=Channel(Accepted("", {"status": 200}))), message_id) == "delivered"
    )
    assert account.arrived() == []


@pytest.mark.parametrize("trouble", [Unclear("it did not answer"), Refused("it answered 503", 10.0)])
def test_what_may_have_arrived_is_sent_again_with_growing_pauses(account, message, trouble):
    receiver = Channel(trouble, trouble, trouble, Accepted("", {"status": 200}))
    ports = account.with_channels(webhook=receiver)
    pauses = []
    for _ in range(3):
        assert send_message(ports, message.message_id) == "queued"
        stored = find(message)
        assert stored.reason == trouble.reason
        pauses.append((stored.not_before or 0.0) - account.now())
        account.advance(pauses[-1] + 1)
    assert FIRST_PAUSE - 1 < pauses[0] < pauses[1] < pauses[2]
    assert send_message(ports, message.message_id) == "delivered"
    assert len({(call.message_id, call.body) for call in receiver.sent}) == 1


def test_a_receiver_may_ask_to_be_left_alone_for_a_while(account, message):
    send_message(account.with_channels(webhook=Channel(Refused("it answered 429", 600.0))), message.message_id)
    assert 595 < (find(message).not_before or 0.0) - account.now() <= 600


def test_after_a_day_it_is_given_up_and_the_journey_goes_its_other_way(account, message):
    ports = account.with_channels(webhook=Channel(Unclear("it did not answer")))
    account.advance(86_400 - 3_500)
    assert send_message(ports, message.message_id) == "failed"
    assert find(message).reason == "it did not answer; it was tried for 1 day"
    account.fold_arrived()
    account.advance(2 * 86_400)
    wake = account.event("Wake", EMAIL)
    account.fold(wake)
    assert account.contact(EMAIL).find_value("crm") == "unreached"


def test_a_receiver_that_says_no_is_not_asked_again(account, message):
    receiver = Channel(Refused("it answered 400", None))
    assert send_message(account.with_channels(webhook=receiver), message.message_id) == "failed"
    assert find(message).reason == "it answered 400"


def test_an_address_that_a_live_template_names_stays_in_the_policy(account, message):
    with pytest.raises(DefinitionError, match="it is live, and the policy has no 'crm' among its webhooks"):
        publish(webhooks=())


def test_a_message_that_waits_for_an_address_that_is_gone_fails(account, message):
    publish({**TEMPLATE, "to": "erp"}, webhooks=[{"id": "erp", "url": "https://erp.example.com/"}])
    receiver = Channel()
    assert send_message(account.with_channels(webhook=receiver), message.message_id) == "failed"
    assert "the policy has no 'crm' among its webhooks" in find(message).reason
    assert receiver.sent == []


def test_what_is_about_no_topic_goes_whatever_the_person_has_refused(account, message):
    suppress_address(account.ports, parse_identity(EMAIL), "bounced", "test")
    receiver = Channel(Accepted("", {"status": 200}))
    assert send_message(account.with_channels(webhook=receiver), message.message_id) == "delivered"


def test_a_sender_that_died_while_it_called_is_followed_by_another(account, message):
    messages.claim(message.message_id, "dead", account.now())
    account.sends()
    account.advance(PATIENCE["sending"] + 1)
    assert sweep_messages(wiring.keyless()) == Swept(0, 0)
    assert account.sends() == [message.message_id]
    receiver = Channel(Accepted("", {"status": 200}))
    assert send_message(account.with_channels(webhook=receiver), message.message_id) == "delivered"
