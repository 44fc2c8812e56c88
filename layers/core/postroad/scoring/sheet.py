"""Scoring: a number for how ready or engaged a contact is, which fades by a half-life.

Each rule that gives points for events keeps one sum, as it stood at its newest event. Sums that fade at one rate can be
added and moved in time freely, so neither late events nor merges need a history, and nothing depends on the order of
arrival: S(t) = S(t0) · 2^-((t - t0) / half-life).

A rule with a cap keeps a sum for each of the latest KEPT_WINDOWS windows in which something gave points, and counts of
each at most the cap; older windows are added up for good. An event that comes when KEPT_WINDOWS later windows have
points counts as a window of its own; up to there nothing depends on the order of arrival. Points that last a while do
not fade: they are as many as the newest times say, which a tracker remembers.

A score counts whole minutes and has three decimals. So it is a staircase, and the step at which it crosses a threshold
is a certain minute, which the formula above finds when it is solved for t, and which trying its neighbours confirms.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf, log2
from typing import ClassVar, NamedTuple

from postroad.contacts.contact import Points
from postroad.documents import Reader, read_head, refuse_twins
from postroad.events import POINTS_GIVEN, Event
from postroad.instants import DAY, describe_duration
from postroad.predicates.behaviour import HISTORY, Tracker
from postroad.predicates.predicate import CONTACT, EventPattern, Predicate, Verdict, View, read_pattern, read_predicate
from postroad.predicates.verdicts import Sorting

MINUTE = 60.0
# Within these bounds floats tell one minute of fading from the next.
SHORTEST_HALF_LIFE, LONGEST_HALF_LIFE = 3_600.0, 365 * DAY
MOST_POINTS = 10_000.0
# Of a rule with a cap so many windows stay open for events that come late.
KEPT_WINDOWS = 4
# So many events give points that last a while, at most.
MOST_COUNTED = 50
# What depends on a score, and so has no place in one.
READS_SCORES = frozenset(("score", "matrix"))


class Cap(NamedTuple):
    """What the events of one window of `per` seconds are worth at most, either way; windows begin with 1970, in UTC."""

    points: float
    per: float


class EventRule(NamedTuple):
    """Points for each event of a kind. `at_most` bounds what the rule as a whole is worth, whatever its sum."""

    id: str
    pattern: EventPattern
    points: float
    at_most: float = inf
    cap: Cap | None = None

    def bound(self, points: float) -> float:
        return _bound(points, self.at_most)

    def describe(self) -> str:
        return self.pattern.describe()

    def terms(self) -> str:
        """What it gives, in a sentence."""
        cap = f", at most {self.cap.points:.15g} within {describe_duration(self.cap.per)}" if self.cap else ""
        most = f", at most {self.at_most:.15g} in all" if self.at_most < inf else ""
        return f"{self.points:+.15g} for {self.describe()}{cap}{most}"


class LastingRule(NamedTuple):
    """Points for each event of a kind that last for `lasts` seconds and then are gone; the newest `most` count."""

    id: str
    pattern: EventPattern
    points: float
    lasts: float
    most: int
    at_most: float = inf

    @property
    def tracker(self) -> Tracker:
        return self.pattern.tracker(self.most, self.lasts)

    def times(self, view: View) -> tuple[float, ...]:
        """When the events happened that give points now, ascending."""
        memory = view.contact.behaviour.get(self.pattern.tracker_id) or ()
        return tuple(time for time in memory[3:][-self.most :] if time + self.lasts > view.now)

    def worth(self, times: Sequence[float]) -> float:
        return _bound(self.points * len(times), self.at_most)

    def describe(self) -> str:
        return f"{self.pattern.describe()} within the last {describe_duration(self.lasts)}"

    def terms(self) -> str:
        """What it gives, in a sentence."""
        most = f", at most {self.at_most:.15g} in all" if self.at_most < inf else f", for the latest {self.most}"
        return f"{self.points:+.15g} for {self.describe()}{most}"


class FactRule(NamedTuple):
    """Points for as long as a predicate holds."""

    id: str
    predicate: Predicate
    points: float

    def describe(self) -> str:
        return self.predicate.describe()

    def terms(self) -> str:
        """What it gives, in a sentence."""
        return f"{self.points:+.15g} while {self.describe()}"


Rule = EventRule | LastingRule | FactRule


class Band(NamedTuple):
    """A range of a score with a name: from `least` up to where the next higher one begins."""

    id: str
    least: float

    def reaches(self, value: float) -> bool:
        """Whether a value is as high as this band, or higher."""
        return value >= self.least


class Reason(NamedTuple):
    """What a rule adds to a score now, why, and when that happened last (None: what holds has no one moment)."""

    rule_id: str
    points: float
    because: str
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """A sheet of scoring rules. `half_life` is in seconds; None: points stay. `bands` are the highest first."""

    kind: ClassVar[str] = "score"

    id: str
    name: str
    description: str
    half_life: float | None
    event_rules: tuple[EventRule, ...]
    fact_rules: tuple[FactRule, ...]
    lasting_rules: tuple[LastingRule, ...] = ()
    bands: tuple[Band, ...] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        return (*self.event_rules, *self.lasting_rules, *self.fact_rules)

    @property
    def reads(self) -> frozenset[str]:
        remembered = frozenset(f"tracker:{rule.pattern.tracker_id}" for rule in self.lasting_rules)
        return remembered.union(*(rule.predicate.reads for rule in self.fact_rules))

    @property
    def trackers(self) -> tuple[Tracker, ...]:
        asked = (tracker for rule in self.fact_rules for tracker in rule.predicate.trackers)
        return (*(rule.tracker for rule in self.lasting_rules), *asked)

    @property
    def events(self) -> frozenset[str]:
        """The lower-cased names of the events that give points by the rules that keep a sum."""
        return frozenset(rule.pattern.key for rule in self.event_rules)

    def describe(self) -> tuple[str, ...]:
        """What it does, line by line."""
        fades = f"points fade to a half in {describe_duration(self.half_life)}" if self.half_life else "points stay"
        bands = ", ".join(f"{band.id} from {band.least:.15g}" if band.least > -inf else band.id for band in self.bands)
        return (fades, *(rule.terms() for rule in self.rules), *([f"bands: {bands}"] if bands else []))

    # What a contact holds: Points by the id of an event rule

    def update(self, held: Mapping[str, Points], event: Event) -> Mapping[str, Points]:
        """What a contact holds after an event; the same object when the event gives no points."""
        at = floor(event.time / MINUTE) * MINUTE
        given = {
            rule.id: Points(rule.points, at)
            if rule.cap is None
            else Points(0.0, at, ((floor(event.time / rule.cap.per), rule.points, at),))
            for rule in self.event_rules
            if rule.pattern.matches(event)
        }
        if event.name == POINTS_GIVEN and (points := _points_given(event, self.id)):
            given[GIVEN] = Points(points, at)
        return self.merge(held, given) if given else held

    def merge(self, one: Mapping[str, Points], other: Mapping[str, Points]) -> Mapping[str, Points]:
        """What two contacts hold together; which comes first makes no difference."""
        merged = dict(one)
        for rule_id, points in other.items():
            merged[rule_id] = self._join(rule_id, merged[rule_id], points) if rule_id in merged else points
        return merged

    def recompute(self, events: Iterable[Event]) -> Mapping[str, Points]:
        """What a contact with this timeline holds."""
        held: Mapping[str, Points] = {}
        if any(rule.cap for rule in self.event_rules):
            events = sorted(events, key=lambda event: event.time)
        for event in events:
            held = self.update(held, event)
        return held

    def _join(self, rule_id: str, one: Points, other: Points) -> Points:
        joined = self._add(one, other)
        if not (one.windows or other.windows):
            return joined
        cap = next((rule.cap for rule in self.event_rules if rule.id == rule_id), None)
        sums: dict[int, Points] = {}
        for number, points, at in (*one.windows, *other.windows):
            sums[number] = self._add(sums[number], Points(points, at)) if number in sums else Points(points, at)
        # Of a rule that has a cap no more every window is closed.
        numbers = sorted(sums)
        kept = numbers[-KEPT_WINDOWS:] if cap else []
        for number in numbers[: len(numbers) - len(kept)]:
            joined = self._add(joined, _capped(sums[number], cap))
        return joined._replace(windows=tuple((number, *sums[number][:2]) for number in kept))

    def _add(self, one: Points, other: Points) -> Points:
        at = max(one.at, other.at)
        return Points(sum(held.points * _fade(at - held.at, self.half_life) for held in (one, other)), at)

    def _sum(self, rule: EventRule, held: Points) -> Points:
        """One sum of all that a rule has given."""
        whole = Points(held.points, held.at)
        for _, points, at in held.windows:
            whole = self._add(whole, _capped(Points(points, at), rule.cap))
        return whole

    # What it is worth

    def value(self, view: View) -> float:
        """The contact's score now, with three decimals."""
        return self._stand(view)[0].value_at(view.now)

    def evaluate(self, view: View, holds: Callable[[float], bool], threshold: float) -> Verdict:
        """Whether the score `holds` against a threshold, and when time alone may change that."""
        standing, turns_at = self._stand(view)
        return _judge(standing, turns_at, view.now, holds, threshold)

    def sort(self, view: View) -> Sorting:
        """The band in which the score stands now, and when time alone may change that."""
        if not self.bands:
            return Sorting(())
        standing, turns_at = self._stand(view)
        value = standing.value_at(view.now)
        number = next((n for n, band in enumerate(self.bands) if band.reaches(value)), len(self.bands) - 1)
        for band in self.bands[max(number - 1, 0) : number + 1]:
            if band.least > -inf:
                verdict = _judge(standing, turns_at, view.now, band.reaches, band.least)
                turns_at = min(turns_at, verdict.turns_at)
        return Sorting((self.bands[number].id,), turns_at)

    def reasons(self, view: View) -> tuple[Reason, ...]:
        """What each rule adds to the contact's score now, the weightiest first; rules that add nothing are left out."""
        standing, _ = self._stand(view)
        facts = (rule for rule in self.fact_rules if rule.predicate.evaluate(view).truth)
        lasting = ((rule, times) for rule in self.lasting_rules if (times := rule.times(view)))
        reasons = [
            *(Reason(r.id, standing.worth(r, held, view.now), r.describe(), held.at) for r, held in standing.held),
            *(Reason(rule.id, rule.worth(times), rule.describe(), times[-1]) for rule, times in lasting),
            *(Reason(rule.id, rule.points, rule.describe()) for rule in facts),
        ]
        rounded = [reason._replace(points=round(reason.points, 3)) for reason in reasons]
        return tuple(sorted((r for r in rounded if r.points), key=lambda r: (-abs(r.points), r.rule_id)))

    def _stand(self, view: View) -> "tuple[_Standing, float]":
        """How the contact stands as the facts are now, and when the first of them may turn."""
        constant, turns_at = 0.0, inf
        for fact in self.fact_rules:
            truth, turns = fact.predicate.evaluate(view)
            constant += fact.points if truth else 0.0
            turns_at = min(turns_at, turns)
        for lasting in self.lasting_rules:
            if times := lasting.times(view):
                constant += lasting.worth(times)
                turns_at = min(turns_at, times[0] + lasting.lasts)
        held = view.contact.scores.get(self.id)
        if not held:
            return _Standing(self.half_life, constant, []), turns_at
        rules = (*self.event_rules, _GIVEN) if GIVEN in held else self.event_rules
        standing = [(rule, self._sum(rule, held[rule.id])) for rule in rules if rule.id in held]
        return _Standing(self.half_life, constant, standing), turns_at


