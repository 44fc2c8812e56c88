"""From a first visit to sales: what scores, grades, personas, stages and the hand-over make of people."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.book import Book
from postroad.contacts.codec import decode_contact, encode_contact
from postroad.contacts.contact import Contact
from postroad.contacts.merging import merge
from postroad.contacts.places import places_of
from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.fold import Outcome, begin, fold
from postroad.instants import DAY
from postroad.stages import DEFAULT
from postroad.tasks import Task
from tests.books import FOOTER, Shelf
from tests.people import Person

NOW = 1_793_610_840.0
HOUR, MINUTE = 3_600.0, 60.0

POLICY = {
    "kind": "policy",
    "id": "policy",
    "postal_address": "1 High Street",
    "topics": [{"id": "offers", "opt_in": False}],
}
ENGAGEMENT = {
    "kind": "score",
    "id": "engagement",
    "half_life": "P14D",
    "bands": [{"id": "hot", "from": 30}, {"id": "warm", "from": 10}, {"id": "cold"}],
    "rules": [
        {"id": "blog", "event": "Page Viewed", "where": {"property": "path", "starts_with": "/blog"}, "points": 1},
        {"id": "pricing", "event": "Page Viewed", "where": {"property": "path", "is": "/pricing"}, "points": 12},
        {"id": "opened", "event": "Email Opened", "where": {"property": "actor", "is": "human"}, "points": 5},
        {"id": "clicked", "event": "Email Link Clicked", "where": {"property": "actor", "is": "human"}, "points": 10},
        {"id": "ignored", "event": "Message Skipped", "points": -3},
    ],
}  # fmt: skip
FIT = {
    "kind": "grade",
    "id": "fit",
    "bounds": {"A": 50, "C": 20},
    "rules": [{"id": "size", "if": {"attribute": "company_size", "gte": 20}, "points": 50}],
}
READINESS = {
    "kind": "matrix",
    "id": "readiness",
    "score": "engagement",
    "grade": "fit",
    "cells": [{"id": "ready", "in": ["A1", "C1"]}],
}
PERSONAS = (
    {
        "kind": "persona",
        "id": "developer",
        "rules": [{"id": "role", "if": {"attribute": "role", "contains": "engineer"}}],
    },
    {
        "kind": "persona",
        "id": "manager",
        "rules": [
            {"id": "role", "if": {"attribute": "role", "contains": "manager"}},
            {"id": "docs", "if": {"event": "Page Viewed", "within": "P7D"}},
        ],
    },
)
NURTURE = {
    "kind": "journey",
    "id": "nurture",
    "trigger": {"event": "Nurture Wanted"},
    "reentry": {"after": "P1D"},
    "steps": [{"id": "patience", "wait": {"for": "P30D"}}],
}
HANDOVER = {
    "kind": "handover",
    "id": "handover",
    "if": {"matrix": "readiness", "is": "ready"},
    "fit": {"grade": "fit", "at_least": "C"},
    "owners": ["ana@tidewater.example", "ben@tidewater.example"],
    "task": {"title": "Call about the enterprise plan", "due": "P1D"},
    "nurture": {"if": {"attribute": "email", "exists": True}, "journey": "nurture"},
}
SEGMENTS = (
    {"kind": "segment", "id": "hot", "if": {"score": "engagement", "band": "hot"}},
    {"kind": "segment", "id": "leads", "if": {"stage": "capture"}},
    {"kind": "segment", "id": "developers", "if": {"persona": "developer"}},
    {"kind": "segment", "id": "at-sales", "if": {"handed_to": "sales"}},
    {"kind": "segment", "id": "owned", "if": {"attribute": "owner", "exists": True}},
)
ALL = (POLICY, ENGAGEMENT, FIT, READINESS, *PERSONAS, DEFAULT, NURTURE, HANDOVER, *SEGMENTS)
BOOK = Shelf(*ALL).book


def an_event(name: str, at: float, number: int = 0, attributes: Mapping[str, Any] | None = None, **said: Any) -> Event:
    return Event(f"e-{at}-{number}", name, at, at, trusted=True, attributes=attributes or {}, properties=said)


def looks(path: str, at: float, number: int = 0) -> Event:
    return an_event("Page Viewed", at, number, path=path)


def says(at: float, **attributes: Any) -> Event:
    return an_event("Identified", at, attributes=attributes)


def live(*events: Event, book: Book = BOOK, contact: Contact | None = None) -> list[Outcome]:
    """What a contact's events lead to, one after another; time passes with them, and wakes ring when they are due."""
    outcomes: list[Outcome] = []
    contact = contact or begin("c1", book, events[0].time)
    for event in events:
        while contact.wake_at is not None and contact.wake_at <= event.time:
            outcomes.append(wake(contact, contact.wake_at, book))
            contact = outcomes[-1].contact
        outcomes.append(fold(contact, event, book, event.time))
        contact = outcomes[-1].contact
    return outcomes


