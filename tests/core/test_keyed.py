"""Passages side by side: one for each product, which know nothing of one another."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postroad.contacts.merging import merge
from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.journeys import describe_journey, parse_journey
from postroad.keyed import MOST_AT_ONCE, MOST_REMEMBERED, Per, find_item
from postroad.sending.messages import QUEUED
from tests.people import Person, publish

JOURNEY: dict[str, Any] = {
    "kind": "journey",
    "id": "review",
    "name": "Review",
    "trigger": {"event": "Delivered"},
    "per": "products.id",
    "reentry": {"after": "P30D"},
    "goal": {"event": "Reviewed"},
    "exit_on": {"event": "Refunded"},
    "steps": [
        {"id": "enjoy", "wait": {"for": "P10D"}},
        {"id": "ask", "send": {"template": "ask"}},
        {"id": "word", "wait": {"event": "Praised", "timeout": "P5D", "then": [], "else": [
            {"id": "remind", "send": {"template": "remind"}},
        ]}},
        {"id": "rest", "wait": {"for": "P2D"}},
    ],
}  # fmt: skip
SHELF = publish(JOURNEY)


def _person() -> Person:
    return Person(shelf=SHELF)


def _goods(*ids: str) -> dict[str, Any]:
    return {"products": [{"id": each} for each in ids]}


def _sent(person: Person) -> list[tuple[str, str]]:
    """(key, step) of each message that left."""
    keys = {each.last_enrollment: slot for slot, each in person.contact.passages.items() if "/" in slot}
    keys |= {each.enrollment_id: each.slot for each in person.contact.active.values()}
    return [
        (keys[message.enrollment_id].partition("/")[2], message.step)
        for message in person.messages
        if message.state == QUEUED
    ]


def test_every_product_of_a_delivery_has_a_passage_of_its_own_that_its_own_events_move() -> None:
    ana = _person().does("Delivered", **_goods("beans", "cup"))
    assert sorted(ana.contact.active) == ["review/beans", "review/cup"]
    ana.passes("P3D").does("Refunded", **_goods("cup")).passes("P7D")
    assert _sent(ana) == [("beans", "ask")]
    assert list(ana.contact.active) == ["review/beans"]
    ana.does("Reviewed", id="cup")
    assert list(ana.contact.active) == ["review/beans"]
    ana.does("Reviewed", id="beans")
    assert ana.contact.active == {}
    assert ana.contact.passages["review"].last_state == "goal"
    assert (ana.contact.passages["review"].times, ana.contact.passages["review/cup"].last_state) == (2, "exited")


def test_an_event_that_says_no_product_concerns_them_all() -> None:
    ana = _person().does("Delivered", **_goods("beans", "cup")).does("Refunded")
    assert ana.contact.active == {}


def test_each_product_is_let_in_again_by_itself() -> None:
    ana = _person().does("Delivered", **_goods("beans")).does("Refunded").passes("P10D")
    ana.does("Delivered", **_goods("beans", "cup"))
    assert list(ana.contact.active) == ["review/cup"]
    ana.passes("P20D").does("Delivered", **_goods("beans"))
    assert "review/beans" in ana.contact.active


def test_a_delivery_that_says_no_product_starts_nothing_and_the_decision_says_so() -> None:
    ana = _person().does("Delivered", total=5)
    assert ana.contact.active == {}
    assert [each.because for each in ana.decisions if each.verdict == "not started"] == ["it does not say products.id"]


def test_so_many_go_side_by_side_and_no_more() -> None:
    ana = _person().does("Delivered", **_goods(*(f"p-{number}" for number in range(MOST_AT_ONCE + 3))))
    assert len(ana.contact.active) == MOST_AT_ONCE
    assert sum(each.verdict == "not started" for each in ana.decisions) == 3


def test_only_the_latest_are_remembered() -> None:
    ana = _person()
    for number in range(MOST_REMEMBERED + 5):
        ana.does("Delivered", **_goods(f"p-{number}")).does("Refunded")
    assert len(ana.contact.passages) <= MOST_REMEMBERED + 2
    assert f"review/p-{MOST_REMEMBERED + 4}" in ana.contact.passages


def test_of_two_contacts_who_are_one_person_each_key_goes_on_once() -> None:
    ana = _person().does("Delivered", **_goods("beans", "cup")).passes("P3D")
    bea = Person(shelf=SHELF, contact_id="contact-bea", now="2026-11-04T09:00:00Z")
    bea.does("Delivered", **_goods("cup", "tea")).passes("P1D")
    merged, decisions = merge(ana.contact, bea.contact, SHELF.book, ana.now)
    assert sorted(merged.active) == ["review/beans", "review/cup", "review/tea"]
    kept = merged.active["review/cup"].enrollment_id
    assert kept == ana.contact.active["review/cup"].enrollment_id, "the earlier one is as far, and goes on"
    assert merged.dropped == (bea.contact.active["review/cup"].enrollment_id,)
    assert [(each.definition, each.verdict) for each in decisions] == [("journey/review@1", "merged")]


def test_a_new_version_takes_every_passage_along() -> None:
    shelf = publish(JOURNEY)
    ana = Person(shelf=shelf).does("Delivered", **_goods("beans", "cup"))
    shorter = {**JOURNEY, "steps": [{"id": "enjoy", "wait": {"for": "P10D"}}, {"id": "rest", "wait": {"for": "P1D"}}]}
    ana.book = shelf.after(shorter, transfers={"journey/review": {"under_way": "move"}})
    ana.does("Seen")
    assert {each.version for each in ana.contact.active.values()} == {2}


def test_a_key_may_hold_what_parts_a_slot() -> None:
    # Each commit of a person goes through the codec.
    ana = _person().does("Delivered", **_goods("beans", "a/b"))
    assert {each.key for each in ana.contact.active.values()} == {"beans", "a/b"}


def test_a_key_is_found_in_the_event_by_itself_or_in_a_list() -> None:
    def event(**properties: Any) -> Event:
        return Event("e", "Delivered", 0.0, 0.0, properties=properties)

    listed, single = Per(("products", "id")), Per(("id",))
    assert listed.find_keys(event(products=[{"id": "a"}, {"id": 7}, {"id": "a"}, {"name": "x"}, {"id": True}])) == (
        "a",
        "7",
    )
    assert listed.find_keys(event(id="a")) == single.find_keys(event(id="a")) == ("a",)
    assert listed.find_keys(event(products="rubbish")) == ()
    for per in (listed, single):
        assert per.find_keys(event(**per.say("k"))) == ("k",)
    beans, cup = {"id": "a", "name": "Beans"}, {"id": 7, "name": "Cup"}
    assert find_item({"products": [beans, cup]}, "7") == cup
    assert find_item({"id": "a", "name": "Beans"}, "a") == beans
    assert find_item({"products": [beans]}, "") == {"products": [beans]}


def test_what_cannot_be_is_refused_with_a_sentence() -> None:
    for changes, says in (
        ({"reentry": "once"}, "let contacts in again"),
        ({"trigger": {"segment": "vip"}}, "needs triggers that are events"),
        ({"per": "a..b"}, "must be a name"),
    ):
        with pytest.raises(DefinitionError, match=says):
            parse_journey({**JOURNEY, **changes})
    lines = describe_journey(parse_journey(JOURNEY))
    assert "One passage for each products.id" in lines
    assert "Ends early with: Refunded" in lines


# A law: what becomes of one product does not hang on what is done with the others.

DOINGS = st.lists(
    st.tuples(
        st.sampled_from(["Delivered", "Refunded", "Praised", "Reviewed"]),
        st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True),
        st.sampled_from(["PT0S", "P2D", "P6D", "P11D"]),
    ),
    max_size=12,
)


def _live(doings: list[tuple[str, list[str], str]], only: str = "") -> Person:
    person = _person()
    for event, products, then in doings:
        meant = [each for each in products if not only or each == only]
        if meant:
            person.does(event, **_goods(*meant))
        person.passes(then)
    return person.passes("P30D")


@settings(max_examples=60, deadline=None)
@given(DOINGS)
def test_passages_side_by_side_know_nothing_of_one_another(doings: list[tuple[str, list[str], str]]) -> None:
    together = _live(doings)
    assert together.contact.active == {}, "nobody is stuck"
    sent = [(message.step, message.created_at) for message in together.messages]
    apart = [_live(doings, only) for only in ("a", "b", "c")]
    assert sorted(sent) == sorted((m.step, m.created_at) for person in apart for m in person.messages)
