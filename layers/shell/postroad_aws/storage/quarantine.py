"""The quarantine table: what could not be taken, with the reason, for a person to look at."""

import json
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any
from zlib import crc32

from postroad.instants import DAY, format_instant
from postroad.tracking.quarantine import Reject, parse_reject
from postroad_aws.settings import settings
from postroad_aws.storage import Page
from postroad_aws.storage.batches import write_items
from postroad_aws.storage.paging import decode_cursor, encode_cursor, read_items

Item = dict[str, Any]

SHARDS = tuple(f"{number:02d}" for number in range(16))
RETENTION = 30 * DAY

# A page looks at so many days at most, each with a query a shard; an empty week gives a short page with a cursor.
_DAYS_AT_ONCE = 7


def save_rejects(rejects: Sequence[Reject]) -> None:
    """Keep them; the same reject again changes nothing."""
    items = {reject.reject_id: _item(reject) for reject in rejects}
    write_items(_table(), [{"PutRequest": {"Item": item}} for item in items.values()])


def put_request(reject: Reject) -> Item:
    """The action of a transaction that keeps a reject."""
    return {"Put": {"TableName": _table(), "Item": _item(reject)}}


def forget_rejects(rejects: Sequence[Reject]) -> None:
    """Delete them."""
    items = [_item(reject) for reject in rejects]
    keys = [{name: item[name] for name in ("day_shard", "id")} for item in items]
    write_items(_table(), [{"DeleteRequest": {"Key": key}} for key in keys])


def list_rejects(now: float, *, cursor: str | None = None, limit: int = 50, since: float = 0.0) -> Page[Reject]:
    """All rejects of the last RETENTION seconds, or from the day of `since` on, the newest first. A page may be short.
    Raises CursorError."""
    # Somebody else's clock may be ahead; who asks for the last days alone can do without that.
    newest = int((now if since else now + DAY) // DAY)
    day, after = decode_cursor(cursor, int, (str, type(None))) if cursor else (newest, None)
    day, oldest = min(day, newest), int(max(now - RETENTION, since) // DAY)
    found: list[tuple[str, Reject]] = []
    for at in range(day, max(oldest, day - _DAYS_AT_ONCE) - 1, -1):
        most = limit + 1 - len(found)
        items = [item for shard in SHARDS for item in islice(_read_day(f"{_day(at * DAY)}#{shard}", after, most), most)]
        items.sort(key=lambda item: item["id"]["S"], reverse=True)
        found += [(item["id"]["S"], _read(item["body"]["B"])) for item in items]
        after = None
        if len(found) > limit:
            page = found[:limit]
            last_day = int(page[-1][1].received // DAY)
            return Page([reject for _, reject in page], encode_cursor(last_day, page[-1][0]))
    end = max(oldest, day - _DAYS_AT_ONCE) - 1
    return Page([reject for _, reject in found], encode_cursor(end, None) if end >= oldest else None)


def _read_day(day_shard: str, after: str | None, at_once: int) -> Iterator[Item]:
    """The items of a day's shard, the newest first."""
    below = {":after": {"S": after}} if after else {}
    return read_items(
        _table(),
        at_once,
        KeyConditionExpression="day_shard = :day_shard" + (" AND #id < :after" if below else ""),
        ExpressionAttributeValues={":day_shard": {"S": day_shard}, **below},
        ScanIndexForward=False,
        **({"ExpressionAttributeNames": {"#id": "id"}} if below else {}),
    )


def _table() -> str:
    return settings().require("quarantine_table")


def _day(time: float) -> str:
    return format_instant(time)[:10]


def _item(reject: Reject) -> Item:
    shard = SHARDS[crc32(reject.reject_id.encode()) % len(SHARDS)]
    return {
        "day_shard": {"S": f"{_day(reject.received)}#{shard}"},
        "id": {"S": f"{format_instant(reject.received)}#{reject.reject_id}"},
        "body": {"B": zlib.compress(json.dumps(reject.to_document()).encode(), 6)},
        "expires_at": {"N": str(int(reject.received + RETENTION))},
    }


def _read(body: bytes) -> Reject:
    return parse_reject(json.loads(zlib.decompress(body)))
