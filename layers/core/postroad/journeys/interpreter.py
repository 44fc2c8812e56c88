"""What happens to one contact in one journey: pure, bounded, the same for the same arguments.

An enrollment begins at the door (step ""), due at once. `advance` takes it as far as it goes now:

1. When `exit_if` holds, it is exited; else, when the event reaches the goal, it is completed. Both come before any
   step, so that nobody is sent what the event has just made needless.
2. Else the step at which it stands is resumed, and steps are entered one after another until one stays or it ends.

Every step is entered at most once a call, because time passes on every way round a loop, and a call asks for at most
MOST_EFFECTS messages and changes; an enrollment with more to do stands before its next step, due at once. `since` is
the moment from which events count for the step at which it stands: the time of the event that led there, or the instant
at which the wait before it ended, so a clock that comes round late makes no gap. An event moves an enrollment once: the
one that starts it is offered neither to its goal nor to its first waits. What was due before an event happened is taken
first, and then the event is offered to the wait so reached. What happened after `since`, and was heard of before, is
remembered by the contact: goals and waits ask for it.
"""

import hashlib
from base64 import urlsafe_b64encode
from math import inf
from typing import NamedTuple

from postroad.contacts.contact import Contact, Enrollment, slot_of
from postroad.contacts.places import EXIT_ON
from postroad.decisions import Decision
from postroad.events import Event
from postroad.instants import describe_duration, stamp
from postroad.journeys.definition import Journey
from postroad.journeys.reading import TRIGGER_AGE, Happening
from postroad.journeys.stepping import Effect, End, Go, Here, Stay
from postroad.journeys.steps import SendStep
from postroad.keyed import MOST_AT_ONCE
from postroad.predicates.predicate import View
from postroad.sending.calendars import Calendar

# A fold is one transaction, and that has room for 100 items.
MOST_EFFECTS = 10


class Advance(NamedTuple):
    """How far an enrollment came, what that asks for, and why. At `turns_at` time alone may make `exit_if` hold."""

    enrollment: Enrollment
    effects: tuple[Effect, ...] = ()
    decisions: tuple[Decision, ...] = ()
    turns_at: float = inf


class Entry(NamedTuple):
    """Whether a contact may enter a journey, and why (not)."""

    allowed: bool
    because: str


def starts(journey: Journey, view: View) -> Entry | None:
    """Whether a trigger of the journey lets the event in view start it; None when the event is none of them."""
    found = None
    for trigger in journey.triggers:
        if not trigger.matches(view.event):
            continue
        if trigger.condition is None or trigger.condition.evaluate(view).truth:
            return Entry(True, trigger.describe())
        found = Entry(False, f"not so: {trigger.condition.describe()}")
    return found


def may_enter(journey: Journey, contact: Contact, event: Event, now: float, key: str = "") -> Entry:
    """The rule of re-entry, of each key by itself. Times are those of the events: `after` is counted from one trigger
    to the next."""
    slot, rule = slot_of(journey.id, key), journey.reentry
    active, past = contact.active.get(slot), contact.passages.get(slot)
    if now - event.time > TRIGGER_AGE:
        return Entry(False, f"it happened {describe_duration(now - event.time)} ago")
    if active:
        return Entry(False, f"is in this journey since {stamp(active.entered)}")
    if key and len(contact.enrollments_in(journey.id)) >= MOST_AT_ONCE:
        return Entry(False, f"is in this journey {MOST_AT_ONCE} times at once, and no more often")
    if not past:
        return Entry(True, "enters for the first time")
    entered = f"entered {stamp(past.last_entered)}"
    if rule.after is None:
        return Entry(False, f"{entered}, and each contact enters once")
    if rule.most is not None and past.times >= rule.most:
        return Entry(False, f"{entered}, and each contact enters {rule.most} times at most")
    moment = min(event.time, now)
    # Who may enter always may do so by news that comes late, too.
    if rule.after and moment < past.last_entered + rule.after:
        before = "after that" if moment < past.last_entered else f"less than {describe_duration(rule.after)} before"
        return Entry(False, f"{entered}, {before}")
    return Entry(True, f"{entered}, and may enter again")


