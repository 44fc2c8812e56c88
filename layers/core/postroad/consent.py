"""May this go to that address: the one rule, asked in the fold with the contact's copies and last by the sender."""

from collections.abc import Mapping
from typing import NamedTuple

from postroad.channels import ANSWERED, CHANNELS, USUAL, full_address
from postroad.contacts import Consent, Contact

# A refusal of this topic refuses every topic.
EVERY_TOPIC = "*"


def consent_key(channel: str, topic: str) -> str:
    """The key of a contact's own copy of an answer: a STOP by text says nothing about e-mail.

    A channel that needs no address which they gave us goes by what they said by the usual one. The telephone, no
    channel of messages, has answers of its own.
    """
    goes_by_usual = channel in CHANNELS and channel not in ANSWERED
    return topic if channel == USUAL or goes_by_usual else f"{channel}:{topic}"


class Topic(NamedTuple):
    """A subject that a contact can subscribe to; `opt_in` says that silence is a no. What is `transactional` is owed
    to people: no cap counts it, and no control group goes without it."""

    topic_id: str
    name: str
    opt_in: bool
    transactional: bool = False


def stands(consent: Consent | None, every: Consent | None, assumed: bool) -> bool:
    """Whether a topic has a yes: a refusal of everything outranks an older yes, silence counts as `assumed` says."""
    if every and not every.granted and not (consent and consent.granted and consent.time > every.time):
        return False
    return consent.granted if consent else assumed


def find_obstacle(topic: Topic, suppression: str | None, consent: Consent | None, every: Consent | None) -> str | None:
    """Why nothing about this topic may go to an address, as a sentence; None when it may.

    `suppression` is the reason the address is suppressed, `consent` the answer for the topic, `every` the one for all
    topics. Suppression outranks everything, a refusal outranks an older yes, and silence counts as the topic says.
    """
    if suppression:
        return f"the address is suppressed: {suppression}"
    if stands(consent, every, not topic.opt_in):
        return None
    if consent and not consent.granted:
        return f"the contact unsubscribed from {topic.name}"
    if every and not every.granted:
        return "the contact unsubscribed from everything"
    return f"{topic.name} needs an opt-in, and there is none"


def find_last_obstacle(
    topic: Topic, contact: Contact, channel: str, address: str, suppression: str | None, said: Mapping[str, Consent]
) -> str | None:
    """The same, by what the tables say about an address, and what the person said from another one.

    `suppression` and `said` (by topic) are the tables', `address` is the channel's own.
    """

    def latest(topic_id: str) -> Consent | None:
        answers = (said.get(topic_id), contact.consents.get(consent_key(channel, topic_id)))
        return max((answer for answer in answers if answer), key=lambda a: (a.time, not a.granted), default=None)

    suppressed = suppression or contact.suppressions.get(full_address(channel, address))
    return find_obstacle(topic, suppressed, latest(topic.topic_id), latest(EVERY_TOPIC))
