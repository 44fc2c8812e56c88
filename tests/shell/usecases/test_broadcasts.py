"""Scheduling, cancelling and showing broadcasts."""

import json
from math import ceil
from typing import Any

import pytest

from postroad.errors import DefinitionError
from postroad.instants import format_instant
from postroad_aws import runs, wiring
from postroad_aws.clients import get_client
from postroad_aws.storage import CursorError, NotFoundError, VersionConflictError, broadcasts, definitions
from postroad_aws.usecases.cancel_broadcast import cancel_broadcast
from postroad_aws.usecases.run_broadcast import begin_broadcast
from postroad_aws.usecases.schedule_broadcast import schedule_broadcast
from postroad_aws.usecases.show_broadcasts import (
    find_broadcast,
    find_progress,
    get_broadcast,
    list_broadcasts,
    preview_audience,
)
from tests.account import Account


def save(
    account: Account, broadcast_id: str = "autumn", *, edit: int = 0, at: float | None = None, **parts: Any
) -> None:
    document = {
        "kind": "broadcast",
        "id": broadcast_id,
        "name": f"Letter {broadcast_id}",
        "segment": "customers",
        "template": "second-offer",
        **({"at": format_instant(at)} if at else {}),
        **parts,
    }
    definitions.save_draft("broadcast", broadcast_id, document, edit=edit, now=account.now())


def schedule(broadcast_id: str = "autumn", edit: int = 1) -> Any:
    return schedule_broadcast(wiring.broadcast_ports(), broadcast_id, edit=edit)


def schedules() -> list[dict[str, Any]]:
    client = get_client("scheduler")
    names = [each["Name"] for each in client.list_schedules(GroupName="broadcasts")["Schedules"]]
    return [client.get_schedule(Name=name, GroupName="broadcasts") for name in names]


def started(account: Account) -> list[dict[str, Any]]:
    sfn = get_client("stepfunctions")
    found = sfn.list_executions(stateMachineArn=account.broadcast_machine)["executions"]
    return [json.loads(sfn.describe_execution(executionArn=each["executionArn"])["input"]) for each in found]


# ---------------------------------------------------------------- scheduling


def test_a_broadcast_gets_a_schedule_that_starts_it_once_at_its_time(account):
    tomorrow = ceil(account.now()) + 86_400
    save(account, at=tomorrow)
    run = schedule()
    assert (run.state, run.number, run.at) == ("scheduled", 1, tomorrow)
    assert broadcasts.find_run("autumn") == run
    (found,) = schedules()
    assert found["ScheduleExpression"] == f"at({format_instant(tomorrow)[:19]})"
    assert found["ActionAfterCompletion"] == "DELETE"
    assert found["Target"]["Arn"] == account.broadcast_machine
    assert json.loads(found["Target"]["Input"]) == {"broadcast_id": "autumn", "number": 1}
    assert started(account) == []


def test_without_a_time_it_begins_at_once_and_a_schedule_looks_after_it(account):
    save(account)
    schedule()
    assert started(account) == [{"broadcast_id": "autumn", "number": 1}]
    assert len(schedules()) == 1


def test_what_is_refused_is_refused_with_its_path(account):
    save(account, at=account.now() - 3_600, segment="nobody")
    with pytest.raises(DefinitionError) as error:
        schedule()
    assert error.value.mistakes == (("segment", "there is no published segment called 'nobody'"),)
    save(account, edit=1, at=account.now() - 3_600)
    with pytest.raises(DefinitionError, match="past"):
        schedule(edit=2)
    assert broadcasts.find_run("autumn") is None
    assert schedules() == []


def test_who_has_read_an_older_edit_is_told(account):
    save(account)
    save(account, edit=1, name="Better")
    with pytest.raises(VersionConflictError, match="Somebody else"):
        schedule(edit=1)


def test_what_is_not_there_cannot_be_scheduled(account):
    with pytest.raises(NotFoundError):
        schedule("nothing")


def test_a_broadcast_is_scheduled_once(account):
    save(account, at=account.now() + 3_600)
    schedule()
    with pytest.raises(VersionConflictError, match="scheduled already"):
        schedule()
    assert len(schedules()) == 1


