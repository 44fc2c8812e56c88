"""Run a broadcast: begin it, address the people of its segment, count what became of its messages.

Each of these may be done again, or by two at once: an event acts once, and ids of messages are derived. What each does
next is decided in `postroad.broadcasts`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from postroad.broadcasts import (
    ADDRESS,
    DONE,
    MAILING,
    NOTHING,
    RUNNING,
    SCHEDULED,
    Run,
    Tally,
    after_count,
    event_for,
    message_id_of,
    next_look,
    next_task,
)
from postroad.messages import Message
from postroad.places import postponed_place, segment_place
from postroad_aws.observability import logger
from postroad_aws.ports import Ports
from postroad_aws.storage import Page, VersionConflictError
from postroad_aws.storage.memberships import Membership
from postroad_aws.storage.paging import decode_cursor, encode_cursor
from postroad_aws.usecases.process_events import fold_apart

PAGE = 100
# Rows of a segment that are looked through at once for those that were moved.
ROWS = 1_000
# While so many messages wait to be sent, others would only wait behind them, and what events trigger with them.
DEEP = 500
PAUSE = 1.0


class Broadcasts(Protocol):
    def find_run(self, broadcast_id: str) -> Run | None: ...

    def save_run(self, run: Run, before: Run | None) -> None: ...

    def touch(self, broadcast_id: str, number: int, now: float) -> None: ...

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
    schedules: Schedules


class Counted(NamedTuple):
    """What has been counted so far; `cursor` is None when that is all."""

    tally: Tally
    cursor: str | None


def begin_broadcast(ports: RunPorts, broadcast_id: str, number: int) -> str:
    """Look at a run; returns what is to be done about it: address people, count messages, or nothing."""
    now = ports.folding.clock.now()
    run = ports.broadcasts.find_run(broadcast_id)
    task = next_task(run, number, now)
    if run is None or run.number != number:
        return NOTHING
    if task == ADDRESS:
        begun = run.to(RUNNING, now) if run.state == SCHEDULED else replace(run, touched_at=now)
        try:
            ports.broadcasts.save_run(begun, run)
        except VersionConflictError:
            return NOTHING  # somebody else has begun or cancelled it
        run = begun
    if run.state in (RUNNING, MAILING):
        # Whoever does it may be cut off: somebody looks again. Each look makes one other, until all is done.
        _look_again(ports, run, now)
    logger.info("a broadcast was looked at", broadcast=broadcast_id, state=run.state, task=task)
    return task


def address_shard(
    ports: RunPorts, broadcast_id: str, number: int, shard: str, cursor: str | None, has_time: Callable[[], bool]
) -> str | None:
    """Address the members of one shard, as far as the time goes; returns the cursor to go on with, None at the end."""
    run = _find_running(ports, broadcast_id, number)
    if run is None:
        return None
    place = segment_place(run.broadcast.segment)
    while has_time():
        ports.broadcasts.touch(broadcast_id, number, ports.folding.clock.now())
        if ports.queues.sends_backlog() > DEEP:
            ports.folding.clock.sleep(PAUSE)
            continue
        members = ports.members.list_shard(place, shard, after=cursor, limit=PAGE)
        _address(ports, run, [member.contact_id for member in members if run.is_for(member.since)])
        if len(members) < PAGE:
            return None
        cursor = members[-1].contact_id
    return cursor or ""


def address_missed(
    ports: RunPorts, broadcast_id: str, number: int, cursor: str | None, has_time: Callable[[], bool]
) -> str | None:
    """Address whom all shards have missed: whom AWS did not let through, and who was in the segment as another
    contact, in a shard that was still to come, and became one with a contact of a shard that had passed. Goes on like
    `address_shard`; whom it misses itself is left to the next look."""
    run = _find_running(ports, broadcast_id, number)
    if run is None:
        return None
    missed, after = decode_cursor(cursor, int, (str, type(None))) if cursor else (run.missed, None)
    is_missing = missed > run.made_up
    while has_time():
        ports.broadcasts.touch(broadcast_id, number, ports.folding.clock.now())
        page = ports.members.list_members(segment_place(run.broadcast.segment), cursor=after, limit=ROWS)
        wanted = [each.contact_id for each in page.items if (is_missing or each.moved) and run.is_for(each.since)]
        for start in range(0, len(wanted), PAGE):
            ids = {message_id_of(broadcast_id, contact_id): contact_id for contact_id in wanted[start : start + PAGE]}
            known = ports.folding.messages.find_messages(ids)
            _address(ports, run, [contact_id for each, contact_id in ids.items() if each not in known])
        after = page.next
        if after is None:
            if is_missing:
                ports.broadcasts.make_up(broadcast_id, number, missed)
            return None
    return encode_cursor(missed, after)


def _find_running(ports: RunPorts, broadcast_id: str, number: int) -> Run | None:
    run = ports.broadcasts.find_run(broadcast_id)
    return run if run and run.number == number and run.state == RUNNING else None


def _address(ports: RunPorts, run: Run, contact_ids: Sequence[str]) -> None:
    if fold_apart(ports.folding, [[event_for(run, contact_id)] for contact_id in contact_ids]):
        # One contact must not hold up the others; but nothing is done without it.
        ports.broadcasts.miss(run.broadcast.id, run.number)


def count_messages(
    ports: RunPorts, broadcast_id: str, number: int, so_far: Counted, has_time: Callable[[], bool]
) -> Counted:
    """Count a broadcast's messages, as far as the time goes; at the end the run gets its numbers and its next state."""
    run = ports.broadcasts.find_run(broadcast_id)
    if run is None or run.number != number:
        return Counted(so_far.tally, None)
    tally, cursor = so_far
    while True:
        page = ports.ledger.list_by_origin(run.broadcast.origin, cursor=cursor, limit=PAGE)
        tally, cursor = tally.add(page.items), page.next
        if cursor is None:
            break
        if not has_time():
            return Counted(tally, cursor)
    now = ports.folding.clock.now()
    waiting = ports.members.list_members(postponed_place(run.broadcast.origin), limit=1)
    counted = after_count(run, tally, now, some_wait=bool(waiting.items))
    if counted.state == DONE:
        _look_again(ports, counted, now)  # before it is saved, so that a crash in between ends nothing
    ports.broadcasts.save_run(counted, run)
    logger.info("a broadcast was counted", broadcast=broadcast_id, state=counted.state, audience=tally.audience)
    return Counted(tally, None)


def _look_again(ports: RunPorts, run: Run, now: float) -> None:
    at = next_look(run, now)
    if at is not None:
        ports.schedules.schedule_broadcast(run.broadcast.id, run.number, at)
