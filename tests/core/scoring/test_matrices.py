"""Matrices: a letter and the number of a band, and names for such cells."""

from math import inf

import pytest

from postroad.contacts.contact import Attribute, Contact, Points
from postroad.errors import DefinitionError
from postroad.predicates.predicate import View, parse_predicate
from postroad.scoring.grades import parse_grade
from postroad.scoring.matrices import parse_matrix
from postroad.scoring.sheet import parse_score

NOW = 1_793_610_840.0
SCORE = parse_score(
    {
        "kind": "score", "id": "engagement", "half_life": "P14D",
        "bands": [{"id": "high", "from": 50}, {"id": "mid", "from": 20}, {"id": "low"}],
        "rules": [{"id": "page", "event": "Page Viewed", "points": 5}],
    }
)  # fmt: skip
FIT = parse_grade(
    {
        "kind": "grade", "id": "fit", "bounds": {"A": 50, "B": 20},
        "rules": [{"id": "size", "if": {"attribute": "company_size", "gte": 20}, "points": 50},
                  {"id": "small", "if": {"attribute": "company_size", "lt": 20}, "points": 20}],
    }
)  # fmt: skip
DOCUMENT = {
    "kind": "matrix", "id": "readiness", "score": "engagement", "grade": "fit",
    "cells": [{"id": "hot", "in": ["A1", "A2", "B1"]}, {"id": "nurture", "in": ["A3", "B2", "B3"]}],
}  # fmt: skip
MATRIX = parse_matrix(DOCUMENT)


def a_view(points, now=NOW, **attributes):
    known = {name: Attribute(value, NOW, True) for name, value in attributes.items()}
    held = {"engagement": {"page": Points(points, NOW // 60 * 60)}}
    sorters = {"score/engagement": SCORE, "grade/fit": FIT, "matrix/readiness": MATRIX}
    return View(Contact("c1", attributes=known, scores=held), now, {"engagement": SCORE}, sorters=sorters)


@pytest.mark.parametrize(
    ("points", "attributes", "names"),
    [
        (60.0, {"company_size": 30}, ("A1", "hot")),
        (60.0, {"company_size": 3}, ("B1", "hot")),
        (30.0, {"company_size": 30}, ("A2", "hot")),
        (0.0, {"company_size": 30}, ("A3", "nurture")),
        (60.0, {}, ()),
        (60.0, {"company_size": "many"}, ("F1",)),
    ],
)
def test_c68_a_cell_is_the_letter_and_the_number_of_the_band(points, attributes, names):
    assert MATRIX.sort(a_view(points, **attributes)).names == names


def test_a_cell_is_left_when_the_score_falls_out_of_its_band():
    hot = parse_predicate({"matrix": "readiness", "is": "A1"})
    view = a_view(60.0, company_size=30)
    truth, turns_at = hot.evaluate(view)
    assert truth
    assert turns_at < inf
    assert SCORE.value(view._replace(now=turns_at)) < 50
    assert MATRIX.sort(view._replace(now=turns_at)).names == ("A2", "hot")


@pytest.mark.parametrize(
    ("predicate", "truth", "reads"),
    [
        ({"matrix": "readiness", "is": "hot"}, True, "cell:readiness/hot"),
        ({"matrix": "readiness", "in": ["A2", "nurture"]}, False, "cell:readiness/A2"),
        ({"score": "engagement", "band": "high"}, True, "band:engagement/high"),
        ({"score": "engagement", "band": ["mid", "low"]}, False, "band:engagement/low"),
    ],
)
def test_a_predicate_asks_for_a_cell_or_a_band_by_name(predicate, truth, reads):
    parsed = parse_predicate(predicate)
    assert parsed.evaluate(a_view(60.0, company_size=30)).truth is truth
    assert reads in parsed.reads
    assert parse_predicate({"not": predicate}).evaluate(a_view(60.0, company_size=30)).truth is not truth


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"cells": [{"id": "hot", "in": ["A1"]}, {"id": "warm", "in": ["A1"]}]},
         ("cells[1].in", "A1 is called 'hot' already")),
        ({"cells": [{"id": "hot", "in": ["Z1"]}]},
         ("cells[0].in", "'Z1' is no cell; write a letter from A to F and the number of a band, such as A1")),
        ({"cells": [{"id": "hot", "in": []}]}, ("cells[0].in", "must name at least one cell, such as A1")),
        ({"grade": None}, ("grade", "is missing")),
    ],
)  # fmt: skip
def test_a_matrix_with_a_mistake_is_refused(change, mistake):
    with pytest.raises(DefinitionError) as raised:
        parse_matrix({**DOCUMENT, **change})
    assert mistake in raised.value.mistakes


@pytest.mark.parametrize(
    ("scores", "grades", "bands", "missing"),
    [
        ((), ("fit",), (), "there is no published score called 'engagement'"),
        (("engagement",), (), (), "there is no published grade called 'fit'"),
        (("engagement",), ("fit",), ("other/high",), "the score engagement has no bands"),
        (("engagement",), ("fit",), ("engagement/high", "engagement/low"),
         "the score engagement has 2 bands, so there is no cell A3"),
        (("engagement",), ("fit",), ("engagement/high", "engagement/mid", "engagement/low"), None),
    ],
)  # fmt: skip
def test_a_matrix_finds_what_it_names(scores, grades, bands, missing):
    assert MATRIX.find_missing(scores, grades, bands) == missing


def test_a_matrix_describes_itself():
    assert MATRIX.describe() == (
        "grade fit by the bands of score engagement, 1 for the highest", "hot: A1, A2, B1", "nurture: A3, B2, B3",
    )  # fmt: skip
