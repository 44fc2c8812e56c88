"""The fold: what an event makes of a contact.

    fold(contact, event, book, now) -> Outcome

Whatever happens to a person is an event; this one function folds it into the contact and says what follows: messages to
send, events that it caused, and the decisions with their reasons. It is pure: the same arguments give the same
outcome, wherever and however often it runs.

The order inside: the event's facts are taken in (attributes, consent, behaviour, points); then the definitions that
read what changed, or whose time has come, are asked (segments, stages); then journeys move. What these cause are events
too, folded in the same call until nothing more follows.

A definition that throws harms only itself: its change is discarded and the decision says so; an enrollment fails.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import inf
from typing import Any, NamedTuple

from postroad import broadcasts, exposures, places
from postroad import events as names
from postroad.advice.channels import CHANNEL, PHONE, rank
from postroad.behaviour import recompute
from postroad.book import HANDOVER, PERSONAS, Book
from postroad.channels import USUAL
from postroad.consent import EVERY_TOPIC, consent_key
from postroad.contacts import (
    MAX_ATTRIBUTES,
    MAX_UNCONFIRMED,
    USUAL_PRIORITY,
    Attribute,
    Candidate,
    Consent,
    Contact,
    Enrollment,
    Handed,
    Passage,
    Persona,
)
from postroad.decisions import Decision
from postroad.engagement import ANSWERED, CLICKED, OPENED, note_reply, note_response, note_sent, take_back
from postroad.events import Event
from postroad.handovers import KIND, NURTURE, SALES, Choice, HandOver, is_kept_from
from postroad.journeys import Effect, Entry, Journey, Send, Update, advance, end, enroll, may_enter, on_mark, starts
from postroad.journeys.asking import Ask
from postroad.journeys.changes import TAGS, List, Say, Tag
from postroad.journeys.experiments import HELD_OUT, Experiment, Expose
from postroad.journeys.steps import SendBest
from postroad.journeys.transfers import NO_PLACE, STEP_GONE, tell, transfer
from postroad.journeys.triggers import Account
from postroad.messages import QUEUED, Message, split_message_id, visit_of
from postroad.outbox import Outbox
from postroad.places import HANDED_OVER, outcome_of
from postroad.predicates import View
from postroad.scoring import Score
from postroad.segments import Segment
from postroad.stages import move
from postroad.tasks import (
    CALL,
    OWNER,
    UNREACHED,
    Settled,
    Task,
    asked_mark,
    assignee_of,
    cancel,
    outcome_mark,
    settled_by,
)

MAX_CAUSED = 200
MAX_NAME = 200
# After so many messages of one event the rest is left to a wake that comes at once: one commit holds them all.
MAX_MESSAGES = 30
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
) -> Outcome:
    """Fold one event into a contact; the argument is not changed.

    `history` is the contact's timeline, needed when `needs_history` says so. `everything` asks every definition again,
    as a merge requires. What definitions set off without an end is cut off, and a decision says so. What the event's
    own parts make impossible is raised; the caller puts such an event into quarantine.
    """
    folding = _Folding(contact.copy(), book, now)
    folding.cause = event
    if contact.revision < book.revision:
        folding.catch_up(history or ())
    elif everything:
        folding.outbox.call_off(contact.dropped, "another journey of this person goes on instead")
        folding.reconsider()
    folding.take(event)
    folding.run()
    folding.arm(fired=event.name == names.WAKE)
    if event.name != names.WAKE:
        folding.contact.events_folded += 1
        folding.contact.last_seen = max(contact.last_seen, min(event.time, now))
    return Outcome(
        folding.contact,
        tuple(folding.outbox.messages),
        tuple(folding.caused),
        tuple(folding.decisions),
        # That only a newer book has seen a contact is not worth a write to each of a million.
        changed=event.name != names.WAKE or replace(folding.contact, revision=contact.revision) != contact,
        tasks=tuple(folding.tasks),
    )


def _asked(book: Book) -> Iterable[str]:
    """Keys of all definitions that hold an opinion about a contact's facts."""
    yield from (f"segment/{segment_id}" for segment_id in book.segments)
    yield from (f"stages/{stages_id}" for stages_id in book.stages)
    yield from (PERSONAS, HANDOVER)
    yield from (f"trigger/{key}" for key in book.alarms)


