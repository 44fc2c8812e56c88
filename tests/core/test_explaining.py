"""Why, and why not: what stood between a contact and a journey or a message."""

from collections.abc import Mapping
from typing import Any

import pytest

from demo.documents import load_definitions
from postroad import events as names
from postroad.book import Book
from postroad.commits import Row
from postroad.contacts.contact import Contact
from postroad.decisions import Decision
from postroad.events import Event
from postroad.explaining import LATER, NO, OPEN, YES, Finding, tell_decision, why_journey, why_message
from postroad.fold import begin, fold
from postroad.sending.gates import GATES
from postroad.sending.messages import BOUNCED, SKIPPED, Message
from tests.books import FOOTER, Shelf

NOW = 1_793_610_000.0
HOUR, DAY = 3_600.0, 86_400.0
SHOP = load_definitions()
SHELF = Shelf(*SHOP.values())
BOOK = SHELF.book


class Ana:
    """A contact, her timeline and her messages."""

    def __init__(self, book: Book = BOOK, *, email: bool = True, name: str = "ana") -> None:
        self.book = book
        self.contact: Contact = begin(name, book, NOW)
        if email:
            self.contact.identities["email:ana@example.com"] = NOW
        self.rows: list[Row] = []
        self.messages: dict[str, Message] = {}
        self.now = NOW

    def does(self, name: str, after: float = 0.0, **properties: Any) -> None:
        """Something happens to her, so long after what was last; her timer rings before where it is due."""
        until = self.now + after
        while self.contact.wake_at is not None and self.contact.wake_at <= until and name != names.WAKE:
            self.does(names.WAKE, max(0.0, self.contact.wake_at - self.now))
        self.now = until
        event = Event(f"e-{len(self.rows)}", name, until, until, trusted=True, properties=properties)
        outcome = fold(self.contact, event, self.book, until)
        self.contact = outcome.contact
        self.rows.insert(0, Row(self.contact.contact_id, event, outcome.caused, outcome.decisions))
        self.messages |= {message.step: message for message in outcome.messages}

    def why(self, journey: str, **options: Any) -> tuple[Finding, ...]:
        return why_journey(self.contact, journey, self.book, self.rows, self.now, **options)


def by_key(findings: tuple[Finding, ...]) -> Mapping[str, Finding]:
    return {finding.key: finding for finding in findings}


# Journeys


def test_who_never_did_what_starts_a_journey_is_told_what_would() -> None:
    live, trigger, entry = Ana().why("welcome")
    assert (live.key, live.verdict, live.recorded) == ("live", YES, True)
    assert (trigger.key, trigger.verdict) == ("trigger", OPEN)
    assert trigger.sentence == "Nothing that starts it is recorded. It starts with: Signed Up."
    assert (entry.key, entry.verdict, entry.recorded, entry.at) == ("entry", YES, False, NOW)
    assert entry.sentence == "If Signed Up happened now: started, enters for the first time."


def test_who_is_under_way_is_told_how_they_came_in_where_they_stand_and_what_comes() -> None:
    ana = Ana()
    ana.does("Product Added", product_id="sampler")
    findings = ana.why("abandoned-cart")
    told = by_key(findings[:3])
    assert (told["trigger"].verdict, told["trigger"].at) == (YES, NOW)
    assert told["entry"].sentence == "Started: enters for the first time."
    (position,) = [finding for finding in findings if finding.key == "position"]
    assert position.verdict == LATER
    assert position.sentence == "Stands at grace, until 2026-11-02 10:00 UTC at most: Wait for 1 hour."
    ahead = [finding for finding in findings if not finding.recorded]
    assert ahead[1].sentence.startswith("If nothing else happens, at reminder: send, cart-reminder by email")
    assert ahead[1].at == NOW + HOUR


def test_who_may_not_enter_again_is_told_the_rule() -> None:
    ana = Ana()
    ana.does("Product Added")
    ana.does("Order Completed", 60.0)
    *_, ended, again = ana.why("abandoned-cart")
    assert (ended.key, ended.verdict, ended.recorded) == ("step", YES, True)
    assert "completed, Order Completed" in ended.sentence
    assert (again.key, again.verdict, again.recorded) == ("entry", NO, False)
    assert "less than 1 day before" in again.sentence


