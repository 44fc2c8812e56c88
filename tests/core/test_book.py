"""The book: what is live, indexed by what it reads, and what a newer one owes to contacts that an older one folded."""

import json
from typing import Any

import pytest

from postroad.book import Manifest, Published, TemplateRef, compile_book, next_manifest, parse_manifest
from postroad.events import Event
from postroad.predicates.behaviour import Tracker
from tests.books import FOOTER, Shelf

POLICY = {
    "kind": "policy",
    "id": "policy",
    "postal_address": "1 High Street",
    "timezone": "Europe/Lisbon",
    "topics": [{"id": "offers", "opt_in": False}],
}
BUYERS = {"kind": "segment", "id": "buyers", "if": {"event": "Order Completed", "at_least": 1, "within": "P30D"}}
VIP = {"kind": "segment", "id": "vip", "if": {"attribute": "plan", "is": "vip"}}
HOT = {"kind": "segment", "id": "hot", "if": {"all": [{"score": "warmth", "gte": 5}, {"not": {"segment": "buyers"}}]}}
WARMTH = {"kind": "score", "id": "warmth", "rules": [{"id": "page", "event": "Page Viewed", "points": 1}]}
LIFE = {"kind": "stages", "id": "life", "stages": [{"id": "customer", "if": {"segment": "buyers"}}]}
WELCOME = {
    "kind": "journey",
    "id": "welcome",
    "trigger": {"event": "Signed Up"},
    "steps": [{"id": "day", "wait": {"for": "P1D"}}],
}


def window(days: int, count: int = 1) -> dict[str, Any]:
    return {**BUYERS, "if": {"event": "Order Completed", "at_least": count, "within": f"P{days}D"}}


def test_with_nothing_live_there_is_an_empty_book():
    book = compile_book(Manifest(), {})
    assert (book.revision, dict(book.segments), book.policy.timezone, book.reading(["stage"])) == (0, {}, "UTC", {})


def test_a_definition_is_asked_only_about_what_it_reads():
    book = Shelf().after(POLICY, BUYERS, VIP, HOT, WARMTH, LIFE, WELCOME)
    assert list(book.reading(["attribute:plan"])) == ["segment/vip"]
    assert set(book.reading(["segment:buyers"])) == {"segment/hot", "stages/life"}
    assert list(book.reading(["score:warmth"])) == ["segment/hot"]
    assert book.reading(["attribute:other", "stage"]) == {}
    (tracker,) = book.trackers_by_event["order completed"]
    assert set(book.reading([f"tracker:{tracker.tracker_id}"])) == {"segment/buyers"}
    assert set(book.scores_by_event) == {"page viewed"}
    assert set(book.journeys_by_event) == {"signed up"}
    assert (book.policy.timezone, book.assumed) == ("Europe/Lisbon", {"offers"})


def test_definitions_that_watch_the_same_share_one_tracker_as_wide_as_any_needs():
    wide = {**BUYERS, "id": "regulars", "if": {"event": "order completed", "at_least": 3, "within": "P90D"}}
    book = Shelf().after(BUYERS, wide)
    (tracker,) = book.trackers.values()
    assert tracker.window == 90 * 86_400
    assert tracker.keep >= 3


def test_what_is_live_since_an_older_book_is_no_news():
    shelf = Shelf()
    shelf.after(VIP, WARMTH)
    book = shelf.after(BUYERS)
    assert [tracker.events for tracker in book.trackers_since(1)] == [("order completed",)]
    assert book.trackers_since(2) == []
    assert [sheet.id for sheet in book.scores_since(0)] == ["warmth"]
    assert book.scores_since(1) == []


@pytest.mark.parametrize(
    ("first", "second", "again"),
    [
        (window(30), window(30), False),
        (window(30), window(7), False),
        (window(30), window(31), True),
        (window(30, 1), window(30, 5), True),
        (window(30, 5), window(30, 1), False),
    ],
)
def test_a_tracker_is_recomputed_only_when_it_has_to_remember_more(first, second, again):
    shelf = Shelf()
    shelf.after(first)
    book = shelf.after(second)
    assert bool(book.trackers_since(1)) is again


def test_a_tracker_that_was_narrowed_has_forgotten_and_is_recomputed_when_widened():
    shelf = Shelf()
    shelf.after(window(30))
    shelf.after(window(7))
    assert shelf.after(window(30)).trackers_since(2)


def test_an_older_version_of_a_journey_stays_for_those_in_it():
    shelf = Shelf()
    shelf.after(WELCOME)
    book = shelf.after({**WELCOME, "steps": [{"id": "week", "wait": {"for": "P7D"}}]})
    assert book.journeys["welcome"].version == 2
    found = [book.find_journey("welcome", version) for version in (1, 2, 3)]
    assert [journey and journey.version for journey in found] == [1, 2, None]
    assert [p.key for p in book.manifest.held] == ["journey/welcome"]
    assert [journey.version for journey in book.journeys_by_event["signed up"]] == [2]


def test_a_template_is_known_by_its_latest_version():
    shelf = Shelf()
    template = {
        "kind": "template",
        "id": "hi",
        "channel": "email",
        "topic": "offers",
        "subject": "Hi",
        "html": "<p>Hi</p>" + FOOTER,
    }
    shelf.after(POLICY, template)
    ref = shelf.after({**template, "subject": "Ho"}).templates["hi"]
    assert (ref.version, ref.channel, ref.topic) == (2, "email", "offers")


def test_a_manifest_is_the_same_after_being_stored():
    shelf = Shelf()
    shelf.after(POLICY, BUYERS, VIP, HOT, WARMTH, LIFE, WELCOME)
    shelf.after(WELCOME, BUYERS)
    assert parse_manifest(json.loads(json.dumps(shelf.manifest.to_document()))) == shelf.manifest


def test_a_manifest_follows_the_one_before():
    first = next_manifest(Manifest(), [Published("segment", "vip", 1, 0)], {})
    assert (first.revision, first.live["segment/vip"].since) == (1, 1)
    second = next_manifest(first, [Published("segment", "vip", 2, 0)], {})
    assert (second.live["segment/vip"].version, second.live["segment/vip"].since, second.held) == (2, 2, ())


def test_a_book_whose_documents_are_missing_is_not_compiled():
    with pytest.raises(KeyError):
        compile_book(Manifest(1, {"segment/vip": Published("segment", "vip", 1, 1)}), {})


def test_memories_of_what_is_no_longer_live_survive_a_merge():
    book = compile_book(Manifest(), {})
    assert book.merge_memory("gone", [1], [2], 0.0) == [1]
    assert book.merge_scores("gone", {"a": 1}, {"b": 2}) == {"a": 1}  # type: ignore[dict-item]
    assert book.enters_once("gone")


def test_a_tracker_of_the_book_remembers():
    (tracker,) = Shelf().after(BUYERS).trackers.values()
    assert isinstance(tracker, Tracker)
    assert tracker.update(None, Event("e", "x", 5.0, 5.0), 5.0)


def test_a_book_knows_channel_and_topic_of_a_template_without_its_text():
    shelf = Shelf()
    hello = {"kind": "template", "id": "hello", "channel": "sms", "topic": "offers", "text": "Hello"}
    shelf.after(POLICY, hello)
    assert shelf.manifest.loaded == [("policy", "policy", 1)]
    manifest = parse_manifest(json.loads(json.dumps(shelf.manifest.to_document())))
    documents = {key: shelf.documents[key] for key in manifest.loaded}
    assert compile_book(manifest, documents).templates == {"hello": TemplateRef("hello", 1, "sms", "offers")}