def test_a_crash_before_it_was_saved_leaves_a_draft_that_can_be_scheduled_again(account, monkeypatch):
    save(account, at=account.now() + 3_600)
    with monkeypatch.context() as broken:
        broken.setattr(broadcasts, "save_run", lambda run, before: (_ for _ in ()).throw(ConnectionError()))
        with pytest.raises(ConnectionError):
            schedule()
    assert begin_broadcast(wiring.run_ports(), "autumn", 1).task == "nothing"
    assert schedule().state == "scheduled"
    assert len(schedules()) == 1


def test_names_of_schedules_fit_and_differ(account):
    at = ceil(account.now()) + 600.0
    for broadcast_id in ("x" * 63 + "a", "x" * 63 + "b"):
        runs.schedule_broadcast(broadcast_id, 1, at)
        runs.schedule_broadcast(broadcast_id, 1, at)
        runs.schedule_broadcast(broadcast_id, 2, at)
    names = {each["Name"] for each in schedules()}
    assert len(names) == 4
    assert max(map(len, names)) <= 64


# ---------------------------------------------------------------- cancelling


def test_a_cancelled_broadcast_does_not_begin_and_may_be_scheduled_again(account):
    save(account, at=account.now() + 3_600)
    schedule()
    assert cancel_broadcast(wiring.broadcast_ports(), "autumn").state == "cancelled"
    assert cancel_broadcast(wiring.broadcast_ports(), "autumn").state == "cancelled"
    assert schedules() == []
    account.advance(3_700)
    assert begin_broadcast(wiring.run_ports(), "autumn", 1).task == "nothing"
    save(account, edit=1, at=account.now() + 3_600)
    again = schedule(edit=2)
    assert (again.state, again.number) == ("scheduled", 2)
    account.advance(3_700)
    assert begin_broadcast(wiring.run_ports(), "autumn", 1).task == "nothing"
    assert begin_broadcast(wiring.run_ports(), "autumn", 2).task == "address"


def test_what_has_begun_is_stopped_and_cannot_be_scheduled_again(account):
    save(account)
    schedule()
    assert begin_broadcast(wiring.run_ports(), "autumn", 1).task == "address"
    assert cancel_broadcast(wiring.broadcast_ports(), "autumn").state == "stopped"
    with pytest.raises(VersionConflictError, match="begun already"):
        schedule()
    with pytest.raises(NotFoundError):
        cancel_broadcast(wiring.broadcast_ports(), "nothing")


# ---------------------------------------------------------------- showing


def test_a_broadcast_is_shown_as_a_draft_and_then_as_what_was_scheduled(account):
    ports = wiring.broadcast_ports()
    assert find_broadcast(ports, "autumn") is None
    with pytest.raises(NotFoundError):
        get_broadcast(ports, "autumn")
    save(account)
    draft = get_broadcast(ports, "autumn")
    assert (draft.name, draft.state, draft.edit, draft.run) == ("Letter autumn", "draft", 1, None)
    run = schedule()
    save(account, edit=1, name="Changed afterwards")
    shown = get_broadcast(ports, "autumn")
    assert (shown.name, shown.state, shown.edit, shown.run) == ("Letter autumn", "scheduled", 2, run)
    assert preview_audience(ports, "customers") == 0
    assert find_progress(ports, "autumn").total == 0


def test_the_list_has_drafts_first_and_then_the_latest(account):
    now = account.now()
    for number in range(5):
        save(account, f"past-{number}", at=now + 3_600 * (number + 1))
        schedule(f"past-{number}")
    for number in range(3):
        save(account, f"draft-{number}")
    ports, everything = (
        wiring.broadcast_ports(),
        ["draft-0", "draft-1", "draft-2", *(f"past-{n}" for n in (4, 3, 2, 1, 0))],
    )
    assert [view.broadcast_id for view in list_broadcasts(ports).items] == everything
    for limit in (1, 2, 3, 4, 7):
        found: list[str] = []
        cursor, pages = None, 0
        while pages == 0 or cursor:
            page = list_broadcasts(ports, cursor=cursor, limit=limit)
            assert len(page.items) <= limit
            found += [view.broadcast_id for view in page.items]
            cursor, pages = page.next, pages + 1
            assert pages < 30
        assert found == everything


@pytest.mark.parametrize("cursor", ["nonsense", "WyJ4IiwgbnVsbF0", "W10"])
def test_a_tampered_cursor_is_told(account, cursor):
    with pytest.raises(CursorError):
        list_broadcasts(wiring.broadcast_ports(), cursor=cursor)
