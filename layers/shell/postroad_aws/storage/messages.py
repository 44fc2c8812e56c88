"""The messages table: the ledger of what was queued, and of what became of it.

Attributes are named as in `Message`. Three are derived: `origin_shard`, and the sparse `pending_shard` and
`pending_at`, from which instant the sweep has something to do with the message.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from math import inf
from typing import Any
from zlib import crc32

from botocore.exceptions import ClientError

from postroad.sending.messages import PATIENCE, QUEUED, SENDING, UNKNOWN, Message, states_before
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage import CursorError, Page
from postroad_aws.storage.batches import code_of, get_items, scan_items, write_items
from postroad_aws.storage.paging import merge_newest, read_items, walk

Item = dict[str, Any]

SHARDS = tuple(f"{number:02d}" for number in range(16))

_TEXTS = ("origin", "step", "enrollment_id", "channel", "topic", "template", "trigger_key", "reason", "hours")
_OPTIONAL_TEXTS = ("owner", "address", "provider_id")
_OPTIONAL_NUMBERS = ("not_before", "expires_at", "claimed_at")


def find_message(message_id: str) -> Message | None:
    """The message, read consistently."""
    answer = get_client("dynamodb").get_item(TableName=_table(), Key=_key(message_id), ConsistentRead=True)
    return parse_item(answer["Item"]) if "Item" in answer else None


def find_messages(ids: Collection[str]) -> dict[str, Message]:
    """Those of these messages that are there, in one read that may be a moment old."""
    items = _get(sorted(ids), consistent=False)
    return {item["message_id"]["S"]: parse_item(item) for item in items}


def put_request(message: Message) -> Item:
    """The action of a transaction that stores a new message, and fails when there is one with its id."""
    return {
        "Put": {
            "TableName": _table(),
            "Item": _item(message),
            "ConditionExpression": "attribute_not_exists(message_id)",
        }
    }


def claim(message_id: str, owner: str, now: float) -> Message | None:
    """Make a queued message ours: queued → sending, in one conditional update; None when it is not queued.

    The sweep's instant stays: moving it would cost two index writes for each mail.
    """
    done, item = _update(
        message_id,
        "SET #state = :sending, #owner = :owner, claimed_at = :now",
        "#state = :queued",
        {":sending": SENDING, ":owner": owner, ":queued": QUEUED, ":now": now},
        returning=True,
    )
    # The SDK repeats a call whose answer was lost, and then finds our own claim.
    if done or (_text(item, "owner") == owner and _text(item, "state") == SENDING):
        return parse_item(item)
    return None


def release(message_id: str, owner: str, not_before: float, reason: str, now: float) -> bool:
    """Give a claim back: the message is queued again, not to be sent before that time."""
    done, item = _update(
        message_id,
        "SET #state = :queued, #reason = :reason, not_before = :not_before, pending_at = :pending_at"
        " REMOVE #owner, claimed_at",
        "#state = :sending AND #owner = :owner",
        {
            ":queued": QUEUED,
            ":reason": reason,
            ":not_before": not_before,
            ":pending_at": max(now + PATIENCE[QUEUED], not_before),
            ":sending": SENDING,
            ":owner": owner,
        },
    )
    # As after a lost answer: given back by whoever says the same.
    return done or (
        _text(item, "state") == QUEUED
        and "owner" not in item
        and _number(item, "not_before") == not_before
        and _text(item, "reason") == reason
    )


def settle(
    message_id: str,
    state: str,
    now: float,
    *,
    reason: str = "",
    owner: str | None = None,
    address: str | None = None,
    provider_id: str | None = None,
) -> bool:
    """Move it to a state of higher rank; False when it already stands there or higher.

    With `owner`, only while that owner's claim, or its unknown outcome, stands.
    """
    before = [other for other in states_before(state) if owner is None or other in (SENDING, UNKNOWN)]
    if not before:
        return False
    values: dict[str, Any] = {f":before{number}": other for number, other in enumerate(before)}
    condition = f"#state IN ({', '.join(values)})"
    known = {"reason": reason or None, "address": address, "provider_id": provider_id}
    sets = ["#state = :state", "#times.#at = :now"]
    for name, value in known.items():
        if value is not None:
            sets.append(f"#{name} = :{name}")
            values[f":{name}"] = value
    if owner is not None:
        condition += " AND #owner = :owner"
        values[":owner"] = owner
    removes = [] if reason else ["#reason"]
    if state not in PATIENCE:
        removes += ["pending_shard", "pending_at"]
    expression = "SET " + ", ".join(sets) + (" REMOVE " + ", ".join(removes) if removes else "")
    done, item = _update(message_id, expression, condition, {**values, ":state": state, ":now": now}, at=state)
    if done or owner is None:
        return done
    # A lost answer: our own word, of this very instant, stands there already.
    times = item.get("times", {}).get("M", {})
    return _text(item, "owner") == owner and _text(item, "state") == state and _number(times, state) == now


def note_engagement(message_id: str, engagement: str, time: float) -> Message | None:
    """Keep when a message was first opened or clicked (`ENGAGEMENTS`); the message, or None when there is none."""
    done, item = _update(
        message_id,
        "SET #times.#at = if_not_exists(#times.#at, :time)",
        "attribute_exists(message_id)",
        {":time": time},
        at=engagement,
        returning=True,
    )
    return parse_item(item) if done else None


def take_off_engagement(message_id: str, engagement: str, time: float) -> None:
    """Count what was "opened" or "clicked" then as a machine's; what came at another time stays a person's."""
    if note_engagement(message_id, f"machine_{engagement}", time):
        _update(message_id, "REMOVE #times.#at", "#times.#at = :time", {":time": time}, at=engagement)


def list_pending(shard: str, until: float, limit: int) -> list[Message]:
    """Messages that the sweep should have looked at by then, the earliest first."""
    answer = get_client("dynamodb").query(
        TableName=_table(),
        IndexName="pending",
        KeyConditionExpression="pending_shard = :shard AND pending_at <= :until",
        ExpressionAttributeValues={":shard": {"S": shard}, ":until": {"N": repr(until)}},
        Limit=limit,
    )
    ids = [item["message_id"]["S"] for item in answer["Items"]]
    items = {item["message_id"]["S"]: item for item in _get(ids, consistent=True)}
    # An index lags behind its table: what is no longer due is left out.
    due = {message_id: item for message_id, item in items.items() if "pending_at" in item and _due(item) <= until}
    return [parse_item(due[message_id]) for message_id in ids if message_id in due]


def scan_pending(shard: str, after: float, until: float) -> Iterator[Message]:
    """Those that it should look at later than `after` and by `until`, as they were a moment ago, as they are needed."""
    between = {":shard": {"S": shard}, ":after": {"N": repr(after)}, ":until": {"N": repr(until)}}
    rows = read_items(
        _table(),
        IndexName="pending",
        KeyConditionExpression="pending_shard = :shard AND pending_at BETWEEN :after AND :until",
        ExpressionAttributeValues=between,
    )
    while ids := [row["message_id"]["S"] for row in islice(rows, 100)]:
        yield from find_messages(ids).values()


def postpone(message_id: str, until: float | None, not_before: float | None = None) -> bool:
    """Have the sweep look at a pending message again at that time (None: never); False when none is pending. With
    `not_before` it does not leave before that."""
    expression = "REMOVE pending_shard, pending_at" if until is None else "SET pending_at = :until"
    values = {} if until is None else {":until": until}
    if until is not None and not_before is not None:
        expression += ", not_before = :before"
        values[":before"] = not_before
    done, _ = _update(message_id, expression, "attribute_exists(pending_at)", values)
    return done


def list_by_contact(contact_ids: Sequence[str], *, cursor: str | None = None, limit: int = 50) -> Page[Message]:
    """The messages of a contact and of those merged into it, in the order of their ids. Raises CursorError."""
    from postroad_aws.storage.rows import MessageRow

    def query(contact_id: str, after: str | None, most: int) -> list[str]:
        condition = MessageRow.message_id > after if after else None
        return [row.message_id for row in MessageRow.by_contact.query(contact_id, condition, limit=most)]

    return _load(walk(list(dict.fromkeys(contact_ids)), query, str, cursor, limit))


def scan_messages() -> Iterator[Message]:
    """Every message there is."""
    return map(parse_item, scan_items(_table()))


def list_by_origin(origin: str, *, cursor: str | None = None, limit: int = 50) -> Page[Message]:
    """The messages that a broadcast or one version of a journey has queued, a shard after the other, each read once:
    for going through them all. Raises CursorError."""

    def query(shard: str, after: str | None, most: int) -> list[tuple[float, str]]:
        start: Item = {"ExclusiveStartKey": _origin_key(shard, after)} if after else {}
        return list(islice(_read_origin(shard, most, **start), most))

    page = walk(_origin_shards(origin), query, lambda found: f"{found[0]!r} {found[1]}", cursor, limit)
    return _load(Page([message_id for _, message_id in page.items], page.next))


def list_newest(origin: str, *, cursor: str | None = None, limit: int = 50) -> Page[Message]:
    """The same for people to look at: the newest first. Raises CursorError."""

    def entries(shard: str, until: float | None) -> Iterator[tuple[float, str]]:
        return _read_origin(shard, limit // 8 + 2, until, ScanIndexForward=False)

    return _load(merge_newest(_origin_shards(origin), entries, cursor, limit))


def _origin_shards(origin: str) -> list[str]:
    return [f"{origin}#{shard}" for shard in SHARDS]


def _read_origin(shard: str, at_once: int, until: float | None = None, **query: Any) -> Iterator[tuple[float, str]]:
    """(created_at, message_id) of a shard of an origin."""
    at_most = {":until": {"N": repr(until)}} if until is not None else {}
    items = read_items(
        _table(),
        at_once,
        IndexName="origin",
        KeyConditionExpression="origin_shard = :shard" + (" AND created_at <= :until" if at_most else ""),
        ExpressionAttributeValues={":shard": {"S": shard}, **at_most},
        **query,
    )
    return ((float(item["created_at"]["N"]), item["message_id"]["S"]) for item in items)


def _origin_key(shard: str, after: str) -> Item:
    time, _, message_id = after.partition(" ")
    try:
        created_at = float(time)
    except ValueError:
        created_at = inf
    if not (abs(created_at) < 1e15 and message_id):
        raise CursorError("This cursor belongs to another listing; start again without it.")
    return {"origin_shard": {"S": shard}, "created_at": {"N": repr(created_at)}, **_key(message_id)}


def forget_messages(contact_ids: Sequence[str], before: float | None = None) -> None:
    """Delete every message of these contacts from the ledger, or those that were made before a time."""
    from postroad_aws.storage.rows import MessageRow

    found = [row.message_id for each in dict.fromkeys(contact_ids) for row in MessageRow.by_contact.query(each)]
    if before is not None:
        found = [each.message_id for each in find_messages(found).values() if each.created_at < before]
    write_items(_table(), [{"DeleteRequest": {"Key": _key(message_id)}} for message_id in found])


def _load(ids: Page[str]) -> Page[Message]:
    found = {item["message_id"]["S"]: item for item in _get(ids.items, consistent=False)}
    return Page([parse_item(found[message_id]) for message_id in ids.items if message_id in found], ids.next)


def _table() -> str:
    return settings().require("messages_table")


def _key(message_id: str) -> Item:
    return {"message_id": {"S": message_id}}


def _shard(message_id: str) -> str:
    return SHARDS[crc32(message_id.encode()) % len(SHARDS)]


def _get(ids: Sequence[str], *, consistent: bool) -> list[Item]:
    return get_items(_table(), [_key(message_id) for message_id in dict.fromkeys(ids)], consistent=consistent)


def _item(message: Message) -> Item:
    item: Item = {
        **_key(message.message_id),
        "contact_id": {"S": message.contact_id},
        "state": {"S": message.state},
        "template_version": {"N": str(message.template_version)},
        "created_at": {"N": repr(message.created_at)},
        "origin_shard": {"S": f"{message.origin}#{_shard(message.message_id)}"},
        "times": {"M": {state: {"N": repr(time)} for state, time in message.times.items()}},
    }
    for name in (*_TEXTS, *_OPTIONAL_TEXTS):
        if text := getattr(message, name):
            item[name] = {"S": text}
    for name in _OPTIONAL_NUMBERS:
        if (number := getattr(message, name)) is not None:
            item[name] = {"N": repr(number)}
    if message.is_pending:
        since = message.created_at if message.claimed_at is None else message.claimed_at
        item["pending_shard"] = {"S": _shard(message.message_id)}
        item["pending_at"] = {"N": repr(max(since + PATIENCE[message.state], message.not_before or 0.0))}
    return item


def parse_item(item: Mapping[str, Any]) -> Message:
    """The message of an item, as the table and its stream have it."""
    known: dict[str, Any] = {name: _text(item, name) or "" for name in _TEXTS}
    known |= {name: _text(item, name) for name in _OPTIONAL_TEXTS}
    known |= {name: _number(item, name) for name in _OPTIONAL_NUMBERS}
    return Message(
        message_id=item["message_id"]["S"],
        contact_id=item["contact_id"]["S"],
        state=item["state"]["S"],
        template_version=int(item["template_version"]["N"]),
        created_at=float(item["created_at"]["N"]),
        times={state: float(time["N"]) for state, time in item["times"]["M"].items()},
        **known,
    )


def _text(item: Mapping[str, Any], name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _number(item: Mapping[str, Any], name: str) -> float | None:
    return float(item[name]["N"]) if name in item else None


def _due(item: Mapping[str, Any]) -> float:
    return float(item["pending_at"]["N"])


def _update(
    message_id: str,
    expression: str,
    condition: str,
    values: Mapping[str, Any],
    *,
    at: str | None = None,
    returning: bool = False,
) -> tuple[bool, Item]:
    """Whether the condition held, and the item as it is now: when it did not hold, or when asked for; else {}."""
    names = {f"#{name}": name for name in ("state", "owner", "reason", "address", "provider_id", "times")}
    if at:
        names["#at"] = at
    update: Item = {
        "TableName": _table(),
        "Key": _key(message_id),
        "UpdateExpression": expression,
        "ConditionExpression": condition,
        "ReturnValues": "ALL_NEW" if returning else "NONE",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    used = {name: attribute for name, attribute in names.items() if name in expression or name in condition}
    if used:
        update["ExpressionAttributeNames"] = used
    if values:
        update["ExpressionAttributeValues"] = {
            name: {"S": value} if isinstance(value, str) else {"N": repr(value)} for name, value in values.items()
        }
    try:
        return True, get_client("dynamodb").update_item(**update).get("Attributes", {})
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        return False, error.response.get("Item") or {}
