"""Grades: a letter for how well somebody fits, by what is known of them."""

from math import inf

import pytest

from postroad.contacts.contact import Attribute, Contact
from postroad.errors import DefinitionError
from postroad.instants import DAY, format_instant
from postroad.predicates.predicate import View, parse_predicate
from postroad.scoring.grades import parse_grade
from postroad.scoring.sheet import Reason

NOW = 1_793_610_840.0
DOCUMENT = {
    "kind": "grade",
    "id": "fit",
    "rules": [
        {"id": "size", "if": {"attribute": "company_size", "gte": 20}, "points": 50},
        {"id": "role", "if": {"attribute": "role", "in": ["owner", "director"]}, "points": 30},
        {"id": "country", "if": {"attribute": "country", "in": ["PT", "ES"]}, "points": 15},
        {"id": "student", "if": {"attribute": "role", "is": "student"}, "points": -40},
        {"id": "fresh", "if": {"attribute": "founded", "within_last": "P365D"}, "points": 5},
    ],
    "bounds": {"A": 80, "B": 50, "C": 30, "D": 15},
}
FIT = parse_grade(DOCUMENT)


def a_view(**attributes):
    known = {name: Attribute(value, NOW, True) for name, value in attributes.items()}
    return View(Contact("c1", attributes=known), NOW, sorters={"grade/fit": FIT})


@pytest.mark.parametrize(
    ("attributes", "letter"),
    [
        ({}, None),
        ({"favourite_colour": "blue"}, None),
        ({"company_size": 3}, "F"),
        ({"country": "PT"}, "D"),
        ({"role": "owner"}, "C"),
        ({"company_size": 30}, "B"),
        ({"company_size": 30, "role": "owner"}, "A"),
        ({"company_size": 30, "role": "student"}, "F"),
    ],
)
def test_c23_the_letter_is_the_best_whose_bound_is_reached_and_nothing_known_is_no_letter(attributes, letter):
    assert FIT.letter(a_view(**attributes)) == letter


def test_the_reasons_for_a_grade_are_its_rules_the_weightiest_first():
    view = a_view(company_size=30, role="student")
    assert FIT.reasons(view) == (
        Reason("size", 50, "company size is at least 20"),
        Reason("student", -40, "role is student"),
    )
    assert FIT.total(view) == 10


def test_a_grade_says_when_time_alone_may_change_it():
    view = a_view(founded=format_instant(NOW - 364 * DAY), company_size=30, role="director")
    assert FIT.sort(view) == (("A",), NOW + DAY)
    assert FIT.sort(a_view(company_size=30)) == (("B",), inf)


@pytest.mark.parametrize(
    ("predicate", "truth", "sentence"),
    [
        ({"grade": "fit", "is": "B"}, True, "grade fit is B"),
        ({"grade": "fit", "in": ["A", "C"]}, False, "grade fit is A or C"),
        ({"grade": "fit", "at_least": "C"}, True, "grade fit is C or better"),
        ({"grade": "fit", "at_least": "A"}, False, "grade fit is A or better"),
        ({"grade": "other", "at_least": "F"}, False, "grade other is F or better"),
    ],
)
def test_a_predicate_asks_for_letters(predicate, truth, sentence):
    parsed = parse_predicate(predicate)
    assert parsed.evaluate(a_view(company_size=30)).truth is truth
    assert parsed.describe() == sentence
    assert parsed.reads == {f"grade:{predicate['grade']}"}


@pytest.mark.parametrize(
    ("predicate", "mistake"),
    [
        ({"grade": "fit"}, ("", "needs a letter: is A, in [A, B], or at_least C")),
        ({"grade": "fit", "is": "G"}, ("is", "must be one of A, B, C, D, E, F")),
        ({"grade": "fit", "is": "A", "in": ["B"]}, ("", "needs a letter: is A, in [A, B], or at_least C")),
    ],
)
def test_a_predicate_with_no_letter_is_refused(predicate, mistake):
    with pytest.raises(DefinitionError) as raised:
        parse_predicate(predicate)
    assert raised.value.mistakes == (mistake,)


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"bounds": {}},
         ("bounds", "does not say from which total on which letter is given; it needs one of A, B, C, D, E")),
        ({"bounds": {"A": 10, "B": 10}}, ("bounds.B", "must be below 10, where A begins")),
        ({"bounds": {"F": 1}}, ("bounds.F", "unknown key 'F'; known here: A, B, C, D, E")),
        ({"rules": []}, ("rules", "must be a list of 1 to 100 objects; there are 0")),
        ({"rules": [{"id": "x", "if": {"attribute": "a", "is": 1}}]}, ("rules[0].points", "is missing")),
        ({"bounds": None}, ("bounds", "is missing")),
    ],
)  # fmt: skip
def test_a_grade_with_a_mistake_is_refused(change, mistake):
    with pytest.raises(DefinitionError) as raised:
        parse_grade({**DOCUMENT, **change})
    assert mistake in raised.value.mistakes


def test_a_grade_may_not_read_grades():
    rules = [{"id": "x", "if": {"grade": "fit", "is": "A"}, "points": 1}]
    with pytest.raises(DefinitionError, match="is not known in this place"):
        parse_grade({**DOCUMENT, "rules": rules})


def test_a_grade_describes_itself():
    assert FIT.describe()[0] == "+50 while company size is at least 20"
    assert FIT.describe()[-1] == "A from 80, B from 50, C from 30, D from 15, else F"
