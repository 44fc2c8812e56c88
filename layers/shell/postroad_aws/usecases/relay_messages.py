"""Put messages that a commit has just queued up for sending."""

from collections.abc import Sequence

from postroad_aws.ports import Ports


def relay_messages(ports: Ports, message_ids: Sequence[str]) -> list[str]:
    """Hand queued messages to the sends queue; returns those that it did not take. Doing it twice is harmless."""
    return list(ports.queues.send_messages(message_ids))