class _Folding:
    """One fold under way. Every method changes `self.contact`, which nobody else holds."""

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

    # Running

    def take(self, event: Event) -> None:
        self.cause = event
        self.waiting.append(event)

    def run(self) -> None:
        """Fold what waits until nothing more follows; then see which of the messages that wait may leave."""
        self.drain()
        while given_up := self.outbox.release(MAX_MESSAGES):
            for candidate in given_up:
                self.hear_of_skipped(candidate)
            self.follow()
            self.drain()

    def drain(self) -> None:
        folded = 0
        while self.waiting:
            event = self.waiting.popleft()
            folded += 1
            if folded > MAX_CAUSED:
                # The event itself has long been folded; only what it sets off without an end is cut off.
                self.decide("book", "", "stopped", f"one event caused more than {MAX_CAUSED} others")
                self.waiting.clear()
                return
            facts = self.note(self.absorb(event))
            self.settle({**self.book.reading(facts), **self.due_definitions(), **self.unasked})
            self.unasked = {}
            self.move_journeys(event)

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

    # Facts

    def absorb(self, event: Event) -> list[str]:
        """Take the event's facts in; returns the facts that changed, in the words of `Predicate.reads`."""
        facts: list[str] = []
        if event.attributes:
            facts += self.set_attributes(event)
        absorb = _ABSORB.get(event.name)
        if absorb:
            facts += absorb(self, event)
        if self.contact.exposures:
            exposures.convert(self.contact, self.book.experiments, event, self.now)
        key = event.name.lower()
        for tracker in self.book.trackers_by_event.get(key, ()):
            if tracker.matches(event):
                behaviour = self.contact.behaviour
                memory = tracker.update(behaviour.get(tracker.tracker_id), event, self.now)
                if memory is not None:
                    behaviour[tracker.tracker_id] = memory
                    facts.append(f"tracker:{tracker.tracker_id}")
        for sheet in self.book.scores_by_event.get(key, ()):
            facts += self.score(sheet, event)
        return facts

    def score(self, sheet: Score, event: Event) -> list[str]:
        held = self.contact.scores.get(sheet.id, {})
        points = sheet.update(held, event)
        if points is held:
            return []
        self.contact.scores[sheet.id] = dict(points)
        return [f"score:{sheet.id}"]

    def set_attributes(self, event: Event) -> list[str]:
        """A confirmed word outranks an unconfirmed one, then the later word wins; null takes an attribute away."""
        facts = []
        for name, value in event.attributes.items():
            known = self.contact.attributes.get(name)
            word = Attribute(value, event.time, event.trusted)
            if known and (known.confirmed, known.time) > (word.confirmed, word.time):
                continue
            if names.attribute_size(value) > names.ATTRIBUTE_LIMIT:
                self.decide("contact", name, "not kept", f"an attribute takes at most {names.ATTRIBUTE_LIMIT} bytes")
                continue
            if len(name) > MAX_NAME:
                self.decide("contact", name[:40], "not kept", f"an attribute's name has at most {MAX_NAME} characters")
                continue
            if known is None:
                facts += self.make_room(word)
                if not self.has_room(word):
                    most = MAX_ATTRIBUTES if word.confirmed else MAX_UNCONFIRMED
                    kind = "" if word.confirmed else " that no server has confirmed"
                    self.decide("contact", name, "not kept", f"a contact holds at most {most} attributes{kind}")
                    continue
            self.contact.attributes[name] = word
            if known is None or known.value != value:
                facts.append(f"attribute:{name}")
        return facts

    def has_room(self, word: Attribute) -> bool:
        attributes = self.contact.attributes
        unconfirmed = sum(not known.confirmed for known in attributes.values())
        return len(attributes) < MAX_ATTRIBUTES and (word.confirmed or unconfirmed < MAX_UNCONFIRMED)

    def make_room(self, word: Attribute) -> list[str]:
        """Let a confirmed word, when all is full, have the room of the oldest unconfirmed one; facts that change."""
        attributes = self.contact.attributes
        weak = [(known.time, name) for name, known in attributes.items() if not known.confirmed]
        if not (word.confirmed and weak and len(attributes) >= MAX_ATTRIBUTES):
            return []
        _, oldest = min(weak)
        del attributes[oldest]
        self.decide("contact", oldest, "let go", "a confirmed attribute needs its room")
        return [f"attribute:{oldest}"]

    # Definitions that hold an opinion

    def due_definitions(self) -> dict[str, None]:
        return {key: None for key, at in self.contact.turns.items() if at <= self.now}

    def settle(self, keys: dict[str, None]) -> None:
        """Ask these definitions, and those that read what they change, until all agree."""
        asked = 0
        while keys:
            key = next(iter(keys))
            del keys[key]
            kind, _, definition_id = key.partition("/")
            ask = _ASK.get(kind)
            if ask is None:
                continue
            asked += 1
            if asked > 20 * (len(self.book.segments) + len(self.book.scores) + 10):
                self.decide("book", "", "stopped", "the segments do not come to rest; do some exclude each other?")
                return
            try:
                facts = self.note(ask(self, definition_id))
            except Exception as error:  # a definition that throws harms only itself
                self.contact.turns.pop(key, None)
                self.decide(key, "", "failed", f"it could not be evaluated ({type(error).__name__})")
                continue
            keys |= self.book.reading(facts)

    def reconsider(self) -> None:
        """Ask every definition again, and every enrollment afterwards."""
        gone = [f"segment/{segment_id}" for segment_id in self.contact.segments if segment_id not in self.book.segments]
        gone += [key for key in self.contact.turns if key.startswith("trigger/")]
        self.settle(dict.fromkeys((*_asked(self.book), *gone)))
        self.asks_all = self.outbox.asks_all = True

    def ask_score(self, sheet_id: str) -> list[str]:
        # Its value is never stored; whatever its rules read may have changed it.
        return [f"score:{sheet_id}"]

    def ask_grade(self, grade_id: str) -> list[str]:
        return [f"grade:{grade_id}"]

    def ask_matrix(self, matrix_id: str) -> list[str]:
        return [f"matrix:{matrix_id}"]

    def ask_segment(self, segment_id: str) -> list[str]:
        contact, key = self.contact, f"segment/{segment_id}"
        segment = self.book.segments.get(segment_id)
        if segment is None:
            contact.turns.pop(key, None)
            return self.leave(segment_id, "the segment is no longer live") if segment_id in contact.segments else []
        truth, turns_at = segment.evaluate(self.view())
        self.turn(key, turns_at)
        if truth == (segment_id in contact.segments):
            return []
        if not truth:
            return self.leave(segment_id, f"no longer: {segment.describe()}")
        return self.join(segment, segment.describe())

    def join(self, segment: Segment, because: str) -> list[str]:
        self.contact.segments[segment.id] = self.now
        self.decide(f"segment/{segment.id}", "", "entered", because)
        self.causes(names.SEGMENT_ENTERED, segment=segment.id, name=segment.name)
        return [f"segment:{segment.id}"]

    def put_into(self, segment_id: str, because: str) -> list[str]:
        """Put the contact into a static segment; facts that change."""
        segment = self.find_static(segment_id)
        return self.join(segment, because) if segment and segment_id not in self.contact.segments else []

    def take_out_of(self, segment_id: str, because: str) -> list[str]:
        """Take the contact out of a static segment; facts that change."""
        is_in = self.find_static(segment_id) and segment_id in self.contact.segments
        return self.leave(segment_id, because) if is_in else []

    def find_static(self, segment_id: str) -> Segment | None:
        segment = self.book.segments.get(segment_id)
        if segment is None or not segment.is_static:
            missing = f"is {'dynamic: it follows its condition' if segment else 'not published'}"
            self.decide(f"segment/{segment_id}", "", "not changed", missing)
            return None
        return segment

    def leave(self, segment_id: str, because: str) -> list[str]:
        del self.contact.segments[segment_id]
        self.decide(f"segment/{segment_id}", "", "left", because)
        self.causes(names.SEGMENT_LEFT, segment=segment_id)
        return [f"segment:{segment_id}"]

    def ask_stages(self, stages_id: str) -> list[str]:
        model = self.book.stages.get(stages_id)
        if model is None:
            self.contact.turns.pop(f"stages/{stages_id}", None)
            return []
        placement = model.place(self.view())
        self.turn(f"stages/{stages_id}", placement.turns_at)
        if placement.stage is None or (self.contact.stage and placement.stage == self.contact.stage.name):
            return []
        return self.set_stage(placement.stage, f"stages/{stages_id}", "", placement.because)

    def ask_trigger(self, key: str) -> list[str]:
        """Arm what starts a journey by a date or schedule; when its time has come, say so, and arm it anew."""
        turn, alarmed = f"trigger/{key}", self.book.alarms.get(key)
        armed = self.contact.turns.get(turn, inf)
        if alarmed is None:
            self.turn(turn, inf)
            return []
        journey, alarm = alarmed
        after = self.now
        if armed <= self.now and self.is_news:
            said = {"journey": journey.id, "trigger": int(key.rpartition("/")[2]), **alarm.tell(self.contact)}
            self.causes_at(armed, alarm.event, said)
        elif armed <= self.now:
            after = armed - 0.01  # what is due has yet to be told, if it is still meant
        policy = self.book.policy
        account = Account((journey.timezone, policy.timezone), policy.calendar)
        self.turn(turn, alarm.find_next(self.contact, after, account))
        return []

    def set_stage(self, stage: str, definition: str, step: str, because: str) -> list[str]:
        before = self.contact.stage.name if self.contact.stage else None
        if before == stage:
            return []
        *earlier, present = move(self.contact.stage, self.contact.stages_before, stage, self.now, because)
        self.contact.stage, self.contact.stages_before = present, tuple(earlier)
        self.decide(definition, step, f"stage {stage}", because)
        self.causes(names.STAGE_CHANGED, stage=stage, before=before)
        return ["stage"]

    def ask_personas(self, _: str) -> list[str]:
        contact, match = self.contact, self.book.personas.match(self.view())
        self.turn(PERSONAS, match.turns_at)
        before = contact.persona.name if contact.persona else None
        if match.persona is None:
            contact.persona = None
        elif match.persona == before and contact.persona:
            contact.persona = contact.persona._replace(confidence=match.confidence)
        else:
            contact.persona = Persona(match.persona, self.now, match.confidence)
        if match.persona == before:
            return []
        sure = f"fits best, {match.confidence:.0%} sure" if match.persona else "no persona fits well enough"
        self.decide(f"persona/{match.persona or before}", "", "persona" if match.persona else "no persona", sure)
        self.causes(names.PERSONA_CHANGED, persona=match.persona, before=before, confidence=match.confidence)
        return ["persona"]

    def ask_handover(self, _: str) -> list[str]:
        """Where somebody belongs: to sales, into nurture, or nowhere; what follows from it follows from its event."""
        contact, model = self.contact, self.book.handover
        choice = model.choose(self.view()) if model else Choice("", "nothing is handed over any more")
        self.turn(HANDOVER, choice.turns_at)
        before = contact.handed.to if contact.handed else ""
        facts: list[str] = []
        if choice.to != before:
            contact.handed = Handed(choice.to, self.now) if choice.to else None
            facts = ["handover", *(self.give_owner(model) if model and choice.to == SALES else ())]
            self.decide(HANDOVER, "", f"to {choice.to}" if choice.to else "to nobody", choice.because)
            owner = assignee_of(contact) if choice.to == SALES else None
            self.causes(names.HANDED_OVER, to=choice.to or None, before=before or None, owner=owner)
        nurturing = contact.active.get(model.journey or "") if model and choice.to == SALES else None
        if nurturing:
            key = f"journey/{nurturing.journey}@{nurturing.version}"
            self.decide(key, nurturing.step, "exited", _NEEDLESS[HANDED_OVER])
            self.close(end(nurturing, "exited", HANDED_OVER))
        return facts

    def give_owner(self, model: HandOver) -> list[str]:
        """Somebody at sales gets an owner, who is kept in an attribute; one who is there already stays."""
        if assignee_of(self.contact):
            return []
        owner = {OWNER: model.find_owner(self.contact.contact_id)}
        return self.set_attributes(
            Event("", names.ATTRIBUTES_UPDATED, self.now, self.now, trusted=True, attributes=owner)
        )

    def hand_over(self, event: Event) -> None:
        """Sales gets a task, or the journey that nurtures begins."""
        model, to = self.book.handover, event.properties.get("to")
        if model is None:
            return
        if to == SALES and model.task:
            contact_id, owner = self.contact.contact_id, str(event.properties.get("owner") or "")
            task_id = f"{KIND}-{contact_id}-{event.short_hash.hex()}"
            due_at = self.now + model.task.due
            self.tasks.append(
                Task(task_id, contact_id, KIND, model.task.title, HANDOVER, "", "", self.now, due_at, assignee=owner)
            )
        journey = self.book.journeys.get(model.journey or "")
        if to == NURTURE and journey:
            self.enter(journey, event)

    def turn(self, key: str, at: float) -> None:
        if at == inf:
            self.contact.turns.pop(key, None)
        else:
            self.contact.turns[key] = at

    # Journeys

    def move_journeys(self, event: Event) -> None:
        """Advance the enrollments that this event concerns, then start new ones; all hear what steps have changed."""
        self.move_active(event)
        for journey in self.book.journeys_by_event.get(event.name.lower(), ()):
            self.start(journey, event)
        if event.name == names.HANDED_OVER:
            self.hand_over(event)
        if self.changed:
            self.follow()

    def follow(self) -> None:
        """Advance the enrollments that what has changed concerns, until nothing more changes."""
        self.move_active(None)
        while self.changed:
            self.move_active(None)

    def move_active(self, event: Event | None) -> None:
        """Advance the enrollments that this event, what has changed or the time concern."""
        facts, asks_all = self.changed, self.asks_all
        self.changed, self.asks_all = {}, False
        if not self.contact.active:
            return
        key = event.name.lower() if event else ""
        is_mark = event and event.name in _OF_STEPS
        marked = _marked(event)[0] if event and is_mark else None
        watching = self.book.reading(facts)
        for journey_id, enrollment in sorted(self.contact.active.items()):
            journey = self.book.find_journey(journey_id, enrollment.version)
            if journey is None:
                gone = f"version {enrollment.version} of the journey is no longer kept"
                self.fail(enrollment, f"journey/{journey_id}@{enrollment.version}", gone)
            elif (
                asks_all
                or enrollment.enrollment_id == marked
                or (enrollment.due is not None and enrollment.due <= self.now)
                or key in journey.waits_for
                or journey.key in watching
                or self.contact.turns.get(_turn_of(journey_id), inf) <= self.now
            ):
                self.move(journey, enrollment, event)

    def start(self, journey: Journey, event: Event) -> None:
        """Enter a journey if the event is one of its triggers."""
        try:
            entry = starts(journey, self.view(event))
            if entry and entry.allowed:
                self.enter(journey, event)
            elif entry:
                self.decide(journey.key, "", "not started", entry.because)
        except Exception as error:
            self.decide(journey.key, "", "failed", f"its trigger could not be evaluated ({type(error).__name__})")

    def enter(self, journey: Journey, event: Event) -> bool:
        """Begin a passage with this event, whatever the triggers are, if the rule of re-entry lets it; says if so."""
        entry = may_enter(journey, self.contact, event, self.now)
        if journey.id in self.started:
            entry = Entry(False, "it has started in this very moment, and would start itself without end")
        if is_kept_from(self.book.handover, journey.id, self.contact):
            entry = Entry(False, "sales looks after them")
        self.decide(journey.key, "", "started" if entry.allowed else "not started", entry.because)
        if not entry.allowed:
            return False
        enrollment = enroll(journey, self.contact.contact_id, event, self.now)
        self.started.add(journey.id)
        if self.is_held_out(journey, enrollment):
            return False
        past = self.contact.passages.get(journey.id)
        past = past or Passage(0, 0.0, None, "")
        self.contact.passages[journey.id] = past._replace(times=past.times + 1, last_entered=enrollment.entered)
        self.contact.active[journey.id] = enrollment
        self.causes(names.JOURNEY_STARTED, journey=journey.id, version=journey.version)
        self.move(journey, enrollment, event)
        return True

    def is_held_out(self, journey: Journey, enrollment: Enrollment) -> bool:
        """Whether the holdout of a journey keeps this contact out; the passage that it would have had is noted."""
        holdout = journey.experiments.get("")
        if holdout is None:
            return False
        variant = holdout.deal(self.contact)
        self.take_part(journey, holdout, variant)
        if variant != HELD_OUT:
            return False
        past = self.contact.passages.get(journey.id) or Passage(0, 0.0, None, "")
        self.contact.passages[journey.id] = past._replace(
            times=past.times + 1, last_entered=enrollment.entered, last_ended=self.now, last_state=places.HELD_OUT
        )
        self.decide(journey.key, "", "held out", f"one of the {journey.holdout:g} % who stay out, to compare")
        return True

    def expose(self, journey: Journey, enrollment: Enrollment, effect: Expose) -> Enrollment:
        """Note that the contact has been dealt a variant of the experiment of a step."""
        self.take_part(journey, journey.experiments[effect.step_id], effect.variant)
        return enrollment

    def take_part(self, journey: Journey, experiment: Experiment, variant: str) -> None:
        if exposures.expose(self.contact, experiment, variant, self.now):
            said = {"journey": journey.id, "step": experiment.step, "variant": variant}
            self.causes(names.EXPERIMENT_ENTERED, experiment_id=experiment.key, **said)

    def move(self, journey: Journey, enrollment: Enrollment, event: Event | None) -> None:
        """Run an enrollment's steps until it waits or ends. A step that throws fails this enrollment only."""
        self.contact.turns.pop(_turn_of(journey.id), None)
        steps = 0
        while True:
            if self.outbox.size + len(self.tasks) >= MAX_MESSAGES:
                self.carry_on(journey, enrollment)
                return
            policy = self.book.policy
            try:
                advanced = advance(
                    journey, enrollment, self.view(event, enrollment), self.now, policy.timezone, policy.calendar
                )
            except Exception as error:
                self.fail(enrollment, journey.key, f"a step could not be run ({type(error).__name__})")
                return
            enrollment, event = advanced.enrollment, None
            self.decisions.extend(advanced.decisions)
            self.contact.active[journey.id] = enrollment
            for effect in advanced.effects:
                enrollment = self.perform(journey, enrollment, effect)
            if enrollment.state != "active":
                self.close(enrollment)
                return
            self.contact.active[journey.id] = enrollment
            if enrollment.due is None or enrollment.due > self.now:
                self.turn(_turn_of(journey.id), advanced.turns_at)
                return
            steps += 1
            if steps > MAX_CAUSED:
                self.fail(enrollment, journey.key, "it ran through more steps at once than allowed")
                return

    def carry_on(self, journey: Journey, enrollment: Enrollment) -> None:
        """Leave the rest of an enrollment's steps to a wake; what has happened is remembered till then."""
        self.contact.turns[_turn_of(journey.id)] = self.now
        because = f"one event asks for about {MAX_MESSAGES} messages at most; the rest follows within a minute"
        self.decide(journey.key, enrollment.step, "goes on later", because)

    def fail(self, enrollment: Enrollment, definition: str, reason: str) -> None:
        self.decide(definition, enrollment.step, "failed", reason)
        self.close(end(enrollment, "failed", reason))

    def close(self, enrollment: Enrollment) -> None:
        """An enrollment has ended; what re-entry rules need of it stays."""
        journey_id = enrollment.journey
        if enrollment.reason in _NEEDLESS:
            for settled in cancel(enrollment, _NEEDLESS[enrollment.reason], self.now):
                self.tasks.append(settled)
                self.contact.engagement = take_back(self.contact.engagement, settled.task_id)
        if enrollment.reason in _NEEDLESS or enrollment.state == "failed":
            self.outbox.call_off((enrollment.enrollment_id,), _NEEDLESS.get(enrollment.reason, "its journey failed"))
        self.contact.active.pop(journey_id, None)
        self.contact.turns.pop(_turn_of(journey_id), None)
        past = self.contact.passages.get(journey_id) or Passage(1, enrollment.entered, None, "")
        self.contact.passages[journey_id] = past._replace(
            last_ended=self.now, last_state=outcome_of(enrollment), last_enrollment=enrollment.enrollment_id
        )
        self.causes(names.JOURNEY_ENDED, journey=journey_id, state=enrollment.state, reason=enrollment.reason)

    def perform(self, journey: Journey, enrollment: Enrollment, effect: Effect) -> Enrollment:
        """Do what a step asks for; the enrollment, with what it has to remember of that."""
        return _PERFORM[type(effect)](self, journey, enrollment, effect)

    def ask_for(self, enrollment: Enrollment, task: Task) -> Enrollment:
        """Put a task of a step up for a person; the enrollment remembers that."""
        self.tasks.append(task)
        if task.kind == CALL:
            self.contact.engagement = note_sent(self.contact.engagement, PHONE, task.task_id, self.now)
        return on_mark(enrollment, task.step, asked_mark(task.task_id))

    def update(self, journey: Journey, enrollment: Enrollment, effect: Update) -> Enrollment:
        """Change the contact as an update step says; every definition and journey hears of it."""
        event = Event("", names.ATTRIBUTES_UPDATED, self.now, self.now, trusted=True, attributes=effect.set)
        facts = self.set_attributes(event)
        for name in effect.unset:
            if self.contact.attributes.pop(name, None):
                facts.append(f"attribute:{name}")
        if effect.stage:
            facts += self.set_stage(effect.stage, journey.key, effect.step_id, f"the journey {journey.name} says so")
        self.settle(self.book.reading(self.note(facts)))
        return enrollment

    def queue(self, journey: Journey, enrollment: Enrollment, send: Send) -> Enrollment:
        """Put the message of a send step up for sending."""
        # The step's own decision has said that it is sent.
        skipped = self.outbox.put_up(self.candidate(journey, enrollment, send))
        return on_mark(enrollment, send.step_id, "skipped") if skipped else enrollment

    def candidate(self, journey: Journey, enrollment: Enrollment, send: Send) -> Candidate:
        """The message of a send step that wants to leave now."""
        return Candidate(
            message_id=send.message_id,
            origin=journey.key,
            step=send.step_id,
            enrollment_id=enrollment.enrollment_id,
            template=send.template,
            channel=send.channel,
            trigger_key=enrollment.trigger_key,
            since=self.now,
            at=self.now,
            expires_at=send.expires_at,
            priority=journey.priority,
            options=send.options,
        )

    def queue_best(self, journey: Journey, enrollment: Enrollment, effect: SendBest) -> Enrollment:
        """Put a message up by the channel that suits the contact best; when that is the telephone, a call task."""
        templates = {send.channel: send for send in effect.sends}
        offered = (*templates, PHONE) if effect.call else (*templates,)
        template = self.book.templates.get(effect.sends[0].template)
        topic = self.book.policy.find_topic(template.topic) if template else None
        ways = [way for way in rank(self.contact, topic) if way.channel in offered]
        best = ways[0]
        self.decide(journey.key, effect.step_id, f"channel {best.channel}", "; ".join(way.describe() for way in ways))
        if best.channel in templates:
            return self.queue(journey, enrollment, templates[best.channel])
        replaced = next(way.channel for way in ways if way.channel in templates)
        candidate = self.candidate(journey, enrollment, templates[replaced])
        self.outbox.replace(candidate, f"the telephone ranks first, {best.because}: a call takes its place", CHANNEL)
        assert effect.call is not None
        return on_mark(_PERFORM[Ask](self, journey, enrollment, effect.call), effect.step_id, "skipped")

    def hear_of_skipped(self, candidate: Candidate) -> None:
        """A message that waited will not leave: its enrollment remembers that, and is to be moved."""
        for journey_id, enrollment in self.contact.active.items():
            if enrollment.enrollment_id == candidate.enrollment_id:
                self.contact.active[journey_id] = on_mark(enrollment, candidate.step, "skipped")
                self.turn(_turn_of(journey_id), self.now)
                return

    def queue_broadcast(self, event: Event) -> None:
        """Put this contact's message of a broadcast up for sending."""
        said = event.properties
        broadcast_id, template_id = str(said.get("broadcast")), str(said.get("template"))
        template = self.book.templates.get(template_id)
        candidate = Candidate(
            message_id=broadcasts.message_id_of(broadcast_id, self.contact.contact_id),
            origin=f"{broadcasts.KIND}/{broadcast_id}",
            step="",
            enrollment_id="",
            template=template_id,
            channel=template.channel if template else "",
            trigger_key=event.key,
            since=self.now,
            at=self.now,
            priority=said.get("priority", USUAL_PRIORITY),
        )
        if not self.outbox.put_up(candidate):
            because = f"was in the segment {said.get('segment')} when the broadcast began"
            self.decide(candidate.origin, "", QUEUED, because)

    # Time

    def arm(self, *, fired: bool) -> None:
        """Set the contact's one timer. Lazily: moving it later would cost two writes, so it fires and finds nothing."""
        dues = (enrollment.due for enrollment in self.contact.active.values() if enrollment.due is not None)
        earliest = min((*self.contact.turns.values(), *dues, *self.outbox.times), default=None)
        armed = self.contact.wake_at
        if fired or armed is None or (earliest is not None and earliest < armed):
            self.contact.wake_at = earliest

    # Publication

    def catch_up(self, history: Sequence[Event]) -> None:
        """Bring a contact that an older book has folded up to this one, from its timeline."""
        contact, book, since = self.contact, self.book, self.contact.revision
        contact.revision = book.revision
        for tracker in book.trackers_since(since):
            memory = recompute(tracker, history, self.now, known=contact.behaviour.get(tracker.tracker_id))
            contact.behaviour.pop(tracker.tracker_id, None)
            if memory is not None:
                contact.behaviour[tracker.tracker_id] = memory
        contact.behaviour = {t: memory for t, memory in contact.behaviour.items() if t in book.trackers}
        for sheet in book.scores_since(since):
            contact.scores[sheet.id] = dict(sheet.recompute(history))
        contact.scores = {sheet: points for sheet, points in contact.scores.items() if sheet in book.scores and points}
        exposures.forget(contact, book.experiments)
        self.cause = Event(f"book-{book.revision}", "Book Published", self.now, self.now)
        self.is_news = False
        self.reconsider()
        self.is_news = True
        self.transfer()

    def transfer(self) -> None:
        """Take enrollments over to versions whose publication took people under way along."""
        for journey_id, plan in self.book.manifest.transfers.items():
            enrollment = self.contact.active.get(journey_id)
            journey = self.book.find_journey(journey_id, plan.version)
            if enrollment is None or journey is None or enrollment.version >= plan.version:
                continue
            old = self.book.find_journey(journey_id, enrollment.version)
            moved = transfer(enrollment, journey, old, plan, self.view(None, enrollment))
            self.decisions.append(tell(enrollment, moved, journey))
            self.contact.active[journey_id] = moved
            if moved.reason == STEP_GONE:
                self.tasks += cancel(moved, NO_PLACE, self.now)
                self.outbox.call_off((moved.enrollment_id,), NO_PLACE)
            if moved.state != "active":
                self.close(moved)


