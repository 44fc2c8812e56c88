"""The picture of a journey, by example and by what holds for any journey."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings

from postroad.journeys import parse_journey
from postroad.journeys.drawing import CARD_HEIGHT, COMPLETED, EXITED, GOAL, START, Box, draw_journey
from tests.core.journeys.test_laws import journeys
from tests.core.journeys.test_steps import ENDS, ROWS

CART = parse_journey(
    {
        "kind": "journey", "id": "cart", "trigger": [{"event": "Product Added"}, {"segment": "full-carts"}],
        "goal": {"event": "Order Completed", "within": "P7D"}, "exit_if": {"segment": "staff"},
        "steps": [
            {"wait": {"for": "PT1H"}},
            {"id": "reminder", "send": {"template": "cart-reminder"}},
            {"id": "reaction", "wait": {"opened": "reminder", "timeout": "P2D", "then": [], "else": [
                {"id": "reachable", "branch": {"cases": [
                    {"if": {"attribute": "phone", "exists": True}, "name": "has a phone", "then": [
                        {"id": "text", "send": {"template": "cart-text", "channel": "sms"}}]},
                    {"if": {"segment": "vip"}, "name": "vip", "then": [{"exit": {"reason": "sales call"}}]},
                ]}},
            ]}},
            {"id": "thanks", "send": {"template": "thanks"}},
        ],
    }
)  # fmt: skip


def cards_of(drawing):
    return {card.id: card for card in drawing.cards}


def middle(card):
    return card.box.x + card.box.width / 2


def ways_of(journey):
    """(step, name of the way, where it leads), for every way that the interpreter may go; `None` is the end."""
    for step in journey.steps.values():
        for name in step.arms or ("",):
            if not step.body.ends:
                yield step.id, name, step.way(name) or COMPLETED


@pytest.mark.parametrize("row", ROWS)
def test_every_step_type_is_drawn(row):
    step, *_, sentence = ROWS[row]
    after = [] if row in ENDS else [{"id": "after", "wait": {"for": "P1D"}}]
    journey = parse_journey(
        {
            "kind": "journey", "id": "tour", "trigger": {"event": "Called"}, "goal": {"event": "Bought"},
            "steps": [{"id": "first", "send": {"template": "first"}}, step, *after],
        }
    )  # fmt: skip
    drawing = draw_journey(journey)
    card = cards_of(drawing)[step["id"]]
    assert card.sentence == sentence
    assert card.icon == {"send": "email"}.get(row, row.partition(" ")[0])
    assert {way.source for way in drawing.ways} >= ({"first"} if row in ENDS else {"first", step["id"]})


def test_cards_say_what_their_steps_do():
    cards = cards_of(draw_journey(CART))
    assert [(card.icon, card.title, card.sentence) for card in cards.values()] == [
        ("start", "Start", "Product Added or entering segment full-carts"),
        ("goal", "Goal", "Order Completed within 1 week"),
        ("exited", "Leaves early", "If is in the segment staff"),
        ("wait", "Wait", "Wait for 1 hour"),
        ("email", "Reminder", "Send cart-reminder by email"),
        ("wait", "Reaction", "Wait until: opened reminder, at most 2 days"),
        ("branch", "Reachable", "Take the first way that holds"),
        ("sms", "Text", "Send cart-text by sms"),
        ("exit", "Exit", "Exit: sales call"),
        ("email", "Thanks", "Send thanks by email"),
        ("completed", "End", "Came to the end of the journey"),
    ]


def test_ways_say_when_they_are_taken_and_come_back_together():
    ways = [(way.source, way.target, way.names, way.sentence) for way in draw_journey(CART).ways]
    assert ways == [
        (START, "wait-1", ("",), ""),
        ("wait-1", "reminder", ("",), ""),
        ("reminder", "reaction", ("",), ""),
        ("reaction", "reachable", ("else",), "If the time runs out"),
        ("reachable", "text", ("has a phone",), "Has a phone, if: phone is known"),
        ("reachable", "reachable-vip-exit-1", ("vip",), "Vip, if: is in the segment vip"),
        ("reaction", "thanks", ("then",), "If it happens"),
        ("text", "thanks", ("",), ""),
        ("reachable", "thanks", ("else",), "Otherwise"),
        ("thanks", COMPLETED, ("",), ""),
    ]


def test_a_column_hangs_on_its_axis_and_arms_stand_in_reading_order():
    drawing = draw_journey(CART)
    cards = cards_of(drawing)
    column = [cards[name] for name in (START, "wait-1", "reminder", "reaction", "thanks", COMPLETED)]
    assert len({middle(card) for card in column}) == 1
    assert [card.box.y for card in column] == sorted(card.box.y for card in column)
    assert middle(cards["reaction"]) < middle(cards["reachable"])
    assert cards["text"].box.y == cards["reachable-vip-exit-1"].box.y
    assert cards["text"].box.x < cards["reachable-vip-exit-1"].box.x
    assert cards[EXITED].box.x < cards[START].box.x < cards[GOAL].box.x
    assert cards[EXITED].box.y == cards[START].box.y == cards[GOAL].box.y


def test_ways_that_all_lead_on_are_one_line():
    drawing = draw_journey(
        parse_journey(
            {"kind": "journey", "id": "a", "trigger": {"event": "X"},
             "steps": [{"id": "left", "wait": {"event": "Y", "timeout": "P1D", "then": [], "else": []}}]}
        )
    )  # fmt: skip
    assert [(way.source, way.names, way.label) for way in drawing.ways] == [
        (START, ("",), None),
        ("left", ("then", "else"), None),
    ]
    assert {way.points[0][0] for way in drawing.ways} == {way.points[-1][0] for way in drawing.ways}


def test_a_journey_whose_every_way_exits_has_no_end():
    drawing = draw_journey(
        parse_journey({"kind": "journey", "id": "a", "trigger": {"event": "X"}, "steps": [{"exit": {}}]})
    )
    assert [card.id for card in drawing.cards] == [START, "exit-1"]


def test_lines_have_round_corners_and_straight_ones_have_none():
    straight, bent = (
        next(way for way in draw_journey(CART).ways if way.source == name) for name in ("wait-1", "reachable")
    )
    assert straight.path.count("Q") == 0
    assert bent.path.count("Q") == len(bent.points) - 2
    assert bent.path.startswith(f"M{bent.points[0][0]:g} {bent.points[0][1]:g}L")
    assert bent.path.endswith(f"L{bent.points[-1][0]:g} {bent.points[-1][1]:g}")


# For any journey


@given(journeys)
@settings(max_examples=50)
def test_every_step_is_drawn_once_and_in_the_order_of_the_document(journey):
    ids = [card.id for card in draw_journey(journey).cards]
    assert [card for card in ids if card in journey.steps] == list(journey.steps)
    others = [card for card in ids if card not in journey.steps]
    ends = any(target == COMPLETED for _, _, target in ways_of(journey))
    asides = [GOAL] * bool(journey.goal) + [EXITED] * bool(journey.exit_if or journey.exit_on)
    assert others == [START, *asides, *[COMPLETED] * ends]


def test_all_that_ends_it_early_stands_on_one_card():
    document = {
        "kind": "journey", "id": "cart", "trigger": {"event": "Product Added"}, "goal": {"event": "Order Completed"},
        "exit_if": {"segment": "staff"}, "exit_on": {"event": "Cart Emptied"}, "steps": [{"wait": {"for": "PT1H"}}],
    }  # fmt: skip
    drawn = [card for card in draw_journey(parse_journey(document)).cards if card.id == EXITED]
    assert [card.sentence for card in drawn] == ["If is in the segment staff, or with Cart Emptied"]


@given(journeys)
@settings(max_examples=50)
def test_every_way_that_can_be_gone_is_a_line_and_no_other(journey):
    drawn = [(way.source, name, way.target) for way in draw_journey(journey).ways for name in way.names]
    assert sorted(drawn) == sorted([(START, "", journey.first), *ways_of(journey)])


@given(journeys)
@settings(max_examples=50)
def test_nothing_lies_on_anything_else_and_all_is_on_the_sheet(journey):
    drawing = draw_journey(journey)
    labels = [way.label for way in drawing.ways if way.label]
    sheet = Box(0, 0, drawing.width, drawing.height)
    for box in (boxes := [card.box for card in drawing.cards] + labels):
        assert box.x >= sheet.x
        assert box.y >= sheet.y
        assert box.x + box.width <= sheet.width
        assert box.y + box.height <= sheet.height
    for one, other in combinations(boxes, 2):
        assert not one.touches(other)


@given(journeys)
@settings(max_examples=50)
def test_a_line_goes_down_from_its_card_to_the_next_and_crosses_none(journey):
    drawing = draw_journey(journey)
    cards = cards_of(drawing)
    for way in drawing.ways:
        source, target = cards[way.source], cards[way.target]
        assert way.points[0] == (middle(source), source.box.y + CARD_HEIGHT)
        assert way.points[-1] == (middle(target), target.box.y)
        for (x, y), (to_x, to_y) in pairwise(way.points):
            assert (x == to_x) != (y == to_y)
            assert to_y >= y
            line = Box(min(x, to_x), y, abs(to_x - x), to_y - y)
            assert not any(line.touches(card.box) for card in drawing.cards)
            assert not any(line.touches(other.label) for other in drawing.ways if other.label and other is not way)


@given(journeys)
@settings(max_examples=20)
def test_the_same_journey_is_drawn_the_same(journey):
    assert draw_journey(journey) == draw_journey(journey)