def _points_given(event: Event, sheet_id: str) -> float:
    """What the event gives to a sheet by itself."""
    points = event.properties.get("points")
    if event.properties.get("score") != sheet_id or isinstance(points, bool) or not isinstance(points, int | float):
        return 0.0
    return _bound(points, MOST_POINTS)


def _bound(points: float, most: float) -> float:
    return max(-most, min(most, points))


def _capped(held: Points, cap: Cap | None) -> Points:
    return held if cap is None else held._replace(points=_bound(held.points, cap.points))


def _judge(
    standing: "_Standing", turns_at: float, now: float, holds: Callable[[float], bool], threshold: float
) -> Verdict:
    truth = holds(standing.value_at(now))
    for minute in standing.crossings(now, _find_level(holds, threshold)):
        if minute >= turns_at:
            break
        if holds(standing.value_at(minute)) is not truth:
            return Verdict(truth, minute)
    return Verdict(truth, turns_at)


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


# What was given by name rather than by a rule: its id is none that a rule can have.
GIVEN, GIVEN_BY_NAME = "~given", "points given by a journey"
_GIVEN = EventRule(GIVEN, EventPattern(GIVEN_BY_NAME, POINTS_GIVEN.lower()), 0.0)


def parse_score(document: object) -> Score:
    """The score sheet of a document. Raises DefinitionError with all its mistakes.

    `{kind, id, name, half_life?, bands?: [{id, from}, …, {id}], rules: [{id, event, where?, points, at_most?, cap?:
    {points, per}, lasts?} or {id, if: predicate, points}, …]}`
    """
    reader = Reader(document)
    head = read_head(reader, Score.kind)
    half_life = reader.duration("half_life", None, least=SHORTEST_HALF_LIFE, most=LONGEST_HALF_LIFE)
    bands = _read_bands(reader)
    parts = reader.children("rules")
    rules = [_read_rule(part) for part in parts]
    refuse_twins(parts)
    reader.finish()
    return Score(
        *head,
        half_life,
        tuple(rule for rule in rules if isinstance(rule, EventRule)),
        tuple(rule for rule in rules if isinstance(rule, FactRule)),
        tuple(rule for rule in rules if isinstance(rule, LastingRule)),
        bands,
    )


