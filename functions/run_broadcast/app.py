"""The steps of the state machine that runs a broadcast."""

from collections.abc import Callable
from typing import Any

from postroad.broadcasts.broadcast import Tally, parse_tally
from postroad_aws.usecases.run_broadcast import (
    Counted,
    address_missed,
    address_part,
    begin_broadcast,
    count_messages,
)
from postroad_aws.wiring import run_ports

# What one page may take at the end of an invocation.
RESERVE_MS = 15_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """`do` says which step it is. The answer is the next input, until its cursor is null."""
    broadcast_id, number = event["broadcast_id"], event["number"]

    def has_time() -> bool:
        return bool(context.get_remaining_time_in_millis() > RESERVE_MS)

    return {**event, **_STEPS[event["do"]](event, broadcast_id, number, has_time)}


def _begin(event: dict[str, Any], broadcast_id: str, number: int, has_time: Callable[[], bool]) -> dict[str, Any]:
    task, parts = begin_broadcast(run_ports(), broadcast_id, number)
    return {"task": task, "shards": list(parts)}


def _address(event: dict[str, Any], broadcast_id: str, number: int, has_time: Callable[[], bool]) -> dict[str, Any]:
    after = event["cursor"]
    return {"cursor": address_part(run_ports(), broadcast_id, number, event["shard"], after, has_time)}


def _address_missed(
    event: dict[str, Any], broadcast_id: str, number: int, has_time: Callable[[], bool]
) -> dict[str, Any]:
    return {"cursor": address_missed(run_ports(), broadcast_id, number, event["cursor"], has_time)}


def _count(event: dict[str, Any], broadcast_id: str, number: int, has_time: Callable[[], bool]) -> dict[str, Any]:
    so_far = Counted(parse_tally(event["tally"]) if event["tally"] else Tally(), event["cursor"])
    counted = count_messages(run_ports(), broadcast_id, number, so_far, has_time)
    return {"tally": counted.tally.to_document(), "cursor": counted.cursor}


_STEPS: dict[str, Callable[..., dict[str, Any]]] = {
    "begin": _begin,
    "address": _address,
    "address_missed": _address_missed,
    "count": _count,
}
