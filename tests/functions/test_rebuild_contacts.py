"""Folding everybody by a new book, a shard at a time."""

from typing import Any

import pytest

from functions.rebuild_contacts.app import RESERVE_MS, handler
from postroad.rebuilds import describe
from postroad_aws import books, clock, runs
from postroad_aws.storage import contacts, definitions, memberships, rebuilds
from postroad_aws.usecases import rebuild_contacts
from postroad_aws.usecases.publish_definitions import publish_definitions
from tests.account import Account, lambda_context

BUYERS = {"kind": "segment", "id": "fans", "if": {"event": "Beans Ordered", "at_least": 2, "within": "P30D"}}


@pytest.fixture
def people(account: Account) -> list[str]:
    """Twelve people; every third one has ordered twice. Their ids."""
    for number in range(12):
        for _ in range(2 if number % 3 == 0 else 1):
            account.fold(account.event("Beans Ordered", f"user:u{number}"))
    return [account.contact_id(f"user:u{number}") for number in range(12)]


def publish(document: dict[str, Any]) -> int:
    published = publish_definitions(definitions, runs, clock, {f"{document['kind']}/{document['id']}": document})
    books.forget()
    return published.revision


def rebuild(revision: int, remaining: int = 60_000) -> list[dict[str, Any]]:
    """All shards as the state machine runs them; the answers."""
    answers = []
    for shard in contacts.SHARDS:
        given: dict[str, Any] = {"shard": shard, "revision": revision, "cursor": None}
        while True:
            given = handler(given, lambda_context(remaining))
            answers.append(given)
            if given["cursor"] is None:
                break
    return answers


def test_a_new_segment_finds_its_members_in_the_past(account, people):
    revision = publish(BUYERS)
    assert memberships.list_members("segment/fans").items == []
    answers = rebuild(revision)
    assert sum(answer["folded"] for answer in answers) == 12
    members = {member.contact_id for member in memberships.list_members("segment/fans").items}
    assert members == {people[number] for number in range(0, 12, 3)}
    assert all(contacts.find_items([i], consistent=True)[i].revision == revision for i in people)


def test_publishing_a_journey_takes_everybody_along_once_and_loses_nobody(account):
    tour = {
        "kind": "journey",
        "id": "tour",
        "trigger": {"event": "Tour Booked"},
        "steps": [{"id": "think", "wait": {"for": "P1D"}}, {"id": "rest", "wait": {"for": "P9D"}}],
    }
    publish(tour)
    for number in range(6):
        account.fold(account.event("Tour Booked", f"user:t{number}"))
    ids = [account.contact_id(f"user:t{number}") for number in range(6)]
    new = {**tour, "steps": [{"id": "look", "wait": {"for": "P2D"}}, {"id": "rest", "wait": {"for": "P9D"}}]}
    wish = {"journey/tour": {"under_way": "move", "gone": {"think": "rest"}}}
    revision = publish_definitions(definitions, runs, clock, {"journey/tour": new}, wish).revision
    books.forget()
    rebuild(revision)
    found = contacts.find_items(ids, consistent=True)
    assert {(c.active["tour"].version, c.active["tour"].step) for c in found.values()} == {(2, "rest")}
    assert {member.contact_id for member in memberships.list_members("journey/tour/rest").items} == set(ids)
    rebuild(revision)
    assert contacts.find_items(ids, consistent=True) == found


def test_rebuilding_again_writes_nothing(account, people):
    revision = publish(BUYERS)
    rebuild(revision)
    before = contacts.find_items(people, consistent=True)
    rebuild(revision)
    assert contacts.find_items(people, consistent=True) == before


def test_a_segment_that_is_found_in_the_past_starts_no_journey(account, people):
    revision = publish(BUYERS)
    publish({"kind": "journey", "id": "fan-mail", "trigger": {"segment": "fans"}, "steps": [{"wait": {"for": "P1D"}}]})
    rebuild(revision)
    assert all("fan-mail" not in contact.active for contact in contacts.find_items(people, consistent=True).values())


def test_when_time_runs_out_the_answer_is_where_to_go_on(account, people, monkeypatch):
    monkeypatch.setattr(rebuild_contacts, "PAGE", 1)
    revision = publish(BUYERS)
    answers = rebuild(revision, remaining=RESERVE_MS - 1)
    assert len(answers) > 16 - len({contacts.find_items([i], consistent=True)[i].shard for i in people})
    assert all(answer["folded"] <= 1 for answer in answers)
    assert sum(answer["folded"] for answer in answers) == 12
    assert len(memberships.list_members("segment/fans").items) == 4


def test_a_shard_without_anybody_is_done(account):
    assert handler({"shard": "07", "revision": 1, "cursor": None}, lambda_context()) == {
        "shard": "07",
        "revision": 1,
        "cursor": None,
        "folded": 0,
        "done": 0,
        "of": 0,
    }


def test_how_far_it_is_is_told_by_page_and_done_says_so(account, people, monkeypatch):
    monkeypatch.setattr(rebuild_contacts, "PAGE", 1)
    revision = publish(BUYERS)
    assert rebuilds.find_rebuild(revision, account.now())[1:] == ("waiting", 0, None, None)
    for shard in contacts.SHARDS[:8]:
        handler({"shard": shard, "revision": revision, "cursor": None}, lambda_context(RESERVE_MS - 1))
    begun = rebuilds.find_rebuild(revision, account.now())
    assert (begun.state, begun.of) == ("running", None)
    rebuild(revision, remaining=RESERVE_MS - 1)
    done = rebuilds.find_rebuild(revision, account.now())
    assert (done.state, done.done, done.of) == ("done", 12, 12)
    assert describe(done) == "All 12 contacts have been looked at anew"
    newest = publish({**BUYERS, "name": "Fans"})
    rebuild(newest)
    assert [each.revision for each in rebuilds.list_rebuilds(account.now())] == [newest, revision]


def test_a_run_that_nothing_moves_any_more_stands_still(account, people):
    revision = publish(BUYERS)
    handler({"shard": "00", "revision": revision, "cursor": None}, lambda_context())
    account.advance(601)
    assert rebuilds.find_rebuild(revision, account.now()).state == "stalled"
