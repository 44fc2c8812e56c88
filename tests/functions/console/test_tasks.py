"""Tasks in the console: listed, given away, done."""

import re

import pytest

from postroad.commits import Commit
from postroad.tasks import Task
from postroad_aws.storage import contacts, tasks
from tests.account import ANA

ME = "marta@tidewater.example"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def ana(account):
    account.sign_up(first_name="Ana")
    return account.contact(f"email:{ANA}")


@pytest.fixture
def ask_for(account, ana):
    """Makes a task about Ana: its number, and what else is said of it."""

    def ask_for(number: int = 1, **parts) -> Task:
        now = account.now()
        enrollment = next(iter(ana.active.values()))
        task = Task(
            f"{enrollment.enrollment_id}.ring~{number}", ana.contact_id, "call", f"Call Ana {number}",
            "journey/welcome@1", "ring", enrollment.enrollment_id, round(now, 3), round(now + 3_600 * number, 3),
            **parts,
        )  # fmt: skip
        contacts.commit(Commit(account.contact(f"email:{ANA}"), tasks=(task,)))
        return task

    return ask_for


def test_without_tasks_the_page_says_where_they_come_from(browser):
    assert "Journeys ask for tasks" in browser.get("/console/tasks").text


def test_tasks_are_listed_by_whose_they_are_those_due_first(browser, ask_for):
    ask_for(2, assignee=ME)
    ask_for(1, assignee="bo@example.com")
    ask_for(3)
    assert re.findall(r"<b>Call Ana (\d)</b>", browser.get("/console/tasks").text) == ["1", "2", "3"]
    assert re.findall(r"<b>Call Ana (\d)</b>", browser.get("/console/tasks?view=mine").text) == ["2"]
    assert re.findall(r"<b>Call Ana (\d)</b>", browser.get("/console/tasks?view=free").text) == ["3"]
    assert "Call Ana" not in browser.get("/console/tasks?view=done").text


def test_what_is_late_says_so(account, browser, ask_for):
    ask_for()
    assert "overdue" not in browser.get("/console/tasks").text
    account.advance(3_700)
    later = browser.as_role("marketer")
    assert "overdue" in later.get("/console/tasks").text
    assert "1 task is overdue." in later.get("/console").text


def test_many_tasks_are_paged(browser, ask_for):
    for number in range(1, 31):
        ask_for(number)
    first = browser.get("/console/tasks").text
    more = re.search(r'hx-get="([^"]+cursor[^"]+)"', first)[1].replace("&amp;", "&")
    found = re.findall(r"<b>Call Ana (\d+)</b>", first + browser.fragment(more).text)
    assert len(found) == len(set(found)) == 30
    assert browser.get("/console/tasks?cursor=nonsense").status == 400


def test_a_task_says_about_whom_and_why_it_is(browser, ask_for):
    task = ask_for(note=f"She asked {HOSTILE}")
    text = browser.get(f"/console/tasks/{task.task_id}").text
    assert ANA in text
    assert '<a href="/console/journeys/welcome">Welcome</a>' in text
    assert "No answer" in text
    assert HOSTILE not in text
    assert browser.get("/console/tasks/nothing").status == 404


def test_a_marketer_says_what_came_of_it_and_the_contact_hears_of_it(account, browser, ask_for):
    task = ask_for()
    address = f"/console/tasks/{task.task_id}"
    assert browser.as_role("viewer").post(f"{address}/complete", {"edit": "1", "outcome": "interested"}).status == 403
    answer = browser.post(f"{address}/complete", {"edit": "1", "outcome": "interested", "remark": "Wants an offer."})
    assert answer.status == 303
    text = browser.get(address).text
    assert "Interested" in text
    assert ME in text
    assert "Wants an offer." in text
    account.fold_arrived()
    assert "Task Completed" in account.names(f"email:{ANA}")
    assert "Interested" in browser.get("/console/tasks?view=done").text.replace("interested", "Interested")


@pytest.mark.parametrize(
    ("form", "status", "sentence"),
    [
        ({"edit": "1", "outcome": "married"}, 409, "is no outcome of this task"),
        ({"edit": "7", "outcome": "interested"}, 409, "Somebody else has changed this task"),
        ({"outcome": "interested"}, 400, "Open the task, and do it there."),
        ({"edit": "1", "outcome": "interested", "remark": "x" * 2_001}, 400, "longer than 2000"),
        ({"edit": "1"}, 409, "is no outcome of this task"),
    ],
)
def test_what_cannot_be_done_is_said(browser, ask_for, form, status, sentence):
    task = ask_for()
    answer = browser.post(f"/console/tasks/{task.task_id}/complete", form)
    assert (answer.status, sentence in answer.text) == (status, True)
    assert tasks.find_task(task.task_id) == task


def test_a_task_is_given_away_and_taken(browser, ask_for):
    task = ask_for()
    address = f"/console/tasks/{task.task_id}"
    assert browser.post(f"{address}/assign", {"edit": "1", "assignee": "bo@example.com"}).status == 303
    assert "bo@example.com" in browser.get(address).text
    late = browser.post(f"{address}/assign", {"edit": "1", "assignee": ME})
    assert late.status == 409
    assert "Somebody else has changed this task" in late.text
    assert browser.post(f"{address}/assign", {"edit": "2", "assignee": ME}).status == 303
    assert browser.post(f"{address}/assign", {"edit": "3", "assignee": ""}).status == 303
    assert tasks.find_task(task.task_id).assignee == ""
    for form in ({"edit": "4", "assignee": "x" * 201}, {"edit": "4", "assignee": "a\nb"}, {"assignee": "a"}):
        assert browser.post(f"{address}/assign", form).status == 400
    assert browser.post("/console/tasks/nothing/assign", {"edit": "1", "assignee": ME}).status == 404


def test_a_task_that_is_done_is_nobodys_to_give(browser, ask_for):
    task = ask_for()
    address = f"/console/tasks/{task.task_id}"
    browser.post(f"{address}/complete", {"edit": "1", "outcome": "no_answer"})
    refused = browser.post(f"{address}/assign", {"edit": "2", "assignee": ME})
    assert refused.status == 409
    assert "only an open one can be given" in refused.text


def test_the_page_of_a_contact_leads_to_its_tasks(browser, ana, ask_for):
    task = ask_for()
    assert f"/console/tasks/{task.task_id.replace('~', '~')}" in browser.get(f"/console/contacts/{ana.contact_id}").text