def _turn_of(journey_id: str) -> str:
    """The key by which a contact knows when an enrollment has to be moved, though no step of it is due."""
    return f"journey/{journey_id}"


def _marked(event: Event) -> tuple[str, str]:
    """(enrollment id, step) of the message or the task that an event is about."""
    said = event.properties
    return split_message_id(str(said.get("task_id") if event.name == names.TASK_COMPLETED else said.get("message_id")))


def _take_mark(folding: _Folding, event: Event) -> list[str]:
    """Something happened to a message: its enrollment remembers it by the step. What a machine did, it does not."""
    contact, response = folding.contact, _RESPONSES.get(event.name)
    if response and event.properties.get("actor") == "human":
        message_id = str(event.properties.get("message_id"))
        contact.engagement = note_response(contact.engagement, message_id, event.time, response)
    if event.name not in _MARKS or event.properties.get("actor") == "machine":
        return []
    return _mark(folding, event, _MARKS[event.name])


def _mark(folding: _Folding, event: Event, mark: str) -> list[str]:
    enrollment_id, step = _marked(event)
    for journey_id, enrollment in folding.contact.active.items():
        if enrollment.enrollment_id == enrollment_id and _is_latest(event, enrollment, step):
            folding.contact.active[journey_id] = on_mark(enrollment, step, mark)
            return [f"mark:{step}"]
    return []


