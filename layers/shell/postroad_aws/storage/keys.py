"""The keys table: write keys and API keys by their hash, and the stack's own secret with its keys of links.

The door reads it at each cold start, so it speaks botocore; pynamodb would cost 15 ms there.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from math import inf
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from postroad.errors import PostroadError
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage import NotFoundError, Page, VersionConflictError
from postroad_aws.storage.paging import decode_cursor, encode_cursor

if TYPE_CHECKING:
    from postroad.content.link_keys import LinkKey

KNOWN_SECONDS = 60.0
UNKNOWN_SECONDS = 10.0
_CACHE_LIMIT = 1_000
_SECRET = "secret"

Kind = Literal["write", "api"]


class StackSecretError(PostroadError):
    """The stack has no secret yet."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a key opens: `write` sends events as `source`, `api` reads and writes through the JSON API."""

    kind: Kind
    source: str
    trusted: bool = False
    name: str = ""
    created_at: float = 0.0
    disabled_at: float | None = None


class StoredKey(NamedTuple):
    """What a key opens, under the hash by which it is stored."""

    key_hash: str
    key: Key


def hash_key(key: str) -> str:
    """The key as it is stored; a key is long and random, so one round of SHA-256 is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


_cache: dict[str, tuple[float, Key | None]] = {}


def find_key(key: str) -> Key | None:
    """What the key opens, or None when nobody has it or it is disabled; remembered for a minute (None: 10 s)."""
    key_hash = hash_key(key)
    until, found = _cache.get(key_hash, (0.0, None))
    if time.monotonic() < until:
        return found
    answer = get_client("dynamodb").get_item(TableName=_table(), Key={"key_hash": {"S": key_hash}})
    found = _read(answer["Item"]) if "Item" in answer else None
    if found and found.disabled_at is not None:
        found = None
    if len(_cache) >= _CACHE_LIMIT:
        _cache.clear()
    _cache[key_hash] = (time.monotonic() + (KNOWN_SECONDS if found else UNKNOWN_SECONDS), found)
    return found


def save_key(key: str, value: Key) -> str:
    """Store what the key opens, in place of what it opened before; returns its hash."""
    key_hash = hash_key(key)
    item = {
        "key_hash": {"S": key_hash},
        "kind": {"S": value.kind},
        "source": {"S": value.source},
        "trusted": {"BOOL": value.trusted},
        "name": {"S": value.name},
        "created_at": {"N": repr(value.created_at)},
        **({"disabled_at": {"N": repr(value.disabled_at)}} if value.disabled_at is not None else {}),
    }
    get_client("dynamodb").put_item(TableName=_table(), Item=item)
    _cache.pop(key_hash, None)
    return key_hash


def disable_key(key_hash: str, now: float) -> Key:
    """The key opens nothing any more, once every process has forgotten it (KNOWN_SECONDS). The first time stays.

    Raises NotFoundError.
    """
    client = get_client("dynamodb")
    try:
        answer = client.update_item(
            TableName=_table(),
            Key={"key_hash": {"S": key_hash}},
            UpdateExpression="SET disabled_at = if_not_exists(disabled_at, :now)",
            ConditionExpression="attribute_exists(kind)",
            ExpressionAttributeValues={":now": {"N": repr(now)}},
            ReturnValues="ALL_NEW",
        )
    except client.exceptions.ConditionalCheckFailedException:
        raise NotFoundError("There is no key with this id.") from None
    _cache.pop(key_hash, None)
    return _read(answer["Attributes"])


def list_keys(*, cursor: str | None = None, limit: int = 50) -> Page[StoredKey]:
    """All keys, in no order; the keys themselves are known to nobody. Raises CursorError."""
    start = {"ExclusiveStartKey": {"key_hash": {"S": decode_cursor(cursor, str)[0]}}} if cursor else {}
    answer = get_client("dynamodb").scan(TableName=_table(), Limit=limit, **start)
    items = [StoredKey(item["key_hash"]["S"], _read(item)) for item in answer["Items"] if "kind" in item]
    last = answer.get("LastEvaluatedKey")
    return Page(items, encode_cursor(last["key_hash"]["S"]) if last else None)


# What was last read of the stack's own item, and when.
_stack: tuple[float, Mapping[str, Any]] | None = None


def _read_stack(lasts: float = inf) -> Mapping[str, Any]:
    """The stack's own item, at most so many seconds old: its secret, and its link keys once there is a second one."""
    global _stack
    if _stack is None or time.monotonic() - _stack[0] >= lasts:
        read_at, key = time.monotonic(), {"key_hash": {"S": _SECRET}}
        answer = get_client("dynamodb").get_item(TableName=_table(), Key=key, ConsistentRead=True)
        if "Item" not in answer:
            raise StackSecretError("This stack has no keys yet. The command `make keys` makes them.")
        _stack = read_at, answer["Item"]
    return _stack[1]


