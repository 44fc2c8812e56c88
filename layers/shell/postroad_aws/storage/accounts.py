"""The accounts table: the truth about each company.

One item each. `listed` ("target#02", "other#02") sorts them in the index of its name: target accounts apart, each list
in the order of the ids, in four shards.
"""

import json
from collections.abc import Collection
from heapq import nsmallest
from typing import Any
from zlib import crc32

from botocore.exceptions import ClientError

from postroad.accounts import Account, Suppression, Word
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage import Page
from postroad_aws.storage.batches import code_of, get_items
from postroad_aws.storage.paging import decode_cursor, encode_cursor

Item = dict[str, Any]

SHARDS = tuple(f"{number:02d}" for number in range(4))
TARGET, OTHER = "target", "other"


def find_account(account_id: str) -> Account | None:
    """The account, read consistently."""
    return find_accounts([account_id]).get(account_id)


def find_accounts(account_ids: Collection[str]) -> dict[str, Account]:
    """Those of these accounts that are there, read consistently."""
    keys = [_key(account_id) for account_id in dict.fromkeys(account_ids)]
    found = [parse_item(item) for item in get_items(_table(), keys, consistent=True)] if keys else []
    return {account.account_id: account for account in found}


def save_account(account: Account) -> bool:
    """Store an account with its version plus one, in place of the one that was read; False when somebody else has
    written it since. Saying the same again, after an answer was lost, is no conflict."""
    item = _item(account)
    try:
        get_client("dynamodb").put_item(
            TableName=_table(),
            Item=item,
            ConditionExpression="version = :version" if account.version else "attribute_not_exists(account_id)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **({"ExpressionAttributeValues": {":version": {"N": str(account.version)}}} if account.version else {}),
        )
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        return bool(error.response.get("Item") == item)
    return True


def forget_account(account_id: str) -> None:
    """Delete what is known of an account."""
    get_client("dynamodb").delete_item(TableName=_table(), Key=_key(account_id))


def list_accounts(*, target: bool = False, cursor: str | None = None, limit: int = 50) -> Page[Account]:
    """Accounts in the order of their ids; with `target` only target accounts. Raises CursorError."""
    after = decode_cursor(cursor, str)[0] if cursor else None
    partitions = [f"{kind}#{shard}" for kind in (TARGET,) + (() if target else (OTHER,)) for shard in SHARDS]
    # One more than asked for says whether there is a next page.
    ids = nsmallest(limit + 1, (each for partition in partitions for each in _query(partition, after, limit + 1)))
    found = find_accounts(ids[:limit])
    shown = [found[account_id] for account_id in ids[:limit] if account_id in found]
    return Page(shown, encode_cursor(ids[limit - 1]) if len(ids) > limit else None)


def parse_item(item: Item) -> Account:
    """The account of an item, as the table and its stream have it."""
    said = json.loads(item["document"]["S"])
    return Account(
        account_id=item["account_id"]["S"],
        group_id=said["group_id"],
        created_at=said["created_at"],
        updated_at=said["updated_at"],
        version=int(item["version"]["N"]),
        # Before editions were counted, members carried the version.
        edition=said.get("edition", int(item["version"]["N"])),
        attributes={name: Word(*word) for name, word in said.get("attributes", {}).items()},
        suppression=Suppression(*said["suppression"]) if "suppression" in said else None,
        is_target=item["listed"]["S"].startswith(TARGET),
        members=said.get("members", 0),
        engaged=said.get("engaged", {}),
    )


def _query(partition: str, after: str | None, limit: int) -> list[str]:
    condition, values = "listed = :partition", {":partition": {"S": partition}}
    if after:
        condition, values = f"{condition} AND account_id > :after", {**values, ":after": {"S": after}}
    answer = get_client("dynamodb").query(
        TableName=_table(),
        IndexName="listed",
        KeyConditionExpression=condition,
        ExpressionAttributeValues=values,
        Limit=limit,
    )
    return [item["account_id"]["S"] for item in answer["Items"]]


def _table() -> str:
    return settings().require("accounts_table")


def _key(account_id: str) -> Item:
    return {"account_id": {"S": account_id}}


def _item(account: Account) -> Item:
    shard = SHARDS[crc32(account.account_id.encode()) % len(SHARDS)]
    said: Item = {
        "group_id": account.group_id,
        "created_at": account.created_at,
        "updated_at": account.updated_at,
        "edition": account.edition,
        "attributes": {name: list(word) for name, word in account.attributes.items()},
        "members": account.members,
        "engaged": dict(account.engaged),
    }
    if account.suppression:
        said["suppression"] = list(account.suppression)
    return {
        **_key(account.account_id),
        "listed": {"S": f"{TARGET if account.is_target else OTHER}#{shard}"},
        "version": {"N": str(account.version + 1)},
        "document": {"S": json.dumps({name: value for name, value in said.items() if value}, separators=(",", ":"))},
    }
