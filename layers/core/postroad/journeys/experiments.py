"""Experiments: people are dealt out among variants by lot, and what becomes of them is counted for each.

A contact draws its variant once; a retry, another passage and another version of the journey give the same one. Who has
been part keeps it, also when a winner is found: that is for those who come later. What counts as a conversion is a goal
that a person reaches within a window from the moment at which the variant was dealt; what machines do counts nothing.

A holdout is an experiment around a whole journey: a share of those who would enter it does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from postroad.contacts.contact import Contact
from postroad.documents import Reader
from postroad.events import Event
from postroad.instants import DAY, describe_duration
from postroad.journeys.reading import Happening, Scope
from postroad.journeys.stepping import Answer, Go, Here, StepType
from postroad.lots import choose

# The two variants of a holdout.
TREATED, HELD_OUT = "treated", "held-out"
AUTOMATIC, MANUAL = "automatic", "manual"
MOST_VARIANTS = 10
# How long a conversion counts where nothing is said.
WITHIN = 30 * DAY


class Experiment(NamedTuple):
    """What is tried out, and how it is measured. `step` is "" for a journey's holdout; `weights` are by variant."""

    journey: str
    step: str
    goal: Happening
    within: float
    weights: Mapping[str, float]
    is_automatic: bool = False

    @property
    def key(self) -> str:
        """How contacts and books name it: "welcome/subject", of a holdout "welcome/"."""
        return f"{self.journey}/{self.step}"

    @property
    def terms(self) -> tuple[object, ...]:
        """What must not change while it runs."""
        return dict(self.weights), self.goal.describe(), self.within

    def deal(self, contact: Contact) -> str:
        """The variant of this contact: the one that it has, else by lot."""
        return deal(self.key, self.weights, contact)

    def counts(self, event: Event) -> bool:
        """Whether an event is a conversion: it reaches the goal, and no machine did it."""
        return self.goal.matches(event) and event.properties.get("actor") != "machine"


def deal(key: str, weights: Mapping[str, float], contact: Contact) -> str:
    known = contact.exposures.get(key)
    return known.variant if known and known.variant in weights else choose(weights, key, contact.contact_id)


class Expose(NamedTuple):
    """Effect: the contact is part of the experiment of this step from now on, with this variant."""

    step_id: str
    variant: str


@dataclass(frozen=True, slots=True)
class ExperimentStep(StepType):
    key = "experiment"
    weights: Mapping[str, float]
    goal: Happening | None
    within: float | None
    is_automatic: bool
    winner: str | None = None

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "ExperimentStep":
        goal = reader.find_child("goal")
        weights: dict[str, float] = {}
        for child in reader.children("variants", least=2, most=MOST_VARIANTS):
            name = child.id("name")
            if name in weights:
                child.mistake(f"two variants are called '{name}'; give each a name of its own", "name")
            weights[name] = child.number("weight", 1.0, least=0.01, most=10_000)
            scope.arm(child, "then", name)
        return cls(
            weights,
            scope.happening(goal) if goal else None,
            reader.duration("within", None, least=3_600, most=90 * DAY),
            reader.choice("winner", (AUTOMATIC, MANUAL), AUTOMATIC) == AUTOMATIC,
        )

    def enter(self, here: Here) -> Answer:
        key, contact = f"{here.enrollment.journey}/{here.step_id}", here.view.contact
        if self.winner in self.weights and key not in contact.exposures:
            assert self.winner is not None
            return Go(self.winner, self.winner, "this variant has won the experiment")
        variant = deal(key, self.weights, contact)
        because = f"the contact's lot in this experiment, which {self.share(variant)} draw"
        return Go(variant, variant, because, (Expose(here.step_id, variant),))

    def share(self, variant: str) -> str:
        return f"{100 * self.weights[variant] / sum(self.weights.values()):.3g} %"

    def is_choice(self, name: str) -> bool:
        return True

    def describe(self) -> str:
        goal = f"; it is about {self.goal.describe()}" if self.goal else ""
        within = f" within {describe_duration(self.within)}" if self.within else ""
        won = f"; {self.winner} has won" if self.winner else ""
        return f"Experiment: deal people out by lot{goal}{within}{won}"

    def describe_arm(self, name: str) -> str:
        return f"{name} ({self.share(name)}):"


def find_experiments(
    journey_id: str, goal: Happening | None, within: float | None, holdout: float, steps: Mapping[str, StepType]
) -> dict[str, Experiment]:
    """The experiments of a journey by step; `goal` and `within` are its own, and count for steps that have none."""
    found = {}
    if holdout and goal:
        weights = {TREATED: 100.0 - holdout, HELD_OUT: holdout}
        found[""] = Experiment(journey_id, "", goal, min(within or WITHIN, 90 * DAY), weights)
    for step_id, body in steps.items():
        if isinstance(body, ExperimentStep) and (body.goal or goal):
            about = body.goal or goal
            assert about is not None
            window = body.within or min(within or WITHIN, 90 * DAY)
            found[step_id] = Experiment(journey_id, step_id, about, window, body.weights, body.is_automatic)
    return found


def crown(steps: Mapping[str, Any], winners: Mapping[str, str]) -> Mapping[str, Any]:
    """The steps of a journey in which those experiments (by step) have these winners."""
    crowned = {
        step_id: replace(steps[step_id], body=replace(steps[step_id].body, winner=winner))
        for step_id, winner in winners.items()
        if step_id in steps and isinstance(steps[step_id].body, ExperimentStep)
    }
    return {**steps, **crowned} if crowned else steps
