"""Conditions that nobody can fulfil are found where they stand, and only those."""

import pytest
from hypothesis import given, settings

from postroad.contacts.contact import Contact
from postroad.definitions import check_definition, known_in, plan_publication
from postroad.errors import DefinitionError
from postroad.predicates.contradictions import find_contradictions
from postroad.predicates.predicate import JOURNEY, View, parse_predicate
from tests.books import Shelf
from tests.core.predicates.test_predicate import DOCUMENTS, EVENTS, NOW, WARMTH, a_contact

BOUGHT = {"event": "Order Completed"}


@pytest.mark.parametrize(
    ("one", "other", "is_contradiction"),
    [
        ({"attribute": "t", "after": "2026-12-01"}, {"attribute": "t", "before": "2026-01-01"}, True),
        ({"attribute": "t", "after": "2026-01-01"}, {"attribute": "t", "before": "2026-01-01"}, True),
        ({"attribute": "t", "after": "2026-01-01"}, {"attribute": "t", "before": "2026-12-01"}, False),
        ({"attribute": "t", "after": "2026-12-01"}, {"attribute": "u", "before": "2026-01-01"}, False),
        ({"attribute": "t", "within_last": "P7D"}, {"attribute": "t", "older_than": "P30D"}, True),
        ({"attribute": "t", "within_last": "P7D"}, {"attribute": "t", "older_than": "P7D"}, True),
        ({"attribute": "t", "within_last": "P30D"}, {"attribute": "t", "older_than": "P7D"}, False),
        ({"attribute": "t", "within_last": "P7D"}, {"attribute": "t", "within_next": "P7D"}, True),
        ({"attribute": "n", "gt": 5}, {"attribute": "n", "lt": 5}, True),
        ({"attribute": "n", "gte": 5}, {"attribute": "n", "lte": 5}, False),
        # An order may have a dear product and a cheap one.
        ({"attribute": "cart.price", "gte": 90}, {"attribute": "cart.price", "lte": 10}, False),
        ({**BOUGHT, "last": "products.price", "gte": 90}, {**BOUGHT, "last": "products.price", "lte": 10}, False),
        ({"attribute": "n", "exists": True}, {"attribute": "n", "exists": False}, True),
        ({"attribute": "n", "exists": True}, {"attribute": "m", "exists": False}, False),
        ({"attribute": "n", "exists": True}, {"attribute": "n", "exists": True}, False),
        ({"attribute": "plan", "is": "pro"}, {"attribute": "plan", "is_not": "pro"}, True),
        ({"attribute": "plan", "is": "pro"}, {"attribute": "plan", "is_not": "free"}, False),
        ({"attribute": "plan", "in": ["pro", "free"]}, {"attribute": "plan", "not_in": ["pro", "free"]}, True),
        ({"attribute": "plan", "contains": "pro"}, {"attribute": "plan", "not_contains": "pro"}, True),
        ({"attribute": "t", "within_last": "P7D"}, {"attribute": "t", "not_within_last": "P7D"}, True),
        ({"attribute": "t", "within_last": "P7D"}, {"attribute": "t", "not_within_last": "P2D"}, False),
        ({"segment": "vip"}, {"segment": "vip", "is": False}, True),
        ({"segment": "vip"}, {"segment": "staff", "is": False}, False),
        ({"stage": "lead"}, {"not": {"stage": "lead"}}, True),
        ({"stage": "lead"}, {"not": {"stage": "mql"}}, False),
        (BOUGHT, {"not": BOUGHT}, True),
        (BOUGHT, {"not": {**BOUGHT, "within": "P7D"}}, False),
        ({"score": "warmth", "gte": 70}, {"score": "warmth", "lt": 30}, True),
        ({"score": "warmth", "gte": 30}, {"score": "warmth", "lt": 70}, False),
        ({**BOUGHT, "at_least": 5, "within": "P7D"}, {**BOUGHT, "at_most": 2, "within": "P30D"}, True),
        ({**BOUGHT, "at_least": 5, "within": "P30D"}, {**BOUGHT, "at_most": 2, "within": "P7D"}, False),
        ({**BOUGHT, "within": "P7D"}, {**BOUGHT, "never": True}, True),
        (BOUGHT, {**BOUGHT, "never": True, "within": "P7D"}, False),
        ({**BOUGHT, "when": "last", "within_last": "P7D"}, {**BOUGHT, "when": "last", "older_than": "P9D"}, True),
        ({**BOUGHT, "when": "last", "within_last": "P7D"}, {**BOUGHT, "when": "first", "older_than": "P9D"}, False),
    ],
)
def test_two_conditions_exclude_each_other_or_not(one, other, is_contradiction):
    for pair in ([one, other], [other, {"all": [one]}]):
        assert bool(find_contradictions({"if": {"all": pair}})) is is_contradiction
        assert not find_contradictions({"if": {"any": pair}})


def test_it_is_told_where_and_by_what():
    never = [{"attribute": "due", "after": "2026-12-01"}, {"attribute": "due", "before": "2026-01-01"}]
    journey = {"steps": [{"branch": {"cases": [{"if": {"not": {"all": never}}}]}}]}
    assert find_contradictions(journey) == (
        (
            "steps[0].branch.cases[0].if.not.all",
            "nobody can fulfil both of these: due is after 2026-12-01T00:00:00.000Z,"
            " and due is before 2026-01-01T00:00:00.000Z",
        ),
    )


def test_it_is_refused_when_it_is_checked_and_what_is_live_stays():
    never = [{"score": "warmth", "gte": 70}, {"score": "warmth", "lt": 30}]
    segment = {"kind": "segment", "id": "nobody", "if": {"all": never}}
    shelf = Shelf({"kind": "score", "id": "warmth", "rules": [{"id": "page", "event": "Page Viewed", "points": 1}]})
    with pytest.raises(DefinitionError, match="nobody can fulfil both"):
        check_definition(segment, known_in(shelf.book, {}))
    with pytest.raises(DefinitionError, match="nobody can fulfil both"):
        plan_publication({"segment/nobody": segment}, shelf.book, shelf.documents)
    book = shelf.force(segment)
    assert "nobody" in book.segments
    shelf.publish({"kind": "segment", "id": "seen", "if": {"event": "Page Viewed"}})
    assert {"nobody", "seen"} <= set(shelf.book.segments)


@settings(max_examples=200)
@given(DOCUMENTS, DOCUMENTS, EVENTS)
def test_what_is_called_a_contradiction_holds_for_nobody(one, other, events):
    document = {"all": [one, other]}
    # What stands under a not or an any of it says nothing about the whole.
    if "if.all" not in dict(find_contradictions({"if": document})):
        return
    predicate = parse_predicate(document, JOURNEY)
    contact = a_contact(events, predicate.trackers, t="2026-11-01", u="2026-10-20", v="2026-11-09", x=3, y=-2)
    contact.scores["warmth"] = dict(WARMTH.recompute(events))
    assert not predicate.evaluate(View(contact, NOW, {"warmth": WARMTH})).truth
    assert not predicate.evaluate(View(Contact("bob"), NOW)).truth
