"""Count all rows again and mend the live numbers that differ: after a restore, or a stream that nobody read."""

from collections.abc import Iterable
from typing import Protocol

from postroad.commits import MembershipChange
from postroad.sending.messages import Message
from postroad.stats import HERE, MESSAGES, Increments, add_up, count_membership, count_message, day_of


class Messages(Protocol):
    def scan_messages(self) -> Iterable[Message]: ...


class Memberships(Protocol):
    def scan_memberships(self) -> Iterable[MembershipChange]: ...


class Stats(Protocol):
    def scan_sums(self) -> Increments: ...

    def add(self, increments: Increments, /) -> None: ...


def recount_stats(messages: Messages, memberships: Memberships, stats: Stats, now: float) -> Increments:
    """What was missing from the numbers, and is now added. Arrivals of the past leave no row, and stay as they are.

    It reads every row. What changes meanwhile may be mended wrongly: count again when it is quiet.
    """
    held = stats.scan_sums()
    wanted = Increments()
    for message in messages.scan_messages():
        wanted.update(count_message(None, message))
    for row in memberships.scan_memberships():
        wanted.update(
            {cell: number for cell, number in count_membership(None, row, now).items() if cell.counter == HERE}
        )
    missing = add_up([_without_days(wanted, now), _negative(_without_days(held, now))])
    stats.add(missing)
    return missing


def _without_days(sums: Increments, now: float) -> Increments:
    """What a recount can tell: of messages all; of people how many are here, whatever the day on which they came."""
    found = Increments()
    for cell, number in sums.items():
        if cell.kind == MESSAGES:
            found[cell] += number
        elif cell.counter == HERE:
            found[cell._replace(day=day_of(now))] += number
    return found


def _negative(sums: Increments) -> Increments:
    return Increments({cell: -number for cell, number in sums.items()})