def enroll(journey: Journey, contact_id: str, event: Event, now: float, key: str = "") -> Enrollment:
    """An enrollment at the door; `advance` takes its first steps."""
    moment = min(event.time, now)
    return Enrollment(
        enrollment_id=enrollment_id_of(contact_id, slot_of(journey.id, key), event),
        journey=journey.id,
        version=journey.version,
        entered=moment,
        trigger_key=event.key,
        step="",
        due=now,
        since=moment,
        key=key,
    )


def enrollment_id_of(contact_id: str, slot: str, event: Event) -> str:
    """Twelve characters (72 bits) that are the same whenever the same event enrolls the same contact."""
    parts = (contact_id, slot, event.author, event.event_id)
    digest = hashlib.sha256("\0".join(parts).encode(errors="surrogatepass")).digest()
    return urlsafe_b64encode(digest[:9]).decode()


def on_mark(enrollment: Enrollment, step_id: str, mark: str) -> Enrollment:
    """Note what happened to the message of a send step; noting it again changes nothing."""
    marks = enrollment.marks.get(step_id, ())
    if mark in marks:
        return enrollment
    return enrollment.with_(marks={**enrollment.marks, step_id: (*marks, mark)})


def off_mark(enrollment: Enrollment, step_id: str, mark: str) -> Enrollment:
    """Take back that something happened to the message of a send step."""
    left = tuple(each for each in enrollment.marks.get(step_id, ()) if each != mark)
    others = {step: marks for step, marks in enrollment.marks.items() if step != step_id}
    return enrollment.with_(marks={**others, step_id: left} if left else others)


def end(enrollment: Enrollment, state: str, reason: str) -> Enrollment:
    """The enrollment, over: `completed`, `exited` or `failed`, and why."""
    return enrollment.with_(state=state, reason=reason, due=None)


def advance(
    journey: Journey,
    enrollment: Enrollment,
    view: View,
    now: float,
    timezone: str = "UTC",
    calendar: Calendar | None = None,
) -> Advance:
    """Take an enrollment as far as it goes now. `view.event` is the event being folded, None for a wake.

    `timezone` and `calendar` are the account's. An active enrollment that comes back has a due instant.
    """
    if enrollment.state != "active":
        return Advance(enrollment)
    view = view._replace(enrollment=enrollment, now=now)
    walk = _Walk(journey, enrollment, view, now, (journey.timezone, timezone), calendar)
    return Advance(walk.run(), tuple(walk.effects), tuple(walk.decisions), walk.turns_at)


