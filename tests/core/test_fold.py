"""The fold: what an event makes of a contact."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad import events as names
from postroad.book import Book
from postroad.contacts.codec import decode_contact, encode_contact
from postroad.contacts.contact import MAX_ATTRIBUTES, MAX_UNCONFIRMED, Attribute, Contact, Enrollment
from postroad.events import Event
from postroad.fold import BACKOFF, Outcome, begin, fold, needs_history, postpone
from postroad.fold.folding import MAX_MESSAGES
from postroad.journeys.interpreter import MOST_EFFECTS
from postroad.predicates.predicate import Verdict, View
from tests.books import FOOTER, Shelf

NOW = 1_793_610_000.0
MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


def _segment(segment_id: str, predicate: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": "segment", "id": segment_id, "name": segment_id, "if": predicate}


def _template(template_id: str, topic: str) -> dict[str, Any]:
    return {
        "kind": "template",
        "id": template_id,
        "channel": "email",
        "topic": topic,
        "subject": "Hi",
        "html": "<p>Hi</p>" + FOOTER,
    }


def _send(step_id: str, template: str = "hello") -> dict[str, Any]:
    return {"id": step_id, "send": {"template": template, "channel": "email"}}


POLICY = {
    "kind": "policy",
    "id": "policy",
    "postal_address": "1 High Street",
    "topics": [{"id": "news", "opt_in": False}, {"id": "offers", "name": "Offers", "opt_in": True}],
}
SCORE = {
    "kind": "score",
    "id": "engagement",
    "half_life": "P2D",
    "rules": [
        {"id": "page", "event": "Page Viewed", "points": 5},
        {"id": "order", "event": "Order Completed", "points": 20},
    ],
}
STAGES = {
    "kind": "stages",
    "id": "lifecycle",
    "stages": [
        {"id": "lead", "if": {"event": "Signed Up", "at_least": 1}},
        {"id": "customer", "if": {"event": "Order Completed", "at_least": 1}},
    ],
}
SEGMENTS = (
    _segment("active", {"event": "Page Viewed", "at_least": 2, "within": "P1D"}),
    _segment("engaged", {"score": "engagement", "gte": 18}),
    _segment("pro", {"attribute": "plan", "is": "pro"}),
    _segment("fans", {"all": [{"segment": "active"}, {"stage": "customer"}]}),
    _segment("quiet", {"event": "Page Viewed", "never": True, "within": "P1D"}),
    _segment("unplanned", {"attribute": "plan", "exists": False}),
)
WELCOME = {
    "kind": "journey",
    "id": "welcome",
    "trigger": {"event": "Signed Up"},
    "goal": {"event": "Order Completed"},
    "steps": [
        _send("hello"),
        {
            "id": "look",
            "wait": {"opened": "hello", "timeout": "P1D", "then": [_send("thanks")], "else": [_send("nudge")]},
        },
        {"id": "mark", "update": {"set": {"welcomed": True}}},
        {"id": "rest", "wait": {"for": "PT1H"}},
    ],
}
ACTIVE_JOURNEY = {
    "kind": "journey",
    "id": "active-people",
    "trigger": {"segment": "active"},
    "steps": [_send("offer", "offer"), {"id": "rest", "wait": {"for": "P1D"}}],
}
DOCUMENTS = (
    POLICY,
    SCORE,
    STAGES,
    *SEGMENTS,
    _template("hello", "news"),
    _template("offer", "offers"),
    WELCOME,
    ACTIVE_JOURNEY,
)


BOOK = Shelf(*DOCUMENTS).book


class Ana:
    """A contact, and all that folding made of her."""

    def __init__(self, book: Book = BOOK, *, email: bool = True) -> None:
        self.book = book
        self.now = NOW
        self.contact = begin("ana", book, NOW)
        if email:
            self.contact.identities["email:ana@example.com"] = NOW
        self.events: list[Event] = []
        self.last = Outcome(self.contact)

    def does(self, name: str, *, ago: float = 0.0, **parts: Any) -> Outcome:
        time = self.now - ago
        event = Event(f"e-{len(self.events) + 1}", name, time, time, **{"trusted": True, **parts})
        self.events.append(event)
        return self.fold(event)

    def fold(self, event: Event, **options: Any) -> Outcome:
        self.last = fold(self.contact, event, self.book, self.now, **options)
        self.contact = replace(self.last.contact, version=self.last.contact.version + 1)
        return self.last

    def wakes(self, at: float | None = None) -> Outcome:
        self.now = max(self.now, at if at is not None else self.contact.wake_at or self.now)
        return self.fold(Event(f"wake-{self.now}", names.WAKE, self.now, self.now, contact_id="ana", trusted=True))

    @property
    def verdicts(self) -> list[tuple[str, str, str]]:
        return [(d.definition, d.step, d.verdict) for d in self.last.decisions]


# Facts


def test_the_contact_that_is_folded_is_not_changed() -> None:
    ana = Ana()
    before = ana.contact.copy()
    ana.does("Page Viewed", attributes={"plan": "pro"})
    assert before == Contact("ana", created_at=NOW, revision=1, identities={"email:ana@example.com": NOW})
    assert ana.contact.events_folded == 1
    assert ana.contact.last_seen == NOW


def test_folding_the_same_again_gives_the_same() -> None:
    contact = Ana().contact
    event = Event("e-1", "Signed Up", NOW, NOW, trusted=True, attributes={"plan": "pro"})
    assert fold(contact, event, BOOK, NOW) == fold(contact, event, BOOK, NOW)


@pytest.mark.parametrize(
    ("first", "second", "stays"),
    [
        ({"ago": 60.0}, {}, "second"),
        ({}, {"ago": 60.0}, "first"),
        ({"trusted": True, "ago": 60.0}, {"trusted": False}, "first"),
        ({"trusted": False}, {"trusted": True, "ago": 60.0}, "second"),
    ],
)
def test_a_confirmed_word_outranks_an_unconfirmed_one_then_the_later_wins(
    first: dict[str, Any], second: dict[str, Any], stays: str
) -> None:
    ana = Ana()
    ana.does(names.IDENTIFIED, attributes={"city": "first"}, **first)
    ana.does(names.IDENTIFIED, attributes={"city": "second"}, **second)
    assert ana.contact.find_value("city") == stays


def test_null_takes_an_attribute_away() -> None:
    ana = Ana()
    ana.does(names.IDENTIFIED, attributes={"plan": "pro"})
    assert "pro" in ana.contact.segments
    ana.does(names.IDENTIFIED, attributes={"plan": None})
    assert ana.contact.find_value("plan") is None
    assert "pro" not in ana.contact.segments


def test_too_many_attributes_and_too_large_ones_are_not_kept_and_that_is_said() -> None:
    ana = Ana()
    ana.does(names.IDENTIFIED, attributes={f"a{number}": number for number in range(MAX_ATTRIBUTES + 5)})
    assert len(ana.contact.attributes) == MAX_ATTRIBUTES
    assert ("contact", f"a{MAX_ATTRIBUTES}", "not kept") in ana.verdicts
    ana = Ana()
    ana.does(names.IDENTIFIED, attributes={"bio": "x" * 100_000, "plan": "pro"})
    assert "bio" not in ana.contact.attributes
    assert ana.contact.find_value("plan") == "pro"


def test_what_a_public_source_says_does_not_lock_out_what_a_server_says() -> None:
    ana = Ana()
    ana.does(names.IDENTIFIED, trusted=False, attributes={f"junk{number}": number for number in range(200)})
    assert len(ana.contact.attributes) == MAX_UNCONFIRMED
    assert ("contact", f"junk{MAX_UNCONFIRMED}", "not kept") in ana.verdicts
    ana.does(names.IDENTIFIED, attributes={"plan": "pro", "junk0": "server", "junk199": "server"})
    assert [ana.contact.find_value(name) for name in ("plan", "junk0", "junk199")] == ["pro", "server", "server"]
    assert "pro" in ana.contact.segments
    # What a server has confirmed takes no room of theirs.
    ana.does(names.IDENTIFIED, trusted=False, attributes={"city": "Porto", "street": "Rua do Cais"})
    assert ana.contact.find_value("city") == "Porto"
    assert ana.contact.find_value("street") is None


def test_what_a_server_says_always_finds_room_beside_what_a_browser_says() -> None:
    ana = Ana()
    ana.does(names.IDENTIFIED, trusted=False, ago=60.0, attributes={"plan": "pro", "old": 1})
    ana.does(names.IDENTIFIED, trusted=False, attributes={f"junk{number}": number for number in range(200)})
    assert "pro" in ana.contact.segments
    ana.does(names.IDENTIFIED, attributes={f"fact{number}": number for number in range(MAX_ATTRIBUTES)})
    words = ana.contact.attributes
    assert sum(word.confirmed for word in words.values()) == MAX_ATTRIBUTES == len(words)
    assert ("contact", "old", "let go") in ana.verdicts
    assert "pro" not in ana.contact.segments  # nothing says so any more
    ana.does(names.IDENTIFIED, attributes={"one-more": 1})
    assert ("contact", "one-more", "not kept") in ana.verdicts
    ana.does(names.IDENTIFIED, trusted=False, attributes={"city": "Porto"})
    assert ("contact", "city", "not kept") in ana.verdicts


def test_what_is_not_kept_takes_nobodys_room() -> None:
    ana = Ana()
    ana.does(names.IDENTIFIED, trusted=False, attributes={"city": "Porto"})
    ana.does(names.IDENTIFIED, attributes={f"fact{number}": number for number in range(MAX_ATTRIBUTES - 1)})
    ana.does(names.IDENTIFIED, attributes={"bio": "x" * 100_000, "n" * 201: 1})
    assert ana.contact.find_value("city") == "Porto"


@pytest.mark.parametrize(
    ("value", "is_kept"),
    [("x" * 1_000, True), ("x" * 1_001, False), ("é" * 500, True), ("é" * 501, False), (["y" * 996], True)],
)
def test_an_attribute_of_more_than_a_thousand_bytes_is_not_kept(value: Any, is_kept: bool) -> None:
    ana = Ana()
    ana.does(names.IDENTIFIED, attributes={"bio": value})
    assert ("bio" in ana.contact.attributes) is is_kept
    assert (("contact", "bio", "not kept") in ana.verdicts) is not is_kept


# Segments, scores, stages


def test_a_segment_is_entered_with_its_reason_and_its_event() -> None:
    ana = Ana()
    ana.does("Page Viewed", ago=HOUR)
    outcome = ana.does("Page Viewed")
    assert ana.contact.segments["active"] == NOW
    assert ("segment/active", "", "entered") in ana.verdicts
    entered = [event for event in outcome.caused if event.name == names.SEGMENT_ENTERED]
    assert [event.properties["segment"] for event in entered] == ["active"]
    assert ana.contact.turns["segment/active"] == NOW - HOUR + DAY
    assert ana.contact.wake_at == NOW - HOUR + DAY


def test_a_new_contact_is_in_the_segments_that_hold_of_somebody_of_whom_nothing_is_known() -> None:
    ana = Ana()
    ana.does("Video Watched")
    assert ana.contact.segments == {"quiet": NOW, "unplanned": NOW}


def test_what_the_first_event_says_counts_before_that_is_asked() -> None:
    ana = Ana()
    outcome = ana.does("Page Viewed", attributes={"plan": "pro"})
    assert ana.contact.segments == {"pro": NOW}
    assert [event.properties["segment"] for event in outcome.caused] == ["pro"]


def test_time_alone_takes_the_contact_out_at_the_wake() -> None:
    ana = Ana()
    ana.does("Page Viewed")
    ana.does("Page Viewed")
    ana.wakes(NOW + DAY - 1)
    assert "active" in ana.contact.segments
    outcome = ana.wakes(NOW + DAY)
    assert "active" not in ana.contact.segments
    assert names.SEGMENT_LEFT in [event.name for event in outcome.caused]


def test_a_late_event_counts_where_it_belongs() -> None:
    ana = Ana()
    ana.does("Page Viewed")
    ana.does("Page Viewed", ago=2 * DAY)
    assert "active" not in ana.contact.segments
    ana.does("Page Viewed", ago=DAY - 60.0)
    assert "active" in ana.contact.segments
    assert ana.contact.turns["segment/active"] == NOW + 60.0


def test_segments_that_read_others_and_stages_settle_in_the_same_fold() -> None:
    ana = Ana()
    ana.does("Page Viewed")
    ana.does("Page Viewed")
    ana.does("Order Completed")
    assert ana.contact.stage
    assert ana.contact.stage.name == "customer"
    assert {"active", "engaged", "fans"} <= ana.contact.segments.keys()
    ana.wakes(NOW + DAY)
    assert not {"active", "fans"} & ana.contact.segments.keys()


def test_a_stage_is_never_left_by_itself_and_none_is_entered_twice() -> None:
    ana = Ana()
    ana.does("Order Completed")
    ana.does("Signed Up")
    assert ana.contact.stage
    assert ana.contact.stage.name == "customer"
    assert names.STAGE_CHANGED not in [event.name for event in ana.last.caused]


def test_points_fade_and_the_contact_wakes_in_the_minute_of_the_crossing() -> None:
    ana = Ana()
    ana.does("Order Completed")
    turn = ana.contact.turns["segment/engaged"]
    score = BOOK.scores["engagement"]
    before, after = View(ana.contact, turn - MINUTE, BOOK.scores), View(ana.contact, turn, BOOK.scores)
    assert score.value(before) >= 18 > score.value(after)
    ana.wakes(turn)
    assert "engaged" not in ana.contact.segments


# Journeys


def test_an_event_starts_a_journey_whose_message_has_a_derived_id() -> None:
    ana = Ana()
    outcome = ana.does("Signed Up")
    enrollment = ana.contact.active["welcome"]
    (message,) = outcome.messages
    assert message.message_id == f"{enrollment.enrollment_id}.hello"
    assert (message.state, message.origin, message.topic, message.step) == (
        "queued",
        "journey/welcome@1",
        "news",
        "hello",
    )
    assert enrollment.step == "look"
    assert enrollment.due == NOW + DAY == ana.contact.wake_at
    assert ("journey/welcome@1", "", "started") in ana.verdicts


def test_a_once_only_journey_is_not_entered_again_and_why_is_said() -> None:
    ana = Ana()
    ana.does("Signed Up")
    outcome = ana.does("Signed Up")
    assert outcome.messages == ()
    assert ("journey/welcome@1", "", "not started") in ana.verdicts


def test_an_open_moves_the_wait_and_an_update_is_seen_by_what_follows() -> None:
    ana = Ana()
    (hello,) = ana.does("Signed Up").messages
    outcome = ana.does(names.EMAIL_OPENED, properties={"message_id": hello.message_id, "actor": "human"})
    assert [message.step for message in outcome.messages] == ["thanks"]
    assert ana.contact.find_value("welcomed") is True
    assert ana.contact.active["welcome"].step == "rest"


PLANNED = {
    "kind": "score",
    "id": "fit",
    "half_life": "P1D",
    "rules": [{"id": "plan", "if": {"attribute": "plan", "is": "pro"}, "points": 50}],
}


def _course(exit_if: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
    """A journey that waits for a month unless this holds."""
    trigger = {"event": "Course Begun"}
    steps = [{"id": "rest", "wait": {"for": "P30D"}}, _send("over")]
    return {"kind": "journey", "id": "course", "trigger": trigger, "exit_if": exit_if, "steps": steps, **parts}


@pytest.mark.parametrize(
    ("exit_if", "happens"),
    [
        ({"attribute": "plan", "is": "pro"}, {"attributes": {"plan": "pro"}}),
        ({"segment": "pro"}, {"attributes": {"plan": "pro"}}),
        ({"not": {"segment": "unplanned"}}, {"attributes": {"plan": "basic"}}),
        ({"score": "fit", "gte": 40}, {"attributes": {"plan": "pro"}}),
        ({"score": "engagement", "gte": 18}, {"name": "Order Completed"}),
        ({"segment": "engaged"}, {"name": "Order Completed"}),
        ({"stage": "customer"}, {"name": "Order Completed"}),
        ({"event": "Order Completed"}, {"name": "Order Completed"}),
        ({"consent": "news", "is": False}, {"name": names.UNSUBSCRIBED, "properties": {"topic": "*"}}),
    ],
)
def test_exit_if_ends_an_enrollment_as_soon_as_it_holds(exit_if: dict[str, Any], happens: dict[str, Any]) -> None:
    ana = Ana(Shelf(*DOCUMENTS, PLANNED, _course(exit_if)).book)
    ana.does("Course Begun")
    assert "course" in ana.contact.active
    ana.does(**{"name": names.IDENTIFIED, **happens})
    assert "course" not in ana.contact.active
    assert ana.contact.passages["course"].last_state == "exited"


@pytest.mark.parametrize(
    ("exit_if", "after"),
    [
        ({"event": "Course Begun", "never": True, "within": "P2D"}, 2 * DAY),
        ({"all": [{"event": "Course Begun"}, {"not": {"event": "Page Viewed", "within": "P3D"}}]}, 3 * DAY),
        ({"all": [{"score": "engagement", "lt": 5}, {"event": "Course Begun"}]}, 2 * DAY),
    ],
)
def test_exit_if_ends_an_enrollment_when_time_alone_makes_it_hold(exit_if: dict[str, Any], after: float) -> None:
    ana = Ana(Shelf(*DOCUMENTS, _course(exit_if)).book)
    ana.does("Page Viewed")
    ana.does("Page Viewed")
    ana.does("Course Begun")
    while "course" in ana.contact.active:
        ana.wakes()
    assert NOW + after <= ana.now <= NOW + after + MINUTE
    assert ana.contact.passages["course"].last_state == "exited"
    assert ana.last.messages == ()
    assert "journey/course" not in ana.contact.turns


def test_what_time_may_turn_is_looked_at_anew_when_the_facts_have_changed() -> None:
    exit_if = {"all": [{"event": "Course Begun"}, {"not": {"event": "Page Viewed", "within": "P3D"}}]}
    ana = Ana(Shelf(*DOCUMENTS, _course(exit_if)).book)
    ana.does("Page Viewed")
    ana.does("Course Begun")
    ana.now += DAY
    ana.does("Page Viewed")
    assert ana.contact.turns["journey/course"] == NOW + 4 * DAY
    ana.wakes(NOW + 3 * DAY)
    assert "course" in ana.contact.active
    ana.wakes(NOW + 4 * DAY)
    assert "course" not in ana.contact.active


@pytest.mark.parametrize("change", [{"set": {"plan": "pro"}}, {"stage": "customer"}])
def test_what_one_journey_changes_ends_another_at_once(change: dict[str, Any]) -> None:
    exit_if = {"any": [{"segment": "pro"}, {"stage": "customer"}]}
    upgrade = {
        "kind": "journey",
        "id": "upgrade",
        "trigger": {"event": "Paid"},
        "steps": [{"id": "note", "update": change}, {"id": "rest", "wait": {"for": "P1D"}}],
    }
    # One comes before the journey that changes it, one after, by name.
    ana = Ana(Shelf(*DOCUMENTS, upgrade, _course(exit_if), _course(exit_if, id="webinar")).book)
    ana.does("Course Begun")
    ana.does("Paid")
    assert ana.contact.active.keys() == {"upgrade"}


def test_what_a_merge_brings_ends_an_enrollment_at_once() -> None:
    ana = Ana(Shelf(*DOCUMENTS, _course({"attribute": "plan", "is": "pro"})).book)
    ana.does("Course Begun")
    ana.contact.attributes["plan"] = Attribute("pro", NOW, True)  # as of another contact that has become one with her
    event = Event("e-9", "Page Viewed", NOW, NOW, trusted=True)
    assert "course" not in ana.fold(event, everything=True).contact.active


def test_a_machine_opens_nothing() -> None:
    ana = Ana()
    (hello,) = ana.does("Signed Up").messages
    outcome = ana.does(names.EMAIL_OPENED, properties={"message_id": hello.message_id, "actor": "machine"})
    assert outcome.messages == ()
    assert ana.contact.active["welcome"].step == "look"


def test_a_wait_ends_at_its_time() -> None:
    ana = Ana()
    ana.does("Signed Up")
    assert ana.wakes(NOW + DAY - 1).messages == ()
    assert [message.step for message in ana.wakes(NOW + DAY).messages] == ["nudge"]
    ana.wakes()
    assert ana.contact.active == {}
    assert ana.contact.passages["welcome"].last_state == "completed"
    assert ana.contact.wake_at is None


def test_a_goal_stops_the_journey() -> None:
    ana = Ana()
    ana.does("Signed Up")
    ana.does("Order Completed")
    assert "welcome" not in ana.contact.active
    assert ("journey/welcome@1", "look", "completed") in ana.verdicts
    assert ana.contact.passages["welcome"].last_state == "goal"


CART = {
    "kind": "journey",
    "id": "cart",
    "trigger": {"event": "Product Added"},
    "reentry": "always",
    "goal": {"event": "Order Completed"},
    "steps": [_send("reminder"), {"id": "rest", "wait": {"for": "P1D"}}],
}


def test_an_order_that_was_heard_of_before_the_older_cart_is_its_goal() -> None:
    ana = Ana(Shelf(*DOCUMENTS, CART).book)
    ana.does("Order Completed", ago=MINUTE)
    outcome = ana.does("Product Added", ago=HOUR)
    assert outcome.messages == ()
    assert [event.name for event in outcome.caused] == [names.JOURNEY_STARTED, names.JOURNEY_ENDED]
    assert ("journey/cart@1", "", "completed") in ana.verdicts
    assert ana.contact.passages["cart"].last_state == "goal"
    outcome = ana.does("Product Added", ago=MINUTE / 2)
    assert [message.step for message in outcome.messages] == ["reminder"]


def test_the_event_that_leads_into_a_segment_is_not_the_goal_of_the_journey_that_begins_there() -> None:
    again = {**CART, "id": "again", "trigger": {"segment": "buyers"}, "goal": {"event": "Order Completed"}}
    ana = Ana(Shelf(*DOCUMENTS, _segment("buyers", {"event": "Order Completed"}), again).book)
    ana.does("Order Completed")
    assert ana.contact.active["again"].step == "rest"
    ana.now += DAY / 2
    ana.does("Order Completed")
    assert ana.contact.passages["again"].last_state == "goal"


def test_a_journey_that_is_published_later_knows_of_the_goal_from_the_timeline() -> None:
    shelf = Shelf(*DOCUMENTS)
    ana = Ana(shelf.book)
    ana.does("Order Completed", ago=MINUTE)
    ana.book = shelf.after(
        {**CART, "goal": {"event": "Order Completed", "where": {"not": {"property": "test", "is": True}}}}
    )
    assert needs_history(ana.contact, ana.book)
    late = Event("late", "Product Added", NOW - HOUR, NOW - HOUR, trusted=True)
    assert ana.fold(late, history=ana.events).messages == ()
    assert ana.contact.passages["cart"].last_state == "goal"


def test_entering_a_segment_starts_a_journey_in_the_same_fold() -> None:
    ana = Ana()
    ana.does(names.SUBSCRIBED, properties={"topic": "offers", "channel": "email"})
    ana.does("Page Viewed")
    outcome = ana.does("Page Viewed")
    assert [(m.step, m.state) for m in outcome.messages] == [("offer", "queued")]
    assert [event.name for event in outcome.caused] == [names.SEGMENT_ENTERED, names.JOURNEY_STARTED]


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        ({"name": names.UNSUBSCRIBED, "properties": {"topic": "news", "channel": "email"}}, "unsubscribed from news"),
        (
            {"name": names.UNSUBSCRIBED, "properties": {"topic": "*", "channel": "email"}},
            "unsubscribed from everything",
        ),
        (
            {
                "name": names.EMAIL_BOUNCED,
                "properties": {"reason": "it bounced", "addresses": ["email:ana@example.com"]},
            },
            "suppressed: it bounced",
        ),
    ],
)
def test_what_may_not_be_sent_is_kept_as_skipped_with_the_reason(happens: dict[str, Any], reason: str) -> None:
    ana = Ana()
    ana.does(**happens)
    (message,) = ana.does("Signed Up").messages
    assert message.state == "skipped"
    assert reason in message.reason
    assert ana.contact.active["welcome"].marks["hello"] == ("skipped",)


def test_an_address_that_is_released_is_written_to_again() -> None:
    ana = Ana()
    said = {"reason": "they phoned", "addresses": ["email:ana@example.com"]}
    ana.does(names.ADDRESS_SUPPRESSED, properties=said)
    assert ana.contact.suppressions == {"email:ana@example.com": "they phoned"}
    ana.does(names.ADDRESS_RELEASED, properties={**said, "reason": "a mistake"})
    assert ana.contact.suppressions == {}
    (message,) = ana.does("Signed Up").messages
    assert message.state == "queued"


def test_a_contact_without_an_address_and_one_without_an_opt_in_are_skipped() -> None:
    ana = Ana(email=False)
    (message,) = ana.does("Signed Up").messages
    assert "no address" in message.reason
    ana = Ana()
    ana.does("Page Viewed")
    (message,) = ana.does("Page Viewed").messages
    assert message.reason == "Offers needs an opt-in, and there is none"


def test_an_older_answer_does_not_undo_a_newer_one() -> None:
    ana = Ana()
    ana.does(names.UNSUBSCRIBED, properties={"topic": "news", "channel": "email"})
    ana.does(names.SUBSCRIBED, ago=HOUR, properties={"topic": "news", "channel": "email"})
    assert [consent.granted for consent in ana.contact.consents.values()] == [False]


# Time


def test_a_wake_that_finds_nothing_changes_nothing() -> None:
    ana = Ana()
    ana.does("Signed Up")
    armed = ana.contact
    outcome = ana.wakes(NOW + HOUR)
    assert not outcome.changed
    assert outcome.contact == armed
    assert (outcome.messages, outcome.caused, outcome.decisions) == ((), (), ())


def test_a_timer_is_moved_only_to_be_earlier_and_a_wake_arms_it_anew() -> None:
    ana = Ana()
    ana.does("Page Viewed", ago=HOUR)
    assert ana.contact.turns == {"segment/quiet": NOW - HOUR + DAY}
    assert ana.contact.wake_at == NOW - HOUR + DAY
    ana.does("Page Viewed")
    assert ana.contact.turns == {"segment/quiet": NOW + DAY, "segment/active": NOW - HOUR + DAY}
    assert ana.contact.wake_at == NOW - HOUR + DAY
    ana.wakes()
    assert ana.contact.turns == {"segment/quiet": NOW + DAY}
    assert ana.contact.wake_at == NOW + DAY


def test_a_failing_wake_is_armed_again_later() -> None:
    ana = Ana()
    ana.does("Signed Up")
    wake = Event("wake", names.WAKE, NOW + DAY, NOW + DAY)
    assert postpone(ana.contact, wake, NOW + DAY).wake_at == NOW + DAY + BACKOFF
    assert postpone(ana.contact, ana.events[0], NOW + DAY).wake_at == ana.contact.wake_at


# What throws


class Broken:
    """A definition with a bug of ours."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def evaluate(self, view: View) -> Verdict:
        raise ZeroDivisionError


