"""The queues: events to fold (FIFO) and messages to send."""

from collections.abc import Callable, Iterator, Sequence
from math import ceil
from typing import Any, TypeVar

from postroad.tracking.packing import QueueMessage
from postroad_aws.clients import get_client
from postroad_aws.observability import logger
from postroad_aws.settings import settings

_ENTRIES_LIMIT = 10
_BYTES_LIMIT = 256 * 1024
_DELAY_LIMIT = 900

Item = TypeVar("Item")


def send_events(messages: Sequence[QueueMessage]) -> Sequence[QueueMessage]:
    """Put them on the events queue, in order; returns those that it did not take, after one more try.

    Raises the client's own exception when the queue cannot be reached.
    """
    failed = _send_all(_events_url(), messages, _event_entry, _event_size)
    return _send_all(_events_url(), failed, _event_entry, _event_size) if failed else failed


def send_messages(message_ids: Sequence[str], delay: float = 0.0) -> Sequence[str]:
    """Put messages up for sending, after `delay` seconds (at most 900); returns those that the queue did not take."""
    # Rounded up: one that comes too early is put back, again and again.
    seconds = max(0, min(ceil(delay), _DELAY_LIMIT))

    def entry(message_id: str) -> dict[str, Any]:
        return {"MessageBody": message_id, "DelaySeconds": seconds}

    url = settings().require("sends_queue_url")
    failed = _send_all(url, message_ids, entry, len)
    return _send_all(url, failed, entry, len) if failed else failed


def events_backlog() -> int:
    """About how many messages wait on the events queue."""
    return _count(_events_url(), "ApproximateNumberOfMessages")


def sends_backlog() -> int:
    """About how many messages wait to be sent, those put off included."""
    url = settings().require("sends_queue_url")
    return _count(url, "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed")


def _count(url: str, *attributes: str) -> int:
    answer = get_client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=list(attributes))
    return sum(int(answer["Attributes"][name]) for name in attributes)


def _events_url() -> str:
    return settings().require("events_queue_url")


def _event_entry(message: QueueMessage) -> dict[str, Any]:
    return {
        "MessageBody": message.body,
        "MessageGroupId": message.group,
        "MessageDeduplicationId": message.deduplication_id,
    }


def _event_size(message: QueueMessage) -> int:
    return len(message.body)  # packed bodies are ASCII


def _send_all(
    url: str, items: Sequence[Item], entry: Callable[[Item], dict[str, Any]], size: Callable[[Item], int]
) -> list[Item]:
    failed: list[Item] = []
    client = get_client("sqs")
    for batch in _batches(items, size):
        entries = [{"Id": str(number), **entry(item)} for number, item in enumerate(batch)]
        answer = client.send_message_batch(QueueUrl=url, Entries=entries)
        refused = answer.get("Failed") or ()
        if refused:
            logger.warning("the queue did not take all messages", failed=len(refused), reason=refused[0].get("Code"))
        failed += [batch[int(one["Id"])] for one in refused]
    return failed


def _batches(items: Sequence[Item], size: Callable[[Item], int]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    total = 0
    for item in items:
        if batch and (len(batch) == _ENTRIES_LIMIT or total + size(item) > _BYTES_LIMIT):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += size(item)
    if batch:
        yield batch
