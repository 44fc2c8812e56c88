"""What somebody did with a message on a site, or in an app: saw it, followed its link, or put it away."""

from collections.abc import Mapping
from typing import Protocol

from postroad.content.links import Waiting
from postroad.deliverability.bots import judge_fetch
from postroad.events import MESSAGE_CLICKED, MESSAGE_DISMISSED, MESSAGE_OPENED, Event
from postroad.sending.channels import CHANNELS
from postroad_aws.ports import Ports
from postroad_aws.usecases.send_event import send_event

# What a site may say, and the event that it becomes.
DEEDS = {"opened": MESSAGE_OPENED, "clicked": MESSAGE_CLICKED, "dismissed": MESSAGE_DISMISSED}


class Stored(Protocol):
    def end_wait(self, contact_id: str, message_id: str, because: str) -> None: ...


def end_web_message(ports: Ports, stored: Stored, link: Waiting, deed: str, headers: Mapping[str, str]) -> None:
    """Note one of DEEDS; what waited on a site waits no longer. Header names are in lower case."""
    is_on_site = link.channel == CHANNELS["web"].key
    if is_on_site:
        stored.end_wait(link.contact_id, link.message_id, deed)
    # Only an app that runs on somebody's phone has the token of a push.
    actor = judge_fetch(headers).actor if is_on_site else "human"
    now = round(ports.clock.now(), 3)
    event = Event(
        event_id=f"{link.message_id}:{deed}",
        name=DEEDS[deed],
        time=now,
        key_time=now,
        contact_id=link.contact_id,
        trusted=True,
        source="postroad",
        properties={"message_id": link.message_id, "channel": link.channel, "actor": actor},
    )
    send_event(ports.queues, event)
