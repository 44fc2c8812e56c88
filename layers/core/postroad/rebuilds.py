"""Rebuilds: how far the run is that folds every contact by a new book."""

from collections.abc import Collection
from typing import NamedTuple

from postroad.contacts.contact import SHARDS

WAITING, RUNNING, DONE, STALLED = "waiting", "running", "done", "stalled"
# A shard's next page comes within moments, or after a failed try within two minutes.
PATIENCE = 600.0


class ShardProgress(NamedTuple):
    """How many of a shard's contacts have been folded, of how many that there were when the run began."""

    shard: str
    done: int
    of: int
    is_done: bool
    touched_at: float


class Rebuild(NamedTuple):
    """A run as a whole. `of` is None until every shard has been counted; `touched_at` until something was folded."""

    revision: int
    state: str
    done: int
    of: int | None
    touched_at: float | None


def add_up(revision: int, shards: Collection[ShardProgress], now: float) -> Rebuild:
    """The run of which this is known by shard."""
    if not shards:
        return Rebuild(revision, WAITING, 0, None, None)
    done = sum(shard.done for shard in shards)
    touched_at = max(shard.touched_at for shard in shards)
    is_known = len(shards) == SHARDS
    state = RUNNING if now - touched_at <= PATIENCE else STALLED
    if is_known and all(shard.is_done for shard in shards):
        state = DONE
    return Rebuild(revision, state, done, sum(shard.of for shard in shards) if is_known else None, touched_at)


def describe(rebuild: Rebuild) -> str:
    """How far it is, in a sentence."""
    counted = f"{rebuild.done:,}" if rebuild.of is None else f"{rebuild.done:,} of {rebuild.of:,}"
    match rebuild.state:
        case "waiting":
            return "Nobody has been looked at anew yet"
        case "done":
            return f"All {rebuild.done:,} contacts have been looked at anew"
        case "stalled":
            return f"It stands still: {counted} contacts have been looked at anew"
    return f"{counted} contacts have been looked at anew"
