"""Static segments: into which contacts are put, and out of which they are taken, by a trusted word."""

from dataclasses import replace

import pytest

from postroad import events as names
from postroad.contacts.contact import Contact
from postroad.contacts.merging import merge
from postroad.contacts.places import places_of
from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.fold import begin, fold
from postroad.segments import parse_segment
from tests.books import Shelf

NOW = 1_793_610_840.0
FAIR = {"kind": "segment", "id": "fair", "name": "Met at the fair", "static": True}
VISITORS = {"kind": "segment", "id": "visitors", "if": {"all": [{"segment": "fair"}, {"event": "Page Viewed"}]}}
FOLLOW_UP = {
    "kind": "journey",
    "id": "follow-up",
    "trigger": {"segment": "fair"},
    "steps": [{"id": "day", "wait": {"for": "P1D"}}],
}
FRENCH = {"kind": "segment", "id": "french", "if": {"attribute": "country", "is": "FR"}}


def an_event(name, number=1, trusted=True, **properties):
    return Event(f"event-{number}", name, NOW, NOW, trusted=trusted, properties=properties)


def put_into(contact, book, segment="fair", **said):
    return fold(contact, an_event(names.SEGMENT_ADDED, segment=segment, **said), book, NOW)


@pytest.fixture
def book():
    return Shelf(FAIR, VISITORS, FRENCH, FOLLOW_UP).book


def test_who_is_put_into_a_static_segment_is_in_it_like_in_any_other(book):
    outcome = put_into(begin("ana", book, NOW), book, because="talked to us at the stand")
    assert outcome.contact.segments == {"fair": NOW}
    assert places_of(outcome.contact)["segment/fair"] == NOW
    assert [event.name for event in outcome.caused] == [names.SEGMENT_ENTERED, names.JOURNEY_STARTED]
    assert "follow-up" in outcome.contact.active
    assert ("segment/fair", "", "entered", "talked to us at the stand") in [each[:4] for each in outcome.decisions]


def test_a_static_segment_is_usable_in_every_predicate(book):
    contact = put_into(begin("ana", book, NOW), book).contact
    contact = fold(contact, an_event("Page Viewed", 2), book, NOW).contact
    assert set(contact.segments) == {"fair", "visitors"}
    left = fold(contact, an_event(names.SEGMENT_REMOVED, 3, segment="fair"), book, NOW)
    assert set(left.contact.segments) == set()
    assert [event.name for event in left.caused] == [names.SEGMENT_LEFT, names.SEGMENT_LEFT]


def test_doing_it_again_changes_nothing(book):
    contact = put_into(begin("ana", book, NOW), book).contact
    again = fold(contact, an_event(names.SEGMENT_ADDED, 2, segment="fair"), book, NOW + 5)
    assert (again.contact.segments, again.caused, again.decisions) == ({"fair": NOW}, (), ())
    absent = fold(begin("bob", book, NOW), an_event(names.SEGMENT_REMOVED, segment="fair"), book, NOW)
    assert (absent.contact.segments, absent.caused, absent.decisions) == ({}, (), ())


@pytest.mark.parametrize(
    ("segment", "trusted", "because"),
    [
        ("french", True, "is dynamic: it follows its condition"),
        ("nowhere", True, "is not published"),
        ("fair", False, "only a server is believed about this"),
    ],
)
def test_what_cannot_be_changed_is_told(book, segment, trusted, because):
    event = an_event(names.SEGMENT_ADDED, trusted=trusted, segment=segment)
    outcome = fold(begin("ana", book, NOW), event, book, NOW)
    assert outcome.contact.segments == {}
    assert outcome.decisions[0][:4] == (f"segment/{segment}", "", "not changed", because)


def test_members_stay_when_definitions_change_and_leave_with_the_segment():
    shelf = Shelf(FAIR)
    contact = replace(put_into(begin("ana", shelf.book, NOW), shelf.book).contact, version=1)
    renamed = shelf.after({**FAIR, "name": "The fair of 2026"})
    stays = fold(contact, an_event("Page Viewed", 2), renamed, NOW).contact
    assert stays.segments == {"fair": NOW}
    shelf.withdraw("segment/fair")
    assert fold(stays, an_event("Page Viewed", 3), shelf.book, NOW).contact.segments == {}


def test_one_person_of_two_contacts_is_in_the_segment_of_either(book):
    ana, device = put_into(begin("ana", book, NOW), book).contact, Contact("device", created_at=NOW)
    for pair in ((ana, device), (device, ana)):
        merged, _ = merge(*pair, book, NOW)
        assert fold(merged, an_event("Page Viewed", 2), book, NOW, everything=True).contact.segments.keys() >= {"fair"}


def test_a_static_segment_has_no_condition():
    segment = parse_segment(FAIR)
    assert (segment.is_static, segment.reads, segment.describe()) == (
        True, frozenset(), "was put into it, and not taken out",
    )  # fmt: skip
    assert not parse_segment({**FRENCH, "static": False}).is_static
    with pytest.raises(DefinitionError) as raised:
        parse_segment({**FAIR, "if": FRENCH["if"]})
    assert raised.value.mistakes == (
        ("if", "has no place in a static segment, into which contacts are put; leave out if or static"),
    )