def test_a_segment_that_throws_harms_only_itself() -> None:
    broken: Any = Broken(BOOK.segments["active"])
    ana = Ana(replace(BOOK, segments={**BOOK.segments, "active": broken}))
    ana.does("Page Viewed")
    ana.does("Order Completed", attributes={"plan": "pro"})
    assert {"pro", "engaged"} <= ana.contact.segments.keys()
    ana.does("Page Viewed")
    assert ("segment/active", "", "failed") in ana.verdicts
    assert ana.contact.events_folded == 3


def test_an_enrollment_whose_version_is_gone_fails_with_the_reason() -> None:
    shelf = Shelf(*DOCUMENTS)
    ana = Ana(shelf.book)
    ana.does("Signed Up")
    shelf.publish(WELCOME)
    shelf.manifest = replace(shelf.manifest, held=())
    ana.book = shelf.book
    ana.wakes(NOW + DAY)
    assert ana.contact.active == {}
    assert ana.contact.passages["welcome"].last_state == "failed"
    assert ("journey/welcome@1", "look", "failed") in ana.verdicts


def test_an_enrollment_stays_with_the_version_that_it_entered() -> None:
    shelf = Shelf(*DOCUMENTS)
    ana = Ana(shelf.book)
    ana.does("Signed Up")
    ana.book = shelf.after({**WELCOME, "steps": [_send("hello")]})
    assert [(m.step, m.origin) for m in ana.wakes(NOW + DAY).messages] == [("nudge", "journey/welcome@1")]


