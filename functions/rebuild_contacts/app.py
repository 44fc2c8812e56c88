"""Folds one shard's contacts by a new book, as far as the time goes."""

from typing import Any

from postroad_aws.usecases.rebuild_contacts import rebuild_contacts
from postroad_aws.wiring import production

# What one page and the commit under way may take at the end of an invocation.
RESERVE_MS = 10_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """The answer is the next input, until its cursor is null."""
    rebuilt = rebuild_contacts(
        production(),
        event["shard"],
        event["revision"],
        event["cursor"],
        has_time=lambda: context.get_remaining_time_in_millis() > RESERVE_MS,
    )
    return {**event, "cursor": rebuilt.cursor, "folded": rebuilt.folded}
