"""List quality: one number for how good a list is, with its parts. A short list of readers beats a long one."""

from typing import NamedTuple

from postroad.deliverability.breakers import LIMITS
from postroad.stats import MessageCounts

# How much each part weighs. Who reacts decides most; what bounces and is reported is bounded by where a breaker stops.
WEIGHTS = {"active": 60, "bounced": 25, "complained": 15}


class Quality(NamedTuple):
    """The number from 0 to 100, and its parts: the shares of people with a sign of life within 90 days, and of mails of
    the last weeks that bounced or were reported as spam."""

    number: int
    active: float
    bounced: float
    complained: float


def rate(active: int, people: int, counts: MessageCounts) -> Quality | None:
    """The quality of a list; None while nobody is known.

    60 x the active share, 25 x what is left of the bounces that stop a breaker, and 15 x the same of complaints.
    """
    if not people:
        return None
    shares = {limit.counter: getattr(counts, limit.counter) / counts.sent if counts.sent else 0.0 for limit in LIMITS}
    left = {limit.counter: max(0.0, 1 - shares[limit.counter] / limit.pause) for limit in LIMITS}
    index = WEIGHTS["active"] * active / people + sum(WEIGHTS[counter] * share for counter, share in left.items())
    return Quality(round(index), active / people, shares["bounced"], shares["complained"])


def describe() -> str:
    """The formula, in a sentence."""
    bounced, complained = (f"{limit.pause:.2%}" for limit in LIMITS)
    return (
        f"{WEIGHTS['active']} for the share of people with a sign of life within 90 days,"
        f" {WEIGHTS['bounced']} less what bounces (none left at {bounced}),"
        f" {WEIGHTS['complained']} less what is reported as spam (none left at {complained})"
    )
