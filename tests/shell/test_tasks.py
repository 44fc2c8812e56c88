"""The tasks table."""

import pytest

from postroad.commits import Commit
from postroad.tasks import CANCELLED, DONE, OPEN, Settled
from postroad_aws.ports import Outcome
from postroad_aws.storage import CursorError, VersionConflictError, tasks
from tests.shell.port_contract import a_contact, a_task, at, store


def test_a_task_is_read_as_it_was_stored(ports):
    full = a_task("enr-1.full", note="Ask for the address", outcomes=("sold", "lost"))
    bare = a_task("enr-1.bare", assignee="", step="", enrollment_id="")
    store(ports, a_contact(), tasks=(full, bare))
    assert tasks.find_task("enr-1.full") == full
    assert tasks.find_task("enr-1.bare") == bare
    assert tasks.find_task("enr-1.none") is None


def test_tasks_are_listed_by_state_and_by_assignee_those_due_first_page_by_page(ports):
    mine = [a_task(f"enr-{n}.ring", due_at=at(900 - n)) for n in range(7)]
    twins = [a_task(f"twin-{n}.ring", due_at=at(900)) for n in range(3)]
    nobodys = a_task("enr-x.ring", assignee="", due_at=at(1))
    store(ports, a_contact(), tasks=(*mine, *twins, nobodys))
    expected = [*(task.task_id for task in reversed(mine[1:])), *sorted(t.task_id for t in (mine[0], *twins))]
    found, cursor = [], None
    while True:
        page = tasks.list_tasks(OPEN, assignee="bo@example.com", cursor=cursor, limit=3)
        found += [task.task_id for task in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert found == expected
    assert [task.task_id for task in tasks.list_tasks(OPEN, assignee="").items] == ["enr-x.ring"]
    assert [task.task_id for task in tasks.list_tasks(OPEN, limit=2).items] == ["enr-x.ring", "enr-6.ring"]
    assert tasks.list_tasks(DONE).items == []
    with pytest.raises(CursorError):
        tasks.list_tasks(OPEN, cursor="bm8")


def test_a_settled_task_moves_to_its_state_in_every_listing(ports):
    ana = store(ports, a_contact(), tasks=(a_task(), a_task("enr-1.other")))
    done = Settled("enr-1.ring", DONE, at(60), "interested", remark="Friday", by="crm", assignee="bo@example.com")
    off = Settled("enr-1.other", CANCELLED, at(60), reason="the goal of its journey is reached")
    store(ports, ana, tasks=(done, off))
    assert tasks.find_task("enr-1.ring") == a_task(
        state=DONE, outcome="interested", remark="Friday", settled_at=at(60), settled_by="crm", edit=2
    )
    assert tasks.list_tasks(OPEN).items == []
    assert tasks.list_tasks(OPEN, assignee="bo@example.com").items == []
    assert [task.task_id for task in tasks.list_tasks(DONE, assignee="bo@example.com").items] == ["enr-1.ring"]
    (cancelled,) = tasks.list_tasks(CANCELLED).items
    assert (cancelled.task_id, cancelled.reason) == ("enr-1.other", "the goal of its journey is reached")


def test_settling_what_has_been_settled_changes_nothing(ports):
    store(ports, a_contact(), tasks=(a_task(),))
    off, done = Settled("enr-1.ring", CANCELLED, at(60)), Settled("enr-1.ring", DONE, at(90), "no_answer")
    assert tasks.settle(off)
    assert not tasks.settle(off)
    assert tasks.settle(done)
    assert not tasks.settle(off)
    assert not tasks.settle(done)
    assert not tasks.settle(Settled("nobody.ring", DONE, at(90), "no_answer"))
    assert tasks.find_task("nobody.ring") is None


def test_a_task_that_changed_since_it_was_read_is_not_settled_or_given_away(ports):
    store(ports, a_contact(), tasks=(a_task(),))
    moved = tasks.assign("enr-1.ring", "eve@example.com", 1)
    assert (moved.assignee, moved.edit) == ("eve@example.com", 2)
    assert [task.task_id for task in tasks.list_tasks(OPEN, assignee="eve@example.com").items] == ["enr-1.ring"]
    assert tasks.list_tasks(OPEN, assignee="bo@example.com").items == []
    with pytest.raises(VersionConflictError):
        tasks.assign("enr-1.ring", "bo@example.com", 1)
    assert not tasks.settle(Settled("enr-1.ring", DONE, at(90), "no_answer"), 1)
    assert tasks.settle(Settled("enr-1.ring", DONE, at(90), "no_answer"), 2)
    with pytest.raises(VersionConflictError):
        tasks.assign("enr-1.ring", "bo@example.com", 3)


def test_what_is_there_already_is_told_apart_from_a_conflict(ports):
    ana = store(ports, a_contact(), tasks=(a_task(),))
    assert ports.contacts.commit(Commit(ana, tasks=(a_task(),))) is Outcome.ALREADY_THERE
    unknown = Settled("enr-9.ring", CANCELLED, at(60))
    assert ports.contacts.commit(Commit(ana, tasks=(unknown,))) is Outcome.ALREADY_THERE
    assert ports.contacts.commit(Commit(a_contact(), tasks=(a_task(),))) is Outcome.CONFLICT


def test_tasks_go_with_their_contact(ports):
    others = a_task("enr-2.ring", contact_id="eve")
    store(ports, a_contact(), tasks=(a_task(), a_task("enr-1.two"), others))
    page = tasks.list_by_contact(["ana-4f1c", "eve"], limit=2)
    assert [task.task_id for task in page.items] == ["enr-1.ring", "enr-1.two"]
    assert tasks.list_by_contact(["ana-4f1c", "eve"], limit=2, cursor=page.next).items == [others]
    tasks.forget_tasks(["ana-4f1c"])
    assert tasks.list_by_contact(["ana-4f1c", "eve"]).items == [others]
