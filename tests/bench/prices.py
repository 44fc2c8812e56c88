"""What AWS takes for what was counted: the local cloud's dated price list, and the arithmetic of units.

Sources: infra/localcloud/prices.yaml (prices, us-east-1, on demand); DynamoDB developer guide, "Read/write capacity
mode" and "Item sizes and formats"; Lambda bills by the started millisecond.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from localcloud.costs import PRICES, RATES

DATE = str(PRICES["date"])
MILLION = 1_000_000


def write_units(size: int, *, transactional: bool = False) -> int:
    """Write units of an item of `size` bytes: one for each started KB, twice in a transaction."""
    return max(1, math.ceil(size / 1024)) * (2 if transactional else 1)


def read_units(size: int, *, consistent: bool = False) -> float:
    """Read units of `size` bytes read in one piece: one for each started 4 KB, half when eventually consistent."""
    return max(1, math.ceil(size / 4096)) * (1.0 if consistent else 0.5)


def item_size(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Bytes of an item in DynamoDB's own JSON: names and values in UTF-8; numbers by two digits a byte, and one."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    kind, content = next(iter(value.items()))
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "N":
            digits = content.lower().partition("e")[0].replace(".", "").strip("-").strip("0")
            return math.ceil(len(digits) / 2) + 1 + content.startswith("-")
        case "M":
            return 3 + len(content) + item_size(content)
        case "L":
            return 3 + len(content) + sum(map(_value_size, content))
        case "SS" | "NS" | "BS":
            return sum(_value_size({kind[0]: each}) for each in content)
    return 1  # BOOL, NULL


def billed_ms(cpu_ms: float, latency_ms: float, memory_mb: int) -> int:
    """Milliseconds that Lambda bills: CPU at the function's share of a processor, then the wait for each AWS call."""
    share = min(1.0, memory_mb / RATES["lambda"]["mb_per_cpu"])
    return math.ceil(cpu_ms / share + latency_ms)


@dataclass(slots=True)
class Usage:
    """What one function did. `cpu_ms` is the sum over its invocations."""

    memory_mb: int
    invocations: int = 0
    cpu_ms: float = 0.0
    latency_ms: float = 0.0
    read_units: float = 0.0
    write_units: float = 0.0
    sqs_standard: int = 0
    sqs_fifo: int = 0
    log_bytes: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    units_by_table: Counter[str] = field(default_factory=Counter)

    def to_document(self) -> dict[str, Any]:
        """Everything that was counted, as JSON."""
        document = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**document, "calls": dict(self.calls), "units_by_table": dict(self.units_by_table)}

    def usd(self) -> dict[str, float]:
        """The bill of this function, by service."""
        each = self.invocations or 1
        milliseconds = billed_ms(self.cpu_ms / each, self.latency_ms / each, self.memory_mb) * self.invocations
        return {
            "Lambda requests": self.invocations * RATES["lambda"]["request"],
            "Lambda compute": milliseconds / 1e3 * self.memory_mb / 1024 * RATES["lambda"]["gb_second"],
            "DynamoDB reads": self.read_units * RATES["dynamodb"]["read_unit"],
            "DynamoDB writes": self.write_units * RATES["dynamodb"]["write_unit"],
            "SQS": self.sqs_standard * RATES["sqs"]["standard"] + self.sqs_fifo * RATES["sqs"]["fifo"],
            "logs": self.log_bytes / 1e9 * RATES["logs"]["gb"],
        }


def total(usages: Mapping[str, Usage], *, http_requests: int = 0) -> dict[str, float]:
    """The bill of several functions and the HTTP API in front of them, by service."""
    lines: Counter[str] = Counter()
    for usage in usages.values():
        lines.update(usage.usd())
    if http_requests:
        lines["HTTP API"] = http_requests * RATES["http_api"]["request"]  # type: ignore[assignment]
    return {name: usd for name, usd in lines.items() if usd}
