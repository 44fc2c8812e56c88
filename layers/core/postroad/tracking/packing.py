"""What travels on the events queue: one stream's events of a request in one message, and how to read it back."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from postroad.contacts.identities import group_of
from postroad.errors import PostroadError
from postroad.events import Event, parse_event
from postroad.tracking.quarantine import Reject, parse_reject

EVENTS_LIMIT = 100
# A queue message may have 256 KB in every region; what is packed is ASCII, so characters are bytes.
BYTES_LIMIT = 200 * 1024
# Rejects come in floods: in one group they would wait behind one another.
_REJECT_GROUPS = 16


class PackingError(PostroadError):
    """A queue message that nobody here has packed."""


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """A message for the FIFO queue. `group` keeps a stream's order; deduplication only saves money."""

    group: str
    deduplication_id: str
    body: str


@dataclass(frozen=True, slots=True)
class Packed:
    """What a queue message carries."""

    events: tuple[Event, ...] = ()
    rejects: tuple[Reject, ...] = ()


def pack(events: Iterable[Event], rejects: Iterable[Reject] = (), *, group: str | None = None) -> list[QueueMessage]:
    """The messages of a request: the events of each stream in order, then the rejects.

    `group` is the stream of events that name their contact by `contact_id` alone; without it, that contact is one.
    """
    streams: dict[str, list[Event]] = {}
    for event in events:
        stream = group_of(event.identities) if event.identities else group or event.contact_id or ""
        streams.setdefault(stream, []).append(event)
    messages = []
    for stream, members in streams.items():
        documents = [(f"{event.author} {event.event_id}", event.to_document()) for event in members]
        messages += [_message(stream, "events", ids, texts) for ids, texts in _chunks(documents)]
    refused = [(reject.reject_id, reject.to_document()) for reject in rejects]
    messages += [_message(_reject_group(ids), "rejects", ids, texts) for ids, texts in _chunks(refused)]
    return messages


def unpack(body: str) -> Packed:
    """What `pack` put into a message's body. Raises PackingError for anything else."""
    try:
        document = json.loads(body)
        if document["v"] == 1 and document["kind"] == "events":
            return Packed(events=tuple(parse_event(event) for event in document["events"]))
        if document["v"] == 1 and document["kind"] == "rejects":
            return Packed(rejects=tuple(parse_reject(reject) for reject in document["rejects"]))
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    raise PackingError("The queue message is none of version 1 with events or rejects; was it sent by another program?")


def _message(group: str, kind: str, ids: Sequence[str], texts: Sequence[str]) -> QueueMessage:
    body = f'{{"v":1,"kind":"{kind}","{kind}":[{",".join(texts)}]}}'
    return QueueMessage(group, hashlib.sha256("\n".join(ids).encode()).hexdigest(), body)


def _reject_group(ids: Sequence[str]) -> str:
    return f"rejects-{int(hashlib.sha256(ids[0].encode()).hexdigest()[:4], 16) % _REJECT_GROUPS:02d}"


def _chunks(documents: Sequence[tuple[str, object]]) -> Iterator[tuple[list[str], list[str]]]:
    """Ids and JSON texts, in order, in runs within both limits.

    The text is ASCII: SQS refuses a message for ever that holds one of the few characters XML lacks.
    """
    ids: list[str] = []
    texts: list[str] = []
    size = 0
    for name, document in documents:
        text = _encode(document)
        if ids and (len(ids) == EVENTS_LIMIT or size + len(text) > BYTES_LIMIT):
            yield ids, texts
            ids, texts, size = [], [], 0
        ids.append(name)
        texts.append(text)
        size += len(text) + 1
    if ids:
        yield ids, texts


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
