"""`make bench`: what an event, a mail and an idle month cost, and how fast the product's code is.

Two stacks stand on one emulator: a *base*, and a *grown* one with ten times its contacts and ten times its definitions,
none of which the bench's events can touch. The same events go to the same people on both, in turn, so that whatever
else this machine does falls on both alike. Money is counted (one counting round); CPU is timed (all other rounds).
"""

import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from statistics import median
from typing import Any

import templatecheck
from tests.bench import advising, broadcast, first_event, folding, idle, prices, simulating
from tests.bench.cloud import ROOT, ROUTES, Stack, emulator, memory_of_functions
from tests.bench.meter import Meter
from tests.bench.report import FIRST_EVENTS, Measured, save, table
from tests.bench.workloads import Bench, Run, http_event

TIMED_ROUNDS = 10
FIRST_EVENT_RUNS = 7
TIMES = 10
RESULTS = ROOT / ".postroad/bench.json"
WORKLOADS = ("A", "B", "C", "twenty_people", "C_quiet")
# What "handed to the provider" takes, as the peer's figure counts it; what SES says afterwards is shown beside it.
SENDING = ("relay_messages", "send_message")
CPU_FIGURES = {
    "cpu_s_per_1000_events": "B",
    "cpu_s_per_1000_identifies_new": "identifies_new",
    "cpu_s_per_1000_identifies_known": "identifies_known",
    "cpu_s_per_1000_messages": "messages",
}

Rounds = dict[str, list[Run]]


def say(text: str) -> None:
    print(f"[{time.monotonic() - STARTED:5.1f} s] {text}", flush=True)


STARTED = time.monotonic()


def main() -> int:
    folder = ROOT / ".postroad/bench"
    say("Building the layers for this machine")
    path = first_event.build(folder / "layers")
    say("Starting the AWS emulator, and two stacks on it")
    with emulator(folder / "cloud") as (endpoint, client):
        meter = Meter(memory_of_functions())
        benches = {}
        for name in ("base", "grown"):
            clock = folder / "cloud" / f"{name}.clock"
            clock.write_text("0.0")
            stack = Stack(name, endpoint, client, clock)
            stack.enter()
            stack.load(unrelated=0 if name == "base" else TIMES - 1)
            benches[name] = bench = Bench(stack, meter)
            bench.tell_the_past()
            if name == "grown":
                stack.add_contacts((TIMES - 1) * bench.stack.count_contacts(), bench.contact_id(bench.people["A"][0]))
            say(f"The {name} stack holds {stack.count_contacts():,} contacts")
        counted = {name: dict(bench.rounds(0, counting=True)) for name, bench in benches.items()}
        say("Counted one round of every workload")
        timed: dict[str, Rounds] = {name: defaultdict(list) for name in benches}
        for number in range(1, TIMED_ROUNDS + 1):
            for name, bench in benches.items():
                for workload, run in bench.rounds(number, counting=False):
                    timed[name][workload].append(run)
        say(f"Timed {TIMED_ROUNDS} rounds")
        quiet = {name: quiet_runs(bench, meter) for name, bench in benches.items()}
        first = first_events({name: starts(bench, path) for name, bench in benches.items()})
        say(f"Started {2 * len(FIRST_EVENTS) * FIRST_EVENT_RUNS} fresh processes")
        sizes = stored_sizes(benches["base"])
        recipients = broadcast.measure(endpoint, client, meter, folder / "cloud")
        say(f"Addressed {sum(broadcast.COUNTED):,} people in {len(broadcast.COUNTED)} broadcasts")
    results, details = collect_results(counted, timed, quiet, first, sizes)
    results["usd_per_million_broadcast_recipients"] = recipients
    text, missed = table(results)
    print(f"\nPrices of {prices.DATE}, us-east-1, without free allowances. CPU: the least of {TIMED_ROUNDS} runs.\n")
    print(text)
    print_details(details)
    for each in sorted(meter.doubts):
        print(f"The emulator's units are in doubt: {each}")
    say("Asking every page and route, with 500 and with 20,000 contacts")
    subprocess.run([sys.executable, "-m", "tests.bench.routes"], cwd=ROOT, check=True)
    details["routes"] = json.loads(ROUTES.read_text())
    save(results, {"details": details}, RESULTS)
    busy = os.getloadavg()[1]
    if busy > (os.cpu_count() or 1):
        print(f"\nThis machine is busy (load {busy:.1f} on {os.cpu_count()} processors): times are too long.")
    print(f"\nWritten to {RESULTS.relative_to(ROOT)}")
    for each in missed:
        print(f"✗ {each}")
    return 0


def quiet_runs(bench: Bench, meter: Meter) -> tuple[prices.Usage, prices.Usage]:
    """One tick of the clock and one sweep that find nothing to do: units counted, CPU the median of ten."""
    from functions.sweep_messages import app as sweep_messages

    bench.stack.enter()
    bench.handlers["sweep_messages"] = sweep_messages.handler
    bench.at(bench.offset + 86_400)  # a day later, when whoever was due has been woken
    for _ in range(4):
        bench.wake()
    found = []
    for function in ("wake_contacts", "sweep_messages"):
        bench.run(function, {})
        meter.start(counting=True)
        bench.run(function, {})
        usage = meter.usages[function]
        cpu = []
        for _ in range(10):
            meter.start(counting=False)
            bench.run(function, {})
            cpu.append(meter.usages[function].cpu_ms)
        found.append(replace(usage, cpu_ms=median(cpu)))
    return found[0], found[1]


