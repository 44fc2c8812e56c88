"""What a contact did, how often, and how much of it: bounded memories that know when time alone will turn an answer.

"At least n times within d" needs only the n newest times: it holds until the oldest of those is d old. So a memory is
a lifetime count with the first and last time, and a short list of the newest times. An event counts from when it is
folded until a window's length after its own time, so a late one counts where it belongs; nothing here depends on the
order of arrival.

There is a tracker for each way to remember: `Tracker` times, `Amounts` numbers, `Ends` the first and the last value,
`Different` how many different things, `Values` the newest values. A memory is JSON as it stands, and is never changed
in place. All that a tracker says of its memory is how one begins with an event, and what two are together.
"""

import json
import math
from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from heapq import merge as merge_sorted
from typing import Any, NamedTuple

from postroad.documents import Reader
from postroad.events import Event
from postroad.instants import DAY

Memory = list[Any]

# For how long a timeline is kept: what is published later can be counted from it, so no window is longer.
HISTORY = 400 * DAY
# What is remembered one by one; what is older than these goes by whole hours or days.
EXACT = 50
# "Exactly 50 times" asks whether there is a 51st.
LONGEST_LIST = EXACT + 1
HOUR = 3_600.0
# Up to this window what is older goes by whole hours, beyond it by days.
HOURLY = 2 * DAY
# Amounts are kept in ten-thousandths, as whole numbers: these add up alike in any order.
SCALE = 10_000
LARGEST_AMOUNT = 1e15
# Bytes of a value that is remembered, as JSON; a longer one counts as missing.
LONGEST_VALUE = 200
# Letters of a value of which many are remembered, and how many.
LONGEST_NOTED, NOTED = 60, 30
# Bytes of all memories of one contact together, before they are compressed to less than half: its item has 400 KB.
MOST_BYTES = 512 * 1024
# About how many bytes, as JSON, an instant and a short name take, and a summary of amounts.
_INSTANT, _NAME, _SUMMARY = 16, 20, 40


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often something has to happen: `bounds` makes the fewest and the most times of the operand (None: no end)."""

    key: str
    read: Callable[[Reader, str], Any]
    bounds: Callable[[Any], tuple[int, int | None]]
    describe: Callable[[Any], str]


def _count(word: str) -> Callable[[int], str]:
    return lambda n: f"did {{}} {word} {'once' if n == 1 else f'{n} times'}"


FREQUENCIES = {
    frequency.key: frequency
    for frequency in (
        Frequency(
            "at_least",
            lambda reader, key: reader.integer(key, least=1),
            lambda n: (n, None),
            lambda n: "did {}" if n == 1 else _count("at least")(n),
        ),
        Frequency("at_most", Reader.integer, lambda n: (0, n), _count("at most")),
        Frequency("exactly", Reader.integer, lambda n: (n, n), _count("exactly")),
        Frequency(
            "never",
            Reader.flag,
            lambda wanted: (0, 0) if wanted else (1, None),
            lambda wanted: "did not do {}" if wanted else "did {}",
        ),
    )
}


def _as_stored(time: float) -> float:
    """A time as the timeline keeps it, in whole milliseconds: what is counted anew from there must be the same."""
    return round(time * 1_000) / 1_000


@dataclass(frozen=True, slots=True)
class Tracker:
    """What has to be remembered about some events, for all the definitions that ask about them.

    `events` are the lower-cased names, `matches` whether an event is meant, `keep` how many of the newest are wanted
    one by one, `window` the longest window in seconds (None: only the whole life is asked for).

    This one remembers when they happened: [count, first, last, *newest times, ascending].
    """

    tracker_id: str
    events: tuple[str, ...]
    matches: Callable[[Event], bool] = field(compare=False, repr=False)
    keep: int = 0
    window: float | None = None

    @property
    def most_bytes(self) -> int:
        """About how many bytes its memory takes at most, before it is compressed."""
        return _INSTANT * (3 + self.keep)

    def begin(self, event: Event) -> Memory | None:
        """The memory of one matching event; None when there is nothing to remember of it."""
        time = _as_stored(event.time)
        return [1, time, time, time] if self.keep else [1, time, time]

    def update(self, memory: Memory | None, event: Event, now: float) -> Memory | None:
        """The memory after one more matching event."""
        if not memory:
            return self.begin(event)
        count, first, last, *times = memory
        time = _as_stored(event.time)
        insort(times, time)
        return [count + 1, min(first, time), max(last, time), *self._newest(times, now)]

    def merge(self, one: Memory | None, other: Memory | None, now: float) -> Memory:
        """The memory of all that both remember; which comes first makes no difference."""
        if not one or not other:
            return list(one or other or ())
        times = list(merge_sorted(one[3:], other[3:]))
        return [one[0] + other[0], min(one[1], other[1]), max(one[2], other[2]), *self._newest(times, now)]

    def outlive(self, fresh: Memory, known: Memory) -> Memory:
        """A memory made from a timeline, with what only an earlier memory of the same can still tell."""
        return [max(fresh[0], known[0]), min(fresh[1], known[1]), max(fresh[2], known[2]), *fresh[3:]]

    def _newest(self, times: list[float], now: float) -> list[float]:
        if len(times) > self.keep:
            times = times[len(times) - self.keep :]
        # Measured from the newest event rather than from now, a memory depends only on what happened; a time that
        # lies in the future must not push out the present, though.
        if times and self.window is not None and times[0] <= (horizon := min(times[-1], now) - self.window):
            times = [time for time in times if time > horizon]
        return times


class Summary(NamedTuple):
    """Of some amounts how many, their total, the lowest and the highest; in ten-thousandths."""

    number: int = 0
    total: int = 0
    lowest: int = 0
    highest: int = 0

    def plus(self, other: "Summary") -> "Summary":
        if not self.number or not other.number:
            return self if self.number else other
        return Summary(
            self.number + other.number,
            self.total + other.total,
            min(self.lowest, other.lowest),
            max(self.highest, other.highest),
        )


NOTHING = Summary()


class Leaving(NamedTuple):
    """Amounts that count until an instant."""

    until: float
    summary: Summary


@dataclass(frozen=True, slots=True)
class Amounts(Tracker):
    """Remembers numbers: `read` makes them of an event, in ten-thousandths.

    Without `grain` of the whole life: [number, total, lowest, highest]. With it for windows:
    [[[time, number, total, lowest, highest], …], [[bucket, number, total, lowest, highest], …]]: the EXACT newest
    events one by one, those before them by buckets of `grain` seconds. A window moves by whole buckets: what is in one
    leaves as if it had happened when the bucket began. So what has left a window never comes back into it.
    """

    read: Callable[[Event], Sequence[int]] = field(default=lambda event: (0,), compare=False, repr=False)
    grain: float | None = None

    @property
    def most_bytes(self) -> int:
        if self.grain is None:
            return _SUMMARY
        return EXACT * (_INSTANT + _SUMMARY) + math.ceil((self.window or HISTORY) / self.grain) * _SUMMARY

    def begin(self, event: Event) -> Memory | None:
        amounts = self.read(event)
        if not amounts:
            return None
        summary = [len(amounts), sum(amounts), min(amounts), max(amounts)]
        return summary if self.grain is None else [[[_as_stored(event.time), *summary]], []]

    def update(self, memory: Memory | None, event: Event, now: float) -> Memory | None:
        begun = self.begin(event)
        return self.merge(memory, begun, now) if begun else memory

    def merge(self, one: Memory | None, other: Memory | None, now: float) -> Memory:
        if not one or not other:
            return list(one or other or ())
        if self.grain is None:
            return list(Summary(*one).plus(Summary(*other)))
        single = sorted((*one[0], *other[0]))
        older, newest = single[:-EXACT], single[-EXACT:]
        buckets: dict[int, Summary] = {}
        for bucket, *summary in (*one[1], *other[1], *((int(time // self.grain), *rest) for time, *rest in older)):
            buckets[bucket] = buckets.get(bucket, NOTHING).plus(Summary(*summary))
        horizon = min(newest[-1][0], now) - (self.window or math.inf)
        return [
            [entry for entry in newest if entry[0] > horizon],
            [[bucket, *summary] for bucket, summary in sorted(buckets.items()) if bucket * self.grain > horizon],
        ]

    def outlive(self, fresh: Memory, known: Memory) -> Memory:
        # An earlier memory of the whole life that counts more knows all that the timeline knows, and more.
        return known if self.grain is None and known[0] > fresh[0] else fresh

    def leaving(self, memory: Memory | None, window: float | None, now: float) -> list[Leaving]:
        """What counts now, in the order in which it leaves the window (None: it never does)."""
        if not memory:
            return []
        if self.grain is None or window is None:
            return [Leaving(math.inf, Summary(*memory))]
        found = [
            *(Leaving(bucket * self.grain + window, Summary(*rest)) for bucket, *rest in memory[1]),
            *(Leaving(time + window, Summary(*rest)) for time, *rest in memory[0]),
        ]
        return sorted(each for each in found if each.until > now)


@dataclass(frozen=True, slots=True)
class Ends(Tracker):
    """Remembers the first and the last event, each with a value that `read` makes of it: [[time, value] of the first,
    [time, value] of the last]. Of two at one instant the value decides, so that the order of arrival does not."""

    read: Callable[[Event], Any] = field(default=lambda event: None, compare=False, repr=False)

    @property
    def most_bytes(self) -> int:
        return 2 * (_INSTANT + LONGEST_VALUE)

    def begin(self, event: Event) -> Memory:
        entry = [_as_stored(event.time), _small(self.read(event))]
        return [entry, entry]

    def update(self, memory: Memory | None, event: Event, now: float) -> Memory | None:
        return self.merge(memory, self.begin(event), now)

    def merge(self, one: Memory | None, other: Memory | None, now: float) -> Memory:
        if not one or not other:
            return list(one or other or ())
        return [min(one[0], other[0], key=_weight), max(one[1], other[1], key=_weight)]

    def outlive(self, fresh: Memory, known: Memory) -> Memory:
        return self.merge(fresh, known, 0.0)


def _weight(entry: Sequence[Any]) -> tuple[float, str]:
    return entry[0], json.dumps(entry[1], sort_keys=True)


def _small(value: Any) -> Any:
    """A value as it is remembered: what is long, or no JSON, counts as missing."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return None
    return value if len(text.encode()) <= LONGEST_VALUE else None


