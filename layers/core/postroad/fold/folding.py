"""One fold under way: what the modules of this package share."""

from collections import deque
from collections.abc import Mapping
from math import inf
from typing import Any

from postroad import events as names
from postroad.book import Book
from postroad.contacts.contact import Contact, Enrollment
from postroad.decisions import Decision
from postroad.events import Event
from postroad.predicates.predicate import View
from postroad.sending.outbox import Outbox
from postroad.tasks import Settled, Task

MAX_CAUSED = 200
# After so many messages of one event the rest is left to a wake that comes at once: one commit holds them all.
MAX_MESSAGES = 30


class Folding:
    """One fold under way. What is done in it changes `contact`, which nobody else holds."""

    def __init__(self, contact: Contact, book: Book, now: float) -> None:
        self.contact = contact
        self.book = book
        self.now = now
        self.waiting: deque[Event] = deque()
        self.tasks: list[Task | Settled] = []
        self.caused: list[Event] = []
        self.decisions: list[Decision] = []
        self.outbox = Outbox(contact, book, now, self.decisions)
        self.cause: Event | None = None
        self.started: set[str] = set()
        # Facts that have changed, of which journeys have not heard yet.
        self.changed: dict[str, None] = {}
        # After a publication, or a merge, every enrollment is asked whether it goes on or ends.
        self.asks_all = False
        # About somebody new, also those are asked that hold when nothing is known.
        self.unasked = dict.fromkeys(book.innate if contact.events_folded == 0 else ())
        # Changes that only catching up has found out are not news: they start no journey.
        self.is_news = True

    def take(self, event: Event) -> None:
        self.cause = event
        self.waiting.append(event)

    def causes(self, name: str, /, **properties: Any) -> None:
        """Put a derived event up for folding. Its id comes from its cause, so that folding again gives the same one."""
        assert self.cause is not None
        self.causes_at(min(self.cause.time, self.now) if self.cause.name != names.WAKE else self.now, name, properties)

    def causes_at(self, time: float, name: str, properties: Mapping[str, Any]) -> None:
        """Put a derived event up for folding that happened at this time."""
        if not self.is_news:
            return
        assert self.cause is not None
        number = len(self.caused)
        event = Event(
            event_id=f"{self.cause.event_id}/{number}",
            name=name,
            time=time,
            key_time=self.cause.key_time,
            contact_id=self.contact.contact_id,
            trusted=self.cause.trusted,
            source=self.cause.source,
            properties=properties,
        )
        self.caused.append(event)
        self.waiting.append(event)

    def decide(self, definition: str, step: str, verdict: str, because: str) -> None:
        self.decisions.append(Decision(definition, step, verdict, because))

    def note(self, facts: list[str]) -> list[str]:
        """Let journeys hear of these facts, too."""
        self.changed.update(dict.fromkeys(facts))
        if self.contact.postponed and any(fact.startswith("score:") for fact in facts):
            self.outbox.asks_all = True  # a cap may allow more in another band
        return facts

    def view(self, event: Event | None = None, enrollment: Enrollment | None = None) -> View:
        return self.book.view(self.contact, self.now, enrollment, event)

    def turn(self, key: str, at: float) -> None:
        if at == inf:
            self.contact.turns.pop(key, None)
        else:
            self.contact.turns[key] = at

    def arm(self, *, fired: bool) -> None:
        """Set the contact's one timer. Lazily: moving it later would cost two writes, so it fires and finds nothing."""
        dues = (enrollment.due for enrollment in self.contact.active.values() if enrollment.due is not None)
        earliest = min((*self.contact.turns.values(), *dues, *self.outbox.times), default=None)
        armed = self.contact.wake_at
        if fired or armed is None or (earliest is not None and earliest < armed):
            self.contact.wake_at = earliest
