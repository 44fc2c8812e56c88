"""Writes what a played history has come to into the stack's tables, as production would have left it.

Each contact is one commit of the product's own storage: the contact, its further identities, its messages and where it
is. The streams count those rows as they count any other; what they cannot see any more, arrivals at places that were
left again, is counted here. A message that is still queued is sent from there like any other.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from demo.people import IN_TALKS, TARGETS, slug_of
from demo.playing import World
from postroad import demo
from postroad.accounts import Account, Suppression
from postroad.commits import Commit, MembershipChange
from postroad.contacts.places import places_of
from postroad.stats import Increments, add_up, count_membership
from postroad_aws.ports import Forward, Outcome
from postroad_aws.storage import accounts, broadcasts, contacts, definitions, quarantine, refusals, stats, timeline
from postroad_aws.storage.definitions import Draft


def save_worlds(worlds: Sequence[World], now: float, *, calls_at_once: int = 3) -> int:
    """Store what each life has come to; returns how many contacts are new. Raises what a call to AWS has raised.

    The numbers come first, as long as no stream has counted anything. Storing the same contacts again changes nothing.
    """
    for account in _accounts(worlds):
        accounts.save_account(account)
    stats.put(count_arrivals(worlds))
    rows = [row for world in worlds for row in world.timeline.list_rows()]
    with ThreadPoolExecutor(calls_at_once) as pool:
        calls = [pool.submit(*call) for world in worlds for call in _refusals(world)]
        calls += [pool.submit(timeline.save_rows, rows[at : at + 200], now) for at in range(0, len(rows), 200)]
        commits = [pool.submit(contacts.commit, commit) for world in worlds for commit in _commits(world)]
        for call in calls:
            call.result()
        return sum(commit.result() is Outcome.DONE for commit in commits)


def _accounts(worlds: Sequence[World]) -> list[Account]:
    """The companies of all these lives, each once; some are wanted, and one is left in peace."""
    found = {account.account_id: account for world in worlds for account in world.accounts.items.values()}
    targets = {slug_of(company) for company in TARGETS}
    silence = {slug_of(IN_TALKS): "In talks with sales"}
    return [
        account.with_(
            version=0,
            # Its people have yet to hear of the silence.
            edition=account.edition + (account_id in silence),
            is_target=account_id in targets,
            suppression=Suppression(silence[account_id], account.created_at) if account_id in silence else None,
        )
        for account_id, account in found.items()
    ]


def count_arrivals(worlds: Sequence[World]) -> Increments:
    """What the streams will not see of a history, and all of it once more, to be taken back one day."""
    counted = add_up(_count(world) for world in worlds)
    final = add_up(_count_rows(world) for world in worlds)
    unseen = add_up([counted, Increments({cell: -number for cell, number in final.items()})])
    copies = {cell._replace(definition=demo.counted_as(cell.definition)): number for cell, number in counted.items()}
    return add_up([unseen, Increments(copies)])


def _count(world: World) -> Increments:
    """All changes of place of one life, as the stream would have counted them."""
    parts, rows = [], dict[tuple[str, str], MembershipChange]()
    for at, change in world.contacts.changes:
        place = change.place, change.contact_id
        before, after = rows.pop(place, None), None if change.since is None else change
        parts.append(count_membership(before, after, at))
        if after:
            rows[place] = after
    return add_up(parts)


def _count_rows(world: World) -> Increments:
    """What the rows that are left stand for."""
    return add_up(
        count_membership(None, change, since)
        for commit in _commits(world)
        for change in commit.memberships
        if (since := change.since) is not None
    )


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
            tasks=tuple(world.contacts.tasks.values()),
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
    for draft in world.drafts.items.values():
        yield _save_draft, draft
    for run in world.broadcasts.items.values():
        yield broadcasts.save_run, run, None


def _save_draft(draft: Draft) -> None:
    if definitions.find_draft(draft.kind, draft.definition_id) is None:
        definitions.save_draft(draft.kind, draft.definition_id, draft.document, edit=0, now=draft.saved_at)
