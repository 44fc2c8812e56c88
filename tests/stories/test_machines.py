"""What a journey tells machines: a webhook is tried again while its receiver is down, and a function is called."""

import json
from io import BytesIO
from zipfile import ZipFile

from tests.stories.client import fresh

RECEIVER = "https://crm.tidewater.example/postroad"


def test_a_webhook_is_tried_again_until_its_receiver_is_back(shop):
    name = fresh("tell")
    body = {"for": "{{ contact.email }}", "total": "{{ event.total }}"}
    steps = [
        {"id": "tell", "send": {"template": name, "channel": "webhook"}},
        {
            "id": "heard",
            "wait": {
                "event": "Message Delivered",
                "where": {"property": "step", "is": "tell"},
                "timeout": "P2D",
                "then": [{"id": "told", "exit": {"reason": "the CRM knows"}}],
            },
        },
    ]
    shop.publish(
        {"kind": "template", "id": name, "channel": "webhook", "to": "crm", "body": body},
        {"kind": "journey", "id": name, "trigger": {"event": f"Bought {name}"}, "steps": steps},
    )
    ana = shop.person("ana")
    shop.mail_account(webhook_status=503)
    try:
        ana.track(f"Bought {name}", total=24.5)
        waiting = ana.messages()["tell"]
        assert (waiting["state"], waiting["reason"]) == ("queued", "crm.tidewater.example answered 503")
    finally:
        shop.mail_account(webhook_status=200)
    shop.advance("PT2H")
    (call,) = [item for item in shop.inbox(RECEIVER) if ana.email in item.text]
    assert call.channel == "webhook"
    assert json.loads(call.text) == {"for": ana.email, "total": 24.5}
    assert call.headers.keys() == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    assert ana.messages()["tell"]["state"] == "delivered"
    assert ana.why(f"journey/{name}", "told") == "reached the exit 'the CRM knows'"


HANDLER = """
def handler(event, context):
    return {"said": event["body"]["text"], "to": event["message_id"]}
"""


def test_a_function_of_the_operators_is_a_channel_and_its_answer_is_heard(shop):
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("index.py", HANDLER)
    shop.aws("lambda").create_function(
        FunctionName="postroad-channel-whatsapp",
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/whatsapp",
        Handler="index.handler",
        Code={"ZipFile": packed.getvalue()},
    )
    name = fresh("whatsapp")
    steps = [
        {"id": "hello", "send": {"template": name, "channel": "custom"}},
        {"id": "heard", "wait": {"event": "Message Delivered", "timeout": "PT1H"}},
    ]
    text = {"text": "Hello {{ contact.email }}"}
    shop.publish(
        {"kind": "template", "id": name, "channel": "custom", "to": "whatsapp", "topic": "offers", "body": text},
        {"kind": "journey", "id": name, "trigger": {"event": f"Bought {name}"}, "steps": steps},
    )
    ana = shop.person("ana")
    ana.track(f"Bought {name}")
    message = ana.messages()["hello"]
    assert message["state"] == "delivered"
    heard = next(item for item in ana.timeline() if item["name"] == "Message Delivered")
    answer = {"said": f"Hello {ana.email}", "to": message["message_id"]}
    assert (heard["properties"]["status"], heard["properties"]["answer"]) == (200, answer)
