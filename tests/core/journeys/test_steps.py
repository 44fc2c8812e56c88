from dataclasses import replace

import pytest

from postroad.instants import DAY, format_instant, parse_instant
from postroad.journeys import STEP_TYPES, WAITS, Send, Update, describe_journey

HOUR = 3_600.0
MONDAY = parse_instant("2026-11-02T09:00:00Z")

SEND = {"id": "reminder", "send": {"template": "cart-reminder", "channel": "email"}}


def mail(step_id):
    return {"id": step_id, "send": {"template": step_id}}


# One row for every type of step, and every kind of wait: (step, where it stands after entering, its due after seconds,
# what it asks for, what it says of itself).
ROWS = {
    "send": (SEND, "after", DAY, ["reminder"], "Send cart-reminder by email"),
    "wait for": ({"id": "here", "wait": {"for": "PT1H"}}, "here", HOUR, [], "Wait for 1 hour"),
    "wait until": (
        {"id": "here", "wait": {"until": "10:30", "weekdays": ["tue", "mon"]}},
        "here", 0.5 * HOUR, [], "Wait until 10:30 on Mon, Tue, local time",
    ),
    "wait event": (
        {"id": "here", "wait": {"event": "Order Completed", "timeout": "PT1H"}},
        "here", HOUR, [], "Wait for Order Completed, at most 1 hour",
    ),
    "wait segment": (
        {"id": "here", "wait": {"segment": "vip", "timeout": "P7D"}},
        "here", 7 * DAY, [], "Wait until: is in the segment vip, at most 1 week",
    ),
    "wait opened": (
        {"id": "here", "wait": {"opened": "first", "timeout": "P2D"}},
        "here", 2 * DAY, [], "Wait until: opened first, at most 2 days",
    ),
    "wait clicked": (
        {"id": "here", "wait": {"clicked": "first", "timeout": "P2D"}},
        "here", 2 * DAY, [], "Wait until: clicked in first, at most 2 days",
    ),
    "branch": (
        {"id": "here", "branch": {"cases": [{"if": {"attribute": "country", "is": "FR"}, "then": [SEND]}]}},
        "after", DAY, ["reminder"], "Take the first way that holds",
    ),
    "update": (
        {"id": "here", "update": {"set": {"plan": "pro"}, "unset": "trial", "stage": "mql"}},
        "after", DAY, [], 'Set plan to "pro", unset trial, move to stage mql',
    ),
    "wait moment": (
        {"id": "here", "wait": {"moment": "2026-11-05T10:30"}},
        "here", 3 * DAY + 0.5 * HOUR, [], "Wait until 2026-11-05 10:30, local time",
    ),
    "wait date": (
        {"id": "here", "wait": {"date": "renewal", "before": "P1D", "at": "10:00"}},
        "here", 9 * DAY, [], "Wait until 1 day before renewal at 10:00, local time",
    ),
    "wait between": (
        {"id": "here", "wait": {"between": {"from": "13:00", "to": "17:00"}, "weekdays": ["mon"]}},
        "here", 3 * HOUR, [], "Wait until it is between 13:00 and 17:00 on Mon, local time",
    ),
    "wait open": (
        {"id": "here", "wait": {"open": True, "channel": "sms"}},
        "after", DAY, [], "Wait until it is open for sms, by the account's calendar",
    ),
    "wait left": (
        {"id": "here", "wait": {"left": "vip", "timeout": "P7D"}},
        "here", 7 * DAY, [], "Wait for leaving segment vip, at most 1 week",
    ),
    "wait form": (
        {"id": "here", "wait": {"form": "survey", "timeout": "P7D"}},
        "here", 7 * DAY, [], "Wait for submitting form survey, at most 1 week",
    ),
    "wait journey": (
        {"id": "here", "wait": {"journey": "welcome", "timeout": "P7D"}},
        "here", 7 * DAY, [], "Wait for the end of journey welcome, at most 1 week",
    ),
    "match": (
        {"id": "here", "match": {"attribute": "country", "cases": [{"is": ["FR", "BE"], "then": [SEND]}]}},
        "after", DAY, ["reminder"], "Go on by country",
    ),
    "language": (
        {"id": "here", "language": {"cases": [{"is": "fr", "then": [SEND]}]}},
        "after", DAY, [], "Go on by language",
    ),
    "split": (
        {"id": "here", "split": {"ways": [{"percent": 100, "then": [SEND]}, {"percent": 0}]}},
        "after", DAY, ["reminder"], "Draw lots",
    ),
    "holdout": ({"id": "here", "holdout": {"percent": 0.01}}, "after", DAY, [], "Hold 0.01 % out"),
    "list": (
        {"id": "here", "list": {"add": "buyers", "remove": ["leads", "cold"]}},
        "after", DAY, [], "Add to buyers, remove from leads, cold",
    ),
    "tag": (
        {"id": "here", "tag": {"add": ["seen", "Trade Fair"], "remove": "new"}},
        "after", DAY, [], "Tag as seen, Trade Fair, take the tags new away",
    ),
    "points": ({"id": "here", "points": {"score": "engagement", "add": -5}}, "after", DAY, [],
               "Give -5 points to engagement"),
    "owner": (
        {"id": "here", "owner": {"is": ["mia", "tom"]}},
        "after", DAY, [], "Give to one of mia, tom, unless somebody looks after them already",
    ),
    "event": (
        {"id": "here", "event": {"name": "Trial Nurtured", "properties": {"round": 2}}},
        "after", DAY, [], "Say that Trial Nurtured happened (round 2)",
    ),
    "task": (
        {"id": "here", "task": {"kind": "call", "title": "Ring Ana", "timeout": "P3D",
                                "outcomes": {"interested": [SEND]}}},
        "here", 3 * DAY, [], "Ask for a call: Ring Ana; goes on by what comes of it within 3 days",
    ),
    "goto": ({"id": "here", "goto": {"step": "after", "most": 2}}, "after", DAY, [], "Go to after, 2 times at most"),
    "goal": ({"id": "here", "goal": {"name": "trial booked"}}, None, None, [], "Goal: trial booked"),
    "experiment": (
        {"id": "here", "experiment": {"goal": {"event": "Order Completed"}, "within": "P7D", "variants": [
            {"name": "now", "weight": 10_000, "then": [SEND]}, {"name": "never", "weight": 0.01}]}},
        "after", DAY, ["reminder"], "Experiment: deal people out by lot; it is about Order Completed within 1 week",
    ),
    "exit": ({"id": "here", "exit": {"reason": "bought"}}, None, None, [], "Exit: bought"),
}  # fmt: skip


