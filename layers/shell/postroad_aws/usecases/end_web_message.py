"""What a visitor did with a message on a site: saw it, followed its link, or put it away. Then it waits no longer."""

from collections.abc import Mapping
from typing import Protocol

from postroad.bots import judge_fetch
from postroad.channels import CHANNELS
from postroad.events import MESSAGE_CLICKED, MESSAGE_DISMISSED, MESSAGE_OPENED, Event
from postroad.links import Waiting
from postroad_aws.ports import Ports
from postroad_aws.usecases.send_event import send_event

# What a site may say, and the event that it becomes.
DEEDS = {"opened": MESSAGE_OPENED, "clicked": MESSAGE_CLICKED, "dismissed": MESSAGE_DISMISSED}


class Stored(Protocol):
    def end_wait(self, contact_id: str, message_id: str, because: str) -> None: ...


def end_web_message(ports: Ports, stored: Stored, link: Waiting, deed: str, headers: Mapping[str, str]) -> None:
    """Note one of DEEDS. Header names are in lower case."""
    stored.end_wait(link.contact_id, link.message_id, deed)
    now = round(ports.clock.now(), 3)
    event = Event(
        event_id=f"{link.message_id}:{deed}",
        name=DEEDS[deed],
        time=now,
        key_time=now,
        contact_id=link.contact_id,
        trusted=True,
        source="postroad",
        properties={"message_id": link.message_id, "channel": CHANNELS["web"].key, "actor": judge_fetch(headers).actor},
    )
    send_event(ports.queues, event)
