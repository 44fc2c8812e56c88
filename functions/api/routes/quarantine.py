"""Quarantine: what could not be taken, with the reason."""

from typing import Annotated, Any, TypedDict

from functions.api.routing import Routes
from functions.api.schemas import Cursor, Instant, Limit, Listed
from postroad.instants import format_instant
from postroad_aws import clock
from postroad_aws.storage import quarantine as storage

routes = Routes("Quarantine")


class RejectView(TypedDict):
    """Something that was accepted and could be no event."""

    id: str
    received: Instant
    reason: Annotated[str, "Why, in a sentence."]
    source: Annotated[str, "Whose key sent it."]
    raw: Annotated[Any, "What was sent, without its key, cut at 64 KB."]


@routes.get("/quarantine")
def list_quarantine(cursor: Cursor | None = None, limit: Limit = 50) -> Listed[RejectView]:
    """What was accepted and could be no event, the latest first.

    Kept for 30 days.
    """
    page = storage.list_rejects(clock.now(), cursor=cursor, limit=limit)
    items: list[RejectView] = [
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
