"""Contradictions: conditions that nobody can fulfil, such as a window that ends before it begins.

Only whoever checks a document asks for them: what is live goes on meaning what it says.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from math import inf
from typing import Any, NamedTuple

from postroad.errors import DefinitionError
from postroad.predicates.conditions import Comparison, Group, Happened, Is, Not, Predicate, ScoreComparison, Which
from postroad.predicates.predicate import EVENT, JOURNEY, parse_predicate

ANYWHERE = JOURNEY | EVENT


class Span(NamedTuple):
    """What a condition allows some value to be: from `low` to `high`, the ends included or not."""

    about: tuple[str, ...]
    low: float
    high: float
    with_low: bool = True
    with_high: bool = True

    def meets(self, other: "Span") -> bool:
        """Whether a value can be in both."""
        low = max((self.low, not self.with_low), (other.low, not other.with_low))
        high = min((self.high, self.with_high), (other.high, other.with_high))
        return low[0] < high[0] or (low[0] == high[0] and not low[1] and high[1])


def find_contradictions(document: object, path: str = "") -> tuple[tuple[str, str], ...]:
    """(path, sentence) of everything within a document that nobody can fulfil, wherever a condition stands in it."""
    if isinstance(document, list | tuple):
        return tuple(
            each for number, item in enumerate(document) for each in find_contradictions(item, f"{path}[{number}]")
        )
    if not isinstance(document, Mapping):
        return ()
    found: list[tuple[str, str]] = []
    for key, value in document.items():
        place = f"{path}.{key}" if path else str(key)
        if key == "all" and isinstance(value, list | tuple):
            found += [(place, sentence) for sentence in _judge(value)]
        found += find_contradictions(value, place)
    return tuple(found)


def _judge(conditions: Sequence[Any]) -> Iterable[str]:
    try:
        group = parse_predicate({"all": conditions}, ANYWHERE)
    except DefinitionError:  # its own mistakes are told elsewhere
        return
    for one, other in combinations(_flatten(group), 2):
        if _exclude_each_other(one, other):
            yield f"nobody can fulfil both of these: {one.describe()}, and {other.describe()}"


def _flatten(predicate: Predicate) -> Iterable[Predicate]:
    if isinstance(predicate, Group) and not predicate.decisive:
        for member in predicate.members:
            yield from _flatten(member)
    else:
        yield predicate


def _exclude_each_other(one: Predicate, other: Predicate) -> bool:
    if _denies(one, other) or _denies(other, one):
        return True
    if isinstance(one, Happened) and isinstance(other, Happened):
        return one.tracker_id == other.tracker_id and (_too_often(one, other) or _too_often(other, one))
    mine, theirs = _span_of(one), _span_of(other)
    return mine is not None and theirs is not None and mine.about == theirs.about and not mine.meets(theirs)


def _denies(no: Predicate, yes: Predicate) -> bool:
    """Whether one says that the other is not so."""
    if isinstance(no, Not):
        return _alone(no.member) == yes
    if isinstance(no, Is) and isinstance(yes, Is):
        return no.fact == yes.fact and yes.wanted and not no.wanted and {*yes.names} <= {*no.names}
    if isinstance(no, Comparison) and isinstance(yes, Comparison) and no.subject == yes.subject:
        if no.operator.key == yes.operator.key == "exists":
            return bool(no.operand) is not bool(yes.operand)
        return _OPPOSITES.get(no.operator.key) == yes.operator.key and bool(no.operand == yes.operand)
    return False


def _alone(predicate: Predicate) -> Predicate:
    """What a group of one holds."""
    while isinstance(predicate, Group) and len(predicate.members) == 1:
        (predicate,) = predicate.members
    return predicate


def _too_often(often: Happened, seldom: Happened) -> bool:
    """Whether one asks for more within its window than the other allows within one that holds it."""
    holds = (often.window or inf) <= (seldom.window or inf)
    return holds and seldom.most is not None and often.fewest > seldom.most


def _span_of(predicate: Predicate) -> Span | None:
    if isinstance(predicate, ScoreComparison):
        return _bounds(("score", predicate.score_id), predicate.operator.key, predicate.threshold)
    if isinstance(predicate, Comparison | Which) and "." in _name_of(predicate):
        return None  # through lists a path leads to several values, of which one may fulfil this and another that
    if isinstance(predicate, Which):
        return _bounds((predicate.sentence,), predicate.comparison.operator.key, predicate.comparison.operand)
    if isinstance(predicate, Comparison):
        return _bounds(("value", predicate.subject), predicate.operator.key, predicate.operand)
    return None


def _name_of(predicate: Comparison | Which) -> str:
    return predicate.comparison.subject if isinstance(predicate, Which) else predicate.subject


def _bounds(about: tuple[str, ...], operator: str, operand: Any) -> Span | None:
    found = _SPANS.get(operator)
    return found(about, operand) if found else None


def _above(kind: str, *, with_low: bool) -> Callable[[tuple[str, ...], float], Span]:
    return lambda about, operand: Span((kind, *about), operand, inf, with_low=with_low)


def _below(kind: str, *, with_high: bool) -> Callable[[tuple[str, ...], float], Span]:
    return lambda about, operand: Span((kind, *about), -inf, operand, with_high=with_high)


# What each of these says of any value, it says of all of a list that none is so.
_OPPOSITES = {
    "is_not": "is",
    "not_in": "in",
    "not_contains": "contains",
    "not_within_last": "within_last",
}

# What an operator allows a number or an instant to be; and, of windows, how old something may be.
_SPANS: Mapping[str, Callable[[tuple[str, ...], float], Span]] = {
    "gt": _above("number", with_low=False),
    "gte": _above("number", with_low=True),
    "lt": _below("number", with_high=False),
    "lte": _below("number", with_high=True),
    "after": _above("instant", with_low=False),
    "before": _below("instant", with_high=False),
    "older_than": _above("age", with_low=True),
    "within_last": lambda about, operand: Span(("age", *about), 0.0, operand, with_high=False),
    "within_next": lambda about, operand: Span(("age", *about), -operand, 0.0, with_high=False),
}
