"""Verdicts: whether something holds, and until when that is certain."""

from collections.abc import Iterable
from math import inf
from typing import NamedTuple


class Verdict(NamedTuple):
    """Whether a predicate holds, and the earliest instant at which time alone may change that (never too late)."""

    truth: bool
    turns_at: float = inf


class Sorting(NamedTuple):
    """The names of the classes to which a contact belongs, and the earliest instant at which time alone may change that
    (never too late)."""

    names: tuple[str, ...]
    turns_at: float = inf


TRUE = Verdict(True)
FALSE = Verdict(False)


def decide(verdicts: Iterable[Verdict], decisive: bool) -> Verdict:
    """All of them (decisive: False, since one false decides) or any of them (decisive: True).

    What was decided stays so until the last of those that decide turns; what was not, until the first of all turns.
    """
    settled, soonest = -inf, inf
    for truth, turns_at in verdicts:
        if truth is decisive:
            if turns_at == inf:
                return TRUE if decisive else FALSE
            settled = max(settled, turns_at)
        elif turns_at < soonest:
            soonest = turns_at
    if settled > -inf:
        return Verdict(decisive, settled)
    if soonest < inf:
        return Verdict(not decisive, soonest)
    return FALSE if decisive else TRUE


def deny(verdict: Verdict) -> Verdict:
    """The opposite, which turns at the same instant."""
    return Verdict(not verdict.truth, verdict.turns_at)
