"""What holds for any journey and any history."""

from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.contacts.contact import Attribute, Contact
from postroad.events import Event
from postroad.instants import parse_instant
from postroad.journeys import Update, advance, describe_journey, enroll, on_mark, parse_journey
from postroad.journeys.interpreter import MOST_EFFECTS
from postroad.predicates.behaviour import combine_trackers
from postroad.predicates.predicate import View

START = parse_instant("2026-03-27T09:00:00Z")
EVENTS = ("Order Completed", "Lesson Read", "Email Opened")
PLANS = ("pro", "free")

durations = st.sampled_from(("PT1S", "PT15M", "P3D", "P400D"))
predicates = st.one_of(
    st.builds(lambda plan: {"attribute": "plan", "is": plan}, st.sampled_from(PLANS)),
    st.just({"opened": "hello"}),
    st.builds(lambda p: {"not": p}, st.just({"clicked": "hello"})),
)
leaves = st.one_of(
    st.builds(lambda d: {"wait": {"for": d}}, durations),
    st.builds(
        lambda time, days, zone: {"wait": {"until": time, "timezone": zone, **({"weekdays": days} if days else {})}},
        st.sampled_from(("00:00", "02:30", "09:00")),
        st.lists(st.sampled_from(("mon", "wed", "sun")), max_size=2),
        st.sampled_from(("Europe/Madrid", "America/New_York", "UTC")),
    ),
    st.builds(lambda plan: {"update": {"set": {"plan": plan}}}, st.sampled_from(PLANS)),
    st.just({"send": {"template": "note"}}),
)


def nest(steps):
    arms = st.lists(steps, max_size=3)
    waits = st.sampled_from(({"event": EVENTS[0]}, {"event": EVENTS[1]}, {"opened": "hello"}, {"clicked": "hello"}))
    return st.one_of(
        st.builds(
            lambda what, timeout, then, other: {"wait": {**what, "timeout": timeout, "then": then, "else": other}},
            waits, durations, arms, arms,
        ),
        st.builds(
            lambda cases, other: {"branch": {"cases": [{"if": p, "then": then} for p, then in cases], "else": other}},
            st.lists(st.tuples(predicates, arms), min_size=1, max_size=3), arms,
        ),
        # An exit may end an arm, and only an arm that is not the only way on.
        st.builds(
            lambda p, then: {"branch": {"cases": [{"if": p, "then": [*then, {"exit": {"reason": "enough"}}]}]}},
            predicates, arms,
        ),
    )  # fmt: skip


def name_sends(steps, counter):
    """Give every send step the id that it must have."""
    for step in steps:
        if "send" in step:
            counter.append(1)
            step = {**step, "id": f"send-{len(counter)}"}
        for key in ("wait", "branch"):
            if key in step and isinstance(step[key], dict):
                body = dict(step[key])
                for arm in ("then", "else"):
                    if arm in body:
                        body[arm] = list(name_sends(body[arm], counter))
                if "cases" in body:
                    body["cases"] = [{**c, "then": list(name_sends(c["then"], counter))} for c in body["cases"]]
                step = {**step, key: body}
        yield step


journeys = st.builds(
    lambda steps, exit_if, goal: parse_journey(
        {
            "kind": "journey", "id": "tour", "trigger": {"event": "Product Added"},
            "steps": [{"id": "hello", "send": {"template": "hello"}}, *name_sends(steps, [])],
            **({"exit_if": exit_if} if exit_if else {}), **({"goal": goal} if goal else {}),
        }
    ),
    st.lists(st.recursive(leaves, nest, max_leaves=8), min_size=1, max_size=5),
    st.none() | predicates,
    st.none() | st.just({"event": "Order Completed", "where": {"property": "total", "gte": 50}, "within": "P14D"}),
)  # fmt: skip
moves = st.lists(
    st.tuples(
        st.sampled_from(("wake", "due", "event", "mark", "attribute")),
        st.floats(0, 40 * 86_400.0),  # time that passes
        st.floats(-3 * 86_400.0, 3_600.0),  # how far the event's own time is from its arrival
        st.sampled_from(EVENTS),
        st.sampled_from(("opened", "clicked", "bounced")),
        st.sampled_from(PLANS),
    ),
    max_size=12,
)  # fmt: skip


