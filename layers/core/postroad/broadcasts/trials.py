"""Trials: which template of a broadcast's test the rest gets.

Shown counts who was sent a variant, converted who opened or clicked it: people alone, as far as one can tell, each
once. Where an event decides, shown counts whose message was queued, and converted who did it before the time was over.
The verdict is that of experiments, which holds however often one looks. Without one, because the numbers are too small
or too close, the rest gets the broadcast's own template: nothing speaks against what its author chose first.
"""

from typing import NamedTuple

from postroad.broadcasts.broadcast import CLICKED, Broadcast, Trial, trial_key
from postroad.contacts.places import split_place, variant_place
from postroad.experiments.evidence import LEAST_CONVERSIONS, LEAST_PEOPLE, Arm, Finding, find
from postroad.stats import Counts


class Verdict(NamedTuple):
    """The template that the rest gets, and why."""

    winner: str
    because: str


def read_arms(broadcast: Broadcast, counts: Counts) -> dict[str, Arm]:
    """How many got each variant, and how many of them did what decides."""
    read = _read_event_arm if broadcast.test and broadcast.test.event else _read_mail_arm
    return {template: read(broadcast, counts, template) for template in broadcast.templates}


def _read_mail_arm(broadcast: Broadcast, counts: Counts, template: str) -> Arm:
    known = counts.step(template)
    decided_by = broadcast.test.decided_by if broadcast.test else CLICKED
    return Arm(known.sent, min(known.sent, getattr(known, decided_by)))


def _read_event_arm(broadcast: Broadcast, counts: Counts, template: str) -> Arm:
    key = trial_key(broadcast.id)
    places = (variant_place(key, template), variant_place(key, template, converted=True))
    shown, converted = (counts.place(split_place(place)[1]).entered for place in places)
    return Arm(shown, min(shown, converted))


def look(broadcast: Broadcast, counts: Counts) -> Finding:
    """What the numbers of a test say now."""
    return find(read_arms(broadcast, counts), dict.fromkeys(broadcast.templates, 1.0))


def judge(broadcast: Broadcast, test: Trial, counts: Counts) -> Verdict:
    """Which template the rest gets; `counts` are those of the broadcast."""
    arms, finding = read_arms(broadcast, counts), look(broadcast, counts)
    rates = ", ".join(f"{name} {100 * arm.rate:.1f} % of {arm.shown}" for name, arm in arms.items())
    if finding.winner:
        return Verdict(finding.winner, f"it {test.lead}: {rates}")
    if not finding.is_dealt_well:
        why = "the variants reached people less evenly than chance would do it, so they cannot be compared"
    elif min(arm.shown for arm in arms.values()) < LEAST_PEOPLE:
        why = f"a verdict takes {LEAST_PEOPLE} people in each variant"
    elif sum(arm.converted for arm in arms.values()) < LEAST_CONVERSIONS:
        why = f"a verdict takes {LEAST_CONVERSIONS} people who {test.deed}"
    else:
        why = "what differs may be luck"
    return Verdict(broadcast.template, f"no variant has won ({rates}): {why}; so it is the first one")