def starts(bench: Bench, path: list[str]) -> dict[str, Callable[[], float]]:
    """For each function that somebody waits for: what starts a fresh process with its first event."""
    stack, now = bench.stack, time.time() + bench.offset
    stack.enter()
    bench.meter.start(counting=False)
    person = bench.people["C_quiet"][0]
    request = http_event("/v1/page", person.call("page", f"first-{stack.name}", now, properties={"path": "/"}))
    bench.post_one(person.call("page", f"second-{stack.name}", now, properties={"path": "/"}))
    records = {"Records": stack.receive("EVENTS_QUEUE_URL", 1)}
    message = bench.queue_message()
    events = {"collect": request, "process_events": records, "send_message": message}
    scratch = ROOT / ".postroad/bench/cloud"
    return {
        function: first_event.record(function, events[function], path, stack.environment, scratch)
        for function in FIRST_EVENTS
    }


def first_events(stacks: Mapping[str, Mapping[str, Callable[[], float]]]) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of each start, the stacks in turn, so that what else the machine does falls on all alike."""
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in stacks}
    for function in FIRST_EVENTS:
        for _ in range(FIRST_EVENT_RUNS):
            for name, stack in stacks.items():
                found[name][function].append(stack[function]())
    return found


def stored_sizes(bench: Bench) -> dict[str, float]:
    """Median bytes of a contact's item and of a timeline row, as DynamoDB weighs them."""
    client, environment = bench.stack.client("dynamodb"), bench.stack.environment
    sizes = {}
    for what, table_name in (
        ("contact", "CONTACTS_TABLE"),
        ("timeline row", "EVENTS_TABLE"),
        ("message", "MESSAGES_TABLE"),
    ):
        items = client.scan(TableName=environment[table_name], Limit=400)["Items"]
        sizes[what] = median(prices.item_size(item) for item in items if "forward_to" not in item)
    return sizes


def cpu_per_1000(workload: str, run: Run) -> float:
    """Seconds of CPU for a thousand units."""
    functions = SENDING if workload == "messages" else run.usages
    return sum(run.usages[function].cpu_ms for function in functions) / run.units


def bill(counted: Run, runs: list[Run]) -> dict[str, float]:
    """Dollars for a million units, by service: what was counted, with the CPU that was timed."""
    usages = {
        name: replace(usage, cpu_ms=median(run.usages[name].cpu_ms for run in runs)) if usage.invocations else usage
        for name, usage in counted.usages.items()
    }
    lines = prices.total(usages, http_requests=counted.http_requests)
    return {name: usd * prices.MILLION / counted.units for name, usd in lines.items()}


def collect_results(
    counted: dict[str, dict[str, Run]], timed: dict[str, Rounds], quiet: Any, first: Any, sizes: dict[str, float]
) -> tuple[dict[str, Any], dict[str, Any]]:
    bills = {
        name: {workload: bill(run, timed[name][workload]) for workload, run in runs.items()}
        for name, runs in counted.items()
    }

    def money(workload: str) -> Measured:
        base, grown = (sum(bills[name][workload].values()) for name in ("base", "grown"))
        return Measured([base], grown / base)

    def cpu(workload: str) -> Measured:
        base, grown = ([cpu_per_1000(workload, run) for run in timed[name][workload]] for name in ("base", "grown"))
        return Measured(base, min(grown) / min(base), is_cpu=True)

    template = templatecheck.load()
    months = {
        name: idle.month(template, tick, sweep, sizes["contact"], sizes["timeline row"])
        for name, (tick, sweep) in quiet.items()
    }
    idle_base, idle_grown = (sum(months[name].values()) for name in ("base", "grown"))
    results = {
        "usd_per_million_events": {workload: money(workload) for workload in WORKLOADS},
        "usd_per_million_messages": money("messages"),
        "usd_idle_month": Measured([idle_base], idle_grown / idle_base),
        **{figure: cpu(workload) for figure, workload in CPU_FIGURES.items()},
        "folded_events_per_cpu_s": folding.measure(),
        "simulated_s": simulating.measure(),
        "advice_won": advising.measure(),
        "advice_worst": advising.measure_worst(),
        "first_event_ms": {
            function: Measured(first["base"][function], min(first["grown"][function]) / min(first["base"][function]))
            for function in FIRST_EVENTS
        },
    }
    feedback = [run.usages["record_feedback"].cpu_ms / run.units for run in timed["base"]["messages"]]
    details = {
        "bills": bills["base"],
        "idle": months["base"],
        "operations": {
            workload: {name: usage.to_document() for name, usage in run.usages.items()}
            for workload, run in counted["base"].items()
        },
        "cpu_s_per_1000_feedbacks_of_messages": round(median(feedback), 3),
        "stored_bytes": sizes,
        "prices": prices.DATE,
    }
    return results, details


def print_details(details: dict[str, Any]) -> None:
    services = sorted({service for lines in details["bills"].values() for service in lines})
    print("\nDollars for a million, by service")
    print(" " * 20 + "".join(service.rjust(18) for service in services))
    for workload, lines in details["bills"].items():
        print(workload.ljust(20) + "".join(f"{lines.get(service, 0):18.3f}" for service in services))
    print("\nDollars of an idle month")
    for name, usd in details["idle"].items():
        print(f"  {usd:7.4f}  {name}")
    sizes = ", ".join(f"{name} {size:.0f}" for name, size in details["stored_bytes"].items())
    print(f"\nStored bytes (median): {sizes}.")
    print(f"CPU for what SES says about 1,000 mails: {details['cpu_s_per_1000_feedbacks_of_messages']:.2f} s.")


if __name__ == "__main__":
    sys.exit(main())
