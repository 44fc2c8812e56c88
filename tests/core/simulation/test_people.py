"""Made-up people: on either side of whatever a journey asks about, so that a path nobody took is one nobody can."""

from typing import Any

import pytest

from postroad.predicates.conditions import FACTS
from postroad.predicates.operators import OPERATORS
from postroad.simulation import Habits, simulate
from postroad.simulation.standing import GIVEN

ASKED: dict[str, Any] = {
    "is": "FR",
    "is_not": 7,
    "in": ["gold", "silver"],
    "not_in": [1, 2],
    "contains": "an",
    "not_contains": 3,
    "contains_all": ["a", "b"],
    "starts_with": "A",
    "ends_with": ".fr",
    "gt": 10,
    "gte": 0.5,
    "lt": -3,
    "lte": 0,
    "exists": True,
    "before": "2026-12-01",
    "after": "2020-02-29T10:00:00+09:00",
    "within_last": "PT6H",
    "not_within_last": "P400D",
    "within_next": "P2D",
    "older_than": "P30D",
    "is_in_days": 0,
    "anniversary_in": [-1, 3],
    "near": {"lat": 48.86, "lng": 2.35, "km": 30},
}


def _ways(steps: list[Any], people: int = 120, **around: Any) -> dict[str, int]:
    """How many take each way of the step `asked`."""
    journey = {"kind": "journey", "id": "draft", "trigger": {"event": "Signed Up"}, "steps": steps, **around}
    forecast = simulate({"journey/draft": journey}, "draft", people=people, habits=Habits())
    return {name: forecast.way("asked", name) for name in forecast.outline.steps["asked"].ways}


def _branch(condition: Any) -> dict[str, Any]:
    return {"id": "asked", "branch": {"cases": [{"name": "yes", "if": condition}]}}


def test_every_operator_is_asked_here():
    assert ASKED.keys() == OPERATORS.keys()


@pytest.mark.parametrize("attribute", ["value", "address.first.value"])
@pytest.mark.parametrize("operator", OPERATORS)
def test_somebody_goes_each_way_by_whatever_operator_a_branch_asks(operator, attribute):
    ways = _ways([_branch({"attribute": attribute, operator: ASKED[operator]})])
    assert min(ways["yes"], ways["else"]) >= 10


@pytest.mark.parametrize("operator", [key for key in OPERATORS if key.startswith(("within", "not_within", "is_in"))])
def test_somebody_goes_each_way_however_late_a_branch_asks(operator):
    asked = _branch({"attribute": "renewal", operator: ASKED[operator]})
    later = {"wait": {"event": "Ordered", "timeout": "P2D", "else": [{"wait": {"for": "P9D"}}, asked]}}
    ways = _ways([{"wait": {"for": "P3D"}}, later])
    assert min(ways["yes"], ways["else"]) >= 10


def test_somebody_has_each_value_that_a_step_tells_apart():
    cases = [{"is": "pro"}, {"is": ["free", "trial"]}, {"is": 3}]
    ways = _ways([{"id": "asked", "match": {"attribute": "plan", "cases": cases}}])
    assert len(ways) == 4
    assert min(ways.values()) >= 10


def test_somebody_reads_each_language_that_a_step_tells_apart():
    cases = [
        {"name": "Brazil", "is": "pt-BR"},
        {"name": "Portugal", "is": "pt"},
        {"name": "France", "is": ["fr", "oc"]},
    ]
    ways = _ways([{"id": "asked", "language": {"cases": cases}}])
    assert ways.keys() == {"Brazil", "Portugal", "France", "else"}
    assert min(ways.values()) >= 8


@pytest.mark.parametrize("date", [{}, {"before": "P7D"}, {"after": "P1D", "yearly": True}])
def test_somebody_has_a_date_to_wait_for_and_somebody_has_none(date):
    then = {"then": [{"wait": {"for": "PT1H"}}]}
    ways = _ways([{"wait": {"for": "P4D"}}, {"id": "asked", "wait": {"date": "renewal", **date, **then}}])
    assert min(ways["then"], ways["else"]) >= 20


def test_whose_date_starts_a_journey_starts_it_once():
    journey = {
        "kind": "journey", "id": "draft", "trigger": {"date": "birthday", "yearly": True}, "reentry": "always",
        "steps": [{"wait": {"for": "P1D"}}],
    }  # fmt: skip
    assert simulate({"journey/draft": journey}, "draft", people=20, habits=Habits()).started == 20


AROUND: dict[str, Any] = {
    "policy/policy": {
        "kind": "policy", "id": "policy", "topics": [{"id": "news"}, {"id": "tips", "opt_in": False}],
    },
    "segment/guests": {"kind": "segment", "id": "guests", "static": True},
    "segment/regulars": {"kind": "segment", "id": "regulars", "if": {"event": "Ordered", "at_least": 5}},
    "stages/life": {"kind": "stages", "id": "life", "stages": [{"id": "buyer", "if": {"event": "Ordered"}}]},
    "persona/chef": {"kind": "persona", "id": "chef", "rules": [{"id": "cooks", "if": {"event": "Cooked"}}]},
}  # fmt: skip
FACTS_ASKED: list[tuple[str, Any]] = [
    ("segment", "guests"),
    ("segment", ["regulars"]),
    ("consent", "news"),
    ("consent", "tips"),
    ("stage", "buyer"),
    ("persona", "chef"),
    ("handed_to", "sales"),
    ("account_role", ["buyer", "owner"]),
]


def test_every_fact_that_is_so_before_a_journey_is_asked_here():
    # The others are about what people do with the messages of the journey.
    assert {fact for fact, _ in FACTS_ASKED} == GIVEN.keys() == FACTS.keys() - {"opened", "clicked", "best_channel"}


@pytest.mark.parametrize(("fact", "names"), FACTS_ASKED)
def test_somebody_goes_each_way_by_whatever_fact_a_branch_asks(fact, names):
    journey = {"kind": "journey", "id": "draft", "trigger": {"event": "Signed Up"}, "steps": [_branch({fact: names})]}
    forecast = simulate({**AROUND, "journey/draft": journey}, "draft", people=60, habits=Habits())
    assert min(forecast.way("asked", "yes"), forecast.way("asked", "else")) >= 10


def test_values_of_one_object_are_told_together():
    both = {"all": [{"attribute": "address.city", "is": "Lyon"}, {"attribute": "address.country", "is": "FR"}]}
    ways = _ways([_branch(both)], people=200)
    assert min(ways["yes"], ways["else"]) >= 10


def test_an_event_that_starts_a_journey_meets_what_is_asked_deep_within_it():
    where = {"all": [{"property": "products.sku", "starts_with": "A-"}, {"property": "at", "within_last": "P1D"}]}
    ways = _ways([_branch({"attribute": "plan", "is": "pro"})], trigger={"event": "Ordered", "where": where})
    assert ways["yes"] + ways["else"] == 120
