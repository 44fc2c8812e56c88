from dataclasses import replace
from math import inf

import pytest

from postroad.contacts.contact import Attribute, Contact, Passage
from postroad.decisions import Decision
from postroad.events import Event
from postroad.instants import DAY, parse_instant
from postroad.journeys import advance, end, enroll, enrollment_id_of, may_enter, on_mark, parse_journey, starts
from postroad.journeys.interpreter import MOST_EFFECTS
from postroad.predicates.predicate import View

HOUR = 3_600.0
MONDAY = parse_instant("2026-11-02T09:00:00Z")
PAUSE = {"id": "pause", "wait": {"for": "P400D"}}
HELLO = {"id": "hello", "send": {"template": "welcome"}}


def journey(**document):
    head = {"kind": "journey", "id": "tour", "trigger": {"event": "Product Added"}, "steps": [PAUSE, HELLO]}
    return parse_journey({**head, **document}, version=3)


def happened(name="Product Added", time=MONDAY, event_id="event-1", **properties):
    return Event(event_id, name, time, time, properties=properties)


# Goal

BOUGHT = {"event": "Order Completed", "where": {"property": "total", "gte": 50}, "within": "P14D"}


@pytest.mark.parametrize(
    ("case", "time", "arrives", "total", "reached"),
    [
        ("soon", 60, 60, 80, True),
        ("at the last instant of the window", 14 * DAY, 14 * DAY, 80, True),
        ("after the window", 14 * DAY + 1, 14 * DAY + 1, 80, False),
        ("within the window, arriving after it", 14 * DAY - 1, 15 * DAY, 80, True),
        ("before the enrollment began, arriving later", -60, 60, 80, False),
        ("too small", 60, 60, 20, False),
    ],
)
def test_a_goal_is_reached_within_its_window_from_entering(travel, case, time, arrives, total, reached):
    ana = travel([PAUSE, HELLO], goal=BOUGHT)
    ana.event("order completed", MONDAY + time, arrives=MONDAY + arrives, total=total)
    assert ana.ended == (("completed", "goal") if reached else ("active", ""))
    if reached:
        assert ana.decisions[-1] == Decision(
            "journey/tour@3", "pause", "completed", "Order Completed (total is at least 50) within 2 weeks"
        )  # fmt: skip


def test_a_goal_without_a_window_counts_however_late(travel):
    ana = travel([PAUSE], goal={"event": "Order Completed"})
    ana.event("Order Completed", MONDAY + 399 * DAY)
    assert ana.ended == ("completed", "goal")


def test_a_goal_stops_even_the_message_that_is_due(travel):
    ana = travel([PAUSE, HELLO], goal={"event": "Order Completed"})
    ana.event("Order Completed", MONDAY + 400 * DAY + 20)
    assert ana.sent == []


def test_the_event_that_starts_a_journey_is_not_its_goal(travel):
    ana = travel([PAUSE], goal={"event": "Product Added"})
    assert ana.enrollment.state == "active"
    ana.event("Product Added", MONDAY + 60)
    assert ana.ended == ("completed", "goal")


@pytest.mark.parametrize(
    ("case", "time", "late", "reached"),
    [
        ("after the trigger", HOUR, 2 * HOUR, True),
        ("before the trigger", -1, 2 * HOUR, False),
        ("at the very instant of the trigger, which it may have caused", 0, 2 * HOUR, False),
        ("after the window", 3 * DAY, 4 * DAY, False),
    ],
)
def test_a_goal_whose_news_came_before_that_of_the_trigger_is_reached(travel, case, time, late, reached):
    goal = {"event": "Order Completed", "within": "P2D"}
    ana = travel([HELLO, PAUSE], heard=[("Order Completed", MONDAY + time)], late=late, goal=goal)
    assert ana.ended == (("completed", "goal") if reached else ("active", ""))
    assert ana.sent == ([] if reached else ["hello"])


def test_the_first_goal_counts_when_later_ones_lie_outside_the_window(travel):
    heard = [("Order Completed", MONDAY + days * DAY) for days in (1, 3, 4)]
    goal = {"event": "Order Completed", "within": "P2D"}
    assert travel([PAUSE], heard=heard, late=5 * DAY, goal=goal).ended == ("completed", "goal")


