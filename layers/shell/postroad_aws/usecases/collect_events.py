"""Take events at the door: open the request, know its source, and put what it carries on the events queue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from postroad.tracking.packing import QueueMessage, pack
from postroad.tracking.wire import Refused, Request, Source, parse_pixel, parse_request, read_events
from postroad_aws.observability import logger
from postroad_aws.storage.keys import Key


class Keys(Protocol):
    def find_key(self, key: str) -> Key | None:
        """What the key opens, or None."""


class Queues(Protocol):
    def send_events(self, messages: Sequence[QueueMessage]) -> Sequence[QueueMessage]:
        """Put them on the events queue; returns those that it did not take."""


class Clock(Protocol):
    def now(self) -> float: ...


@dataclass(frozen=True, slots=True)
class DoorPorts:
    """What the door touches: no table but that of the keys."""

    keys: Keys
    queues: Queues
    clock: Clock


class Taken(NamedTuple):
    """Everything is on the queue: so many events, and so many calls for quarantine."""

    events: int
    rejects: int


class Busy(NamedTuple):
    """The queue did not take everything. A retry harms nobody, because an event acts once."""

    retry_after: int


def collect_events(
    ports: DoorPorts, path: str, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
) -> Taken | Refused | Busy:
    """Take a request of the tracking API. A bad call of a batch is kept for quarantine and the others go on."""
    return _collect(ports, parse_request(path, headers, query, body))


def collect_pixel(ports: DoorPorts, headers: Mapping[str, str], query: Mapping[str, str]) -> Taken | Refused | Busy:
    """Take the one call that stands in a pixel's address."""
    return _collect(ports, parse_pixel(query, headers))


def _collect(ports: DoorPorts, request: Request | Refused) -> Taken | Refused | Busy:
    if isinstance(request, Refused):
        return request
    source = _find_source(ports.keys, request.keys)
    if isinstance(source, Refused):
        return source
    accepted = read_events(request, source, ports.clock.now())
    failed = ports.queues.send_events(pack(accepted.events, accepted.rejects))
    if failed:
        return Busy(retry_after=5)
    if accepted.rejects:
        logger.info("calls went to quarantine", source=source.source_id, count=len(accepted.rejects))
        if request.single:
            # Whoever sends one call is told at once; whoever sends a batch must not send the good ones again.
            return Refused(400, accepted.rejects[0].reason)
    return Taken(len(accepted.events), len(accepted.rejects))


def _find_source(keys: Keys, offered: Sequence[str]) -> Source | Refused:
    if not offered:
        return Refused(401, "A write key is missing: send it as the user of HTTP Basic, or as writeKey in the body.")
    for key in offered:
        found = keys.find_key(key)
        if found and found.kind == "write":
            return Source(found.source, found.trusted)
        if found:
            return Refused(401, "This key is for the JSON API; the tracking API takes a write key.")
    return Refused(401, "No source has this write key, or it was disabled.")