def history(journey, moves):
    """(every result of `advance`, in order): a contact goes through a journey, whatever happens."""
    contact, now = Contact("ana"), START
    trigger = Event("event-0", "Product Added", now, now)
    enrollment, event = enroll(journey, "ana", trigger, now), trigger
    results = []

    def go():
        nonlocal enrollment, event
        while True:
            result = advance(journey, enrollment, View(contact, now, event=event), now)
            results.append((now, enrollment, result))
            enrollment, event = result.enrollment, None
            for effect in result.effects:
                if isinstance(effect, Update):
                    for name, value in effect.set.items():
                        contact.attributes[name] = Attribute(value, now, True)
            if enrollment.state != "active" or enrollment.due > now:
                return

    def remember(event):
        for tracker in combine_trackers(journey.trackers).values():
            if event.name.lower() in tracker.events and tracker.matches(event):
                known = contact.behaviour.get(tracker.tracker_id)
                contact.behaviour[tracker.tracker_id] = tracker.update(known, event, now)

    go()
    for number, (kind, passes, shift, name, mark, plan) in enumerate(moves, 1):
        now = enrollment.due if kind == "due" and enrollment.due is not None else now + passes
        if kind == "event":
            event = Event(f"event-{number}", name, min(now, now + shift), now, properties={"total": 60})
            remember(event)
        elif kind == "mark":
            enrollment = on_mark(enrollment, "hello", mark)
            event = Event(f"event-{number}", "Email Opened", now + shift, now)
        elif kind == "attribute":
            contact.attributes["plan"] = Attribute(plan, now, True)
        go()
    return results


@given(journeys, moves)
@settings(max_examples=60)
def test_an_enrollment_is_over_with_a_reason_or_due_some_day(journey, moves):
    for now, before, (after, effects, decisions, _) in history(journey, moves):
        if after.state == "active":
            assert after.due is not None
            assert after.due > now or isinstance(effects[-1], Update) or len(effects) == MOST_EFFECTS
            assert after.step in journey.steps
        else:
            assert after.state in ("completed", "exited")  # none fails: these journeys are valid
            assert after.reason
            assert after.due is None
        for step, count in after.visits.items():
            assert count - before.visits.get(step, 0) in (0, 1)
        assert before.state == "active" or (effects, decisions) == ((), ())


@given(journeys, moves)
@settings(max_examples=50)
def test_the_same_history_gives_the_same_results_and_no_message_twice(journey, moves):
    first, second = history(journey, moves), history(journey, moves)
    assert [result for _, _, result in first] == [result for _, _, result in second]
    sent = [e.message_id for _, _, result in first for e in result.effects if not isinstance(e, Update)]
    assert len(sent) == len(set(sent))


@given(journeys, moves)
@settings(max_examples=50)
def test_waking_too_often_changes_nothing(journey, moves):
    for now, _, (after, *_) in history(journey, moves):
        if after.state == "active" and after.due > now and journey.exit_if is None:
            assert advance(journey, after, View(Contact("ana"), now), now).enrollment == after


@given(journeys)
@settings(max_examples=50)
def test_every_step_is_described_once(journey):
    lines = describe_journey(journey)
    for step_id in journey.steps:
        assert sum(line.endswith(f"[{step_id}]") for line in lines) == 1


@given(st.permutations(["Product Added", "Order Completed", "Lesson Read"]), st.permutations([0.0, 600.0, 1_200.0]))
def test_in_which_order_the_news_come_makes_no_difference(arrivals, times):
    """By their own times the trigger, the goal and what a step waits for decide, whichever is heard of first."""
    steps = [
        {"id": "lesson", "wait": {"event": "Lesson Read", "timeout": "P1D", "then": [{"exit": {"reason": "read"}}]}}
    ]
    journey = parse_journey(
        {"kind": "journey", "id": "tour", "trigger": {"event": "Product Added"}, "goal": {"event": "Order Completed"},
         "steps": steps}
    )  # fmt: skip
    happened = dict(zip(["Product Added", "Order Completed", "Lesson Read"], times, strict=True))
    contact, enrollment, now = Contact("ana"), None, START + 1_800.0
    for number, name in enumerate(arrivals):
        event = Event(f"event-{number}", name, START + happened[name], now)
        for tracker in combine_trackers(journey.trackers).values():
            if name.lower() in tracker.events:
                known = contact.behaviour.get(tracker.tracker_id)
                contact.behaviour[tracker.tracker_id] = tracker.update(known, event, now)
        if name == "Product Added":
            enrollment = enroll(journey, "ana", event, now)
        if enrollment and enrollment.state == "active":
            enrollment = advance(journey, enrollment, View(contact, now, event=event), now).enrollment
    bought, read = (happened[name] > happened["Product Added"] for name in ("Order Completed", "Lesson Read"))
    assert enrollment is not None
    assert (enrollment.state != "active") == (bought or read)
    if bought != read:
        assert enrollment.reason == ("goal" if bought else "read")
