"""A search through worlds tells what it found so that anybody can see it again."""

import pytest

from tests.faults.__main__ import ENDLESS, explain, find_broken
from tests.faults.bugs import BUGS
from tests.faults.invariants import violations
from tests.faults.scheduler import NO_FAULTS
from tests.faults.troubles import FAULTS, find_needed
from tests.faults.worlds import World


def test_a_failing_world_is_told_with_the_few_things_that_it_takes() -> None:
    """A client that calls SES again when no answer came sends twice: that takes a silent channel, and little else."""
    bug = BUGS["the_sdk_retries"]
    with bug.plant():
        needed = explain(bug.seed, [bug.found_by]).removeprefix("it takes: ").split(", ")
        assert "channel silent" in needed
        assert len(needed) < len(FAULTS) / 2
        assert {name for _, name, _ in find_broken(bug.seed, bug.seed + 1)} >= {bug.found_by}


def test_what_fails_with_nothing_wrong_says_so() -> None:
    assert find_needed(lambda without: True) == []
    assert find_needed(lambda without: not without) == list(FAULTS)
    bug = BUGS["the_queue_deduplicates"]
    assert explain(bug.seed, [ENDLESS]).startswith("it takes: ")


def test_a_world_without_any_fault_has_none_and_everybody_arrives() -> None:
    for seed in range(12):
        world = World(seed, without=FAULTS.keys()).run()
        assert world.mix == NO_FAULTS
        assert not world.loop.injected.keys() & {"kill", "throttle", "late", "SES stopped", "channel unclear", "outage"}
        assert violations(world) == []


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_can_be_left_out_by_itself(name: str) -> None:
    world = World(3, without=[name])
    assert world.seed == 3
    with_it = World(3)
    assert (world.calm, len(world.people)) == (with_it.calm, len(with_it.people))
