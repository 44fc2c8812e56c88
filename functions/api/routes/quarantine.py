"""Quarantine: what could not be taken, with the reason."""

from typing import Any

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from functions.api.requests import read_page
from postroad.instants import format_instant
from postroad_aws import clock
from postroad_aws.storage import quarantine as storage

router = APIGatewayHttpRouter()


@router.get("/quarantine")
def list_quarantine() -> dict[str, Any]:
    """What could not be taken, the latest first."""
    cursor, limit = read_page(router)
    page = storage.list_rejects(clock.now(), cursor=cursor, limit=limit)
    items = [
        {
            "id": reject.reject_id,
            "received": format_instant(reject.received),
            "reason": reject.reason,
            "source": reject.source,
            "raw": reject.raw,
        }
        for reject in page.items
    ]
    return {"items": items, "next": page.next}
