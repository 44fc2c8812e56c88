"""Quotas: what a channel's provider lets leave, and what that means for a broadcast."""

from typing import NamedTuple

# So much of a day's quota is left to what events trigger.
KEPT_FREE = 0.05
# So many seconds of sending may wait in the queue, so that what events trigger waits no longer behind a broadcast.
AHEAD = 30.0
SHALLOW = 20
# A quota of 24 hours comes back little by little; it is looked at again after so long.
NEXT_WINDOW = 3_600.0


class Quota(NamedTuple):
    """Messages a second, messages in 24 hours (below 0: no limit), and how many left in the last 24 hours."""

    rate: float
    most: float
    sent: float


def find_rest(quota: Quota, now: float) -> tuple[float, str] | None:
    """Until when nobody is to be addressed because the day's quota is used up, and why."""
    if quota.most < 0 or quota.sent < quota.most * (1 - KEPT_FREE):
        return None
    because = f"{quota.sent:,.0f} of the {quota.most:,.0f} messages have left that may leave in 24 hours"
    return now + NEXT_WINDOW, f"{because}; it goes on as soon as there is room"


def find_depth(quota: Quota | None, most: int) -> int:
    """How many messages may wait to be sent, at most `most`, while somebody else is addressed."""
    return most if quota is None else min(most, max(SHALLOW, int(quota.rate * AHEAD)))
