"""The outbox of a fold: what may leave, what waits, and who goes first."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad import events as names
from postroad.contacts.codec import decode_contact, encode_contact
from postroad.contacts.contact import Consent
from postroad.contacts.merging import merge
from postroad.contacts.places import places_of
from postroad.events import Event
from postroad.fold import begin, fold
from postroad.instants import DAY
from postroad.lots import is_among
from postroad.sending.gates import GATES
from postroad.sending.messages import QUEUED, SKIPPED
from postroad.sending.outbox import MOST_POSTPONED
from tests.books import FOOTER, Shelf

NOW = 1_793_610_000.0
HOUR, MINUTE = 3_600.0, 60.0


def policy(**more):
    topics = [
        {"id": "news", "name": "News", "opt_in": False},
        {"id": "receipts", "opt_in": False, "transactional": True},
    ]
    return {"kind": "policy", "id": "policy", "postal_address": "1 High Street", "topics": topics, **more}


def template(template_id, topic="news", channel="email"):
    parts = {"subject": "Hi", "html": "<p>Hi</p>" + FOOTER} if channel == "email" else {"text": "Hi"}
    return {"kind": "template", "id": template_id, "channel": channel, "topic": topic, **parts}


def send(step_id, template_id, **more):
    return {"id": step_id, "send": {"template": template_id, **more}}


def journey(journey_id, event, *steps, **more):
    head = {"kind": "journey", "id": journey_id, "trigger": {"event": event}, "reentry": "always"}
    return {**head, **more, "steps": list(steps)}


SCORE = {
    "kind": "score",
    "id": "engagement",
    "bands": [{"id": "hot", "from": 50}, {"id": "warm", "from": 10}, {"id": "cold"}],
    "rules": [{"id": "view", "event": "Page Viewed", "points": 10}],
}
WEEKLY = {"per": "P7D", "at_most": 2, "score": "engagement", "bands": {"hot": 4, "cold": 1}}
CAPS = [{"per": "P1D", "at_most": 1, "channel": "sms"}, WEEKLY]
REST = {"id": "rest", "wait": {"for": "PT1M"}}
DOCUMENTS = (
    SCORE,
    template("letter"),
    template("text", channel="sms"),
    template("receipt", "receipts"),
    journey("low", "Asked", send("say", "letter"), REST, priority=10),
    journey("high", "Asked", send("say", "letter"), REST, priority=90),
    journey("texts", "Texted", send("say", "text", channel="sms"), REST),
    journey("bought", "Order Completed", send("say", "receipt"), REST),
    journey(
        "cart",
        "Product Added",
        send("remind", "letter", expires="P20D"),
        {"id": "think", "wait": {"for": "P10D"}},
        goal={"event": "Order Completed"},
    ),
    journey(
        "careful",
        "Cared",
        send("say", "letter", expires="PT2H"),
        {"id": "think", "wait": {"for": "P10D"}},
    ),
)


class Person:
    """Somebody, and all messages that folding made for them."""

    def __init__(self, shelf, contact_id="ana"):
        self.book = shelf.book
        self.now = NOW
        self.number = 0
        self.contact = begin(contact_id, self.book, NOW)
        self.contact.identities = {"email:ana@example.com": NOW, "phone:+34600000001": NOW}
        self.messages = []
        self.rows = []

    def fold(self, name, at=None, **properties):
        self.now = max(self.now, at if at is not None else self.now)
        self.number += 1
        event = Event(f"e-{self.number}", name, self.now, self.now, trusted=True, properties=properties)
        outcome = fold(self.contact, event, self.book, self.now)
        contact = replace(outcome.contact, version=outcome.contact.version + 1)
        stored = encode_contact(contact)
        self.contact = decode_contact("ana", contact.version, stored, created_at=NOW, wake_at=contact.wake_at)
        self.messages += outcome.messages
        self.rows.append(outcome.decisions)
        return outcome

    def wakes(self, until=None):
        """Let the timer ring whenever it is due, until a time, or once."""
        while self.contact.wake_at is not None and (until is None or self.contact.wake_at <= until):
            outcome = self.fold(names.WAKE, self.contact.wake_at)
            if until is None:
                return outcome
        self.now = max(self.now, until or self.now)
        return None

    @property
    def sent(self):
        return [(m.origin.partition("@")[0], m.created_at) for m in self.messages if m.state == QUEUED]

    @property
    def said(self):
        return [(d.gate, d.verdict, d.because) for d in self.rows[-1] if d.gate]


@pytest.fixture
def capped():
    return Person(Shelf(policy(caps=CAPS, postpone_at_most="P10D"), *DOCUMENTS))


def test_every_gate_says_what_must_be_so():
    assert len({gate.key for gate in GATES}) == len(GATES)
    assert all(gate.sentence[0].isupper() and gate.sentence[-1] not in ".!" for gate in GATES)


def test_without_caps_everything_leaves_at_once():
    ana = Person(Shelf(policy(), *DOCUMENTS))
    ana.fold("Asked")
    assert sorted(ana.sent) == [("journey/high", NOW), ("journey/low", NOW)]
    assert (ana.contact.postponed, ana.contact.spent) == ({}, ())


def test_c22_a_low_score_gets_little_and_a_high_score_gets_more(capped):
    capped.fold("Asked")  # in the band cold: one a week
    assert [origin for origin, _ in capped.sent] == ["journey/high"]
    for _ in range(5):
        capped.fold("Page Viewed", capped.now + MINUTE)
    capped.fold("Asked", capped.now + HOUR)  # in the band hot: four a week
    assert [origin for origin, _ in capped.sent] == ["journey/high", "journey/low", "journey/high", "journey/low"]
    capped.fold("Asked", capped.now + HOUR)
    assert len(capped.sent) == 4
    assert ("caps", "postponed") in {(gate, verdict) for gate, verdict, _ in capped.said}


def test_of_two_that_want_to_leave_at_once_the_higher_priority_goes_and_the_lower_waits_until_there_is_room(capped):
    capped.fold("Asked")
    assert capped.sent == [("journey/high", NOW)]
    (waits,) = capped.contact.postponed.values()
    assert (waits.origin, waits.at, waits.priority) == ("journey/low@1", NOW + 7 * DAY, 10)
    assert places_of(capped.contact)["journey/low/~postponed.say"] == NOW
    assert capped.said == [
        ("caps", "passed", "0 of at most 1 message within 1 week in the band cold"),
        (
            "caps",
            "postponed",
            "until 2026-11-09 09:00 UTC: 1 of at most 1 message within 1 week in the band cold",
        ),
    ]
    capped.wakes(NOW + 8 * DAY)
    assert capped.sent == [("journey/high", NOW), ("journey/low", NOW + 7 * DAY)]
    assert capped.contact.postponed == {}


def test_a_better_band_makes_room_before_its_time(capped):
    capped.fold("Asked")
    capped.fold("Page Viewed", NOW + HOUR)  # ten points: out of the band cold
    assert capped.sent == [("journey/high", NOW), ("journey/low", NOW + HOUR)]


@pytest.mark.parametrize("event", [names.MESSAGE_SKIPPED, names.MESSAGE_FAILED])
def test_what_did_not_leave_is_given_back_and_whoever_waits_has_the_room(capped, event):
    capped.fold("Asked")
    (queued,) = (m for m in capped.messages if m.state == QUEUED)
    capped.fold(event, NOW + HOUR, message_id=queued.message_id)
    assert capped.sent == [("journey/high", NOW), ("journey/low", NOW + HOUR)]
    capped.fold(event, NOW + 2 * HOUR, message_id=queued.message_id)  # said twice: nothing more is given back
    capped.fold("Asked", NOW + 3 * HOUR)
    assert len(capped.sent) == 2


def test_a_channel_has_a_cap_of_its_own(capped):
    capped.fold("Page Viewed")
    capped.fold("Texted", NOW + MINUTE)
    capped.fold("Texted", NOW + 5 * MINUTE)
    assert capped.sent == [("journey/texts", NOW + MINUTE)]
    capped.wakes(NOW + 2 * DAY)
    assert capped.sent == [("journey/texts", NOW + MINUTE), ("journey/texts", NOW + MINUTE + DAY)]


def test_what_is_transactional_is_neither_held_up_nor_counted(capped):
    capped.fold("Asked")
    capped.fold("Order Completed", NOW + MINUTE)
    assert capped.sent[-1] == ("journey/bought", NOW + MINUTE)
    assert len(capped.contact.spent) == 1


def test_a_goal_that_is_reached_calls_off_what_still_waits(capped):
    capped.fold("Asked")
    capped.fold("Product Added", NOW + MINUTE)
    assert len(capped.contact.postponed) == 2
    capped.fold("Order Completed", NOW + HOUR)
    called_off = next(m for m in capped.messages if m.origin == "journey/cart@1")
    assert (called_off.state, called_off.reason) == (SKIPPED, "the goal of its journey is reached")
    capped.wakes(NOW + 20 * DAY)
    assert "journey/cart" not in [origin for origin, _ in capped.sent]


def test_a_consent_withdrawn_meanwhile_stops_what_waits(capped):
    capped.fold("Asked")
    capped.contact.consents["news"] = Consent(False, NOW + DAY)
    capped.wakes(NOW + 8 * DAY)
    assert capped.sent == [("journey/high", NOW)]
    assert (capped.messages[-1].state, capped.messages[-1].reason) == (SKIPPED, "the contact unsubscribed from News")


def test_what_would_expire_while_it_waits_is_skipped_and_its_journey_hears_of_it(capped):
    capped.fold("Asked")
    outcome = capped.fold("Cared", NOW + MINUTE)
    (skipped,) = outcome.messages
    assert skipped.state == SKIPPED
    assert skipped.reason == (
        "1 of at most 1 message within 1 week in the band cold; it expires 2026-11-02 11:01 UTC, before it could leave"
    )
    assert capped.contact.active["careful"].marks == {"say": ("skipped",)}


def test_a_policy_may_skip_what_finds_no_room():
    ana = Person(Shelf(policy(caps=CAPS, when_full="skip"), *DOCUMENTS))
    ana.fold("Asked")
    assert [(m.origin, m.state) for m in ana.messages] == [("journey/high@1", QUEUED), ("journey/low@1", SKIPPED)]
    assert ana.contact.active["low"].marks == {"say": ("skipped",)}
    assert ana.contact.postponed == {}


def test_nothing_waits_longer_than_the_policy_says():
    ana = Person(Shelf(policy(caps=CAPS, postpone_at_most="P2D"), *DOCUMENTS))
    ana.fold("Asked")
    assert ana.messages[-1].reason.endswith("; there is no room within 2 days")


def test_too_many_that_wait_crowd_out_the_lowest_priority():
    many = [journey(f"j{n:02d}", "Flooded", send("say", "letter"), REST, priority=n) for n in range(25)]
    ana = Person(Shelf(policy(caps=[{"per": "P7D", "at_most": 1}], postpone_at_most="P30D"), template("letter"), *many))
    ana.fold("Flooded")
    assert ana.sent == [("journey/j24", NOW)]
    assert sorted(c.priority for c in ana.contact.postponed.values()) == list(range(24 - MOST_POSTPONED, 24))
    assert {m.reason for m in ana.messages if m.state == SKIPPED} == {"more than 20 messages wait for this contact"}


def test_when_two_turn_out_to_be_one_the_larger_use_counts(capped):
    other = Person(Shelf(policy(caps=CAPS, postpone_at_most="P10D"), *DOCUMENTS))
    other.contact.contact_id = "bob"
    capped.fold("Asked")
    other.fold("Asked", NOW + HOUR)
    one, _ = merge(capped.contact, other.contact, capped.book, NOW + HOUR)
    two, _ = merge(other.contact, capped.contact, capped.book, NOW + HOUR)
    assert one.spent == two.spent == (*capped.contact.spent, *other.contact.spent)
    assert one.postponed == two.postponed


def test_the_control_group_gets_no_marketing_but_what_is_transactional():
    shelf = Shelf(policy(control=20), *DOCUMENTS)
    held, treated = (
        next(f"c{n}" for n in range(99) if is_among(20, "control", f"c{n}") is wanted) for wanted in (True, False)
    )
    for contact_id, sent in ((held, ["journey/bought"]), (treated, ["journey/bought", "journey/high", "journey/low"])):
        ana = Person(shelf)
        ana.contact.contact_id = contact_id
        outcome = fold(ana.contact, Event("e", "Asked", NOW, NOW, trusted=True), ana.book, NOW)
        bought = fold(outcome.contact, Event("f", "Order Completed", NOW, NOW, trusted=True), ana.book, NOW)
        messages = (*outcome.messages, *bought.messages)
        assert sorted(m.origin.partition("@")[0] for m in messages if m.state == QUEUED) == sent
        reasons = {m.reason for m in messages if m.state == SKIPPED}
        assert reasons <= {"the contact is one of the 20 % who get no marketing (the control group)"}


# The law

MOVES = st.lists(
    st.tuples(
        st.sampled_from(
            ["Asked", "Texted", "Product Added", "Order Completed", "Page Viewed", "Cared", "lost", "wake"]
        ),
        st.sampled_from([0.0, 1.0, MINUTE, HOUR, 5 * HOUR, DAY, 3 * DAY]),
    ),
    max_size=30,
)
UNBANDED = [
    {"per": "P1D", "at_most": 1, "channel": "sms"},
    {"per": "P7D", "at_most": 3},
    {"per": "PT12H", "at_most": 2},
]


@settings(max_examples=60, deadline=None)
@given(MOVES)
def test_caps_hold_for_any_order_of_events(moves):
    ana = Person(Shelf(policy(caps=UNBANDED, postpone_at_most="P20D"), *DOCUMENTS))
    lost = set()
    for name, pause in moves:
        ana.wakes(ana.now + pause)
        left = [m for m in ana.messages if m.state == QUEUED and m.message_id not in lost]
        if name == "lost":
            if left:
                lost.add(left[-1].message_id)
                ana.fold(names.MESSAGE_SKIPPED, message_id=left[-1].message_id)
        elif name != "wake":
            ana.fold(name)
        counted = [m for m in ana.messages if m.state == QUEUED and m.topic == "news" and m.message_id not in lost]
        for cap in ana.book.policy.caps:
            times = [m.created_at for m in counted if cap.counts(m.channel)]
            windows = zip(times, times[cap.at_most :], strict=False)
            assert all(last - first >= cap.per for first, last in windows), (cap, times)
        assert all(c.at > ana.now for c in ana.contact.postponed.values())
        assert len(ana.contact.spent) <= sum(cap.at_most for cap in ana.book.policy.caps)
    # Whoever waits has a wake, and none waits for ever.
    ana.wakes(ana.now + 40 * DAY)
    assert ana.contact.postponed == {}
