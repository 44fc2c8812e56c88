"""Broadcasts: one message, sent once, to everybody who is in a segment at a chosen time.

A broadcast is drafted like any definition, and scheduled instead of published. What was scheduled is a *run*: it
addresses the people of the segment, each by an event of their own, then waits until each message has come to an end.

    scheduled ──▶ running ──▶ sending ──▶ done ──▶ running: once more, to whom it failed
        │             └─▶ testing ──▶ running: the rest gets the winner
        └──▶ cancelled

While it runs, tests or sends it can be paused, and goes on where it was, or stopped: then nobody else gets it.

A run is begun again whenever nobody has worked at it for a while; an event acts once, and ids of messages are derived,
so nobody is sent anything twice.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from postroad.contacts.contact import USUAL_PRIORITY, Contact
from postroad.documents import Reader, read_head
from postroad.errors import PostroadError
from postroad.events import BROADCAST_ADDRESSED, Event
from postroad.instants import DAY, describe_duration, format_instant
from postroad.lots import choose, is_among
from postroad.sending.holds import PAUSE, STOP, Hold
from postroad.sending.messages import FAILED, QUEUED, SENDING, SKIPPED, Message

KIND = "broadcast"

DRAFT = "draft"
SCHEDULED = "scheduled"
RUNNING = "running"
# The test group has its messages, and what becomes of them is awaited.
TESTING = "testing"
# All are addressed, and messages are on their way.
MAILING = "sending"
DONE = "done"
CANCELLED = "cancelled"
PAUSED = "paused"
# Called off after it had begun.
STOPPED = "stopped"
STATES = (DRAFT, SCHEDULED, RUNNING, TESTING, MAILING, PAUSED, DONE, CANCELLED, STOPPED)
# In these it can be paused and stopped.
UNDER_WAY = (RUNNING, TESTING, MAILING)

# Whose clock the time is on: one instant for all, or that hour where each reader is.
FIXED, READER = "fixed", "reader"
# The day begins so many seconds earlier in the easternmost zone than in UTC.
EASTERNMOST = 14 * 3_600.0
# What decides a test (an event that is named, too), and who.
OPENED, CLICKED, EVENT = "opened", "clicked", "event"
AUTOMATIC, MANUAL = "automatic", "manual"
MOST_VARIANTS = 5
LONGEST_EVENT = 200
# How often a broadcast is sent once more to those whom it failed.
MOST_ATTEMPTS = 5

# Parts that a run goes through beside the shards of its segment: what a pause or stop held, whom the last try failed.
HELD, UNSENT = "held", "unsent"
# Where a part that has been gone through stands: behind every contact.
END = "~"

# Nobody has worked at a running broadcast for so long: whoever did was cut off.
ABANDONED = 5 * 60.0
# How soon somebody looks again, and how far looks move apart at most.
SOONEST_LOOK, LATEST_LOOK = 2 * 60.0, 6 * 3_600.0
# Indexes of messages may be behind: a count that is to say that none is left comes at least so long after the last.
SETTLING = 60.0
# What comes back late (bounces, complaints) is counted so long after a broadcast is done.
AFTERMATH = DAY
MOST_REASONS = 50

_NEVER_LEFT = (SKIPPED, FAILED)


class RunStateError(PostroadError):
    """What is asked cannot be done with a broadcast in this state."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A test before the rest: `share` percent of the people get, by lot, the broadcast's template or one of `against`.

    After `lasts` seconds the one that was `decided_by` most wins, if that is no luck; the rest gets it. By EVENT it is
    the one after which most people did the `event`.
    """

    against: tuple[str, ...]
    share: float
    lasts: float
    decided_by: str
    is_automatic: bool
    event: str = ""

    @property
    def deed(self) -> str:
        """What decides, as something that people did."""
        return f"did {self.event}" if self.event else self.decided_by

    @property
    def lead(self) -> str:
        """What the best template did."""
        return f"led most people to {self.event}" if self.event else f"was {self.decided_by} most"


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What is sent, to whom, and when (epoch seconds; None: as soon as it is scheduled).

    With the `zone` of the READER, `at` is that hour of that day (as if it were in UTC) where each reader is.
    """

    id: str
    name: str
    description: str
    segment: str
    template: str
    at: float | None
    priority: int = USUAL_PRIORITY
    zone: str = FIXED
    test: Trial | None = None

    @property
    def templates(self) -> tuple[str, ...]:
        """Its template, and those that are tested against it."""
        return (self.template, *(self.test.against if self.test else ()))

    @property
    def steps(self) -> tuple[str, ...]:
        """What its messages call their step: their variant, and "" out of a test."""
        return ("", *(self.templates if self.test else ()))

    @property
    def begins_at(self) -> float | None:
        """When the first may get it; None: as soon as it is scheduled."""
        return self.at - EASTERNMOST if self.at is not None and self.zone == READER else self.at

    @property
    def local_time(self) -> str:
        """The hour at which each reader gets it where they are ("2026-12-01T09:00"), or ""."""
        if self.zone != READER or self.at is None:
            return ""
        return datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%dT%H:%M")

    @property
    def origin(self) -> str:
        """What its messages say of where they come from."""
        return f"{KIND}/{self.id}"

    def describe(self, names: Mapping[str, str] | None = None) -> tuple[str, ...]:
        """What it does, in sentences; `names` are those of templates, which else are called by their ids."""
        called = names or {}
        tested = [called.get(template, template) for template in self.templates]
        when = "as soon as it is scheduled" if self.at is None else f"at {format_instant(self.at)}"
        if self.local_time:
            when = f"at {self.local_time.replace('T', ' ')} where each of them is"
        sentences = [f"sends {self.template} once to everybody in the segment {self.segment}, {when}"]
        if test := self.test:
            who = "by itself" if test.is_automatic else "when somebody chooses"
            one = f"the one that {test.lead}"
            sentences.append(
                f"first {test.share:g} % of them get {' or '.join(tested)} by lot; after "
                f"{describe_duration(test.lasts)} {one} goes to the rest, {who}"
            )
        return tuple(sentences)