@cache
def get_stack_secret() -> bytes:
    """The 32 bytes that contact ids are made with. Raises StackSecretError when there are none."""
    return bytes(_read_stack()["secret"]["B"])


def list_link_keys() -> "tuple[LinkKey, ...]":
    """The keys that sign links, the oldest first, at most KNOWN_SECONDS old. Raises StackSecretError."""
    from postroad.content.link_keys import LinkKey

    item = _read_stack(KNOWN_SECONDS)
    if "links" not in item:
        return (LinkKey("1", _derive(bytes(item["secret"]["B"]), "links")),)
    return tuple(LinkKey(kid, bytes.fromhex(key), since) for kid, key, since in json.loads(item["links"]["S"]))


def save_link_keys(after: "Sequence[LinkKey]", before: "Sequence[LinkKey]") -> None:
    """Put the keys of links in place of those that were read. Raises VersionConflictError when these are others now."""
    client = get_client("dynamodb")
    try:
        client.update_item(
            TableName=_table(),
            Key={"key_hash": {"S": _SECRET}},
            UpdateExpression="SET links = :after",
            ConditionExpression="attribute_exists(secret) AND (links = :before OR attribute_not_exists(links))",
            ExpressionAttributeValues={":after": _link_keys(after), ":before": _link_keys(before)},
        )
    except client.exceptions.ConditionalCheckFailedException:
        raise VersionConflictError("Somebody else has changed the keys of links; look at them again.") from None
    forget_keys()


def _link_keys(link_keys: "Sequence[LinkKey]") -> dict[str, str]:
    return {"S": json.dumps([[each.kid, each.secret.hex(), each.since] for each in link_keys])}


def create_stack_secret(secret: bytes) -> bytes:
    """Store the secret unless there is one; returns the one that counts. It never changes: contact ids hang on it."""
    client = get_client("dynamodb")
    with suppress(client.exceptions.ConditionalCheckFailedException):
        client.put_item(
            TableName=_table(),
            Item={"key_hash": {"S": _SECRET}, "secret": {"B": secret}},
            ConditionExpression="attribute_not_exists(key_hash)",
        )
    forget_keys()
    return get_stack_secret()


def derive_key(label: str) -> bytes:
    """A key for one purpose ("contacts", "sessions"), made from the stack's secret by HMAC-SHA256."""
    return _derive(get_stack_secret(), label)


def _derive(secret: bytes, label: str) -> bytes:
    return hmac.digest(secret, label.encode(), "sha256")


def forget_keys() -> None:
    """Empty what this process remembers, for tests and for a process that must see a change at once."""
    global _stack
    _cache.clear()
    _stack = None
    get_stack_secret.cache_clear()


def _table() -> str:
    return settings().require("keys_table")


def _read(item: Mapping[str, Any]) -> Key:
    return Key(
        kind="api" if item["kind"]["S"] == "api" else "write",
        source=item["source"]["S"],
        trusted=item.get("trusted", {}).get("BOOL", False),
        name=item.get("name", {}).get("S", ""),
        created_at=float(item.get("created_at", {}).get("N", 0)),
        disabled_at=float(item["disabled_at"]["N"]) if "disabled_at" in item else None,
    )
