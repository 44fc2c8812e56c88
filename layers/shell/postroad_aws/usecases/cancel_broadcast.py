"""Call a broadcast off: before it begins, or while it is under way."""

from postroad.broadcasts.broadcast import CANCELLED, SCHEDULED, Run
from postroad_aws.storage import NotFoundError
from postroad_aws.usecases.schedule_broadcast import BroadcastPorts
from postroad_aws.usecases.steer_broadcast import stop_broadcast


def cancel_broadcast(ports: BroadcastPorts, broadcast_id: str) -> Run:
    """Cancel it, or stop it when it has begun; doing it twice is harmless. Raises NotFoundError, and
    VersionConflictError when it is done."""
    before = ports.broadcasts.find_run(broadcast_id)
    if before is None:
        raise NotFoundError(f"No broadcast {broadcast_id} has been scheduled.")
    if before.state == CANCELLED:
        return before
    if before.state != SCHEDULED:
        return stop_broadcast(ports, broadcast_id)
    cancelled = before.to(CANCELLED, ports.clock.now())
    ports.broadcasts.save_run(cancelled, before)
    # A schedule that rings all the same finds it cancelled.
    ports.schedules.unschedule_broadcast(broadcast_id, before.number, before.at)
    return cancelled
