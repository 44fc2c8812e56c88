"""What the members of an account come to together."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from postroad.accounts import Member, Report, report
from postroad.book import Book
from postroad.contacts.contact import Contact, Seat
from postroad.contacts.places import account_place
from postroad_aws.storage import Page
from postroad_aws.storage.memberships import Membership
from postroad_aws.usecases.find_contact import Items, find_contacts

# So many members are added up; an account with more is told by these.
MOST_COUNTED = 200


class Memberships(Protocol):
    def list_members(self, *places: str, cursor: str | None, limit: int) -> Page[Membership]: ...


class Seated(NamedTuple):
    """A member, and its seat in the account."""

    contact: Contact
    seat: Seat


class AccountReport(NamedTuple):
    """What the members that were counted come to; `is_whole` is false when there are others."""

    report: Report
    is_whole: bool


def list_seats(
    contacts: Items, memberships: Memberships, account_id: str, *, cursor: str | None = None, limit: int = 50
) -> Page[Seated]:
    """The members of an account, in no order. Raises CursorError."""
    page = memberships.list_members(account_place(account_id), cursor=cursor, limit=limit)
    found = find_contacts(contacts, [member.contact_id for member in page.items])
    seats = [
        Seated(contact, contact.accounts[account_id])
        for member in page.items
        if (contact := found.get(member.contact_id)) and account_id in contact.accounts
    ]
    return Page(seats, page.next)


def report_account(contacts: Items, memberships: Memberships, book: Book, now: float, account_id: str) -> AccountReport:
    """Add up an account's members, as their scores stand now."""
    page = list_seats(contacts, memberships, account_id, limit=MOST_COUNTED)
    return AccountReport(report([_member_of(seated, book, now) for seated in page.items]), page.next is None)


def _member_of(seated: Seated, book: Book, now: float) -> Member:
    contact, seat = seated
    view = book.view(contact, now)
    scores = {sheet.id: sheet.value(view) for sheet in book.scores.values()}
    return Member(seat.role, seat.is_engaged, scores, contact.stage.name if contact.stage else None, contact.last_seen)


def rank_members(seats: Sequence[Seated], book: Book, now: float) -> list[tuple[Seated, dict[str, float]]]:
    """Members with their scores, the highest first."""
    found = [(seated, dict(_member_of(seated, book, now).scores)) for seated in seats]
    return sorted(found, key=lambda each: (-sum(each[1].values()), each[0].contact.contact_id))