def test_a_goal_that_another_contact_of_the_person_reached_counts_before_the_next_step(travel):
    ana = travel([PAUSE, HELLO], goal={"event": "Order Completed"})
    ana.remember(ana.make_event("Order Completed", MONDAY + DAY))  # a merge has brought it
    ana.wake_when_due()
    assert (ana.ended, ana.sent) == (("completed", "goal"), [])


def test_entering_a_segment_can_be_the_goal(travel):
    ana = travel([PAUSE], goal={"segment": "customers"})
    ana.event("Segment Entered", MONDAY + 60, segment="vip")
    assert ana.enrollment.state == "active"
    ana.event("Segment Entered", MONDAY + 90, segment="customers")
    assert ana.ended == ("completed", "goal")


# Leaving


def test_exit_if_is_asked_before_every_step(travel):
    ana = travel([PAUSE, HELLO], exit_if={"attribute": "plan", "is": "pro"})
    ana.contact.attributes["plan"] = Attribute("pro", MONDAY + 60, True)
    ana.wake_when_due()
    assert ana.ended == ("exited", "exit_if")
    assert ana.sent == []
    assert ana.decisions[-1].because == "plan is pro"


def test_who_is_to_leave_at_once_gets_nothing(travel):
    ana = travel([HELLO], exit_if={"attribute": "plan", "is": "pro"}, attributes={"plan": "pro"})
    assert (ana.ended, ana.sent) == (("exited", "exit_if"), [])


def test_an_enrollment_at_a_step_that_is_gone_fails_with_the_reason(travel):
    ana = travel([PAUSE])
    ana.enrollment = ana.enrollment.with_(step="elsewhere")
    ana.wake_when_due()
    assert ana.ended == ("failed", "journey/tour@3 has no step 'elsewhere'")
    assert ana.enrollment.due is None


def test_steps_in_a_circle_without_a_wait_fail_instead_of_running_for_ever():
    # No document can say this; a step that leads back may come one day.
    plain = journey(steps=[HELLO])
    circle = replace(plain, steps={"hello": replace(plain.steps["hello"], next="hello")})
    enrollment = enroll(circle, "ana", happened(), MONDAY)
    result = advance(circle, enrollment, View(Contact("ana"), MONDAY, event=happened()), MONDAY)
    assert (result.enrollment.state, result.enrollment.reason) == (
        "failed", "step 'hello' comes round again without a wait"
    )  # fmt: skip


def test_an_enrollment_can_be_ended_from_outside(travel):
    ended = end(travel([PAUSE]).enrollment, "exited", "merged")
    assert (ended.state, ended.reason, ended.due) == ("exited", "merged", None)


# Entering


@pytest.mark.parametrize(
    ("trigger", "event", "does"),
    [
        ({"event": "Product Added"}, happened("product ADDED"), True),
        ({"event": "Product Added"}, happened("Product Removed"), False),
        ({"event": "Product Added", "where": {"property": "price", "gt": 10}}, happened(price=11), True),
        ({"event": "Product Added", "where": {"property": "price", "gt": 10}}, happened(price="much"), False),
        ({"segment": "vip"}, happened("Segment Entered", segment="vip"), True),
        ({"segment": "vip"}, happened("Segment Entered", segment="new"), False),
        ([{"event": "Signed Up"}, {"event": "Product Added"}], happened(), True),
        ({"event": "Product Added"}, None, False),
    ],
)
def test_a_trigger_starts_the_journey(trigger, event, does):
    tour = journey(trigger=trigger)
    entry = starts(tour, View(Contact("ana"), MONDAY, event=event))
    assert (entry is not None and entry.allowed) is does
    assert not does or event.name.lower() in tour.starts_on


