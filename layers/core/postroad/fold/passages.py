"""How a passage through a journey ends."""

from postroad import events as names
from postroad.contacts import Enrollment, Passage
from postroad.engagement import take_back
from postroad.fold.folding import Folding
from postroad.journeys import end
from postroad.places import HANDED_OVER, outcome_of
from postroad.tasks import cancel

# Why the open tasks of an enrollment that has ended so are called off.
NEEDLESS = {
    "goal": "the goal of its journey is reached",
    "exit_if": "its journey is over for this person",
    HANDED_OVER: "sales looks after them now",
}


def turn_of(journey_id: str) -> str:
    """The key by which a contact knows when an enrollment has to be moved, though no step of it is due."""
    return f"journey/{journey_id}"


def close(folding: Folding, enrollment: Enrollment) -> None:
    """An enrollment has ended; what re-entry rules need of it stays."""
    journey_id = enrollment.journey
    if enrollment.reason in NEEDLESS:
        for settled in cancel(enrollment, NEEDLESS[enrollment.reason], folding.now):
            folding.tasks.append(settled)
            folding.contact.engagement = take_back(folding.contact.engagement, settled.task_id)
    if enrollment.reason in NEEDLESS or enrollment.state == "failed":
        folding.outbox.call_off((enrollment.enrollment_id,), NEEDLESS.get(enrollment.reason, "its journey failed"))
    folding.contact.active.pop(journey_id, None)
    folding.contact.turns.pop(turn_of(journey_id), None)
    past = folding.contact.passages.get(journey_id) or Passage(1, enrollment.entered, None, "")
    folding.contact.passages[journey_id] = past._replace(
        last_ended=folding.now, last_state=outcome_of(enrollment), last_enrollment=enrollment.enrollment_id
    )
    folding.causes(names.JOURNEY_ENDED, journey=journey_id, state=enrollment.state, reason=enrollment.reason)


def fail(folding: Folding, enrollment: Enrollment, definition: str, reason: str) -> None:
    folding.decide(definition, enrollment.step, "failed", reason)
    close(folding, end(enrollment, "failed", reason))
