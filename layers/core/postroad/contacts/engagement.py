"""Engagement: what a contact did with the latest messages of each channel, as far as it is kept for advice.

Only people count: what a scanner or a privacy proxy fetches says nothing about anybody. Kept are the hours, not local
times, so all is understood anew when the contact's time zone becomes known. A contact keeps MOST of each channel: old
habits are forgotten as new messages come.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

# The channel of an old message of which nothing is known: every channel but this one came later.
USUAL = "email"

# So many messages of one channel are kept: enough to know a habit, few enough to carry along.
MOST = 24
HOUR = 3_600.0

NOTHING, OPENED, CLICKED, ANSWERED = "", "o", "c", "a"
# A stronger response takes the place of a weaker one.
_STRENGTH = {NOTHING: 0, OPENED: 1, CLICKED: 2, ANSWERED: 3}


class Sent(NamedTuple):
    """One message: the hour in which it left (counted from the epoch), a short name, the strongest response of the
    person to it, and how many hours after it left the first one came."""

    hour: int
    name: str
    response: str = NOTHING
    delay: int = 0

    @property
    def answered(self) -> bool:
        return self.response != NOTHING

    @property
    def read_at(self) -> int:
        """The hour of the first response."""
        return self.hour + self.delay


Kept = Mapping[str, Sequence[Sent]]


def short_name(message_id: str) -> str:
    """Two characters that stand for a message among the few that are kept."""
    return urlsafe_b64encode(hashlib.sha256(message_id.encode(errors="replace")).digest()[:2]).decode()[:2]


def note_sent(kept: Kept, channel: str, message_id: str, at: float) -> dict[str, tuple[Sent, ...]]:
    """What is kept after a message has left."""
    sent = Sent(int(at // HOUR), short_name(message_id))
    return {**_copy(kept), channel: _latest((*kept.get(channel, ()), sent))}


def note_response(
    kept: Kept, message_id: str, at: float, response: str, channel: str = ""
) -> dict[str, tuple[Sent, ...]]:
    """What is kept after the person did something with a message, on whatever channel it is known (unless said); of one
    that is not known, that alone."""
    hour, name = int(at // HOUR), short_name(message_id)
    for known in (channel,) if channel else kept:
        sents = list(kept.get(known, ()))
        places = [number for number, sent in enumerate(sents) if sent.name == name and sent.hour <= hour]
        if places:
            sents[places[-1]] = _answer(sents[places[-1]], hour, response)
            return {**_copy(kept), known: tuple(sents)}
    known = channel or USUAL
    return {**_copy(kept), known: _latest((*kept.get(known, ()), Sent(hour, name, response)))}


def note_reply(kept: Kept, channel: str, at: float) -> dict[str, tuple[Sent, ...]]:
    """What is kept after a reply that names no message: it answers the latest one."""
    hour, sents = int(at // HOUR), list(kept.get(channel, ()))
    before = [number for number, sent in enumerate(sents) if sent.hour <= hour]
    if before:
        sents[before[-1]] = _answer(sents[before[-1]], hour, ANSWERED)
    return {**_copy(kept), channel: tuple(sents)} if sents else _copy(kept)


def take_back(kept: Kept, message_id: str) -> dict[str, tuple[Sent, ...]]:
    """What is kept after it is known that a message never came to anybody."""
    name = short_name(message_id)
    found = {channel: list(sents) for channel, sents in kept.items()}
    for sents in found.values():
        unread = [number for number, sent in enumerate(sents) if sent.name == name and not sent.answered]
        if unread:
            del sents[unread[-1]]
    return {channel: tuple(sents) for channel, sents in found.items() if sents}


def forget_responses(kept: Kept, message_id: str) -> dict[str, tuple[Sent, ...]]:
    """What is kept after it is known that no person did what was done with a message."""
    name = short_name(message_id)
    return {
        channel: tuple(Sent(sent.hour, sent.name) if sent.name == name else sent for sent in sents)
        for channel, sents in kept.items()
    }


def merge(a: Kept, b: Kept) -> dict[str, tuple[Sent, ...]]:
    """What two contacts keep who are one person."""
    return {channel: _latest((*a.get(channel, ()), *b.get(channel, ()))) for channel in sorted({*a, *b})}


def _latest(sents: Iterable[Sent]) -> tuple[Sent, ...]:
    """The latest MOST, in order; of the same message the strongest response."""
    found: dict[tuple[int, str], Sent] = {}
    for sent in sents:
        known = found.get((sent.hour, sent.name))
        found[sent.hour, sent.name] = max(known, sent, key=_weight) if known else sent
    return tuple(sorted(found.values(), key=lambda sent: (sent.hour, sent.name))[-MOST:])


def _weight(sent: Sent) -> tuple[int, int]:
    return _STRENGTH[sent.response], -sent.delay


def _answer(sent: Sent, hour: int, response: str) -> Sent:
    """A message after the person did something with it: its hour is that of the first time."""
    delay = min(sent.delay, hour - sent.hour) if sent.answered else hour - sent.hour
    return Sent(sent.hour, sent.name, max(sent.response, response, key=_STRENGTH.__getitem__), delay)


def _copy(kept: Kept) -> dict[str, tuple[Sent, ...]]:
    return {channel: tuple(sents) for channel, sents in kept.items()}
