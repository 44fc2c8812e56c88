"""The page of attacks cannot rot: every kind of input that has broken such systems is tried by a test that exists."""

import re

import pytest

import templatecheck

PAGE = templatecheck.ROOT / "docs/attacks.md"

# How many inputs of each kind there are; the page may name several at once, as "T1 to T9".
CODES = {"T": 9, "B": 9, "X": 6, "R": 10, "U": 7, "F": 7, "A": 8, "W": 4, "H": 1}
OTHERS = ("fuzz", "console", "CSV", "SSRF", "logs", "IAM")
# There is nothing to try them on.
NOT_TRIED = {"X5"}
FAILURES = 22


def rows() -> dict[str, list[tuple[str, str]]]:
    """By the first cell of each row the tests that it names, with their files."""
    found = {}
    for line in PAGE.read_text().splitlines():
        if proofs := re.findall(r"\[`(\w+)`\]\(([^)]+)\)", line):
            found[line.split("|")[1].strip()] = proofs
    return found


def codes_of(cell: str) -> set[str]:
    """The inputs that a row is about."""
    if match := re.fullmatch(r"([A-Z])(\d+) (to|and) \1(\d+)", cell):
        return {f"{match[1]}{number}" for number in range(int(match[2]), int(match[4]) + 1)}
    return {cell}


def test_every_input_is_tried() -> None:
    tried = set().union(*map(codes_of, rows()))
    wanted = {f"{kind}{number}" for kind, most in CODES.items() for number in range(1, most + 1)}
    assert wanted - tried == NOT_TRIED
    assert set(OTHERS) <= tried


def test_every_failure_of_others_would_be_noticed() -> None:
    _, _, failures = PAGE.read_text().partition("## What went wrong elsewhere")
    assert len(re.findall(r"^\| .*\[`", failures, re.MULTILINE)) >= FAILURES


@pytest.mark.parametrize(
    ("name", "address"), sorted({proof for proofs in rows().values() for proof in proofs}), ids=lambda value: value[:60]
)
def test_what_tries_it_exists(name: str, address: str) -> None:
    source = (PAGE.parent / address).read_text()
    assert re.search(rf"^ *def {name}\(", source, re.MULTILINE), f"{address} has no {name}"
