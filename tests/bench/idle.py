"""What a stack costs in a month in which nothing happens, without free allowances.

Pollers: Lambda polls a quiet queue with five long polls of twenty seconds side by side, 15 requests a minute or 648,000
a month ("Configuring scaling behavior for SQS event source mappings" in the Lambda developer guide; 15 empty receives
a minute seen in CloudWatch: getlift/lift, issue 132 on GitHub). AWS may go down to two pollers for a standard queue
without a maximum concurrency; neither of ours is one, so that is not counted on.
"""

from collections.abc import Mapping
from math import ceil

from localcloud.costs import RATES
from tests.bench.prices import Usage, billed_ms

MINUTES = 30 * 24 * 60
HOURS = 30 * 24
POLLS_A_MINUTE = 15
EXPRESS_STEP_MS, EXPRESS_GB = 100, 64 / 1024
STORED_CONTACTS, STORED_ROWS = 10_000, 100_000


def month(
    template: Mapping[str, object], tick: Usage, sweep: Usage, contact_bytes: float, row_bytes: float
) -> dict[str, float]:
    """Dollars by what they are for. `tick` and `sweep` are one run of each that found nothing."""
    resources = [resource["Type"] for resource in template["Resources"].values()]  # type: ignore[attr-defined]
    queues = _polled_queues(template)
    tick_ms = billed_ms(tick.cpu_ms, tick.latency_ms, tick.memory_mb)
    tick_usd, sweep_usd = tick.usd(), sweep.usd()
    gigabytes = (STORED_CONTACTS * contact_bytes + STORED_ROWS * row_bytes) / 1e9
    return {
        **{f"polling {name}": MINUTES * POLLS_A_MINUTE * RATES["sqs"][kind] for name, kind in queues.items()},
        "alarms": resources.count("AWS::CloudWatch::Alarm") * RATES["month"]["alarm"],
        "keys (KMS)": resources.count("AWS::KMS::Key") * RATES["month"]["kms_key"],
        "clock: schedule": MINUTES * RATES["scheduler"]["invocation"],
        "clock: state machine": MINUTES
        * (
            RATES["states"]["express_request"]
            + ceil(tick_ms / EXPRESS_STEP_MS)
            * EXPRESS_STEP_MS
            / 1e3
            * EXPRESS_GB
            * RATES["states"]["express_gb_second"]
        ),
        "clock: function": MINUTES * (tick_usd["Lambda requests"] + tick_usd["Lambda compute"]),
        "clock: 16 queries": MINUTES * tick_usd["DynamoDB reads"],
        "clock: queue": MINUTES * tick_usd["SQS"],
        "hourly sweep": HOURS * (sum(sweep_usd.values()) + RATES["scheduler"]["invocation"]),
        "logs": MINUTES * tick_usd["logs"],
        f"storage and PITR, {STORED_CONTACTS:,} contacts": gigabytes
        * (RATES["month"]["dynamodb_gb"] + RATES["month"]["pitr_gb"]),
    }


def _polled_queues(template: Mapping[str, object]) -> dict[str, str]:
    """The queues that a function is behind, and the price that their requests have."""
    resources: Mapping[str, Mapping] = template["Resources"]  # type: ignore[assignment,type-arg]
    found = {}
    for resource in resources.values():
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            source = resource["Properties"]["EventSourceArn"]["Fn::GetAtt"]
            name = (source if isinstance(source, str) else source[0]).partition(".")[0]
            if resources[name]["Type"] == "AWS::SQS::Queue":
                found[name] = "fifo" if resources[name]["Properties"].get("FifoQueue") else "standard"
    return found
