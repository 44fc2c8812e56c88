"""Judge how mail is received: breakers slow and stop marketing, and a new domain keeps to its plan.

Numbers only change where they are counted, so whoever counts asks for this, at most once a minute. Whoever looks after
stuck messages does so each hour, thoroughly: a new day has new room, and weeks are compared.
"""

from collections.abc import Sequence
from typing import Protocol

from postroad.deliverability.breakers import (
    BEFORE,
    BREAKER,
    BREAKERS,
    COMPLAINTS,
    REFUSALS,
    RESUMED,
    WEEK,
    Change,
    decide,
    find_own,
    forgive,
    judge,
    judge_complaints,
    judge_refusals,
    pace,
    resume,
    resumed_at,
)
from postroad.instants import DAY
from postroad.policy import Policy
from postroad.sending.holds import MARKETING, PAUSE, Hold
from postroad.stats import HourCounts

# Seconds between two looks of one process that counts.
EVERY = 60.0


class Stats(Protocol):
    def list_hours(self, since: float, until: float, /) -> Sequence[HourCounts]: ...


class Holds(Protocol):
    def list_holds(self) -> Sequence[Hold]: ...

    def save_hold(self, hold: Hold, /) -> None: ...

    def save_judged(self, hold: Hold, scope: str, by: str, since: float, before: Hold | None, /) -> bool: ...

    def lift_judged(self, hold: Hold, /) -> bool: ...

    def lift_hold(self, scope: str, by: str, /) -> None: ...


class Alarms(Protocol):
    def tell(self, subject: str, sentence: str, /) -> None: ...


def judge_sending(
    stats: Stats, holds: Holds, alarms: Alarms, policy: Policy, now: float, *, thoroughly: bool = False
) -> list[Change]:
    """Put and lift the holds that follow from the numbers; somebody hears of each stop and each slowing. Who has let
    breakers go on since the numbers were read has the last word, and so has another look that has changed a hold."""
    present = holds.list_holds()
    hours = stats.list_hours(now - (WEEK + BEFORE if thoroughly else DAY), now)
    since = resumed_at(present)
    counted = forgive(hours, present)
    changes = [decide(judge(counted, now, since), present, now), pace(policy.warm_up, hours, present, now)]
    if thoroughly:
        changes.append(decide(judge_refusals(counted, now, since), present, now, REFUSALS))
        changes.append(decide(judge_complaints(counted, now, since), present, now, COMPLAINTS))
    made = []
    for change in changes:
        if change is None:
            continue
        before = find_own(present, change.by)
        if change.hold is None:
            if before and holds.lift_judged(before):
                made.append(change)
            continue
        if not holds.save_judged(change.hold, RESUMED, BREAKER, since, before):
            continue
        made.append(change)
        what = "Marketing is paused" if change.hold.kind == PAUSE else "Marketing is slowed"
        alarms.tell(f"{what} ({change.by})", f"{what}: {change.hold.note}.")
    return made


def resume_sending(stats: Stats, holds: Holds, note: str, now: float) -> None:
    """Let marketing go on that a breaker has held; what has happened until now trips it no more."""
    holds.save_hold(resume(note, stats.list_hours(now, now), now))
    for by in BREAKERS:
        holds.lift_hold(MARKETING, by)
