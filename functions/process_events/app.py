"""Folds events from the events queue into their contacts."""

from typing import Any

from postroad_aws.usecases.process_events import Delivery, process_events
from postroad_aws.wiring import production


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch of the FIFO queue; what fails comes again, and with it the later ones of its group."""
    deliveries = [
        Delivery(record["messageId"], record["attributes"]["MessageGroupId"], record["body"])
        for record in event["Records"]
    ]
    failed = process_events(production(), deliveries)
    return {"batchItemFailures": [{"itemIdentifier": receipt} for receipt in failed]}
