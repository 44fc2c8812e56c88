"""Events: the same after every journey, and known again when they come twice."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from postroad.contacts.identities import Identity
from postroad.events import RESERVED, WAKE, Event, content_id, parse_event
from postroad.journeys import enrollment_id_of
from postroad.tracking.vocabulary import published_name

identities = st.builds(Identity, st.sampled_from(["user", "email", "anon"]), st.text(min_size=1, max_size=8))
documents = st.dictionaries(
    st.text(max_size=5), st.none() | st.integers(-9, 9) | st.text(max_size=5) | st.lists(st.booleans()), max_size=3
)
times = st.floats(0, 4e9)
events = st.builds(
    Event,
    event_id=st.text(min_size=1, max_size=10),
    name=st.text(min_size=1, max_size=10),
    time=times,
    key_time=times,
    identities=st.lists(identities, max_size=3).map(tuple),
    contact_id=st.none() | st.text(min_size=1, max_size=10),
    previous=st.none() | identities,
    trusted=st.booleans(),
    source=st.text(max_size=5),
    attributes=documents,
    properties=documents,
    context=documents,
)


@given(events)
def test_an_event_is_the_same_after_travelling(event):
    again = parse_event(json.loads(json.dumps(event.to_document())))
    assert again == event
    assert (again.key, again.short_hash) == (event.key, event.short_hash)


def test_a_key_sorts_by_time_and_names_the_event():
    early, late = Event("b", "X", 9.0, 1.0), Event("a", "X", 1.0, 2.0)
    assert early.key < late.key
    assert early.key == "1970-01-01T00:00:01.000Z#b#~"
    assert replace(early, trusted=True).key == "1970-01-01T00:00:01.000Z#b"
    assert len(early.short_hash) == 6


def test_an_id_is_the_word_of_a_source_and_a_public_one_has_no_say_about_a_trusted_ones():
    shop = Event("order-1", "Order Completed", 1.0, 1.0, trusted=True, source="shop")
    others = [shop, replace(shop, trusted=False), replace(shop, source="crm"), replace(shop, source="")]
    assert shop.key == "1970-01-01T00:00:01.000Z#order-1#shop"
    assert len({event.key for event in others}) == len({event.short_hash for event in others}) == 4
    assert len({enrollment_id_of("ana", "welcome", event) for event in others}) == 4


def test_empty_parts_do_not_travel():
    assert Event("a", "X", 1.0, 1.0).to_document() == {"id": "a", "name": "X", "time": 1.0}


@given(documents)
def test_an_event_without_an_id_gets_the_same_one_however_its_parts_are_ordered(document):
    turned = dict(reversed(document.items()))
    assert content_id(document) == content_id(turned)
    assert content_id(document) != content_id({**document, "one": "more"})
    assert content_id({"odd": "\ud800"}).startswith("c-")


def test_what_only_postroad_says_is_reserved_in_any_writing():
    assert WAKE in RESERVED
    for name in RESERVED:
        assert published_name(name.upper()) == name
