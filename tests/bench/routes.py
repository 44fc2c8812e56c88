"""The server time of every page of the console and every route of the API, on the demo brand and on 20,000 contacts.

`make bench` starts it in a process of its own, and so can you: `PYTHONPATH=infra python -m tests.bench.routes`. Times
are those of the real handlers in this process: all of it (`wall_ms`, with the emulator's part), and our own processor
time (`cpu_ms`). What is asked of AWS is counted: it must not grow with the number of contacts.
"""

import gc
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, Protocol

from tests.bench.cloud import ROOT, ROUTES, Stack, emulator, memory_of_functions
from tests.bench.crowd import load_demo, multiply
from tests.bench.meter import Meter
from tests.bench.routes_api import Caller
from tests.bench.routes_console import Visitor

CONTACTS = 20_000
ROUNDS = 5
GROWTH_LIMIT = 1.10
# What looks at people up to a number that its documents state, and asks for so many units at most, however many there
# are: 1,000 leads; 1,000 rows of a sample, or 2,000; the past of 300 people.
_LEADS, _SAMPLE, _TWO_SAMPLES, _PASTS = 1_200.0, 600.0, 1_200.0, 1_000.0
BOUNDED = {
    "GET /leads": _LEADS,
    "GET /leads.csv": _LEADS,
    "GET /console/leads": _LEADS,
    "GET /console/leads.csv": _LEADS,
    "GET /scores/{score_id}/contributions": _SAMPLE,
    "GET /advice/rhythm": _SAMPLE,
    "GET /deliverability/list": _TWO_SAMPLES,
    "GET /console/deliverability": _TWO_SAMPLES,
    "GET /console/scores/{score_id}/people": _SAMPLE,
    "POST /segments/estimate": _TWO_SAMPLES,
    "GET /console/segments/{segment_id}/estimate": _TWO_SAMPLES,
    "GET /scores/{score_id}/suggestions": _PASTS,
    "POST /scores/{score_id}/suggestions/draft": _PASTS,
    "GET /console/scores/{score_id}/suggestions": _PASTS,
}


class Figures(NamedTuple):
    """Of one page or route: medians of times in milliseconds, calls to AWS, and units read and written."""

    wall_ms: float
    cpu_ms: float
    calls: int
    units: float


class Asker(Protocol):
    """Asks a function on one stack: `events` by the name under which they are shown, in their order."""

    function: str
    stack: Stack

    def events(self) -> dict[str, dict[str, Any]]: ...

    def handle(self, event: Any, context: Any, /) -> Any: ...


def measure(askers: Mapping[str, Asker], meter: Meter) -> dict[str, dict[str, Figures]]:
    """Figures by stack and name. The stacks are asked in turn, so that what disturbs falls on all."""
    times: dict[str, dict[str, list[tuple[float, float]]]] = {name: {} for name in askers}
    figures: dict[str, dict[str, Figures]] = {name: {} for name in askers}
    for number in range(ROUNDS + 1):
        # What loading has left on this process's heap is no part of a function: going through it takes 0.1 s, which
        # would fall on the same route each round.
        gc.collect()
        gc.disable()
        for name, asker in askers.items():
            asker.stack.enter()
            for key, event in asker.events().items():
                meter.start(counting=number == 0)
                began = time.perf_counter()
                try:
                    meter.run(asker.function, asker.handle, event)
                except RuntimeError as error:
                    raise RuntimeError(f"{key}: {str(error)[:300]}") from None
                wall, usage = (time.perf_counter() - began) * 1e3, meter.usages[asker.function]
                if number == 0:  # also warms up
                    figures[name][key] = Figures(0, 0, sum(usage.calls.values()), usage.read_units + usage.write_units)
                else:
                    times[name].setdefault(key, []).append((wall, usage.cpu_ms))
    for name, by_key in times.items():
        for key, runs in by_key.items():
            wall, cpu = (median(each) for each in zip(*runs, strict=True))
            figures[name][key] = figures[name][key]._replace(wall_ms=wall, cpu_ms=cpu)
    return figures


def show(figures: Mapping[str, Mapping[str, Figures]]) -> tuple[str, list[str]]:
    """The table as text, and what asks AWS for more when there are more contacts."""
    base, grown = figures["demo"], figures["grown"]
    heads = ("wall ms", "grown", "cpu ms", "grown", "calls", "grown", "units", "grown")
    lines = [" " * 52 + "".join(head.rjust(9) for head in heads)]
    growing = []
    for key, found in base.items():
        more = grown[key]
        lines.append(
            f"{key:52}{found.wall_ms:9.1f}{more.wall_ms:9.1f}{found.cpu_ms:9.1f}{more.cpu_ms:9.1f}"
            f"{found.calls:9}{more.calls:9}{found.units:9.1f}{more.units:9.1f}"
            + (f"   at most {BOUNDED[key]:,.0f}" if key in BOUNDED else "")
        )
        if key in BOUNDED:
            grows = more.units > BOUNDED[key]
        else:
            grows = more.calls > found.calls * GROWTH_LIMIT or more.units > found.units * GROWTH_LIMIT + 1
        if grows:
            growing.append(key)
    return "\n".join(lines), growing


def make_stacks(endpoint: str, client: Callable[[str], Any], folder: Path) -> dict[str, Stack]:
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
    found = {}
    meter = Meter(memory_of_functions())  # counts what clients do that are made after it
    with emulator(folder) as (endpoint, client):
        stacks = make_stacks(endpoint, client, folder)
        for what, asker in (("API routes", Caller), ("pages", Visitor)):
            found[what] = measure({name: asker(stack) for name, stack in stacks.items()}, meter)
    for what, figures in found.items():
        text, growing = show(figures)
        print(f"\nServer time of the {what}, on the demo brand and on {CONTACTS:,} contacts\n{text}")
        for key in growing:
            print(f"✗ {key} asks AWS for more when there are more contacts")
    documents = {
        what: {name: {key: each._asdict() for key, each in of.items()} for name, of in figures.items()}
        for what, figures in found.items()
    }
    ROUTES.write_text(json.dumps(documents, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
