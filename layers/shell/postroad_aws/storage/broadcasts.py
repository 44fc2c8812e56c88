"""The broadcasts table: every broadcast that was ever scheduled, its state and its numbers.

One item each. `listed_at` (its time and id) sorts them in the index `by_time`, which has one partition: a business
makes a few of them a day.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from postroad.broadcasts.broadcast import Run, parse_broadcast, parse_tally
from postroad.instants import format_instant
from postroad.sending.holds import Hold
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage import Page, VersionConflictError
from postroad_aws.storage.batches import code_of, get_items
from postroad_aws.storage.holds import delete_request, put_request
from postroad_aws.storage.paging import ALL, list_latest

Item = dict[str, Any]

_COUNTS = ("missed", "made_up", "attempt")
_TIMES = ("rests_until", "set_going_at")
_TEXTS = ("before", "note", "winner", "verdict")


def find_run(broadcast_id: str) -> Run | None:
    """The run of a broadcast, read consistently; None when it was never scheduled."""
    answer = get_client("dynamodb").get_item(TableName=_table(), Key=_key(broadcast_id), ConsistentRead=True)
    return _read(answer["Item"]) if "Item" in answer else None


def find_runs(broadcast_ids: Collection[str]) -> dict[str, Run]:
    """The runs of these broadcasts, those left out that were never scheduled."""
    keys = [_key(broadcast_id) for broadcast_id in dict.fromkeys(broadcast_ids)]
    runs = [_read(item) for item in get_items(_table(), keys, consistent=True)] if keys else []
    return {run.broadcast.id: run for run in runs}


def list_runs(*, cursor: str | None = None, limit: int = 50) -> Page[Run]:
    """All runs, the latest first. Raises CursorError."""
    page = list_latest(_table(), "broadcast_id", cursor=cursor, limit=limit)
    found = find_runs(page.items)
    return Page([found[broadcast_id] for broadcast_id in page.items if broadcast_id in found], page.next)


def save_run(run: Run, before: Run | None) -> None:
    """Store a run in place of the one that was read, and its hold with it. Raises VersionConflictError when that is no
    longer what is there.

    Saying the same again, after an answer was lost, is no conflict.
    """
    condition, values = "attribute_not_exists(broadcast_id)", {}
    if before:
        condition = "#state = :state AND #number = :number"
        values = {":state": {"S": before.state}, ":number": {"N": str(before.number)}}
        # By the state alone nobody sees that it was paused and resumed in the meantime.
        for name, number in (("missed", before.missed), ("set_going_at", before.set_going_at)):
            condition += f" AND {name} = :{name}" if number else f" AND attribute_not_exists({name})"
            values |= {f":{name}": {"N": repr(number)}} if number else {}
    parts: Item = {"TableName": _table(), "Item": _item(run), "ConditionExpression": condition}
    parts["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if before:
        parts["ExpressionAttributeValues"] = values
        parts["ExpressionAttributeNames"] = {"#state": "state", "#number": "number"}
    try:
        _put(parts, _change_hold(before.hold if before else None, run.hold))
    except ClientError as error:
        reasons = error.response.get("CancellationReasons") or [{"Code": code_of(error).removesuffix("Exception")}]
        if reasons[0].get("Code") != "ConditionalCheckFailed":
            raise
        found = error.response.get("Item") or reasons[0].get("Item")
        if not found or replace(_read(found), touched_at=run.touched_at, cursors=run.cursors) != run:
            raise VersionConflictError(f"The broadcast {run.broadcast.id} has changed in the meantime.") from None


def _put(parts: Item, change: Item | None) -> None:
    client = get_client("dynamodb")
    if change is None:
        client.put_item(**parts)
    else:
        client.transact_write_items(TransactItems=[{"Put": parts}, change])


def _change_hold(before: Hold | None, after: Hold | None) -> Item | None:
    if after and before != after:
        return put_request(after)
    return delete_request(before.scope, before.by) if before and not after else None


def touch(run: Run, now: float, part: str, cursor: str | None) -> bool:
    """Note that somebody works at this run, and how far a part of it has been gone through; False when it is in another
    state by now, and is to be left alone."""
    names = {"#number": "number", "#state": "state"}
    values: Item = {":now": {"N": repr(now)}, ":number": {"N": str(run.number)}, ":state": {"S": run.state}}
    expression = "SET touched_at = :now"
    if cursor is not None:
        expression += ", cursors.#part = :cursor"
        names["#part"] = part
        values[":cursor"] = {"S": cursor}
    try:
        get_client("dynamodb").update_item(
            TableName=_table(),
            Key=_key(run.broadcast.id),
            UpdateExpression=expression,
            ConditionExpression="#number = :number AND #state = :state",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        return False
    return True


def miss(broadcast_id: str, number: int) -> None:
    """Note that AWS did not let everybody through to be addressed."""
    _update(broadcast_id, number, "ADD missed :value", "1")


def make_up(broadcast_id: str, number: int, missed: int) -> None:
    """Note that all were addressed who had been missed up to here."""
    _update(broadcast_id, number, "SET made_up = :value", str(missed))


def forget_run(broadcast_id: str) -> None:
    """Delete what is known of a broadcast that was scheduled."""
    get_client("dynamodb").delete_item(TableName=_table(), Key=_key(broadcast_id))


def _update(broadcast_id: str, number: int, expression: str, value: str) -> None:
    """Change the run that is meant; one that was scheduled anew stays."""
    try:
        get_client("dynamodb").update_item(
            TableName=_table(),
            Key=_key(broadcast_id),
            UpdateExpression=expression,
            ConditionExpression="#number = :number",
            ExpressionAttributeNames={"#number": "number"},
            ExpressionAttributeValues={":value": {"N": value}, ":number": {"N": str(number)}},
        )
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise


def _table() -> str:
    return settings().require("broadcasts_table")


def _key(broadcast_id: str) -> Item:
    return {"broadcast_id": {"S": broadcast_id}}


def _item(run: Run) -> Item:
    item: Item = {
        **_key(run.broadcast.id),
        "listing": {"S": ALL},
        "listed_at": {"S": f"{format_instant(run.at)}#{run.broadcast.id}"},
        "document": {"S": json.dumps(run.document, separators=(",", ":"))},
        "edit": {"N": str(run.edit)},
        "number": {"N": str(run.number)},
        "state": {"S": run.state},
        "at": {"N": repr(run.at)},
        "times": {"M": {state: {"N": repr(time)} for state, time in run.times.items()}},
        "touched_at": {"N": repr(run.touched_at)},
    }
    item["cursors"] = {"M": {part: {"S": cursor} for part, cursor in run.cursors.items()}}
    for name in _COUNTS:
        if count := getattr(run, name):
            item[name] = {"N": str(count)}
    for name in _TEXTS:
        if text := getattr(run, name):
            item[name] = {"S": text}
    for name in _TIMES:
        if time := getattr(run, name):
            item[name] = {"N": repr(time)}
    if run.tally:
        item["tally"] = {"S": json.dumps(run.tally.to_document(), separators=(",", ":"))}
    return item


def _read(item: Mapping[str, Any]) -> Run:
    document = json.loads(item["document"]["S"])
    counts = {name: int(item[name]["N"]) for name in _COUNTS if name in item}
    texts = {name: item[name]["S"] for name in _TEXTS if name in item}
    moments = {name: float(item[name]["N"]) for name in _TIMES if name in item}
    known: dict[str, Any] = {**counts, **texts, **moments}
    return Run(
        broadcast=parse_broadcast(document),
        document=document,
        edit=int(item["edit"]["N"]),
        number=int(item["number"]["N"]),
        state=item["state"]["S"],
        at=float(item["at"]["N"]),
        times={state: float(time["N"]) for state, time in item["times"]["M"].items()},
        touched_at=float(item["touched_at"]["N"]),
        tally=parse_tally(json.loads(item["tally"]["S"])) if "tally" in item else None,
        cursors={part: cursor["S"] for part, cursor in item.get("cursors", {"M": {}})["M"].items()},
        **known,
    )
