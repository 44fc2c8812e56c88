"""Sunset: who has given no sign of life for months hears less, is asked whether to go on, and then is left alone.

A sign of life is what a person does: a visit, a purchase, an answer, an open or a click that no machine made. Providers
judge a sender by those who never react, so a list that lets go of them is read better.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from postroad import events as names
from postroad.contacts.contact import Contact
from postroad.documents import Reader
from postroad.events import Event
from postroad.instants import DAY, describe_duration
from postroad.tasks import CALL, UNREACHED

LIVELY, FEWER, ASK, STOP = "lively", "fewer", "ask", "stop"
BANDS = (LIVELY, FEWER, ASK, STOP)

# What happens to a person, or to a message on its way, or what systems tell of somebody: not what the person does.
_NO_SIGNS = frozenset(
    (
        *(names.WAKE, names.ACCOUNT_CHANGED, names.BROADCAST_ADDRESSED, names.ENROLLMENT_REQUESTED),
        *(names.SEGMENT_ADDED, names.SEGMENT_REMOVED, names.ADDRESS_SUPPRESSED, names.ADDRESS_RELEASED),
        *(names.EMAIL_BOUNCED, names.EMAIL_COMPLAINED, names.EMAIL_DELIVERED, names.MESSAGE_DELIVERED),
        *(names.IDENTIFIED, names.ALIASED, names.ACCOUNT_JOINED, names.ACCOUNT_LEFT, names.CONSENT_REQUESTED),
        *(
            names.EXPERIMENT_ENTERED,
            names.MESSAGE_SENT,
            names.MESSAGE_SKIPPED,
            names.MESSAGE_FAILED,
            names.POINTS_GIVEN,
            names.UNSUBSCRIBED,
        ),
    )
)


def is_sign(event: Event) -> bool:
    """Whether an event is a sign of life."""
    if event.name == names.TASK_COMPLETED:
        return event.properties.get("kind") == CALL and event.properties.get("outcome") not in UNREACHED
    return event.name not in _NO_SIGNS and event.properties.get("actor") != "machine"


@dataclass(frozen=True, slots=True)
class Sunset:
    """After how many seconds without a sign of life somebody hears less, is asked, and is left alone.

    Who hears less gets one message within `every`; who is asked gets only messages of the template `template`.
    """

    fewer: float = 90 * DAY
    ask: float = 180 * DAY
    stop: float = 270 * DAY
    every: float = 30 * DAY
    template: str = ""

    def band_of(self, contact: Contact, now: float) -> str:
        """Where somebody stands."""
        silent = silence_of(contact, now)
        return STOP if silent >= self.stop else ASK if silent >= self.ask else FEWER if silent >= self.fewer else LIVELY

    def find_obstacle(self, contact: Contact, template: str, now: float) -> str:
        """Why a marketing message of this template may not go to somebody; "" when it may."""
        band, silent = self.band_of(contact, now), describe_duration(silence_of(contact, now) // DAY * DAY)
        if band == LIVELY or (band == ASK and template == self.template):
            return ""
        if band == STOP:
            return (
                f"there was no sign of life for {silent}, and after {describe_duration(self.stop)} they are left alone"
            )
        if band == ASK:
            return f"no sign of life for {silent}: they are only asked whether they want to hear more"
        last = last_sent(contact)
        if last is not None and now - last < self.every:
            return f"no sign of life for {silent}: they hear once in {describe_duration(self.every)} at most"
        return ""


def read_sunset(reader: Reader) -> Sunset | None:
    """The policy's `sunset`; None when there is none."""
    child = reader.find_child("sunset")
    if child is None:
        return None
    usual = Sunset()
    found = Sunset(
        child.duration("fewer", usual.fewer, least=7 * DAY),
        child.duration("ask", usual.ask, least=7 * DAY),
        child.duration("stop", usual.stop, least=7 * DAY),
        child.duration("every", usual.every, least=DAY, most=365 * DAY),
        child.id("template", ""),
    )
    if not found.fewer <= found.ask <= found.stop:
        child.mistake("fewer, ask and stop must come in this order", "stop")
    return found


def silence_of(contact: Contact, now: float) -> float:
    """For how many seconds somebody has given no sign of life."""
    return max(0.0, now - (contact.last_sign or contact.created_at))


def last_sent(contact: Contact) -> float | None:
    """When the last message to somebody left, to the hour; None when nothing is kept of any."""
    hours = [sents[-1].hour for sents in contact.engagement.values() if sents]
    return max(hours) * 3_600.0 if hours else None


class Preview(NamedTuple):
    """How many of the contacts that were looked at stand where, and what that says of all `total`."""

    looked_at: int
    total: int
    bands: dict[str, int]

    def people(self, band: str) -> int:
        """About how many of all contacts stand there."""
        return round(self.bands[band] * self.total / self.looked_at) if self.looked_at else 0


def preview(sunset: Sunset, contacts: Iterable[Contact], total: int, now: float) -> Preview:
    """What a sunset would do to contacts of whom these are a sample; it says nothing of their consent."""
    bands = dict.fromkeys(BANDS, 0)
    for contact in contacts:
        bands[sunset.band_of(contact, now)] += 1
    return Preview(sum(bands.values()), total, bands)
