"""Journeys: who is let in, and who moves on."""

from math import inf

from postroad import events as names
from postroad.book import HANDOVER
from postroad.contacts import places
from postroad.contacts.contact import Candidate, Enrollment, slot_of
from postroad.events import Event
from postroad.fold.effects import perform, take_part
from postroad.fold.facts import OF_STEPS, marked_by
from postroad.fold.folding import MAX_CAUSED, MAX_MESSAGES, Folding
from postroad.fold.passages import begin, close, fail, turn_of
from postroad.journeys import Entry, Journey, advance, enroll, may_enter, on_mark, starts
from postroad.journeys.experiments import HELD_OUT
from postroad.scoring.handovers import KIND, NURTURE, SALES, is_kept_from
from postroad.tasks import Task


def move_journeys(folding: Folding, event: Event) -> None:
    """Advance the enrollments that this event concerns, then start new ones; all hear what steps have changed."""
    _move_active(folding, event)
    for journey in folding.book.journeys_by_event.get(event.name.lower(), ()):
        _start(folding, journey, event)
    if event.name == names.HANDED_OVER:
        _hand_over(folding, event)
    if folding.changed:
        follow(folding)


def follow(folding: Folding) -> None:
    """Advance the enrollments that what has changed concerns, until nothing more changes."""
    _move_active(folding, None)
    while folding.changed:
        _move_active(folding, None)


def _move_active(folding: Folding, event: Event | None) -> None:
    """Advance the enrollments that this event, what has changed or the time concern."""
    facts, asks_all = folding.changed, folding.asks_all
    folding.changed, folding.asks_all = {}, False
    if not folding.contact.active:
        return
    key = event.name.lower() if event else ""
    is_mark = event and event.name in OF_STEPS
    marked = marked_by(event)[0] if event and is_mark else None
    watching = folding.book.reading(facts)
    for slot in sorted(folding.contact.active):
        enrollment = folding.contact.active.get(slot)
        if enrollment is None:  # what one before it did has ended this one
            continue
        journey = folding.book.find_journey(enrollment.journey, enrollment.version)
        if journey is None:
            gone = f"version {enrollment.version} of the journey is no longer kept"
            fail(folding, enrollment, f"journey/{enrollment.journey}@{enrollment.version}", gone)
        elif (
            asks_all
            or enrollment.enrollment_id == marked
            or (enrollment.due is not None and enrollment.due <= folding.now)
            or key in journey.waits_for
            or journey.key in watching
            or folding.contact.turns.get(turn_of(slot), inf) <= folding.now
        ):
            _move(folding, journey, enrollment, event)


def _start(folding: Folding, journey: Journey, event: Event) -> None:
    """Enter a journey if the event is one of its triggers."""
    try:
        entry = starts(journey, folding.view(event))
        if entry and entry.allowed:
            _enter(folding, journey, event)
        elif entry:
            folding.decide(journey.key, "", "not started", entry.because)
    except Exception as error:
        folding.decide(journey.key, "", "failed", f"its trigger could not be evaluated ({type(error).__name__})")


def _enter(folding: Folding, journey: Journey, event: Event) -> None:
    """Begin a passage with this event, or one for each key that it says, whatever the triggers are."""
    keys = journey.per.find_keys(event) if journey.per else ("",)
    if not keys and journey.per:
        folding.decide(journey.key, "", "not started", f"it does not say {'.'.join(journey.per.path)}")
    for key in keys:
        _enter_with(folding, journey, event, key)


def _enter_with(folding: Folding, journey: Journey, event: Event, key: str) -> None:
    """Begin a passage, if the rule of re-entry lets it."""
    entry = may_enter(journey, folding.contact, event, folding.now, key)
    slot = slot_of(journey.id, key)
    if slot in folding.started:
        entry = Entry(False, "it has started in this very moment, and would start itself without end")
    if is_kept_from(folding.book.handover, journey.id, folding.contact):
        entry = Entry(False, "sales looks after them")
    of_key = f" ({key})" if key else ""
    folding.decide(journey.key, "", "started" if entry.allowed else "not started", f"{entry.because}{of_key}")
    if not entry.allowed:
        return
    enrollment = enroll(journey, folding.contact.contact_id, event, folding.now, key)
    folding.started.add(slot)
    if _is_held_out(folding, journey, enrollment):
        return
    begin(folding, enrollment)
    folding.contact.active[slot] = enrollment
    said = {"key": key} if key else {}
    folding.causes(names.JOURNEY_STARTED, journey=journey.id, version=journey.version, **said)
    _move(folding, journey, enrollment, event)


