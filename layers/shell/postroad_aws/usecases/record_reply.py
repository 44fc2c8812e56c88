"""What people answer to a text: STOP ends all texts at once, START allows them again; anything else is an event."""

import json

from postroad.consent import EVERY_TOPIC
from postroad.events import SMS_REPLIED, SUBSCRIBED, UNSUBSCRIBED, Event
from postroad.identities import Identity, find_identity
from postroad.sms import classify_reply
from postroad_aws.observability import logger
from postroad_aws.ports import Ports
from postroad_aws.usecases.send_event import send_event

_EVENTS = {"stop": UNSUBSCRIBED, "start": SUBSCRIBED}


def record_reply(ports: Ports, body: str, notification_id: str, notified: float) -> None:
    """Read one inbound text, in the JSON of AWS End User Messaging (originationNumber, messageBody, …).

    `notified` is when SNS took it, which is the same however often it comes. A refusal is written before anything else
    happens.
    """
    try:
        reply = json.loads(body)
        phone = find_identity("phone", reply["originationNumber"])
        text = str(reply["messageBody"])
    except (ValueError, LookupError, TypeError, RecursionError):
        phone = None
    if phone is None:
        logger.warning("an inbound text could not be read", receipt=notification_id)
        return
    now = ports.clock.now()
    meaning = classify_reply(text)
    if meaning in _EVENTS:
        granted = meaning == "start"
        evidence = {"said": meaning, "notification": notification_id}
        ports.refusals.save_consent(str(phone), EVERY_TOPIC, granted, now, evidence)
    send_event(ports.queues, _event(phone, text, meaning, notification_id, now, notified))


def _event(phone: Identity, text: str, meaning: str | None, notification_id: str, now: float, notified: float) -> Event:
    properties = {"topic": EVERY_TOPIC, "channel": "sms"} if meaning in _EVENTS else {"text": text[:1_000]}
    return Event(
        event_id=f"sms-{notification_id}",
        name=_EVENTS.get(meaning or "", SMS_REPLIED),
        time=now,
        key_time=notified,
        identities=(phone,),
        trusted=True,
        source="postroad",
        properties=properties,
    )
