"""The cost meter: what the functions did, priced by `prices.yaml`.

Functions report each invocation as one line of JSON over TCP (see worker/localcloud_runtime.py); the gateway and the
time machine add what they saw. The shape of the answer is documented in README.md.
"""

import json
import math
import socketserver
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from localcloud.deploy import Stack
from localcloud.packaging import Say

PRICES = yaml.safe_load(Path(__file__).with_name("prices.yaml").read_text())
RATES = {
    key: {name: float(value) for name, value in each.items()} for key, each in PRICES.items() if isinstance(each, dict)
}
CALL = ("count", "chunks", "fifo_chunks", "read_units", "write_units", "errors")
CHANNELS = {"ses", "sms"}  # what is paid for the mail itself, told apart from our part


class Meter:
    """Collects; `port` is where functions report."""

    def __init__(self, errors: Path, say: Say, now: float):
        self.errors, self.say = errors, say
        errors.unlink(missing_ok=True)
        self.lock = threading.Lock()
        self.memory: dict[str, int] = {}
        self.invoked: Counter[str] = Counter()  # never reset: the time machine takes differences
        self.reset(now)
        meter = self

        class Lines(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    meter.take(json.loads(line))

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Lines)
        self.port: int = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True, name="meter").start()

    def reset(self, now: float) -> None:
        with self.lock:
            self.since = now
            self.functions: dict[str, Counter[str]] = defaultdict(Counter)
            self.calls: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
            self.counts: Counter[str] = Counter()

    def adopt(self, stack: Stack) -> None:
        with self.lock:
            functions = stack.of_type("AWS::Lambda::Function")
            self.memory = {key: int(each["Properties"].get("MemorySize", 128)) for key, each in functions.items()}

    def count(self, what: str, amount: float = 1) -> None:
        with self.lock:
            self.counts[what] += amount  # type: ignore[assignment]  # Counter of floats

    def invocations(self) -> Counter[str]:
        with self.lock:
            return Counter(self.invoked)

    def take(self, report: dict[str, Any]) -> None:
        """One invocation."""
        name, records = report["function"], report["records"]
        with self.lock:
            self.invoked[name] += 1
            seen = self.functions[name]
            seen.update(invocations=1, wall_ms=report["wall_ms"], cpu_ms=report["cpu_ms"], errors=bool(report["error"]))
            if init := report["init"]:
                seen.update(cold_starts=1, init_wall_ms=init["wall_ms"], init_cpu_ms=init["cpu_ms"])
            seen.update(
                latency_ms=sum(
                    RATES["latency_ms"].get(call[0], RATES["latency_ms"]["default"]) * call[2]
                    for call in report["calls"]
                )
            )
            for service, operation, *numbers in report["calls"]:
                self.calls[name][f"{service}:{operation}"].update(dict(zip(CALL, numbers, strict=True)))
            for kind, key in (("aws:sqs", "poller_requests"), ("aws:sqs.fifo", "poller_fifo_requests")):
                if batch := records.get(kind):  # Lambda's pollers receive and delete ten at a time, at our cost
                    seen.update({"queue_records": batch, key: 2 * math.ceil(batch / 10)})
        if report["error"]:
            kind, _, trace = report["error"].partition("\n")
            with self.errors.open("a") as log:
                log.write(f"{name}: {trace}\n")
            self.say(f"{name} failed: {kind} (see {self.errors})")

    # ------------------------------------------------------------ the bill

    def _billed_ms(self, name: str, seen: Counter[str]) -> float:
        """Milliseconds that AWS would bill: CPU at the function's share of a processor, plus the wait for each call."""
        share = min(1.0, self.memory.get(name, 128) / RATES["lambda"]["mb_per_cpu"])
        return seen["cpu_ms"] / share + seen["latency_ms"]

    def _lines(self) -> Iterator[tuple[str | None, str, str, float, float]]:
        """(function, service, what, amount, price of one)."""
        for name, seen in self.functions.items():
            yield name, "lambda", "requests", seen["invocations"], RATES["lambda"]["request"]
            yield (
                name,
                "lambda",
                "gb_seconds",
                self._billed_ms(name, seen) / 1e3 * self.memory.get(name, 128) / 1024,
                RATES["lambda"]["gb_second"],
            )
            yield name, "sqs", "poller_requests", seen["poller_requests"], RATES["sqs"]["standard"]
            yield name, "sqs", "poller_fifo_requests", seen["poller_fifo_requests"], RATES["sqs"]["fifo"]
            for key, call in self.calls[name].items():
                service = key.partition(":")[0]
                match service:
                    case "dynamodb":
                        yield name, service, "read_units", call["read_units"], RATES["dynamodb"]["read_unit"]
                        yield name, service, "write_units", call["write_units"], RATES["dynamodb"]["write_unit"]
                    case "sqs":
                        yield name, service, "requests", call["chunks"] - call["fifo_chunks"], RATES["sqs"]["standard"]
                        yield name, service, "fifo_requests", call["fifo_chunks"], RATES["sqs"]["fifo"]
                    case "sns":
                        yield name, service, "publishes", call["chunks"], RATES["sns"]["publish"]
                    case "events":
                        yield name, service, "custom_events", call["chunks"], RATES["events"]["custom_event"]
        for what, service, rate in (
            ("http_chunks", "http_api", "request"),
            ("schedules", "scheduler", "invocation"),
            ("emails", "ses", "email"),
            ("texts", "sms", "text"),
            ("standard_transitions", "states", "standard_transition"),
            ("express_requests", "states", "express_request"),
            ("express_gb_seconds", "states", "express_gb_second"),
        ):
            yield None, service, what, self.counts[what], RATES[service][rate]

    def bill(self, iso: Callable[[float], str], clock: float, counts: dict[str, float]) -> dict[str, Any]:
        """The bill since the last reset; `counts` is what was counted elsewhere."""
        with self.lock:
            self.counts.update(dict.fromkeys(counts, 0))
            self.counts |= counts  # type: ignore[arg-type]
            services: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
            functions: dict[str, dict[str, Any]] = {
                name: {
                    **{key: round(value, 3) for key, value in seen.items()},
                    "billed_ms": round(self._billed_ms(name, seen), 3),
                    "memory_mb": self.memory.get(name, 128),
                    "usd": 0.0,
                    "operations": {key: dict(call) for key, call in sorted(self.calls[name].items())},
                }
                for name, seen in sorted(self.functions.items())
            }
            for name, service, what, amount, price in self._lines():
                services[service][what] += amount
                services[service]["usd"] += amount * price
                if name:
                    functions[name]["usd"] += amount * price
            ours = sum(each["usd"] for key, each in services.items() if key not in CHANNELS)
            channels = sum(each["usd"] for key, each in services.items() if key in CHANNELS)
            return {
                "since": iso(self.since),
                "now": iso(clock),
                "prices": str(PRICES["date"]),
                "usd": ours,
                "usd_channels": channels,
                "counts": dict(self.counts),
                "services": services,
                "functions": functions,
            }
