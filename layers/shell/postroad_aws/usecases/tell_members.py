"""Tell contacts, each by an event, that they come to belong to something, or do no longer."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from postroad.contacts.contact import Contact
from postroad.contacts.identities import Identity
from postroad.events import Event
from postroad.tracking.packing import pack
from postroad_aws.ports import Ports
from postroad_aws.usecases.find_contact import find_contacts, find_owner


class UnknownMembersError(Exception):
    """Some of those named are nobody we know; the argument is who."""


class Changed(NamedTuple):
    """How many will be put in and taken out, as far as they are not yet in or out."""

    adding: int
    removing: int


class Told(NamedTuple):
    """Who is told what: a contact by its id or by an identity, the event's name and its properties."""

    member: Identity | str
    name: str
    properties: Mapping[str, Any]


def tell_members(ports: Ports, adding: Sequence[Told], removing: Sequence[Told], source: str) -> Changed:
    """Who is put in by an identity that nobody has begins with it; nobody begins by being taken out.

    They are changed by events, in the moments after. Raises UnknownMembersError for ids of no contact, before anything
    is changed, and ConnectionError when the events queue did not take them all: doing it again is harmless.
    """
    ids = [told.member for told in (*adding, *removing) if isinstance(told.member, str)]
    known = find_contacts(ports.contacts, ids)
    if missing := [contact_id for contact_id in ids if contact_id not in known]:
        raise UnknownMembersError(missing)
    now, request = ports.clock.now(), ports.ids.new_id()

    def event(told: Told, member: Identity | Contact, number: int) -> Event:
        return Event(
            event_id=f"{request}-{number}",
            name=told.name,
            time=now,
            key_time=now,
            identities=(member,) if isinstance(member, Identity) else (),
            contact_id=None if isinstance(member, Identity) else member.contact_id,
            trusted=True,
            source=source,
            properties=told.properties,
        )

    def find(member: Identity | str) -> Contact | None:
        return known[member] if isinstance(member, str) else find_owner(ports.contacts, member, ports.contact_key)

    comers = [(told, known[told.member] if isinstance(told.member, str) else told.member) for told in adding]
    goers = [(told, contact) for told in removing if (contact := find(told.member))]
    events = [event(told, member, number) for number, (told, member) in enumerate([*comers, *goers])]
    if ports.queues.send_events(pack(events)):
        raise ConnectionError("the events queue did not take all of them")
    return Changed(len(comers), len(goers))
