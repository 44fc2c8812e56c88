"""Changing a journey step by step, with the ready-made journeys as examples."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.gallery import build, list_workflows
from postroad.journeys import parse_journey
from postroad.journeys.definition import find_places
from postroad.journeys.drawing import START, draw_journey
from postroad.journeys.editing import (
    OUTLINE,
    EditError,
    Slot,
    count_within,
    find_step,
    insert_step,
    move_step,
    new_id,
    remove_step,
    replace_step,
    settle_ids,
)
from postroad.policy import parse_policy
from tests.core.gallery.life import POLICY, SITE

PAUSE = {"id": "pause", "wait": {"for": "PT1H"}}
CART = {
    "kind": "journey",
    "id": "cart",
    "trigger": {"event": "Product Added"},
    "steps": [
        {"wait": {"for": "PT1H"}},
        {"id": "reminder", "send": {"template": "cart-reminder"}},
        {
            "id": "look",
            "wait": {
                "opened": "reminder",
                "timeout": "P2D",
                "then": [{"id": "offer", "send": {"template": "cart-offer"}}, {"exit": {}}],
            },
        },
        {"id": "last", "send": {"template": "cart-last"}},
    ],
}


def ids(document):
    return list(find_places(document).steps)


def test_a_step_stands_at_its_path_and_so_do_its_arms():
    places = find_places(CART)
    assert places.steps == {
        "wait-1": "steps[0]",
        "reminder": "steps[1]",
        "look": "steps[2]",
        "offer": "steps[2].wait.then[0]",
        "look-then-exit-2": "steps[2].wait.then[1]",
        "last": "steps[3]",
    }
    assert places.arms == {("look", "then"): "steps[2].wait.then", ("look", "else"): "steps[2].wait.else"}


def test_once_ids_are_settled_no_change_calls_a_step_otherwise():
    settled = settle_ids(CART)
    assert ids(settled) == ids(CART)
    assert settled["steps"][0] == {"id": "wait-1", "wait": {"for": "PT1H"}}
    assert "wait-1" in ids(insert_step(settled, Slot("", "", 0), PAUSE))
    assert "id" not in CART["steps"][0]


@pytest.mark.parametrize(
    ("slot", "expected"),
    [
        (Slot("", "", 0), ["pause", "wait-1", "reminder", "look", "offer", "look-then-exit-2", "last"]),
        (Slot("", "", 4), ["wait-1", "reminder", "look", "offer", "look-then-exit-2", "last", "pause"]),
        (Slot("look", "then", 1), ["wait-1", "reminder", "look", "offer", "pause", "look-then-exit-2", "last"]),
        (Slot("look", "else", 0), ["wait-1", "reminder", "look", "offer", "look-then-exit-2", "pause", "last"]),
    ],
)
def test_a_step_is_put_where_the_slot_is_also_into_an_arm_that_was_not_there(slot, expected):
    assert ids(insert_step(settle_ids(CART), slot, PAUSE)) == expected


def test_a_step_takes_what_is_in_its_arms_with_it():
    moved = move_step(settle_ids(CART), "look", Slot("", "", 0))
    assert ids(moved) == ["look", "offer", "look-then-exit-2", "wait-1", "reminder", "last"]
    assert count_within(CART, "look") == 2
    assert ids(remove_step(CART, "look")) == ["wait-1", "reminder", "last"]


def test_a_slot_is_counted_while_the_step_is_still_at_its_place():
    settled = settle_ids(CART)
    assert [step["id"] for step in move_step(settled, "wait-1", Slot("", "", 3))["steps"]] == [
        "reminder", "look", "wait-1", "last",
    ]  # fmt: skip
    assert move_step(settled, "wait-1", Slot("", "", 0)) == settled == move_step(settled, "wait-1", Slot("", "", 1))


def test_a_step_cannot_move_into_itself_nor_to_where_nothing_is():
    for slot in (Slot("look", "then", 0), Slot("look", "other", 0), Slot("gone", "then", 0), Slot("", "", 9)):
        with pytest.raises(EditError):
            move_step(CART, "look", slot)
    for change in (find_step, remove_step):
        with pytest.raises(EditError, match="no such step"):
            change(CART, "gone")


def test_another_step_takes_the_place_of_one():
    changed = replace_step(CART, "last", PAUSE)
    assert find_step(changed, "pause") == PAUSE
    assert ids(changed)[-1] == "pause"


def test_a_new_id_is_one_that_no_step_has():
    assert new_id(CART, "Cart reminder!") == "cart-reminder"
    assert new_id(CART, "offer") == "offer-2"
    assert new_id(CART, "…") == "step"


# What workflows ask for beside the site, by the name of the setting.
ASKED = {"title": "Coffee at home", "place": "Berlin", "starts": "2026-12-01T18:00"}
JOURNEYS = [
    document
    for workflow in list_workflows()
    for document in build(
        workflow,
        {s.id: {"site": SITE}.get(s.id) or ASKED.get(s.id, "x") for s in workflow.settings if not s.default}
        | {"topic": "offers", "site": SITE},
        parse_policy(POLICY),
    ).values()
    if document["kind"] == "journey"
]


@given(st.data())
def test_moving_steps_loses_none_and_moving_back_restores_the_journey(data):
    document = settle_ids(data.draw(st.sampled_from(JOURNEYS)))
    before = deepcopy(document)
    openings = draw_journey(parse_journey(document), is_open=True).openings
    step = data.draw(st.sampled_from(ids(document)))
    slot = data.draw(st.sampled_from(openings)).slot
    try:
        moved = move_step(document, step, slot)
    except EditError:
        assert count_within(document, step)
        return
    assert sorted(ids(moved)) == sorted(ids(document))
    assert document == before
    path = find_places(document).steps[step]
    above, number = path.rpartition("[")[0], int(path.rpartition("[")[2][:-1])
    owner = next((arm for arm, where in find_places(document).arms.items() if where == above), OUTLINE)
    back = find_places(moved).steps[step]
    later = back.rpartition("[")[0] == above and int(back.rpartition("[")[2][:-1]) <= number
    restored = move_step(moved, step, Slot(*owner, number + later))
    assert _full(restored) == _full(document)


@given(st.sampled_from(JOURNEYS))
def test_a_picture_has_an_opening_before_each_step_and_at_the_end_of_each_list_that_goes_on(document):
    journey = parse_journey(settle_ids(document))
    drawing = draw_journey(journey, is_open=True)
    slots = [opening.slot for opening in drawing.openings]
    assert len(set(slots)) == len(slots)
    assert len(slots) >= len(journey.steps)
    boxes = [card.box for card in drawing.cards]
    for opening in drawing.openings:
        x, y = opening.point
        assert not any(box.x < x < box.x + box.width and box.y < y < box.y + box.height for box in boxes)
        assert 0 < x < drawing.width
        assert 0 < y < drawing.height
        step = {**PAUSE, "id": new_id(document, "pause")}
        assert parse_journey(insert_step(document, opening.slot, step)).steps[step["id"]]
    assert START in {card.id for card in drawing.cards}


def _full(document):
    """With every arm written down, be it empty."""
    full = deepcopy(document)
    for path in find_places(full).arms.values():
        holder, key = full, path.rpartition(".")[2]
        for part in path.rpartition(".")[0].replace("]", "").replace("[", ".").split("."):
            holder = holder[int(part) if part.isdigit() else part]
        holder.setdefault(key, [])
    return full
