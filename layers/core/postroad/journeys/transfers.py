"""Transfers: what becomes of the people under way in a journey when a new version of it is published.

stay        everybody finishes in the version that they entered, which is the default.
move        everybody goes over to the new version, to the step of the same id. Who waits there goes on waiting as they
            were told. Whose step is gone goes to a step that is named for it, or ends.
reevaluate  everybody goes over, and the branches of the new version are asked again. Whose way leads to where they
            stand goes on there; everybody else begins anew.

What somebody has done before they went over is passed by, once, so nobody gets a message again; but who goes on in a
loop goes on going round. A goal and `exit_if` of the new version are asked as soon as somebody has gone over. Going
over twice changes nothing, and nobody is lost on the way: whoever was under way is in the new version afterwards, or
has ended with a reason.
"""

from collections.abc import Iterable
from typing import NamedTuple

from postroad.contacts.contact import Enrollment
from postroad.decisions import Decision
from postroad.documents import Reader
from postroad.journeys.definition import Journey, Step
from postroad.journeys.interpreter import end
from postroad.journeys.stepping import Go, Here
from postroad.journeys.ways import GotoStep
from postroad.manifest import STAY as STAY
from postroad.manifest import Transfer as Transfer
from postroad.predicates.predicate import View

MOVE, REEVALUATE = "move", "reevaluate"
WAYS = (STAY, MOVE, REEVALUATE)
# The reason with which somebody ends whose step is gone.
STEP_GONE = "step_gone"
NO_PLACE = "the new version of its journey has no place for it"


def read_transfer(document: object, journey: Journey) -> Transfer:
    """The transfer that somebody wishes who publishes this version. Raises DefinitionError."""
    reader = Reader(document)
    under_way = reader.choice("under_way", WAYS, STAY)
    gone: dict[str, str | None] = {}
    given = reader.find_child("gone")
    for step in given.document if given else ():
        assert given is not None
        gone[step] = given.id(step, None)
        if step in journey.steps:
            given.mistake("this step is not gone: those who stand there go on there", step)
        elif gone[step] is not None and gone[step] not in journey.steps:
            given.mistake(f"the new version has no step '{gone[step]}'", step)
    if gone and under_way == STAY:
        reader.mistake("nobody leaves the version that they are in: say under_way: move", "gone")
    if gone and under_way == REEVALUATE:
        reader.mistake(
            "whose step is gone is asked again from the start: leave gone out, or say under_way: move", "gone"
        )
    reader.finish()
    return Transfer(journey.version, under_way, gone)


def transfer(enrollment: Enrollment, journey: Journey, old: Journey | None, plan: Transfer, view: View) -> Enrollment:
    """Take an active enrollment over to another version of its journey; ended when there is no place for it."""
    done = {*enrollment.done, *enrollment.visits} - {enrollment.step}
    moved = enrollment.with_(version=journey.version, done=tuple(sorted(done)))
    if not enrollment.step:
        return moved
    if plan.under_way == REEVALUATE and not _leads_to(journey, enrollment, view):
        return _before(moved, journey.first, view.now)
    step, target = journey.steps.get(enrollment.step), plan.gone.get(enrollment.step)
    if old:
        moved = moved.with_(done=tuple(sorted(done - (_find_rounds(enrollment, old) - {target}))))
    if step is not None:
        before = old.steps.get(step.id) if old else None
        return moved if before is None or type(before.body) is type(step.body) else _before(moved, step.id, view.now)
    return end(moved, "exited", STEP_GONE) if target is None else _before(moved, target, view.now)


def tell(before: Enrollment, after: Enrollment, journey: Journey) -> Decision:
    """Why an enrollment stands where it does after its journey was published anew."""
    if after.state != "active":
        because = f"version {journey.version} was published; there is no place for step '{before.step}' in it"
        return Decision(journey.key, before.step, after.state, because)
    where = "goes on there" if after.step == before.step else f"goes on at '{after.step}' instead of '{before.step}'"
    return Decision(journey.key, after.step, "moved", f"version {journey.version} was published; {where}")


def _leads_to(journey: Journey, enrollment: Enrollment, view: View) -> bool:
    """Whether the way through a journey, as this contact would go it now, leads to where the contact stands."""
    step_id: str | None = journey.first
    seen: set[str] = set()
    while step_id is not None and step_id != enrollment.step and step_id not in seen:
        seen.add(step_id)
        step_id = _way_on(journey, journey.steps[step_id], enrollment, view)
    return step_id is not None and step_id == enrollment.step


def _way_on(journey: Journey, step: Step, enrollment: Enrollment, view: View) -> str | None:
    """The way on from a step: a question is asked again, else it is the way that was taken; None where it ends."""
    if step.body.ends:
        return None
    if step.body.is_question:
        answer = step.body.enter(Here(step.id, enrollment, view, view.now, None, ()))
        if isinstance(answer, Go):
            return step.way(answer.way)
    return step.way_taken({*enrollment.visits, enrollment.step}, journey.steps)


def _find_rounds(enrollment: Enrollment, old: Journey) -> set[str]:
    """The steps to which the way of the old version might still lead, round a loop those that were done already."""
    found: set[str] = set()
    waiting = [enrollment.step]
    while waiting:
        step = old.steps.get(waiting.pop())
        if step is None:
            continue
        targets = {target for _, target in step.ways if target is not None}
        if isinstance(step.body, GotoStep) and enrollment.visits.get(step.id, 0) < step.body.most:
            targets.add(step.body.jump)
        waiting += targets - found
        found |= targets
    return found


def _before(enrollment: Enrollment, step_id: str, now: float) -> Enrollment:
    """The enrollment, about to enter a step."""
    return enrollment.with_(step=step_id, due=now, since=now, is_before=True)


FATES = ("stays", "goes on", "moves", "ends", "is asked")


class Fate(NamedTuple):
    """What becomes of the people who wait at a step: `fate` is one of FATES, `to` a step."""

    step: str
    people: int
    fate: str
    to: str = ""

    def describe(self) -> str:
        who = f"{self.people} {'person' if self.people == 1 else 'people'} at '{self.step or 'the start'}'"
        plural = self.people != 1
        match self.fate:
            case "stays":
                return f"{who} {'finish' if plural else 'finishes'} in the version that they entered"
            case "goes on":
                return f"{who} {'go' if plural else 'goes'} on at the same step of the new version"
            case "moves":
                return f"{who} {'go' if plural else 'goes'} to '{self.to}'"
            case "ends":
                return f"{who} {'end' if plural else 'ends'}: the new version has no such step"
        return f"{who} {'are' if plural else 'is'} led through the new version, and asked again at its branches"


def foresee(journey: Journey, plan: Transfer, here: Iterable[tuple[str, int]]) -> tuple[Fate, ...]:
    """What a transfer does to those who are now at each step (id, how many), the fullest step first."""
    found = []
    for step, people in sorted(here, key=lambda pair: (-pair[1], pair[0])):
        target = plan.gone.get(step)
        if people <= 0:
            continue
        if plan.under_way == STAY:
            found.append(Fate(step, people, "stays"))
        elif plan.under_way == REEVALUATE:
            found.append(Fate(step, people, "is asked"))
        elif not step or step in journey.steps:
            found.append(Fate(step, people, "goes on", step))
        else:
            found.append(Fate(step, people, "moves", target) if target else Fate(step, people, "ends"))
    return tuple(found)
