"""Run a broadcast: begin it, address the people of its segment, decide its test, count what became of its messages.

Each of these may be done again, or by two at once: an event acts once, and ids of messages are derived. What each does
next is decided in `postroad.broadcasts.broadcast`.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from postroad.broadcasts.broadcast import (
    ADDRESS,
    CANCELLED,
    DECIDE,
    DONE,
    END,
    HELD,
    NOTHING,
    PAUSED,
    RUNNING,
    SCHEDULED,
    STOPPED,
    TESTING,
    UNSENT,
    Run,
    Tally,
    after_count,
    choose_winner,
    event_for,
    message_id_of,
    next_look,
    next_task,
)
from postroad.contacts.places import postponed_place, segment_place
from postroad.errors import PostroadError
from postroad.sending.messages import FAILED, QUEUED, Message
from postroad.sending.quotas import Quota, find_depth, find_rest
from postroad.stats import Counts
from postroad_aws.observability import logger
from postroad_aws.ports import Ports
from postroad_aws.storage import Page, VersionConflictError
from postroad_aws.storage.memberships import SHARDS, Membership
from postroad_aws.storage.paging import decode_cursor, encode_cursor
from postroad_aws.usecases.process_events import fold_apart

PAGE = 100
# Rows of a segment that are looked through at once for those that were moved.
ROWS = 1_000
# While so many messages wait to be sent, others would only wait behind them, and what events trigger with them.
DEEP = 500
PAUSE = 1.0
# SES is asked about its quota so often by each worker.
QUOTA_FRESH = 60.0


class Broadcasts(Protocol):
    def find_run(self, broadcast_id: str) -> Run | None: ...

    def save_run(self, run: Run, before: Run | None) -> None: ...

    def touch(self, run: Run, now: float, part: str, cursor: str | None) -> bool: ...

    def miss(self, broadcast_id: str, number: int) -> None: ...

    def make_up(self, broadcast_id: str, number: int, missed: int) -> None: ...


class Members(Protocol):
    def list_shard(
        self, place: str, shard: str, *, after: str | None = None, limit: int = 100
    ) -> Sequence[Membership]: ...

    def list_members(self, place: str, *, cursor: str | None = None, limit: int = 50) -> Page[Membership]: ...


class Ledger(Protocol):
    def list_by_origin(self, origin: str, *, cursor: str | None = None, limit: int = 50) -> Page[Message]: ...


class Queues(Protocol):
    def sends_backlog(self) -> int: ...

    def send_messages(self, message_ids: Sequence[str]) -> Sequence[str]: ...


class Quotas(Protocol):
    def find_quota(self, channel: str) -> Quota | None:
        """What the channel's provider lets leave; None when it has no quota, or did not say."""


class Stats(Protocol):
    def find_counts(self, subjects: Sequence[str]) -> Mapping[str, Counts]: ...


class Schedules(Protocol):
    def schedule_broadcast(self, broadcast_id: str, number: int, at: float) -> None: ...


@dataclass(frozen=True, slots=True)
class RunPorts:
    """What a run touches beside what folding touches."""

    folding: Ports
    broadcasts: Broadcasts
    members: Members
    ledger: Ledger
    queues: Queues
    quotas: Quotas
    stats: Stats
    schedules: Schedules


class Counted(NamedTuple):
    """What has been counted so far; `cursor` is None when that is all."""

    tally: Tally
    cursor: str | None


class Begun(NamedTuple):
    """What is to be done about a run, and the parts of it that are to be gone through."""

    task: str
    parts: Sequence[str] = ()


def begin_broadcast(ports: RunPorts, broadcast_id: str, number: int) -> Begun:
    """Look at a run; returns what is to be done about it: address people, count messages, or nothing. When its test is
    over, it is decided."""
    now = ports.folding.clock.now()
    run = ports.broadcasts.find_run(broadcast_id)
    task = next_task(run, number, now)
    if run is None or run.number != number:
        return Begun(NOTHING)
    if task in (ADDRESS, DECIDE):
        begun = _decide(ports, run, now) if task == DECIDE else run
        begun = begun.to(RUNNING, now) if run.state == SCHEDULED else begun
        begun = replace(begun, touched_at=now, rests_until=None, note="")
        try:
            ports.broadcasts.save_run(begun, run)
        except VersionConflictError:
            return Begun(NOTHING)  # somebody else has begun, decided, paused or cancelled it
        run, task = begun, ADDRESS
    if run.state not in (SCHEDULED, PAUSED, CANCELLED, DONE):
        # Whoever does it may be cut off: somebody looks again. Each look makes one other, until all is done.
        _look_again(ports, run, now)
    logger.info("a broadcast was looked at", broadcast=broadcast_id, state=run.state, task=task)
    return Begun(task, run.parts(SHARDS) if task == ADDRESS else ())


