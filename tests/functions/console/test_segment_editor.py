"""A segment as a form: what is typed is what it means, and comes back as it was typed."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.console.segment_form import (
    CONDITIONS,
    MOST_ROWS,
    Form,
    Row,
    add_row,
    form_of_document,
    form_of_fields,
    read_form,
    remove_row,
)
from postroad.errors import DefinitionError
from postroad.predicates.predicate import parse_predicate
from postroad.segments import parse_segment
from postroad_aws import books, clock, runs
from postroad_aws.storage import definitions
from postroad_aws.usecases.publish_definitions import publish_definitions

# Of each kind of condition its fields, and what they mean.
MEANT = {
    "attribute": [
        ({"what": "country", "how": "is", "value": "FR"}, {"attribute": "country", "is": "FR"}),
        ({"what": "size", "how": "gte", "value": "20"}, {"attribute": "size", "gte": 20}),
        ({"what": "zip", "how": "is", "value": "01234"}, {"attribute": "zip", "is": "01234"}),
        ({"what": "vip", "how": "is_not", "value": "true"}, {"attribute": "vip", "is_not": True}),
        ({"what": "phone", "how": "known", "value": ""}, {"attribute": "phone", "exists": True}),
        ({"what": "phone", "how": "unknown", "value": ""}, {"attribute": "phone", "exists": False}),
    ],
    "did": [
        ({"what": "Order Completed", "times": "1", "days": ""}, {"event": "Order Completed"}),
        (
            {"what": "Order Completed", "times": "3", "days": "30"},
            {"event": "Order Completed", "at_least": 3, "within": "P30D"},
        ),
    ],
    "did_not": [({"what": "Page Viewed", "days": "9"}, {"event": "Page Viewed", "never": True, "within": "P9D"})],
    "message": [
        ({"how": "opened", "what": "", "days": "30"}, {"message": "opened", "within": "P30D"}),
        (
            {"how": "never_clicked", "what": "welcome", "days": ""},
            {"message": "clicked", "template": "welcome", "never": True},
        ),
    ],
    "place": [
        (
            {"what": "home", "km": "25", "lat": "38.72", "lng": "-9.14"},
            {"attribute": "home", "near": {"lat": 38.72, "lng": -9.14, "km": 25}},
        ),
    ],
    "score": [({"what": "engagement", "how": "gte", "value": "40"}, {"score": "engagement", "gte": 40})],
    "stage": [({"how": "yes", "what": "lead"}, {"stage": "lead"})],
    "persona": [({"how": "no", "what": "home-brewer"}, {"persona": "home-brewer", "is": False})],
    "segment": [({"how": "no", "what": "customers"}, {"segment": "customers", "is": False})],
    "consent": [({"how": "yes", "what": "offers"}, {"consent": "offers"})],
}
TYPED = [(kind, fields, meant) for kind, pairs in MEANT.items() for fields, meant in pairs]


def typed(*rows, **parts):
    """The fields as a browser sends them."""
    fields = {"name": "Quiet", "match": "all", "edit": "0", "then": "save", **parts}
    for number, (kind, said) in enumerate(rows):
        fields |= {f"row{number}.kind": kind, **{f"row{number}.{key}": value for key, value in said.items()}}
    return fields


def test_every_kind_of_condition_is_tried_here():
    assert MEANT.keys() == CONDITIONS.keys()


@pytest.mark.parametrize(("kind", "fields", "meant"), TYPED)
def test_what_is_typed_is_what_it_means_and_comes_back(account, kind, fields, meant):
    form = form_of_fields(typed((kind, fields)))
    document, problems = read_form(form, "quiet", books.newest())
    assert not problems
    assert document["if"] == {"all": [meant]}
    assert parse_segment(document).describe()
    assert form_of_document(document, 0) == form
    # What a developer wrote without "all" is the same.
    assert form_of_document({**document, "if": meant}, 0) == form


WORDS = ("all", "any", "not", "event", "attribute", "is", "gte", "within", "score", "stage", "message")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3),
        max_leaves=8,
    )
)
def test_no_document_is_taken_for_another_one(condition):
    form = form_of_document({"name": "X", "if": condition}, 3)
    with suppress(DefinitionError):  # neither is a predicate
        if form is None:
            return
        match = "any" if isinstance(condition, dict) and condition.keys() == {"any"} else "all"
        written = {match: [CONDITIONS[row.kind].write(row.fields) for row in form.rows]}
        said = condition if condition.keys() == {match} else {match: [condition]}
        # In other words perhaps, but the same.
        assert parse_predicate(written).describe() == parse_predicate(said).describe()


@pytest.mark.parametrize(
    "condition",
    [
        {"not": {"event": "Order Completed"}},
        {"all": [{"any": [{"stage": "lead"}]}]},
        {"event": "Order Completed", "where": {"property": "total", "gte": 5}},
        {"attribute": "born", "is_in_days": 3},
        {"stage": ["lead", "customer"]},
        {"all": [{"stage": "lead"}] * (MOST_ROWS + 1)},
    ],
)
def test_what_says_more_than_the_form_can_is_none(condition):
    assert form_of_document({"if": condition}, 0) is None


@pytest.mark.parametrize(
    ("condition", "row"),
    [
        ({"event": "X", "at_least": 1, "within": "P3D"}, Row("did", {"what": "X", "times": "1", "days": "3"})),
        ({"not": {"segment": "customers"}}, Row("segment", {"what": "customers", "how": "no"})),
        ({"stage": "lead", "is": True}, Row("stage", {"what": "lead", "how": "yes"})),
        ({"attribute": "vip", "is": True}, Row("attribute", {"what": "vip", "how": "is", "value": "true"})),
        ({"attribute": "children", "is": 1}, Row("attribute", {"what": "children", "how": "is", "value": "1"})),
    ],
)
def test_what_a_developer_wrote_in_other_words_is_the_same_form(condition, row):
    form = form_of_document({"if": condition}, 0)
    assert form is not None
    assert form.rows == (row,)


def test_rows_come_and_go():
    form = add_row(Form(), "did")
    assert form.rows == (Row("did", {}),)
    assert add_row(form, "nonsense") == form
    assert remove_row(form, 0).rows == ()
    assert remove_row(form, 7) == form
    full = Form(rows=(Row("did", {}),) * MOST_ROWS)
    assert add_row(full, "did") == full


LEAD = ("stage", {"how": "yes", "what": "lead"})


def test_a_marketer_makes_a_segment_counts_it_and_saves_it_as_a_draft(account, browser):
    account.fold(account.event("Signed Up", "user:ana", attributes={"email": "ana@example.com"}))
    account.fold(account.event("Page Viewed", "anon:b"))
    begun = browser.get("/console/segments/_new").text
    assert "Something that they did" in begun
    more = browser.post("/console/segments", typed(LEAD, then="add", add="score"))
    assert "Their stage" in more.text
    assert "Their score</legend>" in more.text
    fewer = browser.post("/console/segments", typed(LEAD, LEAD, then="remove.1"))
    assert fewer.text.count("Their stage</legend>") == 1
    counted = browser.post("/console/segments", typed(LEAD, then="count", name=""))
    assert counted.status == 200
    assert re.search(r'stat-figure">1</div>', counted.text)
    assert definitions.find_draft("segment", "quiet") is None
    saved = browser.post("/console/segments", typed(LEAD))
    assert (saved.status, saved.headers["location"]) == (303, "/console/segments/quiet?version=draft")
    assert definitions.get_draft("segment", "quiet").document == {
        "kind": "segment",
        "id": "quiet",
        "name": "Quiet",
        "if": {"all": [{"stage": "lead"}]},
    }
    assert "Is at stage lead." in browser.get("/console/segments/quiet").text
    again = browser.post("/console/segments", typed(LEAD))
    assert again.headers["location"] == "/console/segments/quiet-2?version=draft"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (typed(LEAD, name=""), "Give it a name"),
        (typed(), "Add at least one condition."),
        (typed(("did", {"what": "", "times": "1"})), "Name an event, such as Order Completed."),
        (typed(("did", {"what": "X", "times": "often"})), "How often must be a number."),
        (typed(("did", {"what": "X", "times": "1", "days": "-3"})), "How many days must be a whole number."),
        (typed(("did", {"what": "X", "times": "0"})), "must be"),
        (typed(("attribute", {"what": "a..b", "how": "is", "value": "1"})), "must be a name"),
        (typed(("attribute", {"what": "a", "how": "gte", "value": "much"})), "must be a number."),
        (typed(("attribute", {"what": "a", "how": "like", "value": "b"})), "Choose one of the words."),
        (typed(("stage", {"how": "yes", "what": ""})), "Choose a stage."),
        (typed(("segment", {"how": "yes", "what": "nobody"})), "there is no published segment"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(account, browser, fields, sentence):
    answer = browser.post("/console/segments", fields)
    assert (answer.status, sentence in answer.text) == (422, True)
    assert definitions.find_draft("segment", "quiet") is None


def test_what_is_live_is_changed_as_a_draft(account, browser):
    document = {"kind": "segment", "id": "french", "name": "French", "if": {"attribute": "country", "is": "FR"}}
    publish_definitions(definitions, runs, clock, {"segment/french": document})
    assert "/console/segments/french/edit" in browser.get("/console/segments/french").text
    assert 'value="FR"' in browser.get("/console/segments/french/edit").text
    fields = typed(("attribute", {"what": "country", "how": "is", "value": "BE"}), name="Belgians")
    assert browser.post("/console/segments/french", fields).status == 303
    late = browser.post("/console/segments/french", {**fields, "name": "Late"})
    assert late.status == 409
    assert "Somebody else has saved this segment since you opened it" in late.text
    assert "Theirs says: country is BE." in late.text
    edit = re.search(r'name="edit" value="(\d+)"', late.text)[1]
    assert browser.post("/console/segments/french", {**fields, "name": "Late", "edit": edit}).status == 303
    assert definitions.get_draft("segment", "french").document["name"] == "Late"


def test_what_only_a_developer_can_say_is_not_changed_here(account, browser):
    assert "/edit" not in browser.get("/console/segments/offices").text
    answer = browser.get("/console/segments/offices/edit")
    assert (answer.status, "says more than the form can" in answer.text) == (400, True)
    assert browser.post("/console/segments/offices", typed(LEAD)).status == 400
    assert browser.get("/console/segments/nobody/edit").status == 404


def test_markup_in_a_form_is_text(account, browser):
    hostile = "<script>alert(1)</script>"
    row = ("attribute", {"what": hostile, "how": "is", "value": hostile})
    answer = browser.post("/console/segments", typed(row, name=hostile, description=hostile, then="add", add="did"))
    assert hostile not in answer.text


def test_a_viewer_makes_no_segments(account, browser):
    viewer = browser.as_role("viewer")
    assert "New segment" not in viewer.get("/console/segments").text
    assert viewer.get("/console/segments/_new").status == 403
    assert viewer.post("/console/segments", typed(LEAD)).status == 403
