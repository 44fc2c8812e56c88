"""Placeholders set aside while something else reads a text: each becomes a mark of its own, and comes back after."""

import re
from collections.abc import Iterator
from typing import NamedTuple

# What Jinja takes for one tag; quotes in it may hold anything.
TAG = re.compile(r"\{(?:\{|%|#)(?:\"[^\"]*\"|'[^']*'|.)*?(?:\}|%|#)\}", re.DOTALL)
OPEN, CLOSE = "\ue000", "\ue001"
MARK = re.compile(f"{OPEN}([0-9]+){CLOSE}")


class Aside(NamedTuple):
    """A text with marks in the place of its tags, the tags, and the line of each in the text as it was."""

    text: str
    tags: tuple[str, ...]
    lines: tuple[int, ...]

    def is_statement(self, number: int) -> bool:
        """Whether a tag prints nothing by itself, as {% if %} does."""
        return not self.tags[number].startswith("{{")

    def restore(self, text: str) -> str:
        """The text with its tags again."""
        return MARK.sub(lambda found: self.tags[int(found[1])], text)


def set_aside(source: str) -> Aside:
    """Take all of Jinja's tags out of a text."""
    source = source.replace(OPEN, "").replace(CLOSE, "")
    tags: list[str] = []
    lines: list[int] = []

    def take(found: re.Match[str]) -> str:
        tags.append(found[0])
        lines.append(source.count("\n", 0, found.start()) + 1)
        return f"{OPEN}{len(tags) - 1}{CLOSE}"

    return Aside(TAG.sub(take, source), tuple(tags), tuple(lines))


def marks_in(text: str) -> Iterator[int]:
    """The numbers of the marks in a text."""
    return (int(found[1]) for found in MARK.finditer(text))
