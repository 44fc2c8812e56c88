"""Stages: contacts move ahead by themselves, to the furthest stage that they have reached."""

from math import inf

import pytest

from postroad.contacts.contact import MAX_STAGES_BEFORE, Attribute, Contact, Stage
from postroad.errors import DefinitionError
from postroad.instants import DAY, format_instant
from postroad.predicates.predicate import View
from postroad.stages import DEFAULT, Placement, join, move, parse_stages

NOW = 1_793_610_840.0
DOCUMENT = {
    "kind": "stages",
    "id": "lifecycle",
    "stages": [
        {"id": "subscriber", "if": {"attribute": "email", "exists": True}},
        {"id": "lead", "if": {"attribute": "company", "exists": True}},
        {"id": "customer", "if": {"attribute": "trial_ended", "not_within_last": "P3D"}},
    ],
}
STAGES = parse_stages(DOCUMENT)


def place(stage=None, **attributes):
    known = {name: Attribute(value, NOW, True) for name, value in attributes.items()}
    return STAGES.place(View(Contact("c1", attributes=known, stage=stage and Stage(stage, NOW)), NOW))


TRIAL = {"trial_ended": format_instant(NOW - DAY)}


@pytest.mark.parametrize(
    ("stage", "attributes", "placement"),
    [
        (None, TRIAL, Placement(None, NOW + 2 * DAY)),
        (None, {"email": "a@b.c", **TRIAL}, Placement("subscriber", NOW + 2 * DAY, "email is known")),
        (None, {"email": "a@b.c", "company": "Acme", **TRIAL}, Placement("lead", NOW + 2 * DAY, "company is known")),
        (None, {"email": "a@b.c"}, Placement("customer", inf, "trial ended is not within the last 3 days")),
        ("lead", {"email": "a@b.c", **TRIAL}, Placement(None, NOW + 2 * DAY)),
        ("customer", TRIAL, Placement(None, inf)),
        ("by hand", {"email": "a@b.c", **TRIAL}, Placement("subscriber", NOW + 2 * DAY, "email is known")),
    ],
)
def test_a_contact_moves_to_the_furthest_stage_that_it_reaches_and_never_back(stage, attributes, placement):
    assert place(stage, **attributes) == placement


def test_stages_read_what_their_predicates_read_and_describe_themselves():
    assert STAGES.reads == {"attribute:email", "attribute:company", "attribute:trial_ended"}
    assert STAGES.trackers == ()
    assert STAGES.describe() == (
        "subscriber when email is known; lead when company is known; "
        "customer when trial ended is not within the last 3 days"
    )


@pytest.mark.parametrize(
    ("stages", "mistake"),
    [
        ([], ("stages", "must be a list of 1 to 50 objects; there are 0")),
        ([{"id": "lead"}], ("stages[0].if", "is missing")),
        ([{"if": {"stage": "x"}}], ("stages[0].id", "is missing")),
        ([*DOCUMENT["stages"], DOCUMENT["stages"][0]], ("stages[3].id", "'subscriber' is the id of one before it")),
    ],
)
def test_stages_with_a_mistake_are_refused(stages, mistake):
    with pytest.raises(DefinitionError) as raised:
        parse_stages({**DOCUMENT, "stages": stages})
    assert raised.value.mistakes == (mistake,)


def test_the_life_cycle_to_begin_with_goes_from_attract_to_expand():
    model = parse_stages(DEFAULT)
    assert [stage.id for stage in model.stages] == ["attract", "capture", "nurture", "convert", "expand"]
    assert [model.rank(name) for name in ("attract", "expand", "unheard-of")] == [0, 4, -1]


def test_a_contact_remembers_the_stages_before_its_present_one_the_latest_last():
    history = move(None, (), "lead", NOW, "company is known")
    history = move(history[-1], history[:-1], "customer", NOW + DAY, "x" * 200)
    assert history == (Stage("lead", NOW, "company is known"), Stage("customer", NOW + DAY, "x" * 99 + "…"))


def test_at_most_so_many_stages_are_remembered():
    present, earlier = None, ()
    for number in range(30):
        *earlier, present = move(present, tuple(earlier), f"s{number}", NOW + number, "")
    assert present.name == "s29"
    assert [stage.name for stage in earlier] == [f"s{number}" for number in range(29 - MAX_STAGES_BEFORE, 29)]


def test_the_histories_of_two_contacts_become_one_in_the_order_of_time():
    lead, visitor, customer = Stage("lead", NOW + 1), Stage("visitor", NOW), Stage("customer", NOW + 5)
    assert join((lead, visitor, lead, customer), customer) == (visitor, lead)
