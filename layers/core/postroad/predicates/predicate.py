"""Predicates: one small language for segments, branches, triggers, goals and scoring.

A predicate is a JSON object. `{"all": […]}`, `{"any": […]}` and `{"not": …}` combine; everything else is one subject
with one operator, such as `{"attribute": "country", "is": "FR"}` or `{"event": "Order Completed", "at_least": 2,
"within": "P30D"}`. Tables hold the words: OPERATORS compare values, FREQUENCIES count events, AGGREGATES add up what
their properties say, FATES are what becomes of messages, FACTS are so or not. SUBJECTS says what a leaf can be
about. To add a word, add an entry to its table.

Evaluating gives a Verdict: the truth, and the earliest instant at which time alone may change it. It never raises.
"""

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from postroad.contacts.zones import CLOCK_FACTS
from postroad.documents import Reader, form, parse_id, parse_text
from postroad.events import Event
from postroad.instants import DAY
from postroad.predicates.behaviour import (
    EXACT,
    FREQUENCIES,
    HISTORY,
    HOUR,
    HOURLY,
    LARGEST_AMOUNT,
    NOTED,
    SCALE,
    Amounts,
    Different,
    Ends,
    Frequency,
    Memory,
    Summary,
    Values,
    has_happened_until,
    have_been_until,
)
from postroad.predicates.conditions import (
    ACTORS,
    AGGREGATES,
    FACTS,
    FATES,
    NEVER,
    Added,
    Comparison,
    EngagedRoles,
    EventPattern,
    Group,
    Happened,
    Is,
    MessagePattern,
    Most,
    Not,
    Predicate,
    Ruled,
    ScoreComparison,
    Scored,
    Sorted,
    Sorter,
    View,
    Which,
    describe_bounds,
    describe_window,
    name_of_message,
)
from postroad.predicates.operators import (
    OPERATORS,
    THRESHOLDS,
    Operator,
    describe_name,
    describe_value,
    elements_of,
    walk,
)
from postroad.predicates.verdicts import Verdict
from postroad.sending.channels import CHANNELS

__all__ = [
    "ACCOUNT",
    "CELL",
    "CONTACT",
    "EVENT",
    "JOURNEY",
    "LETTERS",
    "NEVER",
    "READABLE",
    "Comparison",
    "EventPattern",
    "Group",
    "Predicate",
    "Ruled",
    "Scored",
    "Sorter",
    "Verdict",
    "View",
    "parse_predicate",
    "read_pattern",
    "read_predicate",
]

# The kinds of what a predicate may name, and must find: they stand in the facts that it reads, before the name.
READABLE = ("segment", "score", "grade", "matrix", "band", "cell", "stage", "persona")
# The letters of a grade, the best first, and a cell of a matrix: a letter and the number of a band.
LETTERS = ("A", "B", "C", "D", "E", "F")
CELL = re.compile(r"[A-F](?:[1-9]|10)")


# Reading


def parse_predicate(document: object, allow: frozenset[str] | None = None) -> Predicate:
    """The predicate of a JSON object, about the subjects allowed (default CONTACT). Raises DefinitionError."""
    reader = Reader(document)
    predicate = read_predicate(reader, CONTACT if allow is None else allow)
    reader.finish()
    return predicate


def read_predicate(reader: Reader, allow: frozenset[str] | None = None) -> Predicate:
    """The predicate that the reader's object is; mistakes are left in the reader, and read as NEVER."""
    allowed = CONTACT if allow is None else allow
    if reader.is_broken or reader.stands_for(_form_of(allowed)):
        return NEVER
    known = [key for key in SUBJECTS if key in allowed or key in COMBINING]
    found = [key for key in SUBJECTS if reader.has(key)]
    if len(found) == 1 and found[0] in known:
        return SUBJECTS[found[0]](reader, found[0], allowed)
    reader.expect(*known, *found, *OPERATORS, *FREQUENCIES, *_MEASURES, "within", "where")
    if len(found) > 1:
        reader.misfit(f"says {' and '.join(found)} at once; put each into an object of its own, within all or any")
    elif found:
        reader.misfit(f"is not known in this place; known here: {', '.join(known)}", found[0])
    elif not reader.strangers():
        reader.misfit(f"does not say what it is about; it needs one of {', '.join(known)}")
    return NEVER


