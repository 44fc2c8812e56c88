"""DynamoDB's batch calls, which may leave a part undone: it is asked for again until all is done."""

import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from postroad_aws.clients import get_client
from postroad_aws.ports import Fault

Item = dict[str, Any]

_READ_AT_ONCE = 100
_WRITTEN_AT_ONCE = 25
# 6 s of pauses at most in all.
_TRIES = 8
_FIRST_PAUSE = 0.05


def get_items(
    table: str, keys: Sequence[Item], *, consistent: bool, only: str | None = None, names: dict[str, str] | None = None
) -> list[Item]:
    """The items with these (distinct) keys, in no order. `only` is a projection. Raises Fault when tries run out."""
    options: Item = {"ConsistentRead": consistent}
    if only:
        options["ProjectionExpression"] = only
    if names:
        options["ExpressionAttributeNames"] = names
    found: list[Item] = []
    for start in range(0, len(keys), _READ_AT_ONCE):
        left = list(keys[start : start + _READ_AT_ONCE])
        for pause in pauses(_TRIES, _FIRST_PAUSE):
            answer = get_client("dynamodb").batch_get_item(RequestItems={table: {"Keys": left, **options}})
            found += answer["Responses"].get(table, ())
            left = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys")
            if not left:
                break
            time.sleep(pause)
        else:
            raise Fault("DynamoDB did not give all items of a batch; the table is throttled.")
    return found


def get_items_of(keys: Mapping[str, Sequence[Item]], *, consistent: bool) -> dict[str, list[Item]]:
    """The items with these keys of several tables, at most 100 in all. Raises Fault when tries run out."""
    found: dict[str, list[Item]] = {table: [] for table in keys}
    left: Item = {table: {"Keys": list(each), "ConsistentRead": consistent} for table, each in keys.items()}
    for pause in pauses(_TRIES, _FIRST_PAUSE):
        answer = get_client("dynamodb").batch_get_item(RequestItems=left)
        for table, items in answer["Responses"].items():
            found[table] += items
        left = answer.get("UnprocessedKeys")
        if not left:
            return found
        time.sleep(pause)
    raise Fault("DynamoDB did not give all items of a batch; a table is throttled.")


def scan_items(table: str) -> Iterator[Item]:
    """Every item of a table, in no order."""
    scan: Item = {"TableName": table}
    while True:
        answer = get_client("dynamodb").scan(**scan)
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        scan["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def write_items(table: str, requests: Iterable[Item]) -> None:
    """Carry out put and delete requests on distinct keys. Raises Fault when tries run out."""
    requests = list(requests)
    for start in range(0, len(requests), _WRITTEN_AT_ONCE):
        left = requests[start : start + _WRITTEN_AT_ONCE]
        for pause in pauses(_TRIES, _FIRST_PAUSE):
            answer = get_client("dynamodb").batch_write_item(RequestItems={table: left})
            left = answer.get("UnprocessedItems", {}).get(table)
            if not left:
                break
            time.sleep(pause)
        else:
            raise Fault("DynamoDB did not write all items of a batch; the table is throttled.")


def pauses(tries: int, first: float) -> Iterable[float]:
    """How long to wait after each try: doubling, with full jitter, as AWS advises."""
    return (random.random() * first * 2**number for number in range(tries))


def code_of(error: ClientError) -> str:
    """AWS's name of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))
