"""Look after messages that got stuck: the stream was out, or a sender died."""

from typing import NamedTuple

from postroad import messages as states
from postroad.contacts import SHARDS
from postroad_aws.ports import KeylessPorts

PAGE = 500


class Swept(NamedTuple):
    requeued: int
    unknown: int


def sweep_messages(ports: KeylessPorts) -> Swept:
    """Queue again what is still queued, and call unknown what a sender left behind."""
    now = ports.clock.now()
    requeued = unknown = 0
    for number in range(SHARDS):
        for message in ports.messages.list_pending(f"{number:02d}", now, PAGE):
            claim_ends = (message.claimed_at or 0.0) + states.PATIENCE[states.SENDING]
            if message.state == states.QUEUED:
                requeued += 1 - len(ports.queues.send_messages([message.message_id]))
                ports.messages.postpone(message.message_id, now + states.PATIENCE[states.QUEUED])
            elif message.state == states.SENDING and claim_ends > now:
                ports.messages.postpone(message.message_id, claim_ends)
            elif message.state == states.SENDING:
                reason = "its sender stopped before the channel's answer was recorded"
                unknown += ports.messages.settle(
                    message.message_id, states.UNKNOWN, now, reason=reason, owner=message.owner
                )
            else:
                ports.messages.postpone(message.message_id, None)
    return Swept(requeued, unknown)
