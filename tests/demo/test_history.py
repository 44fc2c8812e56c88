"""The made-up history: pure, believable, and such that production could have come to it."""

import time
from collections import Counter
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from demo.__main__ import load_history
from demo.documents import load_definitions
from demo.history import DAYS, make_history, react
from demo.loading import save_worlds
from demo.playing import STILL_TO_SEND, open_shop, play_history, play_life
from postroad import demo
from postroad.book import Manifest, compile_book
from postroad.broadcasts.broadcast import DONE
from postroad.contacts.codec import encode_contact
from postroad.contacts.fetches import TRAP
from postroad.contacts.places import places_of
from postroad.content.links import Click, Signer
from postroad.definitions import plan_publication
from postroad.fold import fold
from postroad.instants import DAY
from postroad.predicates.predicate import View
from postroad.sending.messages import QUEUED, STATES
from postroad.tasks import OPEN
from postroad_aws.storage import (
    broadcasts,
    contacts,
    definitions,
    memberships,
    messages,
    quarantine,
    refusals,
    tasks,
    timeline,
)
from postroad_aws.usecases.record_engagement import Fetched, record_click
from postroad_aws.usecases.wake_contacts import wake_event

NOW = 1_795_000_000.0  # 2026-11-18 12:26:40 UTC


@pytest.fixture(scope="module")
def shop():
    plan = plan_publication(load_definitions(), compile_book(Manifest(), {}), {})
    return open_shop(plan, b"contacts" * 4, Signer({"1": b"links" * 7}, "1"), "http://localhost:8080")


@pytest.fixture(scope="module")
def worlds(shop):
    return list(play_history(shop, NOW))


@pytest.fixture(scope="module")
def people(worlds):
    return [contact for world in worlds for contact in world.contacts.list_contacts()]


@pytest.fixture(scope="module")
def ledger(worlds):
    return [message for world in worlds for message in world.messages.items.values()]


def test_the_same_seed_and_instant_make_the_same_history():
    assert make_history(NOW, seed=3) == make_history(NOW, seed=3)
    assert make_history(NOW, seed=3) != make_history(NOW, seed=4)
    assert list(react(make_history(NOW)[0].profile, "welcome")) == list(react(make_history(NOW)[0].profile, "welcome"))


def test_visits_lie_within_sixty_days_and_follow_one_another():
    for person in make_history(NOW):
        times = [visit.received for visit in person.visits]
        assert all(NOW - DAYS * DAY < at < NOW for at in times)
        assert all(a < b for a, b in pairwise(times))


def test_about_five_hundred_people_are_in_every_part_of_the_brand(people, shop):
    assert 480 <= len(people) <= 520
    assert {contact.stage.name for contact in people if contact.stage} == {
        stage.id for stage in shop.book.stages["lifecycle"].stages
    }
    segments = Counter(segment for contact in people for segment in contact.segments)
    assert segments.keys() == shop.book.segments.keys()
    active = Counter(journey for contact in people for journey in contact.active)
    assert all(active[journey.id] for journey in shop.book.journeys.values())


def test_everything_that_can_become_of_a_mail_has(ledger):
    states = Counter(message.state for message in ledger)
    assert states["delivered"] > 500
    assert states.keys() >= {"delivered", "bounced", "complained", "skipped", "sent", "queued"}
    assert states.keys() <= set(STATES)
    assert sum("opened" in message.times for message in ledger) > 200
    assert sum("clicked" in message.times for message in ledger) > 50


def test_only_the_last_minutes_are_still_to_be_sent(ledger):
    waiting = [message for message in ledger if message.state == QUEUED]
    assert 3 <= len(waiting) <= 20
    assert all(NOW - STILL_TO_SEND <= message.created_at <= NOW for message in waiting)


