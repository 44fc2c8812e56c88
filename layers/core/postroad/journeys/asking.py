"""Tasks for people, asked for by a journey: it goes on at once, or by what came of it."""

from dataclasses import dataclass
from typing import NamedTuple

from postroad.documents import Reader
from postroad.events import TASK_COMPLETED
from postroad.instants import DAY, describe_duration, stamp
from postroad.journeys.reading import Scope
from postroad.journeys.stepping import LONGEST, Answer, Go, Here, Stay, StepType
from postroad.tasks import KINDS, LONGEST_NOTE, LONGEST_TITLE, outcome_of, task_id_of


class Ask(NamedTuple):
    """Effect: put this task up for a person; `assignee` "" is whoever looks after the contact."""

    step_id: str
    task_id: str
    kind: str
    title: str
    note: str
    assignee: str
    due_at: float


@dataclass(frozen=True, slots=True)
class TaskStep(StepType):
    key = "task"
    kind: str
    title: str
    note: str
    assignee: str
    due: float
    timeout: float | None

    @property
    def longest(self) -> float:
        return self.timeout or 0.0

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "TaskStep":
        kind = reader.choice("kind", KINDS)
        timeout = reader.duration("timeout", None, least=60, most=LONGEST)
        outcomes = reader.find_child("outcomes")
        if timeout is None and (outcomes or reader.has("else")):
            reader.mistake("is missing: say how long to wait for the outcome at most, such as P3D", "timeout")
        if outcomes:
            for outcome in dict.fromkeys(each for known in KINDS.values() for each in known.outcomes):
                if outcomes.has(outcome):
                    scope.arm(outcomes, outcome)
                    if outcome not in KINDS[kind].outcomes:
                        known = ", ".join(KINDS[kind].outcomes)
                        outcomes.mistake(f"a {kind} does not come to that; it comes to {known}", outcome)
        if timeout is not None:
            scope.arm(reader, "else")
        return cls(
            kind,
            reader.text("title", longest=LONGEST_TITLE),
            reader.text("note", "", longest=LONGEST_NOTE),
            reader.text("assignee", "", longest=LONGEST_TITLE),
            reader.duration("due", DAY, least=60, most=LONGEST),
            timeout,
        )

    def enter(self, here: Here) -> Answer:
        task_id = task_id_of(here.enrollment, here.step_id)
        due_at = here.now + self.due
        effect = Ask(here.step_id, task_id, self.kind, self.title, self.note, self.assignee, due_at)
        because = f"a {self.kind} is asked for, due {stamp(due_at)}"
        if self.timeout is None:
            return Go("", "task", because, (effect,))
        return Stay(here.now + self.timeout, "task", because, (effect,))

    def resume(self, here: Here) -> Answer:
        due = here.enrollment.due or 0.0
        is_late = here.event is not None and here.event.name == TASK_COMPLETED and here.moment >= due
        outcome = None if is_late else outcome_of(here.enrollment, here.step_id)
        if outcome is not None:
            at = min(here.moment, due)
            return Go(outcome, outcome, f"came to {outcome}, {stamp(at)}", at=at, used_event=here.event is not None)
        if here.now >= due:
            return Go("else", "over", f"nobody did it until {stamp(due)}", at=due)
        return Stay(due)

    def describe(self) -> str:
        wait = f"; goes on by what comes of it within {describe_duration(self.timeout)}" if self.timeout else ""
        return f"Ask for a {self.kind}: {self.title}{wait}"

    def describe_arm(self, name: str) -> str:
        return "If nobody does it in time:" if name == "else" else f"If it comes to {name}:"
