"""The time machine: all that is due happens, in order, before it answers."""

import itertools
import time
from datetime import datetime
from types import SimpleNamespace

import pytest

from localcloud import timemachine
from localcloud.timemachine import Clock, NotQuietError, TimeMachine
from tests.local_cloud import SLACK


def seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


def test_after_advance_everything_that_was_caused_is_done_fifty_times(cloud):
    """HTTP, function, FIFO queue, function, stream, function, queue, function, mailbox, event, function."""
    for number in range(50):
        name = f"chain-{number}"
        cloud.start_thing(name, mail_to=f"{name}@example.com")
        cloud.advance("PT0S")
        assert [mail["to"] for mail in cloud.mails(name)] == [f"{name}@example.com"]
        assert cloud.heard(f"{name} ") == {f"{name} Email Sent", f"{name} Email Delivered"}


def test_many_at_once_are_all_done_too(cloud):
    for number in range(60):
        cloud.start_thing(f"many-{number}", mail_to=f"many-{number}@example.com")
    cloud.advance("PT0S")
    items = cloud.call("GET", "/_local/inbox").json["items"]
    assert {f"many-{number}" for number in range(60)} <= {item["headers"].get("X-Thing") for item in items}
    assert len(cloud.heard("many-")) == 120


def test_the_clock_moves_by_what_was_asked_and_the_functions_see_it(cloud):
    before = seconds(cloud.call("GET", "/_local/clock").json["now"])
    told = cloud.advance("P2DT3H")
    after = seconds(cloud.call("GET", "/_local/clock").json["now"])
    assert told["advanced"] == "P2DT3H"
    assert after - before == pytest.approx(2 * 86_400 + 3 * 3_600, abs=SLACK)
    assert cloud.call("GET", "/state").json["now"] == pytest.approx(after, abs=SLACK)


def test_things_wake_in_order_each_at_its_own_time(cloud):
    waits = {"later": 5 * 86_400, "soon": 3_600, "between": 86_400, "much-later": 30 * 86_400}
    for name, wait in waits.items():
        cloud.start_thing(f"wake-{name}", wake_in=wait)
    cloud.advance("PT0S")
    cloud.advance("P10D")
    woken = {name: cloud.thing(f"wake-{name}") for name in waits}
    assert "woken_at" not in woken["much-later"]
    for name in ("soon", "between", "later"):
        assert float(woken[name]["woken_at"]) == pytest.approx(float(woken[name]["wanted_at"]), abs=SLACK)
    times = [cloud.mails(f"wake-{name}")[0]["time"] for name in ("soon", "between", "later")]
    assert times == sorted(times)
    cloud.advance("P30D")
    assert len(cloud.mails("wake-much-later")) == 1


def test_three_weeks_pass_in_a_few_seconds(cloud):
    for number in range(20):
        cloud.start_thing(f"weeks-{number}", wake_in=(number + 1) * 86_400)
    cloud.advance("PT0S")
    began = time.monotonic()
    ran = cloud.advance("P21D")["ran"]
    took = time.monotonic() - began
    assert ran["Wake"] >= 20
    assert ran["DailyMorning"] == 21
    assert took < 60, f"{took:.1f} s"


def test_a_schedule_runs_once_for_each_occurrence_at_its_local_time(cloud):
    first = cloud.call("GET", "/_local/clock").json["now"]
    ran = cloud.advance("P7D")["ran"]
    last = cloud.call("GET", "/_local/clock").json["now"]
    days = sorted(each.removeprefix("daily ") for each in cloud.heard("daily "))
    within = [day for day in days if first <= day <= last]
    assert len(within) == ran["DailyMorning"] == 7
    assert all(day[11:16] in ("08:30", "07:30") for day in within)  # 09:30 in Paris


def test_a_schedule_that_looks_at_a_table_keeps_its_pace_and_runs_only_when_there_is_something_new(cloud):
    cloud.advance("P2D")  # so that it has looked once
    assert "LookDaily" not in cloud.advance("P10DT7H")["ran"]
    before = seconds(cloud.call("GET", "/_local/clock").json["now"])
    assert cloud.call("PUT", "/notes/new").status == 202
    assert cloud.advance("P5D")["ran"]["LookDaily"] == 1
    first, *_, latest = sorted(float(each.removeprefix("look ")) for each in cloud.heard("look "))
    assert before < latest < before + 86_400
    days = (latest - first) / 86_400
    assert days == pytest.approx(round(days), abs=SLACK / 86_400)


def test_a_delayed_message_waits_by_the_products_clock(cloud):
    cloud.start_thing("delayed", mail_to="delayed@example.com", delay=600)
    cloud.advance("PT5M")
    assert cloud.mails("delayed") == []
    cloud.advance("PT6M")
    assert len(cloud.mails("delayed")) == 1


def test_what_failed_is_delivered_again_when_its_visibility_ends(cloud):
    cloud.start_thing("failing", fails=2)
    cloud.advance("PT30S")
    assert cloud.thing("failing") is None
    cloud.advance("PT3M")
    assert cloud.thing("failing") is not None


def test_what_a_stream_s_or_a_rule_s_function_failed_at_is_tried_again(cloud):
    cloud.start_thing("stumble", mail_to="stumble@example.com")
    cloud.advance("PT0S")
    assert {"stumble relayed", "stumble Email Sent", "stumble Email Delivered"} < cloud.heard("stumble ")
    assert len(cloud.mails("stumble")) == 1


def test_a_record_that_cannot_be_relayed_stops_no_other(cloud):
    for name in ("before", "poison-record", "behind"):
        cloud.start_thing(name, mail_to=f"{name}@example.com")
    cloud.advance("PT0S")
    assert [len(cloud.mails(name)) for name in ("before", "poison-record", "behind")] == [1, 0, 1]


def test_what_fails_for_good_ends_in_the_dead_letters_and_stops_nothing(cloud):
    cloud.start_thing("poison", fails=99)
    cloud.advance("PT10M")
    cloud.start_thing("healthy")
    cloud.advance("PT0S")
    assert cloud.thing("poison") is None
    assert cloud.thing("healthy") is not None


@pytest.mark.parametrize(
    "asked", [{}, [], None, {"advance": "soon"}, {"advance": 5}, {"advance": "P1Y"}, {"advance": "-P1D"}]
)
def test_what_is_no_duration_is_refused_with_a_sentence(cloud, asked):
    answer = cloud.call("POST", "/_local/clock", asked)
    assert answer.status == 400
    assert "P3D" in answer.json["message"]


@pytest.mark.parametrize(("stuck_after", "endless_after"), [(0.05, 60), (60, 0.05)])
def test_work_that_is_stuck_or_never_ends_is_told(tmp_path, monkeypatch, stuck_after, endless_after):
    monkeypatch.setattr(timemachine, "STUCK_AFTER", stuck_after)
    monkeypatch.setattr(timemachine, "ENDLESS_AFTER", endless_after)
    begun = itertools.count() if stuck_after > endless_after else itertools.repeat(1)
    engine = SimpleNamespace(ask=lambda *_: {"busy": ["a batch"], "visible_at": None, "started": next(begun)})
    machine = TimeMachine(Clock(tmp_path / "clock"), engine, None, tmp_path / "fired", lambda: 0, None)
    with pytest.raises(NotQuietError, match="a batch"):
        machine.drain()
