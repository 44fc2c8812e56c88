"""Personas: the kinds of people that a business knows, and which of them somebody is most like.

A persona has rules with weights. It fits by the share of its weights that hold; the one that fits best is the
contact's, if it fits well enough. How sure that is tells how well it fits, and how far it is ahead of the next best.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import ClassVar, NamedTuple

from postroad.documents import Reader, parse_text, read_head, refuse_twins
from postroad.predicates.predicate import CONTACT, Predicate, Ruled, View, read_predicate

MOST_WEIGHT = 1_000.0
# A persona that reads personas could run in circles.
READS_PERSONAS = frozenset(("persona",))


class PersonaRule(NamedTuple):
    """What speaks for a persona, and how much."""

    id: str
    predicate: Predicate
    weight: float

    def describe(self) -> str:
        return self.predicate.describe()


@dataclass(frozen=True, slots=True)
class Persona(Ruled):
    """A kind of people. `least` is the share of the weights that must hold; `limits` and `pains` are for people."""

    kind: ClassVar[str] = "persona"

    id: str
    name: str
    description: str
    rules: tuple[PersonaRule, ...]
    least: float
    limits: tuple[str, ...]
    pains: tuple[str, ...]

    @property
    def predicates(self) -> tuple[Predicate, ...]:
        return tuple(rule.predicate for rule in self.rules)

    def fit(self, view: View) -> tuple[float, float]:
        """The share of the weights that hold, from 0 to 1, and when time alone may change that."""
        verdicts = [rule.predicate.evaluate(view) for rule in self.rules]
        held = sum(rule.weight for rule, verdict in zip(self.rules, verdicts, strict=True) if verdict.truth)
        return held / sum(rule.weight for rule in self.rules), min(verdict.turns_at for verdict in verdicts)

    def reasons(self, view: View) -> tuple[str, ...]:
        """What speaks for it now, the weightiest first."""
        found = [rule for rule in self.rules if rule.predicate.evaluate(view).truth]
        return tuple(rule.describe() for rule in sorted(found, key=lambda rule: (-rule.weight, rule.id)))

    def describe(self) -> tuple[str, ...]:
        """What it does, line by line."""
        return (
            *(f"weight {rule.weight:.15g}: {rule.describe()}" for rule in self.rules),
            f"fits from {self.least:.0%} of the weights on",
        )


class Match(NamedTuple):
    """The persona that fits best (None: none does well enough), how sure that is, and until when."""

    persona: str | None
    confidence: float
    turns_at: float


@dataclass(frozen=True, slots=True)
class Personas(Ruled):
    """All personas, which compete for a contact."""

    personas: tuple[Persona, ...]

    @property
    def predicates(self) -> tuple[Predicate, ...]:
        return tuple(predicate for persona in self.personas for predicate in persona.predicates)

    def match(self, view: View) -> Match:
        """Whom the contact is most like: how well that fits, less by as much as the next best fits nearly as well.

        Of two that fit equally well the one whose id comes first is taken, so it never depends on the past.
        """
        fits = [(*persona.fit(view), persona) for persona in self.personas]
        turns_at = min((turns for _, turns, _ in fits), default=inf)
        ranked = sorted(((fit, persona) for fit, _, persona in fits), key=lambda pair: (-pair[0], pair[1].id))
        best = next(((fit, persona) for fit, persona in ranked if fit > 0 and fit >= persona.least), None)
        if best is None:
            return Match(None, 0.0, turns_at)
        fit, persona = best
        rival = max((other for other, each in ranked if each is not persona), default=0.0)
        return Match(persona.id, round(fit * fit / (fit + rival), 2), turns_at)


def parse_persona(document: object) -> Persona:
    """The persona of a document `{kind, id, name, rules: [{id, if, weight?}, …], least?, limits?, pains?}`. Raises
    DefinitionError with all its mistakes."""
    reader = Reader(document)
    head = read_head(reader, Persona.kind)
    parts = reader.children("rules", most=30)
    rules = tuple(_read_rule(part) for part in parts)
    refuse_twins(parts)
    least = reader.number("least", 0.5, least=0.01, most=1)
    blank: tuple[str, ...] = ()
    limits, pains = (reader.read(key, _parse_sentences, blank, blank) for key in ("limits", "pains"))
    reader.finish()
    return Persona(*head, rules, least, limits, pains)


def _read_rule(reader: Reader) -> PersonaRule:
    weight = reader.number("weight", 1.0, least=0.001, most=MOST_WEIGHT)
    return PersonaRule(reader.id("id"), read_predicate(reader.child("if"), CONTACT - READS_PERSONAS), weight)


def _parse_sentences(raw: object) -> tuple[str, ...]:
    items: Iterable[object] = raw if isinstance(raw, list | tuple) else (raw,)
    sentences = tuple(parse_text(item) for item in items)
    if len(sentences) > 20:
        raise ValueError("must be a list of at most 20 texts")
    return sentences
