"""What it takes to address a segment: `python -m tests.bench.broadcast [PEOPLE ...]` prints it for each number of
people, and how much more of it a person takes than with the first number.

The real handler of run_broadcast, step by step as its state machine calls it, over the emulator's tables. Sending is
not in it: `workloads` measures that.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from localcloud.costs import RATES
from postroad.contacts.identities import Identity
from postroad.events import Event
from postroad_aws.clients import forget_clients
from tests.bench.cloud import Stack, emulator, memory_of_functions
from tests.bench.meter import Meter
from tests.bench.prices import total

# Asks for one measurement, in a process of its own.
ONE = "--one"
# What a person takes, which must not grow with their number.
FLAT = ("cpu_s_per_1000", "calls_per_person", "write_units_per_person", "read_units_per_person", "usd_per_million")

BROADCAST = {"kind": "broadcast", "id": "bench", "segment": "customers", "template": "second-offer"}


class NoSchedules:
    """The clock of a bench stands still."""

    def schedule_broadcast(self, broadcast_id: str, number: int, at: float) -> None: ...

    def start_broadcast(self, broadcast_id: str, number: int) -> None: ...


def measure(people: int, *, counting: bool, folder: Path) -> Mapping[str, float]:
    """One broadcast to so many people: seconds, processor seconds and dollars per thousand, calls per person."""
    with emulator(folder) as (endpoint, client):
        stack = Stack("broadcast", endpoint, client, folder / "clock")
        stack.clock.write_text("0")
        meter = Meter(memory_of_functions())  # before any client is made, for it hooks into them
        forget_clients()
        stack.enter()
        stack.load(0)
        return _run(stack, meter, people, counting)


def _run(stack: Stack, meter: Meter, people: int, counting: bool) -> Mapping[str, float]:
    from functions.run_broadcast import app
    from postroad_aws import runs, wiring
    from postroad_aws.storage import definitions, stats
    from postroad_aws.usecases.process_events import fold_apart
    from postroad_aws.usecases.schedule_broadcast import BroadcastPorts, schedule_broadcast

    for cached in (wiring.run_ports, wiring.broadcast_ports):
        cached.cache_clear()
    now = stack.now()
    for start in range(0, people, 100):
        fold_apart(wiring.production(), [[_order(number, now)] for number in range(start, min(people, start + 100))])
    usual = wiring.broadcast_ports()
    ports = BroadcastPorts(definitions, usual.broadcasts, usual.books, NoSchedules(), stats, usual.clock)
    definitions.save_draft("broadcast", "bench", BROADCAST, edit=0, now=now)
    schedule_broadcast(ports, "bench", edit=1)
    runs.schedule_broadcast = NoSchedules().schedule_broadcast  # type: ignore[assignment]

    meter.start(counting=counting)
    began = time.perf_counter()
    run = {"broadcast_id": "bench", "number": 1}
    begun = meter.run("run_broadcast", app.handler, {"do": "begin", **run})
    for shard in begun["shards"]:
        cursor: str | None = ""
        while cursor is not None:
            given = {"do": "address", **run, "shard": shard, "cursor": cursor or None}
            cursor = meter.run("run_broadcast", app.handler, given)["cursor"]
    cursor = ""
    while cursor is not None:
        given = {"do": "address_missed", **run, "cursor": cursor or None}
        cursor = meter.run("run_broadcast", app.handler, given)["cursor"]
    seconds = time.perf_counter() - began
    counted = meter.run("run_broadcast", app.handler, {"do": "count", **run, "cursor": None, "tally": None})
    assert counted["tally"]["states"] == {"queued": people}, counted["tally"]
    usage = meter.usage("run_broadcast")
    transitions = 64 * 3 + 13
    lines = {**total(meter.usages), "transitions": transitions * RATES["states"]["standard_transition"]}
    return {
        "people": people,
        "seconds_one_worker": seconds,
        "cpu_s_per_1000": usage.cpu_ms / people,
        "calls_per_person": sum(usage.calls.values()) / people,
        "write_units_per_person": usage.write_units / people,
        "read_units_per_person": usage.read_units / people,
        **({"usd_per_million": sum(lines.values()) / people * 1e6} if counting else {}),
    }


def _order(number: int, now: float) -> Event:
    email = f"person{number}@example.com"
    return Event(
        f"order-{number}", "Order Completed", now, now,
        identities=(Identity("user", f"person{number}"), Identity("email", email)),
        trusted=True, source="bench", attributes={"email": email, "first_name": "Ana"}, properties={"total": 20},
    )  # fmt: skip


def main() -> int:
    if sys.argv[1:2] == [ONE]:
        people, counting, folder = int(sys.argv[2]), sys.argv[3] == "counting", Path(sys.argv[4])
        print(json.dumps(measure(people, counting=counting, folder=folder)))
        return 0
    first: dict[tuple[str, str], float] = {}
    for people in map(int, sys.argv[1:] or ("1000", "10000")):
        for mode in ("timing", "counting"):
            for name, value in _measure_apart(people, mode).items():
                known = first.setdefault((mode, name), value)
                growth = f"{value / known:6.2f}" if known and name in FLAT else ""
                if value or name in FLAT:
                    print(f"{people:7,} {mode:9} {name:24} {value:14,.3f} {growth}", flush=True)
    return 0


def _measure_apart(people: int, mode: str) -> Mapping[str, float]:
    """In a process of its own: clients and what is kept of an emulator are another's."""
    folder = f".postroad/bench-broadcast-{people}-{mode}"
    command = [sys.executable, "-m", "tests.bench.broadcast", ONE, str(people), mode, folder]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: Mapping[str, float] = json.loads(answer.splitlines()[-1])
    return found


if __name__ == "__main__":
    sys.exit(main())
