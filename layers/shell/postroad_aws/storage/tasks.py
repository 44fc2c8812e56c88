"""The tasks table: what people are asked to do, and what came of it.

Attributes are named as in `Task`. Two are derived, for the indexes by which tasks are listed, those due first:
`assignee_shard` ("open#02#ana@example.com", of cancelled ones none) and `state_shard` ("open#02").
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zlib import crc32

from botocore.exceptions import ClientError

from postroad.tasks import CANCELLED, OPEN, Settled, Task, states_before
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage import Page, VersionConflictError
from postroad_aws.storage.batches import code_of, get_items, write_items
from postroad_aws.storage.paging import merge_earliest, read_items, walk

Item = dict[str, Any]

# One assignee's tasks may be those of everybody in a journey; no key of an index takes them all.
SHARDS = tuple(f"{number:02d}" for number in range(4))

_TEXTS = (
    "contact_id", "kind", "title", "origin", "step", "enrollment_id", "assignee", "note", "state", "outcome", "reason",
    "remark", "settled_by",
)  # fmt: skip
_NUMBERS = ("created_at", "due_at")


def find_task(task_id: str) -> Task | None:
    """The task, read consistently."""
    answer = get_client("dynamodb").get_item(TableName=_table(), Key=_key(task_id), ConsistentRead=True)
    return _parse(answer["Item"]) if "Item" in answer else None


def action(change: Task | Settled) -> Item:
    """The action of a transaction that stores a new task, or settles one; it fails when that changes nothing."""
    if isinstance(change, Task):
        return {
            "Put": {
                "TableName": _table(),
                "Item": _item(change),
                "ConditionExpression": "attribute_not_exists(task_id)",
            }
        }
    return {"Update": _settling(change)}


def settle(settled: Settled, edit: int | None = None) -> bool:
    """Bring a task to its end; False when that changes nothing. With `edit`, only if nobody has changed it since."""
    return _update(_settling(settled, edit))


def assign(task_id: str, assignee: str, edit: int) -> Task:
    """Give an open task to somebody else ("": to nobody). Raises VersionConflictError when it was changed since."""
    update = {
        "TableName": _table(),
        "Key": _key(task_id),
        "UpdateExpression": "SET assignee = :assignee, assignee_shard = :assignee_shard ADD edit :one",
        "ConditionExpression": "#state = :open AND edit = :edit",
        "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": {
            ":assignee": {"S": assignee},
            ":assignee_shard": {"S": _assignee_shard(OPEN, _shard(task_id), assignee)},
            ":one": {"N": "1"},
            ":open": {"S": OPEN},
            ":edit": {"N": str(edit)},
        },
    }
    if not _update(update):
        raise VersionConflictError("Somebody else has changed this task; read it again.")
    task = find_task(task_id)
    assert task is not None
    return task


def list_tasks(state: str, *, assignee: str | None = None, cursor: str | None = None, limit: int = 50) -> Page[Task]:
    """Tasks in a state, of everybody or of one assignee ("" is nobody), those due first. Raises CursorError.

    Those that were cancelled are nobody's any more.
    """
    name = "state_shard" if assignee is None else "assignee_shard"
    if assignee is None:
        partitions = [_state_shard(state, shard) for shard in SHARDS]
    else:
        partitions = [_assignee_shard(state, shard, assignee) for shard in SHARDS]

    def entries(partition: str, since: float | None) -> Iterator[tuple[float, str]]:
        at_least = {":since": {"N": repr(since)}} if since is not None else {}
        items = read_items(
            _table(),
            limit // len(SHARDS) + 2,
            IndexName=name.removesuffix("_shard"),
            KeyConditionExpression=f"{name} = :partition" + (" AND due_at >= :since" if at_least else ""),
            ExpressionAttributeValues={":partition": {"S": partition}, **at_least},
        )
        return ((float(item["due_at"]["N"]), item["task_id"]["S"]) for item in items)

    return _load(merge_earliest(partitions, entries, cursor, limit))


def list_by_contact(contact_ids: Sequence[str], *, cursor: str | None = None, limit: int = 50) -> Page[Task]:
    """The tasks about a contact and those merged into it, in the order of their ids. Raises CursorError."""

    def query(contact_id: str, after: str | None, most: int) -> list[str]:
        start = {"ExclusiveStartKey": {"contact_id": {"S": contact_id}, **_key(after)}} if after else {}
        found = []
        for task_id in _ids_of(contact_id, most, **start):
            found.append(task_id)
            if len(found) == most:
                break
        return found

    return _load(walk(list(dict.fromkeys(contact_ids)), query, str, cursor, limit))


def forget_tasks(contact_ids: Sequence[str], before: float | None = None) -> None:
    """Delete every task about these contacts, or those that were made before a time."""
    found = [task_id for contact_id in dict.fromkeys(contact_ids) for task_id in _ids_of(contact_id)]
    if before is not None:
        found = [each.task_id for each in _load(Page(found, None)).items if each.created_at < before]
    write_items(_table(), [{"DeleteRequest": {"Key": _key(task_id)}} for task_id in found])


def _ids_of(contact_id: str, at_once: int | None = None, **query: Any) -> Iterator[str]:
    items = read_items(
        _table(),
        at_once,
        IndexName="contact",
        KeyConditionExpression="contact_id = :contact_id",
        ExpressionAttributeValues={":contact_id": {"S": contact_id}},
        **query,
    )
    return (item["task_id"]["S"] for item in items)


def _load(ids: Page[str]) -> Page[Task]:
    items = get_items(_table(), [_key(task_id) for task_id in ids.items], consistent=False)
    found = {item["task_id"]["S"]: item for item in items}
    return Page([_parse(found[task_id]) for task_id in ids.items if task_id in found], ids.next)


def _table() -> str:
    return settings().require("tasks_table")


def _key(task_id: str) -> Item:
    return {"task_id": {"S": task_id}}


def _shard(task_id: str) -> str:
    return SHARDS[crc32(task_id.encode()) % len(SHARDS)]


def _state_shard(state: str, shard: str) -> str:
    return f"{state}#{shard}"


def _assignee_shard(state: str, shard: str, assignee: str) -> str:
    return f"{state}#{shard}#{assignee}"


def _item(task: Task) -> Item:
    shard = _shard(task.task_id)
    item: Item = {
        **_key(task.task_id),
        **{name: {"S": text} for name in _TEXTS if (text := getattr(task, name))},
        **{name: {"N": repr(getattr(task, name))} for name in _NUMBERS},
        "edit": {"N": str(task.edit)},
        "state_shard": {"S": _state_shard(task.state, shard)},
        "assignee_shard": {"S": _assignee_shard(task.state, shard, task.assignee)},
    }
    if task.outcomes:
        item["outcomes"] = {"L": [{"S": outcome} for outcome in task.outcomes]}
    if task.settled_at is not None:
        item["settled_at"] = {"N": repr(task.settled_at)}
    return item


def _parse(item: Mapping[str, Any]) -> Task:
    known: dict[str, Any] = {name: item[name]["S"] if name in item else "" for name in _TEXTS}
    known |= {name: float(item[name]["N"]) for name in _NUMBERS}
    return Task(
        task_id=item["task_id"]["S"],
        outcomes=tuple(each["S"] for each in item["outcomes"]["L"]) if "outcomes" in item else (),
        settled_at=float(item["settled_at"]["N"]) if "settled_at" in item else None,
        edit=int(item["edit"]["N"]),
        **known,
    )


def _settling(settled: Settled, edit: int | None = None) -> Item:
    shard = _shard(settled.task_id)
    sets = {
        "state": {"S": settled.state},
        "state_shard": {"S": _state_shard(settled.state, shard)},
        "outcome": {"S": settled.outcome},
        "reason": {"S": settled.reason},
        "remark": {"S": settled.remark},
        "settled_by": {"S": settled.by},
        "settled_at": {"N": repr(settled.at)},
    }
    expression = "ADD edit :one"
    if settled.state == CANCELLED:  # by the fold, which does not know whose it is by now
        expression += " REMOVE assignee_shard"
    else:
        sets["assignee_shard"] = {"S": _assignee_shard(settled.state, shard, settled.assignee)}
    before = {f":before{number}": {"S": state} for number, state in enumerate(states_before(settled.state))}
    condition = f"#state IN ({', '.join(before)})"
    values = {**{f":{name}": value for name, value in sets.items()}, **before, ":one": {"N": "1"}}
    if edit is not None:
        condition += " AND edit = :edit"
        values[":edit"] = {"N": str(edit)}
    return {
        "TableName": _table(),
        "Key": _key(settled.task_id),
        "UpdateExpression": f"SET {', '.join(f'#{name} = :{name}' for name in sets)} {expression}",
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {f"#{name}": name for name in sets},
        "ExpressionAttributeValues": values,
    }


def _update(update: Item) -> bool:
    try:
        get_client("dynamodb").update_item(**update)
    except ClientError as error:
        if code_of(error) != "ConditionalCheckFailedException":
            raise
        return False
    return True