def test_definitions_that_undo_each_other_are_stopped_and_the_event_counts() -> None:
    """Publishing refuses such a circle; a fold that meets one all the same must come to an end."""
    circle = (_segment("odd", {"not": {"segment": "even"}}), _segment("even", {"segment": "odd"}))
    ana = Ana(Shelf(*DOCUMENTS).force(*circle))
    outcome = ana.does("Page Viewed", attributes={"plan": "pro"})
    assert ("book", "", "stopped") in ana.verdicts
    assert "pro" in ana.contact.segments
    assert ana.contact.events_folded == 1
    assert len(outcome.caused) < 1_000


def test_a_journey_that_starts_itself_is_stopped_and_the_event_that_caused_it_counts() -> None:
    """Nobody loses the order that ends their welcome journey to a journey that starts at every end of one."""

    def at_every_end(journey_id: str) -> dict[str, Any]:
        step = {"id": "count", "update": {"set": {journey_id: True}}}
        return {
            "kind": "journey",
            "id": journey_id,
            "trigger": {"event": names.JOURNEY_ENDED, "where": {"not": {"property": "journey", "is": "nobody"}}},
            "reentry": "always",
            "steps": [step],
        }

    ana = Ana(Shelf(*DOCUMENTS, at_every_end("ping"), at_every_end("pong")).book)
    ana.does("Signed Up")
    ana.does("Order Completed")
    assert (ana.contact.find_value("ping"), ana.contact.find_value("pong")) == (True, True)
    assert not ana.contact.active
    assert ana.contact.passages["welcome"].last_ended == NOW
    assert ana.contact.stage
    assert ana.contact.stage.name == "customer"
    assert ana.contact.events_folded == 2
    why = {d.because for d in ana.last.decisions if (d.definition, d.verdict) == ("journey/ping@1", "not started")}
    assert why == {"it has started in this very moment, and would start itself without end"}