def wake(contact: Contact, at: float, book: Book = BOOK) -> Outcome:
    return fold(contact, Event(f"wake-{at}", "Wake", at, at, contact_id="c1", trusted=True), book, at)


def decisions(outcomes: Iterable[Outcome], definition: str) -> list[tuple[str, str]]:
    return [(d.verdict, d.because) for outcome in outcomes for d in outcome.decisions if d.definition == definition]


def caused(outcomes: Iterable[Outcome], name: str) -> list[Mapping[str, Any]]:
    return [event.properties for outcome in outcomes for event in outcome.caused if event.name == name]


def test_c20_opens_and_clicks_raise_the_score_and_what_was_ignored_lowers_it_each_with_its_reason() -> None:
    clicked = an_event("Email Link Clicked", NOW, 1, actor="human")
    opened = an_event("Email Opened", NOW, 2, actor="human")
    by_machine = an_event("Email Opened", NOW, 3, actor="machine")
    ignored = an_event("Message Skipped", NOW, 4)
    contact = live(clicked, opened, by_machine, ignored)[-1].contact
    sheet, view = BOOK.scores["engagement"], BOOK.view(contact, NOW)
    assert sheet.value(view) == 12.0
    assert [(reason.points, reason.because) for reason in sheet.reasons(view)] == [
        (10.0, "Email Link Clicked (actor is human)"),
        (5.0, "Email Opened (actor is human)"),
        (-3.0, "Message Skipped"),
    ]


def test_c22_a_band_is_asked_by_name_and_left_by_time_alone() -> None:
    contact = live(*(looks("/pricing", NOW, number) for number in range(4)))[-1].contact
    assert BOOK.scores["engagement"].sort(BOOK.view(contact, NOW)).names == ("hot",)
    assert "hot" in contact.segments
    assert contact.wake_at is not None
    later = wake(contact, contact.wake_at).contact
    while "hot" in later.segments:
        assert later.wake_at is not None
        later = wake(later, later.wake_at).contact
    assert BOOK.scores["engagement"].sort(BOOK.view(later, NOW + 14 * DAY)).names == ("warm",)


def test_c67_pricing_is_worth_more_than_the_blog_and_the_reasons_add_up_to_the_total() -> None:
    events = [looks("/blog/a", NOW - 14 * DAY), looks("/pricing", NOW - DAY), looks("/pricing", NOW)]
    contact = live(*events)[-1].contact
    sheet, view = BOOK.scores["engagement"], BOOK.view(contact, NOW)
    reasons = sheet.reasons(view)
    assert [reason.rule_id for reason in reasons] == ["pricing", "blog"]
    assert sheet.value(view) == pytest.approx(sum(reason.points for reason in reasons), abs=0.002)
    recomputed = Contact("again", scores={"engagement": dict(sheet.recompute(events))})
    assert sheet.value(BOOK.view(recomputed, NOW)) == sheet.value(view)
    assert reasons[0].at == NOW // 60 * 60


def test_c36_each_contact_has_a_stage_a_date_and_a_reason_and_the_stages_before() -> None:
    outcomes = live(looks("/", NOW), says(NOW + HOUR, email="ana@example.com"), an_event("Order Completed", NOW + DAY))
    contact = outcomes[-1].contact
    assert contact.stage == ("convert", NOW + DAY, "did Order Completed")
    assert contact.stages_before == (
        ("attract", NOW, "did Page Viewed"),
        ("capture", NOW + HOUR, "email is known"),
    )
    assert decisions(outcomes, "stages/lifecycle") == [
        ("stage attract", "did Page Viewed"),
        ("stage capture", "email is known"),
        ("stage convert", "did Order Completed"),
    ]
    assert places_of(contact)["stage/convert"] == NOW + DAY


