"""Journeys as documents: what a journey is, and how it is read.

The steps of a document are nested lists; compiled they are a flat graph. The last step of an arm goes on where the step
that it left goes on, so arms merge by themselves and no circle can be written. A step without an id gets one from its
place ("wait-2", "look-then-exit-1"); a send step must have its own, because its messages are known by it.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from postroad.contacts.contact import USUAL_PRIORITY
from postroad.documents import Reader, choose, form, read_head
from postroad.instants import describe_duration
from postroad.journeys.experiments import Experiment, ExperimentStep, crown, find_experiments
from postroad.journeys.flow import check_flow, check_questions
from postroad.journeys.reading import Findings, Happening, Reference, Scope
from postroad.journeys.stepping import LONGEST, StepType, parse_zone
from postroad.journeys.steps import STEP_TYPES, SendStep
from postroad.journeys.triggers import Trigger, read_trigger
from postroad.journeys.ways import GotoStep
from postroad.keyed import Per
from postroad.predicates.behaviour import Tracker
from postroad.predicates.predicate import CONTACT, Predicate, parse_path

MOST_STEPS = 200
MOST_LEVELS = 10


class Reentry(NamedTuple):
    """Whether a contact may go through a journey again, by `after`: None never, else so many seconds after entering;
    and how often at most, if `most` is not None.

    Two enrollments of one contact in one journey are never active at once, whatever the rule.
    """

    after: float | None = None
    most: int | None = None

    @property
    def is_once(self) -> bool:
        return self.after is None or self.most == 1

    def describe(self) -> str:
        if self.after is None or self.is_once:
            return "Each contact enters once"
        most = f", {self.most} times at most" if self.most else ""
        return f"Contacts enter again {'always' if not self.after else f'{describe_duration(self.after)} later'}{most}"


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

    def way_taken(self, visits: Collection[str], steps: "Mapping[str, Step]") -> str | None:
        """Where somebody went on from here who has been at these steps, be it deep within an arm whose beginning is
        new."""

        def leads_to_them(arm: tuple[str, ...]) -> bool:
            return any(each in visits or any(map(leads_to_them, steps[each].arms.values())) for each in arm)

        taken = next((name for name, arm in self.arms.items() if leads_to_them(arm)), "")
        return self.way(taken)

    @property
    def ways(self) -> tuple[tuple[str, str | None], ...]:
        """Each way on that has a name, or the only one (""), and the step to which it leads (None: the end)."""
        if self.body.ends:
            return ()
        return tuple((name, self.way(name)) for name in self.arms) or (("", self.next),)


@dataclass(frozen=True, slots=True)
class Journey:
    """One version of a journey, compiled. `outline` are the ids of the outermost steps in order.

    `starts_on` and `waits_for` are the names of events (in lower case) that may start an enrollment or move one;
    `reads` every fact that a predicate of it reads, `watches` those whose change may end an enrollment (`exit_if`) or
    the wait at which it stands.
    """

    id: str
    name: str
    description: str
    version: int
    triggers: tuple[Trigger, ...]
    reentry: Reentry
    goal: Goal | None
    exit_if: Predicate | None
    exit_on: Happening | None
    per: Per | None
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
    def asks_best_hour(self) -> bool:
        """Whether a message of it waits for the best hour of each person."""
        return any(isinstance(step.body, SendStep) and step.body.within is not None for step in self.steps.values())

    @property
    def longest(self) -> float:
        """Seconds that somebody is under way at most: of all ways the one with the longest waits, round all loops."""

        @cache
        def rest(step_id: str | None) -> float:
            if step_id is None:
                return 0.0
            step = self.steps[step_id]
            return step.body.longest + max((rest(target) for _, target in step.ways), default=0.0)

        jumps = sum(step.body.most for step in self.steps.values() if isinstance(step.body, GotoStep))
        return rest(self.first) + (jumps * max(map(rest, self.steps)) if jumps else 0.0)


def parse_journey(document: object, *, version: int = 0, winners: Mapping[str, str] | None = None) -> Journey:
    """Read a journey document; raises DefinitionError with all its mistakes. `version` is the published one, `winners`
    the variants that have won its experiments, by step."""
    reader = Reader(document)
    head = read_head(reader, "journey")
    findings = Findings()
    anywhere = Scope(findings)
    triggers = tuple(
        read_trigger(child, Scope(findings, allow=CONTACT), head.id, number)
        for number, child in enumerate(reader.children("trigger", most=20, or_one=True))
    )
    reentry = _read_reentry(reader)
    if reentry.is_once and any(trigger.alarm and trigger.alarm.comes_round for trigger in triggers):
        reader.mistake("must let contacts in again: a trigger comes round, and each would enter once", "reentry")
    priority = reader.integer("priority", USUAL_PRIORITY, least=0, most=100)
    holdout = reader.number("holdout", 0.0, least=0, most=90)
    goal = _read_goal(reader, anywhere)
    timezone = reader.read("timezone", parse_zone, None, None)
    listing = _Listing(findings)
    outline = listing.read_steps(reader.children("steps", most=MOST_STEPS), "", None, 0)
    if len(listing.steps) > MOST_STEPS:
        reader.mistake(f"has {len(listing.steps)} steps; at most {MOST_STEPS} are allowed", "steps")
    exit_reader = reader.find_child("exit_if")
    exit_if = anywhere.predicate(exit_reader) if exit_reader else None
    exit_on_reader = reader.find_child("exit_on")
    exit_on = anywhere.happening(exit_on_reader) if exit_on_reader else None
    if exit_on:
        anywhere.listen(exit_on)
    per = reader.read("per", _parse_per, None, None)
    if per and any(trigger.alarm or trigger.segment for trigger in triggers):
        reader.mistake("needs triggers that are events: a date, a schedule or a segment does not say what for", "per")
    if per and reentry.is_once:
        reader.mistake("must let contacts in again: each key is remembered for some time only, not for ever", "reentry")
    if goal:
        anywhere.listen(goal.happening)
    sends = [step_id for step_id, step in listing.steps.items() if isinstance(step.body, SendStep)]
    check_flow(next(iter(outline), None), listing.steps, listing.readers, listing.lists)
    check_questions(findings.asked, sends, listing.steps)
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
        exit_on=exit_on,
        per=per,
        timezone=timezone,
        outline=outline,
        steps=crown(listing.steps, winners or {}),
        reads=frozenset(findings.reads),
        trackers=tuple(findings.trackers),
        starts_on=frozenset(trigger.key for trigger in triggers),
        waits_for=frozenset(findings.waits_for),
        watches=frozenset(findings.watches) | (exit_if.reads if exit_if else frozenset()),
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


class Places(NamedTuple):
    """Where steps stand in a document: their paths by id, and those of the lists of arms by step and name."""

    steps: Mapping[str, str]
    arms: Mapping[tuple[str, str], str]


def find_places(document: Mapping[str, object]) -> Places:
    """Where each step of a journey's document stands, in the order of reading. Mistakes do not matter here."""
    findings = Findings()
    listing = _Listing(findings)
    listing.read_steps(Reader(document).children("steps", least=0, most=MOST_STEPS), "", None, 0)
    return Places({step_id: reader.path for step_id, reader in listing.readers.items()}, findings.arms)