def _is_latest(event: Event, enrollment: Enrollment, step: str) -> bool:
    """Whether it is about the latest message of a step that came round again; a task says that by its mark."""
    is_task = event.name == names.TASK_COMPLETED
    return is_task or visit_of(str(event.properties.get("message_id"))) == enrollment.visits.get(step, 1)


def _take_reply(folding: _Folding, event: Event) -> list[str]:
    folding.contact.engagement = note_reply(folding.contact.engagement, "sms", event.time)
    return []


def _take_completion(folding: _Folding, event: Event) -> list[str]:
    """A task is done: its row says what its first news says, and its enrollment remembers the outcome."""
    settled, contact = settled_by(event), folding.contact
    if event.properties.get("kind") == CALL and settled.outcome not in UNREACHED:
        contact.engagement = note_response(contact.engagement, settled.task_id, event.time, ANSWERED, PHONE)
    folding.tasks.append(settled)
    return _mark(folding, event, outcome_mark(settled.task_id, settled.outcome))


def _take_points(folding: _Folding, event: Event) -> list[str]:
    sheet = folding.book.scores.get(str(event.properties.get("score")))
    return folding.score(sheet, event) if sheet else []


def _take_listing(change: Callable[[_Folding, str, str], list[str]]) -> Callable[[_Folding, Event], list[str]]:
    def take(folding: _Folding, event: Event) -> list[str]:
        segment_id = str(event.properties.get("segment"))[:64]
        if not event.trusted:
            folding.decide(f"segment/{segment_id}", "", "not changed", "only a server is believed about this")
            return []
        return change(folding, segment_id, str(event.properties.get("because") or event.name)[:200])

    return take