# Much at once


def _crowd(many: int, *steps: Mapping[str, Any]) -> list[dict[str, Any]]:
    """So many journeys that a sign-up starts."""
    head = {"kind": "journey", "trigger": {"event": "Signed Up"}}
    return [{**head, "id": f"j{number:03d}", "steps": list(steps)} for number in range(many)]


def _wake_until_quiet(ana: Ana) -> list[Outcome]:
    """Wake the contact for as long as something is due now."""
    outcomes = []
    while ana.contact.wake_at is not None and ana.contact.wake_at <= ana.now:
        outcomes.append(ana.wakes())
        assert len(outcomes) < 50
    return outcomes


def test_an_event_that_starts_a_hundred_journeys_queues_all_their_messages_in_commits_that_fit() -> None:
    pause = {"id": "rest", "wait": {"for": "P1D"}}
    ana = Ana(Shelf(*DOCUMENTS, *_crowd(120, _send("one"), _send("two"), pause)).book)
    first = ana.does("Signed Up")
    assert ("journey/j119@1", "", "goes on later") in ana.verdicts
    assert ana.contact.wake_at == NOW
    outcomes = [first, *_wake_until_quiet(ana)]
    assert max(len(outcome.messages) for outcome in outcomes) < MAX_MESSAGES + MOST_EFFECTS
    ids = [message.message_id for outcome in outcomes for message in outcome.messages]
    assert len(set(ids)) == len(ids) == 241  # and the welcome journey's
    assert {e.step for e in ana.contact.active.values()} == {"rest", "look"}
    assert ana.contact.wake_at == NOW + DAY


