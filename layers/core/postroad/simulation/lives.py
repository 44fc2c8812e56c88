"""Lives: what becomes of one contact over time, fold by fold, when nothing is stored and nobody is written to."""

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from postroad.book import Book
from postroad.contacts.contact import Contact
from postroad.events import WAKE, Event
from postroad.fold import Outcome, fold
from postroad.sending.messages import QUEUED, Message

# Whoever is folded more often than this is in a circle of journeys that start one another.
MOST_FOLDS = 2_000

React = Callable[[Contact, Message, float], Iterable[Event]]


class Moment(NamedTuple):
    """One fold: when, of which event, and what followed."""

    at: float
    event: Event
    outcome: Outcome


class Life:
    """A contact under way in time, which moves by `live`.

    `react` says which events follow when a message leaves, each at its own time; `history` is the contact's timeline,
    for what the book has that the contact has not seen. `is_cut` says that it was folded too often and goes no further.
    """

    def __init__(
        self, contact: Contact, book: Book, *, history: Sequence[Event] = (), react: React | None = None
    ) -> None:
        self.contact = contact
        self.book = book
        self.history = history
        self.react = react
        self.folds = 0
        self._ahead: list[tuple[float, int, Event]] = []
        self._expected = 0

    @property
    def is_cut(self) -> bool:
        return self.folds >= MOST_FOLDS

    def expect(self, *events: Event) -> None:
        """These will come, each at its own time."""
        for event in events:
            self._expected += 1
            heappush(self._ahead, (event.time, self._expected, event))

    def live(self, until: float) -> Iterable[Moment]:
        """Every fold before an instant, in order: what is expected, and the wakes that the contact has armed."""
        now = 0.0
        while not self.is_cut:
            wake = self.contact.wake_at
            ahead = self._ahead[0][0] if self._ahead else until
            if wake is not None and wake < ahead:
                now = max(now, wake)
                event = Event(f"wake-{now:.3f}", WAKE, now, now, contact_id=self.contact.contact_id, trusted=True)
            elif ahead < until:
                event = heappop(self._ahead)[2]
                now = max(now, event.time)
            else:
                return
            yield self._take(event, now)

    def _take(self, event: Event, now: float) -> Moment:
        outcome = fold(self.contact, event, self.book, now, history=self.history)
        self.contact = outcome.contact
        self.folds += 1
        if self.react:
            for message in outcome.messages:
                if message.state == QUEUED:
                    self.expect(*self.react(self.contact, message, now))
        return Moment(now, event, outcome)
