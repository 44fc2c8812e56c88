"""Catching up: a contact that an older book has folded is brought up to this one."""

from collections.abc import Iterable, Sequence

from postroad.book import ACCOUNTS, HANDOVER, PERSONAS, Book
from postroad.contacts.contact import Enrollment
from postroad.events import Event
from postroad.experiments import exposures
from postroad.fold.folding import Folding
from postroad.fold.opinions import settle
from postroad.fold.passages import close
from postroad.journeys import Journey
from postroad.journeys.transfers import NO_PLACE, STEP_GONE, Transfer, tell, transfer
from postroad.predicates.behaviour import recompute
from postroad.tasks import cancel


def catch_up(folding: Folding, history: Sequence[Event]) -> None:
    """Bring a contact that an older book has folded up to this one, from its timeline."""
    contact, book, since = folding.contact, folding.book, folding.contact.revision
    contact.revision = book.revision
    for tracker in book.trackers_since(since):
        memory = recompute(tracker, history, folding.now, known=contact.behaviour.get(tracker.tracker_id))
        contact.behaviour.pop(tracker.tracker_id, None)
        if memory is not None:
            contact.behaviour[tracker.tracker_id] = memory
    contact.behaviour = {t: memory for t, memory in contact.behaviour.items() if t in book.trackers}
    for sheet in book.scores_since(since):
        contact.scores[sheet.id] = dict(sheet.recompute(history))
    contact.scores = {sheet: points for sheet, points in contact.scores.items() if sheet in book.scores and points}
    exposures.forget(contact, book.experiments, folding.now)
    folding.cause = Event(f"book-{book.revision}", "Book Published", folding.now, folding.now)
    folding.is_news = False
    reconsider(folding)
    folding.is_news = True
    _transfer(folding)


def _transfer(folding: Folding) -> None:
    """Take enrollments over to versions whose publication took people under way along."""
    for journey_id, plan in folding.book.manifest.transfers.items():
        journey = folding.book.find_journey(journey_id, plan.version)
        for enrollment in folding.contact.enrollments_in(journey_id) if journey else ():
            if journey and enrollment.version < plan.version:
                _take_along(folding, enrollment, journey, plan)


def _take_along(folding: Folding, enrollment: Enrollment, journey: Journey, plan: Transfer) -> None:
    old = folding.book.find_journey(enrollment.journey, enrollment.version)
    moved = transfer(enrollment, journey, old, plan, folding.view(None, enrollment))
    folding.decisions.append(tell(enrollment, moved, journey))
    folding.contact.active[moved.slot] = moved
    if moved.reason == STEP_GONE:
        folding.tasks += cancel(moved, NO_PLACE, folding.now)
        folding.outbox.call_off((moved.enrollment_id,), NO_PLACE)
    if moved.state != "active":
        close(folding, moved)


def reconsider(folding: Folding) -> None:
    """Ask every definition again, and every enrollment afterwards."""
    gone = [
        f"segment/{segment_id}" for segment_id in folding.contact.segments if segment_id not in folding.book.segments
    ]
    gone += [key for key in folding.contact.turns if key.startswith("trigger/")]
    settle(folding, dict.fromkeys((*_asked(folding.book), *gone)))
    folding.asks_all = folding.outbox.asks_all = True


def _asked(book: Book) -> Iterable[str]:
    """Keys of all definitions that hold an opinion about a contact's facts."""
    yield from (f"segment/{segment_id}" for segment_id in book.segments)
    yield from (f"stages/{stages_id}" for stages_id in book.stages)
    yield from (PERSONAS, HANDOVER, ACCOUNTS)
    yield from (f"trigger/{key}" for key in book.alarms)
