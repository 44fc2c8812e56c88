"""Rebuilds: how far the runs are that fold every contact by a new book."""

from typing import Annotated, TypedDict

from functions.api.routing import Routes
from functions.api.schemas import Instant, Listed, Within
from postroad.instants import format_instant
from postroad.rebuilds import Rebuild, describe
from postroad_aws import clock
from postroad_aws.storage import rebuilds as storage

routes = Routes("Rebuilds")


class RebuildView(TypedDict):
    """A run through all contacts after a publication."""

    revision: Annotated[int, "The revision of the book that publishing answered."]
    state: Annotated[
        str,
        "`waiting` to begin, `running`, `done`, or `stalled`: nothing has moved for ten minutes, and an alarm says so.",
    ]
    done: Annotated[int, "How many contacts have been folded."]
    of: Annotated[int | None, "How many there were when it began; null until they are counted."]
    touched_at: Annotated[Instant | None, "When the last page was folded."]
    sentence: str


@routes.get("/rebuilds")
def list_rebuilds() -> Listed[RebuildView]:
    """The latest runs, the newest first.

    A publication of templates or forms alone needs none. What is known of a run is kept for 30 days.
    """
    return {"items": [_show(rebuild) for rebuild in storage.list_rebuilds(clock.now())], "next": None}


@routes.get("/rebuilds/{revision}")
def get_rebuild(revision: Annotated[int, Within(1, 999_999_999)]) -> RebuildView:
    """How far the run of a revision is."""
    return _show(storage.find_rebuild(revision, clock.now()))


def _show(rebuild: Rebuild) -> RebuildView:
    return {
        "revision": rebuild.revision,
        "state": rebuild.state,
        "done": rebuild.done,
        "of": rebuild.of,
        "touched_at": format_instant(rebuild.touched_at) if rebuild.touched_at else None,
        "sentence": describe(rebuild),
    }
