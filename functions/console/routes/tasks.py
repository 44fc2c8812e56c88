"""Tasks: what people are asked to do, whose it is, and what came of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from functions.console import telling
from functions.console.names import split_origin
from functions.console.pages import page, problem
from functions.console.requests import Request, RequestError
from functions.console.responses import Response, redirect
from postroad.tasks import CANCELLED, DONE, LONGEST_NOTE, LONGEST_TITLE, OPEN, Task
from postroad_aws import books
from postroad_aws.storage import NotFoundError, contacts, tasks
from postroad_aws.usecases.assign_task import assign_task
from postroad_aws.usecases.complete_task import complete_task
from postroad_aws.usecases.find_contact import find_contact, find_contacts
from postroad_aws.wiring import keyless

_PAGE = 25


class View(NamedTuple):
    """A tab of the list. `whose` says of somebody's address whose tasks they are (None: everybody's)."""

    key: str
    title: str
    state: str
    whose: Callable[[str], str | None]
    empty: str


_ASKED = "Journeys ask for tasks, such as a call, and so does the hand-over to sales."
_CALLED_OFF = "A task is called off when its journey ends without it."

VIEWS = {
    view.key: view
    for view in (
        View("open", "Open", OPEN, lambda me: None, _ASKED),
        View("mine", "Mine", OPEN, lambda me: me, "Nothing waits for you. Take one of those that are nobody's."),
        View("free", "Nobody's", OPEN, lambda me: "", "Every open task is somebody's."),
        View("done", "Done", DONE, lambda me: None, "What was done stands here, with what came of it."),
        View("cancelled", "Cancelled", CANCELLED, lambda me: None, _CALLED_OFF),
    )
}


def show_list(request: Request) -> Response:
    """Tasks of one kind, what is due first first."""
    view = VIEWS.get(request.text("view"), VIEWS["open"])
    found = tasks.list_tasks(view.state, assignee=view.whose(_me(request)), cursor=request.cursor, limit=_PAGE)
    people = find_contacts(contacts, {task.contact_id for task in found.items})
    rows = [(task, people.get(task.contact_id)) for task in found.items]
    return page(request, "tasks/list.html", fragment="rows", view=view, views=VIEWS, rows=rows, next=found.next)


def show_one(request: Request) -> Response:
    """One task: about whom, why, and what may come of it."""
    task = _get(request)
    kind, definition_id = split_origin(task.origin)
    owners = book.handover.owners if (book := books.current()).handover else ()
    values: dict[str, Any] = {
        "task": task,
        "contact": find_contact(contacts, task.contact_id),
        "asked_by": telling.name_of(book, kind, definition_id),
        "href": f"/console/journeys/{definition_id}" if kind == "journey" else "",
        "me": _me(request),
        "owners": sorted({*owners, _me(request)}),
        "longest": LONGEST_NOTE,
        "longest_name": LONGEST_TITLE,
    }
    return page(request, "tasks/one.html", **values)


def complete(request: Request) -> Response:
    """Say what came of it."""
    form = request.form()
    remark = form.get("remark", "").strip()
    if len(remark) > LONGEST_NOTE:
        raise RequestError(f"What you wrote is longer than {LONGEST_NOTE} characters.")
    task_id = request.variables["task_id"]
    done = complete_task(keyless(), tasks, task_id, form.get("outcome", ""), remark, _me(request), _edit(form))
    return problem(request, 409, done) if isinstance(done, str) else redirect(f"/console/tasks/{task_id}")


def assign(request: Request) -> Response:
    """Give it to somebody, or to nobody."""
    form, task_id = request.form(), request.variables["task_id"]
    whose = form.get("assignee", "").strip()
    if len(whose) > LONGEST_TITLE or not whose.isprintable():
        raise RequestError(f"Say in at most {LONGEST_TITLE} characters whose it is to be.")
    given = assign_task(tasks, task_id, whose, _edit(form))
    return problem(request, 409, given) if isinstance(given, str) else redirect(f"/console/tasks/{task_id}")


def _get(request: Request) -> Task:
    task = tasks.find_task(request.variables["task_id"])
    if task is None:
        raise NotFoundError("There is no such task. What was done long ago, or was about somebody erased, is gone.")
    return task


def _edit(form: dict[str, str]) -> int:
    """Which edit of the task was looked at."""
    text = form.get("edit", "")
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise RequestError("Open the task, and do it there.")
    return int(text)


def _me(request: Request) -> str:
    assert request.session is not None
    return request.session.email
