"""Predicates: one small language for segments, branches, triggers, goals and scoring.

A predicate is a JSON object. `{"all": […]}`, `{"any": […]}` and `{"not": …}` combine; everything else is one subject
with one operator, such as `{"attribute": "country", "is": "FR"}` or `{"event": "Order Completed", "at_least": 2,
"within": "P30D"}`. Three tables hold the words: OPERATORS compare values, FACTS simply are so or not, and FREQUENCIES
(in `behaviour`) count events. SUBJECTS says what each leaf is about. To add a word, add an entry to its table.

Evaluating gives a Verdict: the truth, and the earliest instant at which time alone may change it. Evaluating never
raises: what is missing or of another type simply does not match.

- Text compares without regard to case. A text is never a number: "10" is not 10, and true is not 1.
- A list matches when one of its elements does; `contains` asks a list for an element, and a text for a part of it.
- A dotted path leads into objects, and through lists to each of their elements: `products.sku`.
- Negative operators are the exact opposite of their positives, so they hold for what is missing.
- Instants in values are ISO 8601 texts (UTC when they name no zone) or epoch numbers in seconds or milliseconds.
- Windows are half open: what happened at t is within the last d from t until just before t + d.
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from operator import ge, gt, le, lt
from typing import Any, NamedTuple, Protocol
from unicodedata import normalize

from postroad.behaviour import FREQUENCIES, LONGEST_LIST, Frequency, Tracker, has_happened_until
from postroad.contacts import Contact, Enrollment
from postroad.documents import Reader, parse_text
from postroad.events import Event
from postroad.instants import describe_duration, format_instant, parse_instant


class Verdict(NamedTuple):
    """Whether a predicate holds, and the earliest instant at which time alone may change that (never too late)."""

    truth: bool
    turns_at: float = inf


TRUE = Verdict(True)
FALSE = Verdict(False)


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


# ── Values ──────────────────────────────────────────────────────────────────────────────────────────────────────────

Judge = Callable[[Any, float], Verdict]


@dataclass(frozen=True, slots=True)
class Operator:
    """A way to compare a value: `judge` compiles the operand into a function of (value, now).

    One that `is_negative` holds exactly where its judge says no. One that `is_whole` looks at a list as a whole; the
    others hold for a list when they hold for one of its elements.
    """

    key: str
    read: Callable[[Reader, str], Any]
    judge: Callable[[Any], Judge]
    describe: Callable[[Any], str]
    is_negative: bool = False
    is_whole: bool = False


def fold_case(text: str) -> str:
    """Text as it compares: without case, and in one form where Unicode has several."""
    return text.lower() if text.isascii() else normalize("NFC", normalize("NFC", text).casefold())


def find_instant(value: object) -> float | None:
    """Epoch seconds of a value that means an instant, or None."""
    if isinstance(value, str):
        return _parse_instant(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e14 < value < 1e14:
        return None
    return value / 1_000 if abs(value) >= 1e11 else float(value)


@lru_cache(maxsize=4_096)
def _parse_instant(text: str) -> float | None:
    try:
        return parse_instant(text)
    except ValueError:
        return None


def _comparable(value: object) -> object:
    """Equal for values that count as equal, and only for those. None stands for what equals nothing."""
    if isinstance(value, str):
        return fold_case(value)
    if isinstance(value, bool):
        return ("is", value)  # Python takes True for 1.
    return value if isinstance(value, int | float) else None


def _timeless(test: Callable[[Any], bool]) -> Judge:
    return lambda value, now: TRUE if test(value) else FALSE


def _is_in(operand: Any) -> Judge:
    wanted = frozenset(_comparable(value) for value in (operand if isinstance(operand, tuple) else (operand,)))
    return _timeless(lambda value: _comparable(value) in wanted)


def _contains(operand: Any) -> Judge:
    wanted = _comparable(operand)

    def test(value: Any) -> bool:
        if isinstance(value, list | tuple):
            return any(_comparable(item) == wanted for item in value)
        return isinstance(value, str) and isinstance(wanted, str) and wanted in fold_case(value)

    return _timeless(test)


def _exists(operand: bool) -> Judge:
    return _timeless(lambda value: (value is not None and value != "" and value != [] and value != ()) is operand)


def _of_text(test: Callable[[str, str], bool]) -> Callable[[str], Judge]:
    def judge(operand: str) -> Judge:
        wanted = fold_case(operand)
        return _timeless(lambda value: isinstance(value, str) and test(fold_case(value), wanted))

    return judge


def _of_number(test: Callable[[float, float], bool]) -> Callable[[float], Judge]:
    def judge(operand: float) -> Judge:
        return _timeless(
            lambda value: isinstance(value, int | float) and not isinstance(value, bool) and test(value, operand)
        )

    return judge


def _of_instant(test: Callable[[float, float], bool]) -> Callable[[float], Judge]:
    def judge(operand: float) -> Judge:
        return _timeless(lambda value: (at := find_instant(value)) is not None and test(at, operand))

    return judge


def _between(shift_start: float, shift_end: float) -> Judge:
    """True from the value's instant plus one shift until just before it plus the other."""

    def judge(value: Any, now: float) -> Verdict:
        at = find_instant(value)
        if at is None or now >= at + shift_end:
            return FALSE
        return Verdict(True, at + shift_end) if now >= at + shift_start else Verdict(False, at + shift_start)

    return judge