@pytest.mark.parametrize(
    ("reentry", "days_later", "allowed"),
    [
        ("once", 400, False),
        ("always", 0, True),
        ({"after": "P7D"}, 7, True),
        ({"after": "P7D"}, 6.999, False),
        ({"after": "P7D"}, -1, False),
    ],
)
def test_who_has_been_through_enters_again_as_the_rule_says(reentry, days_later, allowed):
    contact, now = Contact("ana"), MONDAY + days_later * DAY
    contact.passages["tour"] = Passage(1, MONDAY, MONDAY, "completed")
    assert may_enter(journey(reentry=reentry), contact, happened(time=now), now).allowed is allowed


@pytest.mark.parametrize("reentry", ["once", "always", {"after": "PT1S"}])
def test_two_enrollments_in_one_journey_are_never_active_at_once(travel, reentry):
    ana = travel([PAUSE], reentry=reentry)
    ana.contact.active["tour"] = ana.enrollment
    ana.contact.passages["tour"] = Passage(1, MONDAY, None, "active")
    now = MONDAY + 300 * DAY
    assert may_enter(ana.journey, ana.contact, happened(time=now), now) == (
        False, "is in this journey since 2026-11-02 09:00 UTC"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reentry", "because"),
    [
        ("once", "entered 2026-11-02 09:00 UTC, and each contact enters once"),
        ({"after": "P7D"}, "entered 2026-11-02 09:00 UTC, less than 1 week before"),
        ("always", "entered 2026-11-02 09:00 UTC, and may enter again"),
    ],
)
def test_the_rule_of_reentry_gives_its_reason(reentry, because):
    contact = Contact("ana")
    contact.passages["tour"] = Passage(1, MONDAY, MONDAY, "completed")
    assert may_enter(journey(reentry=reentry), contact, happened(time=MONDAY + DAY), MONDAY + DAY).because == because


def test_what_is_older_than_a_week_starts_no_journey():
    old = happened(time=MONDAY - 8 * DAY)
    assert may_enter(journey(), Contact("ana"), old, MONDAY) == (False, "it happened 8 days ago")
    assert may_enter(journey(), Contact("ana"), happened(time=MONDAY - 7 * DAY), MONDAY).allowed


def test_a_first_time_needs_no_rule():
    assert may_enter(journey(), Contact("ana"), happened(), MONDAY) == (True, "enters for the first time")


def test_an_enrollment_begins_at_the_door_due_at_once():
    enrollment = enroll(journey(), "ana", happened(time=MONDAY - 5), MONDAY)
    assert (enrollment.step, enrollment.state, enrollment.due) == ("", "active", MONDAY)
    assert (enrollment.entered, enrollment.since, enrollment.version) == (MONDAY - 5, MONDAY - 5, 3)
    assert enrollment.trigger_key == "2026-11-02T08:59:55.000Z#event-1#~"


def test_a_trigger_from_the_future_counts_as_now():
    assert enroll(journey(), "ana", happened(time=MONDAY + 500), MONDAY).entered == MONDAY


def test_the_id_of_an_enrollment_depends_on_who_where_and_why_alone():
    ids = {
        enrollment_id_of(contact_id, journey_id, happened(event_id=event_id))
        for contact_id, journey_id, event_id in [
            ("ana", "tour", "e1"), ("bo", "tour", "e1"), ("ana", "hunt", "e1"), ("ana", "tour", "e2"),
            ("an", "atour", "e1"), ("ana", "tour", "\ud800")]
    }  # fmt: skip
    assert len(ids) == 6
    assert all(len(enrollment_id) == 12 for enrollment_id in ids)
    assert enrollment_id_of("ana", "tour", happened(event_id="e1", time=MONDAY)) in ids


# Marks and advancing for nothing


def test_a_mark_is_noted_once(travel):
    enrollment = on_mark(travel([PAUSE]).enrollment, "hello", "sent")
    assert on_mark(enrollment, "hello", "sent") is enrollment
    assert on_mark(enrollment, "hello", "opened").marks == {"hello": ("sent", "opened")}


def test_advancing_for_nothing_changes_nothing(travel):
    ana = travel([{"wait": {"event": "Order Completed", "timeout": "P2D"}}])
    for event in (None, happened("Page Viewed", MONDAY + 60)):
        result = advance(ana.journey, ana.enrollment, View(ana.contact, MONDAY + 60, event=event), MONDAY + 60)
        assert result == (ana.enrollment, (), (), inf)


