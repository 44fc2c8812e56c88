"""Give an open task to somebody, or to nobody, so that everybody sees it."""

from typing import Protocol

from postroad.tasks import OPEN, Task
from postroad_aws.storage import NotFoundError, VersionConflictError


class Tasks(Protocol):
    """What is touched of the tasks table."""

    def find_task(self, task_id: str) -> Task | None: ...

    def assign(self, task_id: str, assignee: str, edit: int) -> Task: ...


def assign_task(tasks: Tasks, task_id: str, assignee: str, edit: int | None = None) -> Task | str:
    """The task, theirs ("" is nobody's); or why it cannot be, as a sentence. With `edit`, only as it was read then.

    Doing the same again changes nothing. Raises NotFoundError, and VersionConflictError when somebody else changed it.
    """
    task = tasks.find_task(task_id)
    if task is None:
        raise NotFoundError("There is no task with this id.")
    if edit is not None and edit != task.edit:
        raise VersionConflictError("Somebody else has changed this task since you read it; read it again.")
    if task.state != OPEN:
        return f"This task is {task.state}; only an open one can be given to somebody."
    return task if assignee == task.assignee else tasks.assign(task_id, assignee, task.edit)
