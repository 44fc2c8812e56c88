"""What a contact did, and how often: bounded memories that answer exactly, and know when time alone will turn them.

"At least n times within d" needs only the n newest times: it holds until the oldest of those is d old. So a memory is
a lifetime count with the first and last time, and a short list of the newest times. An event counts from when it is
folded until a window's length after its own time, so a late one counts where it belongs; nothing here depends on the
order of arrival.
"""

import math
from bisect import insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from heapq import merge as merge_sorted
from typing import Any

from postroad.documents import Reader
from postroad.events import Event
from postroad.instants import DAY

# [count, first, last, *newest times, ascending]: JSON as it stands, and never changed in place.
Memory = list[float]

# For how long a timeline is kept: what is published later can be counted from it, so no window is longer.
HISTORY = 400 * DAY
# "Exactly 50 times" asks whether there is a 51st.
LONGEST_LIST = 51


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


@dataclass(frozen=True, slots=True)
class Tracker:
    """What has to be remembered about one kind of event, for all the definitions that ask about it.

    `event` is the lower-cased name, `matches` whether an event is of the kind, `keep` how many of the newest times are
    wanted, `window` the longest window in seconds (None: only lifetime counts are asked for).
    """

    tracker_id: str
    event: str
    matches: Callable[[Event], bool] = field(compare=False, repr=False)
    keep: int = 0
    window: float | None = None

    def update(self, memory: Memory | None, time: float, now: float) -> Memory:
        """The memory after one more matching event, which happened at `time`."""
        if not memory:
            return [1, time, time, time] if self.keep else [1, time, time]
        count, first, last, *times = memory
        insort(times, time)
        return [count + 1, min(first, time), max(last, time), *self._newest(times, now)]

    def merge(self, one: Memory | None, other: Memory | None, now: float) -> Memory:
        """The memory of all that both remember; which comes first makes no difference."""
        if not one or not other:
            return list(one or other or ())
        times = list(merge_sorted(one[3:], other[3:]))
        return [one[0] + other[0], min(one[1], other[1]), max(one[2], other[2]), *self._newest(times, now)]

    def _newest(self, times: list[float], now: float) -> list[float]:
        if len(times) > self.keep:
            times = times[len(times) - self.keep :]
        # Measured from the newest event rather than from now, a memory depends only on what happened; a time that
        # lies in the future must not push out the present, though.
        if times and self.window is not None and times[0] <= (horizon := min(times[-1], now) - self.window):
            times = [time for time in times if time > horizon]
        return times


def has_happened_until(memory: Memory | None, times: int, window: float | None) -> float:
    """Until when something has happened at least so many times within the window: inf for ever, -inf for not at all."""
    if times <= 0:
        return math.inf
    if not memory:
        return -math.inf
    if window is None:
        return math.inf if memory[0] >= times else -math.inf
    return memory[-times] + window if len(memory) - 3 >= times else -math.inf


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


def recompute(tracker: Tracker, events: Iterable[Event], now: float, known: Memory | None = None) -> Memory | None:
    """The memory of a timeline, equal to that of updates in any order of arrival.

    A timeline forgets what is older than its retention; `known`, an earlier memory of the same kind, keeps the
    lifetime count and the first time that the timeline can no longer tell.
    """
    times = sorted(event.time for event in events if event.name.lower() == tracker.event and tracker.matches(event))
    if not times:
        return known
    count, first, last = (known or [0, math.inf, -math.inf])[:3]
    return [max(len(times), count), min(times[0], first), max(times[-1], last), *tracker._newest(times, now)]
