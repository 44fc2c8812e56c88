"""Runs of broadcasts that are steered: paused, resumed, stopped, tested, sent once more, and at each reader's hour."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.book import Book, Manifest, compile_book
from postroad.broadcasts.broadcast import (
    ABANDONED,
    ADDRESS,
    AFTERMATH,
    COUNT,
    DECIDE,
    DONE,
    END,
    HELD,
    MAILING,
    MOST_ATTEMPTS,
    NOTHING,
    PAUSED,
    RUNNING,
    SCHEDULED,
    SETTLING,
    STATES,
    STOPPED,
    TESTING,
    UNSENT,
    Run,
    RunStateError,
    Tally,
    after_count,
    choose_winner,
    event_for,
    forecast_end,
    judge_twins,
    message_id_of,
    next_look,
    next_task,
    parse_broadcast,
    pause,
    plan_run,
    resume,
    send_again,
    stop,
    twins_of,
)
from postroad.broadcasts.trials import Verdict, judge
from postroad.contacts.codec import decode_contact, encode_contact
from postroad.contacts.contact import Attribute, Contact
from postroad.contacts.places import places_of
from postroad.definitions import plan_publication
from postroad.errors import DefinitionError
from postroad.events import WAKE, Event
from postroad.fold import fold
from postroad.instants import parse_instant
from postroad.sending import quotas
from postroad.sending.holds import PAUSE, STOP
from postroad.sending.messages import DELIVERED, FAILED, QUEUED, SENT, SKIPPED, UNKNOWN, Message
from postroad.sending.quotas import Quota, find_depth, find_rest
from postroad.stats import Counts, MessageCounts, PlaceCounts
from tests.books import FOOTER

NOW = parse_instant("2026-11-23T09:00:00Z")
HOUR = 3_600.0
LETTER: dict[str, Any] = {"kind": "broadcast", "id": "autumn", "segment": "customers", "template": "letter"}
TEST = {"against": ["short", "loud"], "share": 30, "lasts": "PT4H"}
SHARDS = ("00", "01", "02")
PEOPLE = [f"contact-{number}" for number in range(3_000)]


def run(state: str = RUNNING, **changes: Any) -> Run:
    document = {**LETTER, **changes.pop("document", {})}
    begun = plan_run(document, 1, None, NOW).to(RUNNING, NOW)
    return replace(begun if state == RUNNING else begun.to(state, NOW), **changes)


def through(state: str = RUNNING, **changes: Any) -> Run:
    return run(state, cursors=dict.fromkeys(SHARDS, END), **changes)


# ---------------------------------------------------------------- pausing, resuming, stopping


@pytest.mark.parametrize("state", [RUNNING, TESTING, MAILING])
def test_a_paused_run_is_held_and_goes_on_where_it_was(state):
    before = run(state, cursors={"00": END, "01": "contact-7"})
    paused = pause(before, NOW + 60)
    assert (paused.state, paused.before) == (PAUSED, state)
    assert paused.hold is not None
    assert (paused.hold.scope, paused.hold.kind) == ("broadcast/autumn", PAUSE)
    assert next_task(paused, 1, NOW + 10 * HOUR) == NOTHING
    assert next_look(paused, NOW + 60) is None
    again = resume(paused, NOW + HOUR)
    assert (again.state, again.hold, again.events_at) == (state, None, NOW)
    assert again.parts(SHARDS) == ([HELD, "01", "02"] if state == RUNNING else [HELD])
    assert next_task(again, 1, NOW + HOUR) == ADDRESS
    look = next_look(again, NOW + HOUR)
    assert look is not None
    assert look - (NOW + HOUR) <= ABANDONED


def test_a_stopped_run_is_over_when_nothing_of_it_is_left_and_is_held_until_then():
    stopped = stop(pause(run(), NOW + 60), NOW + 120)
    assert stopped.hold is not None
    assert stopped.hold.kind == STOP
    assert stopped.parts(SHARDS) == [HELD]
    ended = replace(stopped, cursors={HELD: END})
    assert next_task(ended, 1, NOW + HOUR) == COUNT
    nobody = Tally({SKIPPED: 3})
    for tally, later in ((Tally({QUEUED: 1}), 600), (replace(nobody, some_wait=True), 600), (nobody, 100)):
        counted = after_count(ended, tally, NOW + 120 + later)
        assert counted.hold == stopped.hold
    over = after_count(ended, nobody, NOW + 120 + 2 * SETTLING)
    assert (over.state, over.hold, over.tally and over.tally.audience) == (STOPPED, None, 3)
    assert next_look(over, NOW + 600) == over.times[DONE] + AFTERMATH


@pytest.mark.parametrize(
    ("change", "fine"),
    [
        (pause, {RUNNING, TESTING, MAILING, PAUSED}),
        (resume, {PAUSED}),
        (stop, {RUNNING, TESTING, MAILING, PAUSED, STOPPED}),
        (lambda each, now: choose_winner(each, "letter", "", now), {TESTING}),
        (send_again, {DONE}),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(change, fine):
    for state in set(STATES) - {"draft"}:
        given_run = replace(
            run(), state=state, before=RUNNING, times={RUNNING: NOW, state: NOW}, tally=Tally({FAILED: 1})
        )
        if state in fine:
            assert change(given_run, NOW).state
        else:
            with pytest.raises(RunStateError, match=f"It is {state}"):
                change(given_run, NOW)


def test_a_run_whose_people_are_not_all_addressed_is_not_over_however_it_was_paused():
    assert run().parts(SHARDS) == list(SHARDS)
    assert through().parts(SHARDS) == []
    assert resume(pause(through(MAILING), NOW), NOW).parts(SHARDS) == [HELD]
    waiting = resume(pause(through(MAILING), NOW), NOW)
    assert after_count(waiting, Tally({SENT: 1}), NOW + HOUR).state == MAILING


@given(st.lists(st.sampled_from(["pause", "resume", "through"]), max_size=8))
def test_c01_whoever_was_addressed_before_a_pause_or_a_kill_is_not_addressed_again(steps):
    going = run(cursors={"00": "contact-5"})
    for step in steps:
        if step == "through":
            going = replace(going, cursors={**going.cursors, "00": END})
        elif going.state == PAUSED:
            going = resume(going, NOW)
        elif step == "pause":
            going = pause(going, NOW)
    assert going.cursors["00"] in ("contact-5", END)
    assert going.events_at == NOW
    assert event_for(going, "ana").event_id == "broadcast-autumn"


# ---------------------------------------------------------------- a test first


def on_trial(**changes: Any) -> Run:
    return run(document={"test": {**TEST, **changes.pop("test", {})}}, **changes)


def test_c34_variants_of_a_broadcast_are_drawn_by_lot_and_stay():
    dealt = Counter(choice[1] for each in PEOPLE if (choice := on_trial().pick(each)))
    assert set(dealt) == {"letter", "short", "loud"}
    assert 800 <= dealt.total() <= 1_000
    assert max(dealt.values()) - min(dealt.values()) < 90
    decided = replace(on_trial(), winner="short")
    for each in PEOPLE:
        first, later = on_trial().pick(each), decided.pick(each)
        assert later == (first or ("short", ""))
        assert on_trial().is_turn_of(each) is (first is not None)
        assert decided.is_turn_of(each) is (first is None)


def test_a_run_with_a_test_waits_for_it_and_goes_on_with_the_rest():
    testing = after_count(replace(on_trial(), cursors=dict.fromkeys(SHARDS, END)), Tally({QUEUED: 9}), NOW + 60)
    assert testing.state == TESTING
    assert testing.decides_at == NOW + 60 + 4 * HOUR
    assert next_look(testing, NOW + 60) == testing.decides_at
    assert next_task(testing, 1, NOW + HOUR) == NOTHING
    assert next_task(testing, 1, testing.decides_at) == DECIDE
    decided = choose_winner(testing, "short", "it was clicked most", testing.decides_at)
    assert (decided.state, decided.parts(SHARDS), decided.events_at) == (RUNNING, list(SHARDS), NOW)
    rest = replace(decided, cursors=dict.fromkeys(SHARDS, END))
    assert after_count(rest, Tally({QUEUED: 9}), NOW + 5 * HOUR).state == MAILING
    with pytest.raises(RunStateError, match="and not other"):
        choose_winner(testing, "other", "", NOW)


def test_a_test_that_a_person_decides_waits_for_them():
    testing = on_trial(test={"winner": "manual"}).to(TESTING, NOW)
    assert next_task(testing, 1, NOW + 100 * HOUR) == NOTHING
    assert next_look(testing, NOW) is None
    assert choose_winner(testing, "loud", "somebody chose it", NOW).winner == "loud"


def test_a_schedule_that_rings_late_decides_all_the_same_and_looks_are_not_forgotten():
    testing = on_trial().to(TESTING, NOW)
    late = NOW + 4 * HOUR + 500
    look = next_look(testing, late)
    assert look is not None
    assert late < look <= late + 2 * ABANDONED
    assert next_task(testing, 1, late) == DECIDE


def decide(trial: Run, found: Counts) -> Verdict:
    assert trial.broadcast.test is not None
    return judge(trial.broadcast, trial.broadcast.test, found)


def counts(sent: int, clicked: int, opened: int = 0) -> MessageCounts:
    return MessageCounts(total=sent, sent=sent, clicked=clicked, opened=opened)


@pytest.mark.parametrize(
    ("found", "winner", "because"),
    [
        ({"letter": (900, 30), "short": (900, 120), "loud": (900, 40)}, "short", "clicked most"),
        ({"letter": (900, 50), "short": (900, 54), "loud": (900, 49)}, "letter", "may be luck"),
        ({"letter": (50, 0), "short": (50, 40), "loud": (50, 0)}, "letter", "100 people"),
        ({"letter": (900, 1), "short": (900, 4), "loud": (900, 2)}, "letter", "10 people who clicked"),
        ({"letter": (900, 30), "short": (300, 120), "loud": (900, 40)}, "letter", "less evenly"),
        ({}, "letter", "100 people"),
    ],
)
def test_c34_the_rest_gets_the_winner_and_without_a_verdict_the_first(found, winner, because):
    verdict = decide(on_trial(), Counts(messages={name: counts(*each) for name, each in found.items()}))
    assert verdict.winner == winner
    assert because in verdict.because


def test_a_test_by_openings_counts_openings():
    trial = on_trial(test={"decided_by": "opened"})
    found = {"letter": counts(900, 300, 90), "short": counts(900, 0, 400), "loud": counts(900, 0, 100)}
    assert decide(trial, Counts(messages=found)).winner == "short"


BY_ORDERS = {"event": "Order Completed"}


def bought(**arms: tuple[int, int]) -> Counts:
    """How many got each variant, and how many of these have bought."""
    places = {}
    for variant, (shown, converted) in arms.items():
        places[f"=.{variant}"] = PlaceCounts(shown, shown)
        # Whose part is forgotten is no longer there; that they came there counts.
        places[f"=.{variant}.converted"] = PlaceCounts(0, converted)
    return Counts(places)


def test_c34_a_test_may_be_decided_by_any_event():
    trial = on_trial(test=BY_ORDERS)
    clicks = {"letter": counts(900, 300), "short": counts(900, 0), "loud": counts(900, 0)}
    found = replace(bought(letter=(900, 30), short=(900, 120), loud=(900, 40)), messages=clicks)
    verdict = decide(trial, found)
    assert verdict.winner == "short"
    assert verdict.because.startswith("it led most people to Order Completed: letter 3.3 % of 900, short 13.3 %")
    few = decide(trial, bought(letter=(900, 1), short=(900, 4), loud=(900, 2)))
    assert few.winner == "letter"
    assert "a verdict takes 10 people who did Order Completed" in few.because
    assert trial.broadcast.describe()[1].endswith(
        "after 4 hours the one that led most people to Order Completed goes to the rest, by itself"
    )


@pytest.mark.parametrize(
    ("event", "counted"),
    [
        (Event("e1", "order completed", NOW + HOUR, NOW + HOUR), True),
        (Event("e1", "Order Completed", NOW + 5 * HOUR, NOW + 5 * HOUR), False),  # the test is over
        (Event("e1", "Order Completed", NOW - HOUR, NOW + HOUR), False),  # before they got it, and told late
        (Event("e1", "Order Completed", NOW + HOUR, NOW + HOUR, properties={"actor": "machine"}), False),
        (Event("e1", "Cart Viewed", NOW + HOUR, NOW + HOUR), False),
    ],
)
def test_an_event_counts_for_the_variant_that_somebody_got_until_the_test_is_over(book, event, counted):
    trial = on_trial(test={**BY_ORDERS, "against": ["short"], "share": 90})
    tried = fold(somebody(None), event_for(trial, "ana"), book, NOW).contact
    (part,) = tried.exposures.values()
    assert tried.exposures == {"/broadcast/autumn": part}
    stored = decode_contact("ana", 2, encode_contact(tried), created_at=tried.created_at, wake_at=tried.wake_at)
    assert stored.exposures == tried.exposures
    after = fold(stored, event, book, max(event.time, NOW + HOUR)).contact
    places = {place for place in places_of(after) if place.startswith("broadcast/")}
    assert places == {f"broadcast/autumn/=.{part.variant}"} | (
        {f"broadcast/autumn/=.{part.variant}.converted"} if counted else set()
    )


def test_who_is_not_in_the_test_or_gets_nothing_counts_for_no_variant(book):
    decided = replace(on_trial(test=BY_ORDERS), winner="letter")
    rest = next(each for each in PEOPLE if not decided.is_in_test(each))
    assert fold(replace(somebody(None), contact_id=rest), event_for(decided, rest), book, NOW).contact.exposures == {}
    tried = on_trial(test={**BY_ORDERS, "share": 90})
    nowhere = Contact("ana", version=1, identities={"user:ana": NOW})
    outcome = fold(nowhere, event_for(tried, "ana"), book, NOW)
    assert [message.state for message in outcome.messages] == [SKIPPED]
    assert outcome.contact.exposures == {}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"test": {**TEST, "against": ["letter"]}}, "test"),
        ({"test": {**TEST, "against": ["a", "b", "c", "d", "e"]}}, "test.against"),
        ({"test": {**TEST, "share": 100}}, "test.share"),
        ({"test": {**TEST, "lasts": "PT1M"}}, "test.lasts"),
        ({"test": {**TEST, "event": "Order Completed", "decided_by": "clicked"}}, "test.decided_by"),
        ({"test": {**TEST, "event": 7}}, "test.event"),
        ({"zone": "reader"}, "at"),
        ({"zone": "moon"}, "zone"),
    ],
)
def test_a_mistake_of_a_test_or_an_hour_is_told_with_its_path(change, path):
    with pytest.raises(DefinitionError) as error:
        parse_broadcast({**LETTER, **change})
    assert error.value.mistakes[0][0] == path


def test_what_is_tested_is_told_in_a_sentence():
    sentence = on_trial().broadcast.describe()[1]
    assert sentence == (
        "first 30 % of them get letter or short or loud by lot; after 4 hours the one that was clicked most goes to "
        "the rest, by itself"
    )


# ---------------------------------------------------------------- once more


def test_once_more_goes_only_to_whom_it_failed():
    done = replace(through(DONE), tally=Tally({SENT: 5, FAILED: 2, UNKNOWN: 1}))
    again = send_again(done, NOW + HOUR)
    assert (again.state, again.attempt, again.parts(SHARDS)) == (RUNNING, 2, [UNSENT])
    event = event_for(again, "ana")
    assert (event.event_id, event.properties["attempt"]) == ("broadcast-autumn~2", 2)
    assert len({message_id_of("autumn", "ana", attempt) for attempt in range(1, 6)}) == 5
    with pytest.raises(RunStateError, match="nobody knows"):
        send_again(replace(done, tally=Tally({SENT: 5, UNKNOWN: 1})), NOW)
    with pytest.raises(RunStateError, match="5 times"):
        send_again(replace(done, attempt=MOST_ATTEMPTS), NOW)


@pytest.mark.parametrize(
    ("first", "verdict"), [(FAILED, "alone"), (SKIPPED, "alone"), (DELIVERED, "double"), (UNKNOWN, "double")]
)
def test_a_second_message_gives_way_when_the_first_turns_out_to_have_left(first, verdict):
    ana = Contact("ana", version=1)
    earlier, later = (
        Message(message_id_of("autumn", "ana", attempt), "ana", "broadcast/autumn", "", "", "email", "offers", "letter",
                1, "k", NOW, state=state)
        for attempt, state in ((1, first), (2, QUEUED))
    )  # fmt: skip
    assert twins_of(earlier, ana) == ((), ())
    before, after = twins_of(later, ana)
    known = {earlier.message_id: earlier}
    assert judge_twins(map(known.get, before), map(known.get, after)) == verdict


# ---------------------------------------------------------------- where the reader is


@pytest.fixture(scope="module")
def book() -> Book:
    documents = [
        {"kind": "policy", "id": "policy", "timezone": "Europe/Lisbon", "postal_address": "1 High Street",
         "topics": [{"id": "offers", "name": "Offers", "opt_in": False}]},
        {"kind": "template", "id": "letter", "channel": "email", "topic": "offers", "subject": "A",
         "html": "<p>Hi</p>" + FOOTER},
        {"kind": "template", "id": "short", "channel": "email", "topic": "offers", "subject": "B",
         "html": "<p>Ho</p>" + FOOTER},
        {"kind": "segment", "id": "customers", "if": {"event": "Order Completed"}},
    ]  # fmt: skip
    plan = plan_publication(
        {f"{each['kind']}/{each['id']}": each for each in documents}, compile_book(Manifest(), {}), {}
    )
    return compile_book(plan.manifest, plan.versions)


def somebody(zone: str | None) -> Contact:
    said = {"email": "ana@example.com", **({"timezone": zone} if zone else {})}
    return Contact(
        "ana",
        version=1,
        identities={"email:ana@example.com": NOW},
        attributes={name: Attribute(value, NOW, True) for name, value in said.items()},
    )


@pytest.mark.parametrize(
    ("zone", "at", "leaves"),
    [
        ("Pacific/Auckland", "2026-12-01T09:00:00Z", "2026-11-30T20:00:00Z"),
        ("America/Lima", "2026-12-01T09:00:00Z", "2026-12-01T14:00:00Z"),
        (None, "2026-12-01T09:00:00Z", "2026-12-01T09:00:00Z"),  # the account's
        ("Europe/Madrid", "2027-03-28T02:30:00Z", "2027-03-28T01:00:00Z"),  # an hour that is skipped
        ("Europe/Madrid", "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z"),  # one that comes twice
    ],
)
def test_each_reader_gets_it_at_that_hour_where_they_are(book, zone, at, leaves):
    planned = plan_run({**LETTER, "zone": "reader", "at": at}, 1, None, parse_instant("2026-10-01T09:00:00Z"))
    assert planned.at == parse_instant(at) - 14 * HOUR
    begun = planned.to(RUNNING, planned.at)
    outcome = fold(somebody(zone), event_for(begun, "ana"), book, planned.at)
    assert outcome.messages == ()
    moment = parse_instant(leaves)
    assert outcome.contact.wake_at == moment
    early = fold(outcome.contact, Event("w0", WAKE, moment - 60, moment - 60, contact_id="ana"), book, moment - 60)
    assert early.messages == ()
    woken = fold(outcome.contact, Event("w1", WAKE, moment, moment, contact_id="ana"), book, moment)
    assert [message.state for message in woken.messages] == [QUEUED]


def test_whose_hour_has_passed_gets_it_at_once(book):
    asked = parse_instant("2026-12-01T12:00:00Z")
    planned = plan_run({**LETTER, "zone": "reader", "at": "2026-12-01T09:00:00Z"}, 1, None, asked)
    assert planned.at == asked
    for zone, waits in (("Pacific/Auckland", False), ("America/Lima", True)):
        outcome = fold(somebody(zone), event_for(planned.to(RUNNING, asked), "ana"), book, asked)
        assert bool(outcome.contact.postponed) is waits


def test_no_readers_hour_comes_before_the_run_begins():
    from zoneinfo import ZoneInfo, available_timezones

    planned = plan_run({**LETTER, "zone": "reader", "at": "2026-12-01T09:00:00Z"}, 1, None, 0.0)
    from datetime import datetime

    wanted = datetime(2026, 12, 1, 9)
    assert all(wanted.replace(tzinfo=ZoneInfo(name)).timestamp() >= planned.at for name in available_timezones())


# ---------------------------------------------------------------- quota, and the end


@pytest.mark.parametrize(
    ("sent", "most", "rests"), [(0, 50_000, False), (47_499, 50_000, False), (47_500, 50_000, True), (9e9, -1, False)]
)
def test_a_broadcast_rests_before_the_days_quota_is_used_up(sent, most, rests):
    rest = find_rest(Quota(14, most, sent), NOW)
    assert (rest is not None) is rests
    if rest:
        assert rest[0] == NOW + quotas.NEXT_WINDOW
        assert rest[1].startswith("47,500 of the 50,000 messages have left that may leave in 24 hours")


@pytest.mark.parametrize(("rate", "depth"), [(None, 500), (1, 30), (14, 420), (0.1, 20), (1_000, 500)])
def test_no_more_waits_in_the_queue_than_leaves_in_half_a_minute(rate, depth):
    assert find_depth(Quota(rate, 50_000, 0) if rate else None, 500) == depth


def test_a_run_that_rests_is_looked_at_when_it_may_go_on():
    resting = run(rests_until=NOW + HOUR, touched_at=NOW)
    assert next_task(resting, 1, NOW + HOUR - 1) == NOTHING
    assert next_look(resting, NOW + 60) == NOW + HOUR
    assert next_task(resting, 1, NOW + HOUR) == ADDRESS


def test_the_end_is_forecast_by_how_fast_it_went():
    assert forecast_end(run(), 1_000, 300, 100, NOW + 100) == NOW + 100 + 400
    assert forecast_end(run(MAILING), 1_000, 1_000, 100, NOW + 90) == NOW + 100
    assert forecast_end(run(), 1_000, 0, 0, NOW + 10) is None
    assert forecast_end(pause(run(), NOW), 1_000, 300, 100, NOW + 100) is None
    assert forecast_end(plan_run(LETTER, 1, None, NOW), 10, 0, 0, NOW) is None
    assert plan_run(LETTER, 1, None, NOW).state == SCHEDULED
