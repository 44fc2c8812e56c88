"""The step types of journeys, in one table: what each reads from its document, does, and says in English.

What all have in common is in `stepping`, waits are in `waits`, what decides the way in `ways`, what changes the contact
in `changes`. A send asks for a message and goes on at once: whether it is sent, skipped or failed does not hold the
journey up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from postroad.calendars import ANY_TIME, HOURS
from postroad.channels import CHANNELS, USUAL
from postroad.documents import Reader
from postroad.instants import describe_duration
from postroad.journeys.asking import TaskStep
from postroad.journeys.changes import EventStep, ListStep, OwnerStep, PointsStep, TagStep, UpdateStep
from postroad.journeys.experiments import ExperimentStep
from postroad.journeys.reading import Scope
from postroad.journeys.stepping import LONGEST, Answer, Go, Here, Read, StepType
from postroad.journeys.waits import read_wait
from postroad.journeys.ways import (
    BranchStep,
    ExitStep,
    GoalStep,
    GotoStep,
    HoldoutStep,
    LanguageStep,
    MatchStep,
    SplitStep,
)


class Send(NamedTuple):
    """Effect: queue this message. `options` are what the step asks of single gates, by their keys."""

    step_id: str
    template: str
    channel: str
    message_id: str
    expires_at: float | None
    options: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class SendStep(StepType):
    key = "send"
    template: str
    channel: str
    expires: float | None
    any_time: bool = False

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "SendStep":
        template = reader.id("template")
        channel = reader.choice("channel", CHANNELS, USUAL)
        scope.refer("template", template, f"{reader.path}.template", channel)
        expires = reader.duration("expires", None, least=60, most=LONGEST)
        return cls(template, channel, expires, reader.flag("any_time", False))

    def enter(self, here: Here) -> Answer:
        visit = here.enrollment.visits[here.step_id]
        message_id = f"{here.enrollment.enrollment_id}.{here.step_id}" + (f"~{visit}" if visit > 1 else "")
        expires_at = None if self.expires is None else here.now + self.expires
        options = {HOURS: ANY_TIME} if self.any_time else {}
        effect = Send(here.step_id, self.template, self.channel, message_id, expires_at, options)
        return Go("", "send", f"{self.template} by {self.channel}", (effect,))

    def describe(self) -> str:
        expires = "" if self.expires is None else f", unless it is older than {describe_duration(self.expires)} by then"
        any_time = ", at any time of day" if self.any_time else ""
        return f"Send {self.template} by {self.channel}{expires}{any_time}"


# Every type of step, by the key that says so.
STEP_TYPES: Mapping[str, Read] = {
    "send": SendStep.read,
    "experiment": ExperimentStep.read,
    "wait": read_wait,
    "branch": BranchStep.read,
    "match": MatchStep.read,
    "language": LanguageStep.read,
    "split": SplitStep.read,
    "holdout": HoldoutStep.read,
    "update": UpdateStep.read,
    "list": ListStep.read,
    "tag": TagStep.read,
    "points": PointsStep.read,
    "owner": OwnerStep.read,
    "event": EventStep.read,
    "task": TaskStep.read,
    "goto": GotoStep.read,
    "goal": GoalStep.read,
    "exit": ExitStep.read,
}
