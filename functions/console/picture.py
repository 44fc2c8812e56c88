"""The numbers on the picture of a journey: what stands on each card, and how many took each way."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from functions.console.words import number, percent
from postroad.contacts.places import outcome_place, split_place, step_place
from postroad.journeys import Journey
from postroad.journeys.drawing import COMPLETED, EXITED, GOAL, START, Drawing, Way
from postroad.journeys.steps import SendStep
from postroad.journeys.ways import ExitStep, GoalStep, HoldoutStep
from postroad.stats import Counts


class Fact(NamedTuple):
    """A number in words, and what it counts. `who` names the people behind it, "" where they cannot be listed."""

    text: str
    label: str
    who: str = ""
    alarming: bool = False


def place_of(journey: Journey, card_id: str) -> str:
    """The place at which those are who stand behind a card."""
    step = journey.steps.get(card_id)
    if step and isinstance(step.body, ExitStep | HoldoutStep):
        return outcome_place(journey.id, f"exited.{card_id}")
    return (
        outcome_place(journey.id, "goal")
        if step and isinstance(step.body, GoalStep)
        else step_place(journey.id, card_id)
    )


def facts_of(journey: Journey, counts: Counts) -> dict[str, tuple[Fact, ...]]:
    """The facts on each card, by the card's id; a card without numbers has none."""
    facts = {
        START: (Fact(number(counts.started), "entered"), Fact(number(counts.active), "in it now")),
        GOAL: _ended(counts, GOAL, "reached it"),
        EXITED: _ended(counts, EXITED, "left"),
        COMPLETED: _ended(counts, COMPLETED, "came here"),
    }
    for step in journey.steps.values():
        if isinstance(step.body, SendStep):
            facts[step.id] = _message_facts(counts, step.id, step.body)
        elif step.body.is_resting:
            place = counts.place(step.id)
            waited = max(place.passed, 0)
            facts[step.id] = (Fact(number(place.here), "waiting", "here"), Fact(number(waited), "have waited"))
        elif isinstance(step.body, ExitStep):
            facts[step.id] = _ended(counts, _spot(journey, step.id), "left here")
        elif isinstance(step.body, HoldoutStep):
            facts[step.id] = _ended(counts, _spot(journey, step.id), "held out here")
        elif isinstance(step.body, GoalStep):
            facts[step.id] = _ended(counts, GOAL, "reached the goal")
    return facts


def _spot(journey: Journey, card_id: str) -> str:
    return split_place(place_of(journey, card_id))[1]


def _ended(counts: Counts, spot: str, label: str) -> tuple[Fact, ...]:
    """How often it ended so, and its share of all passages; who came here more than once is one of the people."""
    place = counts.place(spot)
    share = Fact(percent(place.entered, counts.started), "of all")
    if place.entered == place.here:
        return (Fact(number(place.here), label, "here"), share)
    people = "person" if place.here == 1 else "people"
    return (Fact(number(place.entered), "times"), share, Fact(number(place.here), people, "here"))


def _message_facts(counts: Counts, step_id: str, step: SendStep) -> tuple[Fact, ...]:
    messages = counts.step(step_id)
    facts = [Fact(number(messages.sent), "sent", "sent")]
    if messages.sent:
        # Nothing tells that a text was read, or what a machine did.
        is_told = not {"email", "push", "web"}.isdisjoint(step.channels)
        facts += [Fact(percent(messages.opened, messages.sent), "opened", "opened")] if is_told else []
        facts += [Fact(percent(messages.clicked, messages.sent), "clicked", "clicked")]
    elif messages.queued:
        facts += [Fact(number(messages.queued), "on the way", "waiting")]
    if unsent := messages.skipped + messages.failed:
        facts += [Fact(number(unsent), "not sent", "skipped" if messages.skipped else "failed", alarming=True)]
    return tuple(facts)


def count_ways(journey: Journey, drawing: Drawing, counts: Counts) -> dict[Way, int]:
    """How many took each way, where that is known: where a way is the only one to a step that counts its arrivals."""
    leading_to = Counter(way.target for way in drawing.ways)
    leading_to.update(step.body.jump for step in journey.steps.values() if step.body.jump)
    arrived: dict[str, int] = {}
    taken: dict[Way, int] = {}
    # A step comes after those that lead to it, so from the end all that is known of its ways is known already.
    for step in reversed(list(journey.steps.values())):
        ways = [way for way in drawing.ways if way.source == step.id]
        known = {way: arrived[way.target] for way in ways if leading_to[way.target] == 1 and way.target in arrived}
        taken |= known
        if isinstance(step.body, SendStep):
            arrived[step.id] = counts.step(step.id).total
        elif step.body.is_resting and step.body.takes_time(""):
            # Others let pass at once whom they need not wait for, and these come to no place.
            arrived[step.id] = counts.place(step.id).entered
        elif isinstance(step.body, ExitStep):
            arrived[step.id] = counts.place(_spot(journey, step.id)).entered
        elif ways and len(known) == len(ways):
            arrived[step.id] = sum(known.values())
    return taken


def shares_of(drawing: Drawing, taken: Mapping[Way, int]) -> dict[Way, str]:
    """What stands beside the sentence of a way: its share when all ways of its step are known, else its number."""
    shares = {}
    for way, count in taken.items():
        siblings = [other for other in drawing.ways if other.source == way.source]
        total = sum(taken[other] for other in siblings) if all(other in taken for other in siblings) else 0
        shares[way] = percent(count, total) if total else number(count)
    return shares
