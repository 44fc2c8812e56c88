"""What use cases touch: each port is a few functions over one kind of thing.

In production the storage ports are the modules of `postroad_aws.storage` themselves (a module can satisfy a Protocol);
the fault simulation passes objects that keep everything in memory. All times are epoch seconds. A port raises `Fault`
(or lets the AWS client's own exception pass) when AWS did not answer as asked; expected answers are values.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from postroad.commits import Commit, Row
from postroad.contacts.contact import Consent, Contact
from postroad.events import Event
from postroad.policy import Policy
from postroad.sending.holds import Hold
from postroad.sending.messages import Message
from postroad.tasks import Task
from postroad.tracking.packing import QueueMessage
from postroad.tracking.quarantine import Reject

if TYPE_CHECKING:
    # Their imports load conditions, journeys or Jinja2, which few processes need all of.
    from postroad.accounts import Account
    from postroad.book import Book
    from postroad.content.links import Signer
    from postroad.content.recommending import Product, Related
    from postroad.content.rendering import CompiledMessage
    from postroad.stats import Cell


class Fault(Exception):
    """AWS did not do as asked, although the SDK tried again: the work must be delivered again."""


class Forward(NamedTuple):
    """What is stored under a further identity, or under a merged contact: where to look instead."""

    contact_id: str


class Tombstone(NamedTuple):
    """What is stored under each id of somebody who was erased: since when."""

    erased_at: float


Stored = Contact | Forward | Tombstone


class Sample(NamedTuple):
    """Contacts as chance has it, out of so many rows; `is_whole` says that there are no others."""

    contacts: Sequence[Contact]
    rows: int
    is_whole: bool


class Outcome(Enum):
    """How a conditional write ended."""

    DONE = "done"
    CONFLICT = "conflict"
    # A message or a task of it: the contact alone is as it was read.
    ALREADY_THERE = "already there"


class Contacts(Protocol):
    def find_items(self, ids: Collection[str], *, consistent: bool) -> Mapping[str, Stored]:
        """Whatever is stored under these ids; missing ones are left out. At most 100 a call are read at once."""

    def commit(self, commit: Commit) -> Outcome:
        """All of it or nothing. A lost answer may raise although it happened: the caller loads and folds again."""

    def list_due(
        self, shard: str, until: float, limit: int, after: tuple[str, float] | None = None
    ) -> Sequence[tuple[str, float]]:
        """(contact_id, wake_at) of contacts whose timer is due, the earliest first; those that follow `after`."""

    def list_ids(self, shard: str, after: str | None, limit: int) -> tuple[Sequence[str], str | None]:
        """Ids of a shard's contacts, the newest first, and the cursor of the next page."""


