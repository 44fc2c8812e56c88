"""The page of capabilities cannot rot: what it says works is proven by tests that carry the row's id."""

import re
from typing import NamedTuple

import templatecheck

PAGE = templatecheck.ROOT / "docs/capabilities.md"
NOT_YET = "not yet"


class Row(NamedTuple):
    id: str
    works: str
    tests: tuple[str, ...]


def rows() -> list[Row]:
    found = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if re.fullmatch(r"C\d+", cells[0]):
            assert len(cells) == 4, f"{cells[0]} has {len(cells)} cells instead of four"
            found.append(Row(cells[0], cells[2], tuple(re.findall(r"`(test_\w+)`", cells[3]))))
    return found


def proofs_by_id() -> dict[str, set[str]]:
    """The names of all tests that carry an id, by that id: `test_c04_…` proves C04."""
    found: dict[str, set[str]] = {}
    for path in (templatecheck.ROOT / "tests").rglob("test_*.py"):
        for name, number in re.findall(r"^(?:async )?def (test_c(\d{2,3})_\w+)", path.read_text(), re.MULTILINE):
            found.setdefault(f"C{number}", set()).add(name)
    return found


def test_every_capability_has_one_row_in_order() -> None:
    assert [row.id for row in rows()] == [f"C{number:02d}" for number in range(1, 105)]


def test_the_tests_that_a_row_names_exist_and_carry_its_id() -> None:
    proofs = proofs_by_id()
    wrong = {row.id: unknown for row in rows() if (unknown := set(row.tests) - proofs.get(row.id, set()))}

    assert not wrong, f"docs/capabilities.md names tests that are not there: {wrong}"


def test_a_capability_that_a_test_proves_is_not_said_to_be_missing() -> None:
    missing = {row.id: proofs for row in rows() if not row.tests and (proofs := proofs_by_id().get(row.id))}

    assert not missing, f"docs/capabilities.md lacks what works: {missing}"


def test_a_row_says_what_works_when_and_only_when_a_test_proves_it() -> None:
    assert not [row.id for row in rows() if (row.works == NOT_YET) == bool(row.tests) or not row.works]