def _decide(ports: RunPorts, run: Run, now: float) -> Run:
    """Its test is over: the rest gets the winner."""
    from postroad.broadcasts.trials import judge

    test = run.broadcast.test
    assert test is not None
    counts = ports.stats.find_counts([run.broadcast.origin])[run.broadcast.origin]
    verdict = judge(run.broadcast, test, counts)
    return choose_winner(run, verdict.winner, verdict.because, now)


def address_part(
    ports: RunPorts, broadcast_id: str, number: int, part: str, cursor: str | None, has_time: Callable[[], bool]
) -> str | None:
    """Go through one part of a run, as far as the time goes: address the members of a shard, or those whom the last
    attempt failed, or queue again what was held. Returns the cursor to go on with, None at the end.

    How far it has come is kept with the run, so that one that was cut off or paused goes on from there.
    """
    run = ports.broadcasts.find_run(broadcast_id)
    if run is None or run.number != number or part not in run.parts([part]):
        return None
    step = _STEPS.get(part, _address_members)
    pace = _Pace(ports, run)
    cursor = cursor or run.cursors.get(part) or None
    while has_time():
        now = ports.folding.clock.now()
        if not ports.broadcasts.touch(run, now, part, cursor):
            return None  # it was paused, or stopped
        if part != HELD and (rest := pace.find_rest(now)):
            _rest(ports, run, rest)
            return None
        if ports.queues.sends_backlog() > pace.depth:
            ports.folding.clock.sleep(PAUSE)
            continue
        cursor = step(ports, run, part, cursor)
        if cursor is None:
            ports.broadcasts.touch(run, ports.folding.clock.now(), part, END)
            return None
    return cursor or ""


def _address_members(ports: RunPorts, run: Run, shard: str, after: str | None) -> str | None:
    members = ports.members.list_shard(segment_place(run.broadcast.segment), shard, after=after, limit=PAGE)
    ids = [member.contact_id for member in members if run.is_for(member.since)]
    _address(ports, run, [contact_id for contact_id in ids if run.is_turn_of(contact_id)])
    return members[-1].contact_id if len(members) == PAGE else None


def _address_unsent(ports: RunPorts, run: Run, part: str, after: str | None) -> str | None:
    """Those whose message of the last attempt failed, and only failed: of an unknown one nobody knows."""
    page = ports.ledger.list_by_origin(run.broadcast.origin, cursor=after, limit=PAGE)
    failed = [message for message in page.items if message.state == FAILED]
    ids = {message_id_of(run.broadcast.id, each.contact_id, run.attempt - 1): each for each in failed}
    _address(ports, run, [each.contact_id for message_id, each in ids.items() if message_id == each.message_id])
    return page.next


def _queue_held(ports: RunPorts, run: Run, part: str, after: str | None) -> str | None:
    """What was held is put up for sending again; a stopped one's messages are ended there."""
    page = ports.ledger.list_by_origin(run.broadcast.origin, cursor=after, limit=PAGE)
    queued = [message.message_id for message in page.items if message.state == QUEUED]
    if queued and ports.queues.send_messages(queued):
        raise PostroadError("The queue did not take all that was held; it is tried again.")
    return page.next


_STEPS: dict[str, Callable[[RunPorts, Run, str, str | None], str | None]] = {
    HELD: _queue_held,
    UNSENT: _address_unsent,
}


class _Pace:
    """How fast a worker may address people: by what the channel's provider lets leave."""

    def __init__(self, ports: RunPorts, run: Run) -> None:
        self.ports = ports
        template = ports.folding.books.current().templates.get(run.broadcast.template)
        self.channel = template.channel if template else ""
        self.asked_at: float | None = None
        self.quota: Quota | None = None

    def find_rest(self, now: float) -> tuple[float, str] | None:
        """Until when nobody is to be addressed, and why."""
        if self.asked_at is None or now - self.asked_at >= QUOTA_FRESH:
            self.quota, self.asked_at = self.ports.quotas.find_quota(self.channel), now
        return find_rest(self.quota, now) if self.quota else None

    @property
    def depth(self) -> int:
        """While more messages wait to be sent, nobody else is addressed."""
        return find_depth(self.quota, DEEP)


