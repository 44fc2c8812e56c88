"""Two contacts turn out to be one: the same contact comes out whichever side one starts from."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.contacts.contact import (
    MAX_UNCONFIRMED,
    Attribute,
    Consent,
    Contact,
    Enrollment,
    Passage,
    Points,
    Seat,
    Stage,
)
from postroad.contacts.merging import MAX_DROPPED, merge, order
from postroad.contacts.ring import Ring
from tests.books import Shelf

NOW = 1_793_610_000.0
HOUR = 3_600.0


def _journey(journey_id: str, reentry: Any) -> dict[str, Any]:
    return {
        "kind": "journey",
        "id": journey_id,
        "trigger": {"event": "Signed Up"},
        "reentry": reentry,
        "steps": [{"id": "one", "wait": {"for": "PT1H"}}, {"id": "two", "wait": {"for": "PT1H"}}],
    }


BOOK = Shelf(
    {"kind": "segment", "id": "active", "if": {"event": "Page Viewed", "at_least": 3, "within": "P1D"}},
    {
        "kind": "score",
        "id": "engagement",
        "half_life": "P2D",
        "rules": [{"id": "page", "event": "Page Viewed", "points": 5}],
    },
    _journey("once", "once"),
    _journey("again", {"after": "PT1H"}),
).book
(TRACKER,) = BOOK.trackers

TIMES = st.integers(0, 500_000).map(lambda seconds: NOW - float(seconds))
ENROLLMENTS = st.builds(
    lambda number, entered, done: {
        "enrollment_id": f"enr-{number}",
        "entered": entered,
        "visits": {f"step-{n}": 1 for n in range(done)},
        "due": entered + HOUR,
    },
    st.integers(0, 10_000),
    TIMES,
    st.integers(0, 5),
)
SEATS = st.builds(
    lambda role, since, said, engaged, version: Seat(role, since, said, engaged, version, {"plan": version}),
    st.sampled_from(["buyer", "user"]),
    TIMES,
    TIMES,
    st.booleans(),
    st.integers(0, 3),
)
PASSAGES = st.builds(
    lambda entered, lasted, number: Passage(1, entered, entered + lasted, "completed", f"enr-{number}"),
    TIMES,
    st.floats(0.0, 1e5).map(round),
    st.integers(0, 10_000),
)


# Made once: to make a strategy takes longer than to draw from it.
MOMENTS = st.lists(TIMES, min_size=1, max_size=3)
FACTS = st.fixed_dictionaries(
    {
        "version": st.integers(1, 9),
        "created_at": TIMES,
        "revision": st.integers(1, 3),
        "wake_at": st.none() | TIMES,
        "last_seen": TIMES,
        "events_folded": st.integers(0, 99),
        "attributes": st.dictionaries(
            st.sampled_from(["plan", "city"]),
            st.builds(Attribute, st.sampled_from(["a", "b", 1, None]), TIMES, st.booleans()),
        ),
        "consents": st.dictionaries(
            st.sampled_from(["news", "*"]), st.builds(Consent, st.booleans(), TIMES, st.none() | TIMES)
        ),
        "suppressions": st.dictionaries(st.just("email:e"), st.sampled_from(["bounced", "complained"])),
        "stage": st.none() | st.builds(Stage, st.sampled_from(["lead", "customer"]), TIMES),
        "segments": st.dictionaries(st.just("active"), TIMES),
        "accounts": st.dictionaries(st.sampled_from(["acme", "zeta"]), SEATS),
        "turns": st.dictionaries(st.just("segment/active"), TIMES),
        "merged_from": st.sampled_from([(), ("older",)]),
        "dropped": st.sampled_from([(), ("enr-x",)]),
        "ring": st.lists(st.binary(min_size=6, max_size=6), unique=True, max_size=5).map(
            lambda hashes: Ring().add(hashes, NOW)
        ),
    }
)


@st.composite
def contacts(draw: st.DrawFn, contact_id: str) -> Contact:
    """A contact as the fold could have left it."""
    names = st.sampled_from(["user:u", "email:e", f"anon:{contact_id}"])
    contact = Contact(contact_id, identities=draw(st.dictionaries(names, TIMES)), **draw(FACTS))
    times = sorted(draw(MOMENTS))
    if draw(st.booleans()):
        contact.behaviour[TRACKER] = [len(times), times[0], times[-1], *times]
    if draw(st.booleans()):
        contact.scores["engagement"] = {"page": Points(5.0 * len(times), times[-1])}
    for journey in ("once", "again"):
        if draw(st.booleans()):
            contact.passages[journey] = draw(PASSAGES)
        if draw(st.booleans()):
            facts = draw(ENROLLMENTS)
            facts["enrollment_id"] += f"-{contact_id}-{journey}"
            contact.active[journey] = Enrollment(journey=journey, version=1, trigger_key="k", step="one", **facts)
            past = contact.passages.get(journey)
            contact.passages[journey] = Passage((past.times if past else 0) + 1, facts["entered"], None, "active")
    return contact


def ana(**facts: Any) -> Contact:
    return Contact("ana", version=1, created_at=NOW - HOUR, **facts)


def device(**facts: Any) -> Contact:
    return Contact("dev", version=1, created_at=NOW, **facts)


def enrolled(enrollment_id: str, entered: float, *steps: str, journey: str = "once") -> Enrollment:
    step = steps[-1] if steps else ""
    return Enrollment(enrollment_id, journey, 1, entered, "k", step, entered + HOUR, visits=dict.fromkeys(steps, 1))


@settings(max_examples=50)
@given(contacts("ana"), contacts("dev"))
def test_merging_commutes(a: Contact, b: Contact) -> None:
    assert merge(a, b, BOOK, NOW) == merge(b, a, BOOK, NOW)


@settings(max_examples=50)
@given(contacts("ana"), contacts("dev"))
def test_neither_side_is_changed(a: Contact, b: Contact) -> None:
    before = a.copy(), b.copy()
    merge(a, b, BOOK, NOW)
    assert (a, b) == before


@settings(max_examples=50)
@given(contacts("ana"), contacts("dev"))
def test_nothing_that_is_known_is_lost(a: Contact, b: Contact) -> None:
    merged, _ = merge(a, b, BOOK, NOW)
    assert merged.identities.keys() == {*a.identities, *b.identities}
    assert merged.attributes.keys() == {*a.attributes, *b.attributes}
    assert merged.events_folded == a.events_folded + b.events_folded
    assert {*a.merged_from, *b.merged_from} < {*merged.merged_from}
    assert all(h in merged.ring for ring in (a.ring, b.ring) for h in ring.young_hashes(NOW))
    assert merged.passages.keys() == {*a.passages, *b.passages}
    assert sum(passage.times for passage in merged.passages.values()) == sum(
        passage.times for contact in (a, b) for passage in contact.passages.values()
    )


def test_a_claim_of_one_is_none_when_the_other_is_known_by_it() -> None:
    a = Contact("ana", created_at=NOW, identities={"email:a@x.example": NOW, "user:a": NOW})
    b = Contact("dev", created_at=NOW, identities={"email:a@x.example": NOW, "email:b@x.example": NOW, "anon:b": NOW})
    b.claims = frozenset({"email:a@x.example", "email:b@x.example"})
    assert merge(a, b, BOOK, NOW)[0].claims == merge(b, a, BOOK, NOW)[0].claims == {"email:b@x.example"}


@settings(max_examples=50)
@given(contacts("ana"), contacts("dev"))
def test_a_refusal_of_either_outranks_a_yes_of_the_other(a: Contact, b: Contact) -> None:
    merged, _ = merge(a, b, BOOK, NOW)
    for contact in (a, b):
        for topic, consent in contact.consents.items():
            assert consent.granted or not merged.consents[topic].granted
        assert contact.suppressions.keys() <= merged.suppressions.keys()


@settings(max_examples=50)
@given(contacts("ana"), contacts("dev"))
def test_the_timer_is_armed_no_later_than_either_was(a: Contact, b: Contact) -> None:
    merged, _ = merge(a, b, BOOK, NOW)
    armed = [contact.wake_at for contact in (a, b) if contact.wake_at is not None]
    assert merged.wake_at == (min(armed) if armed else None)


@settings(max_examples=50)
@given(contacts("ana"), contacts("dev"))
def test_what_only_one_has_seen_of_the_book_is_folded_again(a: Contact, b: Contact) -> None:
    assert merge(a, b, BOOK, NOW)[0].revision == min(a.revision, b.revision)


@settings(max_examples=50)
@given(contacts("ana"), contacts("dev"))
def test_every_enrollment_goes_on_or_is_dropped_with_a_decision(a: Contact, b: Contact) -> None:
    merged, decisions = merge(a, b, BOOK, NOW)
    before = {e.enrollment_id for contact in (a, b) for e in contact.active.values()}
    goes_on = {e.enrollment_id for e in merged.active.values()}
    assert goes_on <= before
    assert before - goes_on <= {*merged.dropped}
    assert len(decisions) == len(before - goes_on)
    for journey, passage in merged.passages.items():
        assert passage.last_ended is not None or journey in merged.active


def test_who_is_dropped_from_a_journey_has_ended_it_as_the_other_contact_did() -> None:
    a, b = Contact("ana", created_at=NOW), Contact("dev", created_at=NOW)
    a.passages["once"] = Passage(1, NOW - 9, NOW - 5, "goal", "enr-1")
    b.active["once"] = Enrollment("enr-2", "once", 1, NOW - 3, "k", "one", NOW + HOUR)
    b.passages["once"] = Passage(1, NOW - 3, None, "")
    for merged, _ in (merge(a, b, BOOK, NOW), merge(b, a, BOOK, NOW)):
        assert merged.active == {}
        assert merged.passages["once"] == Passage(2, NOW - 3, NOW - 5, "goal", "enr-1")


def test_two_contacts_full_of_unconfirmed_words_leave_room_for_confirmed_ones() -> None:
    a, b = Contact("ana", created_at=NOW), Contact("dev", created_at=NOW)
    a.attributes = {f"a{n}": Attribute(n, NOW + n, confirmed=False) for n in range(MAX_UNCONFIRMED)}
    b.attributes = {f"b{n}": Attribute(n, NOW + n, confirmed=n < 10) for n in range(MAX_UNCONFIRMED)}
    merged, _ = merge(a, b, BOOK, NOW)
    words = merged.attributes
    assert sum(word.confirmed for word in words.values()) == 10
    assert sum(not word.confirmed for word in words.values()) == MAX_UNCONFIRMED
    assert "a49" in words  # the newest
    assert "a0" not in words


def test_what_a_dropped_enrollment_still_had_to_do_is_forgotten() -> None:
    a, b = Contact("ana", created_at=NOW), Contact("dev", created_at=NOW)
    a.active["once"] = Enrollment("enr-1", "once", 1, NOW - 3, "k", "one", NOW + HOUR)
    a.active["often"] = Enrollment("enr-2", "often", 1, NOW - 3, "k", "one", NOW + HOUR)
    a.turns = {"journey/once": NOW, "journey/often": NOW, "segment/active": NOW + HOUR}
    b.passages["once"] = Passage(1, NOW - 9, NOW - 5, "goal", "enr-0")
    merged, _ = merge(a, b, BOOK, NOW)
    assert merged.turns == {"journey/often": NOW, "segment/active": NOW + HOUR}


def test_the_older_contact_stays_and_of_two_as_old_the_one_with_the_lesser_id() -> None:
    assert order(device(), ana())[0].contact_id == "ana"
    twins = Contact("b", created_at=NOW), Contact("a", created_at=NOW)
    assert order(*twins)[0].contact_id == "a"
    merged, _ = merge(device(), ana(), BOOK, NOW)
    assert (merged.contact_id, merged.version, merged.merged_from) == ("ana", 1, ("dev",))


@pytest.mark.parametrize(
    ("mine", "theirs", "stays"),
    [
        (Attribute("old", NOW - 9, True), Attribute("new", NOW, True), "new"),
        (Attribute("server's", NOW - 9, True), Attribute("browser's", NOW, False), "server's"),
        (Attribute("old", NOW - 9, False), Attribute("new", NOW, False), "new"),
        (Attribute("a", NOW, True), Attribute("b", NOW, True), "b"),
    ],
)
def test_of_two_words_the_confirmed_one_stays_then_the_later(mine: Attribute, theirs: Attribute, stays: str) -> None:
    for one, other in ((mine, theirs), (theirs, mine)):
        merged, _ = merge(ana(attributes={"plan": one}), device(attributes={"plan": other}), BOOK, NOW)
        assert merged.find_value("plan") == stays


def test_counts_and_points_add_up() -> None:
    times = [NOW - HOUR, NOW]
    a = ana(
        behaviour={TRACKER: [1, times[0], times[0], times[0]]}, scores={"engagement": {"page": Points(5.0, times[1])}}
    )
    b = device(
        behaviour={TRACKER: [1, times[1], times[1], times[1]]}, scores={"engagement": {"page": Points(5.0, times[1])}}
    )
    merged, _ = merge(a, b, BOOK, NOW)
    assert merged.behaviour == {TRACKER: [2, *times, *times]}
    assert merged.scores["engagement"]["page"].points == pytest.approx(10.0)


def test_of_two_enrollments_in_a_journey_the_further_one_stays() -> None:
    near, far = enrolled("near", NOW - 9, "one"), enrolled("far", NOW, "one", "two")
    merged, decisions = merge(ana(active={"once": near}), device(active={"once": far}), BOOK, NOW)
    assert merged.active == {"once": far}
    assert merged.dropped == ("near",)
    assert [(d.definition, d.step, d.verdict) for d in decisions] == [("journey/once@1", "one", "merged")]


def test_of_two_as_far_the_one_that_entered_first_stays() -> None:
    first, second = enrolled("first", NOW - 9, "one"), enrolled("second", NOW, "one")
    merged, _ = merge(ana(active={"once": second}), device(active={"once": first}), BOOK, NOW)
    assert merged.active == {"once": first}


@pytest.mark.parametrize(("journey", "goes_on"), [("once", False), ("again", True)])
def test_who_has_been_through_a_journey_stays_in_it_only_if_it_may_be_entered_again(
    journey: str, goes_on: bool
) -> None:
    past = Passage(1, NOW - 9 * HOUR, NOW - 8 * HOUR, "completed", "past")
    present = enrolled("present", NOW - HOUR, "one", journey=journey)
    active = Passage(1, NOW - HOUR, None, "active")
    merged, _ = merge(
        ana(passages={journey: past}), device(passages={journey: active}, active={journey: present}), BOOK, NOW
    )
    assert (journey in merged.active) is goes_on
    assert ("present" in merged.dropped) is not goes_on
    assert merged.passages[journey].times == 2


def test_of_two_ended_passages_through_a_once_only_journey_the_later_ones_messages_do_not_leave() -> None:
    first = Passage(1, NOW - 9 * HOUR, NOW - HOUR, "completed", "first")
    second = Passage(1, NOW - 8 * HOUR, NOW - 2 * HOUR, "completed", "second")
    merged, _ = merge(ana(passages={"once": first}), device(passages={"once": second}), BOOK, NOW)
    assert merged.dropped == ("second",)
    again, _ = merge(ana(passages={"again": first}), device(passages={"again": second}), BOOK, NOW)
    assert again.dropped == ()


def test_of_dropped_enrollments_a_limited_number_is_remembered_the_newest_for_sure() -> None:
    many = tuple(f"enr-{number:03d}" for number in range(MAX_DROPPED))
    near, far = enrolled("a-new-one", NOW - 9, "one"), enrolled("far", NOW, "one", "two")
    merged, _ = merge(ana(dropped=many, active={"once": near}), device(active={"once": far}), BOOK, NOW)
    assert len(merged.dropped) == MAX_DROPPED
    assert merged.dropped[-1] == "a-new-one"