def _take_broadcast(folding: _Folding, event: Event) -> list[str]:
    folding.queue_broadcast(event)
    return []


def _take_unsent(folding: _Folding, event: Event) -> list[str]:
    """A message did not leave after all."""
    folding.outbox.give_back(str(event.properties.get("message_id")))
    return _take_mark(folding, event)


def _take_suppression(folding: _Folding, event: Event) -> list[str]:
    for address in event.properties.get("addresses", ()):
        folding.contact.suppressions[address] = str(event.properties.get("reason") or event.name)
    if event.name == names.EMAIL_BOUNCED:  # nobody could read it
        message_id = str(event.properties.get("message_id"))
        folding.contact.engagement = take_back(folding.contact.engagement, message_id)
    return _take_mark(folding, event)


def _take_release(folding: _Folding, event: Event) -> list[str]:
    for address in event.properties.get("addresses", ()):
        folding.contact.suppressions.pop(address, None)
    return []


def _take_consent(granted: bool) -> Callable[[_Folding, Event], list[str]]:
    def take(folding: _Folding, event: Event) -> list[str]:
        topic = str(event.properties.get("topic") or EVERY_TOPIC)
        key = consent_key(str(event.properties.get("channel") or USUAL), topic)
        known = folding.contact.consents.get(key)
        if known and known.time > event.time:
            return []
        folding.contact.consents[key] = Consent(granted, event.time)
        # An answer for every topic concerns whoever reads any of them.
        every = [fact for fact in folding.book.readers if fact.startswith("consent:")]
        return every if topic == EVERY_TOPIC else [f"consent:{key}"]

    return take


