"""Sends messages: claim, render, check, call the channel once."""

from typing import Any

from postroad_aws.observability import logger
from postroad_aws.usecases.send_message import send_message
from postroad_aws.wiring import production

# The channel's read timeout, and the writes around it. A message that would start later waits for its next delivery.
RESERVE_MS = 14_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A batch of the sends queue; each message by itself, and what fails comes again."""
    failed = []
    for record in event["Records"]:
        if context.get_remaining_time_in_millis() < RESERVE_MS:
            failed.append(record["messageId"])
            continue
        try:
            send_message(production(), record["body"])
        except Exception:
            logger.exception("a message could not be sent", message_id=record["body"])
            failed.append(record["messageId"])
    return {"batchItemFailures": [{"itemIdentifier": receipt} for receipt in failed]}
