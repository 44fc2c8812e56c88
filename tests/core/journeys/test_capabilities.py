"""What marketers asked of journeys, each proved over simulated weeks with the fold itself."""

import pytest

from postroad import events as names
from postroad.contacts.merging import merge
from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.fold import fold
from tests.books import Shelf
from tests.people import POLICY, Person, publish, template

STAGES = {
    "kind": "stages", "id": "lifecycle",
    "stages": [
        {"id": "subscriber", "if": {"event": "Signed Up", "at_least": 1}},
        {"id": "lead", "if": {"event": "Quote Asked", "at_least": 1}},
        {"id": "customer", "if": {"event": "Order Completed", "at_least": 1}},
    ],
}  # fmt: skip


def mail(step_id, name="hello"):
    return {"id": step_id, "send": {"template": name}}


def journey(trigger, *steps, journey_id="tour", **document):
    return {"kind": "journey", "id": journey_id, "trigger": trigger, "steps": list(steps), **document}


def event(name, **where):
    return {
        "event": name,
        **({"where": {"all": [{"property": key, **is_} for key, is_ in where.items()]}} if where else {}),
    }


# Sequences


SERIES = journey(
    event("Signed Up"),
    mail("one"),
    {"wait": {"for": "P2D"}},
    {"branch": {
        "cases": [{"if": {"attribute": "company_size", "gte": 200}, "then": [mail("two-large")]}],
        "else": [mail("two-small")],
    }},
    {"wait": {"for": "P2D"}},
    {"match": {
        "attribute": "role", "cases": [{"is": ["founder", "director"], "then": [mail("three-decider")]}],
        "else": [mail("three-maker")],
    }},
)  # fmt: skip


def test_c03_a_series_with_two_splits_sends_different_mails_to_people_whose_data_differ():
    large = Person(SERIES, company_size=900, role="director").does("Signed Up").passes("P30D")
    small = Person(SERIES, role="engineer").does("Signed Up").passes("P30D")
    times = ["2026-11-02T09:00", "2026-11-04T09:00", "2026-11-06T09:00"]
    assert large.sent == list(zip(["one", "two-large", "three-decider"], times, strict=True))
    assert small.sent == list(zip(["one", "two-small", "three-maker"], times, strict=True))


def test_c04_an_opener_goes_one_way_and_a_silent_reader_the_other():
    steps = (
        mail("one"),
        {"id": "look", "wait": {"opened": "one", "timeout": "P2D", "then": [mail("a")], "else": [mail("b")]}},
    )
    opener = Person(journey(event("Signed Up"), *steps)).does("Signed Up").passes("PT7H").opens("one")
    assert opener.passes("P9D").sent == [("one", "2026-11-02T09:00"), ("a", "2026-11-02T16:00")]
    silent = Person(journey(event("Signed Up"), *steps)).does("Signed Up").passes("P9D")
    assert silent.sent == [("one", "2026-11-02T09:00"), ("b", "2026-11-04T09:00")]
    scanned = Person(journey(event("Signed Up"), *steps)).does("Signed Up").passes("PT1M")
    scanned.does(names.EMAIL_OPENED, message_id=scanned.messages[0].message_id, actor="machine").passes("P9D")
    assert scanned.steps == ["one", "b"]


# Triggers


def test_c05_an_opening_by_a_person_starts_a_journey_and_one_by_a_machine_does_not():
    letter = journey(event("Signed Up"), mail("letter", "newsletter"), journey_id="letter")
    follow = journey(event("Email Opened", email_id={"is": "newsletter"}), mail("follow"))
    ana = Person(letter, follow).does("Signed Up")
    said = {"message_id": ana.messages[0].message_id, "email_id": "newsletter"}
    ana.does(names.EMAIL_OPENED, actor="machine", **said)
    assert ana.steps == ["letter"]
    ana.does(names.EMAIL_OPENED, actor="human", **{**said, "email_id": "another"})
    assert ana.steps == ["letter"]
    assert ana.does(names.EMAIL_OPENED, actor="human", **said).steps == ["letter", "follow"]


def test_c06_a_click_on_one_link_starts_a_journey_and_one_on_another_does_not():
    follow = journey(event("Email Link Clicked", url={"contains": "/demo"}), mail("follow"))
    ana = Person(follow)
    said = {"message_id": "m.one", "email_id": "newsletter", "actor": "human"}
    assert ana.does(names.EMAIL_CLICKED, url="https://shop.example/prices", **said).steps == []
    assert (
        ana.does(names.EMAIL_CLICKED, url="https://shop.example/demo?x=1", **{**said, "actor": "machine"}).steps == []
    )
    assert ana.does(names.EMAIL_CLICKED, url="https://shop.example/demo?x=1", **said).steps == ["follow"]


PRICES = event("Page Viewed", path={"starts_with": "/prices"})


def test_c07_a_page_starts_a_journey():
    ana = Person(journey(PRICES, mail("prices")))
    assert ana.does(names.PAGE_VIEWED, path="/blog").steps == []
    assert ana.does(names.PAGE_VIEWED, path="/prices/teams").steps == ["prices"]


