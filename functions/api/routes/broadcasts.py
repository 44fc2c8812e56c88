"""Broadcasts: drafted like any definition, then scheduled instead of published."""

from typing import Annotated, TypedDict

from functions.api.problems import StaleError
from functions.api.routes.definitions import Document, IfMatch, expected_edit
from functions.api.routes.numbers import MessageCountsView, show_messages
from functions.api.routing import Routes
from functions.api.schemas import Cursor, Example, Instant, Limit, Listed, OneOf, Within
from postroad.broadcasts.broadcast import CLICKED, EVENT, KIND, OPENED, STATES, Run
from postroad.broadcasts.mix import MOST_MONTHS, describe_mix
from postroad.instants import format_instant
from postroad_aws import books
from postroad_aws.storage import definitions
from postroad_aws.usecases import show_broadcasts, steer_broadcast
from postroad_aws.usecases.cancel_broadcast import cancel_broadcast
from postroad_aws.usecases.report_mix import report_mix
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

    attempt: Annotated[int, "How often it was sent: once, and once more each time to whom it failed."]
    note: Annotated[str | None, "Why it rests."]
    rests_until: Annotated[Instant | None, "When it goes on by itself."]
    winner: Annotated[str | None, "The template that the rest gets after a test."]
    verdict: Annotated[str | None, "Why."]

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


class TrialArmView(TypedDict):
    """What has come of one of the templates that are tested."""

    template: str
    sent: Annotated[int, "How many were sent it; where an event decides, whose message was queued."]
    converted: Annotated[int, "How many people opened or clicked it, or did the event after it, by what decides."]
    chance_to_be_best: float


class TrialView(TypedDict):
    """A test among the first people of a broadcast."""

    decided_by: Annotated[str, OneOf((CLICKED, OPENED, EVENT))]
    event: Annotated[str | None, "What decides, where an event does."]
    ends_at: Annotated[Instant | None, "Null until its people are addressed."]
    leader: str
    evidence: Annotated[float, "How many times likelier the numbers are if the leader differs than if it does not."]
    needed: Annotated[float, "The evidence at which the leader has won."]
    variants: list[TrialArmView]


class ProgressView(TypedDict):
    """How far a broadcast is."""

    expected: Annotated[int, "How many are in its segment now."]
    messages: Annotated[int, "How many have a message."]
    on_the_way: Annotated[int, "How many of these wait to be sent."]
    ends_at: Annotated[Instant | None, "When the last one will about have left; null while nobody can tell."]
    test: Annotated[TrialView | None, "Null without a test."]


class MonthView(TypedDict):
    """What left in one month."""

    month: Annotated[str, Example("2026-11"), "In UTC."]
    broadcasts: Annotated[int, "How many messages were of broadcasts; one counts in the month in which it began."]
    journeys: Annotated[int, "How many journeys asked for."]
    share: Annotated[float | None, "The percentage of broadcasts; null when nothing left."]
    above: Annotated[bool, "Whether that is more than the line."]


class MixView(TypedDict):
    """How much of what is sent are broadcasts, month by month, the latest last."""

    target: Annotated[float | None, "The line: `broadcast_share` of the policy, in percent."]
    sentence: Annotated[str, Example("In 2026-11 38 % of the messages were broadcasts, within the line of 40 %.")]
    months: list[MonthView]


class WinnerView(TypedDict):
    """What the rest gets."""

    template: Annotated[str, Example("second-offer")]


@routes.get("/broadcasts")
def list_broadcasts(cursor: Cursor | None = None, limit: Limit = 50) -> Listed[BroadcastView]:
    """All broadcasts: drafts first, then what was scheduled, the latest first."""
    page = show_broadcasts.list_broadcasts(broadcast_ports(), cursor=cursor, limit=limit)
    return {"items": [_show(each) for each in page.items], "next": page.next}


@routes.get("/mix")
def get_mix(months: Annotated[int, Within(1, MOST_MONTHS), "How many months are shown."] = 12) -> MixView:
    """Which share of each month's messages were broadcasts, beside the line that the policy draws.

    Numbers are some seconds old.
    """
    ports, target = broadcast_ports(), books.current_policy().broadcast_share
    found = report_mix(ports.stats, ports.broadcasts, books.newest().manifest, ports.clock.now(), months)
    shown: list[MonthView] = [
        {
            "month": each.month,
            "broadcasts": each.broadcasts,
            "journeys": each.journeys,
            "share": None if each.share is None else round(each.share, 1),
            "above": each.is_above(target),
        }
        for each in found
    ]
    return {"target": target, "sentence": describe_mix(found, target), "months": shown}


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
    """Call a broadcast off. Before it begins, it can be scheduled again; later, what has not left is skipped."""
    cancel_broadcast(broadcast_ports(), broadcast_id)
    return get_broadcast(broadcast_id)


@routes.get("/broadcasts/{broadcast_id}/progress")
def get_progress(broadcast_id: str) -> ProgressView:
    """How far it is, when it will be over, and how its test stands.

    Live numbers are some seconds old.
    """
    progress = show_broadcasts.get_progress(broadcast_ports(), broadcast_id)
    return {
        "expected": progress.expected,
        "messages": progress.counts.total,
        "on_the_way": progress.counts.queued,
        "ends_at": format_instant(progress.ends_at) if progress.ends_at else None,
        "test": _show_trial(progress.trial) if progress.trial else None,
    }


@routes.post("/broadcasts/{broadcast_id}/pause", etag="edit")
def pause(broadcast_id: str) -> BroadcastView:
    """Pause it: within a minute nothing of it leaves any more."""
    steer_broadcast.pause_broadcast(broadcast_ports(), broadcast_id)
    return get_broadcast(broadcast_id)


@routes.post("/broadcasts/{broadcast_id}/resume", etag="edit")
def resume(broadcast_id: str) -> BroadcastView:
    """Let a paused one go on where it was."""
    steer_broadcast.resume_broadcast(broadcast_ports(), broadcast_id)
    return get_broadcast(broadcast_id)


@routes.put("/broadcasts/{broadcast_id}/winner", etag="edit")
def choose_template(broadcast_id: str, body: WinnerView) -> BroadcastView:
    """Let the rest get this template, while a test is running or has ended."""
    steer_broadcast.choose_broadcast_winner(broadcast_ports(), broadcast_id, body["template"])
    return get_broadcast(broadcast_id)


@routes.post("/broadcasts/{broadcast_id}/resend", etag="edit")
def resend(broadcast_id: str) -> BroadcastView:
    """Send it once more to those whom it failed, when it is done; never to whom it may have reached."""
    steer_broadcast.send_broadcast_again(broadcast_ports(), broadcast_id)
    return get_broadcast(broadcast_id)


def _show_trial(trial: show_broadcasts.TrialProgress) -> TrialView:
    return {
        "decided_by": trial.test.decided_by,
        "event": trial.test.event or None,
        "ends_at": format_instant(trial.ends_at) if trial.ends_at else None,
        "leader": trial.finding.leader,
        "evidence": trial.finding.evidence,
        "needed": trial.finding.needed,
        "variants": [
            {
                "template": template,
                "sent": arm.shown,
                "converted": arm.converted,
                "chance_to_be_best": trial.finding.best[template],
            }
            for template, arm in trial.arms.items()
        ],
    }


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
        "attempt": run.attempt,
        "note": run.note or None,
        "rests_until": format_instant(run.rests_until) if run.rests_until else None,
        "winner": run.winner or None,
        "verdict": run.verdict or None,
        "at": format_instant(run.at),
        "times": {state: format_instant(time) for state, time in times},
        "tally": tally,
    }
