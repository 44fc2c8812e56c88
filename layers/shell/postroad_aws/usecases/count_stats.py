"""Add up what a batch of a table's stream has changed, for live numbers.

A batch may come again, with more records behind it; it always begins where the last one that was done ended. So its
first record names it: what has been added is marked by that. It must not come again with fewer: what was cut off would
be counted once more with the batch that then begins there. Lambda cuts no batch whose function has failed unless it is
told to, and the template does not tell it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from postroad.stats import Increments, add_up
from postroad_aws.ports import Clock, Stats


class Change(NamedTuple):
    """One record: its place in the stream, and what it adds."""

    sequence: int
    increments: Increments


def count_stats(stats: Stats, clock: Clock, stream: str, changes: Sequence[Change]) -> None:
    """Count each of these changes, which the stream has handed over in this order, once. Raises when AWS fails."""
    left = list(changes)
    while left:
        batch, increments = _take(stats, left)
        last = batch[-1].sequence
        # What changes no number needs no mark. What cancels out does: a part of it may have been counted before.
        if any(change.increments for change in left):
            last = stats.add_once(stream, batch[0].sequence, last, increments, clock.now())
        left = [change for change in left if change.sequence > last]


def _take(stats: Stats, changes: Sequence[Change]) -> tuple[Sequence[Change], Increments]:
    """As many changes as can be added at once, from the first on, and their sum."""
    size = len(changes)
    while True:
        increments = add_up(change.increments for change in changes[:size])
        if size == 1 or stats.fits(increments):
            return changes[:size], increments
        size = (size + 1) // 2
