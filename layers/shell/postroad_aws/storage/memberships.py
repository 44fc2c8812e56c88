"""The memberships table: who is at a place (`postroad.contacts.places`), in 64 shards, for broadcasts and listings.

The contact itself says the same; what is here follows it in the same transaction. The members of an account have one
shard: few belong to it, and whoever asks wants them all.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple
from zlib import crc32

from postroad.commits import MembershipChange
from postroad.contacts.places import account_place
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage import Page
from postroad_aws.storage.batches import scan_items, write_items
from postroad_aws.storage.paging import read_items, walk

Item = dict[str, Any]

SHARDS = tuple(f"{number:02d}" for number in range(64))
_ACCOUNTS = account_place("")


class Membership(NamedTuple):
    """A contact is at the place since then. `moved`: until they became one, as another contact."""

    contact_id: str
    since: float
    moved: bool = False


def apply(changes: Sequence[MembershipChange]) -> None:
    """Write changes outside of a commit; of several about one membership the last counts."""
    last = {(change.place, change.contact_id): change for change in changes}
    write_items(
        _table(),
        [
            {"DeleteRequest": {"Key": _key(change)}}
            if change.since is None
            else {"PutRequest": {"Item": _item(change, change.since)}}
            for change in last.values()
        ],
    )


def action(change: MembershipChange) -> Item:
    """The action of a transaction that makes the change."""
    if change.since is None:
        return {"Delete": {"TableName": _table(), "Key": _key(change)}}
    return {"Put": {"TableName": _table(), "Item": _item(change, change.since)}}


def list_members(*places: str, cursor: str | None = None, limit: int = 50) -> Page[Membership]:
    """Who is at these places, shard by shard; who is at two comes twice. Raises CursorError."""

    def query(partition: str, after: str | None, most: int) -> list[Membership]:
        place, _, shard = partition.rpartition("#")
        return list_shard(place, shard, after=after, limit=most)

    partitions = [f"{place}#{shard}" for place in places for shard in shards_of(place)]
    return walk(partitions, query, lambda found: found.contact_id, cursor, limit)


def shards_of(place: str) -> tuple[str, ...]:
    """The shards over which a place is spread."""
    return SHARDS[:1] if place.startswith(_ACCOUNTS) else SHARDS


def count_place(place: str) -> int:
    """How many are at a place now, counted one by one, consistently."""
    number = 0
    for shard in shards_of(place):
        query: Item = {
            "TableName": _table(),
            "KeyConditionExpression": "place_shard = :partition",
            "ExpressionAttributeValues": {":partition": {"S": f"{place}#{shard}"}},
            "ConsistentRead": True,
            "Select": "COUNT",
        }
        while True:
            answer = get_client("dynamodb").query(**query)
            number += answer["Count"]
            if "LastEvaluatedKey" not in answer:
                break
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return number


def list_shard(place: str, shard: str, *, after: str | None = None, limit: int = 100) -> list[Membership]:
    """The members in one of the SHARDS, in the order of their ids; those that follow the contact `after`."""
    condition, values = "place_shard = :partition", {":partition": {"S": f"{place}#{shard}"}}
    if after:
        condition, values = f"{condition} AND contact_id > :after", {**values, ":after": {"S": after}}
    items = read_items(
        _table(), limit, KeyConditionExpression=condition, ExpressionAttributeValues=values, ConsistentRead=True
    )
    return [
        Membership(item["contact_id"]["S"], float(item["since"]["N"]), "moved" in item) for item in islice(items, limit)
    ]


def scan_memberships() -> Iterator[MembershipChange]:
    """Every membership there is, as the change that has put it."""
    return map(parse_item, scan_items(_table()))


def parse_item(item: Item) -> MembershipChange:
    """The change that has put this item, as the table and its stream have it."""
    place = item["place_shard"]["S"].rpartition("#")[0]
    return MembershipChange(place, item["contact_id"]["S"], float(item["since"]["N"]), "moved" in item)


def _table() -> str:
    return settings().require("memberships_table")


def _key(change: MembershipChange) -> Item:
    shards = shards_of(change.place)
    shard = shards[crc32(change.contact_id.encode()) % len(shards)]
    return {"place_shard": {"S": f"{change.place}#{shard}"}, "contact_id": {"S": change.contact_id}}


def _item(change: MembershipChange, since: float) -> Item:
    return {**_key(change), "since": {"N": repr(since)}, **({"moved": {"BOOL": True}} if change.moved else {})}
