"""Where a contact can be found, and what has to be written when that changes."""

import pytest
from hypothesis import given, settings

from postroad.commits import MembershipChange
from postroad.contacts.contact import Contact, Enrollment, Passage
from postroad.contacts.merging import merge
from postroad.contacts.places import (
    OUTCOMES,
    membership_changes,
    outcome_of,
    outcome_place,
    places_of,
    segment_place,
    split_place,
    step_place,
)
from tests.core.contacts.test_merging import BOOK, NOW, contacts

HOUR = 3_600.0


def ana(**known: object) -> Contact:
    return Contact("ana", version=1, **known)  # type: ignore[arg-type]


def at_step(step: str, since: float) -> Enrollment:
    return Enrollment("enr-1", "welcome", 2, NOW - HOUR, "k", step, NOW + HOUR, since=since)


def written(*groups: dict[str, float], by: tuple[str, ...] = ("ana",)) -> dict[tuple[str, str], float]:
    """Places as the table of memberships has them."""
    return {(place, of): since for of, places in zip(by, groups, strict=True) for place, since in places.items()}


def after(table: dict[tuple[str, str], float], changes: tuple[MembershipChange, ...]) -> dict[tuple[str, str], float]:
    for place, contact_id, since, _ in changes:
        if since is None:
            del table[place, contact_id]
        else:
            table[place, contact_id] = since
    return table


def test_a_contact_is_in_its_segments_and_at_a_place_of_each_journey():
    contact = ana(
        segments={"vip": NOW},
        active={"welcome": at_step("look", NOW - 60)},
        passages={
            "welcome": Passage(1, NOW - HOUR, None, ""),
            "cart": Passage(1, NOW - HOUR, NOW - 5, "goal"),
        },
    )
    assert places_of(contact) == {"segment/vip": NOW, "journey/welcome/look": NOW - 60, "journey/cart/:goal": NOW - 5}


def test_who_is_in_a_journey_again_is_still_found_by_how_the_last_passage_ended():
    contact = ana(
        active={"welcome": at_step("look", NOW)},
        passages={"welcome": Passage(2, NOW, NOW - HOUR, "completed", "enr-0")},
    )
    assert places_of(contact) == {"journey/welcome/look": NOW, "journey/welcome/:completed": NOW - HOUR}


@pytest.mark.parametrize(
    ("state", "reason", "outcome"),
    [
        ("completed", "goal", "goal"),
        ("completed", "finished", "completed"),
        ("exited", "exit_if", "exited"),
        ("exited", "bought", "exited.look"),
        ("failed", "a step could not be run (KeyError)", "failed"),
    ],
)
def test_how_an_enrollment_ended(state: str, reason: str, outcome: str):
    assert outcome_of(at_step("look", NOW).with_(state=state, reason=reason)) == outcome
    assert outcome.partition(".")[0] in OUTCOMES


def test_a_place_tells_of_what_it_is_a_part():
    assert split_place(segment_place("vip")) == ("segment/vip", "")
    assert split_place(step_place("welcome", "look")) == ("journey/welcome", "look")
    assert split_place(outcome_place("welcome", "goal")) == ("journey/welcome", ":goal")


def test_only_what_is_different_is_written():
    before = places_of(ana(segments={"vip": NOW, "new": NOW}, active={"welcome": at_step("look", NOW)}))
    contact = ana(segments={"vip": NOW}, active={"welcome": at_step("rest", NOW + HOUR)})
    assert membership_changes(contact, {"ana": before}) == (
        MembershipChange("segment/new", "ana", None),
        MembershipChange("journey/welcome/look", "ana", None),
        MembershipChange("journey/welcome/rest", "ana", NOW + HOUR),
    )
    assert membership_changes(contact, {"ana": places_of(contact)}) == ()


def test_who_comes_to_the_same_place_again_has_come_later():
    before = places_of(ana(segments={"vip": NOW}))
    changes = membership_changes(ana(segments={"vip": NOW + HOUR}), {"ana": before})
    assert changes == (MembershipChange("segment/vip", "ana", NOW + HOUR),)


def test_a_contact_of_whom_nothing_is_stored_comes_to_all_its_places():
    changes = membership_changes(ana(segments={"vip": NOW}), {"ana": {}})
    assert changes == (MembershipChange("segment/vip", "ana", NOW),)


@settings(max_examples=50)
@given(contacts("ana"), contacts("dev"))
def test_after_a_merge_one_contact_is_where_the_two_were_and_nobody_has_come(a: Contact, b: Contact) -> None:
    merged, _ = merge(a, b, BOOK, NOW)
    stored = {contact.contact_id: places_of(contact) for contact in (a, b)}
    changes = membership_changes(merged, stored)
    expected = written(places_of(merged), by=(merged.contact_id,))
    assert after(written(*stored.values(), by=tuple(stored)), changes) == expected
    known = {(place, since) for places in stored.values() for place, since in places.items()}
    for change in changes:
        if change.since is not None:
            assert change.moved == ((change.place, change.since) in known)


def test_who_comes_to_a_place_in_the_commit_of_a_merge_has_come():
    changes = membership_changes(ana(segments={"vip": NOW}), {"ana": {}, "dev": {"segment/new": NOW - HOUR}})
    assert changes == (
        MembershipChange("segment/new", "dev", None),
        MembershipChange("segment/vip", "ana", NOW),
    )
