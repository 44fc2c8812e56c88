"""The holds table: what keeps queued messages from leaving. It holds a few rows at a time, all under one key."""

from typing import Any

from botocore.exceptions import ClientError

from postroad.sending.holds import Hold
from postroad_aws.clients import get_client
from postroad_aws.settings import settings

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


def save_judged(hold: Hold, scope: str, by: str, since: float) -> bool:
    """Put a hold that follows from what was read while the hold of this scope by this one was of that time (0: there
    was none). False, and nothing is put, when it is another by now."""
    condition = "#since = :since" if since else "attribute_not_exists(hold_id)"
    check: Item = {"TableName": _table(), "Key": _key(scope, by), "ConditionExpression": condition}
    if since:
        check["ExpressionAttributeNames"] = {"#since": "since"}
        check["ExpressionAttributeValues"] = {":since": {"N": repr(since)}}
    try:
        get_client("dynamodb").transact_write_items(TransactItems=[put_request(hold), {"ConditionCheck": check}])
    except ClientError as error:
        reasons = error.response.get("CancellationReasons") or []
        if not any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
            raise
        return False
    return True


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