# What the events that only Postroad may say do to a contact, besides being counted like any other.
_ABSORB: dict[str, Callable[[_Folding, Event], list[str]]] = {
    names.EMAIL_OPENED: _take_mark,
    names.EMAIL_CLICKED: _take_mark,
    names.EMAIL_BOUNCED: _take_suppression,
    names.EMAIL_COMPLAINED: _take_suppression,
    names.ADDRESS_SUPPRESSED: _take_suppression,
    names.ADDRESS_RELEASED: _take_release,
    names.MESSAGE_SKIPPED: _take_unsent,
    names.MESSAGE_FAILED: _take_unsent,
    names.UNSUBSCRIBED: _take_consent(granted=False),
    names.SUBSCRIBED: _take_consent(granted=True),
    names.BROADCAST_ADDRESSED: _take_broadcast,
    names.SEGMENT_ADDED: _take_listing(_Folding.put_into),
    names.SEGMENT_REMOVED: _take_listing(_Folding.take_out_of),
    names.POINTS_GIVEN: _take_points,
    names.TASK_COMPLETED: _take_completion,
    names.SMS_REPLIED: _take_reply,
}

# What people did with a message, as it is kept for advice.
_RESPONSES = {names.EMAIL_OPENED: OPENED, names.EMAIL_CLICKED: CLICKED}

