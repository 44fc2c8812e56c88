"""Tasks: what a person is asked to do, and what came of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.contacts.contact import Attribute, Contact, Enrollment
from postroad.events import RESERVED, TASK_COMPLETED
from postroad.tasks import (
    CANCELLED,
    DONE,
    KINDS,
    OPEN,
    STATES,
    Settled,
    Task,
    applies,
    asked_mark,
    assignee_of,
    cancel,
    cancel_dropped,
    combine,
    complete,
    completed,
    open_tasks,
    outcome_mark,
    outcome_of,
    settle,
    settled_by,
    states_before,
    task_id_of,
)

NOW = 1_793_610_000.0


def _task(task_id: str = "enr-1.ring", **facts: Any) -> Task:
    known: dict[str, Any] = {
        "contact_id": "ana",
        "kind": "call",
        "title": "Call about the cart",
        "origin": "journey/cart@1",
        "step": "ring",
        "enrollment_id": "enr-1",
        "created_at": NOW,
        "due_at": NOW + 3_600,
    }
    return Task(task_id, **{**known, **facts})


def _enrollment(*marks: str, visits: int = 1, step: str = "ring") -> Enrollment:
    return Enrollment(
        "enr-1", "cart", 1, NOW, "key", step, None, marks={step: marks} if marks else {}, visits={step: visits}
    )


def test_a_task_is_called_as_a_message_of_its_step_would_be() -> None:
    assert task_id_of(_enrollment(), "ring") == "enr-1.ring"
    assert task_id_of(_enrollment(visits=3), "ring") == "enr-1.ring~3"
    assert task_id_of(_enrollment(visits=3), "ring", 2) == "enr-1.ring~2"


def test_it_is_for_whom_the_definition_says_else_for_whoever_looks_after_the_contact() -> None:
    contact = Contact("ana", attributes={"owner": Attribute(" bo@example.com ", NOW, True)})
    assert assignee_of(contact, "eve@example.com") == "eve@example.com"
    assert assignee_of(contact) == "bo@example.com"
    assert assignee_of(Contact("ana")) == ""
    assert assignee_of(Contact("ana", attributes={"owner": Attribute(42, NOW, True)})) == ""


def test_a_step_remembers_its_task_and_what_came_of_it_by_visit() -> None:
    first, second = "enr-1.ring", "enr-1.ring~2"
    enrollment = _enrollment(asked_mark(first))
    assert open_tasks(enrollment) == (first,)
    assert outcome_of(enrollment, "ring") is None
    enrollment = _enrollment(asked_mark(first), outcome_mark(first, "call_back"))
    assert (open_tasks(enrollment), outcome_of(enrollment, "ring")) == ((), "call_back")
    again = _enrollment(asked_mark(first), outcome_mark(first, "call_back"), asked_mark(second), visits=2)
    assert (open_tasks(again), outcome_of(again, "ring")) == ((second,), None)
    done = _enrollment(
        asked_mark(first), outcome_mark(first, "call_back"), asked_mark(second), outcome_mark(second, "call_back"),
        visits=2,
    )  # fmt: skip
    assert (open_tasks(done), outcome_of(done, "ring")) == ((), "call_back")
    assert outcome_of(_enrollment(), "ring") is None


def test_open_tasks_of_an_enrollment_are_called_off_and_no_others() -> None:
    assert cancel(_enrollment(asked_mark("enr-1.ring")), "the goal is reached", NOW) == (
        Settled("enr-1.ring", CANCELLED, NOW, reason="the goal is reached"),
    )
    assert cancel(_enrollment(), "the goal is reached", NOW) == ()


def test_a_merge_calls_off_the_tasks_of_the_enrollment_that_it_ends() -> None:
    stays, goes = _enrollment().with_(enrollment_id="enr-2"), _enrollment(asked_mark("enr-1.ring"))
    before = (Contact("ana", active={"cart": goes}), Contact("ana-2", active={"cart": stays}))
    (settled,) = cancel_dropped(before, Contact("ana", active={"cart": stays}), NOW)
    assert (settled.task_id, settled.state) == ("enr-1.ring", CANCELLED)
    assert cancel_dropped(before, Contact("ana", active={"cart": goes, "other": stays}), NOW) == ()


def test_states_never_go_back_and_a_call_that_was_made_was_made() -> None:
    done, cancelled = Settled("enr-1.ring", DONE, NOW, "interested"), Settled("enr-1.ring", CANCELLED, NOW)
    assert settle(_task(), done).state == DONE
    assert settle(_task(state=CANCELLED), done).outcome == "interested"
    assert settle(_task(state=DONE, outcome="no_answer"), done).outcome == "no_answer"
    assert settle(_task(state=DONE), cancelled).state == DONE
    assert not applies(done, None)
    assert applies(_task(), None)
    assert not applies(_task(), _task())
    assert [states_before(state) for state in STATES] == [(), (OPEN,), (OPEN, CANCELLED)]


_changes = st.lists(
    st.one_of(
        st.builds(_task, st.sampled_from(("a", "b"))),
        st.builds(Settled, st.sampled_from(("a", "b")), st.sampled_from((CANCELLED, DONE)), st.just(NOW)),
    ),
    max_size=8,
)


@given(_changes)
def test_what_a_commit_says_of_tasks_is_what_they_come_to_one_after_the_other(changes: list[Task | Settled]) -> None:
    stored: dict[str, Task] = {}
    for change in changes:
        known = stored.get(change.task_id)
        if isinstance(change, Task):
            stored.setdefault(change.task_id, change)
        elif known:
            stored[change.task_id] = settle(known, change)
    combined = combine(changes)
    assert len({change.task_id for change in combined}) == len(combined)
    for change in combined:
        # A settlement that came before its task has nothing to settle, as in the table.
        first = next(each for each in changes if each.task_id == change.task_id)
        if isinstance(first, Task):
            assert change == stored[change.task_id]


def test_a_task_is_done_once_with_one_of_its_outcomes() -> None:
    done = complete(_task(), "interested", "on Friday", "crm", NOW + 60)
    assert isinstance(done, Task)
    assert (done.state, done.outcome, done.remark, done.settled_by, done.edit) == (
        DONE, "interested", "on Friday", "crm", 2,
    )  # fmt: skip
    assert complete(done, "interested", "again", "crm", NOW + 90) is done
    assert complete(done, "no_answer", "", "crm", NOW + 90) == (
        "This task is done already, and its outcome was interested."
    )
    assert "it has one of interested, not_interested" in str(complete(_task(), "sold", "", "crm", NOW))
    assert isinstance(complete(_task(outcomes=("sold",)), "sold", "", "crm", NOW), Task)


def test_the_contact_hears_of_it_by_an_event_that_only_postroad_may_say_and_that_acts_once() -> None:
    done = complete(_task(assignee="bo"), "interested", "on Friday", "crm", NOW + 60)
    again = complete(_task(assignee="bo"), "interested", "on Friday", "crm", NOW + 61)
    assert isinstance(done, Task)
    assert isinstance(again, Task)
    event = completed(done)
    assert event.name == TASK_COMPLETED
    assert TASK_COMPLETED in RESERVED
    assert event.short_hash == completed(again).short_hash
    assert event.key.startswith("2026-11-02T09:01:00")
    assert settled_by(event) == Settled(
        "enr-1.ring", DONE, NOW + 60, "interested", remark="on Friday", by="crm", assignee="bo"
    )


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.key)
def test_every_kind_of_task_can_come_to_something(kind: Any) -> None:
    assert kind.outcomes
    assert len(set(kind.outcomes)) == len(kind.outcomes)
    assert _task(kind=kind.key).possible == kind.outcomes
