"""Cursors, and listings that go through many partitions."""

import heapq
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, TypeVar

from postroad_aws.clients import get_client
from postroad_aws.storage import CursorError, Page

T = TypeVar("T")


def encode_cursor(*parts: Any) -> str:
    """An opaque, URL-safe text of JSON values."""
    return urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *types: type | tuple[type, ...]) -> list[Any]:
    """The parts that `encode_cursor` was given, each of its type. Raises CursorError."""
    try:
        parts = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if isinstance(parts, list) and len(parts) == len(types):
            pairs = zip(parts, types, strict=True)
            if all(isinstance(part, kind) and not isinstance(part, bool) and _is_askable(part) for part, kind in pairs):
                return parts
    except (ValueError, RecursionError):
        pass
    raise CursorError("This cursor is not one that this listing gave out; start again without it.")


def _is_askable(part: Any) -> bool:
    """Whether DynamoDB can be asked with it, whoever wrote the cursor."""
    if isinstance(part, str):
        return 0 < len(part.encode()) <= 1_024
    if isinstance(part, int | float):
        return abs(part) < 1e15
    return not isinstance(part, list) or len(part) <= 1_000


def walk(
    partitions: Sequence[str],
    query: Callable[[str, str | None, int], Sequence[T]],
    position: Callable[[T], str],
    cursor: str | None,
    limit: int,
) -> Page[T]:
    """One partition after the other. `query(partition, after, limit)` gives what follows a sort key, in its order."""
    number, after = 0, None
    if cursor is not None:
        number, after = decode_cursor(cursor, int, (str, type(None)))
        if not 0 <= number < len(partitions):
            raise CursorError("This cursor belongs to another listing; start again without it.")
    found: list[tuple[int, T]] = []
    for at in range(number, len(partitions)):
        # One more than asked for says whether there is a next page.
        found += [(at, item) for item in query(partitions[at], after, limit + 1 - len(found))]
        after = None
        if len(found) > limit:
            last, item = found[limit - 1]
            return Page([item for _, item in found[:limit]], encode_cursor(last, position(item)))
    return Page([item for _, item in found], None)


def read_items(table: str, at_once: int | None = None, **query: Any) -> Iterator[dict[str, Any]]:
    """The items of a query, asked for so many at once (None: as many as fit into an answer), as they are needed."""
    if at_once is not None:
        query["Limit"] = at_once
    while True:
        answer = get_client("dynamodb").query(TableName=table, **query)
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


# The one partition of an index `by_time`, for what is made a few times a day.
ALL = "all"


def list_latest(table: str, key: str, *, cursor: str | None, limit: int) -> Page[str]:
    """The keys of items, the latest first, by their index `by_time` (listing, listed_at). Raises CursorError."""
    query: dict[str, Any] = {
        "TableName": table,
        "IndexName": "by_time",
        "KeyConditionExpression": "listing = :all",
        "ExpressionAttributeValues": {":all": {"S": ALL}},
        "ScanIndexForward": False,
        "Limit": limit + 1,
    }
    if cursor is not None:
        (listed_at,) = decode_cursor(cursor, str)
        query["KeyConditionExpression"] += " AND listed_at < :after"
        query["ExpressionAttributeValues"][":after"] = {"S": listed_at}
    items = get_client("dynamodb").query(**query)["Items"]
    following = encode_cursor(items[limit - 1]["listed_at"]["S"]) if len(items) > limit else None
    return Page([item[key]["S"] for item in items[:limit]], following)


def merge_newest(
    partitions: Sequence[str],
    entries: Callable[[str, float | None], Iterable[tuple[float, str]]],
    cursor: str | None,
    limit: int,
) -> Page[str]:
    """Many partitions as one listing of ids, the newest first, those of one instant by their ids.

    `entries(partition, until)` gives (time, id), the newest first, of those that are not after `until`; the index does
    not order those of one instant. Raises CursorError.
    """
    until, last = decode_cursor(cursor, (int, float), str) if cursor else (None, "")

    def ordered(partition: str) -> Iterator[tuple[float, str]]:
        for time, group in groupby(entries(partition, until), key=itemgetter(0)):
            yield from sorted((-time, each) for _, each in group if time != until or each > last)

    found = list(islice(heapq.merge(*map(ordered, partitions)), limit + 1))
    page = [each for _, each in found[:limit]]
    return Page(page, encode_cursor(-found[limit - 1][0], page[-1]) if len(found) > limit else None)


def merge_earliest(
    partitions: Sequence[str],
    entries: Callable[[str, float | None], Iterable[tuple[float, str]]],
    cursor: str | None,
    limit: int,
) -> Page[str]:
    """The same, the earliest first: `entries(partition, since)` gives those that are not before `since`, in order."""

    def turned(partition: str, until: float | None) -> Iterator[tuple[float, str]]:
        return ((-time, each) for time, each in entries(partition, None if until is None else -until))

    return merge_newest(partitions, turned, cursor, limit)
