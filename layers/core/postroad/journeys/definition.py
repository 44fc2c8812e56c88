"""Journeys as documents: what a journey is, and how it is read.

The steps of a document are nested lists; compiled they are a flat graph. The last step of an arm goes on where the step
that it left goes on, so arms merge by themselves and no circle can be written. A step without an id gets one from its
place ("wait-2", "look-then-exit-1"); a send step must have its own, because its messages are known by it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from postroad.behaviour import Tracker
from postroad.contacts import USUAL_PRIORITY
from postroad.documents import Reader, choose, read_head
from postroad.events import JOURNEY_ENDED, JOURNEY_STARTED
from postroad.instants import describe_duration
from postroad.journeys.experiments import Experiment, ExperimentStep, crown, find_experiments
from postroad.journeys.reading import Findings, Happening, Reference, Scope
from postroad.journeys.stepping import LONGEST, StepType, parse_zone
from postroad.journeys.steps import STEP_TYPES, SendStep
from postroad.predicates import Predicate

MOST_STEPS = 200
MOST_LEVELS = 10


class Reentry(NamedTuple):
    """Whether a contact may go through a journey again, by `after`: None never, else so many seconds after entering.

    Two enrollments of one contact in one journey are never active at once, whatever the rule.
    """

    after: float | None = None

    def describe(self) -> str:
        if self.after is None:
            return "Each contact enters once"
        return f"Contacts enter again {'always' if not self.after else f'{describe_duration(self.after)} later'}"


class Goal(NamedTuple):
    """The happening that ends an enrollment as completed, within so many seconds of entering (None: however late)."""

    happening: Happening
    within: float | None = None

    def describe(self) -> str:
        window = "" if self.within is None else f" within {describe_duration(self.within)}"
        return f"{self.happening.describe()}{window}"


@dataclass(frozen=True, slots=True)
class Step:
    """One node. `arms` are the steps of each way on that has a name, `next` leads on without one (None: the end)."""

    id: str
    next: str | None
    arms: Mapping[str, tuple[str, ...]]
    body: StepType

    def way(self, name: str) -> str | None:
        """The step to which the way of this name leads; an empty arm leads to the next step."""
        arm = self.arms.get(name)
        return arm[0] if arm else self.next


@dataclass(frozen=True, slots=True)
class Journey:
    """One version of a journey, compiled. `outline` are the ids of the outermost steps in order.

    `starts_on` and `waits_for` are the names of events (in lower case) that may start an enrollment or move one;
    `reads` every fact that a predicate of it reads, `watches` those whose change may end an enrollment (`exit_if`).
    """

    id: str
    name: str
    description: str
    version: int
    triggers: tuple[Happening, ...]
    reentry: Reentry
    goal: Goal | None
    exit_if: Predicate | None
    timezone: str | None
    outline: tuple[str, ...]
    steps: Mapping[str, Step]
    reads: frozenset[str]
    trackers: tuple[Tracker, ...]
    starts_on: frozenset[str]
    waits_for: frozenset[str]
    watches: frozenset[str]
    references: tuple[Reference, ...]
    priority: int = USUAL_PRIORITY
    holdout: float = 0.0
    experiments: Mapping[str, Experiment] = field(default_factory=dict)

    kind = "journey"

    @property
    def key(self) -> str:
        """How decisions and messages name it: `journey/welcome@3`."""
        return f"journey/{self.id}@{self.version}"

    @property
    def first(self) -> str:
        return self.outline[0]

    @property
    def longest(self) -> float:
        """Seconds that somebody is under way at most: of all ways the one with the longest waits."""

        @cache
        def rest(step_id: str | None) -> float:
            if step_id is None:
                return 0.0
            step = self.steps[step_id]
            ways = {step.way(name) for name in step.arms} or {step.next}
            return step.body.longest + max(map(rest, ways))

        return rest(self.first)


def parse_journey(document: object, *, version: int = 0, winners: Mapping[str, str] | None = None) -> Journey:
    """Read a journey document; raises DefinitionError with all its mistakes. `version` is the published one, `winners`
    the variants that have won its experiments, by step."""
    reader = Reader(document)
    head = read_head(reader, "journey")
    findings = Findings()
    # Where any send step may be meant, those that exist are only known at the end: exit_if is read last.
    anywhere = Scope(findings)
    triggers = tuple(_read_trigger(child, anywhere) for child in reader.children("trigger", most=20, or_one=True))
    reentry = _read_reentry(reader)
    priority = reader.integer("priority", USUAL_PRIORITY, least=0, most=100)
    holdout = reader.number("holdout", 0.0, least=0, most=90)
    goal = _read_goal(reader, anywhere)
    timezone = reader.read("timezone", parse_zone, None, None)
    listing = _Listing(findings)
    outline = listing.read_steps(reader.children("steps", most=MOST_STEPS), "", None, frozenset(), 0).ids
    if len(listing.steps) > MOST_STEPS:
        reader.mistake(f"has {len(listing.steps)} steps; at most {MOST_STEPS} are allowed", "steps")
    exit_reader = reader.find_child("exit_if")
    exit_if = anywhere.predicate(exit_reader) if exit_reader else None
    if goal:
        anywhere.listen(goal.happening)
    for step_id, step in listing.steps.items():
        if isinstance(step.body, ExperimentStep) and not (step.body.goal or goal):
            reader.mistake(f"the experiment '{step_id}' has no goal: give it one, or the journey", "steps")
    if holdout and not goal:
        reader.mistake("needs a goal: what becomes of those who are held out is compared by it", "holdout")
    reader.finish()
    return Journey(
        id=head.id,
        name=head.name,
        description=head.description,
        version=version,
        triggers=triggers,
        reentry=reentry,
        goal=goal,
        exit_if=exit_if,
        timezone=timezone,
        outline=outline,
        steps=crown(listing.steps, winners or {}),
        reads=frozenset(findings.reads),
        trackers=tuple(findings.trackers),
        starts_on=frozenset(trigger.key for trigger in triggers),
        waits_for=frozenset(findings.waits_for),
        watches=exit_if.reads if exit_if else frozenset(),
        references=tuple(findings.references),
        priority=priority,
        holdout=holdout,
        experiments=find_experiments(
            head.id,
            goal.happening if goal else None,
            goal.within if goal else None,
            holdout,
            {step_id: step.body for step_id, step in listing.steps.items()},
        ),
    )


class _Listed(NamedTuple):
    """A list of steps, read: their ids, whether its end is ever reached, and what may have been sent by then."""

    ids: tuple[str, ...]
    goes_on: bool
    sent: frozenset[str]


class _Listing:
    """The steps of a journey, gathered while its nested lists are read."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.steps: dict[str, Step] = {}

    def read_steps(
        self, readers: list[Reader], prefix: str, then: str | None, sent: frozenset[str], level: int
    ) -> _Listed:
        """One list of steps, whose last goes on to `then`; `sent` are the sends that may have come before it."""
        if level > MOST_LEVELS and readers:
            readers[0].mistake(f"steps are nested more than {MOST_LEVELS} levels deep; make it two journeys")
            readers = []
        types = [_read_type(reader) for reader in readers]
        ids = tuple(
            reader.id("id", f"{prefix}{key}-{number}")
            for number, (reader, key) in enumerate(zip(readers, types, strict=True), 1)
        )
        goes_on = True
        for reader, key, step_id, following in zip(readers, types, ids, (*ids[1:], then), strict=False):
            if not goes_on:
                reader.mistake("is never reached: every way before it ends the journey")
            if key is None:
                continue
            if step_id in self.steps:
                reader.mistake(f"two steps have the id '{step_id}'; give each an id of its own", "id")
            scope = Scope(self.findings, sent)
            body = STEP_TYPES[key](reader.child(key), scope)
            if isinstance(body, SendStep):
                if not reader.has("id"):
                    reader.misfit("is missing: a send step needs an id, by which its messages are known", "id")
                self.findings.sends.add(step_id)
                sent |= {step_id}
            # Its place in the order of the document comes before those of its arms.
            self.steps[step_id] = Step(step_id, following, {}, body)
            read = {
                name: self.read_steps(arm, f"{step_id}-{_slug(name)}-", following, sent, level + 1)
                for name, arm in scope.arms.items()
            }
            self.steps[step_id] = Step(step_id, following, {name: arm.ids for name, arm in read.items()}, body)
            sent = sent.union(*(arm.sent for arm in read.values()))
            goes_on = any(arm.goes_on for arm in read.values()) if read else not body.ends
        return _Listed(ids, goes_on, sent)


