"""Learn from the newest contacts at which hours of the day people read; nothing is changed by it."""

from typing import NamedTuple, Protocol

from postroad.advice import send_times
from postroad.channels import USUAL
from postroad.contacts import Contact
from postroad.policy import Policy
from postroad.zones import clock_of
from postroad_aws.storage import Page

PEOPLE = 500
_PAGE = 100


class Contacts(Protocol):
    """What is touched of the contacts table."""

    def list_contacts(self, *, cursor: str | None = None, limit: int = 50) -> Page[Contact]: ...


class Learned(NamedTuple):
    """The weights of a rhythm, from so many openings of so many people."""

    weights: tuple[float, ...]
    openings: int
    people: int


def learn_rhythm(contacts: Contacts, policy: Policy) -> Learned:
    """The rhythm of at most PEOPLE contacts who got mails, each on their own clock."""
    known, cursor, seen = [], None, 0
    while seen < PEOPLE:
        page = contacts.list_contacts(cursor=cursor, limit=_PAGE)
        seen += len(page.items)
        for contact in page.items:
            if sents := contact.engagement.get(USUAL):
                known.append((sents, clock_of(contact, policy.timezone).zone))
        cursor = page.next
        if cursor is None:
            break
    weights, openings = send_times.learn_rhythm(known)
    return Learned(weights, openings, len(known))
