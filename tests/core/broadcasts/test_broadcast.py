"""Broadcasts: what a run does next, how its numbers add up, and that a person gets one message."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.book import Book, Manifest, compile_book
from postroad.broadcasts import broadcast as broadcasts
from postroad.broadcasts.broadcast import (
    ABANDONED,
    ADDRESS,
    AFTERMATH,
    ALONE,
    CANCELLED,
    COUNT,
    DONE,
    DOUBLE,
    LATEST_LOOK,
    MAILING,
    MOST_REASONS,
    NOTHING,
    RUNNING,
    SCHEDULED,
    SETTLING,
    SOONEST_LOOK,
    WAIT,
    Run,
    Tally,
    after_count,
    event_for,
    judge_twins,
    message_id_of,
    next_look,
    next_task,
    parse_broadcast,
    parse_tally,
    plan_run,
    twins_of,
)
from postroad.consent.rule import EVERY_TOPIC
from postroad.contacts.contact import Attribute, Consent, Contact
from postroad.decisions import Decision
from postroad.definitions import plan_publication
from postroad.errors import DefinitionError
from postroad.fold import fold
from postroad.instants import parse_instant
from postroad.sending.messages import FAILED, QUEUED, SENDING, SENT, SKIPPED, STATES, UNKNOWN, Message
from tests.books import FOOTER

NOW = parse_instant("2026-11-23T09:00:00Z")
LETTER = {
    "kind": "broadcast",
    "id": "autumn",
    "name": "Autumn letter",
    "segment": "customers",
    "template": "letter",
    "at": "2026-11-24T09:00:00Z",
}
POLICY = {
    "kind": "policy",
    "id": "policy",
    "postal_address": "1 High Street",
    "topics": [{"id": "offers", "name": "Offers", "opt_in": False}],
}
TEMPLATE = {
    "kind": "template",
    "id": "letter",
    "channel": "email",
    "topic": "offers",
    "subject": "Autumn",
    "html": "<p>Hi</p>" + FOOTER,
}
SEGMENT = {"kind": "segment", "id": "customers", "if": {"event": "Order Completed"}}


@pytest.fixture(scope="module")
def book() -> Book:
    documents = {f"{each['kind']}/{each['id']}": each for each in (POLICY, TEMPLATE, SEGMENT)}
    plan = plan_publication(documents, compile_book(Manifest(), {}), {})
    return compile_book(plan.manifest, plan.versions)


def run(state: str = SCHEDULED, at: float = NOW, **changes: Any) -> Run:
    planned = plan_run({**LETTER, "at": None}, 1, None, at)
    return planned if state == SCHEDULED else replace(planned.to(RUNNING, at), state=state, **changes)


def message(state: str, reason: str = "", contact: str = "ana") -> Message:
    return Message(
        message_id_of("autumn", contact), contact, "broadcast/autumn", "", "", "email", "offers", "letter", 1, "k", NOW,
        state=state, reason=reason,
    )  # fmt: skip


def ana(**parts: Any) -> Contact:
    return Contact(
        "ana",
        version=1,
        identities={"email:ana@example.com": NOW},
        attributes={"email": Attribute("ana@example.com", NOW, True)},
        **parts,
    )


# ---------------------------------------------------------------- the definition


def test_a_broadcast_says_what_it_does_in_a_sentence():
    assert parse_broadcast(LETTER).describe() == (
        "sends letter once to everybody in the segment customers, at 2026-11-24T09:00:00.000Z",
    )
    assert parse_broadcast({**LETTER, "at": None}).describe()[0].endswith("as soon as it is scheduled")


@pytest.mark.parametrize(
    ("change", "path"),
    [({"segment": None}, "segment"), ({"template": 7}, "template"), ({"at": "soon"}, "at"), ({"to": "all"}, "to")],
)
def test_a_mistake_is_told_with_its_path(change, path):
    with pytest.raises(DefinitionError) as error:
        parse_broadcast({**LETTER, **change})
    assert [mistake[0] for mistake in error.value.mistakes] == [path]


def test_what_is_not_published_is_missing():
    missing = broadcasts.find_missing(parse_broadcast(LETTER), ["others"], {"letter": None})
    assert missing == (("segment", "there is no published segment called 'customers'"),)


def test_a_broadcast_is_scheduled_and_not_published(book):
    with pytest.raises(DefinitionError) as error:
        plan_publication({"broadcast/autumn": LETTER}, book, {})
    assert "scheduled" in error.value.mistakes[0][1]


# ---------------------------------------------------------------- what a run does next


@pytest.mark.parametrize(
    ("found", "now", "task"),
    [
        (None, NOW, NOTHING),
        (run(), NOW, ADDRESS),
        (run(at=NOW + 3_600), NOW, NOTHING),
        (run(at=NOW + 30), NOW, ADDRESS),
        (run(CANCELLED), NOW, NOTHING),
        (run(RUNNING, touched_at=NOW), NOW + ABANDONED - 1, NOTHING),
        (run(RUNNING, touched_at=NOW), NOW + ABANDONED, ADDRESS),
        (run(RUNNING, touched_at=NOW, tally=Tally(), missed=1), NOW + ABANDONED, COUNT),
        (run(MAILING), NOW, COUNT),
        (run(DONE), NOW, COUNT),
    ],
)
def test_what_is_to_be_done_about_a_run(found, now, task):
    assert next_task(found, 1, now) == task


def test_a_schedule_of_a_run_that_was_cancelled_and_scheduled_anew_does_nothing():
    again = plan_run(LETTER, 2, run(CANCELLED), NOW)
    assert (again.number, again.at) == (2, parse_instant("2026-11-24T09:00:00Z"))
    assert next_task(again, 1, again.at) == NOTHING
    assert next_task(again, 2, again.at) == ADDRESS


def test_looks_move_apart_and_end():
    looked = run(RUNNING).to(MAILING, NOW)
    looks, now = [], NOW
    for _ in range(40):
        at = next_look(looked, now)
        assert at is not None
        looks.append(at - now)
        now = at
    assert looks[0] == SOONEST_LOOK
    assert min(looks) > SETTLING
    assert looks[2:] == sorted(looks[2:])
    assert looks[-1] == LATEST_LOOK
    done = looked.to(DONE, NOW + 60)
    assert next_look(done, NOW + 60) == NOW + 60 + AFTERMATH
    assert next_look(done, NOW + 60 + AFTERMATH) is None
    assert next_look(run(CANCELLED), NOW) is None


@given(st.floats(0, 3 * 86_400))
def test_a_run_that_addresses_people_is_looked_at_every_few_minutes_however_long_it_takes(age):
    look = next_look(run(RUNNING), NOW + age)
    assert look is not None
    assert SETTLING < look - (NOW + age) <= SETTLING + ABANDONED


@given(st.floats(0, 30 * 86_400), st.floats(0, 30))
def test_all_who_look_at_about_the_same_time_name_the_same_next_look(age, later):
    looked = run(RUNNING).to(MAILING, NOW)
    first, second = next_look(looked, NOW + age), next_look(looked, NOW + age + later)
    assert first is not None
    assert second is not None
    # The same one, or the one after it when the first was about to come.
    assert first == second or first - (NOW + age) <= SETTLING + later
    assert first > NOW + age + SETTLING


def test_a_run_is_done_when_each_message_has_come_to_an_end():
    counted = after_count(run(RUNNING), Tally({QUEUED: 1, SENT: 2}), NOW + 60)
    assert (counted.state, counted.tally and counted.tally.pending) == (MAILING, 1)
    waiting = after_count(counted, Tally({QUEUED: 1, SENT: 2}), NOW + 180)
    assert (waiting.state, waiting.times) == (MAILING, counted.times)
    done = after_count(waiting, Tally({SENT: 3}), NOW + 300)
    assert (done.state, done.times[DONE]) == (DONE, NOW + 300)
    later = after_count(done, Tally({"bounced": 1, SENT: 2}), NOW + 90_000)
    assert (later.state, later.times[DONE]) == (DONE, NOW + 300)
    assert later.tally == Tally({"bounced": 1, SENT: 2}, {}, NOW + 90_000)


def test_the_first_count_never_says_that_a_run_is_done_because_it_may_have_missed_some():
    first = after_count(run(RUNNING), Tally({SKIPPED: 2}), NOW + 5)
    assert first.state == MAILING
    assert after_count(first, Tally({SKIPPED: 2}), NOW + 5 + SETTLING - 1).state == MAILING
    assert after_count(first, Tally({SKIPPED: 2}, some_wait=True), NOW + 5 + SETTLING).state == MAILING
    assert after_count(first, Tally({SKIPPED: 2}), NOW + 5 + SETTLING).state == DONE


# ---------------------------------------------------------------- numbers


@given(st.lists(st.tuples(st.sampled_from(STATES), st.sampled_from(["", "no address", "unsubscribed"])), max_size=40))
def test_the_numbers_add_up_however_they_are_counted(found):
    messages = [message(state, reason) for state, reason in found]
    at_once, by_page = Tally().add(messages), Tally()
    for each in messages:
        by_page = parse_tally(by_page.add([each]).to_document())
    assert by_page == at_once
    assert at_once.audience == len(messages)
    unsent = at_once.states.get(SKIPPED, 0) + at_once.states.get(FAILED, 0)
    assert sum(at_once.reasons.values()) == unsent


def test_many_different_reasons_are_summed_up():
    tally = Tally().add(message(FAILED, f"reason {number}") for number in range(MOST_REASONS + 7))
    assert tally.reasons["other reasons"] == 7
    assert sum(tally.reasons.values()) == MOST_REASONS + 7


# ---------------------------------------------------------------- people


def test_being_addressed_queues_one_message_and_says_why(book):
    started = run(RUNNING)
    outcome = fold(ana(), event_for(started, "ana"), book, NOW + 5)
    (queued,) = outcome.messages
    assert (queued.message_id, queued.origin, queued.state) == (
        message_id_of("autumn", "ana"),
        "broadcast/autumn",
        QUEUED,
    )
    assert (queued.template, queued.template_version, queued.channel, queued.topic) == ("letter", 1, "email", "offers")
    assert outcome.decisions == (
        Decision("broadcast/autumn", "", "queued", "was in the segment customers when the broadcast began"),
    )


@pytest.mark.parametrize(
    ("contact", "reason"),
    [
        (Contact("ana", version=1), "the contact has no address for email"),
        (ana(consents={"offers": Consent(False, NOW)}), "the contact unsubscribed from Offers"),
        (ana(consents={EVERY_TOPIC: Consent(False, NOW)}), "the contact unsubscribed from everything"),
        (ana(suppressions={"email:ana@example.com": "bounced"}), "the address is suppressed: bounced"),
    ],
)
def test_who_cannot_be_written_to_is_skipped_with_the_reason(book, contact, reason):
    outcome = fold(contact, event_for(run(RUNNING), "ana"), book, NOW)
    assert [(each.state, each.reason) for each in outcome.messages] == [(SKIPPED, reason)]
    assert outcome.decisions[0][2:4] == ("skipped", reason)


def test_a_template_that_was_withdrawn_meanwhile_skips_everybody(book):
    started = replace(run(RUNNING), broadcast=replace(run().broadcast, template="gone"))
    (skipped,) = fold(ana(), event_for(started, "ana"), book, NOW).messages
    assert (skipped.state, skipped.reason) == (SKIPPED, "the template gone is not published")


def test_the_event_is_the_same_however_often_a_run_is_begun():
    started = run(RUNNING)
    assert event_for(started, "ana") == event_for(replace(started, touched_at=NOW + 999), "ana")
    assert event_for(started, "ana").key == event_for(started, "ben").key


# ---------------------------------------------------------------- one person, several messages


def _judge(contact: Contact, states: dict[str, str]) -> dict[str, str]:
    """What becomes of each queued message, by how all of them stand."""
    messages = {message_id_of("autumn", owner): message(state, "", owner) for owner, state in states.items()}
    found = {}
    for each in messages.values():
        before, after = twins_of(each, contact)
        if each.state == QUEUED:
            found[each.contact_id] = judge_twins(map(messages.get, before), map(messages.get, after))
    return found


@pytest.mark.parametrize(
    ("states", "verdicts"),
    [
        ({"ana": QUEUED, "ben": QUEUED, "cleo": QUEUED}, {"ana": ALONE, "ben": DOUBLE, "cleo": DOUBLE}),
        ({"ben": QUEUED, "cleo": QUEUED}, {"ben": ALONE, "cleo": DOUBLE}),
        # What has left, or may have, is the one.
        ({"ana": QUEUED, "ben": SENT}, {"ana": DOUBLE}),
        ({"ana": QUEUED, "ben": UNKNOWN}, {"ana": DOUBLE}),
        # One that is being sent may still fail: then the other is the one.
        ({"ana": QUEUED, "ben": SENDING}, {"ana": WAIT}),
        ({"ana": SENDING, "ben": QUEUED}, {"ben": DOUBLE}),
        # What never left makes room.
        ({"ana": SKIPPED, "ben": QUEUED}, {"ben": ALONE}),
        ({"ana": QUEUED, "ben": FAILED}, {"ana": ALONE}),
    ],
)
def test_of_the_messages_of_one_person_one_leaves(states, verdicts):
    assert _judge(ana(merged_from=("ben", "cleo")), states) == verdicts


@given(st.permutations(["ana", "ben", "cleo"] * 4))
def test_however_its_senders_interleave_one_message_leaves(steps):
    """Each sender claims, then judges by what the others have done so far, and comes again when it has to wait."""
    merged = ana(merged_from=("ben", "cleo"))
    messages = {message_id_of("autumn", owner): message(QUEUED, "", owner) for owner in ("ana", "ben", "cleo")}
    for owner in [*steps, *["cleo", "ben", "ana"] * 4]:
        own = messages[message_id_of("autumn", owner)]
        if own.state == QUEUED:
            messages[own.message_id] = own.with_(state=SENDING)
        elif own.state == SENDING:
            before, after = twins_of(own, merged)
            verdict = judge_twins(map(messages.get, before), map(messages.get, after))
            became = {ALONE: SENT, DOUBLE: SKIPPED, WAIT: QUEUED}[verdict]
            messages[own.message_id] = own.with_(state=became)
    assert sorted(each.state for each in messages.values()) == [SENT, SKIPPED, SKIPPED]


def test_messages_of_journeys_and_of_people_who_were_always_one_have_no_twins():
    assert twins_of(message(QUEUED), ana()) == ((), ())
    journey = message(QUEUED).with_(origin="journey/welcome@1")
    assert twins_of(journey, ana(merged_from=("ben",))) == ((), ())
