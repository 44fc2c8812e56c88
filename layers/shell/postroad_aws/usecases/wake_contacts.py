"""Wake the contacts whose timer is due: one wake event for each goes onto the events queue."""

from typing import NamedTuple

from postroad.contacts import SHARDS
from postroad.events import WAKE, Event
from postroad.packing import pack
from postroad_aws.ports import KeylessPorts

# While this much waits on the events queue, waking more people would only hide live events behind them.
DEEP = 20_000
PAGE = 500
TICK_SECONDS = 45.0


class Woken(NamedTuple):
    """How many contacts were woken, and whether more are due: then call again at once."""

    woken: int
    more: bool


def wake_contacts(ports: KeylessPorts) -> Woken:
    """Query every shard of the wake index for what is due, and send the wakes.

    Sending one twice is harmless: the fold finds nothing due. The index is the truth, so whatever is not sent now is
    found by the next tick.
    """
    started = ports.clock.now()
    if ports.queues.events_backlog() > DEEP:
        return Woken(0, more=False)
    woken, more = 0, False
    for number in range(SHARDS):
        if ports.clock.now() - started > TICK_SECONDS:
            return Woken(woken, more=False)
        due = ports.contacts.list_due(f"{number:02d}", started, PAGE)
        more |= len(due) == PAGE
        messages = [message for contact_id, at in due for message in pack([wake_event(contact_id, at)])]
        woken += len(messages) - len(ports.queues.send_events(messages))
    return Woken(woken, more=more)


def wake_event(contact_id: str, armed: float) -> Event:
    """The event that wakes a contact; its id is that of the armed timer, so one timer wakes once."""
    return Event(f"wake-{contact_id}-{armed:.3f}", WAKE, armed, armed, contact_id=contact_id, trusted=True)