def test_an_event_that_a_hundred_enrollments_wait_for_moves_them_all() -> None:
    wait = {"id": "order", "wait": {"event": "Order Completed", "timeout": "P2D", "then": [_send("thanks")]}}
    ana = Ana(Shelf(*DOCUMENTS, *_crowd(120, wait)).book)
    ana.does("Signed Up")
    ana.now += HOUR
    first = ana.does("Order Completed")
    ana.now += MINUTE
    outcomes = [first, *_wake_until_quiet(ana)]
    assert max(len(outcome.messages) for outcome in outcomes) < MAX_MESSAGES + MOST_EFFECTS
    assert sum(len(outcome.messages) for outcome in outcomes) == 120
    assert not ana.contact.active
    assert not [key for key in ana.contact.turns if key.startswith("journey/")]


def test_one_journey_of_two_hundred_messages_in_a_row_is_sent_whole() -> None:
    row = {"kind": "journey", "id": "row", "trigger": {"event": "Order Completed"}}
    steps = [_send(f"mail-{number}") for number in range(200)]
    ana = Ana(Shelf(*DOCUMENTS, {**row, "steps": steps}).book)
    outcomes = [ana.does("Order Completed"), *_wake_until_quiet(ana)]
    assert [message.step for outcome in outcomes for message in outcome.messages] == [step["id"] for step in steps]
    assert max(len(outcome.messages) for outcome in outcomes) < MAX_MESSAGES + MOST_EFFECTS
    assert ana.contact.passages["row"].last_state == "completed"