def test_how_far_a_contact_came_is_counted_by_its_visits(travel):
    ana = travel([HELLO, PAUSE, {"id": "end", "exit": {}}])
    assert ana.enrollment.visits == {"hello": 1, "pause": 1}
    ana.wake_when_due()
    assert ana.enrollment.visits == {"hello": 1, "pause": 1, "end": 1}


def test_a_long_row_of_messages_is_asked_for_in_parts(travel):
    steps = [{"id": f"mail-{number}", "send": {"template": "welcome"}} for number in range(25)]
    ana = travel(steps)
    assert ana.sent == [step["id"] for step in steps]
    assert ana.ended == ("completed", "finished")
    assert set(ana.enrollment.visits.values()) == {1}
    first = advance(ana.journey, enroll(ana.journey, "ana", happened(), MONDAY), View(Contact("ana"), MONDAY), MONDAY)
    assert [effect.step_id for effect in first.effects] == [f"mail-{number}" for number in range(MOST_EFFECTS)]
    assert (first.enrollment.step, first.enrollment.due) == (f"mail-{MOST_EFFECTS}", MONDAY)


# Whole journeys


def test_an_abandoned_cart_gets_a_reminder_and_an_order_stops_it(travel):
    steps = [
        {"id": "order", "wait": {
            "event": "Order Completed", "timeout": "PT1H", "then": [{"exit": {"reason": "bought"}}],
        }},
        {"id": "reminder", "send": {"template": "cart-reminder"}},
        {"id": "look", "wait": {
            "opened": "reminder", "timeout": "P2D",
            "then": [{"wait": {"for": "P1D"}}, {"id": "offer", "send": {"template": "cart-offer"}}],
            "else": [{"id": "text", "send": {"template": "cart-text", "channel": "sms"}}],
        }},
    ]  # fmt: skip
    goal = {"event": "Order Completed", "within": "P14D"}

    buyer = travel(steps)
    buyer.event("Order Completed", MONDAY + 1_800)
    assert (buyer.ended, buyer.sent) == (("exited", "bought"), [])

    opener = travel(steps, goal=goal)
    opener.wake_when_due().mark("reminder", "opened", MONDAY + 3 * HOUR).wake_when_due()
    assert (opener.ended, opener.sent) == (("completed", "finished"), ["reminder", "offer"])
    assert opener.now == MONDAY + 27 * HOUR

    ignorer = travel(steps, goal=goal)
    ignorer.wake_when_due().wake_when_due()
    assert (ignorer.ended, ignorer.sent) == (("completed", "finished"), ["reminder", "text"])

    late_buyer = travel(steps, goal=goal)
    late_buyer.wake_when_due().event("Order Completed", MONDAY + DAY)
    assert (late_buyer.ended, late_buyer.sent) == (("completed", "goal"), ["reminder"])


def test_from_sign_up_over_first_open_and_first_purchase_to_the_second_offer(travel):
    steps = [
        {"id": "welcome", "send": {"template": "welcome"}},
        {"wait": {"opened": "welcome", "timeout": "P3D", "else": [{"id": "again", "send": {"template": "welcome-2"}}]}},
        {"id": "offer", "send": {"template": "first-offer"}},
        {"wait": {"event": "Order Completed", "timeout": "P30D", "else": [{"exit": {"reason": "did not buy"}}]}},
        {"wait": {"for": "P7D"}},
        {"id": "second", "send": {"template": "second-offer"}},
    ]
    ana = travel(steps)
    ana.mark("welcome", "opened", MONDAY + DAY).event("Order Completed", MONDAY + 5 * DAY).wake_when_due()
    assert ana.sent == ["welcome", "offer", "second"]
    assert ana.now == MONDAY + 12 * DAY
    bo = travel(steps)
    bo.wake_when_due().wake_when_due()
    assert (bo.sent, bo.ended) == (["welcome", "again", "offer"], ("exited", "did not buy"))