def parse_broadcast(document: object) -> Broadcast:
    """The broadcast of a document `{kind, id, name, segment, template, at, zone, test}`. Raises DefinitionError."""
    reader = Reader(document)
    head = read_head(reader, KIND)
    broadcast = Broadcast(
        *head,
        reader.id("segment"),
        reader.id("template"),
        reader.instant("at", None),
        reader.integer("priority", USUAL_PRIORITY, least=0, most=100),
        reader.choice("zone", (FIXED, READER), FIXED),
        _read_test(reader.find_child("test")),
    )
    if broadcast.zone == READER and broadcast.at is None:
        reader.mistake("is missing: the hour at which each reader gets it", "at")
    if len(set(broadcast.templates)) < len(broadcast.templates):
        reader.mistake("names a template twice; test different ones against each other", "test")
    reader.finish()
    return broadcast


def _read_test(reader: Reader | None) -> Trial | None:
    if reader is None:
        return None
    against = reader.ids("against")
    if len(against) >= MOST_VARIANTS:
        reader.mistake(
            f"names {len(against)} templates; at most {MOST_VARIANTS - 1} are tested against the first", "against"
        )
    event = reader.text("event", "", longest=LONGEST_EVENT).strip()
    decided_by = reader.choice("decided_by", (CLICKED, OPENED), CLICKED)
    if event and reader.has("decided_by"):
        reader.mistake("either this decides or the event does; leave one of them out", "decided_by")
    return Trial(
        against,
        reader.number("share", least=1, most=90),
        reader.duration("lasts", least=600, most=7 * DAY),
        EVENT if event else decided_by,
        reader.choice("winner", (AUTOMATIC, MANUAL), AUTOMATIC) == AUTOMATIC,
        event,
    )


def find_missing(
    broadcast: Broadcast, segments: Collection[str], templates: Collection[str]
) -> tuple[tuple[str, str], ...]:
    """References to what is not published."""
    wanted = [
        ("segment", "segment", broadcast.segment, segments),
        ("template", "template", broadcast.template, templates),
    ]
    against = broadcast.test.against if broadcast.test else ()
    wanted += [(f"test.against[{number}]", "template", name, templates) for number, name in enumerate(against)]
    return tuple(
        (path, f"there is no published {kind} called {name!r}")
        for path, kind, name, known in wanted
        if name not in known
    )


