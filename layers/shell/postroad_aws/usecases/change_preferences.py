"""The preference centre: what somebody has said about our messages, and saying it anew.

What is refused, or paused, is written before it is answered; the events follow.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from postroad.consent.confirmation import GOOD_FOR
from postroad.consent.preferences import Choice, Wish
from postroad.consent.rule import EVERY_TOPIC, Topic, consent_key, in_force, later, stands
from postroad.contacts.contact import Consent, Contact
from postroad.content.links import Preferences
from postroad.events import (
    MESSAGES_PAUSED,
    MESSAGES_RESUMED,
    PREFERENCES_CHANGED,
    SUBSCRIBED,
    UNSUBSCRIBED,
    Event,
)
from postroad.instants import DAY
from postroad.sending.channels import address_kind, full_address
from postroad_aws.ports import Ports
from postroad_aws.usecases.find_contact import find_contact
from postroad_aws.usecases.send_event import send_event


class Shown(NamedTuple):
    """What the preference centre says of a contact. `address` is the one that the link's message went to."""

    address: str
    choices: tuple[Choice, ...]
    frequency: str
    paused_until: float | None
    channel: str


class _Person(NamedTuple):
    """A contact behind a link, and what stands about its addresses on the link's channel, the link's own first."""

    contact: Contact
    addresses: list[str]
    topics: list[Topic]
    answers: Mapping[str, Consent]

    @property
    def paused(self) -> Consent | None:
        every = self.answers.get(EVERY_TOPIC)
        return every if every and not every.granted and every.until is not None else None

    @property
    def has_left(self) -> bool:
        """Whether everything was refused for good; a topic may have been chosen since."""
        every = self.answers.get(EVERY_TOPIC)
        return bool(every and not every.granted and every.until is None)

    def wants(self, topic: Topic) -> bool:
        """Whether a topic is wanted, a pause apart."""
        every = None if self.paused else self.answers.get(EVERY_TOPIC)
        return stands(self.answers.get(topic.topic_id), every, not topic.opt_in)


def show_preferences(ports: Ports, link: Preferences) -> Shown | None:
    """What somebody has said until now; None when nobody is behind the link any more."""
    person = _find_person(ports, link)
    if person is None:
        return None
    now, address = ports.clock.now(), person.addresses[0]
    choices = tuple(
        Choice(topic.topic_id, topic.name, wanted, not wanted and _is_pending(ports, address, topic, now))
        for topic, wanted in ((topic, person.wants(topic)) for topic in person.topics)
    )
    paused = person.paused
    until = paused.until if paused else None
    return Shown(address.partition(":")[2], choices, person.contact.frequency, until, link.channel)


def change_preferences(ports: Ports, link: Preferences, wish: Wish, evidence: Mapping[str, Any]) -> bool:
    """Write what somebody says anew, of that only what differs; False when nobody is behind the link any more."""
    person = _find_person(ports, link)
    if person is None:
        return False
    now = ports.clock.now()
    events = list(_write(ports, person, link, wish, now, {**evidence, "message_id": link.message_id}))
    if wish.frequency is not None and wish.frequency != person.contact.frequency:
        events.append((PREFERENCES_CHANGED, {"frequency": wish.frequency}))
    for number, (name, said) in enumerate(events):
        send_event(
            ports.queues,
            Event(
                # By the second: who changes their mind has said so twice.
                event_id=f"{link.message_id}:{now:.0f}:{number}",
                name=name,
                time=now,
                key_time=now,
                contact_id=link.contact_id,
                trusted=True,
                source="postroad",
                properties={**said, "channel": link.channel, "message_id": link.message_id},
            ),
        )
    return True


def _write(
    ports: Ports, person: _Person, link: Preferences, wish: Wish, now: float, evidence: Mapping[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Write the answers of a wish; what follows from each, as (name, properties) of an event."""

    def save(topic: str, granted: bool, until: float | None = None) -> None:
        for address in person.addresses:
            ports.refusals.save_consent(address, topic, granted, now, evidence, until)

    if wish.nothing:
        save(EVERY_TOPIC, False)
        yield UNSUBSCRIBED, {"topic": EVERY_TOPIC}
        return
    changed = [t for t in person.topics if wish.topics.get(t.topic_id, person.wants(t)) != person.wants(t)]
    for topic in changed:
        wanted = wish.topics[topic.topic_id]
        save(topic.topic_id, wanted)
        yield (SUBSCRIBED if wanted else UNSUBSCRIBED), {"topic": topic.topic_id}
    paused = person.paused
    until = (paused.until if paused else None) if wish.pause is None else now + wish.pause * DAY
    if wish.pause == 0:
        if paused:
            save(EVERY_TOPIC, True)
            yield MESSAGES_RESUMED, {"topic": EVERY_TOPIC}
    elif until is not None and (wish.pause or any(wish.topics[topic.topic_id] for topic in changed)):
        unwanted = [topic for topic in person.topics if not wish.topics.get(topic.topic_id, person.wants(topic))]
        if person.has_left and len(unwanted) == len(person.topics):
            return  # there is nothing to pause, and when it ended it would end the refusal
        if person.has_left:
            for topic in unwanted:
                save(topic.topic_id, False)
                yield UNSUBSCRIBED, {"topic": topic.topic_id}
            save(EVERY_TOPIC, True)
            yield MESSAGES_RESUMED, {"topic": EVERY_TOPIC}
        # After the answers: a newer yes would outrank it.
        save(EVERY_TOPIC, False, until)
        yield MESSAGES_PAUSED, {"topic": EVERY_TOPIC, "until": until}


def _find_person(ports: Ports, link: Preferences) -> _Person | None:
    contact = find_contact(ports.contacts, link.contact_id)
    if contact is None:
        return None
    message = ports.messages.find_message(link.message_id)
    values = [message.address] if message and message.address else []
    values += [value for value in contact.identity_values(address_kind(link.channel)) if value not in values]
    if not values:
        return None
    topics = list(ports.books.current_policy().topics.values())
    addresses = [full_address(link.channel, value) for value in values]
    asked = {address: {EVERY_TOPIC, *(topic.topic_id for topic in topics)} for address in addresses[:1]}
    said, now = ports.refusals.find_answers(asked)[addresses[0]].consents, ports.clock.now()
    expiries = {topic.topic_id: topic.expires_after for topic in topics}
    answers = {}
    for topic_id in (EVERY_TOPIC, *expiries):
        copy = contact.consents.get(consent_key(link.channel, topic_id))
        answer = in_force(later(said.get(topic_id), copy), now, expiries.get(topic_id))
        if answer:
            answers[topic_id] = answer
    person = _Person(contact, addresses, topics, answers)
    # What is owed to somebody is nothing to choose, but who has refused that, too, finds the way back here.
    return person._replace(topics=[topic for topic in topics if not (topic.transactional and person.wants(topic))])


def _is_pending(ports: Ports, address: str, topic: Topic, now: float) -> bool:
    asked = ports.refusals.find_request(address, topic.topic_id)
    return bool(asked) and now < asked["time"] + GOOD_FOR if asked else False
