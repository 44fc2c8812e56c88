"""Schedule a broadcast: what was drafted is checked once more, fixed, and begins at its time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from postroad.broadcasts.broadcast import CANCELLED, KIND, SCHEDULED, Run, next_look, plan_run
from postroad.definitions import check_definition, known_in
from postroad.errors import DefinitionError
from postroad.stats import Counts, DayCounts
from postroad_aws.ports import Books, Clock
from postroad_aws.storage import NotFoundError, Page, VersionConflictError
from postroad_aws.storage.definitions import Draft

# A schedule rings within a minute. What is to begin sooner is started at once, and the schedule looks after it.
SOON = 60.0


class Definitions(Protocol):
    def find_draft(self, kind: str, definition_id: str, /) -> Draft | None: ...

    def list_drafts(self, kind: str, *, cursor: str | None = None, limit: int = 50) -> Page[Draft]: ...


class Broadcasts(Protocol):
    def find_run(self, broadcast_id: str) -> Run | None: ...

    def find_runs(self, broadcast_ids: Collection[str]) -> Mapping[str, Run]: ...

    def list_runs(self, *, cursor: str | None = None, limit: int = 50) -> Page[Run]: ...

    def save_run(self, run: Run, before: Run | None) -> None:
        """Raises VersionConflictError when `before` is no longer what is there."""


class Schedules(Protocol):
    def start_broadcast(self, broadcast_id: str, number: int) -> None: ...

    def schedule_broadcast(self, broadcast_id: str, number: int, at: float) -> None: ...

    def unschedule_broadcast(self, broadcast_id: str, number: int, at: float) -> None: ...


class Stats(Protocol):
    def count_members(self, places: Sequence[str]) -> Mapping[str, int]: ...

    def find_counts(self, subjects: Sequence[str], /) -> Mapping[str, Counts]: ...

    def list_days(self, definition: str, since: str, until: str, /) -> Sequence[DayCounts]: ...


@dataclass(frozen=True, slots=True)
class BroadcastPorts:
    """What scheduling, cancelling and showing broadcasts touches."""

    definitions: Definitions
    broadcasts: Broadcasts
    books: Books
    schedules: Schedules
    stats: Stats
    clock: Clock


def schedule_broadcast(ports: BroadcastPorts, broadcast_id: str, *, edit: int) -> Run:
    """Schedule the draft as it was at this edit. Raises NotFoundError, DefinitionError with all mistakes, and
    VersionConflictError when the draft has been edited since, or was scheduled already."""
    draft = ports.definitions.find_draft(KIND, broadcast_id)
    if draft is None:
        raise NotFoundError(f"There is no broadcast {broadcast_id}.")
    if draft.edit != edit:
        raise VersionConflictError(f"Somebody else has saved {broadcast_id}; read it again.")
    now = ports.clock.now()
    before = ports.broadcasts.find_run(broadcast_id)
    if before and before.state != CANCELLED:
        what = "scheduled" if before.state == SCHEDULED else "begun"
        raise VersionConflictError(
            f"The broadcast {broadcast_id} has been {what} already; to send more, make a new one."
        )
    broadcast = check_definition(draft.document, known_in(ports.books.newest(), {}))
    if broadcast.at is not None and broadcast.at < now - SOON:
        raise DefinitionError(("at", "it lies in the past; choose a time to come, or leave it out to begin at once"))
    run = plan_run(draft.document, draft.edit, before, now)
    is_soon = run.at <= now + SOON
    first = next_look(run, now) if is_soon else run.at
    # First the schedule: one that finds no run does nothing, and a run without one would never begin.
    ports.schedules.schedule_broadcast(broadcast_id, run.number, first or run.at)
    ports.broadcasts.save_run(run, before)
    if is_soon:
        ports.schedules.start_broadcast(broadcast_id, run.number)
    return run