def test_what_turns_out_to_be_a_machines_doing_is_taken_back_there_too(shop):
    person, first = next(
        (person, message)
        for person in make_history(NOW)
        for message in play_life(shop, person, NOW).messages.items.values()
        if "opened" in message.times
    )
    world = play_life(shop, person, first.times["opened"] + 1)
    message = world.messages.items[first.message_id]
    world.clock.at = message.times["opened"] + 60
    hidden = Click(message.message_id, TRAP, f"{shop.base_url}/", message.contact_id)
    record_click(world.door, shop.signer, shop.signer.sign(hidden), Fetched("GET", {"user-agent": "Mozilla/5.0"}))
    world.fold()
    assert world.messages.items[message.message_id].times.keys() >= {"machine_opened", "machine_clicked"}
    assert "opened" not in world.messages.items[message.message_id].times


def test_a_history_that_could_not_be_played_is_played_by_the_next_try(bare_account, monkeypatch, capsys):
    with monkeypatch.context() as patched:
        patched.setattr("demo.playing.play_strays", lambda shop, visits: print("the reason") or 1 / 0)
        patched.setattr("demo.playing.make_history", lambda now: [])
        with pytest.raises(ZeroDivisionError):
            load_history("http://localhost:8080", load_definitions())
    assert definitions.find_revision() == 0
    assert "the reason" in capsys.readouterr().err
    monkeypatch.setattr("demo.playing.make_history", lambda now: make_history(now)[:3])
    count, people = load_history("http://localhost:8080", load_definitions())
    assert (count, people) == (len(load_definitions()), 3)


def test_everybody_is_marked_as_demo_data(people):
    for contact in people:
        assert contact.attributes[demo.ATTRIBUTE].value is True
        assert contact.attributes[demo.ATTRIBUTE].confirmed
        assert demo.SEGMENT in contact.segments


def test_memberships_are_those_of_a_recomputation(people, shop):
    for contact in people:
        view = View(contact, NOW, shop.book.scores, None, None, shop.book.assumed)
        for segment in shop.book.segments.values():
            # What time alone has turned since the last tick of the clock is found by the next one.
            if contact.turns.get(f"segment/{segment.id}", NOW) >= NOW:
                assert segment.evaluate(view)[0] == (segment.id in contact.segments), (contact.contact_id, segment.id)


def test_every_timer_is_still_to_ring_and_nothing_is_stuck(people):
    for contact in people:
        assert contact.wake_at is None or contact.wake_at > NOW - 120
        for enrollment in contact.active.values():
            assert enrollment.due is not None
            assert contact.wake_at is not None
            assert contact.wake_at <= enrollment.due


def test_what_is_pending_goes_on(people, shop):
    contact = min((each for each in people if each.active), key=lambda each: each.wake_at)
    later = contact.wake_at + 1
    outcome = fold(contact, wake_event(contact.contact_id, contact.wake_at), shop.book, later)
    assert outcome.changed
    assert outcome.decisions or outcome.contact.wake_at > contact.wake_at


def test_every_event_has_one_row_and_each_choice_its_reason(worlds):
    rows = [row for world in worlds for row in world.timeline.list_rows()]
    assert len({(row.contact_id, row.key) for row in rows}) == len(rows)
    sent = {(row.contact_id, d.step) for row in rows for d in row.decisions if d.definition.startswith("journey/")}
    for world in worlds:
        for message in world.messages.items.values():
            assert (message.contact_id, message.step) in sent


def test_what_was_refused_is_kept_and_nobody_is_written_to_after_it(worlds):
    assert any(world.refusals.said for world in worlds)
    for world in worlds:
        for address, (_, at, _) in world.refusals.suppressions.items():
            left = [m for m in world.messages.items.values() if m.address and f"email:{m.address}" == address]
            assert all(m.times["sent"] <= at for m in left if "sent" in m.times)


def test_a_few_calls_are_in_quarantine_with_their_reasons(worlds):
    rejects = [reject for world in worlds for reject in world.quarantine.rejects.values()]
    assert len(rejects) >= 5
    assert len({reject.reason for reject in rejects}) >= 4
    assert {reject.source for reject in rejects} == {demo.SOURCE}


