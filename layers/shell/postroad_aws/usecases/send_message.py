"""Send messages: claim one, render it, ask the refusals last, call the channel once, record the receipt.

The claim is one conditional update, so of any number of deliveries one goes on. It is made for each message just before
its channel is called, so a process that dies leaves one in doubt. Contacts and refusals are read for all messages of a
batch at once, and again when they are older than `FRESH`, so nothing leaves later than this function's timeout after a
confirmed refusal. What the channel did with a call that was not answered is unknown, and stays so until the channel
says: it is never sent again blindly. What is held is not claimed: it stays queued, until whoever lifts the hold queues
it again. Only what goes to a machine, which knows a message again by its id, is tried
again (`Channel.tries_for`).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from postroad.broadcasts import broadcast as broadcasts
from postroad.consent.rule import EVERY_TOPIC, find_last_obstacle
from postroad.contacts.contact import Contact
from postroad.content.rendering import RenderError
from postroad.envelopes import compose
from postroad.errors import PostroadError
from postroad.events import ADDRESS_SUPPRESSED, MESSAGE_DELIVERED, MESSAGE_FAILED, MESSAGE_SENT, MESSAGE_SKIPPED, Event
from postroad.instants import describe_duration
from postroad.lots import draw
from postroad.sending import messages as states
from postroad.sending.channels import CHANNELS, full_address
from postroad.sending.holds import PAUSE, SLOW, STOP, WARM_UP, Hold, find_hold, is_slowed
from postroad.sending.messages import Message
from postroad_aws.observability import logger
from postroad_aws.ports import Accepted, Answers, Ports, Refused, Unclear
from postroad_aws.usecases.ask_content import ask_content
from postroad_aws.usecases.find_contact import find_contact, find_contacts
from postroad_aws.usecases.send_event import send_event

if TYPE_CHECKING:
    from postroad.envelopes import Envelope

# SQS delays a message by at most this long; what must wait longer is found by the hourly sweep.
MAX_DELAY = 900.0
# Seconds for which what was read of contacts and refusals may be relied upon.
FRESH = 2.0
# Seconds until a message that may be sent more than once is tried again: at first, and at most.
FIRST_PAUSE, LONGEST_PAUSE = 10.0, 3_600.0
# Seconds until a message looks again at another one that is being sent to the same person.
TWIN_PAUSE = 60.0
# In these states a message has not been given to a channel; of a dropped enrollment it will not be.
_NEVER_LEFT = (states.QUEUED, states.SKIPPED, states.FAILED)


def send_messages(ports: Ports, ids: Sequence[str], has_time: Callable[[], bool]) -> set[str]:
    """Try to send these queued messages; returns those whose deliveries must come again.

    Each by itself: one that fails harms no other. `has_time` says whether there is time for another one.
    """
    facts = _Facts(ports)
    if len(ids) > 1:
        facts.read_ahead(ids)
    failed = set()
    for message_id in ids:
        if not has_time():
            failed.add(message_id)
            continue
        try:
            send_message(ports, message_id, facts)
        except Exception:
            logger.exception("a message could not be sent", message_id=message_id)
            failed.add(message_id)
    return failed


class _Facts:
    """What must be known of people and addresses to send them messages.

    Read for a batch at once, because a call costs more than an item, and anew when it is no longer fresh.
    """

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self.read_at = -inf
        self.contacts: Mapping[str, Contact] = {}
        self.topics: dict[str, set[str]] = {}
        self.answers: Mapping[str, Answers] = {}

    def read_ahead(self, ids: Collection[str]) -> None:
        """Read what these messages need. When that fails, each reads for itself, and fails by itself."""
        ports, now = self.ports, self.ports.clock.now()
        try:
            messages = ports.messages.find_messages(ids).values()
            self.contacts = find_contacts(ports.contacts, {message.contact_id for message in messages})
            for message in messages:
                contact = self.contacts.get(message.contact_id)
                address = contact.find_address(message.channel) if contact else None
                if address is not None:
                    asked = self.topics.setdefault(full_address(message.channel, address), {EVERY_TOPIC})
                    asked.add(message.topic)
            self.answers = ports.refusals.find_answers(self.topics) if self.topics else {}
        except Exception as error:
            logger.info("a batch could not be read ahead", error=type(error).__name__)
            return
        self.read_at = now

    @property
    def are_fresh(self) -> bool:
        return 0 <= self.ports.clock.now() - self.read_at <= FRESH

    def find_contact(self, contact_id: str) -> Contact | None:
        if contact_id in self.contacts and self.are_fresh:
            return self.contacts[contact_id]
        return find_contact(self.ports.contacts, contact_id)

    def get_answers(self, address: str, topics: Collection[str]) -> Answers:
        if self.are_fresh and self.topics.get(address, set()).issuperset(topics):
            return self.answers[address]
        return self.ports.refusals.find_answers({address: topics})[address]


def send_message(ports: Ports, message_id: str, facts: _Facts | None = None) -> str | None:
    """Try to send a queued message; returns the state it is left in, None when it is not ours to send.

    Raises when AWS fails before the channel was called; the claim is given back, and the delivery comes again.
    """
    facts = facts or _Facts(ports)
    if any(hold.kind == PAUSE for hold in ports.holds.current()) and _is_held(ports, message_id):
        return states.QUEUED
    owner = ports.ids.new_id()
    now = ports.clock.now()
    message = ports.messages.claim(message_id, owner, now)
    if message is None:
        return None
    try:
        prepared = _prepare(ports, facts, message, owner, now)
    except Exception:
        # Nothing has left yet, so the next delivery may try.
        ports.messages.release(message.message_id, owner, now, "AWS failed before it could be sent", now)
        raise
    if isinstance(prepared, str):
        return prepared
    sending, address = prepared
    result = ports.channels[message.channel].send(sending)
    if isinstance(result, Accepted):
        state = states.SENT if result.answer is None else states.DELIVERED
        _settle(ports, message, owner, state, address=address, provider_id=result.provider_id)
        _tell(ports, message, state, result.answer or {})
        return state
    if isinstance(result, Refused) and result.retry_after is None:
        if result.is_gone:
            _write_off(ports, message, address, result.reason)
        return _give_up(ports, message, owner, states.FAILED, result.reason)
    if tries_for := CHANNELS[message.channel].tries_for:
        return _try_again(ports, message, owner, tries_for, result)
    if isinstance(result, Refused):
        # Not all at once again: by the owner's lot up to half as long more.
        pause = (result.retry_after or 0.0) * (1 + draw("pause", owner) / 2)
        return _put_back(ports, message, owner, ports.clock.now() + pause, result.reason)
    _settle(ports, message, owner, states.UNKNOWN, address=address, reason=result.reason)
    return states.UNKNOWN


def _write_off(ports: Ports, message: Message, address: str, reason: str) -> None:
    """Nothing will ever get to this address: nobody asks again. Whoever cannot be told now finds the same next time."""
    full, now = full_address(message.channel, address), ports.clock.now()
    try:
        ports.refusals.save_suppression(full, reason, now, {"by": message.channel, "message_id": message.message_id})
        said = {"addresses": [full], "reason": reason}
        event_id = f"{message.message_id}:gone"
        send_event(ports.queues, _say(event_id, ADDRESS_SUPPRESSED, message, now, said))
    except Exception as error:
        logger.exception("an address could not be written off", error=type(error).__name__)


def _try_again(ports: Ports, message: Message, owner: str, tries_for: float, result: Refused | Unclear) -> str:
    """Send it again later, as long as it has been tried until now: whoever has had it knows it by its id."""
    now = ports.clock.now()
    age = now - message.created_at
    asked = (result.retry_after or 0.0) if isinstance(result, Refused) else 0.0
    pause = min(max(age, FIRST_PAUSE, asked), LONGEST_PAUSE)
    if age + pause > tries_for:
        reason = f"{result.reason}; it was tried for {describe_duration(tries_for)}"
        return _give_up(ports, message, owner, states.FAILED, reason)
    return _put_back(ports, message, owner, now + pause, result.reason)


def _is_held(ports: Ports, message_id: str) -> bool:
    """Whether a queued message has to wait; asked only while anything is paused."""
    message = ports.messages.find_message(message_id)
    hold = _find_hold(ports, message) if message and message.state == states.QUEUED else None
    return hold is not None and hold.kind == PAUSE


def _find_hold(ports: Ports, message: Message) -> Hold | None:
    holds = ports.holds.current()
    if not holds:
        return None
    topic = ports.books.current_policy().find_topic(message.topic)
    return find_hold(holds, message.origin, topic.transactional)


def _prepare(ports: Ports, facts: _Facts, message: Message, owner: str, now: float) -> "tuple[Envelope, str] | str":
    """What the channel gets, and the address; or the state in which a message that cannot leave now was left."""
    if message.expires_at and message.expires_at <= now:
        return _give_up(ports, message, owner, states.SKIPPED, "it expired before it could be sent")
    hold = _find_hold(ports, message)
    if hold and hold.kind == STOP:
        return _give_up(ports, message, owner, states.SKIPPED, hold.note)
    if message.not_before and message.not_before > now and (hold or not is_slowed(message.reason)):
        return _put_back(ports, message, owner, message.not_before, message.reason or "it is not time yet")
    if hold and hold.kind == SLOW and (moment := _find_moment(facts, message, hold)) > now:
        return _put_back(ports, message, owner, moment, hold.slowing)
    contact = facts.find_contact(message.contact_id)
    if contact is None:
        return _give_up(ports, message, owner, states.SKIPPED, "the contact does not exist any more")
    if message.enrollment_id in contact.dropped:
        return _give_up(ports, message, owner, states.SKIPPED, "another journey of this person goes on instead")
    if _has_twin(ports, message, contact):
        return _give_up(ports, message, owner, states.SKIPPED, "this person got the same step as another contact")
    verdict = _judge_twins(ports, message, contact)
    if verdict == broadcasts.DOUBLE:
        return _give_up(ports, message, owner, states.SKIPPED, "this person gets the broadcast as another contact")
    if verdict == broadcasts.WAIT:
        return _put_back(ports, message, owner, now + TWIN_PAUSE, "the same is being sent to another address of theirs")
    address = contact.find_address(message.channel)
    if address is None:
        return _give_up(ports, message, owner, states.SKIPPED, f"the contact has no address for {message.channel}")
    policy = ports.books.current_policy(at_least=contact.revision)
    opens_at, because = policy.next_opening(contact, message.channel, message.topic, message.hours, now)
    if opens_at is None:
        return _give_up(ports, message, owner, states.SKIPPED, f"it is closed: {because}")
    if opens_at > now:
        return _put_back(ports, message, owner, opens_at, f"it is closed: {because}")
    sending = _compose(ports, message, contact, address, now)
    if isinstance(sending, str):
        return _give_up(ports, message, owner, states.FAILED, sending)
    obstacle = _find_obstacle(ports, facts, message, contact, address)
    if obstacle:
        return _give_up(ports, message, owner, states.SKIPPED, obstacle)
    return sending, address


def _find_moment(facts: _Facts, message: Message, hold: Hold) -> float:
    """When a message that is slowed may leave; while a domain warms up the most engaged get theirs first."""
    contact = facts.find_contact(message.contact_id) if hold.by == WARM_UP else None
    if contact is None:
        return hold.find_moment(message.message_id, message.created_at)
    from postroad.deliverability.warm_up import find_turn  # few domains warm up

    turn = find_turn(contact.last_sign, hold.since, message.message_id)
    return hold.find_moment(message.message_id, message.created_at, turn)


def _judge_twins(ports: Ports, message: Message, contact: Contact) -> str:
    """What the other messages mean that this person has of the same broadcast, having been several contacts."""
    before, after = broadcasts.twins_of(message, contact)
    find = ports.messages.find_message
    return broadcasts.judge_twins(map(find, before), map(find, after))


def _has_twin(ports: Ports, message: Message, contact: Contact) -> bool:
    """Whether the same step left, or may have, for an enrollment that a merge has dropped. Ids are derived."""
    if not message.enrollment_id:
        return False
    journey = message.origin.partition("@")[0]
    for enrollment_id in contact.dropped:
        twin = ports.messages.find_message(message.message_id.replace(message.enrollment_id, enrollment_id, 1))
        if twin and twin.origin.partition("@")[0] == journey and twin.state not in _NEVER_LEFT:
            return True
    return False


def _compose(ports: Ports, message: Message, contact: Contact, address: str, now: float) -> "Envelope | str":
    """The message as its channel takes it, or why there can be none: that fails this message, for good."""
    try:
        template = ports.templates.get_template(message.template, message.template_version)
    except PostroadError as error:
        return f"the template cannot be used: {error}"
    if template.channel != message.channel:
        return f"the template {message.template} is one for {template.channel}"
    template = template.in_language_of(contact.find_value)
    properties: dict[str, Any] = {}
    if message.trigger_key and not template.subjects.isdisjoint(("event", "item")):
        row = ports.timeline.find_row((contact.contact_id, *contact.merged_from), message.trigger_key)
        properties = dict(row.event.properties) if row else {}
    # At least the book that queued it: a topic may have been published with its first message.
    policy = ports.books.current_policy(at_least=contact.revision)
    asked = ask_content(ports.books, template, contact, now, ports.catalogue).values
    try:
        return compose(
            message, template, contact, address, properties, policy, ports.signer, ports.base_url, now, asked
        )
    except RenderError as error:
        return f"the template could not be rendered: {error}"
    except PostroadError as error:
        return f"it could not be composed: {error}"
    except Exception as error:  # composing is pure: what throws now throws at every delivery
        logger.exception("a message could not be composed", message_id=message.message_id)
        return f"it could not be composed ({type(error).__name__})"


def _find_obstacle(ports: Ports, facts: _Facts, message: Message, contact: Contact, address: str) -> str | None:
    """Why it may not go there."""
    topic = ports.books.current_policy(at_least=contact.revision).find_topic(message.topic)
    if contact.account_bar and not topic.transactional:
        return contact.account_bar
    suppression, said = facts.get_answers(full_address(message.channel, address), {message.topic, EVERY_TOPIC})
    return find_last_obstacle(topic, contact, message.channel, address, suppression, said, ports.clock.now())


def _settle(ports: Ports, message: Message, owner: str, state: str, **known: Any) -> None:
    if not ports.messages.settle(message.message_id, state, ports.clock.now(), owner=owner, **known):
        # The channel's own event came first, or the sweep gave this sender up: either knows at least as much.
        logger.info("a message was settled by others", message_id=message.message_id, state=state)


def _tell(ports: Ports, message: Message, state: str, answer: Mapping[str, Any]) -> None:
    """Let the contact hear of it, if anything listens. It has left: that nobody could be told is no reason to fail."""
    try:
        if ports.books.hears(_EVENTS[state]):
            send_event(ports.queues, message_event(message, state, ports.clock.now(), **answer))
    except Exception as error:  # a mail's own Send event from SES tells again
        logger.exception("a contact did not hear of its message", error=type(error).__name__)


def _put_back(ports: Ports, message: Message, owner: str, not_before: float, reason: str) -> str:
    now = ports.clock.now()
    if ports.messages.release(message.message_id, owner, not_before, reason, now) and not_before - now <= MAX_DELAY:
        ports.queues.send_messages([message.message_id], delay=max(0.0, not_before - now))
    return states.QUEUED


def _give_up(ports: Ports, message: Message, owner: str, state: str, reason: str) -> str:
    """It will not be sent. The contact hears of it first, so that a crash between the two loses nothing."""
    send_event(ports.queues, message_event(message, state, ports.clock.now(), reason=reason))
    _settle(ports, message, owner, state, reason=reason)
    return state


_EVENTS = {
    states.SENT: MESSAGE_SENT,
    states.DELIVERED: MESSAGE_DELIVERED,
    states.SKIPPED: MESSAGE_SKIPPED,
    states.FAILED: MESSAGE_FAILED,
}


def message_event(message: Message, state: str, time: float, **said: Any) -> Event:
    """The event that says to what state a message has come, the same whoever says it."""
    return _say(f"{message.message_id}:{state}", _EVENTS[state], message, time, {**message_properties(message), **said})


def _say(event_id: str, name: str, message: Message, time: float, properties: Mapping[str, Any]) -> Event:
    return Event(
        event_id=event_id,
        name=name,
        time=time,
        key_time=message.created_at,
        contact_id=message.contact_id,
        trusted=True,
        source="postroad",
        properties=properties,
    )


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
