"""Taking back: what was taken for a person's, and turned out to be a machine's, is as if it had never been counted."""

from collections.abc import Sequence

from postroad import events as names
from postroad.contacts.engagement import forget_responses
from postroad.events import Event
from postroad.fold.folding import Folding
from postroad.fold.opinions import settle
from postroad.journeys import off_mark
from postroad.predicates.behaviour import Tracker, recompute
from postroad.scoring.sheet import Score
from postroad.sending.messages import split_message_id

_MARKS = {**dict.fromkeys(names.OPENINGS, "opened"), **dict.fromkeys(names.CLICKS, "clicked")}


def take_back(folding: Folding, exposed: Sequence[Event], history: Sequence[Event]) -> None:
    """Count anew, from the timeline, what these events have touched; definitions that read it are asked again.

    What a journey has done since stays done: a message that has left cannot be called back.
    """
    contact, book = folding.contact, folding.book
    trackers: dict[str, Tracker] = {}
    sheets: dict[str, Score] = {}
    for event in exposed:
        message_id = str(event.properties.get("message_id"))
        contact.engagement = forget_responses(contact.engagement, message_id)
        _take_off_mark(folding, message_id, _MARKS[event.name])
        key = event.name.lower()
        trackers |= {each.tracker_id: each for each in book.trackers_by_event.get(key, ()) if each.matches(event)}
        sheets |= {sheet.id: sheet for sheet in book.scores_by_event.get(key, ())}
    for tracker_id, tracker in trackers.items():
        memory = recompute(tracker, history, folding.now)
        contact.behaviour.pop(tracker_id, None)
        if memory is not None:
            contact.behaviour[tracker_id] = memory
    for sheet_id, sheet in sheets.items():
        contact.scores.pop(sheet_id, None)
        if points := dict(sheet.recompute(history)):
            contact.scores[sheet_id] = points
    folding.decide("contact", "", "taken back", _tell(exposed))
    facts = [*(f"tracker:{tracker_id}" for tracker_id in trackers), *(f"score:{sheet_id}" for sheet_id in sheets)]
    settle(folding, book.reading(folding.note(facts)))


def _take_off_mark(folding: Folding, message_id: str, mark: str) -> None:
    enrollment_id, step = split_message_id(message_id)
    for slot, enrollment in folding.contact.active.items():
        if enrollment.enrollment_id == enrollment_id:
            folding.contact.active[slot] = off_mark(enrollment, step, mark)


def _tell(exposed: Sequence[Event]) -> str:
    what = "an open or a click" if len(exposed) == 1 else f"{len(exposed)} opens and clicks"
    return f"{what} before this one had been taken for a person's, and this shows that a machine did it"
