"""Scoring: a number for how ready or engaged a contact is, which fades by a half-life.

Each rule that gives points for events keeps one sum, as it stood at its newest event. Sums that fade at one rate can be
added and moved in time freely, so neither late events nor merges need a history, and nothing depends on the order of
arrival: S(t) = S(t0) · 2^-((t - t0) / half-life).

A score counts whole minutes and has three decimals. So it is a staircase, and the step at which it crosses a threshold
is a certain minute, which the formula above finds when it is solved for t, and which trying its neighbours confirms.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil, floor, inf, log2
from typing import ClassVar, NamedTuple

from postroad.behaviour import Tracker
from postroad.contacts import Points
from postroad.documents import Reader, read_head, refuse_twins
from postroad.events import Event
from postroad.instants import DAY
from postroad.predicates import CONTACT, EventPattern, Predicate, Verdict, View, read_pattern, read_predicate

MINUTE = 60.0
# Within these bounds floats tell one minute of fading from the next.
SHORTEST_HALF_LIFE, LONGEST_HALF_LIFE = 3_600.0, 365 * DAY
MOST_POINTS = 10_000.0


class EventRule(NamedTuple):
    """Points for each event of a kind. `at_most` bounds what the rule as a whole is worth, whatever its sum."""

    id: str
    pattern: EventPattern
    points: float
    at_most: float = inf

    def bound(self, points: float) -> float:
        return max(-self.at_most, min(self.at_most, points))

    def describe(self) -> str:
        return self.pattern.describe()


class FactRule(NamedTuple):
    """Points for as long as a predicate holds."""

    id: str
    predicate: Predicate
    points: float

    def describe(self) -> str:
        return self.predicate.describe()


class Reason(NamedTuple):
    """What a rule adds to a score now, and why."""

    rule_id: str
    points: float
    because: str


@dataclass(frozen=True, slots=True)
class Score:
    """A sheet of scoring rules. `half_life` is in seconds; None: points stay."""

    kind: ClassVar[str] = "score"

    id: str
    name: str
    description: str
    half_life: float | None
    event_rules: tuple[EventRule, ...]
    fact_rules: tuple[FactRule, ...]

    @property
    def reads(self) -> frozenset[str]:
        return frozenset().union(*(rule.predicate.reads for rule in self.fact_rules))

    @property
    def trackers(self) -> tuple[Tracker, ...]:
        return tuple(tracker for rule in self.fact_rules for tracker in rule.predicate.trackers)

    @property
    def events(self) -> frozenset[str]:
        """The lower-cased names of the events that give points."""
        return frozenset(rule.pattern.key for rule in self.event_rules)

    # What a contact holds: Points by the id of an event rule

    def update(self, held: Mapping[str, Points], event: Event) -> Mapping[str, Points]:
        """What a contact holds after an event; the same object when the event gives no points."""
        given = {
            rule.id: Points(rule.points, floor(event.time / MINUTE) * MINUTE)
            for rule in self.event_rules
            if rule.pattern.matches(event)
        }
        return self.merge(held, given) if given else held

    def merge(self, one: Mapping[str, Points], other: Mapping[str, Points]) -> Mapping[str, Points]:
        """What two contacts hold together; which comes first makes no difference."""
        merged = dict(one)
        for rule_id, points in other.items():
            merged[rule_id] = self._add(merged[rule_id], points) if rule_id in merged else points
        return merged

    def recompute(self, events: Iterable[Event]) -> Mapping[str, Points]:
        """What a contact with this timeline holds."""
        held: Mapping[str, Points] = {}
        for event in events:
            held = self.update(held, event)
        return held

    def _add(self, one: Points, other: Points) -> Points:
        at = max(one.at, other.at)
        return Points(sum(points * _fade(at - since, self.half_life) for points, since in (one, other)), at)

    # What it is worth

    def value(self, view: View) -> float:
        """The contact's score now, with three decimals."""
        return self._stand(view)[0].value_at(view.now)

    def evaluate(self, view: View, holds: Callable[[float], bool], threshold: float) -> Verdict:
        """Whether the score `holds` against a threshold, and when time alone may change that."""
        standing, turns_at = self._stand(view)
        truth = holds(standing.value_at(view.now))
        for minute in standing.crossings(view.now, _find_level(holds, threshold)):
            if minute >= turns_at:
                break
            if holds(standing.value_at(minute)) is not truth:
                return Verdict(truth, minute)
        return Verdict(truth, turns_at)

    def reasons(self, view: View) -> tuple[Reason, ...]:
        """What each rule adds to the contact's score now, the weightiest first; rules that add nothing are left out."""
        standing, _ = self._stand(view)
        facts = (rule for rule in self.fact_rules if rule.predicate.evaluate(view).truth)
        reasons = [
            *(Reason(r.id, round(standing.worth(r, held, view.now), 3), r.describe()) for r, held in standing.held),
            *(Reason(rule.id, rule.points, rule.describe()) for rule in facts),
        ]
        return tuple(sorted((r for r in reasons if r.points), key=lambda r: (-abs(r.points), r.rule_id)))

    def _stand(self, view: View) -> "tuple[_Standing, float]":
        """How the contact stands as the facts are now, and when the first of them may turn."""
        constant, turns_at = 0.0, inf
        for rule in self.fact_rules:
            truth, turns = rule.predicate.evaluate(view)
            constant += rule.points if truth else 0.0
            turns_at = min(turns_at, turns)
        held = view.contact.scores.get(self.id, {})
        standing = [(rule, held[rule.id]) for rule in self.event_rules if rule.id in held]
        return _Standing(self.half_life, constant, standing), turns_at


