"""Let a contact hear of something that Postroad itself has to say."""

from postroad.events import Event
from postroad.tracking.packing import pack
from postroad_aws.ports import Queues


def send_event(queues: Queues, event: Event) -> None:
    """Put an event of our own on the events queue. Raises ConnectionError when the queue did not take it."""
    if queues.send_events(pack([event])):
        raise ConnectionError(f"the events queue did not take {event.name!r}")
