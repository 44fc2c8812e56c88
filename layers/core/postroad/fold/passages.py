"""How a passage through a journey ends."""

from typing import Any

from postroad import events as names
from postroad.contacts.contact import Contact, Enrollment, Passage
from postroad.contacts.engagement import take_back
from postroad.contacts.places import EXIT_ON, HANDED_OVER, outcome_of
from postroad.fold.folding import Folding
from postroad.journeys import end
from postroad.keyed import MOST_REMEMBERED
from postroad.sending.messages import message_id_of
from postroad.tasks import cancel

# Why the open tasks of an enrollment that has ended so are called off.
NEEDLESS = {
    "goal": "the goal of its journey is reached",
    "exit_if": "its journey is over for this person",
    EXIT_ON: "its journey is over for this person",
    HANDED_OVER: "sales looks after them now",
}


def turn_of(slot: str) -> str:
    """The key by which a contact knows when an enrollment has to be moved, though no step of it is due."""
    return f"journey/{slot}"


def begin(folding: Folding, enrollment: Enrollment, **changes: Any) -> None:
    """A passage has begun; what re-entry rules need of it is noted."""
    passages = folding.contact.passages
    for slot in dict.fromkeys((enrollment.journey, enrollment.slot)):
        past = passages.get(slot) or Passage(0, 0.0, None, "")
        passages[slot] = past._replace(
            times=past.times + 1, last_entered=max(past.last_entered, enrollment.entered), **changes
        )
    if enrollment.key:
        _forget(folding.contact, enrollment.journey)


def close(folding: Folding, enrollment: Enrollment) -> None:
    """An enrollment has ended; what re-entry rules need of it stays."""
    journey_id = enrollment.journey
    if enrollment.reason in NEEDLESS:
        for settled in cancel(enrollment, NEEDLESS[enrollment.reason], folding.now):
            folding.tasks.append(settled)
            folding.contact.engagement = take_back(folding.contact.engagement, settled.task_id)
    if enrollment.reason in NEEDLESS or enrollment.state == "failed":
        folding.outbox.call_off((enrollment.enrollment_id,), NEEDLESS.get(enrollment.reason, "its journey failed"))
    folding.contact.active.pop(enrollment.slot, None)
    folding.contact.turns.pop(turn_of(enrollment.slot), None)
    passages = folding.contact.passages
    for slot in dict.fromkeys((journey_id, enrollment.slot)):
        past = passages.get(slot) or Passage(1, enrollment.entered, None, "")
        passages[slot] = past._replace(
            last_ended=folding.now, last_state=outcome_of(enrollment), last_enrollment=enrollment.enrollment_id
        )
    said = {"key": enrollment.key} if enrollment.key else {}
    if enrollment.reason == "goal" and (message_id := _find_winner(enrollment)):
        said["message_id"] = message_id
    folding.causes(names.JOURNEY_ENDED, journey=journey_id, state=enrollment.state, reason=enrollment.reason, **said)


def _find_winner(enrollment: Enrollment) -> str:
    """The message of a passage that led to its goal: the latest one in which a link was followed, else the latest that
    was opened; "" for none."""
    for mark in ("clicked", "opened"):
        steps = [step for step in enrollment.visits if mark in enrollment.marks.get(step, ())]
        if steps:
            return message_id_of(enrollment.enrollment_id, steps[-1], enrollment.visits[steps[-1]])
    return ""


def _forget(contact: Contact, journey_id: str) -> None:
    """Of passages that went side by side only the latest are remembered."""
    past = [slot for slot in contact.passages if slot not in contact.active and slot.startswith(f"{journey_id}/")]
    past.sort(key=lambda slot: (contact.passages[slot].last_entered, slot))
    for slot in past[: max(0, len(past) - MOST_REMEMBERED)]:
        del contact.passages[slot]


def fail(folding: Folding, enrollment: Enrollment, definition: str, reason: str) -> None:
    folding.decide(definition, enrollment.step, "failed", reason)
    close(folding, end(enrollment, "failed", reason))
