"""Predicates: one small language for segments, branches, triggers, goals and scoring.

A predicate is a JSON object. `{"all": […]}`, `{"any": […]}` and `{"not": …}` combine; everything else is one subject
with one operator, such as `{"attribute": "country", "is": "FR"}` or `{"event": "Order Completed", "at_least": 2,
"within": "P30D"}`. Three tables hold the words: OPERATORS compare values, FREQUENCIES (in `behaviour`) count events,
FACTS are so or not. SUBJECTS says what a leaf can be about. To add a word, add an entry to its table.

Evaluating gives a Verdict: the truth, and the earliest instant at which time alone may change it. It never raises.
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from postroad.behaviour import FREQUENCIES, HISTORY, LONGEST_LIST, Frequency, Tracker, has_happened_until
from postroad.consent import EVERY_TOPIC, stands
from postroad.contacts import Contact, Enrollment
from postroad.documents import Reader, parse_text
from postroad.events import Event
from postroad.instants import DAY, describe_duration
from postroad.operators import OPERATORS, THRESHOLDS, Judge, Operator, describe_name, describe_value, elements_of, walk
from postroad.verdicts import FALSE, TRUE, Verdict, decide, deny

__all__ = [
    "CONTACT",
    "EVENT",
    "JOURNEY",
    "NEVER",
    "EventPattern",
    "Predicate",
    "Scored",
    "Verdict",
    "View",
    "parse_predicate",
    "read_pattern",
    "read_predicate",
]


class Scored(Protocol):
    """A score sheet, as far as predicates know it."""

    def evaluate(self, view: "View", holds: Callable[[float], bool], threshold: float) -> Verdict: ...


class View(NamedTuple):
    """What a predicate may look at. `assumed` are the topics that stand until they are refused."""

    contact: Contact
    now: float
    scores: Mapping[str, Scored] = {}
    enrollment: Enrollment | None = None
    event: Event | None = None
    assumed: frozenset[str] = frozenset()


class Predicate(Protocol):
    """A condition. `reads` names the facts that it depends on; `trackers` what must be remembered for it."""

    @property
    def reads(self) -> frozenset[str]: ...
    @property
    def trackers(self) -> tuple[Tracker, ...]: ...
    def evaluate(self, view: View) -> Verdict: ...
    def describe(self) -> str: ...


# Combining


@dataclass(frozen=True, slots=True)
class Group:
    """`all` or `any` of its members."""

    members: tuple[Predicate, ...]
    decisive: bool
    reads: frozenset[str] = frozenset()
    trackers: tuple[Tracker, ...] = ()

    def evaluate(self, view: View) -> Verdict:
        return decide((member.evaluate(view) for member in self.members), self.decisive)

    def describe(self) -> str:
        words = [
            f"({member.describe()})" if isinstance(member, Group) and len(member.members) > 1 else member.describe()
            for member in self.members
        ]
        return (" or " if self.decisive else " and ").join(words) or "never"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of its member."""

    member: Predicate
    reads: frozenset[str]
    trackers: tuple[Tracker, ...]

    def evaluate(self, view: View) -> Verdict:
        return deny(self.member.evaluate(view))

    def describe(self) -> str:
        return f"not ({self.member.describe()})"


NEVER: Predicate = Group((), decisive=True)


# Leaves


@dataclass(frozen=True, slots=True)
class Comparison:
    """A value of the contact or the event, compared by an operator."""

    subject: str
    find: Callable[[View], Any]
    operator: Operator
    operand: Any
    judge: Judge
    denies: bool
    reads: frozenset[str]
    trackers: tuple[Tracker, ...] = ()

    def evaluate(self, view: View) -> Verdict:
        value = self.find(view)
        if isinstance(value, (list, tuple)):
            elements = elements_of(value, self.operator.is_whole)
            verdict = decide((self.judge(element, view.now) for element in elements), decisive=True)
        else:
            verdict = self.judge(value, view.now)
        return deny(verdict) if self.denies else verdict

    def describe(self) -> str:
        return f"{describe_name(self.subject)} {self.operator.describe(self.operand)}"


