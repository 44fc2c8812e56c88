"""Complete a task: the contact hears of it first, so a crash between the two loses nothing.

The event's id is the task's, so of two people who complete the same task at the same moment one is heard, and the fold
writes into the task's row what it has heard.
"""

from typing import Protocol

from postroad.tasks import Settled, Task, complete, completed
from postroad_aws.ports import Clock, Queues
from postroad_aws.storage import NotFoundError, VersionConflictError
from postroad_aws.usecases.send_event import send_event


class Tasks(Protocol):
    """What is touched of the tasks table."""

    def find_task(self, task_id: str) -> Task | None: ...

    def settle(self, settled: Settled, edit: int | None = None) -> bool: ...


class Ports(Protocol):
    @property
    def queues(self) -> Queues: ...

    @property
    def clock(self) -> Clock: ...


def complete_task(
    ports: Ports, tasks: Tasks, task_id: str, outcome: str, remark: str, by: str, edit: int | None = None
) -> Task | str:
    """The task, done; or why it cannot be, as a sentence. With `edit`, only as it was read then.

    Doing the same again changes nothing. Raises NotFoundError, and VersionConflictError when somebody else changed it.
    """
    task = tasks.find_task(task_id)
    if task is None:
        raise NotFoundError("There is no task with this id.")
    done = complete(task, outcome, remark, by, ports.clock.now())
    if isinstance(done, str):
        return done
    if done is not task and edit is not None and edit != task.edit:
        raise VersionConflictError("Somebody else has changed this task; read it again.")
    send_event(ports.queues, completed(done))
    if done is task:
        return task
    settled = Settled(
        task_id, done.state, done.settled_at or 0.0, outcome, remark=remark, by=by, assignee=task.assignee
    )
    if not tasks.settle(settled, task.edit):
        raise VersionConflictError("Somebody else has changed this task at the same moment; read it again.")
    return done