# -------------------------------------------------------------------------------------------------------------- runs


@dataclass(frozen=True, slots=True)
class Tally:
    """What has become of a broadcast's messages: how many are in each state, and why some were not sent.

    `audience` is their sum, so the numbers always add up. `some_wait` says whether somebody waited for a gate when the
    count began.
    """

    states: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    counted_at: float = 0.0
    some_wait: bool = False

    @property
    def audience(self) -> int:
        return sum(self.states.values())

    @property
    def pending(self) -> int:
        return self.states.get(QUEUED, 0) + self.states.get(SENDING, 0)

    def add(self, messages: Iterable[Message]) -> "Tally":
        states, reasons = dict(self.states), dict(self.reasons)
        for message in messages:
            states[message.state] = states.get(message.state, 0) + 1
            if message.state in _NEVER_LEFT:
                reason = message.reason if message.reason in reasons or len(reasons) < MOST_REASONS else "other reasons"
                reasons[reason] = reasons.get(reason, 0) + 1
        return replace(self, states=states, reasons=reasons)

    def to_document(self) -> dict[str, Any]:
        known = {"states": dict(self.states), "reasons": dict(self.reasons), "counted_at": self.counted_at}
        return known | ({"some_wait": True} if self.some_wait else {})


def parse_tally(document: Mapping[str, Any]) -> Tally:
    """The tally of a document that `to_document` wrote."""
    return Tally(document["states"], document["reasons"], document["counted_at"], document.get("some_wait", False))


@dataclass(frozen=True, slots=True)
class Run:
    """A broadcast that has been scheduled.

    `document` is the draft as it was at its edit `edit`. `number` counts how often it was scheduled; `at` is when it
    begins, `times` when it came into each state. `touched_at` is when somebody last worked at it. `missed` counts how
    often AWS did not let people through to be addressed, `made_up` up to which of these they were addressed after all.
    `cursors` are how far each part has been gone through (END: all of it). `before` is the state to which a paused one
    returns. It rests until `rests_until`; `note` says why it rests or is paused. `winner` is the template that the rest
    gets after a test, and `verdict` why. `attempt` counts how often it was sent, once more to whom it failed.
    `set_going_at` is when it last went on after a pause, a test or an attempt.
    """

    broadcast: Broadcast
    document: Mapping[str, Any]
    edit: int
    number: int
    state: str
    at: float
    times: Mapping[str, float]
    touched_at: float = 0.0
    tally: Tally | None = None
    missed: int = 0
    made_up: int = 0
    cursors: Mapping[str, str] = field(default_factory=dict)
    before: str = ""
    note: str = ""
    rests_until: float | None = None
    winner: str = ""
    verdict: str = ""
    attempt: int = 1
    set_going_at: float = 0.0

    @property
    def is_missing(self) -> bool:
        """Whether there are people who could not be addressed yet."""
        return self.missed > self.made_up

    def to(self, state: str, now: float, **changes: Any) -> "Run":
        """The run in its next state. When it first began stays."""
        times = {**self.times, state: now} | ({RUNNING: self.times[RUNNING]} if RUNNING in self.times else {})
        return replace(self, state=state, **{"times": times, "touched_at": now, **changes})

    @property
    def is_coming(self) -> bool:
        """Whether it has people to address yet."""
        return self.state in (SCHEDULED, RUNNING, TESTING) or (
            self.state == PAUSED and self.before in (RUNNING, TESTING)
        )

    @property
    def hold(self) -> Hold | None:
        """What keeps its queued messages from leaving."""
        if self.state == PAUSED:
            return Hold(self.broadcast.origin, PAUSE, self.times[PAUSED], note=self.note or "the broadcast is paused")
        if self.state == STOPPED and DONE not in self.times:
            note = "the broadcast was stopped before this could be sent"
            return Hold(self.broadcast.origin, STOP, self.times[STOPPED], note=note)
        return None

    @property
    def is_tried(self) -> bool:
        """Whether only the people of its test get it for now."""
        return self.broadcast.test is not None and not self.winner

    @property
    def decides_at(self) -> float | None:
        """When the test ends, once its people are addressed."""
        test = self.broadcast.test
        return self.times[TESTING] + test.lasts if test and TESTING in self.times else None

    def parts(self, shards: Iterable[str]) -> list[str]:
        """What it has to go through yet, of these shards and else."""
        wanted = [HELD] if HELD in self.cursors else []
        if self.state == RUNNING:
            wanted += [UNSENT] if self.attempt > 1 else shards
        return [part for part in wanted if self.cursors.get(part) != END]

    def rests(self, now: float) -> bool:
        return self.rests_until is not None and now < self.rests_until

    def is_in_test(self, contact_id: str) -> bool:
        """Whether somebody is among the people of its test, by lot."""
        test = self.broadcast.test
        return test is not None and is_among(test.share, self.broadcast.origin, "test", contact_id)

    def is_turn_of(self, contact_id: str) -> bool:
        """Whether somebody is to be addressed now: in a test, or else the rest."""
        return self.broadcast.test is None or self.is_in_test(contact_id) == self.is_tried

    def pick(self, contact_id: str) -> tuple[str, str] | None:
        """(template, variant) for somebody; None when it is not their turn yet. The variant is "" out of the test."""
        if not self.is_in_test(contact_id):
            return None if self.is_tried else (self.winner or self.broadcast.template, "")
        variant = choose(dict.fromkeys(self.broadcast.templates, 1.0), self.broadcast.origin, "variant", contact_id)
        return variant, variant

    @property
    def events_at(self) -> float:
        """The time of the events that address people: the same however often the run is begun."""
        return self.times[RUNNING]

    def is_for(self, since: float) -> bool:
        """Whether it is for somebody who is in its segment since then: who came after it began gets nothing."""
        return since <= self.events_at


