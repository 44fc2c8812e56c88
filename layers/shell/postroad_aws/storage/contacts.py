"""The contacts table: each item is a contact, or a forward to one, under the id made from an identity."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from postroad.commits import Commit, MembershipChange
from postroad.contacts import contact as contacts
from postroad.contacts.codec import decode_contact, encode_contact, stored_due
from postroad.contacts.contact import Contact
from postroad_aws.clients import get_client
from postroad_aws.clock import now
from postroad_aws.ports import Fault, Forward, Outcome, Sample, Stored, Tombstone
from postroad_aws.settings import settings
from postroad_aws.storage import Page, memberships, messages, quarantine, tasks, timeline
from postroad_aws.storage.batches import code_of, get_items
from postroad_aws.storage.paging import decode_cursor, encode_cursor, merge_newest, read_items

Item = dict[str, Any]

TRANSACTION_LIMIT = 100
# A sample is read from so many places of the table.
_PARTS = 16

SHARDS = tuple(f"{number:02d}" for number in range(contacts.SHARDS))


def find_items(ids: Collection[str], *, consistent: bool) -> dict[str, Stored]:
    """Whatever is stored under these ids; missing ones are left out."""
    keys = [{"contact_id": {"S": contact_id}} for contact_id in dict.fromkeys(ids)]
    items = get_items(_table(), keys, consistent=consistent)
    return {item["contact_id"]["S"]: parse_item(item) for item in items}


def commit(commit: Commit) -> Outcome:
    """All of it or nothing; the contact is stored with its version plus one.

    Alone it is a plain put, which costs half of a transaction. Raises Fault, or the client's own exception, when AWS
    did neither.
    """
    put = _contact_put(commit.contact, commit.gone, commit.erased)
    return _put(put) if commit.actions == 1 else _transact(put, commit)


def erase(
    contact: Contact, forwards: Collection[str], places: Collection[str], erased_at: float | None = None
) -> Outcome:
    """Delete a contact, the forwards to it under these ids, and its memberships, all at once, if nobody has written it
    since it was read. With `erased_at` a tombstone stays under each id, and under those of `forwards` that are free."""
    gone = [memberships.action(MembershipChange(place, contact.contact_id, None)) for place in places]
    delete = _going(contact.contact_id, erased_at, **_unchanged(contact.version))
    homes = (contact.contact_id, *contact.merged_from)[:TRANSACTION_LIMIT]
    values = {f":home{number}": {"S": home} for number, home in enumerate(homes)}
    condition = f"attribute_not_exists(contact_id) OR forward_to IN ({', '.join(values)})"
    for other in dict.fromkeys(forwards):
        gone.append(_going(other, erased_at, ConditionExpression=condition, ExpressionAttributeValues=values))
    # What is more than a transaction holds goes first; the contact, which alone leads to it all, goes last.
    while len(gone) >= TRANSACTION_LIMIT:
        get_client("dynamodb").transact_write_items(TransactItems=gone[:TRANSACTION_LIMIT])
        gone = gone[TRANSACTION_LIMIT:]
    try:
        get_client("dynamodb").transact_write_items(TransactItems=[delete, *gone])
    except ClientError as error:
        if code_of(error) not in ("TransactionCanceledException", "TransactionConflictException"):
            raise
        return Outcome.CONFLICT
    return Outcome.DONE


def _going(contact_id: str, erased_at: float | None, **condition: Any) -> Item:
    """The action that deletes an item, or leaves a tombstone in its place."""
    key = {"contact_id": {"S": contact_id}}
    if erased_at is None:
        return {"Delete": {"TableName": _table(), "Key": key, **condition}}
    return {"Put": {"TableName": _table(), "Item": {**key, "erased_at": {"N": repr(erased_at)}}, **condition}}


def list_due(shard: str, until: float, limit: int, after: tuple[str, float] | None = None) -> list[tuple[str, float]]:
    """(contact_id, wake_at) of a shard's contacts whose timer is due, the earliest first; those that follow `after`."""
    start: Item = {}
    if after is not None:
        start = {"shard": {"S": shard}, "contact_id": {"S": after[0]}, "wake_at": {"N": repr(after[1])}}
    items = _query(
        limit,
        IndexName="wake",
        KeyConditionExpression="#shard = :shard AND wake_at <= :until",
        ExpressionAttributeNames=_SHARD,
        ExpressionAttributeValues={":shard": {"S": shard}, ":until": {"N": repr(until)}},
        **({"ExclusiveStartKey": start} if start else {}),
    )
    return [(item["contact_id"]["S"], float(item["wake_at"]["N"])) for item in items]


