"""The fold: what an event makes of a contact.

    fold(contact, event, book, now) -> Outcome

Whatever happens to a person is an event; this one function folds it into the contact and says what follows: messages to
send, events that it caused, and the decisions with their reasons. It is pure: the same arguments give the same
outcome, wherever and however often it runs.

The order inside: the event's facts are taken in (attributes, consent, behaviour, points); then the definitions that
read what changed, or whose time has come, are asked (segments, stages); then journeys move. What these cause are events
too, folded in the same call until nothing more follows. Here `facts`, `opinions` and `journeys` are modules; what they
share is a `Folding`, one fold under way.

A definition that throws harms only itself: its change is discarded and the decision says so; an enrollment fails.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from postroad import events as names
from postroad.book import Book
from postroad.contacts.contact import Contact
from postroad.contacts.fetches import KEPT_FOR
from postroad.decisions import Decision
from postroad.deliverability.sunset import is_sign
from postroad.events import Event
from postroad.fold.catching_up import catch_up, reconsider
from postroad.fold.facts import absorb
from postroad.fold.folding import MAX_CAUSED, MAX_MESSAGES, Folding
from postroad.fold.journeys import follow, hear_of_skipped, move_journeys
from postroad.fold.opinions import due_definitions, settle
from postroad.fold.taking_back import take_back
from postroad.sending.messages import Message
from postroad.tasks import Settled, Task

# A wake that fails is tried again after this long.
BACKOFF = 15 * 60.0


class Outcome(NamedTuple):
    """What follows from folding one event. `changed` is false when the contact is as it was."""

    contact: Contact
    messages: tuple[Message, ...] = ()
    caused: tuple[Event, ...] = ()
    decisions: tuple[Decision, ...] = ()
    changed: bool = True
    tasks: tuple[Task | Settled, ...] = ()


def begin(contact_id: str, book: Book, now: float) -> Contact:
    """A contact of whom this event is the first that we hear. It has seen the whole book: there is nothing to fold."""
    return Contact(contact_id, created_at=now, revision=book.revision)


def needs_history(contact: Contact, book: Book) -> bool:
    """Whether something was published since this contact was last folded that can only be known from its timeline."""
    has_past = contact.version > 0 or contact.merged_from
    if contact.revision >= book.revision or not has_past:
        return False
    return bool(book.trackers_since(contact.revision) or book.scores_since(contact.revision))


def postpone(contact: Contact, event: Event, now: float) -> Contact:
    """The contact after an event that could not be folded: it moves on; a failing wake is armed again, later."""
    moved = contact.copy()
    if event.name == names.WAKE:
        moved.wake_at = now + BACKOFF
    return moved


def fold(
    contact: Contact,
    event: Event,
    book: Book,
    now: float,
    *,
    history: Sequence[Event] | None = None,
    everything: bool = False,
    exposed: Sequence[Event] = (),
) -> Outcome:
    """Fold one event into a contact; the argument is not changed.

    `history` is the contact's timeline, needed when `needs_history` says so. `everything` asks every definition again,
    as a merge requires. `exposed` are opens and clicks of a machine that this event has unmasked, as they were folded;
    `history` says already what they are. What definitions set off without an end is cut off, and a decision says so.
    What the event's own parts make impossible is raised; the caller puts such an event into quarantine.
    """
    folding = Folding(contact.copy(), book, now)
    folding.cause = event
    if contact.revision < book.revision:
        catch_up(folding, history or ())
    elif everything:
        folding.outbox.call_off(contact.dropped, "another journey of this person goes on instead")
        reconsider(folding)
    folding.take(event)
    if exposed:
        take_back(folding, exposed, history or ())
    _run(folding)
    _forget_fetches(folding.contact, now)
    folding.arm(fired=event.name == names.WAKE)
    if event.name != names.WAKE:
        folding.contact.events_folded += 1
        if event.name != names.ACCOUNT_CHANGED:  # that is nothing of theirs
            folding.contact.last_seen = max(contact.last_seen, min(event.time, now))
        if is_sign(event):
            folding.contact.last_sign = max(contact.last_sign, min(event.time, now))
    return Outcome(
        folding.contact,
        tuple(folding.outbox.messages),
        tuple(folding.caused),
        tuple(folding.decisions),
        # That only a newer book has seen a contact is not worth a write to each of a million.
        changed=event.name != names.WAKE or replace(folding.contact, revision=contact.revision) != contact,
        tasks=tuple(folding.tasks),
    )


def _forget_fetches(contact: Contact, now: float) -> None:
    """Nothing will ever be told by what was fetched long ago."""
    if contact.fetches and contact.fetches[-1].time < now - KEPT_FOR:
        contact.fetches = ()


def _run(folding: Folding) -> None:
    """Fold what waits until nothing more follows; then see which of the messages that wait may leave."""
    _drain(folding)
    while given_up := folding.outbox.release(MAX_MESSAGES):
        for candidate in given_up:
            hear_of_skipped(folding, candidate)
        follow(folding)
        _drain(folding)


def _drain(folding: Folding) -> None:
    folded = 0
    while folding.waiting:
        event = folding.waiting.popleft()
        folded += 1
        if folded > MAX_CAUSED:
            # The event itself has long been folded; only what it sets off without an end is cut off.
            folding.decide("book", "", "stopped", f"one event caused more than {MAX_CAUSED} others")
            folding.waiting.clear()
            return
        facts = folding.note(absorb(folding, event))
        settle(folding, {**folding.book.reading(facts), **due_definitions(folding), **folding.unasked})
        folding.unasked = {}
        move_journeys(folding, event)