ENDS = {"exit": ("exited", "bought"), "goal": ("completed", "goal")}


@pytest.mark.parametrize("row", ROWS)
def test_every_step_type_stands_waits_asks_and_describes_itself(travel, row):
    step, stands_at, due, sent, sentence = ROWS[row]
    first, *after = [mail("first"), step] + ([] if row in ENDS else [{"id": "after", "wait": {"for": "P1D"}}])
    ana = travel([first, *after], attributes={"country": "FR", "renewal": "2026-11-12"})
    assert ana.sent == ["first", *sent]
    if stands_at:
        assert (ana.enrollment.step, ana.enrollment.due) == (stands_at, MONDAY + due)
    else:
        assert ana.ended == ENDS[row]
        assert ana.enrollment.due is None
    assert f"2. {sentence} [{step['id']}]" in describe_journey(ana.journey)


def test_the_rows_cover_the_tables():
    kinds = {f"wait {key}" for key in WAITS} | set(STEP_TYPES) - {"wait"}
    assert kinds == set(ROWS)


# Send


def test_a_send_asks_for_a_message_by_an_id_that_a_retry_repeats(travel):
    steps = [{"id": "hello", "send": {"template": "welcome", "channel": "sms", "expires": "P1D"}}]
    first, again = travel(steps), travel(steps)
    message_id = f"{first.enrollment.enrollment_id}.hello"
    assert first.effects == [Send("hello", "welcome", "sms", message_id, MONDAY + DAY)] == again.effects