def _read_type(reader: Reader) -> str | None:
    reader.expect("id")
    if reader.stands_for("step"):
        return None
    return choose(reader, STEP_TYPES, "a step is")


def _slug(name: str) -> str:
    """The name of an arm as a part of ids."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "arm"


# Every journey causes these.
_OF_ALL_JOURNEYS = (JOURNEY_STARTED.lower(), JOURNEY_ENDED.lower())


def _read_trigger(reader: Reader, scope: Scope) -> Happening:
    trigger = scope.happening(reader)
    if trigger.key in _OF_ALL_JOURNEYS and not _names_journey(reader.document.get("where")):
        reader.mistake(
            "must say which journey is meant, as in {property: journey, is: welcome}; "
            f"{trigger.pattern.name} is said of every journey, and this one would set itself off without end",
            "where",
        )
    return trigger


def _names_journey(where: object) -> bool:
    """Whether a condition on an event asks somewhere for the journey that it is about."""
    if isinstance(where, list | tuple):
        return any(map(_names_journey, where))
    if not isinstance(where, Mapping):
        return False
    return where.get("property") == "journey" or any(map(_names_journey, where.values()))


def _read_reentry(reader: Reader) -> Reentry:
    rules = {"once": Reentry(), "always": Reentry(0.0)}
    if reader.is_object("reentry"):
        return Reentry(reader.child("reentry").duration("after", least=1, most=LONGEST))
    try:
        return rules[reader.choice("reentry", rules, "once")]
    except KeyError:
        return Reentry()


def _read_goal(reader: Reader, scope: Scope) -> Goal | None:
    child = reader.find_child("goal")
    return Goal(scope.happening(child), child.duration("within", None, least=1, most=LONGEST)) if child else None


def describe_journey(journey: Journey) -> tuple[str, ...]:
    """The journey in lines of English; what a step leads to is indented under it."""
    lines = [
        journey.name,
        f"Starts with {' or '.join(trigger.describe() for trigger in journey.triggers)}",
        journey.reentry.describe(),
    ]
    if journey.goal:
        lines.append(f"Goal: {journey.goal.describe()}")
    if journey.exit_if:
        lines.append(f"Ends early if: {journey.exit_if.describe()}")
    if journey.holdout:
        lines.append(f"Holds out {journey.holdout:g} % of those who would enter, to compare")
    return (*lines, *_describe_steps(journey, journey.outline, ""))


def _describe_steps(journey: Journey, ids: tuple[str, ...], indent: str) -> Iterator[str]:
    for number, step_id in enumerate(ids, 1):
        step = journey.steps[step_id]
        yield f"{indent}{number}. {step.body.describe()} [{step_id}]"
        for name, arm in step.arms.items():
            if arm:
                yield f"{indent}   {step.body.describe_arm(name)}"
                yield from _describe_steps(journey, arm, indent + "     ")
            elif step.body.is_choice(name):
                yield f"{indent}   {step.body.describe_arm(name)}: goes on"
