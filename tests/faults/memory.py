"""Every port, in memory: what AWS keeps for Postroad, and how it answers.

`Memory` is what is stored; the ports on it answer at once and never fail. Faults, latency and interleaving come from
`scheduler`, which wraps them. What a port reads was decoded for that reader, so nobody shares an object by accident.
Where AWS may answer in more than one way (an eventually consistent read), `Memory.chance` decides, which comes from the
seed.
"""

import hashlib
from bisect import insort
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from math import inf
from operator import attrgetter
from typing import Any, NamedTuple
from zlib import crc32

from postroad.accounts import Account
from postroad.book import Book
from postroad.broadcasts.broadcast import Run
from postroad.commits import Commit, MembershipChange, Row
from postroad.consent.rule import later
from postroad.contacts.codec import decode_contact, decode_row, encode_contact, encode_row, stored_due
from postroad.contacts.contact import SHARDS, Consent, Contact
from postroad.events import Event
from postroad.instants import DAY
from postroad.policy import Policy
from postroad.sending.feedback import REPORTED
from postroad.sending.holds import Hold, is_slowed
from postroad.sending.messages import PATIENCE, QUEUED, SENDING, UNKNOWN, Message, states_before, take_off
from postroad.sending.quotas import Quota
from postroad.stats import Cell
from postroad.tasks import Task, applies, settle
from postroad.tracking.packing import QueueMessage
from postroad.tracking.quarantine import Reject
from postroad_aws.ports import Answers, Forward, Outcome, Tombstone
from postroad_aws.ports import Stored as Found
from postroad_aws.storage import Page, VersionConflictError
from postroad_aws.storage.memberships import Membership, shards_of
from postroad_aws.storage.paging import walk

DEDUPLICATION = 5 * 60.0
MAX_RECEIVES = 5
CROWDED = 100


class Item(NamedTuple):
    """What is stored under a contact's id: a body, or a forward."""

    body: bytes
    version: int
    created_at: float
    wake_at: float | None
    shard: str
    forward: str | None = None


class Stored(NamedTuple):
    """An item, and what an eventually consistent reader may still see instead of it until `visible`."""

    item: Item
    before: Item | None
    visible: float


class Request(NamedTuple):
    """What somebody has claimed to do, and whether it is done."""

    owner: str
    began: float
    is_done: bool = False


# The change that has put a row of the memberships; None is no row.
Member = MembershipChange | None


