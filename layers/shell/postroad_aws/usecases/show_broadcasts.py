"""Broadcasts as people see them: drafts, and what was scheduled, in one list."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from postroad.broadcasts import trials
from postroad.broadcasts.broadcast import CANCELLED, DRAFT, KIND, Run, Trial, forecast_end
from postroad.contacts.places import segment_place
from postroad.experiments.evidence import Arm, Finding
from postroad.stats import Counts, MessageCounts
from postroad_aws.storage import CursorError, NotFoundError, Page
from postroad_aws.storage.definitions import Draft
from postroad_aws.storage.paging import decode_cursor, encode_cursor
from postroad_aws.usecases.schedule_broadcast import BroadcastPorts


class BroadcastView(NamedTuple):
    """A broadcast: its draft's edit (0: there is none) and document, and its run once it has been scheduled.

    `document` is what was scheduled; of a draft, and of a broadcast that was cancelled, the draft as it is now.
    """

    broadcast_id: str
    name: str
    state: str
    edit: int
    document: Mapping[str, Any]
    run: Run | None


def find_broadcast(ports: BroadcastPorts, broadcast_id: str) -> BroadcastView | None:
    """One broadcast, drafted or scheduled."""
    draft = ports.definitions.find_draft(KIND, broadcast_id)
    run = ports.broadcasts.find_run(broadcast_id)
    return _view(draft, run) if draft or run else None


def get_broadcast(ports: BroadcastPorts, broadcast_id: str) -> BroadcastView:
    """One broadcast. Raises NotFoundError."""
    found = find_broadcast(ports, broadcast_id)
    if found is None:
        raise NotFoundError(f"There is no broadcast {broadcast_id}.")
    return found


def list_broadcasts(ports: BroadcastPorts, *, cursor: str | None = None, limit: int = 50) -> Page[BroadcastView]:
    """All broadcasts: drafts first, by their ids, then what was scheduled, the latest first. Raises CursorError.

    A page may be short.
    """
    part, after = ("drafts", None) if cursor is None else decode_cursor(cursor, str, (str, type(None)))
    if part == "drafts":
        drafts = ports.definitions.list_drafts(KIND, cursor=after, limit=limit)
        runs = ports.broadcasts.find_runs([draft.definition_id for draft in drafts.items])
        views = [_view(draft, None) for draft in drafts.items if draft.definition_id not in runs]
        if drafts.next:
            return Page(views, encode_cursor("drafts", drafts.next))
        if len(views) == limit:
            return Page(views, encode_cursor("runs", None))
        after, limit = None, limit - len(views)
    elif part == "runs":
        views = []
    else:
        raise CursorError("This cursor belongs to another listing; start again without it.")
    page = ports.broadcasts.list_runs(cursor=after, limit=limit)
    views += [_view(None, run) for run in page.items]
    return Page(views, encode_cursor("runs", page.next) if page.next else None)


def preview_audience(ports: BroadcastPorts, segment: str) -> int:
    """How many are in a segment now, as the live numbers have it."""
    place = segment_place(segment)
    return ports.stats.count_members([place]).get(place, 0)


def find_progress(ports: BroadcastPorts, broadcast_id: str) -> MessageCounts:
    """What has become of a broadcast's messages, as the live numbers have it: some seconds old, and opens and clicks
    with it. The run's own tally is exact, with the reasons, as of when it was counted."""
    origin = f"{KIND}/{broadcast_id}"
    found = ports.stats.find_counts([origin]).get(origin)
    return found.all_messages if found else MessageCounts()


class TrialProgress(NamedTuple):
    """How a test stands: its numbers by template, what they say, and when it ends (None: not yet known)."""

    test: Trial
    arms: Mapping[str, Arm]
    finding: Finding
    ends_at: float | None


class Progress(NamedTuple):
    """How far a run is: how many are in its segment, its messages, and when the last will have left (None: unknown)."""

    expected: int
    counts: MessageCounts
    ends_at: float | None
    trial: TrialProgress | None


def get_progress(ports: BroadcastPorts, broadcast_id: str) -> Progress:
    """How far a broadcast is, as the live numbers have it. Raises NotFoundError."""
    view = get_broadcast(ports, broadcast_id)
    return measure_progress(ports, view)


def measure_progress(ports: BroadcastPorts, view: BroadcastView) -> Progress:
    """The same of a broadcast in hand."""
    origin = f"{KIND}/{view.broadcast_id}"
    found = ports.stats.find_counts([origin]).get(origin) or Counts()
    expected = preview_audience(ports, str(view.document.get("segment")))
    run, counts = view.run, found.all_messages
    if run is None:
        return Progress(expected, counts, None, None)
    trial, test = None, run.broadcast.test
    if test:
        arms, finding = trials.read_arms(run.broadcast, found), trials.look(run.broadcast, found)
        trial = TrialProgress(test, arms, finding, run.decides_at)
    now = ports.clock.now()
    return Progress(expected, counts, forecast_end(run, expected, counts.total, counts.queued, now), trial)


def _view(draft: Draft | None, run: Run | None) -> BroadcastView:
    if run and (draft is None or run.state != CANCELLED):
        return BroadcastView(
            run.broadcast.id, run.broadcast.name, run.state, draft.edit if draft else run.edit, run.document, run
        )
    assert draft is not None
    name = draft.document.get("name")
    return BroadcastView(
        draft.definition_id,
        name if isinstance(name, str) else draft.definition_id,
        run.state if run else DRAFT,
        draft.edit,
        draft.document,
        run,
    )
