"""The table of imports: under "import" each import by its id, and under "people#id" its people, a page a row.

A page is deleted when it is taken; one that is never taken goes by itself after a week.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from postroad.imports import DONE, PAGE, Import, Person, begin_of_id, parse_import
from postroad.instants import DAY
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage import NotFoundError, VersionConflictError
from postroad_aws.storage.batches import code_of, write_items
from postroad_aws.storage.paging import read_items

Item = dict[str, Any]

_IMPORT = "import"
_KEPT_PEOPLE, _KEPT_IMPORTS = 7 * DAY, 400 * DAY
_MOST_LISTED = 20


def save_people(import_id: str, people: Sequence[Person], now: float) -> int:
    """Store the people of an import; returns the number of pages. The same again takes the place of what is there."""
    pages = [people[start : start + PAGE] for start in range(0, len(people), PAGE)]
    puts = []
    for number, page in enumerate(pages):
        body = zlib.compress(json.dumps([each._asdict() for each in page]).encode(), 6)
        item = {**_key(_people(import_id), f"{number:06d}"), "body": {"B": body}, **_until(now + _KEPT_PEOPLE)}
        puts.append({"PutRequest": {"Item": item}})
    write_items(_table(), puts)
    return len(pages)


def find_people(import_id: str, number: int) -> list[Person]:
    """A page of people; empty when it is taken already."""
    answer = get_client("dynamodb").get_item(
        TableName=_table(), Key=_key(_people(import_id), f"{number:06d}"), ConsistentRead=True
    )
    if "Item" not in answer:
        return []
    return [
        Person(**{**each, "identities": tuple(each["identities"])})
        for each in json.loads(zlib.decompress(answer["Item"]["body"]["B"]))
    ]


def forget_people(import_id: str, number: int) -> None:
    """Delete a page that is taken."""
    get_client("dynamodb").delete_item(TableName=_table(), Key=_key(_people(import_id), f"{number:06d}"))


def create_import(job: Import) -> None:
    """Store a new import; nothing when it is there."""
    with suppress(VersionConflictError):
        save_import(job)


def save_import(job: Import) -> None:
    """Store an import in place of what is known of it. Raises VersionConflictError when as many pages of that are
    taken."""
    document = {"S": json.dumps(job.to_document(), separators=(",", ":"))}
    taken = {"N": str(job.taken)}
    until = _until(job.asked_at + _KEPT_IMPORTS)
    item = {**_key(_IMPORT, job.import_id), "document": document, "taken": taken, **until}
    try:
        get_client("dynamodb").put_item(
            TableName=_table(),
            Item=item,
            ConditionExpression="attribute_not_exists(taken) OR taken < :taken",
            ExpressionAttributeValues={":taken": taken},
        )
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        raise VersionConflictError("Another run has taken this page; read the import again.") from None


def get_import(import_id: str) -> Import:
    """The import, read consistently. Raises NotFoundError."""
    key = _key(_IMPORT, import_id or "-")
    answer = get_client("dynamodb").get_item(TableName=_table(), Key=key, ConsistentRead=True)
    if "Item" not in answer:
        raise NotFoundError("There is no import with this id.")
    return parse_import(json.loads(answer["Item"]["document"]["S"]))


def list_imports() -> list[Import]:
    """The newest imports, the newest first: an id begins with its time."""
    answer = get_client("dynamodb").query(
        TableName=_table(),
        KeyConditionExpression="kind = :kind",
        ExpressionAttributeValues={":kind": {"S": _IMPORT}},
        ScanIndexForward=False,
        Limit=_MOST_LISTED,
    )
    return [parse_import(json.loads(item["document"]["S"])) for item in answer["Items"]]


def list_unfinished(since: float, until: float) -> Iterator[Import]:
    """The imports that were asked for between two times and are not done."""
    items = read_items(
        _table(),
        KeyConditionExpression="kind = :kind AND #name BETWEEN :since AND :until",
        ExpressionAttributeNames={"#name": "name"},
        ExpressionAttributeValues={
            ":kind": {"S": _IMPORT}, ":since": {"S": begin_of_id(since)}, ":until": {"S": begin_of_id(until)},
        },
    )  # fmt: skip
    found = (parse_import(json.loads(item["document"]["S"])) for item in items)
    return (job for job in found if job.state != DONE)


def _until(time: float) -> Item:
    return {"expires_at": {"N": str(int(time))}}


def _people(import_id: str) -> str:
    return f"people#{import_id}"


def _key(kind: str, name: str) -> Item:
    return {"kind": {"S": kind}, "name": {"S": name}}


def _table() -> str:
    return settings().require("imports_table")
