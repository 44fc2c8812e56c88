"""Whom sales should speak to first, out of those who are at a place: in a segment, at a stage, handed over."""

from typing import NamedTuple, Protocol

from postroad.book import Book
from postroad.scoring.leads import MOST_COMPARED, Lead, rank
from postroad_aws.storage import Page
from postroad_aws.storage.memberships import Membership
from postroad_aws.usecases.find_contact import Items, find_contacts

_AT_ONCE = 200


class Memberships(Protocol):
    def list_members(self, *places: str, cursor: str | None, limit: int) -> Page[Membership]: ...


class Leads(NamedTuple):
    """The hottest first, out of so many that were compared; `is_whole` is false when there are more people there."""

    leads: list[Lead]
    compared: int
    is_whole: bool


def list_leads(
    contacts: Items, memberships: Memberships, book: Book, now: float, place: str, score_id: str, grade_id: str | None
) -> Leads:
    """The leads at a place, of whom the first MOST_COMPARED in no order are compared; no more are ever read."""
    ids: list[str] = []
    cursor: str | None = None
    while len(ids) < MOST_COMPARED:
        page = memberships.list_members(place, cursor=cursor, limit=_AT_ONCE)
        ids += [member.contact_id for member in page.items]
        cursor = page.next
        if cursor is None:
            break
    found = {contact.contact_id: contact for contact in find_contacts(contacts, ids).values()}
    return Leads(rank(found.values(), book, now, score_id, grade_id), len(found), cursor is None)