# Why the open tasks of an enrollment that has ended so are called off.
_NEEDLESS = {
    "goal": "the goal of its journey is reached",
    "exit_if": "its journey is over for this person",
    HANDED_OVER: "sales looks after them now",
}

_MARKS = {
    names.EMAIL_OPENED: "opened",
    names.EMAIL_CLICKED: "clicked",
    names.EMAIL_BOUNCED: "bounced",
    names.EMAIL_COMPLAINED: "complained",
    names.MESSAGE_SKIPPED: "skipped",
    names.MESSAGE_FAILED: "failed",
}

# What is said of a step moves the enrollment that stands there.
_OF_STEPS = frozenset((*_MARKS, names.TASK_COMPLETED))


def _list(folding: _Folding, journey: Journey, enrollment: Enrollment, effect: List) -> Enrollment:
    because = f"the step {effect.step_id} of {journey.key} says so"
    facts = [fact for segment in effect.add for fact in folding.put_into(segment, because)]
    facts += [fact for segment in effect.remove for fact in folding.take_out_of(segment, because)]
    folding.settle(folding.book.reading(folding.note(facts)))
    return enrollment


def _tag(folding: _Folding, journey: Journey, enrollment: Enrollment, effect: Tag) -> Enrollment:
    known = folding.contact.find_value(TAGS)
    before = known if isinstance(known, list) else []
    tags = [*(tag for tag in before if tag not in effect.remove), *(tag for tag in effect.add if tag not in before)]
    return folding.update(journey, enrollment, Update(effect.step_id, {TAGS: tags}, (), None))