# Publication


def test_a_publication_folds_what_has_happened_before_and_starts_no_journey_for_it() -> None:
    shelf = Shelf(*DOCUMENTS)
    ana = Ana(shelf.book)
    for _ in range(3):
        ana.does("Video Watched")
    later = _segment("viewers", {"event": "Video Watched", "at_least": 3, "within": "P7D"})
    journey = {**ACTIVE_JOURNEY, "id": "viewers-too", "trigger": {"segment": "viewers"}}
    ana.book = shelf.after(later, journey)
    assert needs_history(ana.contact, ana.book)
    wake = Event("rebuild", names.WAKE, NOW, NOW, contact_id="ana")
    outcome = ana.fold(wake, history=ana.events)
    assert ana.contact.revision == 2
    assert "viewers" in ana.contact.segments
    assert ana.contact.wake_at == NOW + 7 * DAY
    assert (outcome.messages, outcome.caused, dict(ana.contact.active)) == ((), (), {})
    assert not needs_history(ana.contact, ana.book)


VIP = {
    "kind": "journey",
    "id": "vip",
    "trigger": {"event": "Signed Up"},
    "steps": [
        {"id": "look", "wait": {"segment": "gold", "timeout": "P10D", "then": [_send("yes")], "else": [_send("no")]}}
    ],
}


