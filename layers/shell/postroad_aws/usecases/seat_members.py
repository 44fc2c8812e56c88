"""Say who belongs to an account, in which role, and who does no longer."""

from collections.abc import Mapping, Sequence

from postroad.accounts import Account
from postroad.contacts import Contact
from postroad.events import ACCOUNT_JOINED, ACCOUNT_LEFT, Event
from postroad.identities import Identity
from postroad.packing import pack
from postroad_aws.ports import Ports
from postroad_aws.usecases.change_members import Changed, UnknownMembersError
from postroad_aws.usecases.find_contact import find_contacts, find_owner


def seat_members(
    ports: Ports,
    account: Account,
    joining: Mapping[Identity | str, str],
    leaving: Sequence[Identity | str],
    source: str,
) -> Changed:
    """Contacts go by their id or by an identity; who joins (each with a role, "" for none) by an identity that nobody
    has begins with it.

    They are changed by events, in the moments after. Raises UnknownMembersError for ids of no contact, before anything
    is changed, and ConnectionError when the events queue did not take them all: doing it again is harmless.
    """
    ids = [member for member in (*joining, *leaving) if isinstance(member, str)]
    known = find_contacts(ports.contacts, ids)
    if missing := [contact_id for contact_id in ids if contact_id not in known]:
        raise UnknownMembersError(missing)
    now, request = ports.clock.now(), ports.ids.new_id()

    def event(name: str, member: Identity | Contact, number: int, role: str = "") -> Event:
        return Event(
            event_id=f"{request}-{number}",
            name=name,
            time=now,
            key_time=now,
            identities=(member,) if isinstance(member, Identity) else (),
            contact_id=None if isinstance(member, Identity) else member.contact_id,
            trusted=True,
            source=source,
            properties={"group_id": account.group_id, **({"role": role} if role else {})},
        )

    comers = [(known[each] if isinstance(each, str) else each, role) for each, role in joining.items()]
    found = (
        known[each] if isinstance(each, str) else find_owner(ports.contacts, each, ports.contact_key)
        for each in leaving
    )
    goers = [contact for contact in found if contact]
    events = [
        *(event(ACCOUNT_JOINED, member, number, role) for number, (member, role) in enumerate(comers)),
        *(event(ACCOUNT_LEFT, contact, number) for number, contact in enumerate(goers, len(comers))),
    ]
    if ports.queues.send_events(pack(events)):
        raise ConnectionError("the events queue did not take all of them")
    return Changed(len(comers), len(goers))