def test_a_second_visit_to_a_send_is_a_message_of_its_own(travel):
    ana = travel([{"id": "pause", "wait": {"for": "PT1H"}}, mail("hello")])
    ana.enrollment = ana.enrollment.with_(visits={"pause": 1, "hello": 1})
    ana.wake_when_due()
    assert ana.effects[0].message_id == f"{ana.enrollment.enrollment_id}.hello~2"


def test_a_skipped_message_does_not_hold_the_journey_up(travel):
    ana = travel([mail("hello"), {"wait": {"for": "PT1H"}}, mail("second")])
    ana.mark("hello", "skipped", MONDAY + 60)
    ana.wake(MONDAY + HOUR)
    assert ana.sent == ["hello", "second"]


# Waiting for a duration


@pytest.mark.parametrize(("duration", "seconds"), [("PT1S", 1), ("PT15M", 900), ("P3D", 3 * DAY), ("P400D", 400 * DAY)])
def test_a_wait_of_any_length_ends_at_its_instant_and_not_before(travel, duration, seconds):
    ana = travel([{"wait": {"for": duration}}, mail("hello")])
    assert ana.enrollment.due == MONDAY + seconds
    ana.wake(MONDAY + seconds - 0.001)
    assert ana.sent == []
    ana.wake(MONDAY + seconds)
    assert ana.sent == ["hello"]
    assert ana.ended == ("completed", "finished")


def test_no_event_ends_a_wait_for_a_duration(travel):
    ana = travel([{"id": "pause", "wait": {"for": "PT1H"}}, mail("hello")])
    before = ana.enrollment
    ana.event("Order Completed", MONDAY + 60)
    assert ana.enrollment is before


def test_after_a_late_wake_the_next_wait_keeps_its_full_length(travel):
    ana = travel([mail("one"), {"wait": {"for": "PT1H"}}, mail("two"), {"wait": {"for": "PT1H"}}, mail("three")])
    ana.wake(MONDAY + 5 * HOUR)
    assert ana.sent == ["one", "two"]
    assert ana.enrollment.due == MONDAY + 6 * HOUR


# Waiting until a local time


@pytest.mark.parametrize(
    ("case", "zone", "wait", "document", "due"),
    [
        ("the contact's own zone", "America/New_York", {"timezone": "Europe/Madrid"}, {}, "2026-11-02T14:00"),
        ("else the step's", None, {"timezone": "Europe/Madrid"}, {"timezone": "Asia/Tokyo"}, "2026-11-03T08:00"),
        ("else the journey's", None, {}, {"timezone": "Asia/Tokyo"}, "2026-11-03T00:00"),
        ("else UTC", None, {}, {}, "2026-11-03T09:00"),
        ("an unknown zone counts as none", "Mars/Base", {"timezone": "Asia/Tokyo"}, {}, "2026-11-03T00:00"),
        ("so does a zone that is no text", 7, {"timezone": "Asia/Tokyo"}, {}, "2026-11-03T00:00"),
    ],
)
def test_a_local_time_is_local_to(travel, case, zone, wait, document, due):
    attributes = {} if zone is None else {"timezone": zone}
    ana = travel([{"wait": {"until": "09:00", **wait}}], attributes=attributes, **document)
    assert format_instant(ana.enrollment.due)[:16] == due


def test_a_zone_that_nobody_knows_is_said_in_the_decision(travel):
    ana = travel([{"wait": {"until": "09:00"}}], attributes={"timezone": "Mars/Base"})
    assert ana.decisions[0].because == (
        "until 2026-11-03 09:00 UTC (09:00 UTC; the contact's timezone is none that we know)"
    )


# Waiting for an event