@dataclass(frozen=True, slots=True)
class Different(Tracker):
    """Remembers how many different things events were about, by a short name that `read` makes of an event: the newest,
    [[time, name], …], each with the last time."""

    read: Callable[[Event], str] = field(default=lambda event: "", compare=False, repr=False)

    @property
    def most_bytes(self) -> int:
        return self.keep * (_INSTANT + _NAME)

    def begin(self, event: Event) -> Memory | None:
        name = self.read(event)
        return [[_as_stored(event.time), name]] if name else None

    def update(self, memory: Memory | None, event: Event, now: float) -> Memory | None:
        begun = self.begin(event)
        return self.merge(memory, begun, now) if begun else memory

    def merge(self, one: Memory | None, other: Memory | None, now: float) -> Memory:
        last: dict[str, float] = {}
        for time, name in (*(one or ()), *(other or ())):
            last[name] = max(time, last.get(name, -math.inf))
        return [[time, name] for time, name in sorted((time, name) for name, time in last.items())[-self.keep :]]

    def outlive(self, fresh: Memory, known: Memory) -> Memory:
        return self.merge(fresh, known, 0.0)


@dataclass(frozen=True, slots=True)
class Values(Tracker):
    """Remembers the newest values that `read` makes of events: [[time, value], …], ascending, as many as `keep`.

    A value is a short text or a number; others are left out.
    """

    read: Callable[[Event], Sequence[Any]] = field(default=lambda event: (), compare=False, repr=False)

    @property
    def most_bytes(self) -> int:
        return self.keep * (_INSTANT + LONGEST_NOTED)

    def begin(self, event: Event) -> Memory | None:
        time = _as_stored(event.time)
        noted = [[time, value] for value in self.read(event) if _is_noted(value)]
        return sorted(noted, key=_weight)[-self.keep :] or None

    def update(self, memory: Memory | None, event: Event, now: float) -> Memory | None:
        begun = self.begin(event)
        return self.merge(memory, begun, now) if begun else memory

    def merge(self, one: Memory | None, other: Memory | None, now: float) -> Memory:
        return sorted((*(one or ()), *(other or ())), key=_weight)[-self.keep :]

    def outlive(self, fresh: Memory, known: Memory) -> Memory:
        # What both tell is told once; what only the earlier memory tells is older than the timeline.
        told = {_weight(entry) for entry in fresh}
        return self.merge(fresh, [entry for entry in known if _weight(entry) not in told], 0.0)


