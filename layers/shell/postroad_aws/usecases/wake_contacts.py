"""Wake the contacts whose timer is due: one wake event for each goes onto the events queue.

The index is the truth, so whatever is not sent now is found by the next tick. Sending a wake twice is harmless: the
queue drops it within five minutes, and the fold finds nothing due.
"""

from collections.abc import Sequence
from typing import NamedTuple

from postroad.contacts.contact import SHARD_NAMES
from postroad.events import WAKE, Event
from postroad.tracking.packing import pack
from postroad_aws.ports import KeylessPorts

# While this much waits on the events queue, waking more people would only hide live events behind them.
DEEP = 20_000
PAGE = 500
CHUNK = 100
TICK_SECONDS = 45.0


class Woken(NamedTuple):
    """How many contacts were woken, and the shards in which more are due than one page holds."""

    woken: int
    crowded: tuple[str, ...]


def wake_contacts(ports: KeylessPorts) -> Woken:
    """Wake the first page of every shard."""
    started = ports.clock.now()
    pages = {shard: ports.contacts.list_due(shard, started, PAGE) for shard in SHARD_NAMES}
    due = [timer for page in pages.values() for timer in page]
    if not due or ports.queues.events_backlog() > DEEP:
        return Woken(0, ())
    return Woken(_send(ports, due, started), tuple(shard for shard, page in pages.items() if len(page) == PAGE))


def wake_shard(ports: KeylessPorts, shard: str) -> Woken:
    """Wake all that is due in a crowded shard, as far as the tick's time goes."""
    started = ports.clock.now()
    woken, after = 0, None
    while ports.clock.now() - started < TICK_SECONDS:
        due = ports.contacts.list_due(shard, started, PAGE, after)
        woken += _send(ports, due, started)
        if len(due) < PAGE:
            break
        after = due[-1]
    return Woken(woken, ())


def wake_event(contact_id: str, armed: float) -> Event:
    """The event that wakes a contact; its id is that of the armed timer, so one timer wakes once."""
    return Event(f"wake-{contact_id}-{armed:.3f}", WAKE, armed, armed, contact_id=contact_id, trusted=True)


def _send(ports: KeylessPorts, due: Sequence[tuple[str, float]], started: float) -> int:
    sent = 0
    for at in range(0, len(due), CHUNK):
        if ports.clock.now() - started > TICK_SECONDS:
            break
        messages = pack([wake_event(contact_id, armed) for contact_id, armed in due[at : at + CHUNK]])
        sent += len(messages) - len(ports.queues.send_events(messages))
    return sent