def plan_run(document: Mapping[str, Any], edit: int, before: Run | None, now: float) -> Run:
    """The run that scheduling a draft, already checked, makes. `before` is one that was cancelled."""
    broadcast = parse_broadcast(document)
    at = now if broadcast.begins_at is None else broadcast.begins_at
    # In the far east the hour may have passed; there it is sent at once.
    at = max(at, now) if broadcast.zone == READER else at
    return Run(broadcast, document, edit, before.number + 1 if before else 1, SCHEDULED, at, {SCHEDULED: now})


# What is to be done about a run.
ADDRESS, COUNT, DECIDE, NOTHING = "address", "count", "decide", "nothing"


def next_task(run: Run | None, number: int, now: float) -> str:
    """What whoever looks at a run has to do. `number` is the one that was meant: it may have been scheduled anew."""
    if run is None or run.number != number:
        return NOTHING
    if run.state == SCHEDULED:
        # A schedule may ring a little early, and the clock of whoever hears it be some minutes behind.
        return ADDRESS if now >= run.at - 600.0 else NOTHING
    if run.state == PAUSED or run.rests(now):
        return NOTHING
    if run.state == RUNNING or run.parts(()):
        # Once counted, all parts have been gone through, and only who was missed is left.
        again = ADDRESS if run.parts(()) or not run.tally else COUNT
        return again if now - run.touched_at >= ABANDONED else NOTHING
    if run.state == TESTING and run.broadcast.test and run.decides_at is not None:
        return DECIDE if run.broadcast.test.is_automatic and now >= run.decides_at else NOTHING
    return COUNT if run.state in (MAILING, DONE, STOPPED) else NOTHING


def next_look(run: Run, now: float) -> float | None:
    """When somebody has to look at the run again; None when it is over.

    A look at a run that addresses people sees whether somebody is at it. A later one counts every message, so these
    move apart with the age of the run. They lie at the same instants whoever asks, so that many who look have one
    schedule among them.
    """
    if DONE in run.times and run.state in (DONE, STOPPED):
        settled = run.times[DONE] + AFTERMATH
        return settled if now < settled else None
    if run.state in (CANCELLED, PAUSED):
        return None
    if run.rests_until is not None and run.rests(now):
        return run.rests_until
    since, most = max(run.at, run.set_going_at), ABANDONED
    if run.state == TESTING and run.broadcast.test and run.decides_at is not None and not run.parts(()):
        if not run.broadcast.test.is_automatic:
            return None
        since = run.decides_at - SOONEST_LOOK
    elif run.state != RUNNING or run.tally:
        most = LATEST_LOOK
    age = SOONEST_LOOK
    while since + age <= now + SETTLING:
        age += min(age / 2, most)
    return since + age


