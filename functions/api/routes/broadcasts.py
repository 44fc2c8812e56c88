"""Broadcasts: drafted like any definition, then scheduled instead of published."""

from typing import Annotated, TypedDict

from functions.api.problems import StaleError
from functions.api.routes.definitions import Document, IfMatch, expected_edit
from functions.api.routes.numbers import MessageCountsView, show_messages
from functions.api.routing import Routes
from functions.api.schemas import Cursor, Instant, Limit, Listed, OneOf
from postroad.broadcasts import KIND, STATES, Run
from postroad.instants import format_instant
from postroad_aws.storage import definitions
from postroad_aws.usecases import show_broadcasts
from postroad_aws.usecases.cancel_broadcast import cancel_broadcast
from postroad_aws.usecases.schedule_broadcast import schedule_broadcast
from postroad_aws.wiring import broadcast_ports

routes = Routes("Broadcasts")


class TallyView(TypedDict):
    """What became of each of a broadcast's messages; `audience` is their sum."""

    audience: int
    states: Annotated[dict[str, int], "By the state of the message."]
    reasons: Annotated[dict[str, int], "Why some were not sent."]
    counted_at: Instant


class RunView(TypedDict):
    """A broadcast that has been scheduled."""

    at: Annotated[Instant, "When it begins, or began."]
    times: Annotated[dict[str, str], "When it came into each state."]
    tally: Annotated[TallyView | None, "Null until all are addressed."]


class BroadcastView(TypedDict):
    """One message to everybody in a segment, once."""

    broadcast_id: str
    name: str
    state: Annotated[str, OneOf(STATES)]
    edit: Annotated[int, "That of its draft; its `ETag`."]
    document: Annotated[Document, "What is drafted, or what was scheduled."]
    run: Annotated[RunView | None, "Null for a draft."]


@routes.get("/broadcasts")
def list_broadcasts(cursor: Cursor | None = None, limit: Limit = 50) -> Listed[BroadcastView]:
    """All broadcasts: drafts first, then what was scheduled, the latest first."""
    page = show_broadcasts.list_broadcasts(broadcast_ports(), cursor=cursor, limit=limit)
    return {"items": [_show(each) for each in page.items], "next": page.next}


@routes.get("/broadcasts/{broadcast_id}", etag="edit")
def get_broadcast(broadcast_id: str) -> BroadcastView:
    """One broadcast, with its exact numbers as they were last counted."""
    return _show(show_broadcasts.get_broadcast(broadcast_ports(), broadcast_id))


@routes.get("/broadcasts/{broadcast_id}/counts")
def get_broadcast_counts(broadcast_id: str) -> MessageCountsView:
    """What has become of a broadcast's messages, with opens and clicks.

    Live numbers are some seconds old.
    """
    show_broadcasts.get_broadcast(broadcast_ports(), broadcast_id)
    return show_messages(show_broadcasts.find_progress(broadcast_ports(), broadcast_id))


@routes.post("/broadcasts/{broadcast_id}/schedule", etag="edit")
def schedule(broadcast_id: str, if_match: IfMatch = None) -> BroadcastView:
    """Schedule the draft: it begins at its `at`, or at once.

    With `If-Match` only if the draft is still the one that you read.
    """
    draft = definitions.get_draft(KIND, broadcast_id)
    if if_match is not None and expected_edit(draft, if_match) != draft.edit:
        raise StaleError("Somebody else has saved this since you read it; read it again.")
    schedule_broadcast(broadcast_ports(), broadcast_id, edit=draft.edit)
    return get_broadcast(broadcast_id)


@routes.post("/broadcasts/{broadcast_id}/cancel", etag="edit")
def cancel(broadcast_id: str) -> BroadcastView:
    """Call a broadcast off before it begins; it can be scheduled again."""
    cancel_broadcast(broadcast_ports(), broadcast_id)
    return get_broadcast(broadcast_id)


def _show(found: show_broadcasts.BroadcastView) -> BroadcastView:
    return {
        "broadcast_id": found.broadcast_id,
        "name": found.name,
        "state": found.state,
        "edit": found.edit,
        "document": dict(found.document),
        "run": _show_run(found.run) if found.run else None,
    }


def _show_run(run: Run) -> RunView:
    tally: TallyView | None = None
    if run.tally:
        tally = {
            "audience": run.tally.audience,
            "states": dict(run.tally.states),
            "reasons": dict(run.tally.reasons),
            "counted_at": format_instant(run.tally.counted_at),
        }
    times = sorted(run.times.items(), key=lambda pair: pair[1])
    return {
        "at": format_instant(run.at),
        "times": {state: format_instant(time) for state, time in times},
        "tally": tally,
    }