def test_c65_a_stage_is_a_condition_of_segments_and_at_the_door_of_a_journey() -> None:
    to_leads = {
        "kind": "journey",
        "id": "to-leads",
        "trigger": {"event": "Stage Changed", "where": {"property": "stage", "is": "capture"}},
        "steps": [{"id": "rest", "wait": {"for": "P1D"}}],
    }
    book = Shelf(*ALL, to_leads).book
    seen, known = live(looks("/", NOW), says(NOW + HOUR, email="ana@example.com"), book=book)
    assert "leads" not in seen.contact.segments
    assert "to-leads" not in seen.contact.active
    assert "leads" in known.contact.segments
    assert "to-leads" in known.contact.active


def test_c90_nobody_falls_back_by_accident_and_one_who_is_told_to_can_go_back() -> None:
    back = {
        "kind": "journey",
        "id": "back",
        "trigger": {"event": "Contract Ended"},
        "steps": [{"id": "down", "update": {"stage": "nurture"}}],
    }
    book = Shelf(*ALL, back).book
    bought = live(
        an_event("Order Completed", NOW), looks("/", NOW + DAY), says(NOW + DAY, email="a@b.example"), book=book
    )
    assert bought[-1].contact.stage.name == "convert"  # type: ignore[union-attr]
    ended = live(an_event("Contract Ended", NOW + 2 * DAY), book=book, contact=bought[-1].contact)[-1].contact
    assert ended.stage is not None
    assert ended.stage.name == "nurture"
    assert [stage.name for stage in ended.stages_before] == ["convert"]


def test_c90_a_merge_keeps_the_further_stage_and_both_histories() -> None:
    customer = live(looks("/", NOW), an_event("Order Completed", NOW + 1))[-1].contact
    visitor = live(looks("/", NOW + DAY), contact=Contact("dev", created_at=NOW, revision=BOOK.revision))[-1].contact
    for a, b in ((customer, visitor), (visitor, customer)):
        merged, _ = merge(a, b, BOOK, NOW + DAY)
        assert merged.stage == customer.stage
        assert merged.stages_before == (("attract", NOW, "did Page Viewed"), ("attract", NOW + DAY, "did Page Viewed"))


def test_c89_the_best_persona_is_kept_with_its_confidence_and_its_change_is_an_event() -> None:
    outcomes = live(says(NOW, role="sales engineer"), says(NOW + HOUR, role="office manager"))
    assert caused(outcomes, "Persona Changed") == [
        {"persona": "developer", "before": None, "confidence": 1.0},
        {"persona": "manager", "before": "developer", "confidence": 0.5},
    ]
    assert outcomes[0].contact.segments.keys() >= {"developers"}
    contact = outcomes[-1].contact
    assert "developers" not in contact.segments
    assert contact.persona == ("manager", NOW + HOUR, 0.5)
    surer = live(looks("/", NOW + 2 * HOUR), contact=contact)[-1].contact
    assert surer.persona == ("manager", NOW + HOUR, 1.0)
    assert surer.wake_at is not None
    assert wake(surer, NOW + 2 * HOUR + 7 * DAY).contact.persona == ("manager", NOW + HOUR, 0.5)


READY = tuple(looks("/pricing", NOW, number) for number in range(4))


def test_c68_who_is_ready_and_fits_goes_to_sales_with_an_owner_and_a_task() -> None:
    outcomes = live(says(NOW, email="ana@example.com", company_size=40), *READY)
    contact = outcomes[-1].contact
    assert contact.handed == ("sales", NOW)
    owner = contact.find_value("owner")
    assert owner in HANDOVER["owners"]
    assert contact.segments.keys() >= {"at-sales", "owned"}
    (task,) = [task for outcome in outcomes for task in outcome.tasks]
    assert isinstance(task, Task)
    assert (task.kind, task.title, task.assignee) == ("handover", "Call about the enterprise plan", owner)
    assert task.due_at == NOW + DAY
    # Known by mail alone, they were nurtured; that ended when they became ready.
    assert [said["to"] for said in caused(outcomes, "Handed Over")] == ["nurture", "sales"]
    assert "nurture" not in contact.active
    assert contact.passages["nurture"].last_state == "exited"
    assert ("exited", "sales looks after them now") in decisions(outcomes, "journey/nurture@1")
    assert places_of(contact)["handover/sales"] == NOW