def after_count(run: Run, tally: Tally, now: float) -> Run:
    """The run after all its messages were counted: done when everybody was addressed, each message has come to an end,
    and none waits for a gate."""
    counted = replace(run, tally=replace(tally, counted_at=now), touched_at=now)
    if run.state == RUNNING:
        return counted if run.is_missing else counted.to(TESTING if run.is_tried else MAILING, now)
    is_over = not tally.pending and not tally.some_wait and not run.parts(())
    if run.state == MAILING and is_over and now - run.times[MAILING] >= SETTLING:
        return counted.to(DONE, now)
    # Whoever addressed people just then may have been at it for a minute yet.
    if run.state == STOPPED and is_over and now - run.times[STOPPED] >= 2 * SETTLING and DONE not in run.times:
        return replace(counted, times={**counted.times, DONE: now})
    return counted


# What people do with a run.


def pause(run: Run, now: float, note: str = "") -> Run:
    """Nothing of it leaves any more, until it is resumed. Raises RunStateError."""
    if run.state == PAUSED:
        return run
    if run.state not in UNDER_WAY:
        raise RunStateError(f"It is {run.state}; only a broadcast that is under way can be paused.")
    return run.to(PAUSED, now, before=run.state, note=note, rests_until=None)


def resume(run: Run, now: float) -> Run:
    """It goes on where it was, and what was held is queued again. Raises RunStateError."""
    if run.state != PAUSED:
        raise RunStateError(f"It is {run.state}, and not paused.")
    return _set_going(run.to(run.before, now, before="", note=""), {HELD: ""}, now)


def stop(run: Run, now: float) -> Run:
    """Nobody else gets it, and what is queued ends as skipped; there is no way back. Raises RunStateError."""
    if run.state == STOPPED:
        return run
    if run.state not in (*UNDER_WAY, PAUSED):
        raise RunStateError(f"It is {run.state}; only a broadcast that is under way can be stopped.")
    return _set_going(run.to(STOPPED, now, before="", note="", rests_until=None), {HELD: ""}, now)


def choose_winner(run: Run, template: str, because: str, now: float) -> Run:
    """The rest gets this template. Raises RunStateError."""
    if run.state != TESTING:
        raise RunStateError(f"It is {run.state}; a winner is chosen while it is testing.")
    if template not in run.broadcast.templates:
        raise RunStateError(f"It tests {', '.join(run.broadcast.templates)}, and not {template[:64]}.")
    known = {HELD: run.cursors[HELD]} if HELD in run.cursors else {}
    return _set_going(run.to(RUNNING, now, winner=template, verdict=because, tally=None, cursors={}), known, now)


def send_again(run: Run, now: float) -> Run:
    """Once more to those whom the last attempt failed, and nobody else. Raises RunStateError."""
    if run.state != DONE:
        raise RunStateError(f"It is {run.state}; it is sent once more only when it is done.")
    if not run.tally or not run.tally.states.get(FAILED):
        raise RunStateError("It has failed nobody. Of whom nobody knows whether they got it, it is never sent again.")
    if run.attempt >= MOST_ATTEMPTS:
        raise RunStateError(f"It was sent {run.attempt} times already; whoever has not got it will not.")
    times = {state: time for state, time in run.times.items() if state != DONE}
    again = replace(run, times=times).to(RUNNING, now, attempt=run.attempt + 1, tally=None, cursors={})
    return _set_going(again, {}, now)


def _set_going(run: Run, parts: Mapping[str, str], now: float) -> Run:
    """Nobody works at it yet, so whoever looks may begin at once."""
    return replace(run, cursors={**run.cursors, **parts}, touched_at=0.0, set_going_at=now)


