"""A broadcast with all its mails, one after the other: `python -m tests.bench.broadcast_delivery [PEOPLE]`.

Everybody is addressed, their mails leave, and are told to have arrived; it tells how many SES took, how many it took
twice, and fails when somebody is lost. No process is killed here: `broadcast_kill` does that.
"""

import json
import sys
import time
from collections import Counter
from typing import Any

import botocore.handlers

from tests.bench.broadcast import Broadcast, print_cost
from tests.bench.cloud import ROOT, emulator, memory_of_functions
from tests.bench.meter import Meter
from tests.bench.prices import MILLION
from tests.bench.workloads import BATCH, STREAM_BATCH, ses_event, stream_event


class Delivery:
    """Sends what has been queued since the last time, and tells that it arrived."""

    def __init__(self, broadcast: Broadcast) -> None:
        from functions.count_stats import app as count_stats
        from functions.record_feedback import app as record_feedback
        from functions.relay_messages import app as relay_messages
        from functions.send_message import app as send_message

        self.broadcast, self.seconds = broadcast, 0.0
        self.handlers = {
            "count_stats": count_stats.handler,
            "record_feedback": record_feedback.handler,
            "relay_messages": relay_messages.handler,
            "send_message": send_message.handler,
        }

    def deliver(self) -> None:
        began = time.perf_counter()
        stack = self.broadcast.stack
        members, messages = (stack.read_stream(f"{table}_TABLE") for table in ("MEMBERSHIPS", "MESSAGES"))
        new = [each["dynamodb"]["Keys"]["message_id"]["S"] for each in messages if each["eventName"] == "INSERT"]
        for start in range(0, len(new), BATCH):
            self.send(new[start : start + BATCH])
        for records in (members, messages):
            for start in range(0, len(records), STREAM_BATCH):
                self.run("count_stats", {"Records": records[start : start + STREAM_BATCH]})
        self.seconds += time.perf_counter() - began

    def send(self, ids: list[str]) -> None:
        stack = self.broadcast.stack
        self.run("relay_messages", stream_event(ids))
        self.run("send_message", {"Records": stack.receive("SENDS_QUEUE_URL", BATCH)})
        for message_id in ids:
            self.run("record_feedback", ses_event("Delivery", message_id, stack.now()))

    def run(self, function: str, event: Any) -> None:
        self.broadcast.meter.run(function, self.handlers[function], event)


def main() -> int:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    taken = Counter[str]()

    def note(params: Any, **_: Any) -> None:
        taken[json.loads(params["body"])["Destination"]["ToAddresses"][0]] += 1

    botocore.handlers.BUILTIN_HANDLERS.append(("before-call.sesv2.SendEmail", note))
    meter = Meter(memory_of_functions())  # both before any client is made, for they hook into them
    with emulator(ROOT / ".postroad/bench/delivery") as (endpoint, client):
        began = time.perf_counter()
        broadcast = Broadcast(people, endpoint, client, meter, ROOT / ".postroad/bench/delivery")
        broadcast.load()
        delivery = Delivery(broadcast)
        delivery.deliver()  # what comes of their orders is no part of it
        taken.clear()
        print(f"{people:,} people are in the segment after {time.perf_counter() - began:.0f} s", flush=True)
        print_cost(broadcast.run(counting=True, deliver=delivery.deliver))
    for function in delivery.handlers:
        usage = meter.usage(function)
        usd = sum(usage.usd().values()) / people * MILLION
        print(f"{function:16} {usage.cpu_ms / people:.2f} s of processor time for 1,000 of them, ${usd:.3f} a million")
    twice = sum(number > 1 for number in taken.values())
    print(f"{len(taken):,} got it, {twice} twice, in {delivery.seconds:.0f} s of sending; {broadcast.states}")
    return int(twice > 0 or len(taken) < people or broadcast.states != {"delivered": people})


if __name__ == "__main__":
    sys.exit(main())
