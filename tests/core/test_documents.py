"""Definition documents: every mistake is told at once, with its path and a sentence that helps."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.documents import Reader, read_head, says_the_same
from postroad.errors import DefinitionError
from postroad.instants import DAY


def mistakes_of(read, document):
    reader = Reader(document)
    read(reader)
    with pytest.raises(DefinitionError) as raised:
        reader.finish()
    return list(raised.value.mistakes)


def test_a_good_document_is_read_as_it_stands():
    reader = Reader(
        {
            "kind": "segment", "id": "vip", "name": "Our best", "limit": 3, "share": 0.5, "on": True, "mode": "fast",
            "after": "P1DT12H", "since": "2026-11-02T09:14:00Z", "tags": ["a", 2, False], "of": "x", "note": None,
            "part": {"text": "é"}, "parts": [{"id": "one"}, {"id": "two"}], "raw": {"deep": [1, {"a": None}]},
        }
    )  # fmt: skip
    assert read_head(reader, "segment") == ("vip", "Our best", "")
    assert reader.integer("limit") == 3
    assert reader.number("share", least=0, most=1) == 0.5
    assert reader.flag("on") is True
    assert reader.choice("mode", ("slow", "fast")) == "fast"
    assert reader.duration("after") == 1.5 * DAY
    assert reader.instant("since") == 1793610840.0
    assert reader.values("tags") == ("a", 2, False)
    assert reader.values("of") == ("x",)
    assert reader.text("note", None) is None
    assert reader.child("part").text("text") == "é"
    assert [part.id("id") for part in reader.children("parts")] == ["one", "two"]
    assert reader.anything("raw") == {"deep": [1, {"a": None}]}
    reader.finish()


@pytest.mark.parametrize(
    ("read", "document", "path", "sentence"),
    [
        (lambda r: r.text("name"), {}, "name", "is missing"),
        (lambda r: r.text("name"), {"name": 3}, "name", "must be text, not a number"),
        (lambda r: r.text("name"), {"name": "  "}, "name", "must not be empty"),
        (lambda r: r.text("name"), {"name": "x" * 501}, "name", "must not be longer than 500 characters"),
        (lambda r: r.text("name"), {"name": "\ud800"}, "name", "holds half of a surrogate pair, which is no character"),
        (lambda r: r.id("id"), {"id": "VIP Club!"}, "id",
         "'VIP Club!' is not an id; write lower-case letters, digits, - and _, such as 'vip-club'"),
        (lambda r: r.number("n"), {"n": True}, "n", "must be a number, not true or false"),
        (lambda r: r.number("n", least=0, most=1), {"n": 2}, "n", "must be a number between 0 and 1"),
        (lambda r: r.number("n"), {"n": float("nan")}, "n",
         "must be a number between -1e+15 and 1e+15"),
        (lambda r: r.number("n", least=0, most=9), {"n": 10**5000}, "n", "must be a number between 0 and 9"),
        (lambda r: r.integer("n"), {"n": 1.5}, "n", "must be a whole number"),
        (lambda r: r.flag("on"), {"on": "yes"}, "on", "must be true or false, not text"),
        (lambda r: r.choice("mode", ("once", "always")), {"mode": "alway"}, "mode",
         "must be one of once, always; did you mean 'always'?"),
        (lambda r: r.duration("for"), {"for": "1h"}, "for",
         "'1h' is not a duration; write for example PT15M, PT1H, P3D or P2W"),
        (lambda r: r.duration("for", most=DAY), {"for": "P2D"}, "for", "must be between 1 second and 1 day"),
        (lambda r: r.instant("at"), {"at": "soon"}, "at",
         "'soon' is not a date or time; write for example 2026-11-02T09:14:00Z"),
        (lambda r: r.instant("at"), {"at": "0001-01-01T00:00:00+14:00"}, "at",
         "must lie between the years 1900 and 3000"),
        (lambda r: r.value("is"), {"is": []}, "is", "must be text, a number, true or false, not a list"),
        (lambda r: r.values("in"), {"in": []}, "in", "must be a list of 1 to 1000 values; there are 0"),
        (lambda r: r.values("in"), {"in": ["a", {}]}, "in",
         "value 2 must be text, a number, true or false, not an object"),
        (lambda r: r.anything("set"), {"set": {"x": [float("inf")]}}, "set",
         "holds a number that is not between -1e+15 and 1e+15"),
        (lambda r: r.child("if"), {}, "if", "is missing"),
        (lambda r: r.child("if"), {"if": [1]}, "if", "must be an object with keys, not a list"),
        (lambda r: r.children("steps"), {"steps": {"a": 1}}, "steps", "must be a list of objects, not an object"),
        (lambda r: r.children("steps"), {"steps": []}, "steps", "must be a list of 1 to 100 objects; there are 0"),
        (lambda r: r.children("steps"), {"steps": [7]}, "steps[0]", "must be an object with keys, not a number"),
        (lambda r: r.expect("at_least"), {"atleast": 1}, "atleast",
         "unknown key 'atleast'; did you mean 'at_least'?"),
        (lambda r: r.expect("id", "name"), {"zzz": 1}, "zzz", "unknown key 'zzz'; known here: id, name"),
        (lambda r: read_head(r, "score"), {"kind": "segment", "id": "a"}, "kind", "must be one of score"),
        (lambda r: None, None, "", "is missing"),
        (lambda r: None, [], "", "must be an object with keys, not a list"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_path_and_a_sentence_that_helps(read, document, path, sentence):
    assert mistakes_of(read, document) == [(path, sentence)]


def test_all_mistakes_of_a_document_are_told_at_once():
    def read(reader):
        reader.id("id")
        for step in reader.children("steps"):
            step.child("wait").duration("for")

    document = {"id": "A", "steps": [{"wait": {"for": 3}}, {"wait": {"for": "P1D", "til": 1}}, {}], "x": 1}
    assert [path for path, _ in mistakes_of(read, document)] == [
        "id", "steps[0].wait.for", "steps[2].wait", "x", "steps[1].wait.til",
    ]  # fmt: skip


def test_an_object_stands_for_a_list_of_one_where_that_is_allowed():
    (only,) = Reader({"trigger": {"event": "X"}}).children("trigger", or_one=True)
    assert (only.path, only.text("event")) == ("trigger", "X")


def test_a_document_without_end_is_refused():
    document: dict = {}
    for _ in range(10_000):
        document = {"not": document}

    def descend(reader):
        while not reader.is_broken:
            reader = reader.child("not")

    assert [sentence for _, sentence in mistakes_of(descend, document)] == ["is nested more than 50 levels deep"]


def test_a_flood_of_mistakes_is_cut_short():
    assert len(mistakes_of(lambda r: None, {str(n): n for n in range(5_000)})) == 100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_can_be_stored_can_be_written_as_json(value):
    reader = Reader({"value": value})
    found = reader.anything("value")
    json.dumps(found, allow_nan=False).encode()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"if": {"attribute": "vip", "is": 1}}, {"if": {"attribute": "vip", "is": True}}, False),
        ({"in": [0, "a"]}, {"in": [False, "a"]}, False),
        ({"points": 5}, {"points": 5.0}, True),
        ({"a": 1, "b": [{"c": None}]}, {"b": [{"c": None}], "a": 1}, True),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ([1, 2], [2, 1], False),
        ([1], [1, 2], False),
        ({}, [], False),
    ],
)
def test_documents_that_differ_in_what_conditions_tell_apart_do_not_say_the_same(one, other, same):
    assert says_the_same(one, other) is same
    assert says_the_same(other, one) is same
