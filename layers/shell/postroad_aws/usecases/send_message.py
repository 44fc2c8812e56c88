"""Send one message: claim it, render it, ask the refusals last, call the channel once, record the receipt.

The claim is one conditional update, so of any number of deliveries one goes on. Refusals are read just before the
channel is called, so nothing leaves later than this function's timeout after a confirmed refusal. What the channel did
with a call that was not answered is unknown, and stays so until the channel says: it is never sent again blindly.
"""

from typing import Any

from postroad import messages as states
from postroad.consent import EVERY_TOPIC, consent_key, find_obstacle
from postroad.contacts import Consent, Contact, full_address
from postroad.envelopes import Email, Text, compose
from postroad.errors import PostroadError
from postroad.events import MESSAGE_FAILED, MESSAGE_SKIPPED, Event
from postroad.messages import Message
from postroad.rendering import RenderError
from postroad_aws.observability import logger
from postroad_aws.ports import Accepted, Ports, Refused
from postroad_aws.usecases.find_contact import find_contact
from postroad_aws.usecases.send_event import send_event

# SQS delays a message by at most this long; what must wait longer is found by the hourly sweep.
MAX_DELAY = 900.0
# In these states a message has not been given to a channel; of a dropped enrollment it will not be.
_NEVER_LEFT = (states.QUEUED, states.SKIPPED, states.FAILED)


def send_message(ports: Ports, message_id: str) -> str | None:
    """Try to send a queued message; returns the state it is left in, None when it is not ours to send.

    Raises when AWS fails before the channel was called; the claim is given back, and the delivery comes again.
    """
    owner = ports.ids.new_id()
    now = ports.clock.now()
    message = ports.messages.claim(message_id, owner, now)
    if message is None:
        return None
    try:
        prepared = _prepare(ports, message, owner, now)
    except Exception:
        # Nothing has left yet, so the next delivery may try.
        ports.messages.release(message.message_id, owner, now, "AWS failed before it could be sent", now)
        raise
    if isinstance(prepared, str):
        return prepared
    sending, address = prepared
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


def _prepare(ports: Ports, message: Message, owner: str, now: float) -> tuple[Email | Text, str] | str:
    """What the channel gets, and the address; or the state in which a message that cannot leave now was left."""
    if message.not_before and message.not_before > now:
        return _put_back(ports, message, owner, message.not_before, "it is not time yet")
    if message.expires_at and message.expires_at <= now:
        return _give_up(ports, message, owner, states.SKIPPED, "it expired before it could be sent")
    contact = find_contact(ports.contacts, message.contact_id)
    if contact is None:
        return _give_up(ports, message, owner, states.SKIPPED, "the contact does not exist any more")
    if message.enrollment_id in contact.dropped:
        return _give_up(ports, message, owner, states.SKIPPED, "another journey of this person goes on instead")
    if _has_twin(ports, message, contact):
        return _give_up(ports, message, owner, states.SKIPPED, "this person got the same step as another contact")
    address = contact.find_address(message.channel)
    if address is None:
        return _give_up(ports, message, owner, states.SKIPPED, f"the contact has no address for {message.channel}")
    sending = _compose(ports, message, contact, address, now)
    if isinstance(sending, str):
        return _give_up(ports, message, owner, states.FAILED, sending)
    obstacle = _find_obstacle(ports, message, contact, full_address(message.channel, address))
    if obstacle:
        return _give_up(ports, message, owner, states.SKIPPED, obstacle)
    return sending, address


def _has_twin(ports: Ports, message: Message, contact: Contact) -> bool:
    """Whether the same step left, or may have, for an enrollment that a merge has dropped. Ids are derived."""
    journey = message.origin.partition("@")[0]
    for enrollment_id in contact.dropped:
        twin = ports.messages.find_message(message.message_id.replace(message.enrollment_id, enrollment_id, 1))
        if twin and twin.origin.partition("@")[0] == journey and twin.state not in _NEVER_LEFT:
            return True
    return False


def _compose(ports: Ports, message: Message, contact: Contact, address: str, now: float) -> Email | Text | str:
    """The message as its channel takes it, or why there can be none: that fails this message, for good."""
    try:
        template = ports.templates.get_template(message.template, message.template_version)
    except PostroadError as error:
        return f"the template cannot be used: {error}"
    if template.channel != message.channel:
        return f"the template {message.template} is one for {template.channel}"
    properties: dict[str, Any] = {}
    if message.trigger_key and any(name.split(".")[0] == "event" for name in template.variables):
        row = ports.timeline.find_row((contact.contact_id, *contact.merged_from), message.trigger_key)
        properties = dict(row.event.properties) if row else {}
    # At least the book that queued it: a topic may have been published with its first message.
    policy = ports.books.current(at_least=contact.revision).policy
    try:
        return compose(message, template, contact, address, properties, policy, ports.signer, ports.base_url, now)
    except RenderError as error:
        return f"the template could not be rendered: {error}"
    except PostroadError as error:
        return f"it could not be composed: {error}"
    except Exception as error:  # composing is pure: what throws now throws at every delivery
        logger.exception("a message could not be composed", message_id=message.message_id)
        return f"it could not be composed ({type(error).__name__})"


def _find_obstacle(ports: Ports, message: Message, contact: Contact, address: str) -> str | None:
    """Why it may not go there: by what this address has said, and what the person said from another one."""
    topic = ports.books.current(at_least=contact.revision).policy.find_topic(message.topic)
    suppression, answers = ports.refusals.find_answers(address, {message.topic, EVERY_TOPIC})

    def latest(topic_id: str) -> Consent | None:
        said = (answers.get(topic_id), contact.consents.get(consent_key(message.channel, topic_id)))
        return max((answer for answer in said if answer), key=lambda a: (a.time, not a.granted), default=None)

    return find_obstacle(
        topic, suppression or contact.suppressions.get(address), latest(message.topic), latest(EVERY_TOPIC)
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
    send_event(ports.queues, event)
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
