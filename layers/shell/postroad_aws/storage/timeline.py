"""The events table: each contact's timeline, a row for every event that it folded, kept for RETENTION."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from postroad.commits import Row
from postroad.contacts.codec import decode_row, encode_row
from postroad.events import Event
from postroad.predicates.behaviour import HISTORY
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage import Page
from postroad_aws.storage.batches import get_items, write_items
from postroad_aws.storage.paging import decode_cursor, encode_cursor, read_items

Item = dict[str, Any]

# Counted from when a row is written, not from its event: what is imported late must not vanish at once.
RETENTION = HISTORY


def save_rows(rows: Sequence[Row], now: float, *, retention: float = RETENTION) -> None:
    """Put the rows; the same row again changes nothing. `retention` is in seconds."""
    items = {(row.contact_id, row.key): _item(row, now + retention) for row in rows}
    write_items(_table(), [{"PutRequest": {"Item": item}} for item in items.values()])


def heal_rows(rows: Sequence[Row], now: float, *, retention: float = RETENTION) -> None:
    """Put those rows that are missing, and leave those alone that are there: they know what the event caused."""
    client = get_client("dynamodb")
    for row in rows:
        with suppress(client.exceptions.ConditionalCheckFailedException):
            client.put_item(
                TableName=_table(),
                Item=_item(row, now + retention),
                ConditionExpression="attribute_not_exists(contact_id)",
            )


def put_request(row: Row, now: float, *, retention: float = RETENTION) -> Item:
    """The action of a transaction that puts a row."""
    return {"Put": {"TableName": _table(), "Item": _item(row, now + retention)}}


def find_keys(keys: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which of these (contact_id, key) exist, read consistently."""
    found = get_items(
        _table(), [_key(*pair) for pair in dict.fromkeys(keys)], consistent=True, only="contact_id, #key", names=_NAMES
    )
    return {(item["contact_id"]["S"], item["key"]["S"]) for item in found}


def find_row(contact_ids: Sequence[str], key: str) -> Row | None:
    """The row with this key under the first of these ids that has one, read consistently."""
    keys = [_key(contact_id, key) for contact_id in dict.fromkeys(contact_ids)]
    found = {item["contact_id"]["S"]: item for item in get_items(_table(), keys, consistent=True)}
    return next((_read(found[contact_id]) for contact_id in contact_ids if contact_id in found), None)


def list_history(contact_ids: Sequence[str]) -> Iterable[Event]:
    """All events (derived ones included) of these contacts, in the order of time; a cause comes before its effects."""
    events = [
        event
        for contact_id in dict.fromkeys(contact_ids)
        for row in _query_all(contact_id)
        for event in (row.event, *row.caused)
    ]
    return sorted(events, key=lambda event: event.time)


def list_rows(
    contact_ids: Sequence[str], *, cursor: str | None = None, limit: int = 50, newest_first: bool = True
) -> Page[Row]:
    """The timeline of a contact and of those merged into it, as one. Raises CursorError."""
    found: list[tuple[str, str, Item]] = []
    after = decode_cursor(cursor, str, str) if cursor else None
    for contact_id in dict.fromkeys(contact_ids):
        condition, values = "contact_id = :contact_id", {":contact_id": {"S": contact_id}}
        if after:
            # Rows stand in the order of (key, contact_id); two contacts may hold the same key.
            key, of = after
            follows = contact_id < of if newest_first else contact_id > of
            condition += f" AND #key {'<' if newest_first else '>'}{'=' if follows else ''} :after"
            values[":after"] = {"S": key}
        items = read_items(
            _table(),
            limit + 1,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ScanIndexForward=not newest_first,
            **({"ExpressionAttributeNames": _NAMES} if after else {}),
        )
        found += [(item["key"]["S"], contact_id, item) for item in islice(items, limit + 1)]
    found.sort(key=lambda entry: entry[:2], reverse=newest_first)
    page = found[:limit]
    following = encode_cursor(*page[-1][:2]) if len(found) > limit else None
    return Page([_read(item) for *_, item in page], following)


def list_records(contact_ids: Sequence[str], before: float | None = None) -> Iterator[dict[str, Any]]:
    """Every row of these contacts, or those whose event happened before a time, as documents."""
    for contact_id in dict.fromkeys(contact_ids):
        for row in _query_all(contact_id):
            if before is not None and row.event.time >= before:
                continue
            caused = [event.to_document() for event in row.caused]
            decisions = [each._asdict() for each in row.decisions]
            yield {"event": row.event.to_document(), "caused": caused, "decisions": decisions}


def forget_rows(contact_ids: Sequence[str], before: float | None = None) -> None:
    """Delete the whole timeline of these contacts, or what happened before a time."""
    rows = [row for contact_id in dict.fromkeys(contact_ids) for row in _query_all(contact_id)]
    keys = [_key(row.contact_id, row.key) for row in rows if before is None or row.event.time < before]
    write_items(_table(), [{"DeleteRequest": {"Key": key}} for key in keys])


_NAMES = {"#key": "key"}


def _table() -> str:
    return settings().require("events_table")


def _key(contact_id: str, key: str) -> Item:
    return {"contact_id": {"S": contact_id}, "key": {"S": key}}


def _item(row: Row, expires_at: float) -> Item:
    return {**_key(row.contact_id, row.key), "body": {"B": encode_row(row)}, "expires_at": {"N": str(int(expires_at))}}


def _read(item: Item) -> Row:
    return decode_row(item["contact_id"]["S"], item["key"]["S"], item["body"]["B"])


def _query_all(contact_id: str) -> Iterable[Row]:
    items = read_items(
        _table(),
        KeyConditionExpression="contact_id = :contact_id",
        ExpressionAttributeValues={":contact_id": {"S": contact_id}},
        ConsistentRead=True,
    )
    return map(_read, items)
