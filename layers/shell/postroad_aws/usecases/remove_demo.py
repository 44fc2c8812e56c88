"""Remove the demo's made-up people and all that came of them; what is real stays.

They are the members of one segment, so finding them costs what they are, not what the stack holds. Whatever goes wrong,
removing again goes on where it stopped.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from postroad import demo
from postroad.accounts import Account, values_of
from postroad.broadcasts.broadcast import KIND, Run
from postroad.commits import MembershipChange
from postroad.consent.rule import EVERY_TOPIC
from postroad.contacts.contact import Contact
from postroad.contacts.places import segment_place
from postroad.stats import day_of
from postroad.tracking.quarantine import Reject
from postroad_aws.ports import Books, Clock
from postroad_aws.storage import Page
from postroad_aws.storage.memberships import Membership
from postroad_aws.usecases.erase_contact import Contacts, Messages, Tasks, Timeline, WebMessages, erase_contact
from postroad_aws.usecases.find_contact import find_contact

PAGE = 100


class Accounts(Protocol):
    def find_account(self, account_id: str) -> Account | None: ...

    def forget_account(self, account_id: str) -> None: ...


class Memberships(Protocol):
    def list_members(self, *places: str, cursor: str | None = None, limit: int = 50) -> Page[Membership]: ...

    def apply(self, changes: Sequence[MembershipChange]) -> None: ...


class Refusals(Protocol):
    def forget_answers(self, addresses: Collection[str], topics: Collection[str]) -> None: ...


class Quarantine(Protocol):
    def list_rejects(self, now: float, *, cursor: str | None = None, limit: int = 50) -> Page[Reject]: ...

    def forget_rejects(self, rejects: Sequence[Reject]) -> None: ...


class Broadcasts(Protocol):
    def list_runs(self, *, cursor: str | None = None, limit: int = 50) -> Page[Run]: ...

    def forget_run(self, broadcast_id: str) -> None: ...


class Definitions(Protocol):
    def forget_draft(self, kind: str, definition_id: str) -> None: ...


class Stats(Protocol):
    def take_back(self, part: str, definition: str, today: str) -> None: ...


@dataclass(frozen=True, slots=True)
class RemovalPorts:
    """What removing demo data touches."""

    contacts: Contacts
    timeline: Timeline
    messages: Messages
    web_messages: WebMessages
    tasks: Tasks
    memberships: Memberships
    accounts: Accounts
    refusals: Refusals
    quarantine: Quarantine
    broadcasts: Broadcasts
    definitions: Definitions
    stats: Stats
    books: Books
    clock: Clock
    contact_key: bytes


def remove_demo(ports: RemovalPorts, has_time: Callable[[], bool]) -> bool:
    """Remove people as long as there is time, then what belongs to nobody; True when nothing is left."""
    place = segment_place(demo.SEGMENT)
    cursor = None
    while True:
        page = ports.memberships.list_members(place, cursor=cursor, limit=PAGE)
        for member in page.items:
            if not has_time():
                return False
            found = find_contact(ports.contacts, member.contact_id)
            if found and not demo.is_made_up(found):
                continue
            contact = erase_contact(ports, member.contact_id, but=place)
            if contact:
                _remove_accounts(ports, contact)
                ports.refusals.forget_answers(_addresses(contact), _topics(ports))
            ports.memberships.apply([MembershipChange(place, member.contact_id, None)])
        cursor = page.next
        if cursor is None:
            break
    _remove_rejects(ports)
    _remove_broadcasts(ports)
    book, today = ports.books.current(), day_of(ports.clock.now())
    for definition in (*(f"segment/{each}" for each in book.segments), *(f"journey/{each}" for each in book.journeys)):
        ports.stats.take_back(demo.counted_as(definition), definition, today)
    return True


def _remove_accounts(ports: RemovalPorts, contact: Contact) -> None:
    """The made-up companies of somebody who is gone."""
    for account_id in contact.accounts:
        account = ports.accounts.find_account(account_id)
        if account and values_of(account).get(demo.ATTRIBUTE) is True:
            ports.accounts.forget_account(account_id)


def _addresses(contact: Contact) -> list[str]:
    return [text for text in contact.identities if text.startswith(("email:", "phone:"))]


def _topics(ports: RemovalPorts) -> list[str]:
    return [*ports.books.current().policy.topics, EVERY_TOPIC]


def _remove_rejects(ports: RemovalPorts) -> None:
    cursor = None
    while True:
        page = ports.quarantine.list_rejects(ports.clock.now(), cursor=cursor, limit=100)
        ports.quarantine.forget_rejects([reject for reject in page.items if reject.source == demo.SOURCE])
        cursor = page.next
        if cursor is None:
            return


def _remove_broadcasts(ports: RemovalPorts) -> None:
    cursor = None
    while True:
        page = ports.broadcasts.list_runs(cursor=cursor, limit=100)
        for run in page.items:
            if run.broadcast.description == demo.NOTE:
                # The draft first: a broadcast without its run would be one that can be sent.
                ports.definitions.forget_draft(KIND, run.broadcast.id)
                ports.broadcasts.forget_run(run.broadcast.id)
        cursor = page.next
        if cursor is None:
            return
