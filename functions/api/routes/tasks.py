"""Tasks: what people are asked to do, such as to call somebody, and what came of it."""

from typing import Annotated, NotRequired, TypedDict

from functions.api.problems import RefusedError, RequestError, StaleError
from functions.api.routes.contacts import read_contact
from functions.api.routing import Caller, Header, Routes
from functions.api.schemas import Cursor, Example, Instant, Limit, Listed, OneOf, Text
from postroad.instants import format_instant
from postroad.tasks import CANCELLED, KINDS, LONGEST_NOTE, LONGEST_TITLE, OPEN, STATES, Task
from postroad_aws.storage import NotFoundError, VersionConflictError
from postroad_aws.storage import tasks as storage
from postroad_aws.usecases.assign_task import assign_task
from postroad_aws.usecases.complete_task import complete_task
from postroad_aws.wiring import keyless

routes = Routes("Tasks")

NOBODY = "nobody"

IfMatch = Annotated[str | None, Header("If-Match"), Example('"1"'), "The `ETag` of the task that you read."]
Assignee = Annotated[str, Text(LONGEST_TITLE), Example("ana@example.com")]


class TaskView(TypedDict):
    """Something that a person is asked to do about a contact."""

    task_id: str
    contact_id: str
    kind: Annotated[str, OneOf(KINDS)]
    title: Annotated[str, Example("Call about the cart")]
    note: str
    state: Annotated[str, OneOf(STATES)]
    assignee: Annotated[str | None, "Whose it is; null while it is nobody's."]
    due_at: Instant
    created_at: Instant
    outcomes: Annotated[list[str], "What may come of it."]
    outcome: Annotated[str | None, "What came of it."]
    remark: Annotated[str, "What the one who did it wrote."]
    reason: Annotated[str | None, "Why it was cancelled."]
    settled_at: Instant | None
    settled_by: Annotated[str | None, "Whose key completed it."]
    origin: Annotated[str, Example("journey/welcome@1"), "What asked for it, and in which version."]
    step: str
    edit: Annotated[int, "Counts its changes; its `ETag`."]


class CompletionBody(TypedDict):
    """What came of a task."""

    outcome: Annotated[str, Text(64), Example("interested"), "One of the task's `outcomes`."]
    remark: NotRequired[Annotated[str, Text(LONGEST_NOTE), Example("Wants an offer by Friday.")]]


class AssignmentBody(TypedDict):
    """Whose a task is from now on."""

    assignee: Annotated[Assignee | None, "Null is nobody: everybody sees it."]


@routes.get("/tasks")
def list_tasks(
    state: Annotated[str, OneOf(STATES)] = OPEN,
    assignee: Annotated[Assignee | None, "Only theirs; `nobody` for those that are nobody's."] = None,
    contact: Annotated[str | None, "The `contact_id` of somebody: all tasks about them, in any state."] = None,
    cursor: Cursor | None = None,
    limit: Limit = 50,
) -> Listed[TaskView]:
    """Tasks in a state, those due first; or all about one contact.

    Cancelled tasks are nobody's any more: they are listed without `assignee`.
    """
    if contact is not None:
        found = read_contact(contact)
        page = storage.list_by_contact((found.contact_id, *found.merged_from), cursor=cursor, limit=limit)
    elif assignee is not None and state == CANCELLED:
        raise RequestError("Cancelled tasks are nobody's any more; leave assignee out.")
    else:
        whose = "" if assignee == NOBODY else assignee
        page = storage.list_tasks(state, assignee=whose, cursor=cursor, limit=limit)
    return {"items": [_show(task) for task in page.items], "next": page.next}


@routes.get("/tasks/{task_id}", etag="edit")
def get_task(task_id: str) -> TaskView:
    """One task."""
    return _show(_read(task_id))


@routes.post("/tasks/{task_id}/complete", etag="edit")
def complete(task_id: str, body: CompletionBody, caller: Caller, if_match: IfMatch = None) -> TaskView:
    """Complete a task with one of its outcomes; its journey goes on by it.

    The same outcome again changes nothing, another one is refused. With `If-Match` only if nobody has changed it since.
    """
    edit = None if if_match is None else _read_etag(if_match)
    done = complete_task(keyless(), storage, task_id, body["outcome"], body.get("remark", ""), caller.source, edit)
    if isinstance(done, str):
        raise RefusedError(done)
    return _show(done)


@routes.post("/tasks/{task_id}/assign", etag="edit")
def assign(task_id: str, body: AssignmentBody, if_match: IfMatch = None) -> TaskView:
    """Give an open task to somebody else.

    With `If-Match` only if nobody has changed it since you read it.
    """
    edit = None if if_match is None else _read_etag(if_match)
    try:
        task = assign_task(storage, task_id, body["assignee"] or "", edit)
    except VersionConflictError as error:
        raise StaleError(str(error)) from None
    if isinstance(task, str):
        raise RefusedError(task)
    return _show(task)


def _read(task_id: str) -> Task:
    task = storage.find_task(task_id)
    if task is None:
        raise NotFoundError("There is no task with this id.")
    return task


def _read_etag(if_match: str) -> int:
    number = if_match.removeprefix("W/").strip('"')
    if not (number.isascii() and number.isdigit() and len(number) < 9):
        raise StaleError("If-Match is not an ETag of this task; read it again.")
    return int(number)


def _show(task: Task) -> TaskView:
    return {
        "task_id": task.task_id,
        "contact_id": task.contact_id,
        "kind": task.kind,
        "title": task.title,
        "note": task.note,
        "state": task.state,
        "assignee": task.assignee or None,
        "due_at": format_instant(task.due_at),
        "created_at": format_instant(task.created_at),
        "outcomes": list(task.possible),
        "outcome": task.outcome or None,
        "remark": task.remark,
        "reason": task.reason or None,
        "settled_at": format_instant(task.settled_at) if task.settled_at is not None else None,
        "settled_by": task.settled_by or None,
        "origin": task.origin,
        "step": task.step,
        "edit": task.edit,
    }