class Memory:
    """All that is stored. `lag` is how many seconds an eventually consistent read may be behind."""

    def __init__(self, now: Callable[[], float], chance: Callable[[], float] = lambda: 1.0, lag: float = 0.0) -> None:
        self.now = now
        self.chance = chance
        self.lag = lag
        self.contacts: dict[str, Stored] = {}
        self.tombstones: dict[str, float] = {}
        self.rows: dict[str, dict[str, bytes]] = {}
        self.messages: dict[str, Message] = {}
        self.pending: dict[str, float] = {}
        self.suppressions: dict[str, str] = {}
        self.erased_addresses: set[str] = set()
        self.consents: dict[tuple[str, str], Consent] = {}
        self.asked: dict[tuple[str, str], dict[str, Any]] = {}
        self.proof: list[tuple[str, str, float, bool]] = []
        self.memberships: dict[tuple[str, str], MembershipChange] = {}
        self.sums: Counter[Cell] = Counter()
        self.marks: dict[tuple[str, int], int] = {}
        self.rejects: dict[str, Reject] = {}
        self.tasks: dict[str, Task] = {}
        self.runs: dict[str, Run] = {}
        self.holds: dict[str, Hold] = {}
        self.requests: dict[str, Request] = {}
        self.accounts: dict[str, Account] = {}
        # Whoever simulates a stream, or a clock, or checks what may never happen, listens here.
        self.on_insert: Callable[[Message], None] = lambda message: None
        self.on_state: Callable[[Message | None, Message], None] = lambda before, after: None
        self.on_forget: Callable[[Message], None] = lambda message: None
        self.on_erase: Callable[[Contact], None] = lambda contact: None
        self.on_membership: Callable[[Member, Member], None] = lambda before, after: None
        self.on_commit: Callable[[Commit], None] = lambda commit: None
        self.on_wake: Callable[[float], None] = lambda at: None
        self.on_account: Callable[[Account | None, Account], None] = lambda before, after: None
        self.on_run: Callable[[Run | None, Run], None] = lambda before, after: None

    # Contacts

    def put_contact(self, contact_id: str, item: Item) -> None:
        before = self.contacts.get(contact_id)
        self.tombstones.pop(contact_id, None)
        self.contacts[contact_id] = Stored(item, before and before.item, self.now() + self.lag)
        if item.wake_at is not None:
            self.on_wake(item.wake_at)

    def read_item(self, contact_id: str, *, consistent: bool) -> Item | None:
        stored = self.contacts.get(contact_id)
        if stored is None:
            return None
        if not consistent and stored.visible > self.now() and self.chance() < 0.5:
            return stored.before
        return stored.item

    def load(self, contact_id: str) -> Contact | None:
        """The contact stored under an id, wherever it has been forwarded to, to look at."""
        while stored := self.contacts.get(contact_id):
            if stored.item.forward is None:
                return look_at(contact_id, stored.item)
            contact_id = stored.item.forward
        return None

    def list_contacts(self) -> list[Contact]:
        """All there are, to look at."""
        return [look_at(key, s.item) for key, s in self.contacts.items() if s.item.forward is None]

    def has_contacts(self, shard: str, *_: object) -> bool:
        return any(stored.item.shard == shard for stored in self.contacts.values())

    # Messages

    def has_pending(self, shard: str, *_: object) -> bool:
        return any(shard_of(message_id) == int(shard) for message_id in self.pending)

    def has_slowed(self, shard: str, *_: object) -> bool:
        return any(
            shard_of(message_id) == int(shard) and is_slowed(self.messages[message_id].reason)
            for message_id in self.pending
        )

    def put_message(self, message: Message, pending_at: float | None) -> None:
        before = self.messages.get(message.message_id)
        self.messages[message.message_id] = message
        if pending_at is None:
            self.pending.pop(message.message_id, None)
        else:
            self.pending[message.message_id] = pending_at
        self.on_state(before, message)

    def forget_message(self, message_id: str) -> None:
        self.pending.pop(message_id, None)
        self.on_forget(self.messages.pop(message_id))

    def insert_message(self, message: Message) -> None:
        waits = message.state == QUEUED
        looked_at = max(message.created_at + PATIENCE[QUEUED], message.not_before or 0.0)
        self.put_message(message, looked_at if waits else None)
        self.on_insert(message)

    def put_row(self, row: Row) -> None:
        self.rows.setdefault(row.contact_id, {})[row.key] = encode_row(row)

    def all_rows(self) -> Iterator[tuple[tuple[str, str], bytes]]:
        for contact_id, rows in self.rows.items():
            for key, body in rows.items():
                yield (contact_id, key), body

    def list_rows(self, contact_ids: Iterable[str]) -> list[Row]:
        return [
            decode_row(contact_id, key, body)
            for contact_id in contact_ids
            for key, body in self.rows.get(contact_id, {}).items()
        ]


def decode(contact_id: str, item: Item) -> Contact:
    return decode_contact(contact_id, item.version, item.body, created_at=item.created_at, wake_at=item.wake_at)


# Whoever checks a world looks at the same contacts again and again, and changes none.
look_at = lru_cache(maxsize=256)(decode)