def _read_bands(reader: Reader) -> tuple[Band, ...]:
    if not reader.has("bands"):
        reader.expect("bands")
        return ()
    parts = reader.children("bands", least=2, most=10)
    refuse_twins(parts)
    bands: list[Band] = []
    for part in parts:
        is_last = part is parts[-1]
        band = Band(part.id("id"), -inf if is_last else part.number("from"))
        if is_last and part.has("from"):
            part.mistake("is the lowest band, which takes all that is left; leave from out", "from")
            part.expect("from")
        elif bands and band.least >= bands[-1].least:
            part.mistake(f"must begin below {bands[-1].least:.15g}; write the highest band first", "from")
        bands.append(band)
    return tuple(bands)


def _read_rule(reader: Reader) -> Rule:
    rule_id, points = reader.id("id"), reader.number("points", least=-MOST_POINTS, most=MOST_POINTS)
    if reader.has("if"):
        # A score that reads scores could run in circles.
        return FactRule(rule_id, read_predicate(reader.child("if"), CONTACT - READS_SCORES), points)
    if not reader.has("event"):
        reader.expect("event", "if", "where", "at_most", "cap", "lasts")
        if not reader.is_broken and not reader.strangers():
            reader.misfit("does not say what it gives points for; it needs event or if")
    pattern = read_pattern(reader) if reader.has("event") else EventPattern("", "")
    at_most = reader.number("at_most", inf, least=0.001, most=MOST_POINTS)
    if reader.has("lasts"):
        return _read_lasting(reader, rule_id, pattern, points, at_most)
    reader.expect("lasts")
    cap = reader.find_child("cap")
    return EventRule(rule_id, pattern, points, at_most, _read_cap(cap) if cap else None)


def _read_cap(reader: Reader) -> Cap:
    points = reader.number("points", least=0.001, most=MOST_POINTS)
    return Cap(points, reader.duration("per", least=SHORTEST_HALF_LIFE, most=HISTORY))


def _read_lasting(reader: Reader, rule_id: str, pattern: EventPattern, points: float, at_most: float) -> LastingRule:
    lasts = reader.duration("lasts", least=MINUTE, most=HISTORY)
    most = MOST_COUNTED if at_most == inf or not points else ceil(at_most / abs(points))
    if most > MOST_COUNTED:
        reader.mistake(f"is {most} events; points that last a while count up to {MOST_COUNTED}", "at_most")
    if reader.has("cap"):
        reader.mistake("has no place beside lasts; at_most bounds what counts at any moment", "cap")
    reader.expect("cap")
    return LastingRule(rule_id, pattern, points, lasts, min(most, MOST_COUNTED), at_most)