def list_ids(shard: str, after: str | None, limit: int) -> tuple[list[str], str | None]:
    """Ids of a shard's contacts, the newest first, and the cursor of the next page."""
    start: Item = {}
    if after is not None:
        created_at, contact_id = decode_cursor(after, (int, float), str)
        start = {"shard": {"S": shard}, "created_at": {"N": repr(created_at)}, "contact_id": {"S": contact_id}}
    items = _query(
        limit + 1,
        IndexName="created",
        KeyConditionExpression="#shard = :shard",
        ExpressionAttributeNames=_SHARD,
        ExpressionAttributeValues={":shard": {"S": shard}},
        ScanIndexForward=False,
        **({"ExclusiveStartKey": start} if start else {}),
    )
    ids = [item["contact_id"]["S"] for item in items[:limit]]
    if len(items) <= limit:
        return ids, None
    return ids, encode_cursor(float(items[limit - 1]["created_at"]["N"]), ids[-1])


def count_ids(shard: str) -> int:
    """How many contacts a shard has, counted one by one in the index."""
    query: Item = {
        "TableName": _table(),
        "IndexName": "created",
        "Select": "COUNT",
        "KeyConditionExpression": "#shard = :shard",
        "ExpressionAttributeNames": _SHARD,
        "ExpressionAttributeValues": {":shard": {"S": shard}},
    }
    counted = 0
    while True:
        answer = get_client("dynamodb").query(**query)
        counted += answer["Count"]
        if "LastEvaluatedKey" not in answer:
            return counted
        query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def sample_contacts(rows: int) -> Sample:
    """Contacts as chance has it: the table is kept by a hash of its keys, so the beginning of each part is one.

    It is the same sample as long as nobody begins there, so that two estimates differ by what is asked alone.
    """
    found: list[Contact] = []
    read, is_whole = 0, True
    for part in range(_PARTS):
        answer = get_client("dynamodb").scan(
            TableName=_table(), Segment=part, TotalSegments=_PARTS, Limit=max(1, rows // _PARTS)
        )
        read += len(answer["Items"])
        is_whole = is_whole and "LastEvaluatedKey" not in answer
        found += [item for each in answer["Items"] if isinstance(item := parse_item(each), Contact)]
    return Sample(found, read, is_whole)


def count_rows() -> int:
    """About how many rows there are, forwards among them; some hours old."""
    return int(get_client("dynamodb").describe_table(TableName=_table())["Table"]["ItemCount"])


def list_contacts(*, cursor: str | None = None, limit: int = 50) -> Page[Contact]:
    """All contacts, the newest first, those of one instant by their ids. Raises CursorError."""

    def entries(shard: str, until: float | None) -> Iterator[tuple[float, str]]:
        at_most = {":until": {"N": repr(until)}} if until is not None else {}
        items = read_items(
            _table(),
            limit // 8 + 2,
            IndexName="created",
            KeyConditionExpression="#shard = :shard" + (" AND created_at <= :until" if at_most else ""),
            ExpressionAttributeNames=_SHARD,
            ExpressionAttributeValues={":shard": {"S": shard}, **at_most},
            ScanIndexForward=False,
        )
        return ((float(item["created_at"]["N"]), item["contact_id"]["S"]) for item in items)

    ids, following = merge_newest(SHARDS, entries, cursor, limit)
    stored = find_items(ids, consistent=False)
    return Page([item for each in ids if isinstance(item := stored.get(each), Contact)], following)


def _table() -> str:
    return settings().require("contacts_table")


def parse_item(item: Item) -> Stored:
    """What an item of the table is."""
    if "erased_at" in item:
        return Tombstone(float(item["erased_at"]["N"]))
    if "forward_to" in item:
        return Forward(item["forward_to"]["S"])
    return decode_contact(
        item["contact_id"]["S"],
        int(item["version"]["N"]),
        item["body"]["B"],
        created_at=float(item["created_at"]["N"]),
        wake_at=float(item["wake_at"]["N"]) if "wake_at" in item else None,
    )


def _contact_put(contact: Contact, gone: Sequence[str], erased: Sequence[float] = ()) -> Item:
    """A put that happens only if the stored version is still the one that was read."""
    item = {
        "contact_id": {"S": contact.contact_id},
        "shard": {"S": contact.shard},
        "version": {"N": str(contact.version + 1)},
        "created_at": {"N": repr(round(contact.created_at, 3))},
        "body": {"B": encode_contact(contact)},
    }
    wake_at = None if contact.wake_at is None else stored_due(contact.wake_at)
    if wake_at is not None:
        item["wake_at"] = {"N": repr(wake_at)}
    return {
        "TableName": _table(),
        "Item": item,
        **_unchanged(contact.version, gone, erased),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _unchanged(version: int, gone: Sequence[str] = (), erased: Sequence[float] = ()) -> Item:
    """Version 0 is nothing, a forward to a contact that has gone, or a tombstone of that time."""
    if version == 0:
        free = "attribute_not_exists(contact_id)"
        if not gone and not erased:
            return {"ConditionExpression": free}
        left = {f":gone{number}": {"S": contact_id} for number, contact_id in enumerate(gone)}
        buried = {f":erased{number}": {"N": repr(at)} for number, at in enumerate(erased)}
        ways = [free, *([f"forward_to IN ({', '.join(left)})"] if left else [])]
        ways += [f"erased_at IN ({', '.join(buried)})"] if buried else []
        return {"ConditionExpression": " OR ".join(ways), "ExpressionAttributeValues": {**left, **buried}}
    return {
        "ConditionExpression": "#version = :version",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": {":version": {"N": str(version)}},
    }


def _put(put: Item) -> Outcome:
    try:
        get_client("dynamodb").put_item(**put)
    except ClientError as error:
        code = code_of(error)
        if code == "ConditionalCheckFailedException":
            return _ours_or_conflict(put, error.response.get("Item"))
        if code == "TransactionConflictException":
            return Outcome.CONFLICT
        raise
    return Outcome.DONE


def _transact(put: Item, commit: Commit) -> Outcome:
    actions = dict(_actions(put, commit))
    if len(actions) > TRANSACTION_LIMIT:
        # Two people with many segments become one. Memberships follow the contact; when the commit fails, it is tried
        # again and says the same of them.
        late = commit.memberships[: len(actions) - TRANSACTION_LIMIT]
        memberships.apply(late)
        for change in late:
            actions.pop(("membership", change.place, change.contact_id), None)
    try:
        get_client("dynamodb").transact_write_items(TransactItems=list(actions.values()))
    except ClientError as error:
        code = code_of(error)
        if code == "TransactionConflictException":
            return Outcome.CONFLICT
        if code != "TransactionCanceledException":
            raise
        return _read_reasons(zip(actions, error.response.get("CancellationReasons") or (), strict=False))
    return Outcome.DONE


def _actions(put: Item, commit: Commit) -> Iterable[tuple[tuple[str, ...], Item]]:
    """Every action by the key of its item: a transaction may name an item only once, and the last word counts."""
    contact_id = commit.contact.contact_id
    yield ("contact", contact_id), {"Put": put}
    for identity_id in commit.attach:
        yield ("contact", identity_id), {"Put": _forward_put(identity_id, contact_id, 0, commit.gone, commit.erased)}
    for loser_id, version in commit.absorbed:
        yield ("contact", loser_id), {"Put": _forward_put(loser_id, contact_id, version)}
    for message in commit.messages:
        yield ("message", message.message_id), messages.put_request(message)
    for task in commit.tasks:
        yield ("task", task.task_id), tasks.action(task)
    for change in commit.memberships:
        yield ("membership", change.place, change.contact_id), memberships.action(change)
    for reject in commit.rejects:
        yield ("reject", reject.reject_id), quarantine.put_request(reject)
    for row in commit.rows:
        yield ("row", row.contact_id, row.key), timeline.put_request(row, now())


def _forward_put(
    contact_id: str, to: str, version: int, gone: Sequence[str] = (), erased: Sequence[float] = ()
) -> Item:
    item = {"contact_id": {"S": contact_id}, "forward_to": {"S": to}}
    return {"TableName": _table(), "Item": item, **_unchanged(version, gone, erased)}


def _read_reasons(reasons: Iterable[tuple[tuple[str, ...], Item]]) -> Outcome:
    """What a cancelled transaction came to, from the reason of each of its actions.

    A lost answer is no matter here: the SDK gives each call a token, and AWS knows it again for ten minutes.
    """
    failed = [(key[0], reason["Code"]) for key, reason in reasons if reason.get("Code") not in (None, "None")]
    codes = {code for _, code in failed}
    if not codes or codes - {"ConditionalCheckFailed", "TransactionConflict"}:
        raise Fault(f"A transaction was cancelled: {', '.join(sorted(codes)) or 'without a reason'}.")
    if all(kind in ("message", "task") and code == "ConditionalCheckFailed" for kind, code in failed):
        return Outcome.ALREADY_THERE
    return Outcome.CONFLICT


def _ours_or_conflict(put: Item, stored: Item | None) -> Outcome:
    """After a lost answer the SDK puts again, and finds the condition broken by what we ourselves have written."""
    wanted = put["Item"]
    if stored and stored.get("version") == wanted["version"] and _body(stored) == _body(wanted):
        return Outcome.DONE
    return Outcome.CONFLICT


# A reserved word of DynamoDB, which moto does not mind.
_SHARD = {"#shard": "shard"}


def _body(item: Item) -> bytes | None:
    body = item.get("body", {}).get("B")
    return None if body is None else bytes(body)


def _query(limit: int, **query: Any) -> list[Item]:
    return list(islice(read_items(_table(), limit, **query), limit))
