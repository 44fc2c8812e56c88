"""The product's clock, and what makes time pass: nothing that is due is ever jumped over, and all happens in order.

Now = the real clock + an offset, kept in one file that functions read. Advancing: wait for quiet, set the clock to
the next instant at which something is due, make it happen, and again, until the target. Due are: schedules (as the
Scheduler API lists them), and messages in queues that become visible (a delay, a retry). A schedule that mostly finds
nothing to do may say in the template where the next thing to do is found, or what it looks at (see README.md, NextDue
and Reads); it then does not run in between.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from localcloud.costs import Meter
from localcloud.deploy import Stack
from localcloud.engine import Engine
from localcloud.schedules import next_due, parse_duration

# Real seconds: how long nothing may begin while something goes on, and how long it may go on.
STUCK_AFTER, ENDLESS_AFTER = 60.0, 300.0


def iso(at: float) -> str:
    return datetime.fromtimestamp(round(at, 3), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# Beyond this, clocks and calendars give up one by one.
LATEST = 4_102_444_800.0  # 2100-01-01


class NotQuietError(RuntimeError):
    """Work did not come to an end; the message says what is still going on."""


class _Found(NamedTuple):
    """What is in the tables, by the name of the schedule that asks."""

    smallest: dict[str, float | None]  # when there is something to do
    written: dict[str, list[int]]  # how often each of its tables was written to


class Clock:
    """Now, as the product sees it. The offset never shrinks except by a reset."""

    def __init__(self, path: Path):
        self.path = path
        self.offset = float(path.read_text() or 0) if path.exists() else 0.0

    def now(self) -> float:
        return time.time() + self.offset

    def set_offset(self, seconds: float) -> None:
        self.offset = seconds
        part = self.path.with_suffix(".part")
        part.write_text(f"{seconds:.3f}")
        part.replace(self.path)


class TimeMachine:
    def __init__(
        self,
        clock: Clock,
        engine: Engine,
        clients: Callable[[str], Any],
        fired: Path,
        pending: Callable[[], int],
        meter: Meter,
    ):
        """`fired` keeps when each schedule ran last; `pending` counts what the local cloud itself has still to do."""
        self.clock, self.engine, self.clients, self.pending, self.meter = clock, engine, clients, pending, meter
        self.fired_path = fired
        self.fired: dict[str, float] = json.loads(fired.read_text()) if fired.exists() else {}
        self.lock = threading.RLock()
        self.indexes: dict[str, tuple[str, str]] = {}
        self.reads: dict[str, list[str]] = {}
        self.seen: dict[str, list[int]] = {}
        self.logical: dict[str, str] = {}
        self.schedules: dict[str, dict[str, Any]] = {}
        self.skipped_to = 0.0  # up to here schedules with an index have nothing to catch up with
        self.stopped = threading.Event()

    # ------------------------------------------------------------ the stack

    def adopt(self, stack: Stack) -> None:
        """Learn the hints of a newly deployed stack: SAM names a schedule by its owner's logical id and the event's."""
        with self.lock:
            self.logical = {
                stack.names[key].rsplit("/", 1)[-1]: key for key in stack.of_type("AWS::Scheduler::Schedule")
            }
            self.indexes, self.reads, self.seen = {}, {}, {}
            for owner, resource in stack.source["Resources"].items():
                hint = resource.get("Metadata", {}).get("LocalCloud", {})
                for name in (name for name, logical in self.logical.items() if logical.startswith(owner)):
                    if found := hint.get("NextDue"):
                        self.indexes[name] = stack.names[found["Table"]], found["Index"]
                    if tables := hint.get("Reads"):
                        self.reads[name] = [stack.names[table] for table in tables]

    def stop(self) -> None:
        """Fire nothing more; returns when what is being fired is. An advance that is under way ends early."""
        self.stopped.set()
        with self.lock:
            pass

    def forget(self) -> None:
        """Back to real time, nothing ever run."""
        with self.lock:
            self.fired.clear()
            self.schedules.clear()
            self.seen.clear()
            self.skipped_to = 0.0
            self._keep()
            self._set_offset(0.0)

    # ------------------------------------------------------------ quiet

    def drain(self) -> float | None:
        """Wait until nothing is going on. The instant at which a waiting message becomes visible, if there is one.

        Raises NotQuietError when nothing begins for a minute, or it goes on for five.
        """
        began = changed = time.monotonic()
        started = None
        while True:
            if self.stopped.is_set():
                raise NotQuietError("the local cloud is stopping")
            # Not longer than a second at once: a stop may come meanwhile.
            looked = self.engine.ask("/_localcloud/drain", {"timeout": 1.0})
            # The mailbox's own work is done by PutEvents, so it is quiet only when both were, one after the other.
            if not looked["busy"] and not self.pending():
                again = self.engine.ask("/_localcloud/drain", {"timeout": 0})
                if not again["busy"] and again["started"] == looked["started"]:
                    at: float | None = again["visible_at"]
                    return at
            now = time.monotonic()
            if looked["started"] != started:
                started, changed = looked["started"], now
            if now > min(changed + STUCK_AFTER, began + ENDLESS_AFTER):
                going_on = ", ".join(looked["busy"]) or "the mailbox"
                raise NotQuietError(f"still going on after {now - began:.0f} s: {going_on}")
            time.sleep(0.001)

    # ------------------------------------------------------------ schedules

    def _list(self) -> None:
        """Read anew what the Scheduler API lists; details only of what changed."""
        client, known = self.clients("scheduler"), self.schedules
        listed = [each for page in client.get_paginator("list_schedules").paginate() for each in page["Schedules"]]
        self.schedules = {}
        for each in listed:
            stamp = str(each.get("LastModificationDate"))
            old = known.get(each["Arn"])
            if not old or old["stamp"] != stamp:
                old = {**client.get_schedule(Name=each["Name"], GroupName=each["GroupName"]), "stamp": stamp}
                try:
                    next_due(old["ScheduleExpression"], old.get("ScheduleExpressionTimezone", "UTC"), 0.0, None)
                except ValueError as problem:  # AWS would not have taken it
                    print(f"{each['Name']} will not run: {problem}", flush=True)
                    old["State"] = "DISABLED"
            self.schedules[each["Arn"]] = old

    def _due(self, schedule: dict[str, Any], found: _Found | None) -> float | None:
        """When a schedule runs next; with what was found in the tables, only when it has something to do."""
        if schedule["State"] != "ENABLED":
            return None
        name, last = schedule["Name"], self._last(schedule)
        if name in self.indexes and not found:
            last = max(last or 0.0, self.skipped_to) or None
        at = self._occurrence(schedule, last)
        if at is None or not found or (name not in self.indexes and name not in self.reads):
            return at
        if name in self.reads:
            return at if self._has_news(name, found) else None
        earliest = found.smallest[name]
        if earliest is None:
            return None
        # What a run left behind waits for the schedule's own pace, so that one that cannot be done stops nothing.
        return self._within(schedule, earliest if last is None or earliest > last else max(earliest, at))

    def _last(self, schedule: dict[str, Any]) -> float | None:
        last = self.fired.get(schedule["Arn"])
        if last is not None and last < schedule["CreationDate"].timestamp():
            return None  # that was another schedule of the same name
        return last

    def _occurrence(self, schedule: dict[str, Any], last: float | None) -> float | None:
        """The first after `last` that the schedule's own expression says."""
        zone, created = schedule.get("ScheduleExpressionTimezone", "UTC"), schedule["CreationDate"].timestamp()
        at = next_due(schedule["ScheduleExpression"], zone, created, last)
        return at if at is None else self._within(schedule, at)

    def _within(self, schedule: dict[str, Any], at: float) -> float | None:
        start, end = schedule.get("StartDate"), schedule.get("EndDate")
        if end and at > end.timestamp():
            return None
        return max(at, start.timestamp()) if start else at

    def _look(self) -> _Found:
        """What the tables say to those schedules that ask them."""
        if not self.indexes and not self.reads:
            return _Found({}, {})
        said = self.engine.ask("/_localcloud/tables", {"indexes": list(self.indexes.values())})
        return _Found(
            dict(zip(self.indexes, said["smallest"], strict=True)),
            {name: [said["written"].get(table, 0) for table in tables] for name, tables in self.reads.items()},
        )

    def _has_news(self, name: str, found: _Found) -> bool:
        return self.seen.get(name) != found.written[name]

    def _pass_over(self, until: float, found: _Found) -> None:
        """What comes due up to here and would look at what it has seen has, as it were, run."""
        for schedule in self.schedules.values():
            if schedule["Name"] in self.reads and not self._has_news(schedule["Name"], found):
                while (at := self._occurrence(schedule, self._last(schedule))) is not None and at <= until:
                    self.fired[schedule["Arn"]] = at

    def _next(self, found: _Found | None) -> tuple[float, dict[str, Any]] | None:
        self._list()
        due = [(at, each) for each in self.schedules.values() if (at := self._due(each, found)) is not None]
        return min(due, key=lambda pair: (pair[0], pair[1]["Name"]), default=None)

    def _fire(self, schedule: dict[str, Any], due: float) -> None:
        """Do what Scheduler does at the due time: call the target through AWS's API."""
        target = schedule["Target"]
        text = target.get("Input", "{}")
        for name, value in (
            ("scheduled-time", iso(due)),
            ("schedule-arn", schedule["Arn"]),
            ("attempt-number", "1"),
            ("execution-id", f"{schedule['Name']}-{due:.0f}"),
        ):
            text = text.replace(f"<aws.scheduler.{name}>", value)
        self.meter.count("schedules")
        service, arn = target["Arn"].split(":")[2], target["Arn"]
        late = self.clock.now() - due > 60  # the local cloud was not running: once is enough for all that was missed
        self.fired[schedule["Arn"]] = self.clock.now() if late else due
        try:
            self._call(service, arn, text, target)
        except ClientError as problem:  # it goes on with the next occurrence
            print(f"The schedule {schedule['Name']} could not call its target: {problem}", flush=True)
        if schedule["ScheduleExpression"].startswith("at") and schedule.get("ActionAfterCompletion") == "DELETE":
            with suppress(ClientError):  # whom it called may have deleted it
                self.clients("scheduler").delete_schedule(Name=schedule["Name"], GroupName=schedule["GroupName"])
            del self.fired[schedule["Arn"]]
        self._keep()

    def _call(self, service: str, arn: str, text: str, target: dict[str, Any]) -> None:
        if service == "lambda":
            self.clients("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=text.encode())
        elif service == "states":
            self.clients("stepfunctions").start_execution(stateMachineArn=arn, input=text)
        elif service == "sqs":
            queue = self.clients("sqs").get_queue_url(QueueName=arn.rsplit(":", 1)[-1])["QueueUrl"]
            self.clients("sqs").send_message(QueueUrl=queue, MessageBody=text, **target.get("SqsParameters", {}))
        elif service == "sns":
            self.clients("sns").publish(TopicArn=arn, Message=text)
        else:
            print(f"A schedule has a target that the local cloud cannot call: {arn}", flush=True)

    def _keep(self) -> None:
        self.fired_path.write_text(json.dumps(self.fired))

    # ------------------------------------------------------------ time passes

    def _set_offset(self, offset: float) -> None:
        self.clock.set_offset(offset)
        self.engine.ask("/_localcloud/clock", {"offset": offset})

    def _go_to(self, at: float) -> None:
        ahead = at - self.clock.now()
        if ahead > 0:
            self._set_offset(self.clock.offset + ahead + 0.001)  # functions must see `at` as reached

    def advance(self, duration: str) -> dict[str, Any]:
        """Let time pass; returns when all that is due up to then has happened. Raises ValueError, NotQuietError."""
        seconds = parse_duration(duration)
        ran: Counter[str] = Counter()
        with self.lock:
            invoked = self.meter.invocations()
            target = self.clock.now() + seconds
            if target > LATEST:
                raise ValueError("that is later than the year 2100; nothing was moved")
            while True:
                visible = self.drain()
                found = self._look()
                scheduled = self._next(found)
                moments = [at for at in (visible, scheduled and scheduled[0]) if at is not None]
                at = min(moments, default=target)
                self._pass_over(min(at, target), found)
                if at > target or not moments:
                    break
                self._go_to(at)
                if scheduled and scheduled[0] == at:
                    if scheduled[1]["Name"] in self.reads:
                        self.seen[scheduled[1]["Name"]] = found.written[scheduled[1]["Name"]]
                    self._fire(scheduled[1], at)
                    ran[self.logical.get(scheduled[1]["Name"], scheduled[1]["Name"])] += 1
                else:
                    ran["messages made visible"] += 1
            self._go_to(target)
            self.skipped_to = target
            ran += self.meter.invocations() - invoked
            return {"now": iso(self.clock.now()), "advanced": duration, "ran": dict(ran)}

    def run(self) -> None:
        """Fire what comes due while real time passes. Ends with `stopped`."""
        while not self.stopped.wait(1):
            with self.lock:
                try:
                    while (scheduled := self._next(None)) and scheduled[0] <= self.clock.now():
                        self._fire(scheduled[1], scheduled[0])
                except Exception as problem:  # the next second tries again
                    if not self.stopped.is_set():
                        print(f"A schedule could not run: {problem}", flush=True)
