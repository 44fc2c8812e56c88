"""May this go to that address: the one rule, asked in the fold with the contact's copies and last by the sender."""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

from postroad.contacts.contact import Consent, Contact
from postroad.instants import stamp
from postroad.sending.channels import ANSWERED, CHANNELS, USUAL, full_address

# A refusal of this topic refuses every topic.
EVERY_TOPIC = "*"
# Why the address of somebody who was erased is suppressed: nothing goes there but what is owed to them.
ERASED = "erased"


def consent_key(channel: str, topic: str) -> str:
    """The key of a contact's own copy of an answer: a STOP by text says nothing about e-mail.

    A channel that needs no address which they gave us goes by what they said by the usual one. The telephone, no
    channel of messages, has answers of its own.
    """
    goes_by_usual = channel in CHANNELS and channel not in ANSWERED
    return topic if channel == USUAL or goes_by_usual else f"{channel}:{topic}"


class Topic(NamedTuple):
    """A subject that a contact can subscribe to; `opt_in` says that silence is a no. What is `transactional` is owed
    to people: no cap counts it, no control group goes without it, and no pause stops it.

    `is_confirmed` says that a yes of a form counts once its mail was confirmed; a yes ends `expires_after` seconds
    after it was given.
    """

    topic_id: str
    name: str
    opt_in: bool
    transactional: bool = False
    is_confirmed: bool = False
    expires_after: float | None = None


def ends_at(answer: Consent, expires_after: float | None = None) -> float:
    """From when on an answer counts no more; inf: it stays."""
    expires_at = answer.time + expires_after if answer.granted and expires_after is not None else inf
    return expires_at if answer.until is None else min(expires_at, answer.until)


def in_force(answer: Consent | None, now: float, expires_after: float | None = None) -> Consent | None:
    """The answer, if it still counts."""
    return answer if answer and now < ends_at(answer, expires_after) else None


def later(*answers: Consent | None) -> Consent | None:
    """The last of these answers; of one instant a no. A no that stays is outranked by a yes alone, and never by a pause
    that came after it."""
    said = [each for each in answers if each]
    yes = max((each.time for each in said if each.granted), default=-inf)
    stays = [each for each in said if not each.granted and each.until is None and each.time >= yes]
    return max(stays or said, key=lambda each: (each.time, not each.granted), default=None)


def stands(consent: Consent | None, every: Consent | None, assumed: bool) -> bool:
    """Whether a topic has a yes, by answers in force: a refusal of everything outranks an older yes, silence counts as
    `assumed` says."""
    if every and not every.granted and not (consent and consent.granted and consent.time > every.time):
        return False
    return consent.granted if consent else assumed


def find_obstacle(
    topic: Topic, suppression: str | None, given: Consent | None, every: Consent | None, now: float
) -> str | None:
    """Why nothing about this topic may go to an address, as a sentence; None when it may.

    `suppression` is the reason the address is suppressed, `given` the answer for the topic, `every` the one for all
    topics. Suppression outranks everything, a refusal outranks an older yes, and silence counts as the topic says.
    """
    if suppression and not (suppression == ERASED and topic.transactional):
        return f"the address is suppressed: {suppression}"
    consent, every = in_force(given, now, topic.expires_after), in_force(every, now)
    pause = every.until if every and not every.granted else None
    if pause is not None and topic.transactional:
        every = None
    if stands(consent, every, not topic.opt_in):
        return None
    if consent and not consent.granted:
        return f"the contact unsubscribed from {topic.name}"
    if every and not every.granted:
        wished = f"asked for a pause until {stamp(pause)}" if pause is not None else "unsubscribed from everything"
        return f"the contact {wished}"
    if given and given.granted:
        return f"the consent to {topic.name} ended {stamp(ends_at(given, topic.expires_after))}"
    return f"{topic.name} needs an opt-in, and there is none"


def find_last_obstacle(
    topic: Topic,
    contact: Contact,
    channel: str,
    address: str,
    suppression: str | None,
    said: Mapping[str, Consent],
    now: float,
) -> str | None:
    """The same, by what the tables say about an address, and what the person said from another one.

    `suppression` and `said` (by topic) are the tables', `address` is the channel's own.
    """

    def latest(topic_id: str) -> Consent | None:
        return later(said.get(topic_id), contact.consents.get(consent_key(channel, topic_id)))

    suppressed = suppression or contact.suppressions.get(full_address(channel, address))
    obstacle = find_obstacle(topic, suppressed, latest(topic.topic_id), latest(EVERY_TOPIC), now)
    every = said.get(EVERY_TOPIC)
    if obstacle or every is None or every.until is None:
        return obstacle
    # A pause at the address counts whatever the contact has not heard yet.
    return find_obstacle(topic, suppressed, latest(topic.topic_id), every, now)
