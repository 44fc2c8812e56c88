"""Giving a task to somebody: as it was read, or whoever changed it meanwhile is heard."""

import pytest

from postroad.commits import Commit
from postroad.tasks import Task
from postroad_aws.storage import NotFoundError, VersionConflictError, contacts, tasks
from postroad_aws.usecases.assign_task import assign_task


@pytest.fixture
def ring(account):
    account.fold(account.event("Page Viewed", "user:ana"))
    ana = account.contact("user:ana")
    now = round(account.now(), 3)
    task = Task("e.ring", ana.contact_id, "call", "Call Ana", "journey/welcome@1", "ring", "e", now, now + 60)
    contacts.commit(Commit(ana, tasks=(task,)))
    return task


def test_an_open_task_is_given_away_and_giving_it_again_changes_nothing(ring):
    given = assign_task(tasks, ring.task_id, "bo@example.com", 1)
    assert (given.assignee, given.edit) == ("bo@example.com", 2)
    assert assign_task(tasks, ring.task_id, "bo@example.com") == given
    assert [task.task_id for task in tasks.list_tasks("open", assignee="bo@example.com").items] == [ring.task_id]


def test_who_has_read_an_older_edit_is_told(ring):
    assign_task(tasks, ring.task_id, "bo@example.com")
    with pytest.raises(VersionConflictError):
        assign_task(tasks, ring.task_id, "eve@example.com", 1)


def test_there_is_nothing_to_give_where_there_is_no_task(account):
    with pytest.raises(NotFoundError):
        assign_task(tasks, "nothing", "bo@example.com")