def _gold(*plans: str) -> dict[str, Any]:
    return _segment("gold", {"attribute": "plan", "in": list(plans)})


def test_who_is_in_a_segment_by_its_new_version_waits_for_it_no_longer() -> None:
    shelf = Shelf(POLICY, _template("hello", "news"), _gold("gold"), VIP)
    ana = Ana(shelf.book)
    ana.does("Signed Up", attributes={"plan": "pro"})
    ana.book = shelf.after(_gold("gold", "pro"))
    outcome = ana.wakes(NOW + DAY)
    assert [message.step for message in outcome.messages] == ["yes"]
    assert outcome.caused  # that the journey has ended; but that the segment was entered is no news
    assert names.SEGMENT_ENTERED not in [event.name for event in outcome.caused]


@pytest.mark.parametrize(("since", "way"), [(9.9, "yes"), (10.0, "no")])
def test_a_wait_for_a_fact_that_holds_when_it_ends_goes_the_way_of_yes(since: float, way: str) -> None:
    ana = Ana(Shelf(POLICY, _template("hello", "news"), _gold("gold"), VIP).book)
    ana.does("Signed Up")
    # However she came into it, and whenever the clock comes round.
    ana.contact.attributes["plan"] = Attribute("gold", NOW, True)
    ana.contact.segments["gold"] = NOW + since * DAY
    assert [message.step for message in ana.wakes(NOW + 10 * DAY + 30).messages] == [way]


def test_a_definition_that_is_no_longer_live_is_left() -> None:
    shelf = Shelf(*DOCUMENTS)
    ana = Ana(shelf.book)
    ana.does(names.IDENTIFIED, attributes={"plan": "pro"})
    shelf.withdraw("segment/pro")
    ana.book = shelf.book
    ana.wakes(NOW + MINUTE)
    assert "pro" not in ana.contact.segments


# Laws

ACTS = st.sampled_from(
    ["Page Viewed", "Order Completed", "Signed Up", "Video Watched", names.IDENTIFIED, "open", "wake"]
)
STORIES = st.lists(st.tuples(ACTS, st.integers(0, 30 * 3_600), st.integers(0, 100_000)), min_size=1, max_size=12)