def test_a_refused_entry_is_found_in_the_timeline() -> None:
    ana = Ana()
    ana.does("Signed Up")
    ana.does("Signed Up", HOUR)
    told = by_key(ana.why("welcome")[:3])
    assert (told["entry"].verdict, told["entry"].at, told["entry"].recorded) == (NO, NOW + HOUR, True)
    assert "is in this journey since" in told["entry"].sentence


def test_explaining_changes_nothing_about_the_contact() -> None:
    ana = Ana()
    ana.does("Product Added")
    before = ana.contact.copy()
    ana.why("abandoned-cart", step_id="reminder")
    assert ana.contact == before


def test_each_gate_says_what_it_would_say_to_a_step_now() -> None:
    ana = Ana()
    gates = [finding for finding in ana.why("abandoned-cart", step_id="text") if finding.key in _KEYS]
    assert [finding.key for finding in gates] == _KEYS
    told = by_key(tuple(gates))
    assert (told["template"].verdict, told["address"].verdict) == (YES, NO)
    assert told["address"].sentence == "The contact has no address for sms."
    assert {finding.recorded for finding in gates} == {False}
    ana.does(names.UNSUBSCRIBED, topic="offers")
    told = by_key(ana.why("abandoned-cart", step_id="reminder"))
    assert told["refusal"].sentence == "The contact unsubscribed from Offers and reminders."


def test_a_step_that_sends_nothing_has_no_gates() -> None:
    *_, finding = Ana().why("abandoned-cart", step_id="grace")
    assert (finding.key, finding.verdict) == ("send", NO)


@pytest.mark.parametrize("ask", [{"journey": "nothing"}, {"journey": "welcome", "step_id": "nothing"}])
def test_what_is_not_there_is_a_key_error(ask: dict[str, str]) -> None:
    with pytest.raises(KeyError):
        Ana().why(**ask)


def test_who_is_held_out_to_compare_is_told_so_recorded_and_in_a_dry_run() -> None:
    held = {**SHOP["journey/abandoned-cart"], "holdout": 50}
    shelf = Shelf(*SHOP.values())
    book = shelf.after(held)
    people = [Ana(book, name=f"person-{number}") for number in range(20)]
    before = [by_key(each.why("abandoned-cart")) for each in people]
    for each in people:
        each.does("Product Added")
    after = [by_key(each.why("abandoned-cart")) for each in people]
    for dry, recorded in zip(before, after, strict=True):
        assert ("holdout" in dry) == ("holdout" in recorded)
        if "holdout" in recorded:
            assert (dry["holdout"].verdict, dry["holdout"].recorded) == (NO, False)
            assert (recorded["holdout"].verdict, recorded["holdout"].recorded) == (NO, True)
            assert "50 % who stay out" in recorded["holdout"].sentence
    assert 2 < sum("holdout" in found for found in after) < 18


def test_a_message_that_a_cap_keeps_for_later_says_which_and_until_when() -> None:
    policy = {**SHOP["policy/policy"], "caps": [{"per": "P7D", "at_most": 1}], "postpone_at_most": "P7D"}
    ana = Ana(Shelf(*SHOP.values()).after(policy))
    ana.does("Signed Up")
    ana.does("Product Added", 60.0)
    ana.does(names.WAKE, 2 * HOUR)
    (caps,) = [finding for finding in ana.why("abandoned-cart") if finding.key == "caps" and finding.recorded]
    assert caps.verdict == LATER
    assert caps.sentence.startswith("At reminder: postponed, until ")


def test_a_withdrawn_journey_is_told_to_be_so() -> None:
    shelf = Shelf(*SHOP.values())
    ana = Ana(shelf.book)
    ana.does("Product Added")
    shelf.withdraw("journey/abandoned-cart")
    ana.book = shelf.book
    live = ana.why("abandoned-cart")[0]
    assert (live.verdict, "withdrawn" in live.sentence) == (NO, True)


def test_what_lies_ahead_is_told_also_while_a_new_version_is_about_to_take_somebody_along() -> None:
    steps = [{"wait": {"for": "P2D"}}, {"id": "hello", "send": {"template": "letter"}}]
    shelf = Shelf(CAPPED, LETTER, {**ASKED, "steps": steps})
    ana = Ana(shelf.book)
    ana.does("Asked")
    ana.contact.version = 1
    longer = {**ASKED, "steps": [*steps, {"id": "rest", "wait": {"for": "P1D"}}]}
    ana.book = shelf.after(longer, transfers={"journey/asked": {"under_way": "move"}})
    ahead = [finding.sentence for finding in ana.why("asked") if not finding.recorded]
    assert any(sentence.startswith("If nothing else happens, at rest: wait") for sentence in ahead)


