"""Tables out of spreadsheets: a CSV text whose first row names the columns.

What comes from elsewhere is only ever text: a cell that a spreadsheet would calculate is taken as it is written.
"""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any, NamedTuple

from postroad.errors import PostroadError

MOST_COLUMNS = 200
LONGEST_CELL = 10_000
_BEGINNINGS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class SpreadsheetError(PostroadError):
    """A file that cannot be read at all; the sentence says why."""


class Row(NamedTuple):
    """One row; `line` is that of the file on which it ends, counted from 1. A short row has fewer cells."""

    line: int
    cells: tuple[str, ...]


class Spreadsheet(NamedTuple):
    """A table: the names of its columns as they are written, and the rows in which anything stands."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def decode(raw: bytes) -> str:
    """The text of a file: UTF-8, UTF-16 with its mark, else what Excel writes in western Europe. Raises
    SpreadsheetError."""
    encoding = next((name for beginning, name in _BEGINNINGS if raw.startswith(beginning)), "")
    for name in (encoding,) if encoding else ("utf-8", "cp1252"):
        try:
            return raw.decode(name)
        except UnicodeError:
            continue
    raise SpreadsheetError("This is no text. Save the table as CSV (UTF-8), and choose that file.")


def read_spreadsheet(text: str, most_rows: int) -> Spreadsheet:
    """Read a table whose cells are parted by commas, semicolons or tabs. Raises SpreadsheetError."""
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        raise SpreadsheetError("This is no text. Save the table as CSV (UTF-8), and choose that file.")
    reader = csv.reader(StringIO(text, newline=""), delimiter=_find_delimiter(text))
    rows: list[Row] = []
    columns: tuple[str, ...] | None = None
    try:
        for line, cells in _read(reader):
            if columns is None:
                columns = cells
            elif len(rows) == most_rows:
                raise SpreadsheetError(f"There are more than {most_rows:,} rows. Cut the file into several.")
            else:
                rows.append(Row(line, cells))
    except csv.Error as error:
        raise SpreadsheetError(f"Line {reader.line_num} cannot be read: {error}.") from error
    if columns is None:
        raise SpreadsheetError("The file is empty. Its first row has to name the columns.")
    if len(columns) > MOST_COLUMNS:
        raise SpreadsheetError(f"There are {len(columns):,} columns; at most {MOST_COLUMNS} are taken.")
    return Spreadsheet(columns, tuple(rows))


def _read(reader: Any) -> Iterator[tuple[int, tuple[str, ...]]]:
    for cells in reader:
        stripped = tuple(cell.strip() for cell in cells)
        if any(stripped):
            if too_long := next((cell for cell in stripped if len(cell) > LONGEST_CELL), None):
                raise SpreadsheetError(
                    f"Line {reader.line_num} has a cell of {len(too_long):,} characters; a quote may not be closed."
                )
            yield reader.line_num, stripped


def _find_delimiter(text: str) -> str:
    """What stands oftenest in the first line, outside of quotes."""
    heading = "".join(text.lstrip().split("\n", 1)[0].split('"')[::2])
    return max(",;\t", key=heading.count)