def _form_of(allowed: frozenset[str]) -> str:
    """What a predicate about these subjects is called."""
    words = {CONTACT: "contact", EVENT: "event", JOURNEY: "journey", ACCOUNT: "account"}
    return f"predicate-{words.get(allowed) or '-'.join(sorted(allowed))}"


def read_pattern(reader: Reader) -> EventPattern:
    """The event pattern in the keys `event` and `where` of an object that may have other keys too."""
    name = reader.text("event", longest=200).strip()
    where = reader.find_child("where")
    tracker_id = _tracker_id(name.lower(), reader.anything("where"))
    return EventPattern(name, name.lower(), read_predicate(where, EVENT) if where else None, tracker_id)


def _tracker_id(*meaning: Any) -> str:
    """The same for all that has to be remembered alike."""
    text = json.dumps(meaning, sort_keys=True)
    return urlsafe_b64encode(hashlib.sha256(text.encode(errors="replace")).digest()[:6]).decode()


def _read_group(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    members = tuple(read_predicate(child, allow) for child in reader.children(key))
    reads: frozenset[str] = frozenset().union(*(member.reads for member in members))
    return Group(members, key == "any", reads, tuple(tracker for member in members for tracker in member.trackers))


def _read_not(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    member = read_predicate(reader.child(key), allow)
    return Not(member, member.reads, member.trackers)


def _read_attribute(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    name, *rest = path = _read_path(reader, key)

    def find(view: View) -> Any:
        found = view.contact.attributes.get(name)
        return found.value if found else None

    deep = (lambda view: walk(find(view), rest)) if rest else find
    return _read_comparison(reader, ".".join(path), f"attribute:{name}", deep) or NEVER


def _read_account(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    """An attribute of the accounts of a contact; one of them is enough."""
    name, *rest = path = _read_path(reader, key)

    def find(view: View) -> Any:
        values = [walk(seat.attributes.get(name), rest) for seat in view.contact.accounts.values()]
        return values[0] if len(values) == 1 else [each for value in values for each in elements_of(value, False)]

    return _read_comparison(reader, f"the account's {'.'.join(path)}", f"account:{name}", find) or NEVER


def _read_engaged_roles(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    roles = reader.ids(key)
    least = reader.integer("at_least", 1, least=1, most=20)
    if least > len(set(roles)):
        reader.mistake(f"asks for {least} of {len(set(roles))} roles", "at_least")
    return EngagedRoles(roles, least)


def _read_property(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    path = _read_path(reader, key)
    find = _finder(path)
    return (
        _read_comparison(reader, ".".join(path), "property", lambda view: find(view.event) if view.event else None)
        or NEVER
    )


def _finder(path: Sequence[str]) -> Callable[[Event], Any]:
    """What reads a property of an event, however deep."""
    name, *rest = path
    return lambda event: walk(event.properties.get(name), rest)


def _read_path(reader: Reader, key: str) -> list[str]:
    return reader.read(key, parse_path, ["-"])


@form({"type": "string", "pattern": r"^[^.]+(\.[^.]+){0,9}$", "maxLength": 200})
def parse_path(raw: object) -> list[str]:
    """The names that lead to a value. Raises ValueError with a sentence."""
    parts = parse_text(raw, 200).split(".")
    if not all(parts) or len(parts) > 10:
        raise ValueError("must be a name, or up to ten names with dots between them")
    return parts


def _read_comparison(
    reader: Reader, subject: str, fact: str, find: Callable[[View], Any] = lambda view: None
) -> Comparison | None:
    """The comparison of a value by the operator that is there; None when that is a mistake."""
    operator = _read_operator(reader, OPERATORS)
    before = len(reader.mistakes)
    operand = operator.read(reader, operator.key) if operator else None
    if operator is None or len(reader.mistakes) > before:
        return None
    judge, denies = operator.judge(operand), operator.denies(operand)
    facts = frozenset((fact,)) | (CLOCK_FACTS if operator.is_local else frozenset())
    return Comparison(subject, find, operator, operand, judge, denies, facts)


def _read_score(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    score_id = reader.id(key)
    if reader.has("band"):
        return _read_sorted(reader, key, score_id, "band", reader.ids("band"))
    reader.expect("band")
    operator, threshold = _read_threshold(reader)
    if operator is None:
        return NEVER
    compare = THRESHOLDS[operator.key]
    reads = frozenset((f"score:{score_id}",))
    return ScoreComparison(score_id, operator, threshold, lambda value: compare(value, threshold), reads)


def _read_grade(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    grade_id = reader.id(key)
    asked = [word for word in ("is", "in", "at_least") if reader.has(word)]
    reader.expect("is", "in", "at_least")
    if len(asked) != 1:
        reader.misfit("needs a letter: is A, in [A, B], or at_least C")
        return NEVER
    blank: tuple[str, ...] = ()
    letters = reader.read(asked[0], _parse_letters, blank)
    if asked[0] == "at_least" and letters:
        letters = tuple(letter for letter in LETTERS if letter <= letters[0])
    return _read_sorted(reader, key, grade_id, asked[0], letters)


def _parse_letters(raw: object) -> tuple[str, ...]:
    letters = tuple(raw) if isinstance(raw, list | tuple) else (raw,)
    if not letters or any(letter not in LETTERS for letter in letters):
        raise ValueError(f"must be one of {', '.join(LETTERS)}")
    return letters


def _read_matrix(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    matrix_id = reader.id(key)
    asked = [word for word in ("is", "in") if reader.has(word)]
    reader.expect("is", "in")
    if len(asked) != 1:
        reader.misfit("needs a cell or the name of one: is hot, or in [hot, A1]")
        return NEVER
    blank: tuple[str, ...] = ()
    return _read_sorted(reader, key, matrix_id, asked[0], reader.read(asked[0], _parse_cells, blank))


def _parse_cells(raw: object) -> tuple[str, ...]:
    cells = raw if isinstance(raw, list | tuple) else (raw,)
    if not cells:
        raise ValueError("must name at least one cell, such as A1 or hot")
    return tuple(cell if isinstance(cell, str) and CELL.fullmatch(cell) else parse_id(cell) for cell in cells)


def _read_sorted(reader: Reader, kind: str, sorter_id: str, word: str, names: tuple[str, ...]) -> Predicate:
    """Whether a definition sorts a contact into one of these classes; bands and cells must be there."""
    if not names:  # a mistake, and told
        return NEVER
    said = f"{names[-1]} or better" if word == "at_least" else describe_value(names)
    classes = {"score": "band", "matrix": "cell"}
    refers = (f"{classes[kind]}:{sorter_id}/{name}" for name in names) if kind in classes else ()
    reads = frozenset((f"{kind}:{sorter_id}", *refers))
    return Sorted(f"{kind}/{sorter_id}", frozenset(names), f"{kind} {sorter_id} is {said}", reads)


def _read_threshold(reader: Reader) -> tuple[Operator | None, float]:
    """The way to compare a number, None when that is a mistake, and with which."""
    operator = _read_operator(reader, {name: OPERATORS[name] for name in THRESHOLDS})
    return operator, reader.number(operator.key) if operator else 0.0


def _read_operator(reader: Reader, operators: Mapping[str, Operator]) -> Operator | None:
    reader.expect(*operators)
    found = [key for key in operators if reader.has(key)]
    if len(found) == 1:
        return operators[found[0]]
    if found:
        reader.misfit(f"compares by {' and '.join(found)} at once; put each into an object of its own, within all")
    elif not reader.strangers():
        reader.misfit(f"does not say how to compare; it needs one of {', '.join(operators)}")
    return None


def _read_fact(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    fact, names = FACTS[key], reader.ids(key)
    reads = {fact.fact.format(name) for name in names}
    reads |= {f"{fact.kind}:{name}" for name in names if fact.kind}
    return Is(fact, names, reader.flag("is", True), frozenset(reads))


def _read_happened(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    """How often an event happened, or what its properties say by one of the _MEASURES."""
    pattern = read_pattern(reader)
    measures = [measure for measure in _MEASURES if reader.has(measure)]
    if len(measures) > 1:
        reader.expect(*measures)
        reader.misfit(f"asks for {' and '.join(measures)} at once; put each into an object of its own, within all")
    if measures:
        return _MEASURES[measures[0]](reader, measures[0], pattern)
    reader.expect(*_MEASURES)
    window = _read_window(reader)
    frequency, operand = _read_frequency(reader)
    fewest, most = frequency.bounds(operand)
    sentence = frequency.describe(operand).format(pattern.describe())
    keep = 0 if window is None else fewest if most is None else most + 1
    if window is None or keep <= EXACT + 1:
        tracker = pattern.tracker(keep, window)
        facts = frozenset((f"tracker:{tracker.tracker_id}",))
        return Happened(tracker.tracker_id, sentence, fewest, most, window, has_happened_until, facts, (tracker,))

    def holds(amounts: Summary) -> bool:
        return fewest <= amounts.number and (most is None or amounts.number <= most)

    return _added(pattern, "", lambda event: (0,), window, holds, sentence + describe_window(window))


def _read_window(reader: Reader) -> float | None:
    window = reader.duration("within", None)
    if window is not None and window > HISTORY:
        reader.mistake(f"reaches back {HISTORY / DAY:.0f} days at most; leave it out to count the whole life", "within")
    return window


def _read_frequency(reader: Reader) -> tuple[Frequency, Any]:
    """How often; at least once when nothing says it."""
    reader.expect(*FREQUENCIES)
    found = [key for key in FREQUENCIES if reader.has(key)]
    if len(found) > 1:
        reader.misfit(f"counts by {' and '.join(found)} at once; put each into an object of its own, within all")
    frequency = FREQUENCIES[found[0] if found else "at_least"]
    return frequency, frequency.read(reader, frequency.key) if found else 1


def _added(
    pattern: EventPattern,
    name: str,
    read: Callable[[Event], Sequence[int]],
    window: float | None,
    holds: Callable[[Summary], bool],
    sentence: str,
) -> Predicate:
    grain = None if window is None else HOUR if window <= HOURLY else DAY
    tracker_id = _tracker_id(pattern.tracker_id, "amounts", name, grain)
    keep = 0 if grain is None else EXACT
    tracker = Amounts(tracker_id, (pattern.key,), pattern.matches, keep, window, read, grain)
    return Added(tracker, window, holds, sentence, frozenset((f"tracker:{tracker_id}",)), (tracker,))


def _read_amount(reader: Reader, key: str, pattern: EventPattern) -> Predicate:
    aggregate, path, window = AGGREGATES[key], _read_path(reader, key), _read_window(reader)
    operator, threshold = _read_threshold(reader)
    if operator is None:
        return NEVER
    find, compare = _finder(path), THRESHOLDS[operator.key]

    def read(event: Event) -> tuple[int, ...]:
        values = elements_of(find(event), is_whole=False)
        return tuple(round(value * SCALE) for value in values if _is_amount(value))

    def holds(amounts: Summary) -> bool:
        value = aggregate.measure(amounts)
        return value is not None and compare(value, threshold)

    name = ".".join(path)
    about = f"{aggregate.words.format(describe_name(name))} of {pattern.describe()}{describe_window(window)}"
    return _added(pattern, name, read, window, holds, f"{about} {operator.describe(threshold)}")


def _is_amount(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) <= LARGEST_AMOUNT


def _read_end(reader: Reader, key: str, pattern: EventPattern) -> Predicate:
    path, window = _read_path(reader, key), _read_window(reader)
    name = ".".join(path)
    tracker_id = _tracker_id(pattern.tracker_id, "ends", name)
    comparison = _read_comparison(reader, name, f"tracker:{tracker_id}")
    if comparison is None:
        return NEVER
    number = _ENDS[key]
    tracker = Ends(tracker_id, (pattern.key,), pattern.matches, read=_finder(path))
    sentence = f"{describe_name(name)} of the {key} {pattern.describe()}"
    return Which(tracker_id, sentence, lambda memory: memory[number], comparison, window, comparison.reads, (tracker,))


def _read_most(reader: Reader, key: str, pattern: EventPattern) -> Predicate:
    path, window = _read_path(reader, key), _read_window(reader)
    tracker = newest_values(pattern, path)
    comparison = _read_comparison(reader, ".".join(path), f"tracker:{tracker.tracker_id}")
    if comparison is None:
        return NEVER
    sentence = f"{describe_name('.'.join(path))} of most {pattern.describe()}"
    return Most(tracker.tracker_id, sentence, comparison, window, comparison.reads, (tracker,))


def newest_values(pattern: EventPattern, path: Sequence[str]) -> Values:
    """What remembers the newest values of a property of such events."""
    find = _finder(path)
    tracker_id = _tracker_id(pattern.tracker_id, "values", ".".join(path))
    return Values(
        tracker_id,
        (pattern.key,),
        pattern.matches,
        NOTED,
        read=lambda event: tuple(elements_of(find(event), is_whole=False)),
    )


def _read_when(reader: Reader, key: str, pattern: EventPattern) -> Predicate:
    which = reader.choice(key, _ENDS)
    tracker = pattern.tracker(0, None)
    comparison = _read_comparison(reader, key, f"tracker:{tracker.tracker_id}")
    if comparison is None:
        return NEVER
    number = 1 + _ENDS[which]

    def find(memory: Memory) -> tuple[float, Any]:
        return memory[number], memory[number]

    sentence = f"the {which} {pattern.describe()}"
    return Which(tracker.tracker_id, sentence, find, comparison, None, comparison.reads, (tracker,))


_ENDS = {"first": 0, "last": 1}

# What can be asked of the properties of events, beside how often they happened.
_MEASURES: Mapping[str, Callable[[Reader, str, EventPattern], Predicate]] = {
    **dict.fromkeys(AGGREGATES, _read_amount),
    **dict.fromkeys(_ENDS, _read_end),
    "when": _read_when,
    "most": _read_most,
}


def _read_message(reader: Reader, key: str, allow: frozenset[str]) -> Predicate:
    """What became of messages, and of how many different ones."""
    fate = FATES[reader.choice(key, FATES)]
    pattern = MessagePattern(
        fate,
        reader.ids("template", ()),
        reader.read("origin", _parse_origins, (), ()),
        reader.ids("step", ()),
        reader.read("channel", _parse_channels, (), ()),
        reader.choice("by", ACTORS, "people"),
    )
    window = _read_window(reader)
    frequency, operand = _read_frequency(reader)
    fewest, most = frequency.bounds(operand)
    keep = max(1, fewest if most is None else most + 1)
    if keep > EXACT + 1:
        reader.mistake(f"counts up to {EXACT} different messages; choose less", frequency.key)
    tracker_id = _tracker_id("message", fate.key, *pattern[1:])
    names = tuple(name.lower() for name in fate.events)
    tracker = Different(tracker_id, names, pattern.matches, keep, window, name_of_message)
    sentence = pattern.describe(describe_bounds(fewest, most, "message"))
    facts = frozenset((f"tracker:{tracker_id}",))
    return Happened(tracker_id, sentence, fewest, most, window, have_been_until, facts, (tracker,))


def _parse_origins(raw: object) -> tuple[str, ...]:
    """What has queued messages: `journey/ID`, `broadcast/ID`, or a list of these. Raises ValueError."""
    origins = raw if isinstance(raw, list | tuple) else [raw]
    for origin in origins:
        kind, _, name = origin.partition("/") if isinstance(origin, str) else ("", "", "")
        if kind not in ("journey", "broadcast"):
            raise ValueError("must name a journey or a broadcast, such as journey/welcome or broadcast/spring")
        parse_id(name)
    return tuple(origins)


def _parse_channels(raw: object) -> tuple[str, ...]:
    channels = raw if isinstance(raw, list | tuple) else [raw]
    if not channels or any(not isinstance(channel, str) or channel not in CHANNELS for channel in channels):
        raise ValueError(f"must be one of {', '.join(CHANNELS)}, or a list of these")
    return tuple(channels)


SUBJECTS: dict[str, Callable[[Reader, str, frozenset[str]], Predicate]] = {
    "all": _read_group,
    "any": _read_group,
    "not": _read_not,
    "attribute": _read_attribute,
    "property": _read_property,
    "event": _read_happened,
    "message": _read_message,
    "score": _read_score,
    "grade": _read_grade,
    "matrix": _read_matrix,
    "account": _read_account,
    "engaged_roles": _read_engaged_roles,
    **dict.fromkeys(FACTS, _read_fact),
}

# Which subjects are known where. What combines is known everywhere.
COMBINING = frozenset(("all", "any", "not"))
CONTACT = frozenset(
    ("attribute", "event", "message", "segment", "score", "grade", "matrix", "stage", "persona", "handed_to", "consent",
     "account", "account_role", "engaged_roles")
)  # fmt: skip
ACCOUNT = frozenset(("account", "engaged_roles"))
EVENT = frozenset(("property",))
JOURNEY = CONTACT | {"opened", "clicked", "best_channel"}
