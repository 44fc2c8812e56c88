"""Steer a broadcast that is under way: pause it, resume it, stop it, choose its winner, send it once more."""

from collections.abc import Callable

from postroad.broadcasts import broadcast as broadcasts
from postroad.broadcasts.broadcast import Run, RunStateError, next_look
from postroad_aws.storage import NotFoundError, VersionConflictError
from postroad_aws.usecases.schedule_broadcast import BroadcastPorts


def pause_broadcast(ports: BroadcastPorts, broadcast_id: str) -> Run:
    """Nothing of it leaves any more within a minute; doing it twice is harmless. Raises NotFoundError, and
    VersionConflictError when it is not under way."""
    return _steer(ports, broadcast_id, broadcasts.pause)


def resume_broadcast(ports: BroadcastPorts, broadcast_id: str) -> Run:
    """It goes on where it was, with what was held. Raises as `pause_broadcast` does."""
    return _steer(ports, broadcast_id, broadcasts.resume)


def stop_broadcast(ports: BroadcastPorts, broadcast_id: str) -> Run:
    """Nobody else gets it, and what is queued ends as skipped. Raises as `pause_broadcast` does."""
    return _steer(ports, broadcast_id, broadcasts.stop)


def choose_broadcast_winner(ports: BroadcastPorts, broadcast_id: str, template: str) -> Run:
    """Somebody chooses what the rest gets, before or after the test ends. Raises as `pause_broadcast` does."""
    because = "somebody chose it"
    return _steer(
        ports, broadcast_id, lambda run, now: broadcasts.choose_winner(run, template, because, now), again=template
    )


def send_broadcast_again(ports: BroadcastPorts, broadcast_id: str) -> Run:
    """Once more to those whom it failed. Raises as `pause_broadcast` does."""
    return _steer(ports, broadcast_id, broadcasts.send_again)


def _steer(
    ports: BroadcastPorts, broadcast_id: str, change: Callable[[Run, float], Run], again: str | None = None
) -> Run:
    before, now = ports.broadcasts.find_run(broadcast_id), ports.clock.now()
    if before is None:
        raise NotFoundError(f"No broadcast {broadcast_id} has been scheduled.")
    if again is not None and before.winner == again:
        return before
    try:
        after = change(before, now)
    except RunStateError as error:
        raise VersionConflictError(f"The broadcast {broadcast_id}: {error}") from None
    if after is before:
        return before
    look = next_look(after, now) if after.set_going_at == now else None
    # First the schedule, as when it was scheduled: one that finds nothing to do does nothing.
    if look is not None:
        ports.schedules.schedule_broadcast(broadcast_id, after.number, look)
    ports.broadcasts.save_run(after, before)
    if after.set_going_at == now:
        ports.schedules.start_broadcast(broadcast_id, after.number)
    return after
