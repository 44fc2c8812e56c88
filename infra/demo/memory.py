"""The product's ports over memory, for playing a history: nothing fails here, and one thing happens at a time.

Contacts are kept as they are, not as bytes, because a played history folds thousands of events and stores each contact
once, at the end. The use cases never change what a port has given them.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from postroad.accounts import Account
from postroad.book import Book
from postroad.broadcasts.broadcast import END, Run
from postroad.commits import Commit, MembershipChange, Row
from postroad.contacts.contact import Consent, Contact
from postroad.contacts.places import places_of
from postroad.events import Event
from postroad.policy import Policy
from postroad.sending.messages import QUEUED, SENDING, Message, states_before, take_off
from postroad.tasks import Task, settle
from postroad.tracking.packing import QueueMessage
from postroad.tracking.quarantine import Reject
from postroad_aws.ports import Accepted, Answers, Forward, Outcome
from postroad_aws.storage import Page
from postroad_aws.storage.definitions import Draft
from postroad_aws.storage.memberships import SHARDS, Membership


class Clock:
    """Whatever time it is made to be."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


class Contacts:
    """Contacts and forwards, and what commits have brought: who was touched, new messages, changes of place."""

    def __init__(self, clock: Clock, messages: "Messages", quarantine: "Quarantine") -> None:
        self.items: dict[str, Contact | Forward] = {}
        self.touched: set[str] = set()
        self.tasks: dict[str, Task] = {}
        self.changes: list[tuple[float, MembershipChange]] = []
        self.clock, self.messages, self.quarantine = clock, messages, quarantine

    def find_items(self, ids: Collection[str], *, consistent: bool) -> Mapping[str, Contact | Forward]:
        return {contact_id: self.items[contact_id] for contact_id in ids if contact_id in self.items}

    def commit(self, commit: Commit) -> Outcome:
        contact = commit.contact
        self.items[contact.contact_id] = contact
        for other in (*commit.attach, *(contact_id for contact_id, _ in commit.absorbed)):
            self.items[other] = Forward(contact.contact_id)
            self.touched.discard(other)
        self.touched.add(contact.contact_id)
        self.changes += [(self.clock.at, change) for change in commit.memberships]
        self.messages.insert(commit.messages)
        for task in commit.tasks:
            known = self.tasks.get(task.task_id)
            if isinstance(task, Task):
                self.tasks.setdefault(task.task_id, task)
            elif known:
                self.tasks[task.task_id] = settle(known, task)
        self.quarantine.save_rejects(commit.rejects)
        return Outcome.DONE

    def list_contacts(self) -> Iterable[Contact]:
        return (item for item in self.items.values() if isinstance(item, Contact))


class Accounts:
    """The accounts as they are known from the start."""

    def __init__(self, accounts: Iterable[Account] = ()) -> None:
        self.items = {account.account_id: account for account in accounts}

    def find_account(self, account_id: str) -> Account | None:
        return self.items.get(account_id)

    def save_account(self, account: Account) -> bool:
        self.items[account.account_id] = account.with_(version=account.version + 1)
        return True


