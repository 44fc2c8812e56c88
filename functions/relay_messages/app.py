"""Puts messages that a commit has queued onto the sends queue: a few lines behind the messages table's stream."""

from typing import Any

from postroad_aws import queues
from postroad_aws.usecases.relay_messages import relay_messages


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Stream records; the first that the queue did not take, and those after it, come again."""
    sequence = {r["dynamodb"]["Keys"]["message_id"]["S"]: r["dynamodb"]["SequenceNumber"] for r in event["Records"]}
    failed = relay_messages(queues, list(sequence))
    return {"batchItemFailures": [{"itemIdentifier": sequence[message_id]} for message_id in failed]}
