"""Grades: how well somebody fits, as a letter from A to F, by what is known of them.

A grade sheet adds up weights for what holds. Each letter begins at a bound; below the last of them is F. As long as
nothing is known of what the sheet asks, there is no letter: somebody unknown is not somebody who does not fit.
"""

from dataclasses import dataclass
from typing import ClassVar

from postroad.documents import Reader, read_head, refuse_twins
from postroad.predicates.predicate import CONTACT, LETTERS, Predicate, Ruled, View, read_predicate
from postroad.predicates.verdicts import Sorting
from postroad.scoring.sheet import MOST_POINTS, FactRule, Reason

# What depends on a grade, and so has no place in one.
READS_GRADES = frozenset(("grade", "matrix"))


@dataclass(frozen=True, slots=True)
class Grade(Ruled):
    """A sheet of weights. `bounds` are the letters with the least total of each, the best first."""

    kind: ClassVar[str] = "grade"

    id: str
    name: str
    description: str
    rules: tuple[FactRule, ...]
    bounds: tuple[tuple[str, float], ...]

    @property
    def predicates(self) -> tuple[Predicate, ...]:
        return tuple(rule.predicate for rule in self.rules)

    def sort(self, view: View) -> Sorting:
        """The contact's letter, or none while nothing is known, and when time alone may change that."""
        verdicts = [rule.predicate.evaluate(view) for rule in self.rules]
        turns_at = min(verdict.turns_at for verdict in verdicts)
        if not self._is_known(view):
            return Sorting((), turns_at)
        total = sum(rule.points for rule, verdict in zip(self.rules, verdicts, strict=True) if verdict.truth)
        return Sorting((next((letter for letter, least in self.bounds if total >= least), "F"),), turns_at)

    def letter(self, view: View) -> str | None:
        """The contact's letter; None while nothing is known."""
        return next(iter(self.sort(view).names), None)

    def total(self, view: View) -> float:
        """The sum of the weights that count for the contact."""
        return sum(reason.points for reason in self.reasons(view))

    def reasons(self, view: View) -> tuple[Reason, ...]:
        """What each rule adds, the weightiest first."""
        found = [Reason(r.id, r.points, r.describe()) for r in self.rules if r.predicate.evaluate(view).truth]
        return tuple(sorted(found, key=lambda reason: (-abs(reason.points), reason.rule_id)))

    def describe(self) -> tuple[str, ...]:
        """What it does, line by line."""
        bounds = ", ".join(f"{letter} from {least:.15g}" for letter, least in self.bounds)
        return (*(rule.terms() for rule in self.rules), f"{bounds}, else F")

    def _is_known(self, view: View) -> bool:
        asked = [fact.removeprefix("attribute:") for fact in self.reads if fact.startswith("attribute:")]
        return not asked or any(view.contact.find_value(name) is not None for name in asked)


def parse_grade(document: object) -> Grade:
    """The grade sheet of a document `{kind, id, name, rules: [{id, if, points}, …], bounds: {A: 80, …}}`. Raises
    DefinitionError with all its mistakes."""
    reader = Reader(document)
    head = read_head(reader, Grade.kind)
    parts = reader.children("rules")
    rules = tuple(_read_rule(part) for part in parts)
    refuse_twins(parts)
    bounds = _read_bounds(reader.child("bounds"))
    reader.finish()
    return Grade(*head, rules, bounds)


def _read_rule(reader: Reader) -> FactRule:
    points = reader.number("points", least=-MOST_POINTS, most=MOST_POINTS)
    return FactRule(reader.id("id"), read_predicate(reader.child("if"), CONTACT - READS_GRADES), points)


def _read_bounds(reader: Reader) -> tuple[tuple[str, float], ...]:
    bounds: list[tuple[str, float]] = []
    for letter in LETTERS[:-1]:
        least = reader.number(letter, None, least=-MOST_POINTS, most=MOST_POINTS)
        if least is None:
            continue
        if bounds and least >= bounds[-1][1]:
            reader.mistake(f"must be below {bounds[-1][1]:.15g}, where {bounds[-1][0]} begins", letter)
        bounds.append((letter, least))
    if not bounds and not reader.is_broken and not reader.strangers():
        reader.mistake("does not say from which total on which letter is given; it needs one of A, B, C, D, E")
    return tuple(bounds)
