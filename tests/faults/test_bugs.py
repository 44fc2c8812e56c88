"""The harness can fail: each planted bug is found, within 500 seeds, by the invariant that is there for it."""

from pathlib import Path

import pytest

from tests.faults.bugs import BUGS, Bug
from tests.faults.invariants import INVARIANTS, violations
from tests.faults.worlds import run_world

SEEDS = 500
PAGE = Path(__file__).parents[2] / "docs/testing.md"


def finds(bug: Bug, seed: int) -> bool:
    return any(name == bug.found_by for name, _ in violations(run_world(seed)))


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(name: str) -> None:
    bug = BUGS[name]
    with bug.plant():
        # Where it was found last; should the worlds have changed since, anywhere.
        assert any(finds(bug, seed) for seed in (bug.seed, *range(SEEDS))), f"{SEEDS} worlds did not notice: {name}"


@pytest.mark.parametrize("name", BUGS)
def test_without_the_bug_that_world_is_fine(name: str) -> None:
    assert violations(run_world(BUGS[name].seed)) == []


def test_every_planted_bug_names_an_invariant_and_a_seed_within_reach() -> None:
    assert {bug.found_by for bug in BUGS.values()} <= INVARIANTS.keys()
    assert all(bug.seed < SEEDS for bug in BUGS.values())


@pytest.mark.parametrize("name", BUGS)
def test_the_page_tells_each_planted_bug(name: str) -> None:
    bug = BUGS[name]
    assert f"| `{name}`: {' '.join((bug.plant.__doc__ or '').split())} | `{bug.found_by}` |" in PAGE.read_text()