FOR_ORDER = {
    "id": "order",
    "wait": {
        "event": "Order Completed", "where": {"property": "total", "gte": 50}, "timeout": "PT1H",
        "then": [mail("thanks")], "else": [mail("reminder")],
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("case", "time", "arrives", "sent"),
    [
        ("before the timeout", HOUR - 60, HOUR - 60, ["thanks"]),
        ("at the instant of entering", 0, 1, ["thanks"]),
        ("just before the end", HOUR - 0.001, HOUR - 0.001, ["thanks"]),
        ("exactly at the end", HOUR, HOUR, ["reminder"]),
        ("after the end", HOUR + 60, HOUR + 60, ["reminder"]),
        ("before the end, arriving after it and before the clock", HOUR - 1, HOUR + 20, ["thanks"]),
        ("before the wait was entered, arriving in time", -1, 60, []),
        ("long before the wait, arriving after its end", -DAY, HOUR + 60, ["reminder"]),
        ("with a clock that runs ahead", 9 * HOUR, 60, ["thanks"]),
    ],
)
def test_an_event_counts_by_its_own_time(travel, case, time, arrives, sent):
    ana = travel([FOR_ORDER])
    ana.event("order completed", MONDAY + time, arrives=MONDAY + arrives, total=80)
    assert ana.sent == sent


def test_an_event_that_does_not_fit_is_waited_past(travel):
    ana = travel([FOR_ORDER])
    ana.event("Order Completed", MONDAY + 60, total=20)
    ana.event("Product Viewed", MONDAY + 90, total=80)
    assert ana.enrollment.step == "order"
    ana.wake_when_due()
    assert ana.sent == ["reminder"]


def test_the_event_that_started_the_journey_does_not_end_its_first_wait(travel):
    ana = travel([{"id": "again", "wait": {"event": "Product Added", "timeout": "PT1H", "then": [mail("two")]}}])
    assert ana.enrollment.step == "again"
    ana.event("Product Added", MONDAY + 60)
    assert ana.sent == ["two"]


def test_one_event_ends_one_wait(travel):
    wait = {"event": "Lesson Read", "timeout": "P7D"}
    ana = travel([{"id": "one", "wait": wait}, {"id": "two", "wait": wait}])
    ana.event("Lesson Read", MONDAY + 60)
    assert (ana.enrollment.step, ana.ended) == ("two", ("active", ""))
    ana.event("Lesson Read", MONDAY + 90)
    assert ana.ended == ("completed", "finished")


def test_what_was_due_before_the_event_happened_comes_first(travel):
    ana = travel([{"wait": {"for": "PT1H"}}, mail("hello"), FOR_ORDER])
    ana.event("Order Completed", MONDAY + HOUR + 10, arrives=MONDAY + HOUR + 20, total=80)
    assert ana.sent == ["hello", "thanks"]


def test_what_happened_during_one_wait_does_not_end_the_next(travel):
    ana = travel([{"wait": {"for": "PT1H"}}, FOR_ORDER])
    ana.wake(MONDAY + HOUR + 40)
    ana.event("Order Completed", MONDAY + HOUR - 10, arrives=MONDAY + HOUR + 50, total=80)
    assert (ana.enrollment.step, ana.ended, ana.sent) == ("order", ("active", ""), [])


def test_an_event_between_the_end_of_a_wait_and_a_late_clock_is_not_lost(travel):
    ana = travel([{"wait": {"for": "PT1H"}}, FOR_ORDER])
    ana.wake(MONDAY + HOUR + 40)
    assert ana.enrollment.due == MONDAY + 2 * HOUR + 40
    ana.event("Order Completed", MONDAY + HOUR + 10, arrives=MONDAY + HOUR + 50, total=80)
    assert ana.sent == ["thanks"]


FOR_LESSON = {"event": "Lesson Read", "timeout": "PT1H", "then": [mail("thanks")], "else": [mail("reminder")]}


@pytest.mark.parametrize(
    ("case", "time", "sent"),
    [
        ("after the trigger", 600, ["thanks"]),
        ("before the trigger", -600, []),
        ("at the instant of the trigger, which it may have caused", 0, []),
    ],
)
def test_an_event_whose_news_came_before_that_of_the_trigger_counts_by_its_own_time(travel, case, time, sent):
    ana = travel([{"id": "lesson", "wait": FOR_LESSON}], heard=[("Lesson Read", MONDAY + time)], late=900.0)
    assert ana.sent == sent
    if sent:
        assert ana.decisions[0][1:4] == ("lesson", "yes", "Lesson Read, 2026-11-02 09:10 UTC")


def test_of_events_heard_of_before_each_ends_one_wait(travel):
    wait = {"event": "Lesson Read", "timeout": "P7D"}
    steps = [{"id": "one", "wait": wait}, {"id": "two", "wait": wait}, {"id": "three", "wait": wait}]
    ana = travel(steps, heard=[("Lesson Read", MONDAY + 60), ("Lesson Read", MONDAY + 120)], late=900.0)
    assert ana.enrollment.step == "three"
    ana.event("Lesson Read", MONDAY + 1_000)
    assert ana.ended == ("completed", "finished")


def test_of_two_events_the_earlier_ends_the_earlier_wait(travel):
    wait = {"event": "Lesson Read", "timeout": "P7D"}
    ana = travel([{"wait": {"for": "PT1H"}}, {"id": "one", "wait": wait}, {"id": "two", "wait": wait}, mail("done")])
    ana.remember(ana.make_event("Lesson Read", MONDAY + HOUR + 10))
    ana.event("Lesson Read", MONDAY + HOUR + 20)
    assert ana.sent == ["done"]


def test_what_another_contact_of_the_person_did_counts_when_the_wait_is_over(travel):
    ana = travel([{"id": "lesson", "wait": FOR_LESSON}])
    ana.remember(ana.make_event("Lesson Read", MONDAY + 600))  # a merge has brought it
    ana.wake_when_due()
    assert ana.sent == ["thanks"]


def test_after_an_update_an_event_that_came_before_it_still_counts(travel):
    steps = [{"wait": {"for": "PT1H"}}, {"update": {"set": {"a": 1}}}, {"id": "lesson", "wait": FOR_LESSON}]
    ana = travel(steps)
    ana.event("Lesson Read", MONDAY + HOUR + 20)
    assert ana.sent == ["thanks"]


# Waiting for a fact

LOOK = {"id": "look", "wait": {"opened": "hello", "timeout": "P2D", "then": [mail("a")], "else": [mail("b")]}}


def test_an_opener_goes_one_way_at_once_and_a_non_opener_the_other_after_exactly_two_days(travel):
    opener, other = travel([mail("hello"), LOOK]), travel([mail("hello"), LOOK])
    opener.mark("hello", "opened", MONDAY + 17 * 60)
    assert opener.sent == ["hello", "a"]
    assert ("yes", "opened hello, 2026-11-02 09:17 UTC") in [decision[2:4] for decision in opener.decisions]
    other.wake(MONDAY + 2 * DAY - 0.001)
    assert other.sent == ["hello"]
    other.wake(MONDAY + 2 * DAY)
    assert other.sent == ["hello", "b"]


def test_a_mail_opened_before_the_wait_begins_does_not_wait(travel):
    ana = travel([mail("hello"), {"wait": {"for": "PT1H"}}, LOOK])
    ana.mark("hello", "opened", MONDAY + 60)
    ana.wake(MONDAY + HOUR)
    assert ana.sent == ["hello", "a"]


@pytest.mark.parametrize(
    ("mark", "time", "sent"),
    [
        ("clicked", 60, ["hello", "a"]),  # nobody clicks in a mail unopened
        ("sent", 60, ["hello"]),
        ("bounced", 60, ["hello"]),
        ("opened", 2 * DAY, ["hello", "b"]),  # at the very end it is over
        ("opened", 2 * DAY + 60, ["hello", "b"]),
    ],
)
def test_a_mark_on_the_message_decides(travel, mark, time, sent):
    ana = travel([mail("hello"), LOOK])
    ana.mark("hello", mark, MONDAY + time)
    assert ana.sent == sent


def test_an_opening_before_the_end_counts_though_its_news_come_after_it(travel):
    ana = travel([mail("hello"), LOOK])
    ana.mark("hello", "opened", MONDAY + 2 * DAY - 1, arrives=MONDAY + 2 * DAY + 20)
    assert ana.sent == ["hello", "a"]


def test_a_wait_for_a_segment_takes_who_is_in_it_already_and_who_enters_it(travel):
    wait = {"id": "vip", "wait": {"segment": "vip", "timeout": "P7D", "then": [mail("a")], "else": [mail("b")]}}
    steps = [{"wait": {"for": "PT1H"}}, wait]
    already, enters, never = travel(steps), travel(steps), travel(steps)
    already.contact.segments["vip"] = MONDAY
    already.wake(MONDAY + HOUR)
    assert already.sent == ["a"]
    enters.wake(MONDAY + HOUR)
    enters.contact.segments["vip"] = MONDAY + DAY
    enters.event("Segment Entered", MONDAY + DAY, segment="vip")
    assert enters.sent == ["a"]
    never.wake(MONDAY + HOUR).wake_when_due()
    assert never.sent == ["b"]


# Branch


def case(country, *steps, name=None):
    return {"if": {"attribute": "country", "is": country}, "then": list(steps), **({"name": name} if name else {})}


@pytest.mark.parametrize(
    ("country", "sent", "verdict"), [("FR", "bonjour", "French"), ("ES", "hola", "case 2"), ("DE", "hello", "else")]
)
def test_a_branch_takes_the_first_case_that_holds(travel, country, sent, verdict):
    cases = [case("FR", mail("bonjour"), name="French"), case("ES", mail("hola")), case("FR", mail("encore"))]
    branch = {"id": "tongue", "branch": {"cases": cases, "else": [mail("hello")]}}
    ana = travel([branch], attributes={"country": country})
    assert ana.sent == [sent]
    assert (ana.decisions[0].step, ana.decisions[0].verdict) == ("tongue", verdict)


def test_branches_within_branches_merge_at_the_step_after_the_block(travel):
    inner = {"branch": {"cases": [{"if": {"attribute": "plan", "is": "pro"}, "then": [mail("pro")]}]}}
    steps = [{"branch": {"cases": [case("FR", inner, mail("fr"))], "else": []}}, mail("all")]
    assert travel(steps, attributes={"country": "FR", "plan": "pro"}).sent == ["pro", "fr", "all"]
    assert travel(steps, attributes={"country": "FR"}).sent == ["fr", "all"]
    assert travel(steps, attributes={"plan": "pro"}).sent == ["all"]


# Update and exit


def test_an_update_is_seen_by_the_branch_after_it(travel):
    branch = {"branch": {"cases": [{"if": {"attribute": "interest", "is": "enterprise"}, "then": [mail("sales")]}]}}
    ana = travel([{"id": "note", "update": {"set": {"interest": "enterprise"}}}, branch])
    assert ana.effects[0] == Update("note", {"interest": "enterprise"}, (), None)
    assert ana.sent == ["sales"]


def test_an_update_is_seen_by_the_branch_after_it_also_when_an_event_came_first(travel):
    branch = {"branch": {"cases": [{"if": {"attribute": "interest", "is": "enterprise"}, "then": [mail("sales")]}]}}
    update = {"update": {"set": {"interest": "enterprise"}}}
    ana = travel([{"wait": {"event": "Page Viewed", "timeout": "PT1H"}}, update, branch])
    ana.event("Page Viewed", MONDAY + HOUR + 10)
    assert ana.sent == ["sales"]


def test_an_update_is_asked_for_once(travel):
    ana = travel([{"update": {"stage": "mql", "unset": ["trial"]}}, {"wait": {"for": "P1D"}}], attributes={"trial": 1})
    ana.wake_when_due()
    assert ana.effects == [Update("update-1", {}, ("trial",), "mql")]
    assert ana.contact.stage.name == "mql"


def test_an_exit_in_an_arm_ends_only_who_takes_it(travel):
    steps = [{"branch": {"cases": [case("FR", {"exit": {"reason": "not there yet"}})]}}, mail("hello")]
    gone, stays = travel(steps, attributes={"country": "FR"}), travel(steps)
    assert (gone.ended, gone.sent) == (("exited", "not there yet"), [])
    assert (stays.ended, stays.sent) == (("completed", "finished"), ["hello"])


def test_what_has_ended_stays_ended(travel):
    ana = travel([{"exit": {}}])
    ended = replace(ana.enrollment)
    ana.event("Order Completed", MONDAY + 60)
    assert ana.enrollment == ended
