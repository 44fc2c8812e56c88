"""Put messages that a commit has just queued up for sending."""

from collections.abc import Sequence
from typing import Protocol


class Queues(Protocol):
    """All that the relay touches, so that its function loads no more."""

    def send_messages(self, message_ids: Sequence[str]) -> Sequence[str]: ...


def relay_messages(queues: Queues, message_ids: Sequence[str]) -> list[str]:
    """Hand queued messages to the sends queue; returns those that it did not take. Doing it twice is harmless."""
    return list(queues.send_messages(message_ids))