def describe_value(value: object) -> str:
    """A value in a sentence: text as it is, numbers without noise, lists with `or`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        words = [describe_value(item) for item in value]
        return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _says(words: str, show: Callable[[Any], str] = describe_value) -> Callable[[Any], str]:
    return lambda operand: words.format(show(operand))


_EQUAL = (Reader.value, _is_in)
_AMONG = (Reader.values, _is_in)
_HOLDS = (Reader.value, _contains)
_RECENT = (Reader.duration, lambda d: _between(0.0, d))
_COMING = (Reader.duration, lambda d: _between(-d, 0.0))

OPERATORS = {
    operator.key: operator
    for operator in (
        Operator("is", *_EQUAL, _says("is {}")),
        Operator("is_not", *_EQUAL, _says("is not {}"), is_negative=True),
        Operator("in", *_AMONG, _says("is {}")),
        Operator("not_in", *_AMONG, _says("is not {}"), is_negative=True),
        Operator("contains", *_HOLDS, _says("contains {}"), is_whole=True),
        Operator("not_contains", *_HOLDS, _says("does not contain {}"), is_whole=True, is_negative=True),
        Operator("starts_with", Reader.text, _of_text(str.startswith), _says("starts with {}")),
        Operator("ends_with", Reader.text, _of_text(str.endswith), _says("ends with {}")),
        Operator("gt", Reader.number, _of_number(gt), _says("is more than {}")),
        Operator("gte", Reader.number, _of_number(ge), _says("is at least {}")),
        Operator("lt", Reader.number, _of_number(lt), _says("is less than {}")),
        Operator("lte", Reader.number, _of_number(le), _says("is at most {}")),
        Operator("exists", Reader.flag, _exists, lambda wanted: f"is {'' if wanted else 'not '}known", is_whole=True),
        Operator("before", Reader.instant, _of_instant(lt), _says("is before {}", format_instant)),
        Operator("after", Reader.instant, _of_instant(gt), _says("is after {}", format_instant)),
        Operator("within_last", *_RECENT, _says("is within the last {}", describe_duration)),
        Operator("not_within_last", *_RECENT, _says("is not within the last {}", describe_duration), is_negative=True),
        Operator("within_next", *_COMING, _says("is within the next {}", describe_duration)),
    )
}

# What a number can be compared by, and by what a score can: (value, operand) -> bool.
THRESHOLDS: dict[str, Callable[[float, float], bool]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}


class _Several(tuple[Any, ...]):
    """What a path found in each element of a list."""

    __slots__ = ()


def _walk(value: Any, parts: Sequence[str]) -> Any:
    for index, part in enumerate(parts):
        if isinstance(value, list | tuple):
            return _Several(_walk(item, parts[index:]) for item in value if isinstance(item, Mapping))
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _elements(value: Any, is_whole: bool) -> Iterable[Any]:
    if isinstance(value, _Several):
        return [element for found in value for element in _elements(found, is_whole)]
    return value if isinstance(value, list | tuple) and not is_whole else (value,)


# ── Combining ───────────────────────────────────────────────────────────────────────────────────────────────────────


def decide(verdicts: Iterable[Verdict], decisive: bool) -> Verdict:
    """All of them (decisive: False, since one false decides) or any of them (decisive: True).

    What was decided stays so until the last of those that decide turns; what was not, until the first of all turns.
    """
    settled, soonest = -inf, inf
    for truth, turns_at in verdicts:
        if truth is decisive:
            if turns_at == inf:
                return TRUE if decisive else FALSE
            settled = max(settled, turns_at)
        elif turns_at < soonest:
            soonest = turns_at
    if settled > -inf:
        return Verdict(decisive, settled)
    if soonest < inf:
        return Verdict(not decisive, soonest)
    return FALSE if decisive else TRUE


def deny(verdict: Verdict) -> Verdict:
    """The opposite, which turns at the same instant."""
    return Verdict(not verdict.truth, verdict.turns_at)


@dataclass(frozen=True, slots=True)
class Group:
    """`all` or `any` of its members."""

    members: tuple[Predicate, ...]
    decisive: bool
    reads: frozenset[str] = frozenset()
    trackers: tuple[Tracker, ...] = ()

    def evaluate(self, view: View) -> Verdict:
        return decide([member.evaluate(view) for member in self.members], self.decisive)

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


# ── Leaves ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Comparison:
    """A value of the contact or the event, compared by an operator."""

    subject: str
    find: Callable[[View], Any]
    operator: Operator
    operand: Any
    judge: Judge
    reads: frozenset[str]
    trackers: tuple[Tracker, ...] = ()

    def evaluate(self, view: View) -> Verdict:
        value = self.find(view)
        if isinstance(value, list | tuple):
            elements = _elements(value, self.operator.is_whole)
            verdict = decide([self.judge(element, view.now) for element in elements], decisive=True)
        else:
            verdict = self.judge(value, view.now)
        return deny(verdict) if self.operator.is_negative else verdict

    def describe(self) -> str:
        return f"{self.subject} {self.operator.describe(self.operand)}"


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
    answer = view.contact.consents.get(topic)
    return answer.granted if answer else topic in view.assumed


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
    """An event by its name, whatever its case, and what its properties must be (at the event's own time)."""

    name: str
    key: str
    where: Predicate | None = None

    def matches(self, event: Event) -> bool:
        """Whether an event is meant."""
        if event.name.lower() != self.key:
            return False
        return self.where is None or self.where.evaluate(View(_NOBODY, event.time, event=event)).truth

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
    tracker_id: str
    reads: frozenset[str]
    trackers: tuple[Tracker, ...]

    def evaluate(self, view: View) -> Verdict:
        memory = view.contact.behaviour.get(self.tracker_id)
        if self.most is not None:
            too_often_until = has_happened_until(memory, self.most + 1, self.window)
            if too_often_until > view.now:
                return Verdict(False, too_often_until)
        until = has_happened_until(memory, self.fewest, self.window)
        return Verdict(True, until) if until > view.now else FALSE

    def describe(self) -> str:
        window = "" if self.window is None else f" within the last {describe_duration(self.window)}"
        return self.frequency.describe(self.operand).format(self.pattern.describe()) + window


# ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


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
    return EventPattern(name, name.lower(), read_predicate(where, EVENT) if where else None)


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

    return _read_comparison(reader, key, f"attribute:{name}", (lambda view: _walk(find(view), rest)) if rest else find)


def _read_property(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    name, *rest = _read_path(reader, key)
    return _read_comparison(
        reader, key, "property", lambda view: _walk(view.event.properties.get(name), rest) if view.event else None
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
    subject = str(reader.document[key])
    return Comparison(subject, find, operator, operand, operator.judge(operand), frozenset((fact,)))


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
    # Definitions that ask about the same events share a tracker, and so its memory.
    meaning = json.dumps([pattern.key, reader.anything("where")], sort_keys=True)
    tracker_id = urlsafe_b64encode(hashlib.sha256(meaning.encode(errors="replace")).digest()[:6]).decode()
    tracker = Tracker(tracker_id, pattern.key, pattern.matches, keep, window)
    reads = frozenset((f"tracker:{tracker_id}",))
    return Happened(pattern, frequency, operand, fewest, most, window, tracker_id, reads, (tracker,))


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
