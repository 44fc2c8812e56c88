"""Adds up what changed in the ledger of messages and in the memberships, behind the streams of both tables."""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

from postroad.stats import Increments, count_membership, count_message
from postroad_aws import clock
from postroad_aws.observability import logger
from postroad_aws.storage import memberships, messages, stats
from postroad_aws.usecases.count_stats import Change, count_stats


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Stream records of one table. A batch that fails raises, and comes again as a whole."""
    records = event["Records"]
    if records:
        stream, count = _find_stream(records[0]["dynamodb"]["Keys"])
        count_stats(stats, clock, stream, [_read(record, count) for record in records])
        if stream == "messages":
            _judge()
    return {"batchItemFailures": []}


_judged_at = -inf


def _judge() -> None:
    """Look now and then what the numbers say of how mail is received. They are counted, whatever becomes of this."""
    global _judged_at
    from postroad_aws import alarms, books
    from postroad_aws.storage import holds
    from postroad_aws.usecases.judge_sending import EVERY, judge_sending

    now = clock.now()
    if 0 <= now - _judged_at < EVERY:
        return
    _judged_at = now
    try:
        judge_sending(stats, holds, alarms, books.current_policy(), now)
    except Exception:
        logger.exception("how mail is received could not be judged")


def _count_membership(before: Any, after: Any, at: float) -> Increments:
    return count_membership(before and memberships.parse_item(before), after and memberships.parse_item(after), at)


def _count_message(before: Any, after: Any, at: float) -> Increments:
    return count_message(before and messages.parse_item(before), after and messages.parse_item(after))


Count = Callable[[Any, Any, float], Increments]

# By the key of the table.
_STREAMS: Mapping[str, tuple[str, Count]] = {
    "place_shard": ("memberships", _count_membership),
    "message_id": ("messages", _count_message),
}


def _find_stream(keys: Mapping[str, Any]) -> tuple[str, Count]:
    return next(stream for key, stream in _STREAMS.items() if key in keys)


def _read(record: Mapping[str, Any], count: Count) -> Change:
    change = record["dynamodb"]
    sequence = int(change["SequenceNumber"])
    try:
        increments = count(change.get("OldImage"), change.get("NewImage"), change["ApproximateCreationDateTime"])
    except Exception:  # a row that we did not write, or wrote wrongly, must not hold up the numbers of all others
        logger.exception("a change of a row could not be counted", sequence=sequence)
        increments = Increments()
    return Change(sequence, increments)
