"""Personas: the one that fits best, and how sure that is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.contacts.contact import Attribute, Contact
from postroad.errors import DefinitionError
from postroad.instants import DAY, format_instant
from postroad.personas import Personas, parse_persona
from postroad.predicates.predicate import View

NOW = 1_793_610_840.0
DEVELOPER = {
    "kind": "persona",
    "id": "developer",
    "name": "Developer",
    "limits": ["no budget of their own"],
    "pains": "tools that hide what they do",
    "rules": [
        {"id": "role", "if": {"attribute": "role", "contains": "engineer"}, "weight": 3},
        {"id": "docs", "if": {"attribute": "reads_docs", "is": True}},
    ],
}
OFFICE = {
    "kind": "persona",
    "id": "office-manager",
    "rules": [
        {"id": "role", "if": {"attribute": "role", "contains": "office"}, "weight": 2},
        {"id": "size", "if": {"attribute": "company_size", "gte": 20}, "weight": 2},
    ],
}
PERSONAS = Personas((parse_persona(DEVELOPER), parse_persona(OFFICE)))


def a_view(**attributes):
    return View(Contact("c1", attributes={name: Attribute(v, NOW, True) for name, v in attributes.items()}), NOW)


@pytest.mark.parametrize(
    ("attributes", "persona", "confidence"),
    [
        ({}, None, 0.0),
        ({"reads_docs": True}, None, 0.0),
        ({"role": "software engineer"}, "developer", 0.75),
        ({"role": "software engineer", "reads_docs": True}, "developer", 1.0),
        ({"role": "office engineer", "reads_docs": True}, "developer", 0.67),
        ({"role": "office engineer", "reads_docs": True, "company_size": 40}, "developer", 0.5),
        ({"company_size": 40}, "office-manager", 0.5),
    ],
)
def test_c89_the_persona_that_fits_best_is_taken_with_its_confidence(attributes, persona, confidence):
    assert PERSONAS.match(a_view(**attributes))[:2] == (persona, confidence)


def test_a_persona_keeps_what_people_write_about_it_and_describes_its_rules():
    developer = PERSONAS.personas[0]
    assert (developer.name, developer.limits, developer.pains) == (
        "Developer",
        ("no budget of their own",),
        ("tools that hide what they do",),
    )
    assert developer.describe() == (
        "weight 3: role contains engineer",
        "weight 1: reads docs is true",
        "fits from 50% of the weights on",
    )
    assert developer.reasons(a_view(role="engineer")) == ("role contains engineer",)


def test_a_match_says_when_time_alone_may_change_it():
    rules = [{"id": "new", "if": {"attribute": "joined", "within_last": "P7D"}}]
    fresh = Personas((parse_persona({"kind": "persona", "id": "fresh", "rules": rules}),))
    assert fresh.match(a_view(joined=format_instant(NOW - DAY))) == ("fresh", 1.0, NOW + 6 * DAY)


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"least": 0}, ("least", "must be a number between 0.01 and 1")),
        ({"rules": [{"id": "a", "if": {"persona": "x"}}]}, ("rules[0].if.persona", "is not known in this place")),
        ({"rules": [{"id": "a", "if": {"attribute": "x", "is": 1}, "weight": 0}]},
         ("rules[0].weight", "must be a number between 0.001 and 1000")),
        ({"pains": [1]}, ("pains", "must be text, not a number")),
    ],
)  # fmt: skip
def test_a_persona_with_a_mistake_is_refused(change, mistake):
    with pytest.raises(DefinitionError) as raised:
        parse_persona({**DEVELOPER, **change})
    ((path, sentence),) = raised.value.mistakes
    assert path == mistake[0]
    assert sentence.startswith(mistake[1])


@given(
    st.permutations(PERSONAS.personas),
    st.fixed_dictionaries(
        {},
        optional={
            "role": st.sampled_from(["engineer", "office", "office engineer"]),
            "reads_docs": st.booleans(),
            "company_size": st.integers(1, 50),
        },
    ),
)
def test_the_match_does_not_depend_on_the_order_of_personas_and_its_confidence_is_a_share(personas, attributes):
    view = a_view(**attributes)
    match = Personas(tuple(personas)).match(view)
    assert match == PERSONAS.match(view)
    assert 0 <= match.confidence <= 1
    assert (match.persona is None) == (match.confidence == 0)
