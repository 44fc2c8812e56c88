"""Sends messages: claim, render, check, call the channel once."""

from typing import Any

from postroad_aws.usecases.send_message import send_messages
from postroad_aws.wiring import production

# The channel's read timeout, and the writes around it. A message that would start later waits for its next delivery.
RESERVE_MS = 14_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A batch of the sends queue; each message by itself, and what fails comes again."""
    ids = [record["body"] for record in event["Records"]]
    failed = send_messages(production(), ids, lambda: context.get_remaining_time_in_millis() >= RESERVE_MS)
    return {
        "batchItemFailures": [
            {"itemIdentifier": record["messageId"]} for record in event["Records"] if record["body"] in failed
        ]
    }
