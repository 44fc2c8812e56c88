"""Removes the demo's made-up people, as far as the time goes."""

from typing import Any

from postroad_aws.usecases.remove_demo import remove_demo
from postroad_aws.wiring import removal_ports

# What erasing one contact, or the last numbers, may take at the end of an invocation.
RESERVE_MS = 15_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Whether nothing is left; else it has to be called again."""
    return {"done": remove_demo(removal_ports(), lambda: context.get_remaining_time_in_millis() > RESERVE_MS)}
