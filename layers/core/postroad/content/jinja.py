"""Placeholders set aside while something else reads a text: each becomes a mark of its own, and comes back after."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_BEGINNING = re.compile(r"\{[{%#]")
# What Jinja takes for one tag; quotes in it may hold anything. Each piece is read in one way only, so one that is never
# closed takes time in proportion to what stands behind it.
_TAG = re.compile(r"""\{[{%#](?:(?>"[^"]*"|'[^']*'|.))*?[}%#]\}""", re.DOTALL)
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
    out: list[str] = []
    tags: list[str] = []
    lines: list[int] = []
    position, line = 0, 1
    while (begun := _BEGINNING.search(source, position)) and (tag := _TAG.match(source, begun.start())):
        out += source[position : begun.start()], f"{OPEN}{len(tags)}{CLOSE}"
        tags.append(tag[0])
        line += source.count("\n", position, begun.start())
        lines.append(line)
        line += tag[0].count("\n")
        position = tag.end()
    return Aside("".join((*out, source[position:])), tuple(tags), tuple(lines))


def marks_in(text: str) -> Iterator[int]:
    """The numbers of the marks in a text."""
    return (int(found[1]) for found in MARK.finditer(text))
