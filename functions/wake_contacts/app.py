"""Wakes the contacts that are due: the clock state machine calls it each minute, then for each crowded shard."""

from typing import Any

from postroad_aws.usecases.wake_contacts import wake_contacts, wake_shard
from postroad_aws.wiring import keyless


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """With a `shard`, all that is due in it; else a page of every shard. Answers how many, and the crowded shards."""
    woken = wake_shard(keyless(), event["shard"]) if "shard" in event else wake_contacts(keyless())
    return {"woken": woken.woken, "crowded": list(woken.crowded), "more": bool(woken.crowded)}
