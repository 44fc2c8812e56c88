"""Every hour: looks after messages that got stuck."""

from typing import Any

from postroad_aws.observability import logger
from postroad_aws.usecases.sweep_messages import sweep_messages
from postroad_aws.wiring import keyless


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers how many were queued again, and how many turned out to be unknown."""
    swept = sweep_messages(keyless())
    if any(swept):
        logger.warning("messages were stuck", requeued=swept.requeued, unknown=swept.unknown)
    return swept._asdict()