@dataclass(frozen=True, slots=True)
class ScoreComparison:
    """A score compared with a threshold."""

    score_id: str
    operator: Operator
    threshold: float
    holds: Callable[[float], bool]
    reads: frozenset[str]
    trackers: tuple[Tracker, ...] = ()

    def evaluate(self, view: View) -> Verdict:
        sheet = view.scores.get(self.score_id)
        return sheet.evaluate(view, self.holds, self.threshold) if sheet else FALSE

    def describe(self) -> str:
        return f"score {self.score_id} {self.operator.describe(self.threshold)}"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is so of a contact or not, by a name: time alone does not change it, only an event does."""

    key: str
    fact: str
    holds: Callable[[View, str], bool]
    yes: str
    no: str


def _consents(view: View, topic: str) -> bool:
    answers = view.contact.consents
    return stands(answers.get(topic), answers.get(EVERY_TOPIC), topic in view.assumed)


def _is_marked(view: View, step: str, *marks: str) -> bool:
    found = view.enrollment.marks.get(step, ()) if view.enrollment else ()
    return any(mark in found for mark in marks)


def _is_at_stage(view: View, stage: str) -> bool:
    return view.contact.stage is not None and view.contact.stage.name == stage


FACTS = {
    fact.key: fact
    for fact in (
        Fact("segment", "segment:{}", lambda v, name: name in v.contact.segments, "is in {}", "is not in {}"),
        Fact("stage", "stage", _is_at_stage, "is at stage {}", "is not at stage {}"),
        Fact("consent", "consent:{}", _consents, "consents to {}", "does not consent to {}"),
        # Many mail programs hide openings, and nobody clicks in a mail unopened.
        Fact("opened", "mark:{}", lambda v, s: _is_marked(v, s, "opened", "clicked"), "opened {}", "did not open {}"),
        Fact("clicked", "mark:{}", lambda v, s: _is_marked(v, s, "clicked"), "clicked in {}", "did not click in {}"),
    )
}


@dataclass(frozen=True, slots=True)
class Is:
    """A fact is so, or with `wanted` False is not so, for any of the names."""

    fact: Fact
    names: tuple[str, ...]
    wanted: bool
    reads: frozenset[str]
    trackers: tuple[Tracker, ...] = ()

    def evaluate(self, view: View) -> Verdict:
        return TRUE if any(self.fact.holds(view, name) for name in self.names) is self.wanted else FALSE

    def describe(self) -> str:
        return (self.fact.yes if self.wanted else self.fact.no).format(describe_value(self.names))


@dataclass(frozen=True, slots=True)
class EventPattern:
    """An event by its name, whatever its case, and what its properties must be (at the event's own time).

    Definitions that ask about the same events have the same `tracker_id`, and so share a memory.
    """

    name: str
    key: str
    where: Predicate | None = None
    tracker_id: str = ""

    def matches(self, event: Event) -> bool:
        """Whether an event is meant."""
        if event.name.lower() != self.key:
            return False
        return self.where is None or self.where.evaluate(View(_NOBODY, event.time, event=event)).truth

    def tracker(self, keep: int, window: float | None) -> Tracker:
        """What remembers these events: the newest times, as many as `keep`, within a window of seconds."""
        return Tracker(self.tracker_id, self.key, self.matches, keep, window)

    def describe(self) -> str:
        return f"{self.name} ({self.where.describe()})" if self.where else self.name


_NOBODY = Contact("")


@dataclass(frozen=True, slots=True)
class Happened:
    """An event happened at least `fewest` and at most `most` times, ever or within a window of seconds."""

    pattern: EventPattern
    frequency: Frequency
    operand: int
    fewest: int
    most: int | None
    window: float | None
    reads: frozenset[str]
    trackers: tuple[Tracker, ...]

    def evaluate(self, view: View) -> Verdict:
        memory = view.contact.behaviour.get(self.pattern.tracker_id)
        if self.most is not None:
            too_often_until = has_happened_until(memory, self.most + 1, self.window)
            if too_often_until > view.now:
                return Verdict(False, too_often_until)
        until = has_happened_until(memory, self.fewest, self.window)
        return Verdict(True, until) if until > view.now else FALSE

    def describe(self) -> str:
        window = "" if self.window is None else f" within the last {describe_duration(self.window)}"
        return self.frequency.describe(self.operand).format(self.pattern.describe()) + window


# Reading


def parse_predicate(document: object, allow: frozenset[str] | None = None) -> Predicate:
    """The predicate of a JSON object, about the subjects allowed (default CONTACT). Raises DefinitionError."""
    reader = Reader(document)
    predicate = read_predicate(reader, CONTACT if allow is None else allow)
    reader.finish()
    return predicate


def read_predicate(reader: Reader, allow: frozenset[str] | None = None) -> Predicate:
    """The predicate that the reader's object is; mistakes are left in the reader, and read as NEVER."""
    if reader.is_broken:
        return NEVER
    allowed = CONTACT if allow is None else allow
    known = [key for key in SUBJECTS if key in allowed or key in COMBINING]
    found = [key for key in SUBJECTS if reader.has(key)]
    if len(found) == 1 and found[0] in known:
        return SUBJECTS[found[0]](reader, found[0], allowed)
    reader.expect(*known, *found, *OPERATORS, *FREQUENCIES, "within", "where")
    if len(found) > 1:
        reader.mistake(f"says {' and '.join(found)} at once; put each into an object of its own, within all or any")
    elif found:
        reader.mistake(f"is not known in this place; known here: {', '.join(known)}", found[0])
    elif not reader.strangers():
        reader.mistake(f"does not say what it is about; it needs one of {', '.join(known)}")
    return NEVER


def read_pattern(reader: Reader) -> EventPattern:
    """The event pattern in the keys `event` and `where` of an object that may have other keys too."""
    name = reader.text("event", longest=200).strip()
    where = reader.find_child("where")
    meaning = json.dumps([name.lower(), reader.anything("where")], sort_keys=True)
    tracker_id = urlsafe_b64encode(hashlib.sha256(meaning.encode(errors="replace")).digest()[:6]).decode()
    return EventPattern(name, name.lower(), read_predicate(where, EVENT) if where else None, tracker_id)


def _read_group(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    members = tuple(read_predicate(child, allow) for child in reader.children(key))
    reads: frozenset[str] = frozenset().union(*(member.reads for member in members))
    return Group(members, key == "any", reads, tuple(tracker for member in members for tracker in member.trackers))


def _read_not(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    member = read_predicate(reader.child(key), allow)
    return Not(member, member.reads, member.trackers)


def _read_attribute(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    name, *rest = _read_path(reader, key)

    def find(view: View) -> Any:
        found = view.contact.attributes.get(name)
        return found.value if found else None

    return _read_comparison(reader, key, f"attribute:{name}", (lambda view: walk(find(view), rest)) if rest else find)


def _read_property(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    name, *rest = _read_path(reader, key)
    return _read_comparison(
        reader, key, "property", lambda view: walk(view.event.properties.get(name), rest) if view.event else None
    )


def _read_path(reader: Reader, key: str) -> list[str]:
    def parse(raw: object) -> list[str]:
        parts = parse_text(raw, 200).split(".")
        if not all(parts) or len(parts) > 10:
            raise ValueError("must be a name, or up to ten names with dots between them")
        return parts

    return reader.read(key, parse, ["-"])


def _read_comparison(reader: Reader, key: str, fact: str, find: Callable[[View], Any]) -> Predicate:
    operator = _read_operator(reader, OPERATORS)
    before = len(reader.mistakes)
    operand = operator.read(reader, operator.key) if operator else None
    if operator is None or len(reader.mistakes) > before:
        return NEVER
    subject, judge, denies = str(reader.document[key]), operator.judge(operand), operator.denies(operand)
    return Comparison(subject, find, operator, operand, judge, denies, frozenset((fact,)))


def _read_score(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    score_id = reader.id(key)
    operator = _read_operator(reader, {name: OPERATORS[name] for name in THRESHOLDS})
    if operator is None:
        return NEVER
    threshold = reader.number(operator.key)
    compare = THRESHOLDS[operator.key]
    reads = frozenset((f"score:{score_id}",))
    return ScoreComparison(score_id, operator, threshold, lambda value: compare(value, threshold), reads)


def _read_operator(reader: Reader, operators: Mapping[str, Operator]) -> Operator | None:
    reader.expect(*operators)
    found = [key for key in operators if reader.has(key)]
    if len(found) == 1:
        return operators[found[0]]
    if found:
        reader.mistake(f"compares by {' and '.join(found)} at once; put each into an object of its own, within all")
    elif not reader.strangers():
        reader.mistake(f"does not say how to compare; it needs one of {', '.join(operators)}")
    return None


def _read_fact(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    fact, names = FACTS[key], reader.ids(key)
    reads = frozenset(fact.fact.format(name) for name in names)
    return Is(fact, names, reader.flag("is", True), reads)


def _read_happened(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    pattern = read_pattern(reader)
    window = reader.duration("within", None)
    if window is not None and window > HISTORY:
        reader.mistake(f"reaches back {HISTORY / DAY:.0f} days at most; leave it out to count the whole life", "within")
    reader.expect(*FREQUENCIES)
    found = [key for key in FREQUENCIES if reader.has(key)]
    if len(found) > 1:
        reader.mistake(f"counts by {' and '.join(found)} at once; put each into an object of its own, within all")
    frequency = FREQUENCIES[found[0] if found else "at_least"]
    operand = frequency.read(reader, frequency.key) if found else 1
    fewest, most = frequency.bounds(operand)
    keep = 0 if window is None else fewest if most is None else most + 1
    if keep > LONGEST_LIST:
        reader.mistake(f"within a window counts up to {LONGEST_LIST - 1}; choose less, or leave out within", found[0])
    reads = frozenset((f"tracker:{pattern.tracker_id}",))
    return Happened(pattern, frequency, operand, fewest, most, window, reads, (pattern.tracker(keep, window),))


SUBJECTS: dict[str, Callable[[Reader, str, frozenset[str]], Predicate]] = {
    "all": _read_group,
    "any": _read_group,
    "not": _read_not,
    "attribute": _read_attribute,
    "property": _read_property,
    "event": _read_happened,
    "score": _read_score,
    **dict.fromkeys(FACTS, _read_fact),
}

# Which subjects are known where. What combines is known everywhere.
COMBINING = frozenset(("all", "any", "not"))
CONTACT = frozenset(("attribute", "event", "segment", "score", "stage", "consent"))
EVENT = frozenset(("property",))
JOURNEY = CONTACT | {"opened", "clicked"}