def test_c68_somebody_at_sales_does_not_come_into_the_journey_that_nurtures() -> None:
    ready = live(says(NOW, email="ana@example.com", company_size=40), *READY)[-1].contact
    wanted = live(an_event("Nurture Wanted", NOW + 2 * DAY), contact=ready)
    assert wanted[-1].contact.active == {}
    assert ("not started", "sales looks after them") in decisions(wanted, "journey/nurture@1")


def test_c68_whom_sales_sends_back_is_nurtured_and_handed_over_again_after_thirty_days() -> None:
    ready = live(says(NOW, email="ana@example.com", company_size=40), *READY)[-1].contact
    no = an_event("Task Completed", NOW + 2 * DAY, kind="handover", outcome="rejected", task_id="t")
    returned = live(no, contact=ready)[-1].contact
    assert returned.handed == ("nurture", NOW + 2 * DAY)
    assert "nurture" in returned.active
    again = live(*(looks("/pricing", NOW + 31 * DAY, n) for n in range(4)), contact=returned)[-1].contact
    assert again.handed is not None
    assert again.handed.to == "nurture"
    after = live(looks("/blog/x", NOW + 33 * DAY), contact=again)[-1].contact
    assert after.handed is not None
    assert after.handed.to == "sales"
    assert "nurture" not in after.active


def test_c23_a_poor_fit_is_not_handed_over_however_ready() -> None:
    outcomes = live(says(NOW, email="ana@example.com", company_size=3), *READY)
    assert outcomes[-1].contact.handed == ("nurture", NOW)
    assert not [task for outcome in outcomes for task in outcome.tasks]
    grown = live(says(NOW + HOUR, company_size=50), contact=outcomes[-1].contact)[-1].contact
    assert grown.handed == ("sales", NOW + HOUR)


def test_c23_a_message_that_pushes_for_a_sale_is_spared_to_a_poor_fit() -> None:
    pushy = {
        "kind": "template", "id": "buy-now", "channel": "email", "topic": "offers", "sales": True,
        "subject": "Buy now", "html": "<p>Buy now</p>" + FOOTER,
    }  # fmt: skip
    campaign = {
        "kind": "journey",
        "id": "campaign",
        "trigger": {"event": "Trial Started"},
        "steps": [{"id": "push", "send": {"template": "buy-now", "channel": "email"}}],
    }
    book = Shelf(*ALL, pushy, campaign).book
    for size, state in ((3, "skipped"), (40, "queued")):
        known = says(NOW, email="ana@example.com", company_size=size)
        contact = begin("c1", book, NOW)
        contact.identities["email:ana@example.com"] = NOW
        outcomes = live(known, an_event("Trial Started", NOW + 1), book=book, contact=contact)
        (message,) = [message for outcome in outcomes for message in outcome.messages]
        assert message.state == state
        if state == "skipped":
            assert message.reason == (
                "it pushes for a sale, and the contact does not fit well enough: not grade fit is C or better"
            )


def test_c68_publishing_a_hand_over_later_hands_over_without_news() -> None:
    shelf = Shelf(*(document for document in ALL if document["kind"] != "handover" and document["id"] != "at-sales"))
    contact = live(says(NOW, email="ana@example.com", company_size=40), *READY, book=shelf.book)[-1].contact
    contact.version = 1
    book = shelf.after(HANDOVER)
    # What the hand-over remembers is new, so the timeline is asked.
    outcome = fold(contact, looks("/", NOW + 1), book, NOW + 1, history=[])
    assert outcome.contact.handed == ("sales", NOW + 1)
    assert outcome.contact.find_value("owner") in HANDOVER["owners"]
    assert outcome.tasks == ()


UPDATE = {"update": {"set": {"vip": True}}}


