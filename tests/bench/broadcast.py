"""What it costs to address the people of a broadcast: `python -m tests.bench.broadcast [PEOPLE ...]` prints it for each
number of people. What a message then costs is measured by `workloads`.

The real handler of run_broadcast, step by step as its state machine calls it, over the emulator's tables, each number
of people on a stack of its own. The table of goals counts three numbers of people: the first two say what a run takes
and what each person takes, and so foretell the third. What a hundred thousand cost is foretold in the same way.
"""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from localcloud.costs import RATES
from postroad.contacts.identities import Identity
from postroad.events import Event
from tests.bench.cloud import ROOT, Stack, emulator, memory_of_functions
from tests.bench.meter import Meter
from tests.bench.prices import MILLION, Usage, total
from tests.bench.report import Measured

COUNTED = (1_000, 2_000, 4_000)
STATED = {"1k": 1_000, "10k": 10_000, "100k": 100_000}
# How far the third number of people may be from what the first two foretell.
TRUSTED = 0.01
BROADCAST = {"kind": "broadcast", "id": "bench", "segment": "customers", "template": "second-offer"}
RUN = {"broadcast_id": "bench", "number": 1}
# When the messages are counted: when all are addressed, when they have arrived, and a day later.
LOOKS = (0.0, 600.0, 86_400.0)
# Steps of the state machine before and between its loops, and in each turn of one; a shard also ends with one.
STEPS_OF_A_LOOK, STEPS_OF_A_TURN, STEPS_OF_A_SHARD = 6, 2, 1


class NoSchedules:
    """The clock of a bench stands still."""

    def schedule_broadcast(self, broadcast_id: str, number: int, at: float) -> None: ...

    def start_broadcast(self, broadcast_id: str, number: int) -> None: ...


class Bill(NamedTuple):
    """Dollars for so many people."""

    people: int
    usd: float


class Cost(NamedTuple):
    """What addressing so many people took: steps of the state machine, seconds of one worker, and what it asked for."""

    people: int
    steps: int
    seconds: float
    usage: Usage

    @property
    def bill(self) -> Bill:
        lines = total({"run_broadcast": self.usage})
        return Bill(self.people, sum(lines.values()) + self.steps * RATES["states"]["standard_transition"])


class Line(NamedTuple):
    """Dollars by the number of people: of a run, and of each person."""

    run: float
    person: float

    @classmethod
    def through(cls, few: Bill, many: Bill) -> "Line":
        person = (many.usd - few.usd) / (many.people - few.people)
        return cls(few.usd - person * few.people, person)

    def at(self, people: int) -> float:
        return self.run + self.person * people