class _Walk:
    """One call of `advance`, under way."""

    def __init__(
        self,
        journey: Journey,
        enrollment: Enrollment,
        view: View,
        now: float,
        timezones: tuple[str | None, ...],
        calendar: Calendar | None,
    ) -> None:
        self.journey = journey
        self.enrollment = enrollment
        self.view = view
        self.now = now
        self.timezones, self.calendar = timezones, calendar
        per = journey.per
        is_mine = per is None or view.event is None or per.concerns(enrollment.key, view.event)
        self.event = view.event if enrollment.step and is_mine else None
        self.effects: list[Effect] = []
        self.decisions: list[Decision] = []
        self.turns_at = inf

    def run(self) -> Enrollment:
        """The enrollment as it stands afterwards."""
        exit_if = self.journey.exit_if
        if exit_if:
            verdict = exit_if.evaluate(self.view)
            if verdict.truth:
                return self.end("exited", "exit_if", exit_if.describe())
            self.turns_at = verdict.turns_at
        exit_on = self.journey.exit_on
        if exit_on and self.happened(exit_on, inf):
            return self.end("exited", EXIT_ON, exit_on.describe())
        if self.reaches_goal():
            assert self.journey.goal is not None
            return self.end("completed", "goal", self.journey.goal.describe())
        return self.walk()

    def reaches_goal(self) -> bool:
        goal = self.journey.goal
        return goal is not None and self.happened(goal.happening, inf if goal.within is None else goal.within)

    def happened(self, happening: Happening, within: float) -> bool:
        """Whether it has happened since the enrollment began, within so many seconds."""
        event, entered = self.event, self.enrollment.entered
        last = min(self.now, entered + within)
        if event and happening.matches(event) and entered <= min(event.time, self.now) <= last:
            return True
        # The news of it may have come before that of the trigger, or with another contact of this person.
        return happening.find_time(self.view.contact, self.enrollment, entered, last) is not None

    def walk(self) -> Enrollment:
        entered: set[str] = set()
        passed: tuple[str, Enrollment, int, int] | None = None
        entering = self.enrollment.is_before or self.enrollment.step not in self.enrollment.visits
        step_id: str | None = self.enrollment.step or self.journey.first
        while step_id is not None:
            step = self.journey.steps.get(step_id)
            if step is None:
                return self.end("failed", f"{self.journey.key} has no step '{step_id}'")
            if entering and step_id in self.enrollment.done:
                self.enrollment = self.enrollment.with_(done=tuple(s for s in self.enrollment.done if s != step_id))
                if not step.body.is_question and not step.body.ends:
                    target = step.way_taken(self.enrollment.visits, self.journey.steps)
                    if all(step.body.takes_time(name) for name, way in step.ways if way == target):
                        passed = step_id, self.enrollment, len(self.effects), len(self.decisions)
                    step_id = target
                    continue
            if entering:
                if step_id in entered and passed:
                    # Round a loop the wait that was passed by is the one that has to be taken.
                    step_id, self.enrollment, effects, decisions = passed
                    del self.effects[effects:], self.decisions[decisions:]
                    passed = None
                    continue
                if step_id in entered:
                    return self.end("failed", f"step '{step_id}' comes round again without a wait")
                entered.add(step_id)
                self.stand_at(step_id)
            here = Here(step_id, self.enrollment, self.view, self.now, self.event, self.timezones, self.calendar)
            answer = step.body.enter(here) if entering else step.body.resume(here)
            match answer:
                case End(state, reason, because):
                    return self.end(state, reason, because)
                case Stay(due):
                    if not entering and not answer.verdict:
                        return self.enrollment
                    self.note(step_id, answer)
                    self.enrollment = self.enrollment.with_(due=due)
                    if not entering:
                        return self.enrollment
                    if self.event is None or due <= self.now:
                        return self.enrollment
                    entering = False
                case Go(way, to=to):
                    self.note(step_id, answer)
                    if answer.at is not None:
                        self.enrollment = self.enrollment.with_(since=max(self.enrollment.since, answer.at))
                    if answer.used_event:
                        self.event = None
                    step_id, entering = to or step.way(way), True
                    if step_id is not None and len(self.effects) >= MOST_EFFECTS:
                        return self.enrollment.with_(step=step_id, due=self.now, is_before=True)
        return self.end("completed", "finished", "came to the end of the journey")

    def stand_at(self, step_id: str) -> None:
        visits, marks = self.enrollment.visits, self.enrollment.marks
        if step_id in marks and isinstance(self.journey.steps[step_id].body, SendStep):
            # A new message is asked for, of which nothing is known yet.
            marks = {step: marks[step] for step in marks if step != step_id}
        self.enrollment = self.enrollment.with_(
            step=step_id, due=None, is_before=False, marks=marks, visits={**visits, step_id: visits.get(step_id, 0) + 1}
        )
        self.view = self.view._replace(enrollment=self.enrollment)

    def note(self, step_id: str, answer: Go | Stay) -> None:
        self.effects += answer.effects
        if answer.verdict:
            self.decisions.append(Decision(self.journey.key, step_id, answer.verdict, answer.because))

    def end(self, state: str, reason: str, because: str = "") -> Enrollment:
        self.decisions.append(Decision(self.journey.key, self.enrollment.step, state, because or reason))
        self.enrollment = end(self.enrollment, state, reason)
        return self.enrollment
