"""What could not be taken, kept for a person to look at."""

import json

from hypothesis import given
from hypothesis import strategies as st

from postroad.events import Event
from postroad.tracking.quarantine import RAW_LIMIT, parse_reject, reject_event, reject_text

texts = st.text(st.characters(codec=None), max_size=50)


@given(text=texts, reason=st.text(max_size=20), source=st.text(max_size=10))
def test_a_reject_is_the_same_after_travelling(text, reason, source):
    reject = reject_text(text, reason, 5.0, source)
    assert parse_reject(json.loads(json.dumps(reject.to_document()))) == reject
    reject.raw.encode()


def test_the_same_text_has_the_same_id_whenever_it_arrives():
    first, again = reject_text("x", "It is odd.", 1.0), reject_text("x", "It is odd.", 2.0)
    assert first.reject_id == again.reject_id
    others = [
        reject_text("y", "It is odd.", 1.0),
        reject_text("x", "Why not?", 1.0),
        reject_text("x", "It is odd.", 1.0, "s"),
    ]
    assert len({first.reject_id, *(other.reject_id for other in others)}) == 4


def test_a_long_text_is_cut_and_half_a_character_is_replaced():
    assert len(reject_text("x" * (RAW_LIMIT + 1), "", 1.0).raw) == RAW_LIMIT
    assert reject_text("a\ud800", "", 1.0).raw == "a?"


def test_an_event_is_kept_as_it_travels():
    event = Event("a", "X", 1.0, 1.0, source="demo", properties={"odd": "\ud800"})
    reject = reject_event(event, "its contact does not exist", 2.0)
    assert (reject.source, reject.received) == ("demo", 2.0)
    assert json.loads(reject.raw)["id"] == "a"