class Timeline(Protocol):
    def save_rows(self, rows: Sequence[Row], now: float) -> None:
        """Put the rows; the same row again changes nothing."""

    def heal_rows(self, rows: Sequence[Row], now: float) -> None:
        """Put those rows that are missing, and leave those alone that are there."""

    def find_keys(self, keys: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of these (contact_id, key) exist, read consistently."""

    def find_row(self, contact_ids: Sequence[str], key: str) -> Row | None:
        """The row with this key under any of the ids."""

    def list_history(self, contact_ids: Sequence[str]) -> Iterable[Event]:
        """All events (derived ones included) of these contacts, in the order of time."""


class Messages(Protocol):
    def find_message(self, message_id: str) -> Message | None: ...

    def find_messages(self, ids: Collection[str]) -> Mapping[str, Message]:
        """Those of these messages that are there, in one read that may be a moment old. At most 100 a call."""

    def claim(self, message_id: str, owner: str, now: float) -> Message | None:
        """Make a queued message ours: queued → sending, in one conditional update.

        None when it is not queued; a lost answer and a retry find `owner` to be us, which is success.
        """

    def release(self, message_id: str, owner: str, not_before: float, reason: str, now: float) -> bool:
        """Give a claim back before the channel was called, or when the channel surely did not take the message."""

    def settle(
        self, message_id: str, state: str, now: float, *, reason: str = "", owner: str | None = None,
        address: str | None = None, provider_id: str | None = None,
    ) -> bool:  # fmt: skip
        """Move it to a state of higher rank (`messages.states_before`); False when it already stands there or higher.

        With `owner`, only while that owner's claim, or its unknown outcome, stands.
        """

    def note_engagement(self, message_id: str, engagement: str, time: float) -> Message | None:
        """Keep when a message was first opened or clicked (`messages.ENGAGEMENTS`); None when there is no message."""

    def take_off_engagement(self, message_id: str, engagement: str, time: float) -> None:
        """Count what was "opened" or "clicked" then as a machine's; what came at another time stays a person's."""

    def list_pending(self, shard: str, until: float, limit: int) -> Sequence[Message]:
        """Messages that the sweep should have looked at by then (`messages.PATIENCE`), the earliest first."""

    def scan_pending(self, shard: str, after: float, until: float) -> Iterable[Message]:
        """Those that it should look at later than `after` and by `until`, as they were a moment ago."""

    def postpone(self, message_id: str, until: float | None, not_before: float | None = None) -> bool:
        """Have the sweep look at a pending message again at that time (None: never); False when none is pending. With
        `not_before` it does not leave before that."""


class Tasks(Protocol):
    def find_task(self, task_id: str) -> Task | None:
        """The task, read consistently."""


class Accounts(Protocol):
    def find_account(self, account_id: str) -> "Account | None":
        """The account, read consistently."""

    def save_account(self, account: "Account") -> bool:
        """Store it with its version plus one, in place of the one that was read; False when that is gone."""


class Answers(NamedTuple):
    """What stands about an address: why nothing may go to it, and the latest yes or no by topic."""

    suppression: str | None
    consents: Mapping[str, Consent]


class Refusals(Protocol):
    def find_suppression(self, address: str) -> str | None:
        """The reason why nothing may go to this address ("email:…", "phone:…"), read consistently."""

    def find_consent(self, address: str, topic: str) -> Consent | None:
        """The latest yes or no, read consistently."""

    def find_answers(self, topics: Mapping[str, Collection[str]]) -> Mapping[str, Answers]:
        """What stands about each of these addresses and its topics, in one consistent read: the sender's last look."""

    def save_suppression(self, address: str, reason: str, now: float, evidence: Mapping[str, Any]) -> None: ...

    def save_consent(
        self, address: str, topic: str, granted: bool, now: float, evidence: Mapping[str, Any],
        until: float | None = None,
    ) -> None:  # fmt: skip
        """Write the answer and, append-only, its proof. An answer older than the stored one is only proof. With `until`
        it counts no more from then on."""

    def save_request(self, address: str, topic: str, now: float, evidence: Mapping[str, Any]) -> None:
        """Write, append-only, that a yes was asked to be confirmed."""

    def find_request(self, address: str, topic: str) -> Mapping[str, Any] | None:
        """The evidence of the last yes that was asked to be confirmed, with its `time`."""

    def lift_suppression(self, address: str, now: float, evidence: Mapping[str, Any]) -> None:
        """Let the address be written to again, with a proof. Raises when it is not suppressed."""


class Stats(Protocol):
    def fits(self, increments: Mapping["Cell", int]) -> bool:
        """Whether these can be added at once."""

    def add_once(self, stream: str, first: int, last: int, increments: Mapping["Cell", int], now: float) -> int:
        """Add what the records from `first` to `last` of a stream brought, all or nothing; returns the last record that
        is counted: `last`, or another one when a batch that began with `first` has been counted before."""


class Quarantine(Protocol):
    def save_rejects(self, rejects: Sequence[Reject]) -> None:
        """Keep them; the same reject again changes nothing."""


class Templates(Protocol):
    def get_template(self, template_id: str, version: int) -> "CompiledMessage":
        """The compiled template; raises when there is no such version."""


class Catalogue(Protocol):
    """The products, and what was learned of them, as they were at most a minute ago."""

    def find_products(self, ids: Collection[str], /) -> "Mapping[str, Product]": ...

    def find_related(self, ids: Collection[str], /) -> "Mapping[str, tuple[Related, ...]]": ...

    def find_best(self) -> "tuple[Related, ...]": ...


class Books(Protocol):
    def current(self, *, at_least: int = 0) -> "Book":
        """The compiled book, at most a few seconds old, and of this revision or newer."""

    def newest(self) -> "Book":
        """The compiled book that is live now."""

    def current_policy(self, *, at_least: int = 0) -> Policy:
        """The policy of `current`, without the rest of the book."""

    def hears(self, name: str) -> bool:
        """Whether something that is live listens to events of this name (`events.ON_DEMAND`)."""


class Holds(Protocol):
    def current(self) -> Sequence[Hold]:
        """What keeps queued messages from leaving, at most a few seconds old."""


class Queues(Protocol):
    def send_events(self, messages: Sequence[QueueMessage]) -> Sequence[QueueMessage]:
        """Put them on the events queue; returns those that it did not take."""

    def send_messages(self, message_ids: Sequence[str], delay: float = 0.0) -> Sequence[str]:
        """Put messages up for sending; returns those that the queue did not take."""

    def events_backlog(self) -> int:
        """About how many messages wait on the events queue."""


class Clock(Protocol):
    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class Ids(Protocol):
    def new_id(self) -> str:
        """A token that nobody else has."""

    def jitter(self) -> float:
        """A number in [0, 1)."""


class Accepted(NamedTuple):
    """The channel took the message; `provider_id` is its name for it. `answer` is what a machine that got it said: then
    it is delivered."""

    provider_id: str
    answer: Mapping[str, Any] | None = None


class Refused(NamedTuple):
    """The channel surely did not take it. `retry_after` is None when it never will, else seconds to wait.

    `is_gone` says that nothing will ever get there, so that nobody asks again.
    """

    reason: str
    retry_after: float | None
    is_gone: bool = False


class Unclear(NamedTuple):
    """Nobody knows whether it left: a timeout, or a lost connection."""

    reason: str


Envelope = TypeVar("Envelope", contravariant=True)


class Channel(Protocol[Envelope]):
    def send(self, envelope: Envelope, /) -> Accepted | Refused | Unclear:
        """One call, no retries. It does not raise for what the provider says."""


class Runs(Protocol):
    def start_rebuild(self, revision: int) -> None:
        """Start the state machine that folds every contact by the book of this revision."""


@dataclass(frozen=True, slots=True)
class KeylessPorts:
    """What works without any secret of the stack; a use case touches the few that it names."""

    contacts: Contacts
    timeline: Timeline
    accounts: Accounts
    messages: Messages
    tasks: Tasks
    refusals: Refusals
    quarantine: Quarantine
    books: Books
    templates: Templates
    catalogue: Catalogue
    holds: Holds
    queues: Queues
    channels: Mapping[str, Channel[Any]]
    clock: Clock
    ids: Ids
    runs: Runs


@dataclass(frozen=True, slots=True)
class Ports(KeylessPorts):
    """All of them: `contact_key` makes ids of contacts, `signer` the links in messages."""

    contact_key: bytes
    signer: "Signer"
    base_url: str