class _Listing:
    """The steps of a journey, gathered while its nested lists are read; `lists` are the ids of each."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.steps: dict[str, Step] = {}
        self.readers: dict[str, Reader] = {}
        self.lists: list[tuple[str, ...]] = []

    def read_steps(self, readers: list[Reader], prefix: str, then: str | None, level: int) -> tuple[str, ...]:
        """One list of steps, whose last goes on to `then`; answers their ids."""
        if level > MOST_LEVELS and readers:
            readers[0].mistake(f"steps are nested more than {MOST_LEVELS} levels deep; make it two journeys")
            readers = []
        types = [_read_type(reader) for reader in readers]
        ids = tuple(
            reader.id("id", f"{prefix}{key}-{number}")
            for number, (reader, key) in enumerate(zip(readers, types, strict=True), 1)
        )
        self.lists.append(ids)
        for reader, key, step_id, following in zip(readers, types, ids, (*ids[1:], then), strict=False):
            if key is None:
                continue
            if step_id in self.steps:
                reader.mistake(f"two steps have the id '{step_id}'; give each an id of its own", "id")
            scope = Scope(self.findings, step_id)
            body = STEP_TYPES[key](reader.child(key), scope)
            if isinstance(body, SendStep) and not reader.has("id"):
                reader.misfit("is missing: a send step needs an id, by which its messages are known", "id")
            if isinstance(body, ExperimentStep) and not reader.has("id"):
                reader.misfit("is missing: an experiment needs an id, by which its numbers are known", "id")
            # Its place in the order of the document comes before those of its arms.
            self.steps[step_id] = Step(step_id, following, {}, body)
            self.readers[step_id] = reader
            arms = {
                name: self.read_steps(arm, f"{step_id}-{_slug(name)}-", following, level + 1)
                for name, arm in scope.arms.items()
            }
            self.steps[step_id] = Step(step_id, following, arms, body)
        return ids


def _read_type(reader: Reader) -> str | None:
    reader.expect("id")
    if reader.stands_for("step"):
        return None
    return choose(reader, STEP_TYPES, "a step is")


def _slug(name: str) -> str:
    """The name of an arm as a part of ids."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "arm"


def _read_reentry(reader: Reader) -> Reentry:
    rules = {"once": Reentry(), "always": Reentry(0.0)}
    if reader.is_object("reentry"):
        rule = reader.child("reentry")
        most = rule.integer("most", None, least=1, most=1_000)
        after = rule.duration("after", None, least=1, most=LONGEST)
        if after is None and most is None:
            rule.misfit("is missing: say after how long, or give most", "after")
        return Reentry(after or 0.0, most)
    try:
        return rules[reader.choice("reentry", rules, "once")]
    except KeyError:
        return Reentry()


@form({"type": "string", "pattern": r"^[^.]+(\.[^.]+){0,9}$", "maxLength": 200})
def _parse_per(raw: object) -> Per:
    return Per(tuple(parse_path(raw)))


def _read_goal(reader: Reader, scope: Scope) -> Goal | None:
    child = reader.find_child("goal")
    if child is None:
        return None
    within = child.duration("within", None, least=1, most=LONGEST)
    return Goal(scope.happening(child), within)


def describe_journey(journey: Journey) -> tuple[str, ...]:
    """The journey in lines of English; what a step leads to is indented under it."""
    lines = [
        journey.name,
        f"Starts with {' or '.join(trigger.describe() for trigger in journey.triggers)}",
        journey.reentry.describe(),
    ]
    if journey.goal:
        lines.append(f"Goal: {journey.goal.describe()}")
    if journey.per:
        lines.append(journey.per.describe())
    if journey.exit_if:
        lines.append(f"Ends early if: {journey.exit_if.describe()}")
    if journey.exit_on:
        lines.append(f"Ends early with: {journey.exit_on.describe()}")
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
