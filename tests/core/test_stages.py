"""Stages: contacts move ahead by themselves, to the furthest stage that they have reached."""

from math import inf

import pytest

from postroad.contacts import Attribute, Contact, Stage
from postroad.errors import DefinitionError
from postroad.instants import DAY, format_instant
from postroad.predicates import View
from postroad.stages import Placement, parse_stages

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
        (None, {"email": "a@b.c", **TRIAL}, Placement("subscriber", NOW + 2 * DAY)),
        (None, {"email": "a@b.c", "company": "Acme", **TRIAL}, Placement("lead", NOW + 2 * DAY)),
        (None, {"email": "a@b.c"}, Placement("customer", inf)),
        ("lead", {"email": "a@b.c", **TRIAL}, Placement(None, NOW + 2 * DAY)),
        ("customer", TRIAL, Placement(None, inf)),
        ("by hand", {"email": "a@b.c", **TRIAL}, Placement("subscriber", NOW + 2 * DAY)),
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
