"""Holds: what keeps messages from leaving that are queued already.

A person pauses a broadcast, a breaker trips, an operator stops everything: each puts a hold. Whoever sends asks for the
few holds that there are every few seconds, and never for each message. What is held stays queued in the ledger; once
its hold is lifted it is queued for sending again.
"""

from collections.abc import Collection
from typing import NamedTuple

from postroad.lots import draw

# What a hold is about, if not one journey or broadcast: every message, or all that are not transactional.
ALL, MARKETING = "all", "marketing"
SCOPES = (ALL, MARKETING)

# Its messages wait; they leave little by little; they never leave.
PAUSE, SLOW, STOP = "pause", "slow", "stop"
_STRICTNESS = (SLOW, PAUSE, STOP)

_SLOWED = "messages leave little by little"

# Who puts one: people, in the console or by the API; the plan of a new domain.
PEOPLE, WARM_UP = "people", "warm-up"


class Hold(NamedTuple):
    """`scope` is one of SCOPES, or a journey or broadcast ("broadcast/autumn"); `by` is who or what put it, and nobody
    else lifts it. `note` says why, for people, and is the reason of messages that a stop ends. While it is slow, each
    message leaves at a moment of its own within `spread` seconds: after the hold was put, or else after it was made.
    `numbers` are what had been counted until a person let breakers go on, of the hour that had begun."""

    scope: str
    kind: str
    since: float
    by: str = PEOPLE
    note: str = ""
    spread: float = 0.0
    numbers: tuple[tuple[str, int], ...] = ()

    @property
    def slowing(self) -> str:
        """Why a message that this has put off waits."""
        return f"{_SLOWED}: {self.note}"

    def is_about(self, origin: str, transactional: bool) -> bool:
        """Whether it is about messages of this origin ("journey/welcome@3")."""
        if self.scope == MARKETING:
            return not transactional
        return self.scope in (ALL, origin, origin.partition("@")[0])

    def find_moment(self, message_id: str, created_at: float, turn: float | None = None) -> float:
        """When a message may leave while this slows it: the same whenever it is asked. `turn`, from 0 to 1, is where in
        the spread it comes, if not by lot."""
        turn = draw("hold", self.scope, message_id) if turn is None else turn
        return max(created_at, self.since) + self.spread * turn


def is_slowed(reason: str) -> bool:
    """Whether what a message waits for is the moment that a slow hold gave it."""
    return reason.startswith(_SLOWED)


def find_hold(holds: Collection[Hold], origin: str, transactional: bool) -> Hold | None:
    """The strictest hold that is about messages of this origin; of two alike the older one."""
    found = [hold for hold in holds if hold.is_about(origin, transactional)]
    return max(found, key=lambda hold: (_STRICTNESS.index(hold.kind), -hold.since), default=None)