class _Standing(NamedTuple):
    """A score as a function of time alone."""

    half_life: float | None
    constant: float
    held: list[tuple[EventRule, Points]]

    def value_at(self, now: float) -> float:
        return round(self.constant + sum(self.worth(rule, points, now) for rule, points in self.held), 3)

    def worth(self, rule: EventRule, points: Points, now: float) -> float:
        """What a rule adds, by the whole minute."""
        age = floor(now / MINUTE) * MINUTE - points.at
        return rule.bound(points.points * _fade(age, self.half_life))

    def crossings(self, now: float, level: float) -> list[float]:
        """The minutes after now, ascending, among which the score may cross a level.

        Between the instants at which a rule begins to fade or falls below its bound, a score is A + B · 2^-(t / h).
        """
        if self.half_life is None:
            return []
        bends = [
            *(points.at for _, points in self.held),
            *(
                points.at + self.half_life * log2(abs(points.points) / rule.at_most)
                for rule, points in self.held
                if abs(points.points) > rule.at_most
            ),
        ]
        # A score stands by the whole minute, so a crossing in the minute that runs is still to come.
        begin = floor(now / MINUTE) * MINUTE
        starts = [begin, *sorted(at for at in bends if at > begin)]
        minutes: set[float] = set()
        for start, end in zip(starts, [*starts[1:], inf], strict=True):
            flat, fading = self.constant, 0.0
            for rule, points in self.held:
                worth = points.points * _fade(start - points.at, self.half_life)
                # At its own bend a rule is about to fade; rounding must not take it for still bound.
                if points.at > start or abs(worth) > rule.at_most * (1 + 1e-9):
                    flat += rule.bound(worth)
                else:
                    fading += worth
            remaining = (level - flat) / fading if fading else 0.0
            if 0.0 < remaining <= 1.0 + 1e-9:
                instant = start - self.half_life * log2(remaining)
                if instant <= end + MINUTE:
                    nearest = ceil(instant / MINUTE)
                    minutes.update((nearest + step) * MINUTE for step in (-1, 0, 1))
        return sorted(minute for minute in minutes if minute > now)


def _fade(age: float, half_life: float | None) -> float:
    """What is left of one point after so many seconds."""
    return 1.0 if half_life is None or age <= 0 else 0.5 ** (age / half_life)


def _find_level(holds: Callable[[float], bool], threshold: float) -> float:
    """The sum at which rounding to three decimals takes a score over the threshold."""
    last = floor(threshold * 1_000)
    steps = (last - 1, last, last + 1)
    return next(((n + 0.5) / 1_000 for n in steps if holds(n / 1_000) is not holds((n + 1) / 1_000)), threshold)


def parse_score(document: object) -> Score:
    """The score sheet of a document. Raises DefinitionError with all its mistakes.

    `{kind, id, name, half_life?, rules: [{id, event, where?, points, at_most?} or {id, if: predicate, points}, …]}`
    """
    reader = Reader(document)
    head = read_head(reader, Score.kind)
    half_life = reader.duration("half_life", None, least=SHORTEST_HALF_LIFE, most=LONGEST_HALF_LIFE)
    parts = reader.children("rules")
    rules = [_read_rule(part) for part in parts]
    refuse_twins(parts)
    reader.finish()
    event_rules = tuple(rule for rule in rules if isinstance(rule, EventRule))
    fact_rules = tuple(rule for rule in rules if isinstance(rule, FactRule))
    return Score(*head, half_life, event_rules, fact_rules)


def _read_rule(reader: Reader) -> EventRule | FactRule:
    rule_id, points = reader.id("id"), reader.number("points", least=-MOST_POINTS, most=MOST_POINTS)
    if reader.has("if"):
        # A score that reads scores could run in circles.
        return FactRule(rule_id, read_predicate(reader.child("if"), CONTACT - {"score"}), points)
    if not reader.has("event"):
        reader.expect("event", "if", "where", "at_most")
        if not reader.is_broken and not reader.strangers():
            reader.mistake("does not say what it gives points for; it needs event or if")
    pattern = read_pattern(reader) if reader.has("event") else EventPattern("", "")
    return EventRule(rule_id, pattern, points, reader.number("at_most", inf, least=0.001, most=MOST_POINTS))
