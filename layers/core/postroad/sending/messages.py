"""Messages: one thing for one contact on one channel, and the states it can be in."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from postroad.events import CLICKS, JOURNEY_ENDED, OPENINGS, UNSUBSCRIBED, Event

QUEUED = "queued"
SENDING = "sending"
UNKNOWN = "unknown"
SENT = "sent"
DELIVERED = "delivered"
BOUNCED = "bounced"
COMPLAINED = "complained"
SKIPPED = "skipped"
FAILED = "failed"

# A message only ever moves to a state of higher rank, so feedback may come in any order and any number of times.
# Failed comes after sent, because a channel may reject what it has taken; that it was delivered corrects either.
_RANK = {QUEUED: 0, SENDING: 1, UNKNOWN: 2, SKIPPED: 3, SENT: 4, FAILED: 5, DELIVERED: 6, BOUNCED: 7, COMPLAINED: 8}

STATES = tuple(_RANK)

# What readers do with a message; its row has the first time of each. What machines do is apart, "nobody knows" is not.
_ENGAGEMENTS = {
    **dict.fromkeys(OPENINGS, "opened"),
    **dict.fromkeys(CLICKS, "clicked"),
    UNSUBSCRIBED: "unsubscribed",
}
# Beside those of readers: its passage through a journey reached the goal, and who receives mail had it put off.
CONVERTED, DEFERRED = "converted", "deferred"
ENGAGEMENTS = ("opened", "clicked", "machine_opened", "machine_clicked", "unsubscribed", CONVERTED, DEFERRED)

# How long the sweep leaves a pending message alone, in seconds: queued means that the relay has put it on the queue,
# sending that a function with a timeout of 30 s has it.
PATIENCE = {QUEUED: 600.0, SENDING: 900.0}


def message_id_of(enrollment_id: str, step: str, visit: int) -> str:
    """The id of the message that a step of a journey queues when it is visited for this time."""
    return f"{enrollment_id}.{step}" + (f"~{visit}" if visit > 1 else "")


def split_message_id(message_id: str) -> tuple[str, str]:
    """(enrollment id, step) of a message of a journey: "<enrollment>.<step>", or "<enrollment>.<step>~2" when the step
    was visited again."""
    enrollment_id, _, step = message_id.partition(".")
    return enrollment_id, step.partition("~")[0]


def visit_of(message_id: str) -> int:
    """Which visit of its step a message is of: 1 for the first."""
    number = message_id.rpartition("~")[2] if "~" in message_id else ""
    return int(number) if number.isdecimal() else 1


def find_engagement(event: Event) -> tuple[str, str] | None:
    """(message id, one of ENGAGEMENTS) when the event is an open or a click."""
    name, message_id = _ENGAGEMENTS.get(event.name), event.properties.get("message_id")
    if name is None or not isinstance(message_id, str) or not message_id:
        return None
    return message_id, f"machine_{name}" if event.properties.get("actor") == "machine" else name


def find_conversion(event: Event) -> str:
    """The id of the message that led to the goal of a passage, when an event says that; else ""."""
    is_goal = event.name == JOURNEY_ENDED and event.properties.get("reason") == "goal"
    return str(event.properties.get("message_id") or "") if is_goal else ""


def take_off(times: Mapping[str, float], engagement: str, time: float) -> dict[str, float]:
    """The times of a message after it is known that a machine opened or clicked then: "opened" is "machine_opened"."""
    kept = {name: at for name, at in times.items() if (name, at) != (engagement, time)}
    return {**kept, f"machine_{engagement}": kept.get(f"machine_{engagement}", time)}


def name_message(event: Event, message: "Message") -> Event:
    """An open or a click, which knows only the message's id, with what the message is."""
    return replace(event, properties={**event.properties, "email_id": message.template, "campaign_id": message.origin})


def states_before(state: str) -> tuple[str, ...]:
    """The states from which a message may move to this one."""
    return tuple(other for other in STATES if _RANK[other] < _RANK[state])


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the ledger holds it.

    `message_id` is derived ("<enrollment>.<step>"), so folding twice cannot make two. `origin` names what queued it
    ("journey/welcome@3"). `trigger_key` is the timeline key of the event that started the enrollment, for templates
    that speak of it. `owner` is the token of the sender that has claimed it. `hours` is what its step asked of the gate
    of that name. `times` says when it came to a state, or was first opened or clicked (`ENGAGEMENTS`). Times are epoch
    seconds.
    """

    message_id: str
    contact_id: str
    origin: str
    step: str
    enrollment_id: str
    channel: str
    topic: str
    template: str
    template_version: int
    trigger_key: str
    created_at: float
    state: str = QUEUED
    reason: str = ""
    not_before: float | None = None
    expires_at: float | None = None
    owner: str | None = None
    claimed_at: float | None = None
    address: str | None = None
    provider_id: str | None = None
    hours: str = ""
    times: Mapping[str, float] = field(default_factory=dict)

    def with_(self, **changes: Any) -> "Message":
        return replace(self, **changes)

    @property
    def is_pending(self) -> bool:
        """Whether the sweep has to look after it: it waits to be sent, or its sender may have died."""
        return self.state in (QUEUED, SENDING)
