"""Tasks of journeys in the tables: asked for with the contact, completed once, called off when nobody needs them."""

from dataclasses import replace

import pytest

from postroad.tasks import CANCELLED, DONE, OPEN, Settled, Task
from postroad_aws import books, clock, runs
from postroad_aws.storage import NotFoundError, VersionConflictError, definitions, tasks
from postroad_aws.usecases.complete_task import complete_task
from postroad_aws.usecases.publish_definitions import publish_definitions
from tests.account import ANA, Account

EMAIL = f"email:{ANA}"
FOLLOW_UP = {
    "trigger": {"event": "Quote Asked"},
    "goal": {"event": "Quote Signed"},
    "steps": [
        {
            "id": "ring",
            "task": {
                "kind": "call",
                "title": "Call about the quote",
                "timeout": "P3D",
                "outcomes": {"interested": [{"update": {"set": {"plan": "pro"}}}]},
                "else": [],
            },
        },
        {"wait": {"for": "P30D"}},
    ],
}


@pytest.fixture
def ring(account: Account) -> Task:
    """Ana asked for a quote: somebody is asked to call her."""
    document = {"kind": "journey", "id": "follow-up", **FOLLOW_UP}
    publish_definitions(definitions, runs, clock, {"journey/follow-up": document})
    books.forget()
    account.fold(account.event("Quote Asked", EMAIL, attributes={"owner": "bo@example.com"}))
    (task,) = tasks.list_tasks(OPEN, assignee="bo@example.com").items
    return task


def test_a_task_is_stored_with_the_contact_and_derived_from_its_step(account, ring):
    contact = account.contact(EMAIL)
    enrollment = contact.active["follow-up"]
    assert ring.task_id == f"{enrollment.enrollment_id}.ring"
    assert (ring.contact_id, ring.origin, ring.kind) == (contact.contact_id, "journey/follow-up@1", "call")


def test_the_journey_goes_on_by_the_outcome_when_the_event_arrives(account, ring):
    done = complete_task(account.ports, tasks, ring.task_id, "interested", "on Friday", "crm")
    assert isinstance(done, Task)
    assert done == tasks.find_task(ring.task_id)
    account.fold_arrived()
    assert account.contact(EMAIL).find_value("plan") == "pro"
    assert account.names(EMAIL)[-1] == "Task Completed"
    # The fold has said of the row what the row had said already.
    assert tasks.find_task(ring.task_id).state == DONE


def test_a_crash_between_the_event_and_the_row_is_healed_by_the_fold_and_by_doing_it_again(account, ring):
    class Crashing:
        find_task = staticmethod(tasks.find_task)

        def settle(self, settled, edit=None):
            raise ConnectionError

    with pytest.raises(ConnectionError):
        complete_task(account.ports, Crashing(), ring.task_id, "interested", "", "crm")
    account.fold_arrived()
    healed = tasks.find_task(ring.task_id)
    assert (healed.state, healed.outcome) == (DONE, "interested")
    assert complete_task(account.ports, tasks, ring.task_id, "interested", "", "crm") == healed
    account.fold_arrived()
    assert account.names(EMAIL).count("Task Completed") == 1


def test_of_two_who_complete_it_at_once_the_first_is_heard(account, ring):
    class Slow:
        """Somebody else completes it between this one's read and write."""

        find_task = staticmethod(tasks.find_task)

        def settle(self, settled, edit=None):
            tasks.settle(settled._replace(outcome="no_answer"))
            return tasks.settle(settled, edit)

    with pytest.raises(VersionConflictError):
        complete_task(account.ports, Slow(), ring.task_id, "interested", "", "crm")
    assert complete_task(account.ports, tasks, ring.task_id, "interested", "", "crm") == (
        "This task is done already, and its outcome was no_answer."
    )


def test_what_is_not_there_or_has_changed_is_not_completed(account, ring):
    with pytest.raises(NotFoundError):
        complete_task(account.ports, tasks, "enr-0.ring", "interested", "", "crm")
    with pytest.raises(VersionConflictError):
        complete_task(account.ports, tasks, ring.task_id, "interested", "", "crm", edit=7)
    assert account.arrived() == []


def test_the_goal_calls_the_task_off_unless_somebody_was_faster(account, ring):
    account.fold(account.event("Quote Signed", EMAIL))
    off = tasks.find_task(ring.task_id)
    assert (off.state, off.reason) == (CANCELLED, "the goal of its journey is reached")


def test_a_goal_and_a_call_at_the_same_moment_lose_neither(account, ring):
    tasks.settle(Settled(ring.task_id, DONE, account.now(), "no_answer", by="crm", assignee=ring.assignee))
    account.fold(account.event("Quote Signed", EMAIL))
    assert tasks.find_task(ring.task_id).state == DONE
    assert account.contact(EMAIL).passages["follow-up"].last_state == "goal"


def test_a_task_that_is_asked_for_and_needless_in_one_batch_is_never_open(account, ring):
    otto = "email:otto@example.com"
    account.fold(account.event("Quote Asked", otto), account.event("Quote Signed", otto))
    (task,) = tasks.list_by_contact([account.contact(otto).contact_id]).items
    assert task.state == CANCELLED
    assert [each.task_id for each in tasks.list_tasks(OPEN).items] == [ring.task_id]


def test_two_people_who_turn_out_to_be_one_are_called_once(account, ring):
    other = "user:42"
    account.fold(account.event("Quote Asked", other))
    assert len(tasks.list_tasks(OPEN).items) == 2
    account.fold(account.event("Signed In", EMAIL, other))
    (stays,) = tasks.list_tasks(OPEN).items
    (off,) = tasks.list_tasks(CANCELLED).items
    assert off.reason == "another journey of this person goes on instead"
    contact = account.contact(EMAIL)
    assert stays.enrollment_id == contact.active["follow-up"].enrollment_id


def test_folding_again_after_a_conflict_asks_for_the_task_once(account, ring):
    again = replace(account.event("Quote Asked", "user:7"), event_id="quote-7")
    account.fold(again)
    account.fold(again)
    assert len(tasks.list_by_contact([account.contact("user:7").contact_id]).items) == 1