def _say(folding: _Folding, journey: Journey, enrollment: Enrollment, effect: Say) -> Enrollment:
    folding.causes(effect.name, **effect.properties)
    return enrollment


def _ask(folding: _Folding, journey: Journey, enrollment: Enrollment, effect: Ask) -> Enrollment:
    task = Task(
        effect.task_id,
        folding.contact.contact_id,
        effect.kind,
        effect.title,
        journey.key,
        effect.step_id,
        enrollment.enrollment_id,
        folding.now,
        effect.due_at,
        assignee=assignee_of(folding.contact, effect.assignee),
        note=effect.note,
    )
    return folding.ask_for(enrollment, task)


# How each kind of effect is performed: it may change the contact, put messages up, cause events, and decide.
_PERFORM: dict[type, Callable[[_Folding, Journey, Enrollment, Any], Enrollment]] = {
    Send: _Folding.queue,
    Update: _Folding.update,
    List: _list,
    Tag: _tag,
    Say: _say,
    Ask: _ask,
    Expose: _Folding.expose,
    SendBest: _Folding.queue_best,
}

_ASK: dict[str, Callable[[_Folding, str], list[str]]] = {
    "score": _Folding.ask_score,
    "segment": _Folding.ask_segment,
    "stages": _Folding.ask_stages,
    "trigger": _Folding.ask_trigger,
    "grade": _Folding.ask_grade,
    "matrix": _Folding.ask_matrix,
    "personas": _Folding.ask_personas,
    KIND: _Folding.ask_handover,
}
