"""The holds table: what keeps queued messages from leaving. It holds a few rows at a time, all under one key."""

from typing import Any

from botocore.exceptions import ClientError

from postroad.sending.holds import Hold
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage.batches import code_of

Item = dict[str, Any]

_LIST = "all"


def list_holds() -> tuple[Hold, ...]:
    """Every hold that there is, read consistently."""
    answer = get_client("dynamodb").query(
        TableName=_table(),
        KeyConditionExpression="listing = :all",
        ExpressionAttributeValues={":all": {"S": _LIST}},
        ConsistentRead=True,
    )
    return tuple(map(_read, answer["Items"]))


def save_hold(hold: Hold) -> None:
    """Put a hold in place of that of the same scope by the same one."""
    get_client("dynamodb").put_item(**put_request(hold)["Put"])


def save_judged(hold: Hold, scope: str, by: str, since: float, before: Hold | None = None) -> bool:
    """Put a hold that follows from what was read: the hold of this scope by this one was of that time (0: there was
    none), and `before` stood where this one is put (None: none did). False, and nothing is put, when either is another
    by now."""
    put = {**put_request(hold)["Put"], **_is_still(before)}
    check: Item = {"TableName": _table(), "Key": _key(scope, by), "ConditionExpression": _NONE}
    if since:
        check["ConditionExpression"] = "#since = :since"
        check["ExpressionAttributeNames"] = {"#since": "since"}
        check["ExpressionAttributeValues"] = {":since": {"N": repr(since)}}
    try:
        get_client("dynamodb").transact_write_items(TransactItems=[{"Put": put}, {"ConditionCheck": check}])
    except ClientError as error:
        reasons = error.response.get("CancellationReasons") or []
        if not any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
            raise
        return False
    return True


def lift_judged(hold: Hold) -> bool:
    """Take a hold away that was read; False, and it stays, when another stands in its place by now."""
    still = _is_still(hold)
    # The SDK repeats a call whose answer was lost, and then finds nothing.
    still["ConditionExpression"] += f" OR {_NONE}"
    try:
        get_client("dynamodb").delete_item(**delete_request(hold.scope, hold.by)["Delete"], **still)
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        return False
    return True


_NONE = "attribute_not_exists(hold_id)"


def _is_still(hold: Hold | None) -> Item:
    """The condition that this hold stands where it was read."""
    if hold is None:
        return {"ConditionExpression": _NONE}
    return {
        "ConditionExpression": "#kind = :kind AND #since = :since",
        "ExpressionAttributeNames": {"#kind": "kind", "#since": "since"},
        "ExpressionAttributeValues": {":kind": {"S": hold.kind}, ":since": {"N": repr(hold.since)}},
    }


def lift_hold(scope: str, by: str) -> None:
    """Take a hold away; nothing when there is none."""
    get_client("dynamodb").delete_item(**delete_request(scope, by)["Delete"])


def put_request(hold: Hold) -> Item:
    """The action of a transaction that puts a hold."""
    item = {
        **_key(hold.scope, hold.by),
        "scope": {"S": hold.scope},
        "by": {"S": hold.by},
        "kind": {"S": hold.kind},
        "since": {"N": repr(hold.since)},
        "note": {"S": hold.note},
        "spread": {"N": repr(hold.spread)},
        **({"numbers": {"M": {name: {"N": str(n)} for name, n in hold.numbers}}} if hold.numbers else {}),
    }
    return {"Put": {"TableName": _table(), "Item": item}}


def delete_request(scope: str, by: str) -> Item:
    """The action of a transaction that lifts a hold."""
    return {"Delete": {"TableName": _table(), "Key": _key(scope, by)}}


def _table() -> str:
    return settings().require("holds_table")


def _key(scope: str, by: str) -> Item:
    return {"listing": {"S": _LIST}, "hold_id": {"S": f"{scope}#{by}"}}


def _read(item: Item) -> Hold:
    return Hold(
        item["scope"]["S"],
        item["kind"]["S"],
        float(item["since"]["N"]),
        item["by"]["S"],
        item["note"]["S"],
        float(item["spread"]["N"]),
        tuple((name, int(n["N"])) for name, n in item.get("numbers", {"M": {}})["M"].items()),
    )
