"""The requests table: what was asked with an idempotency key, and what was answered, for a day."""

import zlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import NamedTuple

from botocore.exceptions import ClientError

from postroad.instants import DAY
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage.batches import code_of, scan_items, write_items

KEPT_SECONDS = DAY
# Longer than a function may take: whoever began earlier than this has died.
ABANDONED_SECONDS = 60.0


class Known(NamedTuple):
    """A request that somebody has made already; `answer` is None while it is under way."""

    asked: str
    answer: str | None


def begin(request_id: str, asked: str, owner: str, now: float) -> Known | None:
    """Claim a request for us to do: None. When it is under way or was done within a day: what is known of it."""
    item = {
        "request_id": {"S": request_id},
        "asked": {"S": asked},
        "owner": {"S": owner},
        "began": {"N": repr(now)},
        "expires_at": {"N": str(int(now + KEPT_SECONDS) + 1)},
    }
    try:
        get_client("dynamodb").put_item(
            TableName=_table(),
            Item=item,
            # DynamoDB deletes what has expired some days late.
            ConditionExpression="attribute_not_exists(request_id) OR began < :yesterday"
            " OR (attribute_not_exists(answer) AND began < :abandoned)",
            ExpressionAttributeValues={
                ":yesterday": {"N": repr(now - KEPT_SECONDS)},
                ":abandoned": {"N": repr(now - ABANDONED_SECONDS)},
            },
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        found = error.response["Item"]
        if found["owner"]["S"] == owner:
            return None  # the SDK repeats a call whose answer was lost, and then finds our own claim
        return Known(found["asked"]["S"], zlib.decompress(found["answer"]["B"]).decode() if "answer" in found else None)
    return None


def finish(request_id: str, owner: str, answer: str) -> bool:
    """Keep the answer of a request that is ours; False, and nothing, when somebody else has taken it over."""
    try:
        get_client("dynamodb").update_item(
            TableName=_table(),
            Key={"request_id": {"S": request_id}},
            UpdateExpression="SET answer = :answer",
            ConditionExpression="#owner = :owner",
            ExpressionAttributeNames={"#owner": "owner"},
            # Deflated, because it may be larger than an item.
            ExpressionAttributeValues={":answer": {"B": zlib.compress(answer.encode(), 1)}, ":owner": {"S": owner}},
        )
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        return False
    return True


def forget(request_id: str, owner: str) -> None:
    """A request that is ours was refused, and may be made again."""
    with suppress(get_client("dynamodb").exceptions.ConditionalCheckFailedException):
        get_client("dynamodb").delete_item(
            TableName=_table(),
            Key={"request_id": {"S": request_id}},
            ConditionExpression="#owner = :owner",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={":owner": {"S": owner}},
        )


def list_answers() -> Iterator[tuple[str, str]]:
    """What was answered to each request that is kept: (its id, the answer)."""
    for item in scan_items(_table()):
        if "answer" in item:
            yield item["request_id"]["S"], zlib.decompress(item["answer"]["B"]).decode()


def forget_requests(request_ids: Collection[str]) -> None:
    """Delete these requests with their answers."""
    keys = [{"request_id": {"S": request_id}} for request_id in request_ids]
    write_items(_table(), [{"DeleteRequest": {"Key": key}} for key in keys])


def _table() -> str:
    return settings().require("requests_table")
