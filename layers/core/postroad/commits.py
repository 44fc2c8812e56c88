"""What one fold, or a run of folds, asks the store to write in one transaction."""

from dataclasses import dataclass
from typing import NamedTuple

from postroad.contacts.contact import Contact
from postroad.decisions import Decision
from postroad.events import Event
from postroad.sending.messages import Message
from postroad.tasks import Settled, Task
from postroad.tracking.quarantine import Reject

# DynamoDB takes 100 actions in a transaction; the fold stops before that and goes on in the next commit.
MAX_ACTIONS = 90


class MembershipChange(NamedTuple):
    """A contact came to a place (`since` is when) or left it (None). `moved`: it was there as another contact, which
    has become one with it, so nobody has come."""

    place: str
    contact_id: str
    since: float | None
    moved: bool = False


class Row(NamedTuple):
    """One line of a contact's timeline: the event, the derived events that it caused, and why things were decided."""

    contact_id: str
    event: Event
    caused: tuple[Event, ...] = ()
    decisions: tuple[Decision, ...] = ()

    @property
    def key(self) -> str:
        return self.event.key


@dataclass(frozen=True, slots=True)
class Commit:
    """One conditional write: it happens wholly, if `contact.version` is still the stored one, or not at all.

    A version of 0 says that the contact must not exist yet. `attach` are the ids (of further identities) that become
    forwards to it and must be free; `absorbed` are (contact id, version) of merged contacts, which become forwards.
    `rows` is filled only for a contact too busy for its ring (see `ring`). `gone` are erased contacts: an id that
    still leads to one is free, and so is one at which somebody was erased at one of the times in `erased`.
    """

    contact: Contact
    attach: tuple[str, ...] = ()
    absorbed: tuple[tuple[str, int], ...] = ()
    messages: tuple[Message, ...] = ()
    memberships: tuple[MembershipChange, ...] = ()
    rejects: tuple[Reject, ...] = ()
    rows: tuple[Row, ...] = ()
    gone: tuple[str, ...] = ()
    erased: tuple[float, ...] = ()
    tasks: tuple[Task | Settled, ...] = ()

    @property
    def actions(self) -> int:
        """How many actions of a transaction it needs."""
        parts = (self.attach, self.absorbed, self.messages, self.tasks, self.memberships, self.rejects, self.rows)
        return 1 + sum(len(part) for part in parts)
