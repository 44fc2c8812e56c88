"""Cursors, and listings that go through many partitions."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

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
