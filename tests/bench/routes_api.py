"""The server time of every route of the JSON API, on the demo brand and on 20,000 contacts.

`python -m tests.bench.routes_api` prints it; `measure` gives it to whoever has an emulator. Times are those of the real
handler in this process: all of it (`wall_ms`, with the emulator's part), and its own processor time (`cpu_ms`). What a
route asks of AWS is counted: it must not grow with the number of contacts.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import urlencode

from functions.api.routes import TABLE
from functions.api.routing import Route
from tests.bench.cloud import ROOT, Stack, emulator, memory_of_functions
from tests.bench.crowd import API_KEY, load_demo, multiply
from tests.bench.meter import Context, Meter

CONTACTS = 20_000
ROUNDS = 5
GROWTH_LIMIT = 1.10
SEGMENT = {"name": "Bench", "if": {"attribute": "country", "is": "PT"}}
LETTER = {"name": "Bench", "segment": "customers", "template": "second-offer", "at": "2999-01-01T09:00:00Z"}
STATE_MACHINE = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}


class Sent(NamedTuple):
    """What is sent to a route beside the names in its path."""

    query: Mapping[str, str] = {}
    body: Any = None
    headers: Mapping[str, str] = {}


class Figures(NamedTuple):
    """Of one route: medians of times in milliseconds, calls to AWS, and units read and written."""

    wall_ms: float
    cpu_ms: float
    calls: int
    units: float


def requests_of(contact_id: str) -> dict[str, Sent]:
    """What each route is asked, by the name of its function; a route that is not here is asked for nothing more."""
    eve = "email:eve@example.com"
    return {
        "list_messages": Sent({"origin": "journey/welcome@1"}),
        "list_journey_contacts": Sent({"step": "first-purchase"}),
        "list_definitions": Sent({"kind": "template"}),
        "save_draft": Sent({}, SEGMENT, {"if-match": "*"}),
        "publish_together": Sent({}, {"definitions": ["segment/bench"]}),
        "list_consents": Sent({"address": eve}),
        "suppress": Sent({}, {"address": eve, "reason": "asked us"}),
        "lift": Sent({}, {"address": eve, "because": "asked us"}),
        "record_answer": Sent({}, {"address": eve, "topic": "offers", "granted": True, "because": "asked us"}),
        "make_key": Sent({}, {"kind": "write", "name": "bench"}),
    }


class Caller:
    """Calls the API on one stack."""

    def __init__(self, stack: Stack, meter: Meter) -> None:
        from functions.api.app import handler

        self.stack, self.meter, self.handler = stack, meter, handler
        stack.environment.update(_make_runs(stack))
        stack.enter()
        (contact,) = self.ask("GET", "/contacts", {"limit": "1"})["items"]
        found = self.ask("GET", "/messages", {"origin": "journey/welcome@1", "limit": "1"})
        self.ask("PUT", "/definitions/segment/bench", body=SEGMENT)
        self.ask("POST", "/definitions/segment/bench/publish")
        self.ask("PUT", "/definitions/broadcast/bench", body=LETTER)
        self.names = {
            "contact_id": contact["contact_id"],
            "message_id": found["items"][0]["message_id"],
            "segment_id": "customers",
            "journey_id": "welcome",
            "broadcast_id": "bench",
            "kind": "segment",
            "definition_id": "bench",
            "version": "1",
            "key_id": self.ask("POST", "/keys", body={"kind": "write", "name": "bench"})["key_id"],
        }
        self.sent = requests_of(contact["contact_id"])

    def ask(self, method: str, path: str, query: Mapping[str, str] = {}, **more: Any) -> Any:
        answer = self.handler(http_event(method, path, Sent(query, **more)), Context())
        if answer["statusCode"] >= 300:
            raise RuntimeError(f"{method} {path}: {answer['statusCode']} {answer['body']}"[:1000])
        return json.loads(answer["body"])

    def run(self, route: Route) -> tuple[float, float]:
        """One request; its wall and processor time in milliseconds."""
        sent = self.sent.get(route.function.__name__, Sent())
        event = http_event(route.method, route.path.format(**self.names), sent)

        def handle(event: Any, context: Any) -> Any:
            answer = self.handler(event, context)
            return {**answer, "statusCode": 200} if answer["statusCode"] < 300 else answer

        usage = self.meter.usage("api")
        before, began = usage.cpu_ms, time.perf_counter()
        self.meter.run("api", handle, event)
        return (time.perf_counter() - began) * 1e3, usage.cpu_ms - before


def http_event(method: str, path: str, sent: Sent) -> dict[str, Any]:
    """An HTTP API's event, payload version 2.0."""
    return {
        "version": "2.0",
        "rawPath": f"/api/v1{path}",
        "rawQueryString": urlencode(sent.query),
        "headers": {"authorization": f"Bearer {API_KEY}", **sent.headers},
        "requestContext": {"http": {"method": method, "path": f"/api/v1{path}"}, "stage": "$default"},
        "body": None if sent.body is None else json.dumps(sent.body),
        "isBase64Encoded": False,
    }


