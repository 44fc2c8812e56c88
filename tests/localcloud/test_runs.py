"""State machines and the schedules that functions make: all by the product's clock, in order, and across restarts."""

import signal
import time
from datetime import datetime

import pytest

from tests.local_cloud import PATIENCE, SLACK


def seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def now(cloud) -> float:
    return seconds(cloud.call("GET", "/_local/clock").json["now"])


def plan(cloud, name: str, at: float, **more: str) -> float:
    """Plan a run for a whole second; answers which."""
    assert cloud.call("PUT", f"/plans/{name}", {"at": int(at), **more}).status == 201
    return float(int(at))


def steps(cloud, name: str) -> dict[str, list[float]]:
    """When each step of a run was done, by the product's clock."""
    found: dict[str, list[float]] = {}
    for row in cloud.call("GET", "/state").json["heard"]:
        if row["id"].startswith(f"{name} ") and "at" in row:
            found.setdefault(row["id"].split()[1], []).append(float(row["at"]))
    return found


def test_a_planned_run_starts_at_its_time_and_waits_by_the_product_s_clock(cloud):
    at = plan(cloud, "spring-sale", now(cloud) + 3 * 86_400)
    cloud.advance("P2DT23H")
    assert steps(cloud, "spring-sale") == {}
    began = time.monotonic()
    cloud.advance("P1D")
    assert time.monotonic() - began < 60
    done = steps(cloud, "spring-sale")
    # Two shards at once, so the third begins when one of them has paused ten minutes; and so must it, before the hour.
    expected = {"begin-0": at, "begin-1": at, "begin-2": at + 600, "end": at + 600 + 600 + 3_600}
    assert {step: len(times) for step, times in done.items()} == dict.fromkeys(expected, 1)
    for step, due in expected.items():
        assert due <= done[step][0] <= due + SLACK, step


def test_runs_and_schedules_happen_in_order_of_their_times(cloud):
    start = now(cloud)
    order = {"third": start + 3_000, "first": start + 1_000, "second": start + 2_000}
    for name, at in order.items():
        plan(cloud, f"order-{name}", at)
    cloud.start_thing("order-wake", wake_in=1_500)
    cloud.advance("PT2H")
    begun = {name: steps(cloud, f"order-{name}")["begin-0"][0] for name in order}
    assert sorted(begun, key=begun.get) == ["first", "second", "third"]
    assert begun["first"] < float(cloud.thing("order-wake")["woken_at"]) < begun["second"]


def test_a_plan_may_be_put_off_dropped_and_made_again_under_the_same_name(cloud):
    start = now(cloud)
    plan(cloud, "moved", start + 600)
    later = plan(cloud, "moved", start + 7_200)
    plan(cloud, "dropped", start + 600)
    assert cloud.call("DELETE", "/plans/dropped").status == 204
    cloud.advance("PT1H")
    assert steps(cloud, "moved") == steps(cloud, "dropped") == {}
    cloud.advance("PT4H")
    assert [later <= at <= later + SLACK for at in steps(cloud, "moved")["begin-0"]] == [True]
    again = plan(cloud, "moved", now(cloud) + 600)
    cloud.advance("PT4H")
    assert [again <= at <= again + SLACK for at in steps(cloud, "moved")["begin-0"][1:]] == [True]
    assert len(steps(cloud, "moved")["end"]) == 2


def test_the_retry_of_a_step_waits_by_the_product_s_clock_too(cloud):
    at = plan(cloud, "stumbling", now(cloud) + 60, fails="end")
    cloud.advance("PT3H")
    end = at + 600 + 600 + 3_600 + 30
    assert [end <= each <= end + SLACK for each in steps(cloud, "stumbling")["end"]] == [True]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_a_restart_cuts_off_goes_on_where_it_was(own, number):
    own.start()
    at = plan(own, "cut", now(own) + 60)
    own.advance("PT15M")  # all three shards have begun, the last one pauses
    assert len(steps(own, "cut")) == 3
    own.process.send_signal(number)
    own.process.communicate(timeout=PATIENCE)
    own.start()
    own.advance("PT3H")
    done = steps(own, "cut")
    assert len(done["end"]) == 1
    assert done["end"][0] >= at + 600 + 600 + 3_600
    own.advance("P1D")
    assert len(steps(own, "cut")["end"]) == 1


def test_a_reset_ends_runs_that_wait(own):
    own.start()
    plan(own, "forgotten", now(own) + 60)
    own.advance("PT5M")
    assert own.call("POST", "/_local/reset", {}).status == 200
    ran = own.advance("P1D")["ran"]
    assert "Note" not in ran
    assert own.heard("forgotten") == set()