def _is_held_out(folding: Folding, journey: Journey, enrollment: Enrollment) -> bool:
    """Whether the holdout of a journey keeps this contact out; the passage that it would have had is noted."""
    holdout = journey.experiments.get("")
    if holdout is None:
        return False
    variant = holdout.deal(folding.contact)
    take_part(folding, journey, holdout, variant)
    if variant != HELD_OUT:
        return False
    begin(folding, enrollment, last_ended=folding.now, last_state=places.HELD_OUT)
    folding.decide(journey.key, "", "held out", f"one of the {journey.holdout:g} % who stay out, to compare")
    return True


def _move(folding: Folding, journey: Journey, enrollment: Enrollment, event: Event | None) -> None:
    """Run an enrollment's steps until it waits or ends. A step that throws fails this enrollment only."""
    folding.contact.turns.pop(turn_of(enrollment.slot), None)
    steps = 0
    while True:
        if folding.outbox.size + len(folding.tasks) >= MAX_MESSAGES:
            _carry_on(folding, journey, enrollment)
            return
        policy = folding.book.policy
        try:
            advanced = advance(
                journey, enrollment, folding.view(event, enrollment), folding.now, policy.timezone, policy.calendar
            )
        except Exception as error:
            fail(folding, enrollment, journey.key, f"a step could not be run ({type(error).__name__})")
            return
        enrollment, event = advanced.enrollment, None
        folding.decisions.extend(advanced.decisions)
        folding.contact.active[enrollment.slot] = enrollment
        for effect in advanced.effects:
            enrollment = perform(folding, journey, enrollment, effect)
            if enrollment.slot not in folding.contact.active:  # by its own effect: sales looks after them now
                return
            folding.contact.active[enrollment.slot] = enrollment
        if enrollment.state != "active":
            close(folding, enrollment)
            return
        if enrollment.due is None or enrollment.due > folding.now:
            folding.turn(turn_of(enrollment.slot), advanced.turns_at)
            return
        steps += 1
        if steps > MAX_CAUSED:
            fail(folding, enrollment, journey.key, "it ran through more steps at once than allowed")
            return


def _carry_on(folding: Folding, journey: Journey, enrollment: Enrollment) -> None:
    """Leave the rest of an enrollment's steps to a wake; what has happened is remembered till then."""
    folding.contact.turns[turn_of(enrollment.slot)] = folding.now
    because = f"one event asks for about {MAX_MESSAGES} messages at most; the rest follows within a minute"
    folding.decide(journey.key, enrollment.step, "goes on later", because)


def _hand_over(folding: Folding, event: Event) -> None:
    """Sales gets a task, or the journey that nurtures begins."""
    model, to = folding.book.handover, event.properties.get("to")
    if model is None:
        return
    if to == SALES and model.task:
        contact_id, owner = folding.contact.contact_id, str(event.properties.get("owner") or "")
        task_id = f"{KIND}-{contact_id}-{event.short_hash.hex()}"
        due_at = folding.now + model.task.due
        folding.tasks.append(
            Task(task_id, contact_id, KIND, model.task.title, HANDOVER, "", "", folding.now, due_at, assignee=owner)
        )
    journey = folding.book.journeys.get(model.journey or "")
    if to == NURTURE and journey:
        _enter(folding, journey, event)


def hear_of_skipped(folding: Folding, candidate: Candidate) -> None:
    """A message that waited will not leave: its enrollment remembers that, and is to be moved."""
    for slot, enrollment in folding.contact.active.items():
        if enrollment.enrollment_id == candidate.enrollment_id:
            folding.contact.active[slot] = on_mark(enrollment, candidate.step, "skipped")
            folding.turn(turn_of(slot), folding.now)
            return
