"""A dry run: what would happen to one contact if something happened, or if time passed; nothing is stored."""

from collections.abc import Iterable, Sequence

from postroad.book import Book
from postroad.contacts.contact import Contact
from postroad.events import Event
from postroad.simulation.lives import Life, Moment


def dry_run(
    contact: Contact, book: Book, events: Iterable[Event] = (), *, until: float, history: Sequence[Event] = ()
) -> tuple[Moment, ...]:
    """The moments at which something is decided, sent or set off, up to an instant, in order.

    `events` come at their own times. `history` is the contact's timeline, needed when the book is newer than what has
    folded the contact (`fold.needs_history`). Nobody reads what is sent, and what nobody has said does not happen.
    """
    life = Life(contact, book, history=history)
    life.expect(*events)
    return tuple(moment for moment in life.live(until) if _is_news(moment))


def _is_news(moment: Moment) -> bool:
    outcome = moment.outcome
    return bool(outcome.decisions or outcome.messages or outcome.caused or outcome.tasks)