class Timeline:
    """Rows by contact and key."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Row]] = {}

    def save_rows(self, rows: Sequence[Row], now: float) -> None:
        for row in rows:
            self.rows.setdefault(row.contact_id, {})[row.key] = row

    heal_rows = save_rows

    def find_keys(self, keys: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        return {(contact_id, key) for contact_id, key in keys if key in self.rows.get(contact_id, ())}

    def find_row(self, contact_ids: Sequence[str], key: str) -> Row | None:
        return next((found for each in contact_ids if (found := self.rows.get(each, {}).get(key))), None)

    def list_rows(self) -> list[Row]:
        return [row for rows in self.rows.values() for row in rows.values()]

    def list_history(self, contact_ids: Sequence[str]) -> Iterable[Event]:
        rows = (row for each in contact_ids for row in self.rows.get(each, {}).values())
        return sorted((event for row in rows for event in (row.event, *row.caused)), key=lambda event: event.time)


class Messages:
    """The ledger. `queued` are the ids of those that were put up for sending, and when they may leave."""

    def __init__(self, clock: Clock) -> None:
        self.items: dict[str, Message] = {}
        self.queued: list[tuple[float, str]] = []
        self.clock = clock

    def insert(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.items[message.message_id] = message
            if message.state == QUEUED:
                self.queued.append((self.clock.at, message.message_id))

    def find_message(self, message_id: str) -> Message | None:
        return self.items.get(message_id)

    def find_messages(self, ids: Collection[str]) -> Mapping[str, Message]:
        return {message_id: self.items[message_id] for message_id in ids if message_id in self.items}

    def claim(self, message_id: str, owner: str, now: float) -> Message | None:
        message = self.items[message_id]
        if message.state != QUEUED:
            return None
        self.items[message_id] = message.with_(state=SENDING, owner=owner, claimed_at=now)
        return self.items[message_id]

    def release(self, message_id: str, owner: str, not_before: float, reason: str, now: float) -> bool:
        self.items[message_id] = self.items[message_id].with_(
            state=QUEUED, owner=None, claimed_at=None, not_before=not_before, reason=reason
        )
        return True

    def settle(
        self, message_id: str, state: str, now: float, *, reason: str = "", owner: str | None = None,
        address: str | None = None, provider_id: str | None = None,
    ) -> bool:  # fmt: skip
        message = self.items[message_id]
        if message.state not in states_before(state):
            return False
        self.items[message_id] = message.with_(
            state=state,
            reason=reason,
            address=address or message.address,
            provider_id=provider_id or message.provider_id,
            times={**message.times, state: now},
        )
        return True

    def note_engagement(self, message_id: str, engagement: str, time: float) -> Message | None:
        message = self.items[message_id]
        self.items[message_id] = message.with_(times={engagement: time, **message.times})
        return self.items[message_id]

    def take_off_engagement(self, message_id: str, engagement: str, time: float) -> None:
        message = self.items[message_id]
        self.items[message_id] = message.with_(times=take_off(message.times, engagement, time))


class Refusals:
    """Suppressions and answers, and all that was said, in order."""

    def __init__(self) -> None:
        self.suppressions: dict[str, tuple[str, float, Mapping[str, Any]]] = {}
        self.answers: dict[tuple[str, str], Consent] = {}
        self.said: list[tuple[str, str, bool, float, Mapping[str, Any]]] = []

    def find_answers(self, topics: Mapping[str, Collection[str]]) -> Mapping[str, Answers]:
        return {
            address: Answers(
                self.suppressions.get(address, (None,))[0],
                {topic: self.answers[address, topic] for topic in wanted if (address, topic) in self.answers},
            )
            for address, wanted in topics.items()
        }

    def save_suppression(self, address: str, reason: str, now: float, evidence: Mapping[str, Any]) -> None:
        self.suppressions.setdefault(address, (reason, now, evidence))

    def save_consent(self, address: str, topic: str, granted: bool, now: float, evidence: Mapping[str, Any]) -> None:
        self.answers[address, topic] = Consent(granted, now)
        self.said.append((address, topic, granted, now, evidence))


class Quarantine:
    def __init__(self) -> None:
        self.rejects: dict[str, Reject] = {}

    def save_rejects(self, rejects: Sequence[Reject]) -> None:
        self.rejects |= {reject.reject_id: reject for reject in rejects}


class Queues:
    """The queue of events, which takes everything."""

    def __init__(self, messages: Messages) -> None:
        self.events: deque[QueueMessage] = deque()
        self.messages = messages

    def send_events(self, messages: Sequence[QueueMessage]) -> Sequence[QueueMessage]:
        self.events.extend(messages)
        return ()

    def send_messages(self, message_ids: Sequence[str], delay: float = 0.0) -> Sequence[str]:
        self.messages.queued += [(self.messages.clock.at + delay, message_id) for message_id in message_ids]
        return ()

    def sends_backlog(self) -> int:
        return 0


class Members:
    """Who is at a place, all in one shard."""

    def __init__(self, contacts: Contacts) -> None:
        self.contacts = contacts

    def list_shard(self, place: str, shard: str, *, after: str | None = None, limit: int = 100) -> Sequence[Membership]:
        found = ((each.contact_id, places_of(each).get(place)) for each in self.contacts.list_contacts())
        here = sorted(Membership(contact_id, since) for contact_id, since in found if since is not None)
        return [each for each in here if after is None or each.contact_id > after][:limit]

    def list_members(self, place: str, *, cursor: str | None = None, limit: int = 50) -> Page[Membership]:
        return Page(list(self.list_shard(place, "", after=cursor, limit=limit)), None)


class Drafts:
    """Drafts of definitions; nobody else saves them."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Draft] = {}

    def find_draft(self, kind: str, definition_id: str, /) -> Draft | None:
        return self.items.get((kind, definition_id))

    def list_drafts(self, kind: str, *, cursor: str | None = None, limit: int = 50) -> Page[Draft]:
        return Page([draft for draft in self.items.values() if draft.kind == kind], None)

    def save_draft(self, kind: str, definition_id: str, document: Mapping[str, Any], *, edit: int, now: float) -> Draft:
        self.items[kind, definition_id] = Draft(kind, definition_id, document, edit + 1, now)
        return self.items[kind, definition_id]