class MemoryContacts:
    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def find_items(self, ids: Collection[str], *, consistent: bool) -> Mapping[str, Found]:
        found: dict[str, Found] = {
            each: Tombstone(self.memory.tombstones[each]) for each in ids if each in self.memory.tombstones
        }
        for contact_id in ids:
            item = self.memory.read_item(contact_id, consistent=consistent)
            if item is not None:
                found[contact_id] = Forward(item.forward) if item.forward else decode(contact_id, item)
        return found

    def commit(self, commit: Commit) -> Outcome:
        memory, contact = self.memory, commit.contact
        stored = memory.contacts.get(contact.contact_id)
        wake_at = None if contact.wake_at is None else stored_due(contact.wake_at)
        item = Item(encode_contact(contact), contact.version + 1, contact.created_at, wake_at, contact.shard)
        buried = {each for each, at in memory.tombstones.items() if at not in commit.erased}
        begun = {*commit.attach, *(() if contact.version else (contact.contact_id,))}
        if (
            not begun.isdisjoint(buried)
            or not self.holds(contact.contact_id, contact.version, commit.gone)
            or not all(
                (
                    *(self.holds(attached, 0, commit.gone) for attached in commit.attach),
                    *(self.holds(contact_id, version) for contact_id, version in commit.absorbed),
                )
            )
        ):
            # A lost answer and a retry inside the client find what they wanted to write.
            return Outcome.DONE if stored and stored.item == item else Outcome.CONFLICT
        there = any(message.message_id in memory.messages for message in commit.messages)
        if there or not all(applies(task, memory.tasks.get(task.task_id)) for task in commit.tasks):
            return Outcome.ALREADY_THERE
        memory.put_contact(contact.contact_id, item)
        for contact_id in (*commit.attach, *(contact_id for contact_id, _ in commit.absorbed)):
            memory.put_contact(contact_id, Item(b"", 0, 0.0, None, "", contact.contact_id))
        for message in commit.messages:
            memory.insert_message(replace(message, times=dict(message.times)))
        for task in commit.tasks:
            memory.tasks[task.task_id] = task if isinstance(task, Task) else settle(memory.tasks[task.task_id], task)
        MemoryMemberships(memory).apply(commit.memberships)
        MemoryQuarantine(memory).save_rejects(commit.rejects)
        for row in commit.rows:
            memory.put_row(row)
        memory.on_commit(commit)
        return Outcome.DONE

    def erase(
        self, contact: Contact, forwards: Collection[str], places: Collection[str], erased_at: float | None = None
    ) -> Outcome:
        memory = self.memory
        stored = {each: memory.contacts[each].item.forward for each in forwards if each in memory.contacts}
        if not self.holds(contact.contact_id, contact.version) or {*stored.values()} - {
            contact.contact_id,
            *contact.merged_from,
        }:
            return Outcome.CONFLICT
        for each in (contact.contact_id, *forwards):
            memory.contacts.pop(each, None)
            if erased_at is not None:
                memory.tombstones[each] = erased_at
        memory.on_erase(contact)
        MemoryMemberships(memory).apply([MembershipChange(place, contact.contact_id, None) for place in places])
        return Outcome.DONE

    def holds(self, contact_id: str, version: int, gone: Sequence[str] = ()) -> bool:
        stored = self.memory.contacts.get(contact_id)
        if stored is None or (version == 0 and stored.item.forward in gone):
            return version == 0
        return stored.item.forward is None and stored.item.version == version

    def list_due(
        self, shard: str, until: float, limit: int, after: tuple[str, float] | None = None
    ) -> Sequence[tuple[str, float]]:
        due = []
        for contact_id, stored in self.memory.contacts.items():
            item = self.memory.read_item(contact_id, consistent=False) if stored.item.shard == shard else None
            if item and item.wake_at is not None and item.wake_at <= until:
                due.append((item.wake_at, contact_id))
        rest = [(at, contact_id) for at, contact_id in sorted(due) if after is None or (at, contact_id) > after[::-1]]
        return [(contact_id, at) for at, contact_id in rest[:limit]]

    def list_ids(self, shard: str, after: str | None, limit: int) -> tuple[Sequence[str], str | None]:
        found = sorted(
            ((s.item.created_at, key) for key, s in self.memory.contacts.items() if s.item.shard == shard), reverse=True
        )
        ids = [contact_id for _, contact_id in found]
        start = ids.index(after) + 1 if after else 0
        page = ids[start : start + limit]
        return page, page[-1] if start + limit < len(ids) else None


