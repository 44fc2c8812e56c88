"""Counts what the product asks of AWS, from inside botocore, and measures its own CPU.

Two kinds of round, because asking DynamoDB for its units makes answers longer and so costs CPU: a *counting* round
counts, a *timing* round touches nothing. CPU is that of this process alone; the emulator is another one.
"""

import io
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from typing import Any

import botocore.handlers

from localcloud.costs import RATES
from tests.bench.prices import Usage, item_size, read_units, write_units

READS = {"GetItem", "BatchGetItem", "Query", "Scan"}
# SES may refuse this one: the address does not stand on its list.
MAY_BE_REFUSED = {"DeleteSuppressedDestination"}


class Context:
    """What Lambda hands a handler beside the event."""

    function_name = aws_request_id = invoked_function_arn = "bench"
    memory_limit_in_mb = 256

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


class Meter:
    """Runs handlers and adds up what they use. `memory` is each function's, from the template."""

    def __init__(self, memory: Mapping[str, int]) -> None:
        self.memory = memory
        self.usages: dict[str, Usage] = {}
        self.counting = False
        self.doubts: set[str] = set()  # where the emulator's units and our own arithmetic differ
        self._current: Usage | None = None
        for event, hook in (
            ("before-parameter-build.dynamodb", self._ask_for_units),
            ("before-call", self._remember),
            ("after-call", self._count),
        ):
            botocore.handlers.BUILTIN_HANDLERS.append((event, hook))

    def start(self, *, counting: bool) -> None:
        self.usages, self.counting = {}, counting

    def usage(self, function: str) -> Usage:
        return self.usages.setdefault(function, Usage(self.memory[function]))

    def run(self, function: str, handler: Callable[[Any, Any], Any], event: Any) -> Any:
        """One invocation. A handler that reports failures has no business in a bench."""
        usage = self._current = self.usage(function)
        written = io.StringIO()
        with redirect_stdout(written):
            began = time.process_time()
            answer = handler(event, Context())
            usage.cpu_ms += (time.process_time() - began) * 1e3
        self._current = None
        usage.invocations += 1
        usage.log_bytes += len(written.getvalue())
        if isinstance(answer, dict) and (answer.get("batchItemFailures") or answer.get("statusCode", 200) != 200):
            raise RuntimeError(f"{function} failed: {answer} {written.getvalue()}"[:1500])
        return answer

    def poll(self, function: str, *, fifo: bool) -> None:
        """Lambda's poller received a batch and will delete it: two requests, at our cost."""
        usage = self.usage(function)
        usage.sqs_fifo += 2 * fifo
        usage.sqs_standard += 2 * (not fifo)

    # Hooks

    def _ask_for_units(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if self.counting and self._current and "ReturnConsumedCapacity" in model.input_shape.members:
            params["ReturnConsumedCapacity"] = "INDEXES"
            context["bench_params"] = params

    def _remember(self, params: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
        if self.counting and self._current:
            body = params.get("body") or b""
            context["bench_body"] = body if isinstance(body, bytes) else str(body).encode()

    def _count(self, http_response: Any, parsed: dict[str, Any], model: Any, context: Any, **_: Any) -> None:
        usage = self._current
        if not self.counting or usage is None:
            return
        service = model.service_model.service_name
        body = context.get("bench_body", b"")
        usage.calls[f"{service}:{model.name}"] += 1
        usage.latency_ms += RATES["latency_ms"].get(service, RATES["latency_ms"]["default"])
        if http_response.status_code >= 300 and model.name not in MAY_BE_REFUSED:
            raise RuntimeError(f"{model.name} was refused in a bench: {http_response.status_code} {parsed}")
        if service == "sqs":
            chunks = 1 + max(0, len(body) - 1) // 65536
            if b'.fifo"' in body[:2000] + body[-2000:]:
                usage.sqs_fifo += chunks
            else:
                usage.sqs_standard += chunks
        if service == "dynamodb" and model.name in READS:
            usage.read_units += _units_read(model.name, context["bench_params"], parsed)
        elif service == "dynamodb" and "bench_params" in context:  # what asks about a table costs nothing
            self._count_writes(usage, model.name, context["bench_params"], parsed)

    def _count_writes(self, usage: Usage, operation: str, params: Mapping[str, Any], parsed: dict[str, Any]) -> None:
        found = parsed["ConsumedCapacity"]
        for capacity in found if isinstance(found, list) else [found]:
            self._doubt(operation, params, capacity)
            usage.write_units += capacity["CapacityUnits"]
            usage.units_by_table[capacity["TableName"]] += capacity["CapacityUnits"]
            for index, each in (capacity.get("GlobalSecondaryIndexes") or {}).items():
                usage.units_by_table[f"{capacity['TableName']}/{index}"] += each["CapacityUnits"]

    def _doubt(self, operation: str, params: Mapping[str, Any], capacity: Mapping[str, Any]) -> None:
        """Hold the emulator's word on what was put against our arithmetic; what stood there may have been larger."""
        table = capacity["TableName"]
        match operation:
            case "PutItem":
                items, answered = [params["Item"]], capacity["Table"]["CapacityUnits"]
            case "BatchWriteItem":
                items = [each["PutRequest"]["Item"] for each in params["RequestItems"][table] if "PutRequest" in each]
                answered = capacity["Table"]["CapacityUnits"]
            case "TransactWriteItems":
                puts = [action["Put"] for action in params["TransactItems"] if "Put" in action]
                items = [put["Item"] for put in puts if put["TableName"] == table]
                answered = capacity["WriteCapacityUnits"]
            case _:
                return
        expected = sum(write_units(item_size(item), transactional=operation == "TransactWriteItems") for item in items)
        if answered < expected:
            self.doubts.add(f"{operation} on {table}: {answered} write units, by our arithmetic {expected}")


def _units_read(operation: str, params: Mapping[str, Any], parsed: Mapping[str, Any]) -> float:
    """Read units by our own arithmetic: the emulator bills every read as a small one, and batches not at all."""
    consistent = bool(params.get("ConsistentRead"))
    if operation == "GetItem":
        return read_units(item_size(parsed.get("Item", {})), consistent=consistent)
    if operation in ("Query", "Scan"):
        return read_units(sum(map(item_size, parsed["Items"])), consistent=consistent)
    units = 0.0
    for table, wanted in params["RequestItems"].items():  # each item by itself, a missing one as a small one
        found, consistent = parsed["Responses"].get(table, []), bool(wanted.get("ConsistentRead"))
        units += sum(read_units(item_size(item), consistent=consistent) for item in found)
        units += (len(wanted["Keys"]) - len(found)) * read_units(0, consistent=consistent)
    return units
