"""Keep accounts and their members in step, behind the streams of both tables.

An account that has changed is told to its members; members that came, left or changed their part are counted anew, and
those who came hear what changed while they did. Nothing hangs on the order of things, or on how often they are done:
counts are taken again from the memberships, and a member that carries the account's latest edition is left alone.
Members hear of it by events, in the group of their own, so a crash loses none.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from postroad.accounts import Account, change_event, is_current
from postroad.contacts.contact import Contact
from postroad.contacts.places import account_place, split_place
from postroad.tracking.packing import pack
from postroad_aws.ports import KeylessPorts
from postroad_aws.usecases.change_account import change_account
from postroad_aws.usecases.find_contact import find_contacts

AT_ONCE = 100
ENGAGED = "engaged."


class Membership(Protocol):
    @property
    def contact_id(self) -> str: ...


class Memberships(Protocol):
    def list_shard(
        self, place: str, shard: str, *, after: str | None = None, limit: int = 100
    ) -> Sequence[Membership]: ...

    def count_place(self, place: str) -> int: ...


@dataclass(slots=True)
class Touched:
    """What the records of a batch say of one account: whether it has changed itself, the spots at which somebody came
    or left, and who that was."""

    has_changed: bool = False
    spots: set[str] = field(default_factory=set)
    contacts: set[str] = field(default_factory=set)


def touch(touched: dict[str, Touched], place: str, contact_id: str) -> None:
    """Note that a membership of an account has changed; other places are left alone."""
    definition, spot = split_place(place)
    kind, _, account_id = definition.partition("/")
    if kind == "account":
        found = touched.setdefault(account_id, Touched())
        found.spots.add(spot)
        found.contacts.add(contact_id)


def has_news(before: Account | None, after: Account) -> bool:
    """Whether members have to hear of a change; of how many they are, they do not."""
    return before is not None and before.edition != after.edition


def follow_accounts(ports: KeylessPorts, memberships: Memberships, touched: Mapping[str, Touched]) -> None:
    """Count and tell what was touched. Raises when AWS fails, or the events queue did not take all: do it again."""
    for account_id, found in touched.items():
        if found.spots:
            _count(ports, memberships, account_id, found.spots)
        if found.has_changed:
            _tell_all(ports, memberships, account_id)
        elif "" in found.spots:
            _tell(ports, account_id, found.contacts)


def _count(ports: KeylessPorts, memberships: Memberships, account_id: str, spots: Collection[str]) -> None:
    """Count the members at these spots, and note it in the account."""

    def count(account: Account | None) -> Account:
        # Whoever joined it has begun it before.
        assert account is not None
        members = memberships.count_place(account_place(account_id)) if "" in spots else account.members
        engaged = dict(account.engaged)
        for spot in spots:
            if spot.startswith(ENGAGED):
                engaged[spot.removeprefix(ENGAGED)] = memberships.count_place(f"{account_place(account_id)}/{spot}")
        kept = {role: number for role, number in engaged.items() if number}
        return account.with_(members=members, engaged=kept)

    if ports.accounts.find_account(account_id):
        change_account(ports.accounts, account_id, count, ports.clock.now())


def _tell_all(ports: KeylessPorts, memberships: Memberships, account_id: str) -> None:
    after: str | None = None
    while page := memberships.list_shard(account_place(account_id), "00", after=after, limit=AT_ONCE):
        _tell(ports, account_id, [member.contact_id for member in page])
        after = page[-1].contact_id


def _tell(ports: KeylessPorts, account_id: str, contact_ids: Collection[str]) -> None:
    """Tell those of these members who carry an older edition."""
    account = ports.accounts.find_account(account_id)
    members = find_contacts(ports.contacts, contact_ids) if account else {}
    stale = [member for member in members.values() if account and _is_stale(member, account)]
    events = [change_event(account, member.contact_id) for member in stale if account]
    if events and ports.queues.send_events(pack(events)):
        raise ConnectionError("the events queue did not take all of them")


def _is_stale(member: Contact, account: Account) -> bool:
    seat = member.accounts.get(account.account_id)
    return seat is not None and not is_current(seat, account)
