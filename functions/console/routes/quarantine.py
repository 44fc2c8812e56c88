"""Quarantine: what came in and could be no event, with the reason."""

import json
from typing import Any

from functions.console.pages import page
from functions.console.requests import Request
from functions.console.responses import Response
from postroad_aws.storage import quarantine
from postroad_aws.storage.quarantine import RETENTION

# So many on a page are enough to look at.
_FULL = 25


def show_list(request: Request) -> Response:
    found = quarantine.list_rejects(request.now, cursor=request.cursor)
    while not found.items and found.next:
        found = quarantine.list_rejects(request.now, cursor=found.next)
    # A page of a few days may be short, and things are kept for a few weeks: the list goes on by itself.
    is_full = len(found.items) >= _FULL
    rejects = [(reject, _laid_out(reject.raw)) for reject in found.items]
    values: dict[str, Any] = {"rejects": rejects, "next": found.next, "is_full": is_full, "kept": RETENTION}
    return page(request, "quarantine/list.html", fragment="rows", **values)


def _laid_out(raw: str) -> str:
    """What was sent, a part a line where it can be read at all."""
    try:
        return json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return raw
