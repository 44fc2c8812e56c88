"""What people answer to a text: STOP ends all texts at once, START allows them again; anything else is an event."""

import json
from hashlib import sha256
from typing import NamedTuple, Protocol

from postroad.consent.rule import EVERY_TOPIC
from postroad.contacts.identities import Identity, find_identity
from postroad.envelopes.sms import Text
from postroad.events import SMS_REPLIED, SUBSCRIBED, UNSUBSCRIBED, Event
from postroad.sending.sms import START, UNCLEAR, Reply, answer_reply, classify_reply
from postroad_aws.observability import logger
from postroad_aws.ports import Accepted, Ports
from postroad_aws.usecases.send_event import send_event

_EVENTS: dict[Reply | None, str] = {"stop": UNSUBSCRIBED, "start": SUBSCRIBED}


class Requests(Protocol):
    def begin(self, request_id: str, asked: str, owner: str, now: float) -> object | None:
        """Claim what is done once a day: None when it is ours to do."""

    def finish(self, request_id: str, owner: str, answer: str) -> bool:
        """Nobody shall do it again; False when somebody else has taken it over."""


class ReplyPorts(NamedTuple):
    """What taking in a reply touches."""

    ports: Ports
    requests: Requests


def record_reply(reply_ports: ReplyPorts, body: str, notification_id: str, notified: float) -> None:
    """Read one inbound text, in the JSON of AWS End User Messaging (originationNumber, messageBody, …).

    `notified` is when SNS took it, which is the same however often it comes: a word that is brought again counts as
    said then, so it does not outrank what was said since. A refusal is written before anything else happens; the
    answer comes last, at most once.
    """
    ports = reply_ports.ports
    try:
        reply = json.loads(body)
        phone = find_identity("phone", reply["originationNumber"])
        text = str(reply["messageBody"])
    except (ValueError, LookupError, TypeError, RecursionError):
        phone = None
    if phone is None:
        logger.warning("an inbound text could not be read", receipt=notification_id)
        return
    said_at = now = ports.clock.now()
    meaning = classify_reply(text)
    if meaning in _EVENTS:
        granted = meaning == START
        said_at = min(notified, now) if _was_brought_before(reply_ports, notification_id, now) else now
        evidence = {"said": meaning, "notification": notification_id}
        ports.refusals.save_consent(str(phone), EVERY_TOPIC, granted, said_at, evidence)
    send_event(ports.queues, _event(phone, text, meaning, notification_id, said_at, notified))
    _answer(reply_ports, phone, meaning, now)


def _was_brought_before(reply_ports: ReplyPorts, notification_id: str, now: float) -> bool:
    owner, request_id = reply_ports.ports.ids.new_id(), f"notification#{notification_id}"
    if reply_ports.requests.begin(request_id, "", owner, now) is not None:
        return True
    reply_ports.requests.finish(request_id, owner, "")
    return False


def _answer(reply_ports: ReplyPorts, phone: Identity, meaning: Reply | None, now: float) -> None:
    """Answer each word once a day: it may be brought twice, and two machines that answer each other would never end.

    The claim is closed before the text leaves, so a crash in between costs the answer and never makes a second one.
    """
    ports, requests = reply_ports
    policy = ports.books.current_policy()
    answer = answer_reply(meaning, policy.name, policy.sender)
    if answer is None:
        return
    request_id = f"reply#{meaning}#{sha256(str(phone).encode()).hexdigest()}"
    owner = ports.ids.new_id()
    if requests.begin(request_id, str(meaning), owner, now) is not None:
        return
    if not requests.finish(request_id, owner, str(meaning)):
        return  # whoever took it over, by another clock, answers
    text = Text(request_id, phone.value, answer, promotional=False, sender_id=policy.sms_sender or None)
    result = ports.channels["sms"].send(text)
    if not isinstance(result, Accepted):
        logger.warning("a reply was not answered", meaning=meaning, reason=result.reason)


def _event(
    phone: Identity, text: str, meaning: Reply | None, notification_id: str, said_at: float, notified: float
) -> Event:
    doubt = {"unclear": True} if meaning == UNCLEAR else {}
    properties = {"topic": EVERY_TOPIC, "channel": "sms"} if meaning in _EVENTS else {"text": text[:1_000], **doubt}
    return Event(
        event_id=f"sms-{notification_id}",
        name=_EVENTS.get(meaning, SMS_REPLIED),
        time=said_at,
        key_time=notified,
        identities=(phone,),
        trusted=True,
        source="postroad",
        properties=properties,
    )
