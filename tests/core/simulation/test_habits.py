"""Habits: said in a document, or learned from live numbers."""

import pytest

from postroad.errors import DefinitionError
from postroad.simulation import Deed, Habits, Response, learn_habits, parse_habits
from postroad.simulation.habits import WEIGHT
from postroad.stats import Counts, MessageCounts, PlaceCounts


def test_what_a_document_does_not_say_is_as_usual() -> None:
    assert parse_habits({}, Habits()) == Habits()
    usual = Habits(Response(opened=0.9), {"hello": Response(opened=0.8)}, deeds=(Deed("Signed Up", 0.5),))
    assert parse_habits({}, usual) == usual


def test_a_document_says_chances_delays_steps_and_events() -> None:
    habits = parse_habits(
        {
            "opened": 0.5,
            "opens_after": "PT1H",
            "steps": {"reminder": {"clicked": 0.4}},
            "events": [{"event": "Order Completed", "chance": 0.2, "after": "clicked", "properties": {"total": 20}}],
        },
        Habits(),
    )
    assert habits.usual == Response(opened=0.5)
    assert habits.response("reminder") == Response(opened=0.5, clicked=0.4)
    assert habits.response("another") == habits.usual
    assert habits.opens_after == 3_600.0
    assert habits.deeds == (Deed("Order Completed", 0.2, "clicked", properties={"total": 20}),)


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"opened": 1.5}, "opened"),
        ({"opens": 0.5}, "opens"),
        ({"steps": {"a": {"sent": 1}}}, "steps.a.sent"),
        ({"events": [{"event": "X", "chance": 2}]}, "events[0].chance"),
        ({"events": [{"event": "X", "chance": 0.1, "after": "sent"}]}, "events[0].after"),
        ({"opens_after": "P1M"}, "opens_after"),
    ],
)
def test_a_mistake_is_refused_with_its_path(document: dict[str, object], path: str) -> None:
    with pytest.raises(DefinitionError) as refusal:
        parse_habits(document, Habits())
    assert [where for where, _ in refusal.value.mistakes] == [path]


def _messages(delivered: int, opened: int, clicked: int = 0, bounced: int = 0) -> MessageCounts:
    return MessageCounts(
        total=delivered + bounced, delivered=delivered, bounced=bounced, opened=opened, clicked=clicked
    )


def test_many_numbers_outweigh_what_is_usual_and_few_do_not() -> None:
    many = Counts(messages={"hello": _messages(100_000, 60_000, 30_000)})
    habits = learn_habits(many, ["hello"], Habits())
    assert habits.response("hello").opened == pytest.approx(0.6, abs=0.001)
    assert habits.response("hello").clicked == pytest.approx(0.5, abs=0.001)
    few = learn_habits(Counts(messages={"hello": _messages(1, 1)}), ["hello"], Habits())
    assert few.usual.opened == pytest.approx((1 + WEIGHT * 0.35) / (1 + WEIGHT))


def test_a_step_of_few_messages_leans_on_the_others() -> None:
    counts = Counts(messages={"a": _messages(10_000, 8_000), "b": _messages(0, 0)})
    habits = learn_habits(counts, ["a", "b"], Habits())
    assert habits.response("b") == habits.usual
    assert habits.usual.opened == pytest.approx(0.798, abs=0.001)


def test_the_goal_comes_as_often_as_passages_reached_it() -> None:
    counts = Counts(places={":goal": PlaceCounts(0, 3_000), ":completed": PlaceCounts(0, 7_000)})
    usual = Habits(deeds=(Deed("Page Viewed", 0.4), Deed("Order Completed", 0.1, "clicked", properties={"total": 5})))
    habits = learn_habits(counts, [], usual, "Order Completed")
    (viewed, ordered) = habits.deeds
    assert viewed == Deed("Page Viewed", 0.4)
    assert ordered.chance == pytest.approx(0.3, abs=0.002)
    assert (ordered.after, ordered.properties) == ("start", {"total": 5})
