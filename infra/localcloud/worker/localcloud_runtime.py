"""Stands in front of a function's handler, in its process: measures each invocation and counts the AWS calls it makes.

The local cloud deploys every function with this handler and the real one in `LOCALCLOUD_HANDLER` (the way observability
layers do it), because no AWS API tells what one invocation consumed. Each invocation sends one JSON line to the meter.
"""

import importlib
import json
import os
import socket
import sys
import threading
import time
import traceback

import botocore.handlers

CHUNKED = {"sqs", "sns", "events"}  # billed by 64 KB of payload
READS = {"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"}

calls: dict[
    tuple[str, str], list[float]
] = {}  # (service, operation) -> count, 64 KB chunks, of them FIFO, read units, write units, errors
lock = threading.Lock()  # functions may call AWS from many threads


def _ask_for_units(params, model, **_):
    if "ReturnConsumedCapacity" in model.input_shape.members:
        params["ReturnConsumedCapacity"] = "INDEXES"


def _units(operation: str, capacity: dict) -> tuple[float, float]:
    read, write = capacity.get("ReadCapacityUnits"), capacity.get("WriteCapacityUnits")
    if read is None and write is None:
        total = capacity.get("CapacityUnits", 0)
        return (total, 0) if operation in READS else (0, total)
    return read or 0, write or 0


def _count(http_response, parsed, model, context=None, **_):
    service = model.service_model.service_name
    chunks, fifo = (context or {}).get("localcloud_chunks", (1, 0))
    counted = [1, chunks, fifo, 0, 0, int(http_response.status_code >= 300)]
    if service == "dynamodb":
        found = parsed.get("ConsumedCapacity") or []
        for capacity in found if isinstance(found, list) else [found]:
            read, write = _units(model.name, capacity)
            counted[3] += read
            counted[4] += write
        error = parsed.get("Error", {}).get("Code")
        if error == "ConditionalCheckFailedException":
            counted[4] += 1  # AWS bills a refused write like a write; the answer does not say its size
        elif error == "TransactionCanceledException":
            counted[4] += 2 * len(parsed.get("CancellationReasons", []))
    with lock:
        entry = calls.setdefault((service, model.name), [0] * len(counted))
        entry[:] = [was + now for was, now in zip(entry, counted, strict=True)]


def _weigh(params, model, context, **_):
    if model.service_model.service_name in CHUNKED:
        body = params.get("body") or b""
        text = body if isinstance(body, bytes) else str(body).encode()
        chunks = 1 + max(0, len(text) - 1) // 65536
        context["localcloud_chunks"] = chunks, chunks if b'.fifo"' in text[:2000] + text[-2000:] else 0


for event, hook in (
    ("before-parameter-build.dynamodb", _ask_for_units),
    ("before-call", _weigh),
    ("after-call", _count),
):
    botocore.handlers.BUILTIN_HANDLERS.append((event, hook))

_started = time.perf_counter(), time.process_time()
_module, _, _name = os.environ["LOCALCLOUD_HANDLER"].rpartition(".")
_handler = getattr(importlib.import_module(_module), _name)
_init = {"wall_ms": (time.perf_counter() - _started[0]) * 1000, "cpu_ms": (time.process_time() - _started[1]) * 1000}
_meter = socket.create_connection(("127.0.0.1", int(os.environ["LOCALCLOUD_METER"])))


def _batches(event) -> dict[str, int]:
    """Records by source, of an invocation that a queue or stream caused: its polling costs queue requests."""
    found: dict[str, int] = {}
    for record in event.get("Records", ()) if isinstance(event, dict) else ():
        if isinstance(record, dict) and (source := record.get("eventSource")):
            kind = f"{source}.fifo" if str(record.get("eventSourceARN")).endswith(".fifo") else source
            found[kind] = found.get(kind, 0) + 1
    return found


def handler(event, context):
    global _init
    error = None
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        return _handler(event, context)
    except BaseException as problem:
        error = f"{type(problem).__name__}\n{traceback.format_exc()}"
        raise
    finally:
        with lock:
            made = [[*key, *entry] for key, entry in calls.items()]
            calls.clear()
        report = {
            "function": os.environ["LOCALCLOUD_FUNCTION"],
            "wall_ms": (time.perf_counter() - wall) * 1000,
            "cpu_ms": (time.process_time() - cpu) * 1000,
            "init": _init,
            "records": _batches(event),
            "calls": made,
            "error": error,
        }
        _init = None
        try:
            _meter.sendall(json.dumps(report).encode() + b"\n")
        except OSError:
            print("the local cloud's meter is gone", file=sys.stderr)
