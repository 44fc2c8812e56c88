"""Writes what a played history has come to into the stack's tables, as production would have left it.

Each contact is one commit of the product's own storage: the contact, its further identities, its messages and where it
is. A message that is still queued is sent from there like any other.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from demo.playing import World
from postroad.commits import Commit, MembershipChange, Row
from postroad.messages import QUEUED
from postroad.places import places_of
from postroad_aws.ports import Forward, Outcome
from postroad_aws.storage import contacts, quarantine, refusals, timeline

_ROWS_AT_ONCE = 200


def save_worlds(
    worlds: Iterable[World], now: float, wait_for_brand: Callable[[], object], *, calls_at_once: int = 3
) -> int:
    """Store what each life has come to, while the next ones are played; returns how many contacts are new.

    Who still gets a mail is stored last, once the templates are there. Storing the same again changes nothing. Raises
    what a call to AWS has raised.
    """
    last: list[World] = []
    rows: list[Row] = []
    calls: list[Future[Any]] = []
    with ThreadPoolExecutor(calls_at_once) as pool:
        commits: list[Future[Outcome]] = []
        for world in worlds:
            if any(message.state == QUEUED for message in world.messages.items.values()):
                last.append(world)
                continue
            commits += [pool.submit(contacts.commit, commit) for commit in _commits(world)]
            calls += [pool.submit(*call) for call in _refusals(world)]
            rows += world.timeline.list_rows()
            if len(rows) >= _ROWS_AT_ONCE:
                calls.append(pool.submit(timeline.save_rows, rows, now))
                rows = []
        wait_for_brand()
        for world in last:
            rows += world.timeline.list_rows()
        calls.append(pool.submit(timeline.save_rows, rows, now))
        commits += [pool.submit(contacts.commit, commit) for world in last for commit in _commits(world)]
        for call in calls:
            call.result()
        return sum(commit.result() is Outcome.DONE for commit in commits)


def _commits(world: World) -> Iterator[Commit]:
    """Each contact with all that is its own, as one commit: it is new to the stack."""
    items = world.contacts.items
    forwards = tuple(other for other, item in items.items() if isinstance(item, Forward))
    for contact in world.contacts.list_contacts():
        contact.version = 0
        places = places_of(contact).items()
        yield Commit(
            contact,
            attach=forwards,
            messages=tuple(world.messages.items.values()),
            memberships=tuple(MembershipChange(place, contact.contact_id, since) for place, since in places),
        )


def _refusals(world: World) -> Iterator[tuple[Any, ...]]:
    """What else a world has to say, each as a function and its arguments."""
    for address, (reason, at, evidence) in world.refusals.suppressions.items():
        yield refusals.save_suppression, address, reason, at, evidence
    for answer in world.refusals.said:
        yield refusals.save_consent, *answer
    if world.quarantine.rejects:
        yield quarantine.save_rejects, list(world.quarantine.rejects.values())
