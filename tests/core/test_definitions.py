"""Kinds of definitions, what they may refer to, and publishing them together."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.documents import load_definitions
from postroad.book import MOST_HELD, parse_manifest
from postroad.definitions import (
    KINDS,
    PATIENCE,
    check_definition,
    get_kind,
    known_in,
)
from postroad.errors import DefinitionError
from postroad.instants import DAY
from tests.books import FOOTER, Shelf, by_key

DEMO = load_definitions()
POLICY = {
    "kind": "policy",
    "id": "policy",
    "postal_address": "1 High Street",
    "topics": [{"id": "offers", "opt_in": False}],
}
TEMPLATE = {
    "kind": "template",
    "id": "hi",
    "channel": "email",
    "topic": "offers",
    "subject": "Hi",
    "html": "<p>Hi</p>" + FOOTER,
}
SEGMENT = {"kind": "segment", "id": "vip", "if": {"attribute": "plan", "is": "vip"}}
SCORE = {"kind": "score", "id": "warmth", "rules": [{"id": "page", "event": "Page Viewed", "points": 1}]}
GRADE = {
    "kind": "grade",
    "id": "fit",
    "rules": [{"id": "size", "if": {"attribute": "company_size", "gte": 20}, "points": 50}],
    "bounds": {"A": 50},
}
BANDED = {**SCORE, "id": "heat", "bands": [{"id": "hot", "from": 9}, {"id": "cold"}]}
MATRIX = {"kind": "matrix", "id": "cells", "score": "heat", "grade": "fit", "cells": [{"id": "best", "in": "A1"}]}
PERSONA = {"kind": "persona", "id": "chef", "rules": [{"id": "role", "if": {"attribute": "role", "is": "chef"}}]}
HANDOVER = {"kind": "handover", "id": "handover", "if": {"matrix": "cells", "is": "best"}, "owners": ["ana"]}
STAGES = {"kind": "stages", "id": "life", "stages": [{"id": "lead", "if": {"attribute": "email", "exists": True}}]}
JOURNEY = {
    "kind": "journey",
    "id": "welcome",
    "trigger": {"event": "Signed Up"},
    "steps": [{"id": "hello", "send": {"template": "hi", "channel": "email"}}],
}
FORM = {"kind": "form", "id": "contact", "fields": [{"id": "email", "type": "email", "required": True}]}
BLOCK = {"kind": "block", "id": "hours", "blocks": [{"text": {"text": "Open from 8 to 6"}}]}
ALL = (POLICY, BLOCK, TEMPLATE, SEGMENT, SCORE, BANDED, GRADE, MATRIX, STAGES, PERSONA, HANDOVER, JOURNEY, FORM)
BROADCAST = {"kind": "broadcast", "id": "letter", "segment": "vip", "template": "hi"}


def mistakes(shelf: Shelf, *documents: Any) -> dict[str, str]:
    with pytest.raises(DefinitionError) as caught:
        shelf.publish(*documents)
    return dict(caught.value.mistakes)


# --- kinds


def test_every_kind_has_a_row_here_and_in_the_demo():
    assert set(KINDS) == {document["kind"] for document in (*ALL, BROADCAST)}
    assert {kind for kind in KINDS if not KINDS[kind].unpublished} == {key.partition("/")[0] for key in DEMO}


@pytest.mark.parametrize("document", [*ALL, BROADCAST], ids=lambda document: document["kind"])
def test_a_definition_is_read_and_says_what_it_does(document):
    kind = get_kind(document["kind"])
    parsed = check_definition(document, known_in(Shelf().book, by_key(*ALL)))
    assert parsed.id == document["id"] if hasattr(parsed, "id") else parsed.name
    assert all(isinstance(line, str) and line for line in map(str, kind.describe(parsed)))


@pytest.mark.parametrize("document", ALL, ids=lambda document: document["kind"])
@pytest.mark.parametrize("changes", [{"id": "Not an id"}, {"id": None}, {"unheard_of": 1}])
def test_every_kind_refuses_bad_ids_and_strange_keys_with_their_path(document, changes):
    with pytest.raises(DefinitionError) as caught:
        check_definition({**document, **changes}, known_in(Shelf().book, by_key(*ALL)))
    assert next(iter(changes)) in [path for path, _ in caught.value.mistakes]


@pytest.mark.parametrize("kind", ["", "sausage", "Segment", "segment ", "x" * 5_000])
def test_an_unknown_kind_is_told_which_there_are(kind):
    with pytest.raises(DefinitionError, match="segment") as caught:
        get_kind(kind)
    assert len(str(caught.value)) < 300


leaves = st.none() | st.booleans() | st.integers(-2, 2) | st.text(max_size=5) | st.sampled_from(["email", "P1D", "vip"])
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["if", "id", "event", "send", "wait", "then", "is", "attribute", "html"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(document=st.sampled_from(ALL), data=st.data())
def test_whatever_stands_in_a_document_the_only_answer_is_its_mistakes(document, data):
    key = data.draw(st.sampled_from(sorted(document)))
    broken = (
        {**document, key: data.draw(values)} if key != "kind" else {k: document[k] for k in document if k != "kind"}
    )
    known = known_in(Shelf().book, by_key(*ALL))
    found: tuple[tuple[str, str], ...] = ()
    try:
        check_definition(broken, known)
    except DefinitionError as error:
        found = error.mistakes
    assert all(sentence for _, sentence in found)
    if key == "kind":
        assert found


# --- references


def capped(score: str, **bands: int) -> dict[str, Any]:
    return {"per": "P7D", "at_most": 3, "score": score, "bands": bands}


@pytest.mark.parametrize(
    ("document", "path", "says"),
    [
        ({**TEMPLATE, "topic": "nobody"}, "topic", "no topic 'nobody'"),
        ({**SEGMENT, "if": {"segment": "nobody"}}, "", "segment called 'nobody'"),
        ({**SEGMENT, "if": {"score": "nobody", "gte": 5}}, "", "score called 'nobody'"),
        ({**SEGMENT, "if": {"persona": ["nobody"]}}, "", "persona called 'nobody'"),
        ({**SEGMENT, "if": {"stage": "nobody", "is": False}}, "", "stage called 'nobody'"),
        ({**JOURNEY, "exit_if": {"persona": "nobody"}}, "exit_if", "no persona 'nobody'"),
        ({**JOURNEY, "exit_if": {"all": [{"stage": "nobody"}]}}, "exit_if", "no stage 'nobody'"),
        ({**JOURNEY, "exit_if": {"grade": "nobody", "is": "A"}}, "exit_if", "no grade 'nobody'"),
        ({**STAGES, "stages": [{"id": "x", "if": {"segment": "nobody"}}]}, "", "segment called 'nobody'"),
        ({**SCORE, "rules": [{"id": "x", "if": {"segment": "nobody"}, "points": 1}]}, "", "segment called 'nobody'"),
        (
            {**JOURNEY, "steps": [{"id": "x", "send": {"template": "no", "channel": "email"}}]},
            "steps[0].send.template",
            "no",
        ),
        ({**JOURNEY, "steps": [{"id": "x", "send": {"template": "hi", "channel": "sms"}}]}, None, "email"),
        ({**POLICY, "from": "Shop <nobody>"}, "from", "not one that mail can be sent to"),
        ({**POLICY, "caps": [capped("nobody", hot=5)]}, "caps[0].score", "score called 'nobody'"),
        ({**POLICY, "caps": [capped("heat", hot=5), capped("heat", warm=2)]}, "caps[1].bands", "no band 'warm'"),
    ],
)
def test_a_reference_to_nothing_is_refused_with_its_path(document, path, says):
    found = mistakes(Shelf(*ALL), document)
    if path is not None:
        assert list(found) == [path]
    assert says in " ".join(found.values())


PUSHED = {**POLICY, "apps": [{"id": "ios", "application": "arn:aws:sns:eu-west-1:123456789012:app/APNS/shop"}]}


@pytest.mark.parametrize(
    ("channel", "parts", "path", "says"),
    [
        ("push", {"url": "javascript:alert(1)"}, "url", "no address of a page"),
        ("push", {"url": "cart"}, "url", "no address of a page"),
        ("push", {"image": "http://shop.example/1.png"}, "image", "no https address"),
        ("push", {"data": ["a"]}, "data", "is no object"),
        ("push", {"data": {"from": "{{ contact.first_name }}"}}, "data", "'from', which Google keeps"),
        ("push", {"data": {"google.sent": 1}}, "data", "'google.sent', which Google keeps"),
        ("push", {"data": {"gcm.n": 1}}, "data", "'gcm.n', which Google keeps"),
        ("push", {"text": "ж" * 2_000}, "text", "more than 4,096"),
        ("push", {"data": {"note": "x" * 4_000, "name": "{{ contact.first_name }}"}}, "data", "more than 4,096"),
        ("web", {"url": "tidewater://cart"}, "url", "no http or https address"),
        ("web", {"title": "x" * 2_001}, "title", "more than 2,000 characters"),
        ("web", {"languages": {"fr": {"text": "Bonjour", "url": "/cart"}}}, "languages.fr.url", "no http or https"),
        ("sms", {"text": "é" * 1_600}, "text", "takes 11 parts, more than 10"),
        ("email", {"subject": "x" * 501, "html": FOOTER}, "subject", "not be longer than 500"),
        ("email", {"subject": "Hi", "html": FOOTER, "from": "nobody"}, "from", "not one that mail"),
        ("webhook", {"to": "crm", "body": {"note": "x" * 70_000}}, "body", "65,536 are allowed"),
    ],
)
def test_what_would_fail_for_everybody_is_refused_with_its_path(channel, parts, path, says):
    usual = {"push": {"title": "Hi", "text": "Hi"}, "web": {"text": "Hi"}}.get(channel, {})
    document = {"kind": "template", "id": "t", "channel": channel, "topic": "offers", **usual, **parts}
    policy = {**PUSHED, "webhooks": [{"id": "crm", "url": "https://crm.example/"}]}
    found = mistakes(Shelf(policy), document)
    assert list(found) == [path]
    assert says in found[path]


def test_what_may_hold_for_somebody_is_published():
    data = {"cart": "{{ event.cart }}", "from_us": 1, "googled": 2}
    parts = {"title": "Hi", "text": "{{ event.text }}", "url": "{{ event.url }}", "image": "", "data": data}
    push = {"kind": "template", "id": "t", "channel": "push", "topic": "offers", **parts}
    del push["image"]
    assert Shelf(PUSHED, push).manifest.revision == 1


def test_what_is_published_together_may_refer_to_one_another_in_any_order():
    assert Shelf().publish(*reversed(ALL)).manifest.revision == 1


@pytest.mark.parametrize(
    "asked", [{"stage": "lead"}, {"persona": ["chef"]}, {"segment": "vip"}, {"grade": "fit", "is": "A"}]
)
def test_a_reference_to_what_is_there_is_taken(asked):
    shelf = Shelf(*ALL)
    assert shelf.publish({**SEGMENT, "id": "they", "if": asked}, {**JOURNEY, "exit_if": asked}).manifest.revision == 2


def test_what_refers_to_a_broken_one_is_not_blamed_for_it():
    found = mistakes(Shelf(), {**POLICY, "topics": [{"id": "offers"}]}, {**SEGMENT, "if": 5}, {**TEMPLATE})
    assert {path.partition(":")[0] for path in found} == {"segment/vip"}


def test_what_is_live_may_not_lose_what_it_refers_to():
    shelf = Shelf(*ALL)
    lost_topic = mistakes(shelf, {**POLICY, "topics": [{"id": "other"}]})
    assert list(lost_topic) == ["template/hi: topic"]
    assert "live" in lost_topic["template/hi: topic"]
    other_channel = {"kind": "template", "id": "hi", "channel": "sms", "topic": "offers", "text": "Hi"}
    assert all(path.startswith("journey/welcome: ") for path in mistakes(shelf, other_channel))
    moved = {**JOURNEY, "steps": [{"id": "x", "send": {"template": "hi", "channel": "sms"}}]}
    assert shelf.publish(other_channel, moved).manifest.revision == 2


def test_a_stage_that_was_taken_out_is_known_no_more():
    shelf = Shelf(*ALL)
    others = {**STAGES, "stages": [{"id": "customer", "if": {"attribute": "email", "exists": True}}]}
    assert set(known_in(shelf.book, {}).ids["stage"]) == {"lead"}
    assert set(known_in(shelf.book, by_key(others)).ids["stage"]) == {"customer"}


# --- publishing


def test_a_publication_counts_versions_by_definition_and_revisions_by_publication():
    shelf = Shelf(SEGMENT)
    again = shelf.publish(SEGMENT, SCORE)
    assert set(again.versions) == {("segment", "vip", 2), ("score", "warmth", 1)}
    assert again.manifest.revision == 2
    assert [published.since for published in shelf.manifest.live.values()] == [2, 2]


def test_all_mistakes_of_all_documents_are_told_at_once():
    found = mistakes(Shelf(), {**SEGMENT, "if": 5, "extra": 1}, {**SCORE, "rules": []})
    assert set(found) == {"segment/vip: if", "segment/vip: extra", "score/warmth: rules"}


def test_the_path_of_a_single_document_needs_no_name():
    assert list(mistakes(Shelf(), {**SEGMENT, "if": 5})) == ["if"]


def test_a_refused_publication_leaves_everything_as_it_was():
    shelf = Shelf(*ALL)
    before = shelf.manifest
    mistakes(shelf, SEGMENT, {**SCORE, "rules": []})
    assert shelf.manifest == before


def segment(segment_id: str, condition: Any) -> dict[str, Any]:
    return {"kind": "segment", "id": segment_id, "if": condition}


def test_segments_that_exclude_each_other_are_refused_and_the_circle_is_named():
    odd, even = segment("odd", {"not": {"segment": "even"}}), segment("even", {"not": {"segment": "odd"}})
    says = "it depends on itself, by way of segment/even, segment/odd"
    assert mistakes(Shelf(*ALL), odd, even) == {"segment/odd": says, "segment/even": says}
    shelf = Shelf(*ALL, segment("odd", {"attribute": "plan", "is": "vip"}), even)
    assert mistakes(shelf, odd) == {"segment/odd": says}


def test_a_segment_that_reads_itself_by_way_of_a_score_is_refused():
    by_way = {**SCORE, "rules": [{"id": "own", "if": {"segment": "own"}, "points": 5}]}
    found = mistakes(Shelf(), segment("own", {"score": "warmth", "gte": 1}), by_way)
    assert found == dict.fromkeys(
        ("segment/own", "score/warmth"), "it depends on itself, by way of score/warmth, segment/own"
    )


def test_segments_may_read_one_another_in_a_row():
    first = segment("first", {"segment": "vip"})
    second = segment("second", {"all": [{"segment": "first"}, SEGMENT["if"]]})
    assert Shelf(*ALL).publish(first, second).manifest.revision == 2


def test_the_demo_can_be_published_in_two_parts():
    first = [document for document in DEMO.values() if document["kind"] != "journey"]
    shelf = Shelf(*first)
    shelf.publish(*(document for document in DEMO.values() if document["kind"] == "journey"))
    assert len(shelf.manifest.live) == len(DEMO)


# --- versions of journeys that are held


def paused(days: int) -> dict[str, Any]:
    return {**JOURNEY, "steps": [{"id": "pause", "wait": {"for": f"P{days}D"}}]}


def test_an_older_version_is_held_as_long_as_somebody_can_be_in_it():
    shelf = Shelf(POLICY, TEMPLATE, paused(10), now=0.0)
    shelf.publish(paused(1), now=5 * DAY)
    shelf.publish(SEGMENT, now=5 * DAY + 10 * DAY + PATIENCE)
    assert shelf.book.find_journey("welcome", 1)
    shelf.publish(SEGMENT, now=5 * DAY + 10 * DAY + PATIENCE + 1)
    assert not shelf.book.find_journey("welcome", 1)
    assert shelf.book.find_journey("welcome", 2)
    assert (shelf.manifest.held, dict(shelf.manifest.ends)) == ((), {})


def test_a_version_that_was_held_before_ends_were_known_is_let_go_in_its_time():
    shelf = Shelf(POLICY, TEMPLATE, paused(10))
    shelf.publish(paused(1))
    assert not shelf.manifest.ends
    shelf.publish(SEGMENT, now=DAY)
    assert shelf.manifest.ends == {"journey/welcome@1": DAY + 10 * DAY + PATIENCE}
    shelf.manifest = parse_manifest(json.loads(json.dumps(shelf.manifest.to_document())))
    shelf.publish(SEGMENT, now=12 * DAY + PATIENCE)
    assert not shelf.book.find_journey("welcome", 1)


def test_of_very_many_versions_the_newest_are_held():
    shelf = Shelf(POLICY, TEMPLATE, JOURNEY, {**paused(400), "id": "other"})
    for hour in range(MOST_HELD + 5):
        shelf.publish(paused(400), now=hour * 3_600.0)
    assert [p.version for p in shelf.manifest.held] == list(range(6, MOST_HELD + 6))
    shelf.publish({**paused(1), "id": "other"}, now=MOST_HELD * DAY)
    assert shelf.book.find_journey("other", 1)
    assert len(shelf.manifest.held) == MOST_HELD + 1


# --- withdrawing


def test_nobody_enters_a_withdrawn_journey_and_who_is_under_way_goes_on():
    shelf = Shelf(*ALL)
    shelf.withdraw("journey/welcome")
    assert not shelf.book.journeys
    assert not shelf.book.journeys_by_event
    assert shelf.book.find_journey("welcome", 1)


def test_what_is_published_again_gets_the_next_version():
    shelf = Shelf(*ALL)
    shelf.withdraw("journey/welcome")
    shelf.publish(JOURNEY)
    assert shelf.manifest.live["journey/welcome"].version == 2
    assert not shelf.manifest.withdrawn


def test_what_something_refers_to_is_not_withdrawn():
    shelf = Shelf(*ALL)
    with pytest.raises(DefinitionError) as caught:
        shelf.withdraw("template/hi")
    assert caught.value.mistakes[0][0] == "journey/welcome"
    shelf.withdraw("journey/welcome")
    with pytest.raises(DefinitionError) as caught:  # those under way still need it
        shelf.withdraw("template/hi")
    assert caught.value.mistakes[0][0] == "journey/welcome@1"


def test_what_is_not_live_is_not_withdrawn():
    with pytest.raises(DefinitionError, match="not live"):
        Shelf().withdraw("segment/vip")