def test_broadcasts_of_the_past_are_done_and_their_numbers_are_those_of_the_ledger(worlds, ledger):
    runs = {run.broadcast.id: run for world in worlds for run in world.broadcasts.items.values()}
    assert len(runs) == 2
    for run in runs.values():
        mine = [message for message in ledger if message.origin == run.broadcast.origin]
        assert run.state == DONE
        assert run.tally.states == Counter(message.state for message in mine)
        assert len(mine) > 80
        assert 0.2 < sum("opened" in message.times for message in mine) / len(mine) < 0.7
        assert any("clicked" in message.times for message in mine)
        assert NOW - DAYS * DAY < run.times["scheduled"] < run.at < run.times[DONE] < NOW - DAY
        assert datetime.fromtimestamp(run.at, ZoneInfo("Europe/Lisbon")).strftime("%H:%M") == "09:30"


def test_who_is_handed_to_sales_has_a_task_for_its_owner(people, worlds):
    asked = [task for world in worlds for task in world.contacts.tasks.values()]
    handed = {person.contact_id for person in people if person.handed and person.handed.to == "sales"}
    assert handed
    assert handed <= {task.contact_id for task in asked}
    assert all(task.assignee and task.state == OPEN for task in asked)


def test_a_broadcast_went_to_those_who_were_in_its_segment_then(people, worlds):
    run = next(run for world in worlds for run in world.broadcasts.items.values())
    got = {m.contact_id for world in worlds for m in world.messages.items.values() if m.origin == run.broadcast.origin}
    since = {contact.contact_id: contact.segments.get(run.broadcast.segment) for contact in people}
    assert got == {contact_id for contact_id, at in since.items() if at is not None and at <= run.at}


def test_c95_offices_are_accounts_whose_people_have_roles(people, worlds):
    seats = [seat for contact in people for seat in contact.accounts.values()]
    companies = {account_id for world in worlds for account_id in world.accounts.items}
    assert len(seats) == 40
    assert 10 < len(companies) <= 20
    assert {"founder", "office-manager"} <= {seat.role for seat in seats}
    assert all(seat.attributes["employees"] > 0 for seat in seats)


def test_it_is_stored_as_production_would_have_left_it(account, worlds, shop):
    some = [*worlds[::40], *worlds[-2:], next(world for world in worlds if world.refusals.said)]
    count = save_worlds(some, time.time(), calls_at_once=1)
    assert count == sum(len(list(world.contacts.list_contacts())) for world in some)
    for world in some:
        for contact in world.contacts.list_contacts():
            stored = contacts.find_items([contact.contact_id], consistent=True)[contact.contact_id]
            assert encode_contact(stored) == encode_contact(contact)
            rows = timeline.list_rows([contact.contact_id], limit=200).items
            assert {row.key for row in rows} == {row.key for row in world.timeline.list_rows()}
            for place, since in places_of(contact).items():
                listed = [m for m in memberships.list_members(place, limit=100).items if m[0] == contact.contact_id]
                assert [m[1] for m in listed] == [since]
        for message in world.messages.items.values():
            assert messages.find_message(message.message_id).state == message.state
        for address, topic, granted, *_ in world.refusals.said:
            assert refusals.find_consent(address, topic).granted is granted
        for task in world.contacts.tasks.values():
            assert tasks.find_task(task.task_id).assignee == task.assignee
    assert quarantine.list_rejects(NOW, limit=100).items
    for draft in worlds[-2].drafts.items.values():
        assert definitions.find_draft("broadcast", draft.definition_id) == draft
    for run in worlds[-2].broadcasts.items.values():
        assert broadcasts.find_run(run.broadcast.id) == run
    assert save_worlds(some, time.time(), calls_at_once=1) == 0


def test_the_median_contact_takes_less_than_one_kilobyte_and_the_largest_in_a_hundred_less_than_four(people):
    sizes = sorted(len(encode_contact(contact)) for contact in people)

    assert sizes[len(sizes) // 2] < 1_024
    assert sizes[len(sizes) * 99 // 100] < 4_096
