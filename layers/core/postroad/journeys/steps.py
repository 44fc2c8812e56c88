"""The step types of journeys, in one table: what each reads from its document, does, and says in English.

What all have in common is in `stepping`, waits are in `waits`, what decides the way in `ways`, what changes the contact
in `changes`. A send asks for a message and goes on at once: whether it is sent, skipped or failed does not hold the
journey up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from postroad.advice.channels import BEST, PHONE
from postroad.advice.send_times import LONGEST_WAIT, SEND_TIME, USUAL_WAIT
from postroad.documents import Reader
from postroad.instants import DAY, describe_duration
from postroad.journeys.asking import Ask, TaskStep
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
from postroad.sending.calendars import ANY_TIME, HOURS
from postroad.sending.channels import ADDRESSED, CHANNELS, USUAL
from postroad.sending.messages import message_id_of
from postroad.tasks import CALL, LONGEST_NOTE, LONGEST_TITLE


class Send(NamedTuple):
    """Effect: queue this message. `options` are what the step asks of single gates, by their keys."""

    step_id: str
    template: str
    channel: str
    message_id: str
    expires_at: float | None
    options: Mapping[str, Any] = {}


class SendBest(NamedTuple):
    """Effect: queue the message of the channel that suits the contact best; `call` is what the telephone gets."""

    step_id: str
    sends: tuple[Send, ...]
    call: Ask | None


class Call(NamedTuple):
    """The call task that takes the place of a message when the telephone ranks first."""

    title: str
    note: str
    assignee: str
    due: float


@dataclass(frozen=True, slots=True)
class SendStep(StepType):
    """Asks for a message. By the channel `best` it has a template for each of several channels, and perhaps a call;
    `template` is then that of the first. `within` is how many seconds it may wait for the person's best hour."""

    key = "send"
    template: str
    channel: str
    expires: float | None
    any_time: bool = False
    within: float | None = None
    templates: Mapping[str, str] = field(default_factory=dict)
    call: Call | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that its message may take."""
        return tuple(self.templates) or (self.channel,)

    @property
    def ways(self) -> tuple[str, ...]:
        """The channels, and the telephone if it may take their place."""
        return (*self.channels, PHONE) if self.call else self.channels

    @property
    def options(self) -> dict[str, Any]:
        """What it asks of single gates."""
        any_time = {HOURS: ANY_TIME} if self.any_time else {}
        return any_time if self.within is None else {**any_time, SEND_TIME: self.within}

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "SendStep":
        channel = reader.choice("channel", (*CHANNELS, BEST), USUAL)
        template = reader.id("template", "")
        templates = _read_templates(reader)
        call = _read_call(child) if (child := reader.find_child("call")) else None
        if channel != BEST:
            if templates or call:
                reader.misfit("goes with channel: best; by one channel there is one template", "channel")
            elif not (template or reader.is_broken):
                reader.misfit("is missing", "template")
            scope.refer("template", template, f"{reader.path}.template", channel)
        elif template or not templates or len(templates) + (call is not None) < 2:
            reader.misfit("needs templates of two channels, or of one and a call, to choose from", "templates")
        for each, name in templates.items():
            scope.refer("template", name, f"{reader.path}.templates.{each}", each)
        return cls(
            template or next(iter(templates.values()), ""),
            channel,
            reader.duration("expires", None, least=60, most=LONGEST),
            reader.flag("any_time", False),
            _read_within(reader),
            templates,
            call,
        )

    def enter(self, here: Here) -> Answer:
        visit = here.enrollment.visits[here.step_id]
        message_id = message_id_of(here.enrollment.enrollment_id, here.step_id, visit)
        expires_at = None if self.expires is None else here.now + self.expires
        templates = self.templates or {self.channel: self.template}
        sends = tuple(
            Send(here.step_id, template, channel, message_id, expires_at, self.options)
            for channel, template in templates.items()
        )
        if self.channel != BEST:
            return Go("", "send", f"{self.template} by {self.channel}", sends)
        call = self.call and Ask(
            here.step_id, message_id, CALL, self.call.title, self.call.note, self.call.assignee,
            here.now + self.call.due,
        )  # fmt: skip
        return Go("", "send", f"{self._what()} by the best channel", (SendBest(here.step_id, sends, call),))

    def describe(self) -> str:
        expires = "" if self.expires is None else f", unless it is older than {describe_duration(self.expires)} by then"
        any_time = ", at any time of day" if self.any_time else ""
        best = "" if self.within is None else f", at their best hour within {describe_duration(self.within)}"
        by = "the channel that suits each person best" if self.channel == BEST else self.channel
        return f"Send {self._what()} by {by}{best}{expires}{any_time}"

    def _what(self) -> str:
        """What is sent: the template, or each of those to choose from."""
        if self.channel != BEST:
            return self.template
        ways = [f"{template} ({channel})" for channel, template in self.templates.items()]
        return " or ".join((*ways, f"a call ({self.call.title})") if self.call else ways)


def _read_templates(reader: Reader) -> dict[str, str]:
    """A template by channel, as many as there are."""
    child = reader.find_child("templates")
    found = {channel: child.id(channel, "") for channel in ADDRESSED} if child else {}
    return {channel: template for channel, template in found.items() if template}


def _read_call(reader: Reader) -> Call:
    return Call(
        reader.text("title", longest=LONGEST_TITLE),
        reader.text("note", "", longest=LONGEST_NOTE),
        reader.text("assignee", "", longest=LONGEST_TITLE),
        reader.duration("due", DAY, least=60, most=LONGEST),
    )


def _read_within(reader: Reader) -> float | None:
    """How long a message may wait for the person's best hour, None when it does not ask for that."""
    at = reader.choice("at", (BEST,), None)
    within = reader.duration("within", None, least=3_600, most=LONGEST_WAIT)
    if at is None:
        if within is not None:
            reader.misfit("is how long to wait for the best hour; write at: best as well", "within")
        return None
    return USUAL_WAIT if within is None else within


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
