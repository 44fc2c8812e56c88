"""The memberships table: who is in a segment, in 64 shards, for broadcasts and listings.

The contact itself says the same; what is here follows it in the same transaction.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from zlib import crc32

from postroad.commits import MembershipChange
from postroad_aws.settings import settings
from postroad_aws.storage import Page
from postroad_aws.storage.batches import write_items
from postroad_aws.storage.paging import walk

Item = dict[str, Any]

SHARDS = tuple(f"{number:02d}" for number in range(64))


class Membership(NamedTuple):
    """A contact is in the segment since `entered`."""

    contact_id: str
    entered: float


def apply(changes: Sequence[MembershipChange]) -> None:
    """Write changes outside of a commit; of several about one membership the last counts."""
    last = {(change.segment, change.contact_id): change for change in changes}
    write_items(
        _table(),
        [
            {"DeleteRequest": {"Key": _key(change)}}
            if change.entered is None
            else {"PutRequest": {"Item": _item(change, change.entered)}}
            for change in last.values()
        ],
    )


def action(change: MembershipChange) -> Item:
    """The action of a transaction that makes the change."""
    if change.entered is None:
        return {"Delete": {"TableName": _table(), "Key": _key(change)}}
    return {"Put": {"TableName": _table(), "Item": _item(change, change.entered)}}


def list_members(segment: str, *, cursor: str | None = None, limit: int = 50) -> Page[Membership]:
    """Who is in a segment, shard by shard. Raises CursorError."""
    from postroad_aws.storage.rows import MembershipRow

    def query(segment_shard: str, after: str | None, most: int) -> list[Membership]:
        condition = MembershipRow.contact_id > after if after else None
        rows = MembershipRow.query(segment_shard, condition, limit=most, page_size=most)
        return [Membership(row.contact_id, row.entered) for row in rows]

    return walk([f"{segment}#{shard}" for shard in SHARDS], query, lambda found: found.contact_id, cursor, limit)


def _table() -> str:
    return settings().require("memberships_table")


def _key(change: MembershipChange) -> Item:
    shard = SHARDS[crc32(change.contact_id.encode()) % len(SHARDS)]
    return {"segment_shard": {"S": f"{change.segment}#{shard}"}, "contact_id": {"S": change.contact_id}}


def _item(change: MembershipChange, entered: float) -> Item:
    return {**_key(change), "entered": {"N": repr(entered)}}