def _is_noted(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_AMOUNT
    return is_number or (isinstance(value, str) and 0 < len(value) <= LONGEST_NOTED)


def find_most(memory: Memory | None, window: float | None, now: float) -> list[tuple[float, Any]]:
    """Which value a `Values` has most of, from each instant on: [(from when, value), …]; None of nothing.

    Of several the one that came last. The first entry is about now.
    """
    entries = list(memory or ())
    found: list[tuple[float, Any]] = []
    starts = [now, *(time + window for time, _ in entries if time + window > now)] if window is not None else [now]
    for start in starts:
        counts: dict[Any, tuple[int, float]] = {}
        for time, value in entries:
            if window is None or time + window > start:
                counts[value] = (counts.get(value, (0, 0.0))[0] + 1, time)
        most = max(counts, key=lambda value: counts[value], default=None)
        if not found or found[-1][1] != most:
            found.append((start, most))
    return found


def has_happened_until(memory: Memory | None, times: int, window: float | None) -> float:
    """Until when something has happened at least so many times within the window: inf for ever, -inf for not at all."""
    if times <= 0:
        return math.inf
    if not memory:
        return -math.inf
    if window is None:
        return math.inf if memory[0] >= times else -math.inf
    return memory[-times] + window if len(memory) - 3 >= times else -math.inf


def have_been_until(memory: Memory | None, things: int, window: float | None) -> float:
    """The same for how many different things a `Different` has seen."""
    if things <= 0:
        return math.inf
    if not memory or len(memory) < things:
        return -math.inf
    return math.inf if window is None else float(memory[-things][0]) + window


def find_time(memory: Memory | None, after: float, until: float) -> float | None:
    """The first of the newest times that lies after one instant, and not after the other."""
    return next((time for time in memory[3:] if after < time <= until), None) if memory else None


def combine_trackers(trackers: Iterable[Tracker]) -> dict[str, Tracker]:
    """One tracker for each id, which remembers as much as the most demanding of them."""
    combined: dict[str, Tracker] = {}
    for tracker in trackers:
        known = combined.get(tracker.tracker_id, tracker)
        windows = [window for window in (known.window, tracker.window) if window is not None]
        widest = replace(known, keep=max(known.keep, tracker.keep), window=max(windows, default=None))
        combined[tracker.tracker_id] = widest
    return combined


def find_excess(trackers: Iterable[Tracker]) -> str | None:
    """Why so much cannot be remembered of one contact, as a sentence; None when it can."""
    ranked = sorted(trackers, key=lambda tracker: -tracker.most_bytes)
    total = sum(tracker.most_bytes for tracker in ranked)
    if total <= MOST_BYTES:
        return None
    largest = ", ".join(dict.fromkeys(event for tracker in ranked[:3] for event in tracker.events))
    return (
        f"all that is live would remember up to {total // 1024:,} KB of one contact, and {MOST_BYTES // 1024} KB is "
        f"the most; ask for shorter windows or for fewer sums, the largest are about {largest}"
    )


def recompute(tracker: Tracker, events: Iterable[Event], now: float, known: Memory | None = None) -> Memory | None:
    """The memory of a timeline, equal to that of updates in any order of arrival.

    A timeline forgets what is older than its retention; `known`, an earlier memory of the same kind, keeps what the
    timeline can no longer tell of the whole life.
    """
    fresh: Memory | None = None
    for event in events:
        if event.name.lower() in tracker.events and tracker.matches(event):
            fresh = tracker.update(fresh, event, now)
    if fresh is None or known is None:
        return known if fresh is None else fresh
    return tracker.outlive(fresh, known)
