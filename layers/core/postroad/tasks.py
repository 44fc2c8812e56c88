"""Tasks: what a person is asked to do about a contact, such as to call, and what came of it.

A task begins open. It ends done, with one of its outcomes, or cancelled; it never goes back, and done outranks
cancelled, because a call that was made was made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from postroad.contacts.contact import Contact, Enrollment
from postroad.events import TASK_COMPLETED, Event

OPEN = "open"
CANCELLED = "cancelled"
DONE = "done"

_RANK = {OPEN: 0, CANCELLED: 1, DONE: 2}

STATES = tuple(_RANK)

# The attribute of a contact that says who of us looks after it.
OWNER = "owner"

# How a step of an enrollment keeps in mind that it has asked for a task, and what came of it; a further visit's with
# its number: "asked", "came to interested", "asked~2".
_ASKED = "asked{}"
_CAME_TO = "came to{} "

LONGEST_TITLE = 200
LONGEST_NOTE = 2_000


class TaskKind(NamedTuple):
    """One kind of task, and what may come of it unless the task says otherwise."""

    key: str
    description: str
    outcomes: tuple[str, ...]


CALL = "call"
ERRAND = "errand"

KINDS: Mapping[str, TaskKind] = {
    kind.key: kind
    for kind in (
        TaskKind(CALL, "ring them up", ("interested", "not_interested", "call_back", "no_answer", "wrong_number")),
        TaskKind("handover", "take somebody over from marketing", ("accepted", "rejected")),
        TaskKind(ERRAND, "anything else", ("done",)),
    )
}

# What a call can come to when nobody was reached: it says nothing for the telephone.
UNREACHED = frozenset(("no_answer", "wrong_number"))


@dataclass(frozen=True, slots=True)
class Task:
    """A task as its table holds it.

    `task_id` is derived from what asked for it (a step of a journey: as a message of that step would be called), so
    folding twice cannot make two. `origin` names what asked ("journey/welcome@3"). `assignee` is "" while it is
    nobody's. `outcome` is one of `outcomes` once it is done, `reason` says why it was cancelled, `remark` is what the
    one who did it wrote. `edit` counts the changes that people make. Times are epoch seconds.
    """

    task_id: str
    contact_id: str
    kind: str
    title: str
    origin: str
    step: str
    enrollment_id: str
    created_at: float
    due_at: float
    assignee: str = ""
    note: str = ""
    outcomes: tuple[str, ...] = ()
    state: str = OPEN
    outcome: str = ""
    reason: str = ""
    remark: str = ""
    settled_at: float | None = None
    settled_by: str = ""
    edit: int = 1

    @property
    def possible(self) -> tuple[str, ...]:
        """What may come of it."""
        return self.outcomes or KINDS[self.kind].outcomes

    def with_(self, **changes: Any) -> "Task":
        return replace(self, **changes)


class Settled(NamedTuple):
    """A task has come to an end: `state` is DONE or CANCELLED. Whose it was is said of one that is done."""

    task_id: str
    state: str
    at: float
    outcome: str = ""
    reason: str = ""
    remark: str = ""
    by: str = ""
    assignee: str = ""


def applies(change: Task | Settled, stored: Task | None) -> bool:
    """Whether a change still changes anything: a new task is not there yet, and no state goes back."""
    if isinstance(change, Task):
        return stored is None
    return stored is not None and _RANK[change.state] > _RANK[stored.state]


def states_before(state: str) -> tuple[str, ...]:
    """The states from which a task may come to this one."""
    return tuple(other for other in STATES if _RANK[other] < _RANK[state])


def task_id_of(enrollment: Enrollment, step: str, visit: int | None = None) -> str:
    """The id of the task that a step asks for at its latest visit, or at this one."""
    number = enrollment.visits.get(step, 1) if visit is None else visit
    return f"{enrollment.enrollment_id}.{step}" + (f"~{number}" if number > 1 else "")


def assignee_of(contact: Contact, said: str = "") -> str:
    """Whose task it is: whom the definition says, else who looks after the contact, else nobody ("")."""
    owner = contact.find_value(OWNER)
    return said or (owner.strip()[:LONGEST_TITLE] if isinstance(owner, str) else "")


def asked_mark(task_id: str) -> str:
    """The mark of a step whose task this is: it was asked for."""
    return _ASKED.format(_visit_of(task_id))


def outcome_mark(task_id: str, outcome: str) -> str:
    """The mark of a step whose task this is: it is done."""
    return _CAME_TO.format(_visit_of(task_id)) + outcome


def outcome_of(enrollment: Enrollment, step: str) -> str | None:
    """What the latest task of a step came to; None while it is open, or was never asked for."""
    start = _CAME_TO.format(_visit_of(task_id_of(enrollment, step)))
    return next((m.removeprefix(start) for m in enrollment.marks.get(step, ()) if m.startswith(start)), None)


def open_tasks(enrollment: Enrollment) -> tuple[str, ...]:
    """The ids of the tasks that an enrollment has asked for and has not heard of since."""
    found = []
    for step, marks in enrollment.marks.items():
        for visit in range(1, enrollment.visits.get(step, 1) + 1):
            task_id = task_id_of(enrollment, step, visit)
            came_to = outcome_mark(task_id, "")
            if asked_mark(task_id) in marks and not any(mark.startswith(came_to) for mark in marks):
                found.append(task_id)
    return tuple(found)


def _visit_of(task_id: str) -> str:
    """What an id says of the visit: "" of the first, else "~2"."""
    _, mark, number = task_id.rpartition("~")
    return mark + number if mark else ""


def cancel(enrollment: Enrollment, reason: str, now: float) -> tuple[Settled, ...]:
    """What calls the open tasks of an enrollment off."""
    return tuple(Settled(task_id, CANCELLED, now, reason=reason) for task_id in open_tasks(enrollment))


def cancel_dropped(before: Iterable[Contact], after: Contact, now: float) -> tuple[Settled, ...]:
    """What calls the open tasks off of enrollments that a merge has ended."""
    stay = {enrollment.enrollment_id for enrollment in after.active.values()}
    return tuple(
        settled
        for contact in before
        for enrollment in contact.active.values()
        if enrollment.enrollment_id not in stay
        for settled in cancel(enrollment, "another journey of this person goes on instead", now)
    )


def combine(changes: Iterable[Task | Settled]) -> tuple[Task | Settled, ...]:
    """One change a task: what is asked for and settled in one go is stored as it ends."""
    found: dict[str, Task | Settled] = {}
    for change in changes:
        known = found.get(change.task_id)
        if isinstance(known, Task) and isinstance(change, Settled):
            found[change.task_id] = settle(known, change)
        elif known is None or (isinstance(known, Settled) and _RANK[known.state] < _RANK[change.state]):
            found[change.task_id] = change
    return tuple(found.values())


def settle(task: Task, settled: Settled) -> Task:
    """The task as it is afterwards; as it was when that would take it back."""
    if not applies(settled, task):
        return task
    return task.with_(
        state=settled.state,
        outcome=settled.outcome,
        reason=settled.reason,
        remark=settled.remark,
        settled_at=settled.at,
        settled_by=settled.by,
        edit=task.edit + 1,
    )


def complete(task: Task, outcome: str, remark: str, by: str, now: float) -> Task | str:
    """The task, done; or why it cannot be, as a sentence. Done once more in the same way, it is as it was."""
    if task.state == DONE:
        return task if task.outcome == outcome else f"This task is done already, and its outcome was {task.outcome}."
    if outcome not in task.possible:
        return f"{outcome[:40]!r} is no outcome of this task; it has one of {', '.join(task.possible)}."
    return settle(task, Settled(task.task_id, DONE, now, outcome, remark=remark, by=by, assignee=task.assignee))


def completed(task: Task) -> Event:
    """The event that lets the contact hear of a task that is done. Its id is the task's, so it acts once."""
    assert task.settled_at is not None
    return Event(
        event_id=f"task:{task.task_id}",
        name=TASK_COMPLETED,
        time=task.settled_at,
        key_time=task.settled_at,
        contact_id=task.contact_id,
        trusted=True,
        source="postroad",
        properties={
            "task_id": task.task_id,
            "kind": task.kind,
            "outcome": task.outcome,
            "assignee": task.assignee,
            "by": task.settled_by,
            "remark": task.remark,
            "origin": task.origin,
            "step": task.step,
            "enrollment_id": task.enrollment_id,
        },
    )


def settled_by(event: Event) -> Settled:
    """What the table has to know after that event: the first to be folded is the truth, whoever else said so."""
    names = ("task_id", "outcome", "remark", "by", "assignee")
    said = {name: str(event.properties.get(name) or "") for name in names}
    return Settled(state=DONE, at=event.time, **said)
