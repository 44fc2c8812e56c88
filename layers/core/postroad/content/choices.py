"""Choices: passages of a message of which each person sees the first whose predicate holds for them.

A template names its choices and tests them, as in {% if choice.hero == "vip" %}; blocks make theirs by themselves.
They are decided when the message is composed, about the contact as it is then.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from postroad.content.built import ASKS
from postroad.content.tastes import BOUGHT, LOOKED_AT
from postroad.documents import Reader, form, refuse_twins
from postroad.predicates.behaviour import Tracker
from postroad.predicates.predicate import Predicate, View, read_predicate

MOST_CASES = 20
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Case(NamedTuple):
    """What somebody sees for whom `when` holds."""

    id: str
    when: Predicate


class Choice(NamedTuple):
    """The first of the cases that holds counts, else `otherwise`."""

    id: str
    cases: tuple[Case, ...]
    otherwise: str = ""

    def decide(self, view: View) -> "Chosen":
        """What this contact sees, and why."""
        for case in self.cases:
            if case.when.evaluate(view).truth:
                return Chosen(case.id, case.when.describe())
        return Chosen(self.otherwise, "nothing else holds")


class Chosen(NamedTuple):
    """The case that somebody sees (or the name of what they see otherwise), because of this."""

    case: str
    because: str


@form({"type": "string", "pattern": f"^{_NAME.pattern}$"})
def parse_name(raw: object) -> str:
    """A name that a placeholder can say after a dot. Raises ValueError with a sentence."""
    if not isinstance(raw, str) or not _NAME.fullmatch(raw):
        raise ValueError(
            "must be a name of lower-case letters, digits and _, such as hero, so that choice.hero reads it"
        )
    return raw


def read_choices(children: Sequence[Reader]) -> tuple[Choice, ...]:
    """The choices in the key `choices` of a template: `[{id, cases: [{id, when}], otherwise?}]`."""
    refuse_twins(children)
    return tuple(_read_choice(child) for child in children)


def _read_choice(reader: Reader) -> Choice:
    cases = reader.children("cases", most=MOST_CASES)
    refuse_twins(cases)
    return Choice(
        reader.read("id", parse_name, ""),
        tuple(Case(case.read("id", parse_name, ""), read_predicate(case.child("when"))) for case in cases),
        reader.read("otherwise", parse_name, "", ""),
    )


def decide(choices: Iterable[Choice], view: View) -> dict[str, Chosen]:
    """What a contact sees of each choice, and why."""
    return {choice.id: choice.decide(view) for choice in choices}


def trackers_of(choices: Iterable[Choice]) -> tuple[Tracker, ...]:
    """What must be remembered of contacts, so that these choices can be made."""
    return tuple(tracker for choice in choices for case in choice.cases for tracker in case.when.trackers)


def remembered_for(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The predicates of a built template's document that ask for what must be remembered of contacts."""
    found: list[Mapping[str, Any]] = []
    for choice in document.get("choices") or ():
        for case in choice["cases"]:
            if read_predicate(Reader(case["when"])).trackers:
                found.append(case["when"])
    return [*found, LOOKED_AT, BOUGHT] if document.get(ASKS) else found
