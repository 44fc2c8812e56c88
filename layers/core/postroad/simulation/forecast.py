"""The forecast: what a simulated journey came to, in numbers that can be added up."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from postroad.decisions import Decision
from postroad.events import CLICKS, EMAIL_BOUNCED, JOURNEY_ENDED, OPENINGS, UNSUBSCRIBED
from postroad.journeys import Journey
from postroad.sending.messages import QUEUED, SKIPPED, Message
from postroad.sending.prices import PER_MESSAGE
from postroad.simulation.lives import Life, Moment
from postroad.simulation.people import SOURCE
from postroad.stats import day_of

# The gates of which a marketer wants to know how many people they keep from a message.
CAPS = "caps"
# What decisions about a step's message say, not about who came to the step.
_OF_MESSAGES = frozenset((SKIPPED, "postponed", "passed", "goes on later"))
# Of these, what a gate says that keeps a message back.
_HELD_BACK = frozenset((SKIPPED, "postponed"))
_MARKS: Mapping[str, str] = {
    **dict.fromkeys(OPENINGS, "opened"),
    **dict.fromkeys(CLICKS, "clicked"),
    EMAIL_BOUNCED: "bounced",
    UNSUBSCRIBED: "unsubscribed",
}
# Instants in reasons, which are the same but for them.
_WHEN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")
# By the verdict of a wait's decision, the way that it took; of other steps the verdict is the way's name.
_WAYS = {"yes": "then", "over": "else"}


class StepOutline(NamedTuple):
    """A step in words, and its ways on that have a name, in words."""

    sentence: str
    ways: Mapping[str, str]


class Outline(NamedTuple):
    """What a forecast has to know of its journey; `key` is the journey with its version."""

    journey_id: str
    key: str
    steps: Mapping[str, StepOutline]


def outline_of(journey: Journey) -> Outline:
    return Outline(
        journey.id,
        journey.key,
        {
            step.id: StepOutline(step.body.describe(), {name: step.body.describe_arm(name) for name in step.arms})
            for step in journey.steps.values()
        },
    )


class Sent(NamedTuple):
    """A message that somebody would get. `origin` names the journey and its version."""

    contact_id: str
    at: float
    origin: str
    step: str
    template: str
    channel: str


class StepForecast(NamedTuple):
    """What happens at one step: how many come to it and stand there at the end, and what becomes of its messages."""

    step: str
    entered: int
    waiting: int
    sent: int
    skipped: int
    postponed: int
    opened: int
    clicked: int


class Way(NamedTuple):
    """One way on from a step, in words, and how many took it. `name` is "" when a step was never come to at all."""

    step: str
    name: str
    taken: int
    sentence: str


@dataclass
class Forecast:
    """The numbers of one journey over simulated people; it can travel between processes.

    `started` counts passages, `refused` why others were not begun; `outcomes` how passages ended, `waiting` where those
    stand who are still under way. `messages` is who gets what and when, of whatever journey. `capped` are the contacts
    who hit a cap. Forecasts of different people are added by `+`.
    """

    outline: Outline
    days: float
    people: int = 0
    started: int = 0
    cut: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    entered: Counter[str] = field(default_factory=Counter)
    ways: Counter[tuple[str, str]] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    marks: Counter[tuple[str, str]] = field(default_factory=Counter)
    skipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    capped: dict[str, float] = field(default_factory=dict)
    messages: list[Sent] = field(default_factory=list)

    # What it says

    @property
    def steps(self) -> tuple[StepForecast, ...]:
        """Every step of the journey, in its order."""
        return tuple(map(self.step, self.outline.steps))

    def step(self, step_id: str) -> StepForecast:
        """One step of the journey. Raises KeyError when there is none of this id."""
        self.outline.steps[step_id]
        skipped = sum(number for (step, _), number in self.skipped.items() if step == step_id)
        mine = (self.marks[step_id, mark] for mark in ("sent", "postponed", "opened", "clicked"))
        sent, postponed, opened, clicked = mine
        entered, waiting = self.entered[step_id], self.waiting[step_id]
        return StepForecast(step_id, entered, waiting, sent, skipped, postponed, opened, clicked)

    def way(self, step_id: str, name: str) -> int:
        """How many took a way on from a step."""
        return self.ways[step_id, name]

    @property
    def never_taken(self) -> tuple[Way, ...]:
        """The paths that nobody took: steps that nobody came to, and ways on that nobody chose."""
        return tuple(way for way in self._list_ways() if not way.taken)

    @property
    def conversions(self) -> int:
        """Passages that reached the goal."""
        return self.outcomes["goal"]

    @property
    def conversion_rate(self) -> float:
        """Of the passages begun, those that reached the goal, as a share."""
        return self.conversions / self.started if self.started else 0.0

    @property
    def sends(self) -> dict[str, int]:
        """Messages of this journey by channel."""
        return dict(Counter(sent.channel for sent in self._mine()))

    @property
    def sends_by_day(self) -> dict[str, dict[str, int]]:
        """Messages of this journey by day (UTC) and channel, the earliest day first."""
        days: dict[str, Counter[str]] = {}
        for sent in self._mine():
            days.setdefault(day_of(sent.at), Counter())[sent.channel] += 1
        return {day: dict(days[day]) for day in sorted(days)}

    @property
    def cost(self) -> dict[str, float]:
        """What this journey's messages cost by channel, in USD, by the list of `postroad.sending.prices`."""
        return {channel: round(number * PER_MESSAGE[channel], 6) for channel, number in self.sends.items()}

    def _mine(self) -> Iterator[Sent]:
        return (sent for sent in self.messages if sent.origin == self.outline.key)

    def _list_ways(self) -> Iterator[Way]:
        for step_id, (sentence, ways) in self.outline.steps.items():
            if not self.entered[step_id]:
                yield Way(step_id, "", 0, f"nobody came to {step_id}: {sentence}")
                continue
            for name, words in ways.items():
                taken = self.ways[step_id, name]
                yield Way(step_id, name, taken, f"nobody went on from {step_id} by: {words.rstrip(':')}")

    # Adding up

    def __add__(self, other: "Forecast") -> "Forecast":
        """The forecast of both parts' people."""
        if (self.outline, self.days) != (other.outline, other.days):
            raise ValueError("only forecasts of one journey over the same days can be added")
        return Forecast(
            self.outline,
            self.days,
            self.people + other.people,
            self.started + other.started,
            self.cut + other.cut,
            self.refused + other.refused,
            self.entered + other.entered,
            self.ways + other.ways,
            self.waiting + other.waiting,
            self.outcomes + other.outcomes,
            self.marks + other.marks,
            self.skipped + other.skipped,
            self.events + other.events,
            self.capped | other.capped,
            [*self.messages, *other.messages],
        )

    def count(self, life: Life, moments: Iterable[Moment]) -> None:
        """Take one person's life in, moment by moment."""
        self.people += 1
        messages: dict[str, Message] = {}
        stood = ""
        for moment in moments:
            self._count_mark(moment, messages)
            for decision in moment.outcome.decisions:
                stood = self._count_decision(decision, moment, stood)
            for caused in moment.outcome.caused:
                if caused.name == JOURNEY_ENDED and caused.properties.get("journey") == self.outline.journey_id:
                    self.outcomes[moment.outcome.contact.passages[self.outline.journey_id].last_state] += 1
            for message in moment.outcome.messages:
                messages[message.message_id] = message
                self._count_message(message, moment.at)
        self.cut += life.is_cut
        self.waiting.update(active.step for active in life.contact.enrollments_in(self.outline.journey_id))

    def _count_decision(self, decision: Decision, moment: Moment, stood: str) -> str:
        """Count what a decision tells; `stood` is the step of the one before, and that of this one comes back."""
        if decision.gate == CAPS and decision.verdict in _HELD_BACK:
            self.capped.setdefault(moment.outcome.contact.contact_id, moment.at)
        if decision.definition != self.outline.key:
            return stood
        step_id, verdict = decision.step, decision.verdict
        if not step_id:
            # Whom a holdout keeps out has been let in before.
            self.started += (verdict == "started") - (verdict == "held out")
            if verdict in ("not started", "held out"):
                self.refused[_WHEN.sub("…", decision.because)] += 1
            return ""
        if decision.gate or verdict in _OF_MESSAGES:
            self.marks[step_id, "postponed"] += verdict == "postponed"
            return stood
        # A step that waited speaks again when it is left.
        self.entered[step_id] += step_id != stood
        step = self.outline.steps.get(step_id)
        name = verdict if step and verdict in step.ways else _WAYS.get(verdict, "")
        if step and name in step.ways:
            self.ways[step_id, name] += 1
        return step_id

    def _count_message(self, message: Message, at: float) -> None:
        if message.state == QUEUED:
            self.messages.append(
                Sent(message.contact_id, at, message.origin, message.step, message.template, message.channel)
            )
        if message.origin == self.outline.key:
            if message.state == QUEUED:
                self.marks[message.step, "sent"] += 1
            elif message.state == SKIPPED:
                self.skipped[message.step, message.reason] += 1

    def _count_mark(self, moment: Moment, messages: Mapping[str, Message]) -> None:
        event = moment.event
        mark, message = _MARKS.get(event.name), messages.get(str(event.properties.get("message_id")))
        if mark and message and message.origin == self.outline.key:
            self.marks[message.step, mark] += 1
        if event.source == SOURCE:
            self.events[event.name] += 1
