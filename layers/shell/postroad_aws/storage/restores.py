"""Tables beside copies of them as they were: raw items, which are put back where they are missing.

A table is named by its setting ("contacts_table"); `Copies` knows the copy of each.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage.batches import code_of, get_items, scan_items
from postroad_aws.storage.paging import read_items

Item = dict[str, Any]

_AT_ONCE = 100


@dataclass(frozen=True)
class Copies:
    """The names of the tables as they were restored, by the settings that name the live ones."""

    names: Mapping[str, str]

    def scan_pairs(self, table: str) -> Iterator[tuple[Item, Item | None]]:
        """Each item of a copy, with what is live under its key, read consistently."""
        page: list[Item] = []
        for item in scan_items(self.names[table]):
            page.append(item)
            if len(page) == _AT_ONCE:
                yield from _beside_live(table, page)
                page = []
        yield from _beside_live(table, page)

    def list_keys(self, contact_ids: Sequence[str]) -> set[tuple[str, str]]:
        """The keys (contact_id, key) of the copied timeline of these contacts."""
        found = set()
        for contact_id in contact_ids:
            items = read_items(
                self.names["events_table"],
                KeyConditionExpression="contact_id = :contact_id",
                ExpressionAttributeValues={":contact_id": {"S": contact_id}},
                ProjectionExpression="contact_id, #key",
                ExpressionAttributeNames={"#key": "key"},
            )
            found |= {(item["contact_id"]["S"], item["key"]["S"]) for item in items}
        return found


def scan_live(table: str) -> Iterator[Item]:
    """Every live item of a table, in no order."""
    return scan_items(settings().require(table))


def scan_owners() -> Iterator[list[str]]:
    """The ids under which the live timelines are, some at a time."""
    last, page = "", []
    for item in scan_items(settings().require("events_table")):
        contact_id = item["contact_id"]["S"]
        # What is under one id stands together.
        if contact_id != last:
            last = contact_id
            page.append(contact_id)
        if len(page) == _AT_ONCE:
            yield page
            page = []
    if page:
        yield page


def list_proofs(address_topic: str) -> list[Item]:
    """The live proofs of an answer, the oldest first, read consistently."""
    return list(
        read_items(
            settings().require("consent_proof_table"),
            KeyConditionExpression="address_topic = :name",
            ExpressionAttributeValues={":name": {"S": address_topic}},
            ConsistentRead=True,
        )
    )


def find_live(table: str, key: Item) -> Item | None:
    """The live item under a key, read consistently."""
    answer = get_client("dynamodb").get_item(TableName=settings().require(table), Key=key, ConsistentRead=True)
    return answer.get("Item")


def put_back(table: str, item: Item, instead: Item | None = None) -> bool:
    """Put an item where nothing is, or where `instead` is still what was read; False when something else is there.

    What is compared are the parts of `instead` that change when it is written.
    """
    name, *_ = key_names(settings().require(table))
    condition: Item = {"ConditionExpression": "attribute_not_exists(#key)", "ExpressionAttributeNames": {"#key": name}}
    if instead is not None:
        parts = {part: instead[part] for part in ("version", "forward_to", "time") if part in instead}
        condition = {
            "ConditionExpression": " AND ".join(f"#{part} = :{part}" for part in parts),
            "ExpressionAttributeNames": {f"#{part}": part for part in parts},
            "ExpressionAttributeValues": {f":{part}": value for part, value in parts.items()},
        }
    try:
        get_client("dynamodb").put_item(TableName=settings().require(table), Item=item, **condition)
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        return False
    return True


@cache
def key_names(table: str) -> tuple[str, ...]:
    """The attributes of a table's key."""
    schema = get_client("dynamodb").describe_table(TableName=table)["Table"]["KeySchema"]
    return tuple(part["AttributeName"] for part in sorted(schema, key=lambda part: part["KeyType"]))


def _beside_live(table: str, page: Sequence[Item]) -> Iterator[tuple[Item, Item | None]]:
    if not page:
        return
    live, names = settings().require(table), key_names(settings().require(table))

    def key_of(item: Item) -> tuple[str, ...]:
        return tuple(item[name]["S"] for name in names)

    keys = [{name: item[name] for name in names} for item in page]
    found = {key_of(item): item for item in get_items(live, keys, consistent=True)}
    yield from ((item, found.get(key_of(item))) for item in page)