@pytest.mark.parametrize(
    ("before", "other"),
    [
        ([{"wait": {"for": "P1D"}}, UPDATE], []),
        ([{"wait": {"for": "P1D"}}, {"points": {"score": "warmth", "add": 50}}, {"wait": {"for": "PT1H"}}], []),
        ([{"wait": {"for": "P1D"}}], [{"wait": {"for": "P1D"}}, UPDATE]),
        ([{"wait": {"event": "Go", "timeout": "P5D"}}], [{"wait": {"event": "Go", "timeout": "P5D"}}, UPDATE]),
    ],
    ids=["its own update", "its own points", "another journey's update", "another's at the same event"],
)
def test_c68_nobody_is_nurtured_any_more_whom_a_step_of_a_journey_has_brought_to_sales(
    before: list[Any], other: list[Any]
) -> None:
    vip = {"id": "vip", "if": {"attribute": "vip", "is": True}, "points": 50}
    warmth = {"kind": "score", "id": "warmth", "rules": [{"id": "visits", "event": "Visited", "points": 1}, vip]}
    nurtured = {"if": {"score": "warmth", "gte": 1}, "journey": "nurture"}
    handover = {**HANDOVER, "if": {"score": "warmth", "gte": 50}, "fit": None, "nurture": nurtured}
    letter = {"id": "letter", "send": {"template": "letter"}}
    nurture = {"kind": "journey", "id": "nurture", "trigger": {"api": True}, "steps": [*before, letter]}
    # It is moved before the other one, whose id comes later.
    alpha = {"kind": "journey", "id": "alpha", "trigger": {"event": "Visited"}, "steps": other or [{"exit": {}}]}
    ana = Person(warmth, handover, nurture, alpha).does("Visited")
    assert ana.contact.active["nurture"]
    ana.passes("P1D").does("Go").passes("P9D")
    assert ana.contact.handed
    assert ana.contact.handed.to == "sales"
    assert ana.sent == []
    assert ana.contact.passages["nurture"].last_state == "exited"
    ends = [event.properties for event in ana.caused if event.name == "Journey Ended"]
    assert [end["reason"] for end in ends if end["journey"] == "nurture"] == ["handed_over"]


def test_personas_and_hand_overs_that_are_withdrawn_leave_nothing_behind() -> None:
    shelf = Shelf(*ALL)
    contact = live(says(NOW, email="a@b.example", company_size=40, role="engineer"), *READY, book=shelf.book)[
        -1
    ].contact
    contact.version = 1
    assert contact.persona
    assert contact.handed
    for key in ("segment/developers", "segment/at-sales", "persona/developer", "persona/manager", "handover/handover"):
        shelf.withdraw(key)
    gone = fold(contact, looks("/", NOW + 1), shelf.book, NOW + 1, history=[]).contact
    assert gone.persona is None
    assert gone.handed is None


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({**READINESS, "score": "other"}, "there is no published score called 'other'"),
        ({"kind": "segment", "id": "x", "if": {"grade": "other", "is": "A"}},
         "there is no published grade called 'other'"),
        ({"kind": "segment", "id": "x", "if": {"score": "engagement", "band": "boiling"}},
         "there is no published band 'boiling' in 'engagement'"),
        ({"kind": "segment", "id": "x", "if": {"matrix": "readiness", "is": "A4"}},
         "there is no published cell 'A4' in 'readiness'"),
        ({**HANDOVER, "nurture": {**HANDOVER["nurture"], "journey": "other"}},  # type: ignore[dict-item]
         "there is no published journey called 'other'"),
        ({**ENGAGEMENT, "bands": None}, "it is live, and there is no published band 'hot' in 'engagement'"),
        ({**PERSONAS[0], "rules": [{"id": "x", "if": {"segment": "developers"}}]}, "it depends on itself"),
        ({**HANDOVER, "back_if": {"segment": "at-sales"}}, "by way of handover/handover, segment/at-sales"),
        ({**HANDOVER, "nurture": {"if": {"segment": "at-sales", "is": False}}}, "it depends on itself"),
        ({"kind": "template", "id": "t", "channel": "sms", "topic": "offers", "text": "Hello", "stage": "other"},
         "the life cycle has no stage 'other'; it has attract, capture, nurture, convert, expand"),
    ],
)  # fmt: skip
def test_what_refers_to_nothing_is_refused(document: Mapping[str, Any], sentence: str) -> None:
    with pytest.raises(DefinitionError) as raised:
        Shelf(*ALL).publish(document)
    assert sentence in str(raised.value)