def _rest(ports: RunPorts, run: Run, rest: tuple[float, str]) -> None:
    """Nobody is addressed until then; then it goes on."""
    newest = ports.broadcasts.find_run(run.broadcast.id)
    if newest is None or (newest.number, newest.state) != (run.number, RUNNING):
        return
    until, because = rest
    resting = replace(newest, rests_until=until, note=because)
    ports.schedules.schedule_broadcast(run.broadcast.id, run.number, until)
    with suppress(VersionConflictError):
        ports.broadcasts.save_run(resting, newest)
    logger.warning("a broadcast rests", broadcast=run.broadcast.id, because=because)


def address_missed(
    ports: RunPorts, broadcast_id: str, number: int, cursor: str | None, has_time: Callable[[], bool]
) -> str | None:
    """Address whom all shards have missed: whom AWS did not let through, and who was in the segment as another
    contact, in a shard that was still to come, and became one with a contact of a shard that had passed. Goes on like
    `address_part`; whom it misses itself is left to the next look."""
    run = ports.broadcasts.find_run(broadcast_id)
    if run is None or run.number != number or run.state != RUNNING:
        return None
    missed, after = decode_cursor(cursor, int, (str, type(None))) if cursor else (run.missed, None)
    is_missing = missed > run.made_up
    while has_time():
        if not ports.broadcasts.touch(run, ports.folding.clock.now(), "", None):
            return None
        if run.attempt > 1:
            after = _address_unsent(ports, run, UNSENT, after) if is_missing else None
        else:
            after = _address_moved(ports, run, after, is_missing)
        if after is None:
            if is_missing:
                ports.broadcasts.make_up(broadcast_id, number, missed)
            return None
    return encode_cursor(missed, after)


def _address_moved(ports: RunPorts, run: Run, after: str | None, is_missing: bool) -> str | None:
    """Who has no message among all members, or among those who were moved; where to go on."""
    page = ports.members.list_members(segment_place(run.broadcast.segment), cursor=after, limit=ROWS)
    wanted = [each.contact_id for each in page.items if (is_missing or each.moved) and run.is_for(each.since)]
    wanted = [contact_id for contact_id in wanted if run.pick(contact_id)]
    for start in range(0, len(wanted), PAGE):
        ids = {message_id_of(run.broadcast.id, contact_id): contact_id for contact_id in wanted[start : start + PAGE]}
        known = ports.folding.messages.find_messages(ids)
        _address(ports, run, [contact_id for each, contact_id in ids.items() if each not in known])
    return page.next


def _address(ports: RunPorts, run: Run, contact_ids: Sequence[str]) -> None:
    if fold_apart(ports.folding, [[event_for(run, contact_id)] for contact_id in contact_ids]):
        # One contact must not hold up the others; but nothing is done without it.
        ports.broadcasts.miss(run.broadcast.id, run.number)


def count_messages(
    ports: RunPorts, broadcast_id: str, number: int, so_far: Counted, has_time: Callable[[], bool]
) -> Counted:
    """Count a broadcast's messages, as far as the time goes; at the end the run gets its numbers and its next state."""
    run = ports.broadcasts.find_run(broadcast_id)
    if run is None or run.number != number or run.state == PAUSED or run.parts(SHARDS):
        return Counted(so_far.tally, None)
    tally, cursor = so_far
    if cursor is None:
        # Asked before the first message is counted: who is let go during the count has waited, and is looked at again.
        places = [postponed_place(run.broadcast.origin, step) for step in run.broadcast.steps]
        waiting = any(ports.members.list_members(place, limit=1).items for place in places)
        tally = replace(tally, some_wait=waiting)
    while True:
        page = ports.ledger.list_by_origin(run.broadcast.origin, cursor=cursor, limit=PAGE)
        tally, cursor = tally.add(page.items), page.next
        if cursor is None:
            break
        if not has_time():
            return Counted(tally, cursor)
    now = ports.folding.clock.now()
    counted = after_count(run, tally, now)
    if counted.state in (TESTING, DONE, STOPPED):
        _look_again(ports, counted, now)  # before it is saved, so that a crash in between ends nothing
    ports.broadcasts.save_run(counted, run)
    logger.info("a broadcast was counted", broadcast=broadcast_id, state=counted.state, audience=tally.audience)
    return Counted(tally, None)


def _look_again(ports: RunPorts, run: Run, now: float) -> None:
    at = next_look(run, now)
    if at is not None:
        ports.schedules.schedule_broadcast(run.broadcast.id, run.number, at)