def forecast_end(run: Run, expected: int, made: int, on_the_way: int, now: float) -> float | None:
    """When the last message will about have left, by how fast they went until now; None while nobody can tell.

    `expected` is how many are to get it, `made` how many messages there are, `on_the_way` those not sent yet.
    """
    passed, gone = now - run.times.get(RUNNING, now), made - on_the_way
    if run.state not in (RUNNING, MAILING) or run.rests(now) or passed <= 0 or gone < 1:
        return None
    left = max(expected, made) - gone if run.state == RUNNING else on_the_way
    return now + left * passed / gone


# ------------------------------------------------------------------------------------------------- people and messages


def message_id_of(broadcast_id: str, contact_id: str, attempt: int = 1) -> str:
    """Sixteen characters (96 bits), the same whenever this attempt of this broadcast addresses this contact."""
    names = (KIND, broadcast_id, contact_id, *([str(attempt)] if attempt > 1 else ()))
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    return urlsafe_b64encode(digest[:12]).decode()


def event_for(run: Run, contact_id: str) -> Event:
    """The event by which a contact hears of a broadcast. It is the same event for each contact's whole life, and
    another one for another attempt."""
    broadcast = run.broadcast
    template, variant = run.pick(contact_id) or (broadcast.template, "")
    trial = broadcast.test if variant and broadcast.test and broadcast.test.event else None
    facts = {
        "variant": variant,
        # What the person has to do, and within how many seconds, to count for the variant.
        "goal": trial.event if trial else "",
        "within": trial.lasts if trial else "",
        "priority": broadcast.priority if broadcast.priority != USUAL_PRIORITY else "",
        "local_time": broadcast.local_time,
        "attempt": run.attempt if run.attempt > 1 else "",
    }
    return Event(
        event_id=f"{KIND}-{broadcast.id}" + (f"~{run.attempt}" if run.attempt > 1 else ""),
        name=BROADCAST_ADDRESSED,
        time=run.events_at,
        key_time=run.events_at,
        contact_id=contact_id,
        trusted=True,
        source="postroad",
        properties={
            "broadcast": broadcast.id,
            "name": broadcast.name,
            "segment": broadcast.segment,
            "template": template,
            **{name: value for name, value in facts.items() if value != ""},
        },
    )


def trial_key(broadcast_id: str) -> str:
    """How contacts name their part in the test of a broadcast; no experiment of a journey is called so."""
    return f"/{KIND}/{broadcast_id}"


def twins_of(message: Message, contact: Contact) -> tuple[Sequence[str], Sequence[str]]:
    """Ids of the messages that the same person may have of the same broadcast, of earlier attempts or having been
    several contacts.

    Those before which this one gives way unless they never left, and those that only count once they have left.
    """
    kind, _, broadcast_id = message.origin.partition("/")
    is_first = kind == KIND and message.message_id == message_id_of(broadcast_id, message.contact_id)
    if kind != KIND or (is_first and not contact.merged_from):
        return (), ()
    attempts = 1 if is_first else MOST_ATTEMPTS
    people = (contact.contact_id, *contact.merged_from)
    ids = [message_id_of(broadcast_id, each, attempt) for attempt in range(1, attempts + 1) for each in people]
    if message.message_id not in ids:
        return ids, ()
    rank = ids.index(message.message_id)
    return ids[:rank], ids[rank + 1 :]


# What a person's other messages of the same broadcast mean for one of them.
ALONE, DOUBLE, WAIT = "alone", "double", "wait"


def judge_twins(before: Iterable[Message | None], after: Iterable[Message | None]) -> str:
    """Whether a message may leave, is one too many, or has to wait until a twin that is being sent has an outcome.

    `before` and `after` are what `twins_of` named. Of two that are being sent at once, one waits and one gives way.
    """
    later = [twin for twin in after if twin]
    if any(twin and twin.state not in _NEVER_LEFT for twin in before):
        return DOUBLE
    if any(twin.state not in (QUEUED, SENDING, *_NEVER_LEFT) for twin in later):
        return DOUBLE
    return WAIT if any(twin.state == SENDING for twin in later) else ALONE
