"""Let the contact who has an address hear of what was said about it."""

from typing import Any

from postroad.contacts.identities import Identity
from postroad.events import Event
from postroad_aws.ports import Ports
from postroad_aws.usecases.find_contact import find_owner
from postroad_aws.usecases.send_event import send_event


def tell_contact(ports: Ports, address: Identity, name: str, source: str, now: float, **properties: Any) -> None:
    """Send an event about an address to whoever has it; an address alone makes nobody."""
    contact = find_owner(ports.contacts, address, ports.contact_key)
    if contact is None:
        return
    event = Event(
        event_id=ports.ids.new_id(),
        name=name,
        time=now,
        key_time=now,
        contact_id=contact.contact_id,
        trusted=True,
        source=source,
        properties=properties,
    )
    send_event(ports.queues, event)
