"""Serves a privacy request, as far as the time goes."""

from typing import Any

from postroad_aws.usecases.serve_privacy import serve_privacy
from postroad_aws.wiring import privacy_ports

# What one part may take at the end of an invocation.
RESERVE_MS = 30_000


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Whether it is done; else it has to be called again, with the same request."""
    done = serve_privacy(
        privacy_ports(), event["request_id"], lambda: context.get_remaining_time_in_millis() > RESERVE_MS
    )
    return {"request_id": event["request_id"], "done": done}
