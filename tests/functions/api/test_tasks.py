"""Tasks: listed, given to somebody, completed once; the contact hears of it."""

import json
from typing import Any

import pytest

from postroad.commits import Commit
from postroad.events import TASK_COMPLETED
from postroad.tasks import OPEN, Task
from tests.functions.api.client import EMAIL, call, problem


@pytest.fixture
def ring(account, ana) -> Task:
    """Somebody is asked to call Ana."""
    from postroad_aws.storage import contacts

    now = account.now()
    task = Task(
        f"{ana.enrollment_id}.ring", ana.contact_id, "call", "Call Ana", "journey/welcome@1", "ring",
        ana.enrollment_id, round(now, 3), round(now + 3_600, 3), "bo@example.com",
    )  # fmt: skip
    contacts.commit(Commit(account.contact(EMAIL), tasks=(task,)))
    return task


def read(task: Task) -> Any:
    return call("GET", f"/api/v1/tasks/{task.task_id}")[1]


def test_a_task_is_found_by_state_by_assignee_by_contact_and_by_id(ring):
    for query in ({}, {"assignee": "bo@example.com"}, {"contact": ring.contact_id}, {"state": "open", "limit": "1"}):
        status, page = call("GET", "/api/v1/tasks", query)
        assert status == 200
        assert [item["task_id"] for item in page["items"]] == [ring.task_id]
    for query in ({"state": "done"}, {"assignee": "nobody"}, {"assignee": "eve@example.com"}):
        assert call("GET", "/api/v1/tasks", query)[1]["items"] == []
    shown = read(ring)
    assert (shown["kind"], shown["state"], shown["assignee"]) == ("call", "open", "bo@example.com")
    assert "no_answer" in shown["outcomes"]
    assert shown["outcome"] is shown["settled_at"] is shown["reason"] is None


def test_a_completed_task_is_done_at_once_and_the_contact_hears_of_it_once(account, ring):
    path, body = f"/api/v1/tasks/{ring.task_id}/complete", {"outcome": "interested", "remark": "Friday"}
    status, done = call("POST", path, body=body)
    assert (status, done["state"], done["outcome"], done["remark"]) == (200, "done", "interested", "Friday")
    assert call("POST", path, body=body)[1] == done
    heard = [event for event in account.arrived() if event.name == TASK_COMPLETED]
    assert {event.event_id for event in heard} == {f"task:{ring.task_id}"}
    assert (heard[0].contact_id, heard[0].properties["outcome"]) == (ring.contact_id, "interested")
    account.fold(*heard)
    assert read(ring)["state"] == "done"
    status, said = problem(call("POST", path, body={"outcome": "no_answer"}))
    assert (status, "done already" in json.dumps(said)) == (409, True)


def test_what_the_fold_hears_first_is_what_the_task_came_to(account, ring):
    from postroad.tasks import complete, completed

    first = complete(ring, "no_answer", "", "crm", account.now())
    assert isinstance(first, Task)
    account.fold(completed(first))
    shown = read(ring)
    assert (shown["state"], shown["outcome"], shown["settled_by"]) == ("done", "no_answer", "crm")


def test_an_outcome_that_the_task_does_not_have_is_refused(ring):
    status, said = problem(call("POST", f"/api/v1/tasks/{ring.task_id}/complete", body={"outcome": "sold"}))
    assert (status, "no_answer" in json.dumps(said)) == (409, True)
    assert read(ring)["state"] == OPEN


def test_a_task_is_given_to_somebody_else_and_to_nobody(ring):
    path = f"/api/v1/tasks/{ring.task_id}/assign"
    status, moved = call("POST", path, body={"assignee": "eve@example.com"})
    assert (status, moved["assignee"], moved["edit"]) == (200, "eve@example.com", 2)
    assert call("POST", path, body={"assignee": "eve@example.com"})[1]["edit"] == 2
    assert call("POST", path, body={"assignee": None})[1]["assignee"] is None
    assert [t["task_id"] for t in call("GET", "/api/v1/tasks", {"assignee": "nobody"})[1]["items"]] == [ring.task_id]


def test_a_caller_with_an_etag_changes_only_what_it_has_read(ring):
    path = f"/api/v1/tasks/{ring.task_id}"
    call("POST", f"{path}/assign", body={"assignee": "eve@example.com"})
    for action, body in (("assign", {"assignee": "bo"}), ("complete", {"outcome": "interested"})):
        status, _ = problem(call("POST", f"{path}/{action}", body=body, headers={"if-match": '"1"'}))
        assert status in (409, 412)
    assert read(ring)["assignee"] == "eve@example.com"
    done = call("POST", f"{path}/complete", body={"outcome": "interested"}, headers={"if-match": '"2"'})
    assert done[0] == 200


def test_questions_that_cannot_be_answered_are_refused_with_a_sentence(ring):
    assert problem(call("GET", "/api/v1/tasks/nothing"))[0] == 404
    assert problem(call("POST", "/api/v1/tasks/nothing/complete", body={"outcome": "done"}))[0] == 404
    assert problem(call("GET", "/api/v1/tasks", {"state": "lost"}))[0] in (400, 422)
    assert problem(call("GET", "/api/v1/tasks", {"state": "cancelled", "assignee": "bo"}))[0] == 400
    assert problem(call("POST", f"/api/v1/tasks/{ring.task_id}/complete", body={}))[0] in (400, 422)
