"""Decisions: why something was, or was not, done to a contact."""

from typing import NamedTuple


class Decision(NamedTuple):
    """One choice of the fold, kept in the timeline row of the event that caused it.

    `definition` names what decided and its version ("journey/welcome@3"), `step` the place inside it or "", `verdict`
    the choice in a word or two, `because` a sentence with the values that led to it. `gate` is the key of the gate that
    a message had to pass, "" where none was asked.
    """

    definition: str
    step: str
    verdict: str
    because: str
    gate: str = ""
