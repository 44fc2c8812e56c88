"""Trials: which template of a broadcast's test the rest gets.

Shown counts who was sent a variant, converted who opened or clicked it: people alone, as far as one can tell, each
once. The verdict is that of experiments, which holds however often one looks. Without one, because the numbers are too
small or too close, the rest gets the broadcast's own template: nothing speaks against what its author chose first.
"""

from collections.abc import Mapping
from typing import NamedTuple

from postroad.broadcasts import CLICKED, Broadcast
from postroad.evidence import LEAST_CONVERSIONS, LEAST_PEOPLE, Arm, Finding, find
from postroad.stats import MessageCounts


class Verdict(NamedTuple):
    """The template that the rest gets, and why."""

    winner: str
    because: str


def read_arms(broadcast: Broadcast, counts: Mapping[str, MessageCounts]) -> dict[str, Arm]:
    """How many got each variant, and how many of them did what decides."""
    decided_by = broadcast.test.decided_by if broadcast.test else CLICKED
    found = {}
    for template in broadcast.templates:
        known = counts.get(template, MessageCounts())
        found[template] = Arm(known.sent, min(known.sent, getattr(known, decided_by)))
    return found


def look(broadcast: Broadcast, counts: Mapping[str, MessageCounts]) -> Finding:
    """What the numbers of a test say now."""
    return find(read_arms(broadcast, counts), dict.fromkeys(broadcast.templates, 1.0))


def judge(broadcast: Broadcast, counts: Mapping[str, MessageCounts]) -> Verdict:
    """Which template the rest gets; `counts` are the broadcast's messages by variant."""
    arms, finding = read_arms(broadcast, counts), look(broadcast, counts)
    rates = ", ".join(f"{name} {100 * arm.rate:.1f} % of {arm.shown}" for name, arm in arms.items())
    what = broadcast.test.decided_by if broadcast.test else CLICKED
    if finding.winner:
        return Verdict(finding.winner, f"it was {what} most: {rates}")
    if not finding.is_dealt_well:
        why = "the variants reached people less evenly than chance would do it, so they cannot be compared"
    elif min(arm.shown for arm in arms.values()) < LEAST_PEOPLE:
        why = f"a verdict takes {LEAST_PEOPLE} people in each variant"
    elif sum(arm.converted for arm in arms.values()) < LEAST_CONVERSIONS:
        why = f"a verdict takes {LEAST_CONVERSIONS} people who {what}"
    else:
        why = "what differs may be luck"
    return Verdict(broadcast.template, f"no variant has won ({rates}): {why}; so it is the first one")