def test_c07_an_earlier_anonymous_visit_counts_once_it_is_known_whose_it_was():
    visited = {
        "kind": "segment", "id": "visited",
        "if": {"all": [{**PRICES, "at_least": 1, "within": "P7D"}, {"attribute": "email", "exists": True}]},
    }  # fmt: skip
    definitions = visited, journey({"segment": "visited"}, mail("prices"))
    visitor = Person(*definitions)
    visitor.contact.identities = {"anon:device-1": visitor.now}
    visitor.does(names.PAGE_VIEWED, path="/prices", trusted=False).passes("P3D")
    assert visitor.messages == []
    ana = Person(*definitions, contact_id="contact-known", email="ana@example.com").until(visitor.now)
    person, _ = merge(ana.contact, visitor.contact, ana.book, ana.now)
    joined = Event("event-joined", names.IDENTIFIED, ana.now, ana.now, trusted=True)
    outcome = fold(person, joined, ana.book, ana.now, everything=True)
    assert [(message.step, message.state) for message in outcome.messages] == [("prices", "queued")]


def test_c61_what_passed_between_people_starts_a_journey():
    after = journey(event("Meeting Held", outcome={"is": "interested"}), {"wait": {"for": "P1D"}}, mail("minutes"))
    ana = Person(after).does("Meeting Held", outcome="undecided").passes("P2D")
    assert ana.steps == []
    assert ana.does("Meeting Held", outcome="interested", by="mia").passes("P2D").sent == [
        ("minutes", "2026-11-05T09:00")
    ]  # fmt: skip


def test_c10_a_journey_without_an_end_admits_people_months_later():
    ana = Person(journey(event("Signed Up"), mail("welcome"))).until("2028-02-01T12:00:00Z").does("Signed Up")
    assert ana.sent == [("welcome", "2028-02-01T12:00")]


# The funnel


def test_c09_one_person_goes_from_subscriber_to_customer_over_journeys_that_follow_one_another():
    welcome = journey(
        event("Signed Up"), mail("welcome"), {"wait": {"for": "P2D"}}, journey_id="welcome",
    )  # fmt: skip
    nurture = journey(
        {"journey": "welcome", "ended": "completed"}, mail("guide"),
        {"wait": {"event": "Quote Asked", "timeout": "P14D", "then": [], "else": [{"exit": {"reason": "cold"}}]}},
        {"goal": {"name": "asked"}}, journey_id="nurture",
    )  # fmt: skip
    close = journey(
        {"journey": "nurture", "ended": "goal"}, mail("offer"), {"wait": {"for": "P30D"}},
        journey_id="close", goal={"event": "Order Completed"},
    )  # fmt: skip
    onboard = journey({"journey": "close", "ended": "goal"}, mail("onboarding"), journey_id="onboard")
    ana = Person(STAGES, welcome, nurture, close, onboard).does("Signed Up")
    ana.passes("P5D").does("Quote Asked").passes("P3D").does("Order Completed").passes("P1D")
    assert ana.sent == [
        ("welcome", "2026-11-02T09:00"),
        ("guide", "2026-11-04T09:00"),
        ("offer", "2026-11-07T09:00"),
        ("onboarding", "2026-11-10T09:00"),
    ]
    history = [stage.name for stage in (*ana.contact.stages_before, ana.contact.stage)]
    assert history == ["subscriber", "lead", "customer"]
    outcomes = {name: passage.last_state for name, passage in ana.contact.passages.items()}
    assert outcomes == {"welcome": "completed", "nurture": "goal", "close": "goal", "onboard": "completed"}


def test_c64_a_programme_has_one_goal_and_reaching_it_is_its_outcome():
    win = journey(
        event("Signed Up"), mail("one"), {"wait": {"for": "P7D"}}, mail("two"),
        goal={"event": "Order Completed", "where": {"property": "total", "gte": 50}, "within": "P14D"},
    )  # fmt: skip
    small = Person(win).does("Signed Up").passes("P1D").does("Order Completed", total=20).passes("P20D")
    assert (small.steps, small.contact.passages["tour"].last_state) == (["one", "two"], "completed")
    large = Person(win).does("Signed Up").passes("P1D").does("Order Completed", total=80).passes("P20D")
    assert (large.steps, large.contact.passages["tour"].last_state) == (["one"], "goal")


# Building


def test_c13_a_journey_is_live_at_once_and_one_with_a_mistake_never_is():
    shelf = publish({"kind": "segment", "id": "vip", "if": {"attribute": "plan", "is": "pro"}})
    hello = template("hello")
    sound = journey(
        {"segment": "vip"}, mail("one"), {"wait": {"for": "P1D"}}, {"goto": {"step": "one", "most": 2}}
    )  # fmt: skip
    mistakes = {
        "steps[0].send.template": {**sound, "steps": [mail("one", "helo")]},
        "trigger": {**sound, "trigger": {"segment": "vips"}},
        "steps[2]": {**sound, "steps": [*sound["steps"][:2], {"goto": {"step": "ones"}}]},
        "steps[1]": {**sound, "steps": [mail("one"), {"goto": {"step": "one"}}]},
        "steps[1].split.ways": {**sound, "steps": [mail("one"), {"split": {"ways": [{"percent": 90}]}}]},
    }
    for path, document in mistakes.items():
        with pytest.raises(DefinitionError) as caught:
            Shelf.publish(shelf, hello, document)
        assert any(at.endswith(path) and len(sentence) > 20 for at, sentence in caught.value.mistakes)
        assert "journey/tour" not in shelf.manifest.live
    shelf.publish(hello, sound)
    ana = Person(POLICY)
    ana.book = shelf.book
    assert ana.is_(plan="pro").passes("P9D").steps == ["one", "one", "one"]