# Messages

_KEYS = [gate.key for gate in GATES]


def test_a_sent_message_passed_every_gate_and_says_what_became_of_it() -> None:
    ana = Ana()
    ana.does("Signed Up")
    message = ana.messages["welcome"]
    times = {**message.times, "sent": NOW + 2, "delivered": NOW + 5, "opened": NOW + HOUR}
    findings = why_message(message.with_(state="delivered", times=times), ana.rows)
    keys = ["trigger", "entry", "step", *_KEYS, "queued", "sent", "delivered", "opened"]
    assert [finding.key for finding in findings] == keys
    assert {finding.verdict for finding in findings} == {YES}
    assert findings[-1] == Finding("opened", YES, "It was opened.", NOW + HOUR)


def test_a_skipped_message_names_the_gate_and_those_that_were_not_asked() -> None:
    ana = Ana(email=False)
    ana.does("Signed Up")
    findings = why_message(ana.messages["welcome"], ana.rows)
    told = by_key(findings)
    assert (told["template"].verdict, told["address"].verdict, told["refusal"].verdict) == (YES, NO, OPEN)
    assert "the contact has no address for email" in told["address"].sentence
    assert told[SKIPPED].sentence == "It was not sent: the contact has no address for email."


def test_a_message_on_its_way_waits() -> None:
    ana = Ana()
    ana.does("Signed Up")
    *_, last = why_message(ana.messages["welcome"], ana.rows)
    assert (last.key, last.verdict, last.sentence) == ("sent", LATER, "It waits to be sent.")


def test_a_bounce_is_told_with_its_reason() -> None:
    ana = Ana()
    ana.does("Signed Up")
    message = ana.messages["welcome"].with_(state=BOUNCED, reason="bounced (General)")
    *_, last = why_message(message.with_(times={**message.times, BOUNCED: NOW + 9}), ana.rows)
    assert last == Finding(BOUNCED, NO, "It bounced: bounced (General).", NOW + 9)


# Sentences


def test_a_decision_is_told_with_the_names_of_what_decided() -> None:
    decision = Decision("journey/welcome@1", "first-open", "over", "the wait ended 2026-11-04 10:14 UTC")
    told = tell_decision(decision, BOOK)
    assert told == "Journey Welcome, step first-open: over, because the wait ended 2026-11-04 10:14 UTC."
    assert (
        tell_decision(Decision("segment/gone", "", "left", "it is gone"), BOOK)
        == "Segment gone: left, because it is gone."
    )


CAPPED = {
    "kind": "policy",
    "id": "policy",
    "postal_address": "1 High Street",
    "topics": [{"id": "news", "opt_in": False}],
    "caps": [{"per": "P7D", "at_most": 1}],
    "when_full": "skip",
}
LETTER = {
    "kind": "template",
    "id": "letter",
    "channel": "email",
    "topic": "news",
    "subject": "Hi",
    "html": "<p>Hi</p>" + FOOTER,
}
ASKED = {"kind": "journey", "id": "asked", "trigger": {"event": "Asked"}}


@pytest.mark.parametrize(
    "journey",
    [
        {**ASKED, "reentry": "always", "steps": [{"id": "hello", "send": {"template": "letter"}}]},
        {
            **ASKED,
            "steps": [
                {"id": "hello", "send": {"template": "letter"}},
                {"wait": {"for": "P2D"}},
                {"goto": {"step": "hello"}},
            ],
        },
    ],
    ids=["in the next passage", "in the next round"],
)
def test_what_stopped_the_next_message_of_a_step_is_no_reason_of_the_one_before(journey: Mapping[str, Any]) -> None:
    ana = Ana(Shelf(CAPPED, LETTER, journey).book)
    ana.does("Asked")
    first = ana.messages["hello"]
    ana.does("Asked", 3 * DAY)
    second = ana.messages["hello"]
    assert (first.state, second.state) == ("queued", "skipped")
    assert first.message_id != second.message_id
    told = by_key(why_message(first, ana.rows))
    assert (told["caps"].verdict, told["hours"].verdict) == (YES, YES)
    assert told["caps"].sentence == "At hello: passed, 0 of at most 1 message within 1 week."
    told = by_key(why_message(second, ana.rows))
    assert (told["caps"].verdict, told["hours"].verdict) == (NO, OPEN)
    assert told["caps"].sentence == "At hello: skipped, 1 of at most 1 message within 1 week."
