"""Matrices: how ready and how fitting somebody is, in one word.

A cell is a letter of a grade and the number of a band of a score, 1 for the highest: B2 fits well and is fairly ready.
Cells can be named, and predicates ask for a cell or for a name.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from postroad.documents import Reader, parse_text, quote, read_head, refuse_twins
from postroad.predicates.behaviour import Tracker
from postroad.predicates.predicate import CELL, LETTERS, View
from postroad.predicates.verdicts import Sorting
from postroad.scoring.sheet import Score


@dataclass(frozen=True, slots=True)
class Matrix:
    """A score sheet with bands times a grade sheet. `cells` names cells: {"A1": "hot"}."""

    kind: ClassVar[str] = "matrix"
    trackers: ClassVar[tuple[Tracker, ...]] = ()

    id: str
    name: str
    description: str
    score: str
    grade: str
    cells: Mapping[str, str]

    @property
    def reads(self) -> frozenset[str]:
        return frozenset((f"score:{self.score}", f"grade:{self.grade}"))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its cells, in their order."""
        return tuple(dict.fromkeys(self.cells.values()))

    def sort(self, view: View) -> Sorting:
        """The contact's cell and its name, if it has one, and when time alone may change that."""
        sheet, grade = view.scores.get(self.score), view.sorters.get(f"grade/{self.grade}")
        if sheet is None or grade is None:
            return Sorting(())
        (bands, soon), (letters, later) = sheet.sort(view), grade.sort(view)
        numbers = [number for number, band in enumerate(sheet.bands, 1) if band.id in bands]
        if not (letters and numbers):
            return Sorting((), min(soon, later))
        cell = f"{letters[0]}{numbers[0]}"
        return Sorting((cell, self.cells[cell]) if cell in self.cells else (cell,), min(soon, later))

    def find_missing(self, scores: Collection[str], grades: Collection[str], bands: Collection[str]) -> str | None:
        """What it names that is not there; `bands` are all there are, as "engagement/hot"."""
        if self.score not in scores:
            return f"there is no published score called {self.score!r}"
        if self.grade not in grades:
            return f"there is no published grade called {self.grade!r}"
        there = sum(band.startswith(f"{self.score}/") for band in bands)
        if not there:
            return f"the score {self.score} has no bands"
        beyond = sorted(cell for cell in self.cells if int(cell[1:]) > there)
        return f"the score {self.score} has {there} bands, so there is no cell {beyond[0]}" if beyond else None

    def describe(self) -> tuple[str, ...]:
        """What it does, line by line."""
        named = (f"{name}: {', '.join(c for c, n in self.cells.items() if n == name)}" for name in self.names)
        return (f"grade {self.grade} by the bands of score {self.score}, 1 for the highest", *named)


def parse_matrix(document: object) -> Matrix:
    """The matrix of a document `{kind, id, name, score, grade, cells: [{id: hot, in: [A1, A2]}, …]}`. Raises
    DefinitionError with all its mistakes."""
    reader = Reader(document)
    head = read_head(reader, Matrix.kind)
    score, grade = reader.id("score"), reader.id("grade")
    parts = reader.children("cells", most=60)
    blank: tuple[str, ...] = ()
    cells: dict[str, str] = {}
    for part in parts:
        name = part.id("id")
        for cell in part.read("in", _parse_cells, blank):
            if cell in cells:
                part.mistake(f"{cell} is called {quote(cells[cell])} already", "in")
            cells[cell] = name
    refuse_twins(parts)
    reader.finish()
    return Matrix(*head, score, grade, cells)


def list_cells(sheets: Iterable[Score], score: str) -> tuple[str, ...]:
    """All cells of a matrix of this score."""
    numbers = (number for sheet in sheets if sheet.id == score for number in range(1, len(sheet.bands) + 1))
    return tuple(f"{letter}{number}" for number in numbers for letter in LETTERS)


def _parse_cells(raw: object) -> tuple[str, ...]:
    items = raw if isinstance(raw, list | tuple) else (raw,)
    cells = tuple(parse_text(item, 10) for item in items)
    for cell in cells:
        if not CELL.fullmatch(cell):
            raise ValueError(
                f"{quote(cell)} is no cell; write a letter from A to F and the number of a band, such as A1"
            )
    if not cells:
        raise ValueError("must name at least one cell, such as A1")
    return cells
