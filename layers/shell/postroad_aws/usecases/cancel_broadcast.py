"""Call a broadcast off before it begins."""

from postroad.broadcasts import CANCELLED, SCHEDULED, Run
from postroad_aws.storage import NotFoundError, VersionConflictError
from postroad_aws.usecases.schedule_broadcast import BroadcastPorts


def cancel_broadcast(ports: BroadcastPorts, broadcast_id: str) -> Run:
    """Cancel it; doing it twice is harmless. Raises NotFoundError, and VersionConflictError when it has begun."""
    before = ports.broadcasts.find_run(broadcast_id)
    if before is None:
        raise NotFoundError(f"No broadcast {broadcast_id} has been scheduled.")
    if before.state == CANCELLED:
        return before
    if before.state != SCHEDULED:
        raise VersionConflictError(f"The broadcast {broadcast_id} has begun, and cannot be called back.")
    cancelled = before.to(CANCELLED, ports.clock.now())
    ports.broadcasts.save_run(cancelled, before)
    # A schedule that rings all the same finds it cancelled.
    ports.schedules.unschedule_broadcast(broadcast_id, before.number, before.at)
    return cancelled
