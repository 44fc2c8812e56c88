"""Let a contact enter a journey on request."""

from collections.abc import Mapping
from typing import Any

from postroad.contacts.identities import Identity
from postroad.events import ENROLLMENT_REQUESTED, Event
from postroad_aws.ports import Ports
from postroad_aws.usecases.find_contact import find_contacts
from postroad_aws.usecases.send_event import send_event


class UnknownContactError(Exception):
    """Nobody has this id."""


def enroll_contact(
    ports: Ports, journey_id: str, who: Identity | str, properties: Mapping[str, Any], source: str
) -> Event:
    """Ask for it by an event, which is returned; the journey's own rules decide, in the moments after.

    `who` is an identity, or the id of a contact; an identity that nobody has begins a contact. Raises
    UnknownContactError for the id of nobody, and ConnectionError when the events queue did not take it.
    """
    contact = None if isinstance(who, Identity) else find_contacts(ports.contacts, [who]).get(who)
    if contact is None and not isinstance(who, Identity):
        raise UnknownContactError(who)
    now = ports.clock.now()
    event = Event(
        event_id=ports.ids.new_id(),
        name=ENROLLMENT_REQUESTED,
        time=now,
        key_time=now,
        identities=(who,) if isinstance(who, Identity) else (),
        contact_id=contact.contact_id if contact else None,
        trusted=True,
        source=source,
        properties={**properties, "journey": journey_id},
    )
    send_event(ports.queues, event)
    return event