def play(story: list[tuple[str, int, int]], store: Callable[[int, Contact], Contact]) -> list[Outcome]:
    """Fold a story; `store` is what happens to the contact after each event."""
    ana = Ana()
    outcomes, sent = [], []
    for number, (act, pause, ago) in enumerate(story):
        ana.now += pause
        if act == "wake":
            outcomes.append(ana.wakes(ana.now))
        elif act == "open":
            message_id = sent[-1].message_id if sent else "none.none"
            outcomes.append(ana.does(names.EMAIL_OPENED, properties={"message_id": message_id, "actor": "human"}))
        else:
            plan = {"plan": "pro" if ago % 2 else "free"} if act == names.IDENTIFIED else {}
            outcomes.append(ana.does(act, ago=ago, attributes=plan))
        sent += outcomes[-1].messages
        ana.contact = store(number, ana.contact)
    return [*outcomes, Outcome(ana.contact)]


def stored(contact: Contact) -> Contact:
    body = encode_contact(contact)
    return decode_contact(
        contact.contact_id, contact.version, body, created_at=contact.created_at, wake_at=contact.wake_at
    )


@settings(max_examples=60, deadline=None)
@given(STORIES, st.sets(st.integers(0, 11)))
def test_folding_in_two_batches_equals_folding_in_one(story: list[tuple[str, int, int]], cuts: set[int]) -> None:
    """A batch ends where the contact is stored and read again; where that is makes no difference."""
    whole = play(story, lambda number, contact: contact)
    assert play(story, lambda number, contact: stored(contact) if number in cuts else contact) == whole


@settings(max_examples=60, deadline=None)
@given(STORIES, st.floats(0.0, 1.0))
def test_the_next_wake_is_never_late(story: list[tuple[str, int, int]], part: float) -> None:
    """Until the timer fires, time alone changes nothing: no segment turns, and no enrollment is due."""
    ana = Ana()
    contact = play(story, lambda number, contact: contact)[-1].contact
    now = ana.now + sum(pause for _, pause, _ in story)
    armed = contact.wake_at if contact.wake_at is not None else now + 90 * DAY
    pending = [*contact.turns.values(), *(e.due for e in contact.active.values() if e.due is not None)]
    assert armed <= min(pending, default=inf) or not pending
    between = now + part * max(0.0, armed - now - 0.001)
    view = View(contact, between, BOOK.scores, assumed=BOOK.assumed)
    if armed > now:
        for segment_id, segment in BOOK.segments.items():
            # A segment is asked when something that it reads has happened.
            if segment_id in contact.segments or f"segment/{segment_id}" in contact.turns:
                assert segment.evaluate(view).truth == (segment_id in contact.segments)


EXCLUDED = [
    {"segment": "active"},
    {"not": {"segment": "quiet"}},
    {"all": [{"segment": "engaged"}, {"attribute": "plan", "exists": True}]},
    {"score": "fit", "gte": 40},
    {"all": [{"score": "engagement", "lt": 5}, {"event": "Page Viewed"}]},
    {"any": [{"stage": "customer"}, {"event": "Page Viewed", "never": True, "within": "P2D"}]},
]
PATHS = [_course(exit_if, id=f"path-{n}", reentry="always") for n, exit_if in enumerate(EXCLUDED)]
PLAN = {
    "kind": "journey",
    "id": "plan",
    "trigger": {"event": "Video Watched"},
    "reentry": "always",
    "steps": [{"id": "note", "update": {"set": {"plan": "pro"}}}],
}
ROADS = Shelf(*DOCUMENTS, PLANNED, PLAN, *PATHS).book


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Course Begun", "Page Viewed", "Order Completed", "Signed Up", "Video Watched"]),
            st.integers(0, 40 * 3_600),
        ),
        min_size=1,
        max_size=10,
    )
)
def test_nobody_is_under_way_whom_exit_if_excludes(story: list[tuple[str, int]]) -> None:
    """Neither after an event, nor at any moment up to the next, if the contact is woken when its timer rings."""
    ana = Ana(ROADS)

    def check(now: float) -> None:
        for enrollment in ana.contact.active.values():
            exit_if = ROADS.versions[enrollment.journey, enrollment.version].exit_if
            if exit_if:
                view = View(ana.contact, now, ROADS.scores, enrollment, None, ROADS.assumed)
                assert not exit_if.evaluate(view).truth, (enrollment.journey, now - NOW)

    for act, pause in story:
        ana.does(act)
        check(ana.now)
        until = ana.now + pause
        while ana.contact.wake_at is not None and ana.contact.wake_at <= until:
            check(ana.contact.wake_at - 0.001)
            ana.wakes()
            check(ana.now)
        check(until)
        ana.now = until


@settings(max_examples=60, deadline=None)
@given(
    st.permutations([("Page Viewed", 100), ("Page Viewed", 50_000), ("Page Viewed", 90_000), ("Order Completed", 7)])
)
def test_the_order_of_arrival_makes_no_difference_to_what_is_remembered(order: list[tuple[str, int]]) -> None:
    ana, usual = Ana(), Ana()
    for person, story in ((ana, order), (usual, sorted(order))):
        for name, ago in story:
            person.does(name, ago=float(ago))
    assert ana.contact.behaviour == usual.contact.behaviour
    assert ana.contact.segments == usual.contact.segments
    held, expected = (BOOK.scores["engagement"].value(View(p.contact, NOW, BOOK.scores)) for p in (ana, usual))
    assert held == pytest.approx(expected)


def test_an_enrollment_is_never_left_without_an_end() -> None:
    ana = Ana()
    ana.does("Signed Up")
    for _ in range(10):
        if ana.contact.wake_at is None:
            break
        ana.wakes()
    assert all(isinstance(e, Enrollment) and e.due is not None for e in ana.contact.active.values())
    assert ana.contact.passages["welcome"].last_state == "completed"