def measure(stacks: Mapping[str, Stack], meter: Meter) -> dict[str, dict[str, Figures]]:
    """Figures by stack and route, "GET /contacts". The stacks are asked in turn, so that what disturbs falls on all."""
    callers = {name: Caller(stack, meter) for name, stack in stacks.items()}
    times: dict[str, dict[str, list[tuple[float, float]]]] = {name: {} for name in stacks}
    figures: dict[str, dict[str, Figures]] = {name: {} for name in stacks}
    for number in range(ROUNDS + 1):
        for name, caller in callers.items():
            caller.stack.enter()
            for route in _in_order():
                key = f"{route.method} {route.path}"
                meter.start(counting=number == 0)
                taken = caller.run(route)
                if number == 0:  # also warms up
                    usage = meter.usages["api"]
                    figures[name][key] = Figures(0, 0, sum(usage.calls.values()), usage.read_units + usage.write_units)
                else:
                    times[name].setdefault(key, []).append(taken)
    for name, by_route in times.items():
        for key, runs in by_route.items():
            wall, cpu = (median(each) for each in zip(*runs, strict=True))
            figures[name][key] = figures[name][key]._replace(wall_ms=wall, cpu_ms=cpu)
    return figures


def _in_order() -> list[Route]:
    """As the table has them, but for what undoes another: that comes later, so that a round ends as it began."""
    last = ("cancel", "withdraw", "lift")
    return sorted(TABLE, key=lambda route: route.function.__name__ in last)


def _make_runs(stack: Stack) -> dict[str, str]:
    """State machines that end at once, and a group of schedules: publishing and scheduling start them."""
    machines = stack.client("stepfunctions")
    made: dict[str, str] = {}
    for variable in ("REBUILD_STATE_MACHINE_ARN", "BROADCAST_STATE_MACHINE_ARN"):
        answer = machines.create_state_machine(
            name=f"{stack.name}-{variable[:9].lower()}",
            definition=json.dumps(STATE_MACHINE),
            roleArn="arn:aws:iam::000000000000:role/bench",
        )
        made[variable] = answer["stateMachineArn"]
    stack.client("scheduler").create_schedule_group(Name=f"{stack.name}-broadcasts")
    return {
        **made,
        "BROADCAST_SCHEDULES": f"{stack.name}-broadcasts",
        "BROADCAST_SCHEDULE_ROLE_ARN": "arn:aws:iam::000000000000:role/bench",
        "DEAD_LETTERS_ARN": "arn:aws:sqs:us-east-1:000000000000:dead",
    }


def show(figures: Mapping[str, Mapping[str, Figures]]) -> tuple[str, list[str]]:
    """The table as text, and the routes that ask AWS for more when there are more contacts."""
    base, grown = figures["demo"], figures["grown"]
    heads = ("wall ms", "grown", "cpu ms", "grown", "calls", "grown", "units", "grown")
    lines = [" " * 52 + "".join(head.rjust(9) for head in heads)]
    growing = []
    for key, found in base.items():
        more = grown[key]
        lines.append(
            f"{key:52}{found.wall_ms:9.1f}{more.wall_ms:9.1f}{found.cpu_ms:9.1f}{more.cpu_ms:9.1f}"
            f"{found.calls:9}{more.calls:9}{found.units:9.1f}{more.units:9.1f}"
        )
        if more.calls > found.calls * GROWTH_LIMIT or more.units > found.units * GROWTH_LIMIT + 1:
            growing.append(key)
    return "\n".join(lines), growing


def make_stacks(endpoint: str, client: Callable[[str], Any], folder: Any) -> dict[str, Stack]:
    """The demo brand with its history, and the same with 20,000 contacts."""
    stacks = {}
    for name in ("demo", "grown"):
        clock = folder / f"{name}.clock"
        clock.write_text("0.0")
        stacks[name] = Stack(name, endpoint, client, clock)
        load_demo(stacks[name])
    multiply(stacks["grown"], CONTACTS)
    return stacks


def main() -> int:
    folder = ROOT / ".postroad/bench/routes"
    meter = Meter(memory_of_functions())  # its hooks are for clients that are made later
    with emulator(folder) as (endpoint, client):
        stacks = make_stacks(endpoint, client, folder)
        for name, stack in stacks.items():
            print(f"{name}: {stack.count_contacts():,} rows of contacts", flush=True)
        text, growing = show(measure(stacks, meter))
    print(text)
    for key in growing:
        print(f"✗ {key} grows with the number of contacts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
