"""Caps: how many messages one person gets at most, over all channels or on one, within a window that moves along.

A message is spent when it is queued and given back when it turns out not to leave. What is remembered is when the
messages of the last window were queued, so a cap is exact, whatever the order of events; and the moment at which there
is room again is known: when the oldest of those that fill it has become a window old. A cap may allow more to people in
a higher band of a score sheet.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, inf
from typing import NamedTuple

from postroad.contacts.contact import Spent
from postroad.documents import Reader
from postroad.instants import DAY, describe_duration
from postroad.sending.channels import CHANNELS

MOST_CAPS = 10
MOST_MESSAGES = 50
LONGEST_WINDOW = 90 * DAY
# Several caps may fill up apart, and people who were two become one: more than this is forgotten, the oldest first.
MOST_SPENT = 200


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many messages within `per` seconds, on one channel or (None) on all. `bands` allow other numbers to
    people in those bands of the sheet `score`."""

    per: float
    at_most: int
    channel: str | None = None
    score: str | None = None
    bands: Mapping[str, int] = field(default_factory=dict)

    def counts(self, channel: str) -> bool:
        return self.channel is None or self.channel == channel

    def allows(self, bands: Iterable[str]) -> tuple[int, str]:
        """How many somebody in these bands may get, and the band that says so ("" for everybody else's number)."""
        named = next((band for band in bands if band in self.bands), "")
        return self.bands.get(named, self.at_most), named

    def describe(self) -> str:
        bands = ", ".join(f"{number} in the band {band}" for band, number in self.bands.items())
        more = f" ({bands} of the score {self.score})" if bands else ""
        return f"at most {_count(self.at_most, self.channel)} within {describe_duration(self.per)}{more}"


def _count(number: int, channel: str | None) -> str:
    what = "message" if channel is None else f"{channel} message"
    return f"{number} {what}{'' if number == 1 else 's'}"


class Room(NamedTuple):
    """When a cap has room for one more (inf: never), and what that hangs on, in words."""

    at: float
    because: str


def find_room(cap: Cap, spent: Sequence[Spent], bands: Iterable[str], now: float) -> Room:
    """Whether a cap has room now, or when it will have, as far as what has been spent tells."""
    limit, band = cap.allows(bands)
    times = sorted(at for at, channel, _ in spent if cap.counts(channel) and at + cap.per > now)
    by = f" in the band {band}" if band else ""
    window = f"within {describe_duration(cap.per)}"
    if not limit:
        return Room(inf, f"people{by} get none of these {window}")
    because = f"{len(times)} of at most {_count(limit, cap.channel)} {window}{by}"
    return Room(now if len(times) < limit else times[-limit] + cap.per, because)


def spend(spent: Sequence[Spent], caps: Sequence[Cap], message_id: str, channel: str, now: float) -> tuple[Spent, ...]:
    """What has been spent after one more message was queued; what no cap looks at any more is forgotten."""
    windows = {known: max((cap.per for cap in caps if cap.counts(known)), default=0.0) for known in CHANNELS}
    kept = [s for s in spent if s.at + windows.get(s.channel, 0.0) > now]
    return (*kept, Spent(float(ceil(now)), channel, _short_name(message_id)))[-MOST_SPENT:]


def give_back(spent: Sequence[Spent], message_id: str) -> tuple[Spent, ...]:
    """What has been spent without a message that did not leave. Giving it back again changes nothing."""
    name = _short_name(message_id)
    return tuple(s for s in spent if s.message != name)


def merge_spent(one: Sequence[Spent], other: Sequence[Spent]) -> tuple[Spent, ...]:
    """What two contacts that are one person have spent: all of both."""
    return tuple(sorted({*one, *other}))[-MOST_SPENT:]


def _short_name(message_id: str) -> str:
    """Six characters (36 bits), enough to tell the messages of one contact's window apart."""
    return urlsafe_b64encode(hashlib.sha256(message_id.encode()).digest()[:5]).decode()[:6]


def read_caps(reader: Reader, key: str) -> tuple[Cap, ...]:
    """The caps under a key of a policy."""
    return tuple(map(_read_cap, reader.children(key, least=0, most=MOST_CAPS)))


def _read_cap(reader: Reader) -> Cap:
    score = reader.id("score", None)
    given = reader.find_child("bands")
    bands = {name: given.integer(name, least=0, most=MOST_MESSAGES) for name in given.names()} if given else {}
    if bool(score) is not bool(bands):
        reader.mistake("names a score and its bands together: score: engagement, bands: {hot: 5, cold: 1}", "bands")
    return Cap(
        reader.duration("per", least=3_600, most=LONGEST_WINDOW),
        reader.integer("at_most", least=0, most=MOST_MESSAGES),
        reader.choice("channel", CHANNELS, None),
        score,
        bands,
    )
