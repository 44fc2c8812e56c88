"""The hand-over: sales or nurture, never both."""

from collections import Counter

import pytest

from postroad.contacts.contact import Attribute, Contact, Handed
from postroad.errors import DefinitionError
from postroad.predicates.predicate import View
from postroad.scoring.grades import parse_grade
from postroad.scoring.handovers import NURTURE, SALES, Choice, is_kept_from, parse_handover

NOW = 1_793_610_840.0
FIT = parse_grade(
    {
        "kind": "grade",
        "id": "fit",
        "bounds": {"A": 50, "C": 20},
        "rules": [{"id": "size", "if": {"attribute": "company_size", "gte": 20}, "points": 50}],
    }
)
DOCUMENT = {
    "kind": "handover",
    "id": "handover",
    "if": {"attribute": "wants_a_call", "is": True},
    "fit": {"grade": "fit", "at_least": "C"},
    "back_if": {"attribute": "sent_back", "is": True},
    "owners": ["ana@tidewater.example", "ben@tidewater.example", "zoe@tidewater.example"],
    "task": {"title": "Ring them up", "due": "P1D"},
    "nurture": {"if": {"attribute": "email", "exists": True}, "journey": "nurture"},
}
MODEL = parse_handover(DOCUMENT)


def a_view(handed=None, **attributes):
    known = {name: Attribute(value, NOW, True) for name, value in attributes.items()}
    contact = Contact("c1", attributes=known, handed=handed and Handed(handed, NOW))
    return View(contact, NOW, sorters={"grade/fit": FIT})


READY = {"wants_a_call": True, "company_size": 40}


@pytest.mark.parametrize(
    ("handed", "attributes", "to", "because"),
    [
        (None, {}, "", "not ready yet, which means: wants a call is true"),
        (None, {"email": "a@b.example"}, NURTURE, "not ready yet, which means: wants a call is true"),
        (None, READY, SALES, "wants a call is true, and grade fit is C or better"),
        (NURTURE, READY, SALES, "wants a call is true, and grade fit is C or better"),
        (None, {**READY, "company_size": 3, "email": "a@b.example"}, NURTURE,
         "does not fit well enough: not grade fit is C or better"),
        (SALES, {}, SALES, "was handed over"),
        (SALES, {"sent_back": True, "email": "a@b.example"}, NURTURE, "sales has sent it back: sent back is true"),
        (NURTURE, {**READY, "sent_back": True}, "", "sales has sent it back: sent back is true"),
    ],
)  # fmt: skip
def test_c68_one_rule_decides_where_somebody_belongs(handed, attributes, to, because):
    assert MODEL.choose(a_view(handed, **attributes)) == Choice(to, because)


def test_c23_a_poor_fit_is_kept_from_messages_that_push_for_a_sale():
    assert MODEL.find_obstacle(a_view(company_size=3)) == "does not fit well enough: not grade fit is C or better"
    assert MODEL.find_obstacle(a_view(company_size=30)) is None
    assert parse_handover({**DOCUMENT, "fit": None}).find_obstacle(a_view()) is None


def test_c68_owners_get_equal_shares_and_always_the_same_people():
    shares = Counter(MODEL.find_owner(f"contact-{number}") for number in range(3_000))
    assert shares.keys() == set(DOCUMENT["owners"])
    assert all(900 < share < 1_100 for share in shares.values())
    assert MODEL.find_owner("contact-7") == MODEL.find_owner("contact-7")


def test_only_those_of_an_owner_who_leaves_change_hands():
    fewer = parse_handover({**DOCUMENT, "owners": DOCUMENT["owners"][:2]})
    for number in range(200):
        before = MODEL.find_owner(f"contact-{number}")
        assert before == DOCUMENT["owners"][2] or fewer.find_owner(f"contact-{number}") == before


def test_whoever_is_at_sales_is_kept_from_the_journey_that_nurtures():
    assert is_kept_from(MODEL, "nurture", a_view(SALES).contact)
    assert not is_kept_from(MODEL, "welcome", a_view(SALES).contact)
    assert not is_kept_from(MODEL, "nurture", a_view(NURTURE).contact)
    assert not is_kept_from(None, "nurture", a_view(SALES).contact)


def test_a_rejected_task_sends_somebody_back_for_thirty_days_unless_the_definition_says_otherwise():
    usual = parse_handover({**DOCUMENT, "back_if": None})
    assert usual.back.describe() == (
        "did Task Completed (kind is handover and outcome is rejected) within the last 30 days"
    )
    assert len(usual.trackers) == 1


def test_a_hand_over_describes_itself():
    assert MODEL.describe() == (
        "to sales when wants a call is true, if grade fit is C or better",
        "owners in turn: ana@tidewater.example, ben@tidewater.example, zoe@tidewater.example; "
        "they have 1 day for: Ring them up",
        "back when sent back is true",
        "else nurtured when email is known, in the journey nurture",
    )


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"id": "sales"}, ("id", "one rule decides for the whole account, and its id is handover")),
        ({"owners": []}, ("owners", "must be a list of 1 to 200 people; there are 0")),
        ({"owners": ["ana", "ana"]}, ("owners", "names 'ana' twice")),
        ({"if": None}, ("if", "is missing")),
        ({"task": {"due": "P1D"}}, ("task.title", "is missing")),
        ({"nurture": {"journey": "nurture"}}, ("nurture.if", "is missing")),
    ],
)
def test_a_hand_over_with_a_mistake_is_refused(change, mistake):
    with pytest.raises(DefinitionError) as raised:
        parse_handover({**DOCUMENT, **change})
    assert mistake in raised.value.mistakes


def test_a_hand_over_may_not_read_itself():
    with pytest.raises(DefinitionError, match="is not known in this place"):
        parse_handover({**DOCUMENT, "if": {"handed_to": "nurture"}})