ACTS = st.one_of(
    st.sampled_from(["/pricing", "/blog/a", "/"]).map(lambda path: ("Page Viewed", {}, {"path": path})),
    st.integers(1, 60).map(lambda size: ("Identified", {"company_size": size}, {})),
    st.sampled_from(["engineer", "manager", "clerk"]).map(lambda role: ("Identified", {"role": role}, {})),
    st.just(("Identified", {"email": "ana@example.com"}, {})),
    st.just(("Order Completed", {}, {})),
    st.just(("Nurture Wanted", {}, {})),
    st.just(("Task Completed", {}, {"kind": "handover", "outcome": "rejected", "task_id": "t"})),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ACTS, st.integers(0, 20)), min_size=1, max_size=25))
def test_c68_nobody_is_ever_at_sales_and_in_the_nurturing_journey(lived: list[tuple[Any, int]]) -> None:
    at, events = NOW, []
    for number, ((name, attributes, said), days) in enumerate(lived):
        at += days * DAY + MINUTE
        events.append(an_event(name, at, number, attributes, **said))
    furthest = -1
    for outcome in live(*events):
        contact = outcome.contact
        handed = contact.handed.to if contact.handed else None
        assert handed != "sales" or "nurture" not in contact.active
        assert handed != "sales" or contact.find_value("owner")
        assert len([place for place in places_of(contact) if place.startswith(("handover/", "stage/"))]) <= 2
        rank = BOOK.rank_stage(contact.stage.name) if contact.stage else -1
        assert rank >= furthest
        furthest = rank
        body = encode_contact(contact)
        stored = decode_contact(
            contact.contact_id, contact.version, body, created_at=contact.created_at, wake_at=contact.wake_at
        )
        assert (stored.stage, stored.stages_before, stored.persona, stored.handed) == (
            contact.stage, contact.stages_before, contact.persona, contact.handed,
        )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ACTS, st.integers(0, 20)), min_size=1, max_size=25))
def test_what_is_kept_step_by_step_equals_what_is_asked_anew(lived: list[tuple[Any, int]]) -> None:
    at, events = NOW, []
    for number, ((name, attributes, said), days) in enumerate(lived):
        at += days * DAY + MINUTE
        events.append(an_event(name, at, number, attributes, **said))
    contact = live(*events)[-1].contact
    view = BOOK.view(contact, at)
    for segment in BOOK.segments.values():
        assert segment.evaluate(view).truth is (segment.id in contact.segments), segment.id
    match = BOOK.personas.match(view)
    assert (contact.persona and contact.persona[::2]) == (match[:2] if match.persona else None)
    assert BOOK.handover is not None
    assert (contact.handed.to if contact.handed else "") == BOOK.handover.choose(view).to
    for sheet in BOOK.scores.values():
        anew = Contact("again", scores={sheet.id: dict(sheet.recompute(events))})
        assert sheet.value(view) == pytest.approx(sheet.value(BOOK.view(anew, at)), abs=0.002)


@settings(max_examples=40, deadline=None)
@given(st.lists(ACTS, min_size=1, max_size=12), st.lists(ACTS, min_size=1, max_size=12))
def test_merging_two_people_comes_to_the_same_from_either_side(a: list[Any], b: list[Any]) -> None:
    sides = []
    for contact_id, acts in (("ana", a), ("dev", b)):
        contact = begin(contact_id, BOOK, NOW)
        events = [an_event(n, NOW + i * MINUTE, i, attributes, **said) for i, (n, attributes, said) in enumerate(acts)]
        sides.append(live(*events, contact=contact)[-1].contact)
    one, _ = merge(sides[0], sides[1], BOOK, NOW + DAY)
    other, _ = merge(sides[1], sides[0], BOOK, NOW + DAY)
    assert (one.stage, one.stages_before, one.persona, one.handed) == (
        other.stage, other.stages_before, other.persona, other.handed,
    )  # fmt: skip
    assert one.scores == other.scores