class Broadcasts:
    """The runs of broadcasts."""

    def __init__(self) -> None:
        self.items: dict[str, Run] = {}

    def find_run(self, broadcast_id: str) -> Run | None:
        return self.items.get(broadcast_id)

    def find_runs(self, broadcast_ids: Collection[str]) -> Mapping[str, Run]:
        return {each: self.items[each] for each in broadcast_ids if each in self.items}

    def list_runs(self, *, cursor: str | None = None, limit: int = 50) -> Page[Run]:
        return Page(list(self.items.values()), None)

    def save_run(self, run: Run, before: Run | None) -> None:
        self.items[run.broadcast.id] = run

    def touch(self, run: Run, now: float, part: str, cursor: str | None) -> bool:
        return True

    def finish(self, broadcast_id: str) -> None:
        """Each life has been gone through."""
        self.items[broadcast_id] = replace(self.items[broadcast_id], cursors=dict.fromkeys(SHARDS, END))

    def miss(self, broadcast_id: str, number: int) -> None:
        raise AssertionError("nothing is refused by this memory")

    def make_up(self, broadcast_id: str, number: int, missed: int) -> None:
        pass


class Quotas:
    """Everything may leave."""

    def find_quota(self, channel: str) -> None:
        return None


class Ledger:
    """The messages of many worlds, to be counted."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages

    def list_by_origin(self, origin: str, *, cursor: str | None = None, limit: int = 50) -> Page[Message]:
        return Page([message for message in self.messages if message.origin == origin], None)


class Schedules:
    """What was to ring has rung: a history begins everything itself."""

    def start_broadcast(self, broadcast_id: str, number: int) -> None:
        pass

    def schedule_broadcast(self, broadcast_id: str, number: int, at: float) -> None:
        pass

    def unschedule_broadcast(self, broadcast_id: str, number: int, at: float) -> None:
        pass


class Books:
    """The one book of the whole history."""

    def __init__(self, book: Book) -> None:
        self.book = book

    def current(self, *, at_least: int = 0) -> Book:
        return self.book

    def current_policy(self, *, at_least: int = 0) -> Policy:
        return self.book.policy

    def hears(self, name: str) -> bool:
        return name in self.book.manifest.hears

    def newest(self) -> Book:
        return self.book


class Holds:
    """Nothing of a history is ever held."""

    def current(self) -> tuple[()]:
        return ()


class Ids:
    """Tokens in a row, and no jitter: the same history each time."""

    def __init__(self) -> None:
        self.count = 0

    def new_id(self) -> str:
        self.count += 1
        return f"history-{self.count}"

    def jitter(self) -> float:
        return 0.0


class Post(NamedTuple):
    """A channel that takes everything and sends nothing; the last mail lies on top."""

    taken: list[Any]

    def send(self, envelope: Any, /) -> Accepted:
        self.taken[:] = [envelope]
        return Accepted(f"history-{envelope.message_id}")
