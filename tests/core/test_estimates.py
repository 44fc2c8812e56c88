"""Estimates: what a sample says of all contacts."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.contacts.contact import Contact
from postroad.estimates import Share, estimate, late_trackers, share_of, unknown_trackers
from postroad.predicates.predicate import parse_predicate
from tests.books import Shelf


def test_when_all_were_looked_at_nothing_is_guessed():
    found = estimate(sampled=40, matching=10, total=9_999, is_exact=True)
    assert (found.members, found.share, found.total) == ((10, 10, 10), Share(0.25, 0.25, 0.25), 40)
    assert found.describe() == "10 of 40 contacts"
    assert estimate(0, 0, 0, is_exact=True).describe() == "0 of 0 contacts"


def test_a_sample_tells_of_all_with_its_bounds():
    found = estimate(sampled=1_000, matching=130, total=50_000, is_exact=False)
    assert found.members == (6_500, 5_528, 7_613)
    assert found.describe() == (
        "about 6,500 of 50,000 contacts, probably between 5,528 and 7,613"
        " (13.0%, between 11.1% and 15.2%; 1,000 were looked at)"
    )


def test_what_was_seen_is_certain():
    rare = estimate(sampled=1_000, matching=0, total=50_000, is_exact=False)
    assert rare.members == (0, 0, 191)
    usual = estimate(sampled=1_000, matching=1_000, total=1_100, is_exact=False)
    assert usual.members[1:] == (1_096, 1_100)
    stale = estimate(sampled=500, matching=20, total=100, is_exact=False)
    assert (stale.total, stale.members) == (500, (20, 20, 20))


@given(st.integers(0, 2_000), st.integers(0, 2_000))
def test_the_bounds_hold_the_share(matching, more):
    share = share_of(matching, matching + more)
    assert 0.0 <= share.low <= share.share <= share.high <= 1.0


@pytest.mark.parametrize("truth", [0.01, 0.1, 0.5])
def test_the_truth_lies_within_the_bounds_nineteen_times_out_of_twenty(truth):
    chance = random.Random(f"estimates {truth}")
    hits = 0
    for _ in range(1_000):
        share = share_of(sum(chance.random() < truth for _ in range(300)), 300)
        hits += share.low <= truth <= share.high
    assert 925 <= hits <= 985


def test_only_what_is_not_remembered_has_to_be_read_from_the_past():
    asked = {"event": "Order Completed", "at_least": 2, "within": "P30D"}
    shelf = Shelf({"kind": "segment", "id": "fans", "if": asked})
    book = shelf.book
    same = parse_predicate(asked)
    wider, longer, other = (parse_predicate({**asked, **more}) for more in (
        {"at_least": 3}, {"within": "P60D"}, {"event": "Page Viewed"},
    ))  # fmt: skip
    assert unknown_trackers(same, book) == {}
    assert all(len(unknown_trackers(each, book)) == 1 for each in (wider, longer, other))
    stale, fresh = Contact("ana", version=1, revision=0), Contact("bob", version=1, revision=book.revision)
    assert set(late_trackers(same.trackers, stale, book)) == {tracker.tracker_id for tracker in same.trackers}
    assert late_trackers(same.trackers, fresh, book) == {}
