"""Send one message: claim it, render it, ask the refusals last, call the channel once, record the receipt.

The claim is one conditional update, so of any number of deliveries one goes on. Refusals are read just before the
channel is called, so nothing leaves later than this function's timeout after a confirmed refusal. What the channel did
with a call that was not answered is unknown, and stays so until the channel says: it is never sent again blindly.
"""

from typing import Any

from postroad import messages as states
from postroad.consent import EVERY_TOPIC, find_obstacle
from postroad.contacts import Contact, full_address
from postroad.envelopes import Email, Text, compose
from postroad.events import MESSAGE_FAILED, MESSAGE_SKIPPED, Event
from postroad.messages import Message
from postroad.mime import MimeError
from postroad.packing import pack
from postroad.rendering import RenderError
from postroad_aws.observability import logger
from postroad_aws.ports import Accepted, Forward, Ports, Refused

# SQS delays a message by at most this long; what must wait longer is found by the hourly sweep.
MAX_DELAY = 900.0
MAX_HOPS = 16


def send_message(ports: Ports, message_id: str) -> str | None:
    """Try to send a queued message; returns the state it is left in, None when it is not ours to send.

    Raises when AWS fails before the channel was called; the delivery then comes again, and the sweep frees the claim.
    """
    owner = ports.ids.new_id()
    now = ports.clock.now()
    message = ports.messages.claim(message_id, owner, now)
    if message is None:
        return None
    if message.not_before and message.not_before > now:
        return _put_back(ports, message, owner, message.not_before, "it is not time yet")
    if message.expires_at and message.expires_at <= now:
        return _give_up(ports, message, owner, states.SKIPPED, "it expired before it could be sent")
    contact = _find_contact(ports, message.contact_id)
    if contact is None:
        return _give_up(ports, message, owner, states.SKIPPED, "the contact does not exist any more")
    if message.enrollment_id in contact.dropped:
        return _give_up(ports, message, owner, states.SKIPPED, "another journey of this person goes on instead")
    address = contact.find_address(message.channel)
    if address is None:
        return _give_up(ports, message, owner, states.SKIPPED, f"the contact has no address for {message.channel}")
    try:
        sending = _compose(ports, message, contact, address, now)
    except (RenderError, MimeError) as error:
        return _give_up(ports, message, owner, states.FAILED, f"the template could not be rendered: {error}")
    obstacle = _find_obstacle(ports, message, full_address(message.channel, address))
    if obstacle:
        return _give_up(ports, message, owner, states.SKIPPED, obstacle)
    result = ports.channels[message.channel].send(sending)
    if isinstance(result, Accepted):
        _settle(ports, message, owner, states.SENT, address=address, provider_id=result.provider_id)
        return states.SENT
    if isinstance(result, Refused):
        if result.retry_after is None:
            return _give_up(ports, message, owner, states.FAILED, result.reason)
        return _put_back(ports, message, owner, ports.clock.now() + result.retry_after, result.reason)
    _settle(ports, message, owner, states.UNKNOWN, address=address, reason=result.reason)
    return states.UNKNOWN


def _find_contact(ports: Ports, contact_id: str) -> Contact | None:
    for _ in range(MAX_HOPS):
        item = ports.contacts.find_items([contact_id], consistent=True).get(contact_id)
        if not isinstance(item, Forward):
            return item
        contact_id = item.contact_id
    return None


def _compose(ports: Ports, message: Message, contact: Contact, address: str, now: float) -> Email | Text:
    template = ports.templates.get_template(message.template, message.template_version)
    properties: dict[str, Any] = {}
    if message.trigger_key and any(name.split(".")[0] == "event" for name in template.variables):
        row = ports.timeline.find_row((contact.contact_id, *contact.merged_from), message.trigger_key)
        properties = dict(row.event.properties) if row else {}
    policy = ports.books.current().policy
    return compose(message, template, contact, address, properties, policy, ports.signer, ports.base_url, now)


def _find_obstacle(ports: Ports, message: Message, address: str) -> str | None:
    topic = ports.books.current().policy.find_topic(message.topic)
    return find_obstacle(
        topic,
        ports.refusals.find_suppression(address),
        ports.refusals.find_consent(address, message.topic),
        ports.refusals.find_consent(address, EVERY_TOPIC),
    )


def _settle(ports: Ports, message: Message, owner: str, state: str, **known: Any) -> None:
    if not ports.messages.settle(message.message_id, state, ports.clock.now(), owner=owner, **known):
        # The channel's own event came first, or the sweep gave this sender up: either knows at least as much.
        logger.info("a message was settled by others", message_id=message.message_id, state=state)


def _put_back(ports: Ports, message: Message, owner: str, not_before: float, reason: str) -> str:
    now = ports.clock.now()
    if ports.messages.release(message.message_id, owner, not_before, reason, now) and not_before - now <= MAX_DELAY:
        ports.queues.send_messages([message.message_id], delay=max(0.0, not_before - now))
    return states.QUEUED


def _give_up(ports: Ports, message: Message, owner: str, state: str, reason: str) -> str:
    """It will not be sent. The contact hears of it first, so that a crash between the two loses nothing."""
    name = MESSAGE_SKIPPED if state == states.SKIPPED else MESSAGE_FAILED
    now = ports.clock.now()
    event = Event(
        event_id=f"{message.message_id}:{state}",
        name=name,
        time=now,
        key_time=message.created_at,
        contact_id=message.contact_id,
        trusted=True,
        source="postroad",
        properties={**message_properties(message), "reason": reason},
    )
    failed = ports.queues.send_events(pack([event]))
    if failed:
        raise ConnectionError("the events queue did not take the word that a message was given up")
    _settle(ports, message, owner, state, reason=reason)
    return state


def message_properties(message: Message) -> dict[str, Any]:
    """What every event about a message says of it, in the words of the Segment e-mail vocabulary."""
    return {
        "message_id": message.message_id,
        "email_id": message.template,
        "campaign_id": message.origin,
        "enrollment_id": message.enrollment_id,
        "step": message.step,
        "channel": message.channel,
        "topic": message.topic,
    }
