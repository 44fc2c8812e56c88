"""The table of privacy requests: the request itself, and beside it the pages that an export has written, for a week.

`listed_at` (when it was asked for, and its id) sorts requests in the index `by_time`, which has one partition.
"""

import json
import zlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from postroad.consent.privacy import DONE, EXPORT, KEPT, PrivacyRequest, parse_request
from postroad.instants import format_instant
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage import NotFoundError, Page, VersionConflictError
from postroad_aws.storage.batches import code_of, get_items, scan_items, write_items
from postroad_aws.storage.paging import ALL, list_latest, read_items

Item = dict[str, Any]
_REQUEST = "request"
_PAGES = "page-"


def create(request: PrivacyRequest) -> None:
    """Store a new request; nothing when it is there."""
    with suppress(VersionConflictError):
        save(request)


def save(request: PrivacyRequest) -> PrivacyRequest:
    """Store it in place of the one that was read. Raises VersionConflictError when somebody else has, meanwhile."""
    saved = request.with_(edit=request.edit + 1)
    item = {**_key(request.request_id, _REQUEST), "document": {"S": json.dumps(saved.to_document())}}
    item["edit"] = {"N": str(saved.edit)}
    item["listing"] = {"S": ALL}
    item["listed_at"] = {"S": f"{format_instant(saved.asked_at)}#{saved.request_id}"}
    condition: Item = {"ConditionExpression": "attribute_not_exists(request_id)"}
    if request.edit:
        condition = {
            "ConditionExpression": "edit = :edit",
            "ExpressionAttributeValues": {":edit": {"N": str(request.edit)}},
        }
    try:
        get_client("dynamodb").put_item(TableName=_table(), Item=item, **condition)
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        raise VersionConflictError("Somebody else works on this request; read it again.") from None
    return saved


def find_request(request_id: str) -> PrivacyRequest | None:
    """The request, read consistently."""
    answer = get_client("dynamodb").get_item(TableName=_table(), Key=_key(request_id, _REQUEST), ConsistentRead=True)
    return _parse(answer["Item"]) if "Item" in answer else None


def get_request(request_id: str) -> PrivacyRequest:
    """The same. Raises NotFoundError."""
    found = find_request(request_id)
    if found is None:
        raise NotFoundError("There is no privacy request with this id.")
    return found


def list_requests(*, cursor: str | None = None, limit: int = 50) -> Page[PrivacyRequest]:
    """Requests, the newest first. Raises CursorError."""
    page = list_latest(_table(), "request_id", cursor=cursor, limit=limit)
    keys = [_key(request_id, _REQUEST) for request_id in page.items]
    found = map(_parse, get_items(_table(), keys, consistent=True)) if keys else ()
    return Page(sorted(found, key=lambda each: (each.asked_at, each.request_id), reverse=True), page.next)


def list_unfinished(since: float, until: float) -> Iterator[PrivacyRequest]:
    """The requests that were asked for between two times and are not done, each as it is now."""
    rows = read_items(
        _table(),
        IndexName="by_time",
        KeyConditionExpression="listing = :all AND listed_at BETWEEN :since AND :until",
        ExpressionAttributeValues={
            ":all": {"S": ALL}, ":since": {"S": format_instant(since)}, ":until": {"S": format_instant(until)},
        },
    )  # fmt: skip
    keys = [_key(row["request_id"]["S"], _REQUEST) for row in rows]
    found = map(_parse, get_items(_table(), keys, consistent=True)) if keys else ()
    return (request for request in found if request.state != DONE)


def list_sizes(request_id: str) -> list[int]:
    """How many bytes each page of an export takes as it is stored, in their order."""
    items = read_items(
        _table(),
        KeyConditionExpression="request_id = :request_id AND begins_with(page, :pages)",
        ExpressionAttributeValues={":request_id": {"S": request_id}, ":pages": {"S": _PAGES}},
    )
    return [len(item["body"]["B"]) for item in items]


def save_page(request_id: str, number: int, records: list[Any], now: float) -> None:
    """Write a page of an export; the same page again takes its place."""
    body = zlib.compress(json.dumps(records, ensure_ascii=False).encode(errors="replace"), 6)
    expires_at = {"N": str(int(now + KEPT) + 1)}
    item = {**_key(request_id, _page(number)), "body": {"B": body}, "expires_at": expires_at}
    get_client("dynamodb").put_item(TableName=_table(), Item=item)


def find_page(request_id: str, number: int) -> list[Any]:
    """A page of an export; empty when there is none."""
    answer = get_client("dynamodb").get_item(TableName=_table(), Key=_key(request_id, _page(number)))
    if "Item" not in answer:
        return []
    records: list[Any] = json.loads(zlib.decompress(answer["Item"]["body"]["B"]))
    return records


def list_exports(ids: Collection[str]) -> Iterator[PrivacyRequest]:
    """The exports about any of these people."""
    for item in scan_items(_table()):
        request = _parse(item) if "document" in item else None
        if request and request.kind == EXPORT and not {*request.people, *request.ids}.isdisjoint(ids):
            yield request


def forget_exports(ids: Collection[str]) -> None:
    """Delete what exports about these people have written, and the requests."""
    for request in list(list_exports(ids)):
        names = [*(_page(number) for number in range(request.pages)), _REQUEST]
        write_items(_table(), [{"DeleteRequest": {"Key": _key(request.request_id, name)}} for name in names])


def _parse(item: Item) -> PrivacyRequest:
    return parse_request(json.loads(item["document"]["S"]))


def _page(number: int) -> str:
    return f"{_PAGES}{number:06d}"


def _key(request_id: str, page: str) -> Item:
    return {"request_id": {"S": request_id}, "page": {"S": page}}


def _table() -> str:
    return settings().require("privacy_requests_table")
