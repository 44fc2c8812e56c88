"""Let all members of an account enter a journey on request."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from postroad.events import ENROLLMENT_REQUESTED, Event
from postroad.tracking.packing import pack
from postroad_aws.ports import Ports
from postroad_aws.usecases.report_account import Memberships, list_seats

AT_ONCE = 200


class Asked(NamedTuple):
    """How many members were asked in, and the cursor of the others; None when there are none."""

    members: int
    next: str | None


def enroll_account(
    ports: Ports,
    memberships: Memberships,
    account_id: str,
    journey_id: str,
    roles: tuple[str, ...],
    properties: Mapping[str, Any],
    source: str,
    cursor: str | None = None,
) -> Asked:
    """Ask for it by one event for each of the next members, those of the roles if any are named; the journey's own
    rules decide, in the moments after. Raises CursorError, and ConnectionError when the events queue did not take all:
    doing it again asks again, and a journey lets nobody in twice at the same time."""
    page = list_seats(ports.contacts, memberships, account_id, cursor=cursor, limit=AT_ONCE)
    now, request = ports.clock.now(), ports.ids.new_id()
    events = [
        Event(
            event_id=f"{request}-{number}",
            name=ENROLLMENT_REQUESTED,
            time=now,
            key_time=now,
            contact_id=seated.contact.contact_id,
            trusted=True,
            source=source,
            properties={**properties, "journey": journey_id, "account": account_id},
        )
        for number, seated in enumerate(page.items)
        if not roles or seated.seat.role in roles
    ]
    if events and ports.queues.send_events(pack(events)):
        raise ConnectionError("the events queue did not take all of them")
    return Asked(len(events), page.next)
