"""Folds one shard's contacts by a new book, as far as the time goes."""

from typing import Any

from postroad_aws.storage import rebuilds
from postroad_aws.usecases.rebuild_contacts import SoFar, rebuild_contacts
from postroad_aws.wiring import production

# What one page and the commit under way may take at the end of an invocation.
RESERVE_MS = 10_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The answer is the next input, until its cursor is null."""
    so_far = SoFar(event["done"], event["of"]) if "of" in event else None
    rebuilt = rebuild_contacts(
        production(),
        event["shard"],
        event["revision"],
        event["cursor"],
        has_time=lambda: context.get_remaining_time_in_millis() > RESERVE_MS,
        progress=rebuilds,
        so_far=so_far,
    )
    counted = rebuilt.so_far._asdict() if rebuilt.so_far else {}
    return {**event, "cursor": rebuilt.cursor, "folded": rebuilt.folded, **counted}
