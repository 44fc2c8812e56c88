"""The crowds of a message: who got it, who read it, who did not, each with its number and the test that finds them."""

from collections.abc import Callable
from typing import NamedTuple

from postroad.sending.messages import (
    BOUNCED,
    COMPLAINED,
    DELIVERED,
    FAILED,
    QUEUED,
    SENDING,
    SENT,
    SKIPPED,
    UNKNOWN,
    Message,
)
from postroad.stats import MessageCounts


class Crowd(NamedTuple):
    """`count` is its number out of a step's counts, `wanted` whether a message belongs to it."""

    key: str
    title: str
    count: Callable[[MessageCounts], int]
    wanted: Callable[[Message], bool]


def _in_state(*states: str) -> Callable[[Message], bool]:
    return lambda message: message.state in states


CROWDS = {
    crowd.key: crowd
    for crowd in (
        Crowd("all", "All", lambda c: c.total, lambda message: True),
        Crowd("waiting", "On its way", lambda c: c.queued, _in_state(QUEUED, SENDING)),
        Crowd("sent", "Sent", lambda c: c.sent, _in_state(SENT, DELIVERED, BOUNCED, COMPLAINED)),
        Crowd("delivered", "Delivered", lambda c: c.delivered, _in_state(DELIVERED, COMPLAINED)),
        Crowd("opened", "Opened", lambda c: c.opened, lambda message: "opened" in message.times),
        Crowd("clicked", "Clicked", lambda c: c.clicked, lambda message: "clicked" in message.times),
        Crowd("bounced", "Bounced", lambda c: c.bounced, _in_state(BOUNCED)),
        Crowd("complained", "Complained", lambda c: c.complained, _in_state(COMPLAINED)),
        Crowd("skipped", "Not sent", lambda c: c.skipped, _in_state(SKIPPED)),
        Crowd("failed", "Failed", lambda c: c.failed, _in_state(FAILED)),
        Crowd("unknown", "Unknown", lambda c: c.unknown, _in_state(UNKNOWN)),
    )
}