class MemoryAccounts:
    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def find_account(self, account_id: str) -> Account | None:
        return self.memory.accounts.get(account_id)

    def save_account(self, account: Account) -> bool:
        before = self.memory.accounts.get(account.account_id)
        after = account.with_(version=account.version + 1)
        if (before.version if before else 0) != account.version:
            return before == after
        self.memory.accounts[account.account_id] = after
        self.memory.on_account(before, after)
        return True


class MemoryTimeline:
    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def save_rows(self, rows: Sequence[Row], now: float) -> None:
        for row in rows:
            self.memory.put_row(row)

    def heal_rows(self, rows: Sequence[Row], now: float) -> None:
        for row in rows:
            if row.key not in self.memory.rows.get(row.contact_id, ()):
                self.memory.put_row(row)

    def find_keys(self, keys: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        return {(contact_id, key) for contact_id, key in keys if key in self.memory.rows.get(contact_id, ())}

    def find_row(self, contact_ids: Sequence[str], key: str) -> Row | None:
        for contact_id in contact_ids:
            body = self.memory.rows.get(contact_id, {}).get(key)
            if body:
                return decode_row(contact_id, key, body)
        return None

    def list_history(self, contact_ids: Sequence[str]) -> Iterable[Event]:
        rows = (
            row
            for contact_id in dict.fromkeys(contact_ids)
            for row in sorted(self.memory.list_rows([contact_id]), key=attrgetter("key"))
        )
        return sorted((event for row in rows for event in (row.event, *row.caused)), key=attrgetter("time"))


def shard_of(message_id: str) -> int:
    return crc32(message_id.encode()) % SHARDS


class MemoryMessages:
    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def find_message(self, message_id: str) -> Message | None:
        return self.memory.messages.get(message_id)

    def find_messages(self, ids: Collection[str]) -> dict[str, Message]:
        return {
            message_id: self.memory.messages[message_id] for message_id in ids if message_id in self.memory.messages
        }

    def claim(self, message_id: str, owner: str, now: float) -> Message | None:
        message = self.memory.messages.get(message_id)
        if message is None:
            return None
        if message.state == SENDING and message.owner == owner:
            return message
        if message.state != QUEUED:
            return None
        claimed = message.with_(state=SENDING, owner=owner, claimed_at=now)
        self.memory.put_message(claimed, self.memory.pending.get(message_id))
        return claimed

    def release(self, message_id: str, owner: str, not_before: float, reason: str, now: float) -> bool:
        message = self.memory.messages.get(message_id)
        if message is None or message.state != SENDING or message.owner != owner:
            return False
        released = message.with_(state=QUEUED, owner=None, claimed_at=None, not_before=not_before, reason=reason)
        self.memory.put_message(released, max(now + PATIENCE[QUEUED], not_before))
        return True

    def settle(
        self, message_id: str, state: str, now: float, *, reason: str = "", owner: str | None = None,
        address: str | None = None, provider_id: str | None = None,
    ) -> bool:  # fmt: skip
        message = self.memory.messages.get(message_id)
        if message is None or message.state not in states_before(state):
            return False
        if owner is not None and (message.owner != owner or message.state not in (SENDING, UNKNOWN)):
            return False
        settled = message.with_(
            state=state,
            times={**message.times, state: now},
            reason=reason,
            address=address or message.address,
            provider_id=provider_id or message.provider_id,
        )
        self.memory.put_message(settled, None)
        return True

    def note_engagement(self, message_id: str, engagement: str, time: float) -> Message | None:
        message = self.memory.messages.get(message_id)
        if message is None:
            return None
        if engagement not in message.times:
            noted = message.with_(times={**message.times, engagement: time})
            self.memory.put_message(noted, self.memory.pending.get(message_id))
        return self.memory.messages[message_id]

    def take_off_engagement(self, message_id: str, engagement: str, time: float) -> None:
        message = self.memory.messages.get(message_id)
        if message is not None:
            taken_off = message.with_(times=take_off(message.times, engagement, time))
            self.memory.put_message(taken_off, self.memory.pending.get(message_id))

    def list_pending(self, shard: str, until: float, limit: int) -> Sequence[Message]:
        due = sorted(
            (at, message_id)
            for message_id, at in self.memory.pending.items()
            if at <= until and shard_of(message_id) == int(shard)
        )
        return [self.memory.messages[message_id] for _, message_id in due[:limit]]

    def scan_pending(self, shard: str, after: float, until: float) -> Sequence[Message]:
        due = [message_id for message_id, at in self.memory.pending.items() if after <= at <= until]
        return [self.memory.messages[message_id] for message_id in due if shard_of(message_id) == int(shard)]

    def list_by_origin(self, origin: str, *, cursor: str | None = None, limit: int = 50) -> Page[Message]:
        """By an index that is behind: what is new may be missing."""
        memory = self.memory

        def is_seen(message: Message) -> bool:
            return memory.now() - message.created_at >= memory.lag or memory.chance() >= 0.5

        found = sorted(
            (message for message in memory.messages.values() if message.origin == origin),
            key=lambda message: (shard_of(message.message_id), message.created_at, message.message_id),
        )
        start = 0 if cursor is None else [message.message_id for message in found].index(cursor) + 1
        seen = [message for message in found[start:] if not memory.lag or is_seen(message)]
        return Page(seen[:limit], seen[limit - 1].message_id if len(seen) > limit else None)

    def postpone(self, message_id: str, until: float | None, not_before: float | None = None) -> bool:
        if message_id not in self.memory.pending:
            return False
        if until is None:
            del self.memory.pending[message_id]
            return True
        self.memory.pending[message_id] = until
        if not_before is not None:
            self.memory.messages[message_id] = self.memory.messages[message_id].with_(not_before=not_before)
        return True


class MemoryTasks:
    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def find_task(self, task_id: str) -> Task | None:
        return self.memory.tasks.get(task_id)


class MemoryRefusals:
    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def find_suppression(self, address: str) -> str | None:
        return self.memory.suppressions.get(address)

    def find_consent(self, address: str, topic: str) -> Consent | None:
        return self.memory.consents.get((address, topic))

    def find_answers(self, topics: Mapping[str, Collection[str]]) -> dict[str, Answers]:
        consents = self.memory.consents
        return {
            address: Answers(
                self.memory.suppressions.get(address),
                {topic: consents[address, topic] for topic in asked if (address, topic) in consents},
            )
            for address, asked in topics.items()
        }

    def save_suppression(self, address: str, reason: str, now: float, evidence: Mapping[str, Any]) -> None:
        if reason == REPORTED or address not in self.memory.suppressions:
            self.memory.suppressions[address] = reason

    def save_request(self, address: str, topic: str, now: float, evidence: Mapping[str, Any]) -> None:
        self.memory.asked[address, topic] = {**evidence, "time": now}

    def find_request(self, address: str, topic: str) -> Mapping[str, Any] | None:
        return self.memory.asked.get((address, topic))

    def lift_suppression(self, address: str, now: float, evidence: Mapping[str, Any]) -> None:
        del self.memory.suppressions[address]

    def save_consent(
        self, address: str, topic: str, granted: bool, now: float, evidence: Mapping[str, Any],
        until: float | None = None,
    ) -> None:  # fmt: skip
        self.memory.proof.append((address, topic, now, granted))
        known = self.memory.consents.get((address, topic))
        said = Consent(granted, now, until)
        if later(known, said) is said:
            self.memory.consents[address, topic] = said


class MemoryMemberships:
    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def apply(self, changes: Sequence[MembershipChange]) -> None:
        for change in changes:
            key = (change.place, change.contact_id)
            before = self.memory.memberships.pop(key, None)
            after = None if change.since is None else change
            if after:
                self.memory.memberships[key] = after
            if before != after:
                self.memory.on_membership(before, after)

    def list_shard(self, place: str, shard: str, *, after: str | None = None, limit: int = 100) -> Sequence[Membership]:
        found = sorted(
            Membership(row.contact_id, row.since, row.moved)
            for row in self.memory.memberships.values()
            if row.since is not None and row.place == place and member_shard(place, row.contact_id) == shard
        )
        return [member for member in found if after is None or member.contact_id > after][:limit]

    def list_members(self, place: str, *, cursor: str | None = None, limit: int = 50) -> Page[Membership]:
        def query(shard: str, after: str | None, most: int) -> Sequence[Membership]:
            return self.list_shard(place, shard, after=after, limit=most)

        return walk(shards_of(place), query, attrgetter("contact_id"), cursor, limit)

    def count_place(self, place: str) -> int:
        return sum(row.place == place and row.since is not None for row in self.memory.memberships.values())


def member_shard(place: str, contact_id: str) -> str:
    shards = shards_of(place)
    return shards[crc32(contact_id.encode()) % len(shards)]


class MemoryBroadcasts:
    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def find_run(self, broadcast_id: str) -> Run | None:
        return self.memory.runs.get(broadcast_id)

    def save_run(self, run: Run, before: Run | None) -> None:
        stored = self.memory.runs.get(run.broadcast.id)
        if self.holds(stored, before):
            self.memory.runs[run.broadcast.id] = run
            self.memory.holds.pop(run.broadcast.origin, None)
            self.memory.holds.update({hold.scope: hold} if (hold := run.hold) else {})
            self.memory.on_run(stored, run)
        elif stored is None or replace(stored, touched_at=run.touched_at, cursors=run.cursors) != run:
            raise VersionConflictError("The broadcast has changed in the meantime.")

    def holds(self, stored: Run | None, before: Run | None) -> bool:
        if stored is None or before is None:
            return stored is before
        known, read = ((run.state, run.number, run.missed, run.set_going_at) for run in (stored, before))
        return known == read

    def touch(self, run: Run, now: float, part: str, cursor: str | None) -> bool:
        stored = self.find_meant(run.broadcast.id, run.number)
        if stored is None or stored.state != run.state:
            return False
        cursors = stored.cursors if cursor is None else {**stored.cursors, part: cursor}
        self.memory.runs[run.broadcast.id] = replace(stored, touched_at=now, cursors=cursors)
        return True

    def miss(self, broadcast_id: str, number: int) -> None:
        if stored := self.find_meant(broadcast_id, number):
            self.memory.runs[broadcast_id] = replace(stored, missed=stored.missed + 1)

    def make_up(self, broadcast_id: str, number: int, missed: int) -> None:
        if stored := self.find_meant(broadcast_id, number):
            self.memory.runs[broadcast_id] = replace(stored, made_up=missed)

    def find_meant(self, broadcast_id: str, number: int) -> Run | None:
        stored = self.memory.runs.get(broadcast_id)
        return stored if stored and stored.number == number else None


class MemoryStats:
    def __init__(self, memory: Memory, most: int = 6) -> None:
        self.memory = memory
        self.most = most

    def fits(self, increments: Mapping[Cell, int]) -> bool:
        return len(increments) <= self.most

    def add_once(self, stream: str, first: int, last: int, increments: Mapping[Cell, int], now: float) -> int:
        if (stream, first) not in self.memory.marks:
            self.memory.marks[stream, first] = last
            self.memory.sums.update(increments)
        return self.memory.marks[stream, first]


class MemoryRequests:
    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def begin(self, request_id: str, asked: str, owner: str, now: float) -> object | None:
        known = self.memory.requests.get(request_id)
        if known and known.owner != owner and now - known.began <= (DAY if known.is_done else 60.0):
            return known
        self.memory.requests[request_id] = known if known and known.owner == owner else Request(owner, now)
        return None

    def finish(self, request_id: str, owner: str, answer: str) -> bool:
        known = self.memory.requests.get(request_id)
        if known is None or known.owner != owner:
            return False
        self.memory.requests[request_id] = known._replace(is_done=True)
        return True


class MemoryQuarantine:
    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def save_rejects(self, rejects: Sequence[Reject]) -> None:
        for reject in rejects:
            self.memory.rejects.setdefault(reject.reject_id, reject)


class MemoryBooks:
    """One sandbox's book: read anew after `lifetime` seconds, or when a newer one is asked for."""

    def __init__(self, now: Callable[[], float], shelf: list[Book], lifetime: float = 5.0) -> None:
        self.now = now
        self.shelf = shelf
        self.lifetime = lifetime
        self.book: Book | None = None
        self.read_at = 0.0

    def is_fresh(self, at_least: int) -> bool:
        book = self.book
        return book is not None and book.revision >= at_least and self.now() - self.read_at < self.lifetime

    def hears(self, name: str) -> bool:
        return self.current().hears(name)

    def newest(self) -> Book:
        self.book, self.read_at = self.shelf[-1], self.now()
        return self.book

    def current_policy(self, *, at_least: int = 0) -> Policy:
        return self.current(at_least=at_least).policy

    def current(self, *, at_least: int = 0) -> Book:
        if self.book is None or not self.is_fresh(at_least):
            self.book, self.read_at = self.shelf[-1], self.now()
        return self.book


class MemoryHolds:
    """One sandbox's holds, read anew after `lifetime` seconds."""

    def __init__(self, memory: Memory, lifetime: float = 5.0) -> None:
        self.memory = memory
        self.lifetime = lifetime
        self.holds: tuple[Hold, ...] = ()
        self.read_at = -inf

    def current(self) -> tuple[Hold, ...]:
        if self.memory.now() - self.read_at >= self.lifetime:
            self.holds, self.read_at = tuple(self.memory.holds.values()), self.memory.now()
        return self.holds


class MemoryQuotas:
    """The provider's quota, if the world has one."""

    def __init__(self, quota: Quota | None = None) -> None:
        self.quota = quota

    def find_quota(self, channel: str) -> Quota | None:
        return self.quota


# Queues


class Letter:
    """A message on a queue. `receives` counts how often it was handed out."""

    __slots__ = ("body", "group", "number", "receives", "visible")

    def __init__(self, number: int, group: str, body: str, visible: float) -> None:
        self.number = number
        self.group = group
        self.body = body
        self.visible = visible
        self.receives = 0


class FifoQueue:
    """Groups in order: a letter waits for all earlier ones of its group. Each deduplicates for five minutes."""

    def __init__(self, now: Callable[[], float], visibility: float = 180.0) -> None:
        self.now = now
        self.visibility = visibility
        self.groups: dict[str, deque[Letter]] = {}
        self.seen: dict[tuple[str, str], float] = {}
        self.dead: list[Letter] = []
        self.numbers = 0
        self.on_visible: Callable[[float], None] = lambda at: None
        self.on_dead: Callable[[Letter], None] = lambda letter: None

    def __len__(self) -> int:
        return sum(map(len, self.groups.values()))

    def send(self, message: QueueMessage) -> None:
        now, known = self.now(), (message.group, message.deduplication_id)
        if self.seen.get(known, -DEDUPLICATION) > now - DEDUPLICATION:
            return
        self.seen[known] = now
        self.put(message.group, message.body)

    def put(self, group: str, body: str) -> None:
        self.numbers += 1
        self.groups.setdefault(group, deque()).append(Letter(self.numbers, group, body, self.now()))
        self.on_visible(self.now())

    def receive(self, limit: int) -> list[Letter]:
        """Up to so many letters: the oldest of each group that has none under way, and those right behind it."""
        now, found = self.now(), []
        for group in list(self.groups):
            letters = self.groups[group]
            while letters and letters[0].visible <= now and letters[0].receives >= MAX_RECEIVES:
                self.dead.append(letters.popleft())
                self.on_dead(self.dead[-1])
            if not letters:
                del self.groups[group]
            elif letters[0].visible <= now:
                found.append(letters)
        found.sort(key=lambda letters: letters[0].number)
        taken: list[Letter] = []
        for letters in found:
            for letter in letters:
                if len(taken) == limit or letter.visible > now or letter.receives >= MAX_RECEIVES:
                    break
                letter.receives += 1
                letter.visible = now + self.visibility
                taken.append(letter)
        if taken:
            self.on_visible(now + self.visibility)
        return taken

    def delete(self, letter: Letter) -> None:
        letters = self.groups.get(letter.group)
        if letters and letter in letters:
            letters.remove(letter)
            if letters:
                self.on_visible(letters[0].visible)
            else:
                del self.groups[letter.group]

    def redrive(self, times: int = 1) -> None:
        """What an operator does with dead letters."""
        dead, self.dead = self.dead, []
        for letter in dead * times:
            self.put(letter.group, letter.body)


class StandardQueue:
    """No order, and now and then a letter twice: `chance` decides how long one takes and whether it comes again."""

    def __init__(
        self, now: Callable[[], float], chance: Callable[[], float] = lambda: 1.0, visibility: float = 180.0
    ) -> None:
        self.now = now
        self.chance = chance
        self.visibility = visibility
        self.duplicates = 0.0
        self.disorder = 0.0
        self.letters: list[Letter] = []
        self.dead: list[Letter] = []
        self.numbers = 0
        self.on_visible: Callable[[float], None] = lambda at: None

    def __len__(self) -> int:
        return len(self.letters)

    def put(self, body: str, delay: float = 0.0) -> None:
        # What is put back again and again must not multiply.
        for _ in range(1 + (self.chance() < self.duplicates and len(self.letters) < CROWDED)):
            self.numbers += 1
            at = self.now() + min(max(delay, 0.0), 900.0) + self.disorder * self.chance()
            insort(self.letters, Letter(self.numbers, "", body, at), key=attrgetter("visible", "number"))
            self.on_visible(at)

    def receive(self, limit: int) -> list[Letter]:
        now = self.now()
        taken: list[Letter] = []
        for letter in list(self.letters):
            if letter.visible > now or len(taken) == limit:
                break
            self.letters.remove(letter)
            if letter.receives >= MAX_RECEIVES:
                self.dead.append(letter)
                continue
            letter.receives += 1
            letter.visible = now + self.visibility
            insort(self.letters, letter, key=attrgetter("visible", "number"))
            taken.append(letter)
        if taken:
            self.on_visible(now + self.visibility)
        return taken

    def delete(self, letter: Letter) -> None:
        if letter in self.letters:
            self.letters.remove(letter)

    def count_waiting(self) -> int:
        """Those that nobody has in hand."""
        now = self.now()
        return sum(letter.visible <= now or not letter.receives for letter in self.letters)

    def redrive(self, times: int = 1) -> None:
        dead, self.dead = self.dead, []
        for letter in dead * times:
            self.put(letter.body)


class MemoryQueues:
    def __init__(self, events: FifoQueue, sends: StandardQueue) -> None:
        self.events = events
        self.sends = sends

    def send_events(self, messages: Sequence[QueueMessage]) -> Sequence[QueueMessage]:
        for message in messages:
            self.events.send(message)
        return []

    def send_messages(self, message_ids: Sequence[str], delay: float = 0.0) -> Sequence[str]:
        for message_id in message_ids:
            self.sends.put(message_id, delay)
        return []

    def events_backlog(self) -> int:
        return len(self.events)

    def sends_backlog(self) -> int:
        return self.sends.count_waiting()


class Stream:
    """The INSERTs of the messages table, in order, for whoever relays them."""

    def __init__(self) -> None:
        self.records: deque[Message] = deque()
        self.lost: list[Message] = []


class SeededIds:
    """Tokens that nobody else has, and jitter, both from the seed."""

    def __init__(self, seed: int, chance: Callable[[], float]) -> None:
        self.seed = seed
        self.chance = chance
        self.count = 0

    def new_id(self) -> str:
        self.count += 1
        return hashlib.sha256(f"{self.seed}/{self.count}".encode()).hexdigest()[:16]

    def jitter(self) -> float:
        return self.chance()
