"""Put contacts into a static segment, and take them out of it."""

from collections.abc import Sequence
from typing import NamedTuple

from postroad.contacts import Contact
from postroad.events import SEGMENT_ADDED, SEGMENT_REMOVED, Event
from postroad.identities import Identity
from postroad.packing import pack
from postroad_aws.ports import Ports
from postroad_aws.usecases.find_contact import find_contacts, find_owner


class UnknownMembersError(Exception):
    """Some of those named are nobody we know; the argument is who."""


class Changed(NamedTuple):
    """How many will be put in and taken out, as far as they are not yet in or out."""

    adding: int
    removing: int


def change_members(
    ports: Ports,
    segment_id: str,
    adding: Sequence[Identity | str],
    removing: Sequence[Identity | str],
    because: str,
    source: str,
) -> Changed:
    """Contacts go by their id or by an identity; who is put in by an identity that nobody has begins with it.

    They are changed by events, in the moments after. Raises UnknownMembersError for ids of no contact, before anything
    is changed, and ConnectionError when the events queue did not take them all: doing it again is harmless.
    """
    ids = [member for member in (*adding, *removing) if isinstance(member, str)]
    known = find_contacts(ports.contacts, ids)
    if missing := [contact_id for contact_id in ids if contact_id not in known]:
        raise UnknownMembersError(missing)
    now, request = ports.clock.now(), ports.ids.new_id()

    def event(name: str, member: Identity | Contact, number: int) -> Event:
        return Event(
            event_id=f"{request}-{number}",
            name=name,
            time=now,
            key_time=now,
            identities=(member,) if isinstance(member, Identity) else (),
            contact_id=None if isinstance(member, Identity) else member.contact_id,
            trusted=True,
            source=source,
            properties={"segment": segment_id, "because": because},
        )

    comers: list[Identity | Contact] = [known[each] if isinstance(each, str) else each for each in adding]
    # Nobody begins by being taken out.
    found = (
        known[each] if isinstance(each, str) else find_owner(ports.contacts, each, ports.contact_key)
        for each in removing
    )
    goers = [contact for contact in found if contact]
    events = [
        *(event(SEGMENT_ADDED, member, number) for number, member in enumerate(comers)),
        *(event(SEGMENT_REMOVED, contact, number) for number, contact in enumerate(goers, len(comers))),
    ]
    if ports.queues.send_events(pack(events)):
        raise ConnectionError("the events queue did not take all of them")
    return Changed(len(comers), len(goers))
