"""Segments: a predicate with a name."""

import pytest

from postroad.contacts.contact import Attribute, Contact
from postroad.errors import DefinitionError
from postroad.predicates.predicate import Verdict, View
from postroad.segments import parse_segment

FRENCH = {"kind": "segment", "id": "french", "name": "From France", "if": {"attribute": "country", "is": "FR"}}


def test_a_segment_holds_those_for_whom_its_predicate_holds():
    segment = parse_segment({**FRENCH, "description": "For the summer sale"})
    assert (segment.kind, segment.id, segment.name) == ("segment", "french", "From France")
    assert (segment.description, segment.describe()) == ("For the summer sale", "country is FR")
    assert (segment.reads, segment.trackers) == ({"attribute:country"}, ())
    ana = Contact("ana", attributes={"country": Attribute("FR", 0.0, True)})
    assert segment.evaluate(View(ana, 5.0)) == Verdict(True)
    assert segment.evaluate(View(Contact("bob"), 5.0)) == Verdict(False)


def test_a_segment_without_a_name_goes_by_its_id():
    assert parse_segment({"kind": "segment", "id": "vip", "if": {"segment": "french"}}).name == "vip"


def test_a_segment_over_behaviour_says_what_has_to_be_remembered():
    segment = parse_segment({**FRENCH, "if": {"event": "Order Completed", "at_least": 2, "within": "P30D"}})
    (tracker,) = segment.trackers
    assert (tracker.events, tracker.keep, tracker.window) == (("order completed",), 2, 2_592_000.0)


@pytest.mark.parametrize(
    ("changes", "mistakes"),
    [
        ({"if": None}, (("if", "is missing"),)),
        ({"kind": "segments"}, (("kind", "must be one of segment; did you mean 'segment'?"),)),
        ({"if": {"segment": "french"}}, (("if", "cannot depend on the segment itself"),)),
        ({"iff": 1}, (("iff", "unknown key 'iff'; did you mean 'if'?"),)),
        ({"if": {"score": "x"}, "id": None},
         (("id", "is missing"), ("if", "does not say how to compare; it needs one of gt, gte, lt, lte"))),
    ],
)  # fmt: skip
def test_a_segment_with_mistakes_is_refused(changes, mistakes):
    with pytest.raises(DefinitionError) as raised:
        parse_segment({**FRENCH, **changes})
    assert raised.value.mistakes == mistakes
