"""Which channel suits a person best, the telephone among them.

Every way to reach somebody is ranked by its response: what the person did with the latest messages that came that way,
each counted by the strongest thing, shrunk towards what is usual of the way as if FIRM more messages had gone there:

    response = (sum of weights + FIRM * usual) / (messages + FIRM)

How sure it is that one way brings more than the next follows from how far two such estimates may be off: a response r
of n messages by the square root of r (1 - r) / (n + FIRM + 1). The telephone comes first only when that is likely
enough: one answered call is no reason to call somebody from then on.

An opening weighs little: a text cannot be seen to be opened. What the person is said to prefer, in the attribute
`preferred_channel`, comes first, whatever they did. Ways without an address, or that were refused, come last.
"""

from collections.abc import Mapping, Sequence
from math import erf, sqrt
from typing import NamedTuple

from postroad.advice.confidence import HIGH, LOW, MEDIUM, NONE
from postroad.consent.rule import EVERY_TOPIC, Topic, consent_key, find_obstacle
from postroad.contacts.contact import Contact
from postroad.contacts.engagement import ANSWERED, CLICKED, NOTHING, OPENED
from postroad.sending.channels import ADDRESSED, CHANNELS

# A call is no message: it is a task for a person.
PHONE = "phone"
# What decisions call the choice of the channel.
CHANNEL = "channel"
# The channel of a send step that asks for advice.
BEST = "best"
# The attribute of a contact that says what it prefers, and the words for each way.
PREFERRED = "preferred_channel"
_WORDS = {
    "email": ("email", "e-mail", "mail"),
    "sms": ("sms", "text", "texts"),
    "push": ("push", "app", "notification", "notifications"),
    PHONE: ("phone", "telephone", "call", "calls", "voice"),
}

WEIGHTS: Mapping[str, float] = {NOTHING: 0.0, OPENED: 0.3, CLICKED: 1.0, ANSWERED: 1.0}
FIRM = 5.0
# The response that is usual. Nobody is called without a reason.
USUALLY: Mapping[str, float] = {"email": 0.15, "sms": 0.12, "push": 0.1, PHONE: 0.05}

# How likely a way must be to bring more than the next: to call somebody at all, and to be sure of it.
LIKELY, SURE = 2 / 3, 0.9
# Of fewer messages nothing is more than a guess.
FEW = 3

WAYS = (*ADDRESSED, PHONE)
_DID = {"email": "opened or clicked", "sms": "clicked or answered", "push": "opened", PHONE: "answered"}


class Way(NamedTuple):
    """One way to reach somebody: its response (0 to 1), from how many messages or calls, and why it stands where it
    does. `obstacle` says why it cannot be used, "" when it can. `confidence`, one of NONE, LOW, MEDIUM and HIGH, is how
    sure it is that it brings more than the next one: HIGH too when it is preferred, or there is no other; NONE when
    nothing came by either."""

    channel: str
    response: float
    messages: int
    is_preferred: bool
    obstacle: str
    because: str
    confidence: str = NONE

    def describe(self) -> str:
        return f"{self.channel}: {self.because}"


def rank(contact: Contact, topic: Topic | None, now: float) -> tuple[Way, ...]:
    """All ways to reach a contact about a topic (None: whatever it is about), the best first."""
    preferred = find_preference(contact)
    found = [_judge(contact, channel, topic, channel == preferred, now) for channel in WAYS]
    ways = sorted(found, key=lambda way: (bool(way.obstacle), not way.is_preferred, -way.response))
    first, second = ways[:2]
    if first.channel == PHONE and not first.is_preferred and not second.obstacle and _compare(first, second) < LIKELY:
        ways[:2] = second, first
    return tuple(way._replace(confidence=_tell(way, ways[place + 1 :])) for place, way in enumerate(ways))


def find_preference(contact: Contact) -> str | None:
    """The way that somebody is said to prefer."""
    said = contact.find_value(PREFERRED)
    word = said.strip().lower() if isinstance(said, str) else ""
    return next((channel for channel, words in _WORDS.items() if word in words), None)


def find_best(contact: Contact, topic: Topic | None, now: float) -> str | None:
    """The way that ranks first; None when nothing reaches the contact."""
    best = rank(contact, topic, now)[0]
    return None if best.obstacle else best.channel


def find_phone(contact: Contact) -> str | None:
    """The number at which to call somebody: as texts are addressed."""
    return contact.find_address("sms")


def _judge(contact: Contact, channel: str, topic: Topic | None, is_preferred: bool, now: float) -> Way:
    sents = contact.engagement.get(channel, ())
    weight = sum(WEIGHTS[sent.response] for sent in sents)
    usual = USUALLY.get(channel, min(USUALLY.values()))
    response = (weight + FIRM * usual) / (len(sents) + FIRM)
    obstacle = _find_obstacle(contact, channel, topic, is_preferred, now) or ""
    answered = sum(sent.answered for sent in sents)
    what = "call" if channel == PHONE else "message"
    did = f"{answered} of {len(sents)} {what}s {_DID.get(channel, 'answered')}" if sents else f"no {what}s yet"
    because = obstacle or (f"said to be preferred ({did})" if is_preferred else did)
    return Way(channel, response, len(sents), is_preferred, obstacle, because)


def _tell(way: Way, others: Sequence[Way]) -> str:
    """How sure it is that a way brings more than the next of the others."""
    if way.is_preferred or way.obstacle or not others or others[0].obstacle:
        return NONE if way.obstacle else HIGH
    if not way.messages and not others[0].messages:
        return NONE
    likely = _compare(way, others[0]) if way.messages >= FEW else 0.5
    return HIGH if likely >= SURE else MEDIUM if likely >= LIKELY else LOW


def _compare(way: Way, other: Way) -> float:
    """How likely it is that a way brings more than another one."""
    off = sqrt(sum(each.response * (1 - each.response) / (each.messages + FIRM + 1) for each in (way, other)))
    return 0.5 * (1 + erf((way.response - other.response) / off / sqrt(2)))


def _find_obstacle(contact: Contact, channel: str, topic: Topic | None, is_preferred: bool, now: float) -> str | None:
    number_or_address = find_phone(contact) if channel == PHONE else contact.find_address(channel)
    if number_or_address is None:
        return "there is no number to call" if channel == PHONE else f"the contact has no address for {channel}"
    kind = "phone" if channel == PHONE else CHANNELS[channel].address_kind
    # About no topic, only a refusal of everything stands against it; and who prefers to be called agrees to be called.
    asked = topic or Topic(EVERY_TOPIC, "everything", opt_in=False)
    if channel == PHONE and is_preferred:
        asked = asked._replace(opt_in=False)
    return find_obstacle(
        asked,
        contact.suppressions.get(f"{kind}:{number_or_address}"),
        contact.consents.get(consent_key(channel, asked.topic_id)) if topic else None,
        contact.consents.get(consent_key(channel, EVERY_TOPIC)),
        now,
    )