class Broadcast:
    """One broadcast to so many people, on a stack of its own."""

    def __init__(self, people: int, endpoint: str, client: Callable[[str], Any], meter: Meter, folder: Path) -> None:
        self.people, self.meter = people, meter
        clock = folder / f"broadcast-{people}.clock"
        clock.write_text("0.0")
        self.stack = Stack(f"broadcast-{people}", endpoint, client, clock)
        self.steps = 0
        self.states: Mapping[str, int] = {}  # of its messages, as they were counted last

    def load(self) -> None:
        """Everybody has ordered something, and so is a customer; the broadcast is scheduled."""
        from postroad_aws import runs, wiring
        from postroad_aws.storage import definitions, stats
        from postroad_aws.usecases.process_events import fold_apart
        from postroad_aws.usecases.schedule_broadcast import BroadcastPorts, schedule_broadcast

        for cached in (wiring.run_ports, wiring.broadcast_ports):
            cached.cache_clear()
        self.stack.enter()
        self.stack.load(unrelated=0)
        now = self.stack.now()
        for start in range(0, self.people, 100):
            numbers = range(start, min(self.people, start + 100))
            assert not fold_apart(wiring.production(), [[_order(number, now)] for number in numbers])
        usual = wiring.broadcast_ports()
        ports = BroadcastPorts(definitions, usual.broadcasts, usual.books, NoSchedules(), stats, usual.clock)
        definitions.save_draft("broadcast", "bench", BROADCAST, edit=0, now=now)
        schedule_broadcast(ports, "bench", edit=1)
        runs.schedule_broadcast = NoSchedules().schedule_broadcast  # type: ignore[assignment]

    def run(self, counting: bool, deliver: Callable[[], None] = lambda: None) -> Cost:
        """From its beginning to its last look; after each shard comes what delivers its messages."""
        self.meter.start(counting=counting)
        seconds = 0.0
        for look in LOOKS:
            self.stack.move_clock(look)
            began = time.perf_counter()
            begun = self.call({"do": "begin"})
            self.steps += STEPS_OF_A_LOOK
            for shard in begun["shards"]:
                self.repeat({"do": "address", "shard": shard})
                self.steps += STEPS_OF_A_SHARD
                seconds += time.perf_counter() - began
                deliver()
                began = time.perf_counter()
            self.repeat({"do": "address_missed"})
            seconds += time.perf_counter() - began
            deliver()
            counted = self.repeat({"do": "count", "tally": None})
            self.states = counted["tally"]["states"]
            assert sum(self.states.values()) == self.people, self.states
        return Cost(self.people, self.steps, seconds, self.meter.usage("run_broadcast"))

    def repeat(self, step: Mapping[str, Any]) -> dict[str, Any]:
        """Until its cursor says that this was all."""
        answer = self.call({**step, "cursor": None})
        self.steps += STEPS_OF_A_TURN
        while answer["cursor"] is not None:
            answer = self.call(answer)
            self.steps += STEPS_OF_A_TURN
        return answer

    def call(self, step: Mapping[str, Any]) -> dict[str, Any]:
        from functions.run_broadcast import app

        answer: dict[str, Any] = self.meter.run("run_broadcast", app.handler, {**RUN, **step})
        return answer


def measure(endpoint: str, client: Callable[[str], Any], meter: Meter, folder: Path) -> dict[str, Measured]:
    """What is foretold of broadcasts to so many people, by what was counted of smaller ones."""
    return foretell(*(count(people, endpoint, client, meter, folder).bill for people in COUNTED))


def foretell(few: Bill, more: Bill, many: Bill) -> dict[str, Measured]:
    """Dollars for a million people, by the number of people in a broadcast, and how much more each of them costs than
    in a broadcast to the fewest. Raises RuntimeError when the third bill is not what the first two foretell."""
    foretold = Line.through(few, more).at(many.people)
    if abs(many.usd / foretold - 1) > TRUSTED:
        raise RuntimeError(f"A broadcast to {many.people:,} people costs ${many.usd:.5f}, and not ${foretold:.5f}.")
    line = Line.through(few, many)
    each = {name: line.at(people) / people * MILLION for name, people in STATED.items()}
    return {name: Measured([usd], usd / each["1k"] if name != "1k" else None) for name, usd in each.items()}


def count(people: int, endpoint: str, client: Callable[[str], Any], meter: Meter, folder: Path) -> Cost:
    broadcast = Broadcast(people, endpoint, client, meter, folder)
    broadcast.load()
    return broadcast.run(counting=True)


def _order(number: int, now: float) -> Event:
    email = f"person{number}@example.com"
    return Event(
        f"order-{number}", "Order Completed", now, now,
        identities=(Identity("user", f"person{number}"), Identity("email", email)),
        trusted=True, source="bench", attributes={"email": email, "first_name": "Ana"}, properties={"total": 20},
    )  # fmt: skip


def main() -> int:
    folder = ROOT / ".postroad/bench/broadcast"
    meter = Meter(memory_of_functions())  # counts what clients do that are made after it
    with emulator(folder) as (endpoint, client):
        for people in map(int, sys.argv[1:] or map(str, COUNTED)):
            cost = count(people, endpoint, client, meter, folder)
            print_cost(cost)
    return 0


def print_cost(cost: Cost) -> None:
    usage, people = cost.usage, cost.people
    print(
        f"{people:7,} people: ${cost.bill.usd / people * MILLION:.3f} a million; "
        f"each {sum(usage.calls.values()) / people:.3f} calls, "
        f"{usage.write_units / people:.3f} write units, {usage.read_units / people:.3f} read units; "
        f"{cost.steps} steps, {cost.seconds:.1f} s of one worker, {usage.cpu_ms / 1e3:.1f} s of processor time",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
