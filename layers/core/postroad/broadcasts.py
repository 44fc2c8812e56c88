"""Broadcasts: one message, sent once, to everybody who is in a segment at a chosen time.

A broadcast is drafted like any definition, and scheduled instead of published. What was scheduled is a *run*: it
addresses the people of the segment, each by an event of their own, then waits until each message has come to an end.

    scheduled ──▶ running ──▶ sending ──▶ done
        └──▶ cancelled

A run is begun again whenever nobody has worked at it for a while; an event acts once, and ids of messages are derived,
so nobody is sent anything twice.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from postroad.contacts import USUAL_PRIORITY, Contact
from postroad.documents import Reader, read_head
from postroad.events import BROADCAST_ADDRESSED, Event
from postroad.instants import DAY, format_instant
from postroad.messages import FAILED, QUEUED, SENDING, SKIPPED, Message

KIND = "broadcast"

DRAFT = "draft"
SCHEDULED = "scheduled"
RUNNING = "running"
# All are addressed, and messages are on their way.
MAILING = "sending"
DONE = "done"
CANCELLED = "cancelled"
STATES = (DRAFT, SCHEDULED, RUNNING, MAILING, DONE, CANCELLED)

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


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What is sent, to whom, and when (epoch seconds; None: as soon as it is scheduled)."""

    id: str
    name: str
    description: str
    segment: str
    template: str
    at: float | None
    priority: int = USUAL_PRIORITY

    @property
    def origin(self) -> str:
        """What its messages say of where they come from."""
        return f"{KIND}/{self.id}"

    def describe(self) -> tuple[str, ...]:
        when = "as soon as it is scheduled" if self.at is None else f"at {format_instant(self.at)}"
        return (f"sends {self.template} once to everybody in the segment {self.segment}, {when}",)


def parse_broadcast(document: object) -> Broadcast:
    """The broadcast of a document `{kind, id, name, segment, template, at}`. Raises DefinitionError."""
    reader = Reader(document)
    head = read_head(reader, KIND)
    broadcast = Broadcast(
        *head,
        reader.id("segment"),
        reader.id("template"),
        reader.instant("at", None),
        reader.integer("priority", USUAL_PRIORITY, least=0, most=100),
    )
    reader.finish()
    return broadcast


def find_missing(
    broadcast: Broadcast, segments: Collection[str], templates: Collection[str]
) -> tuple[tuple[str, str], ...]:
    """References to what is not published."""
    wanted = (("segment", broadcast.segment, segments), ("template", broadcast.template, templates))
    return tuple(
        (kind, f"there is no published {kind} called {name!r}") for kind, name, known in wanted if name not in known
    )


# -------------------------------------------------------------------------------------------------------------- runs


@dataclass(frozen=True, slots=True)
class Tally:
    """What has become of a broadcast's messages: how many are in each state, and why some were not sent.

    `audience` is their sum, so the numbers always add up.
    """

    states: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    counted_at: float = 0.0

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
        return {"states": dict(self.states), "reasons": dict(self.reasons), "counted_at": self.counted_at}


def parse_tally(document: Mapping[str, Any]) -> Tally:
    """The tally of a document that `to_document` wrote."""
    return Tally(document["states"], document["reasons"], document["counted_at"])


@dataclass(frozen=True, slots=True)
class Run:
    """A broadcast that has been scheduled.

    `document` is the draft as it was at its edit `edit`. `number` counts how often it was scheduled; `at` is when it
    begins, `times` when it came into each state. `touched_at` is when somebody last worked at it. `missed` counts how
    often AWS did not let people through to be addressed, `made_up` up to which of these they were addressed after all.
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

    @property
    def is_missing(self) -> bool:
        """Whether there are people who could not be addressed yet."""
        return self.missed > self.made_up

    def to(self, state: str, now: float, **changes: Any) -> "Run":
        """The run in its next state."""
        return replace(self, state=state, times={**self.times, state: now}, touched_at=now, **changes)

    @property
    def is_coming(self) -> bool:
        """Whether it has people to address yet."""
        return self.state in (SCHEDULED, RUNNING)

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
    at = now if broadcast.at is None else broadcast.at
    return Run(broadcast, document, edit, before.number + 1 if before else 1, SCHEDULED, at, {SCHEDULED: now})


# What is to be done about a run.
ADDRESS, COUNT, NOTHING = "address", "count", "nothing"


def next_task(run: Run | None, number: int, now: float) -> str:
    """What whoever looks at a run has to do. `number` is the one that was meant: it may have been scheduled anew."""
    if run is None or run.number != number:
        return NOTHING
    if run.state == SCHEDULED:
        # A schedule may ring a little early, and the clock of whoever hears it be some minutes behind.
        return ADDRESS if now >= run.at - 600.0 else NOTHING
    if run.state == RUNNING:
        # Once counted, all shards have been gone through, and only who was missed is left.
        again = COUNT if run.tally else ADDRESS
        return again if now - run.touched_at >= ABANDONED else NOTHING
    return COUNT if run.state in (MAILING, DONE) else NOTHING


def next_look(run: Run, now: float) -> float | None:
    """When somebody has to look at the run again; None when it is over.

    A look at a run that addresses people sees whether somebody is at it. A later one counts every message, so these
    move apart with the age of the run. They lie at the same instants whoever asks, so that many who look have one
    schedule among them.
    """
    if run.state == DONE:
        settled = run.times[DONE] + AFTERMATH
        return settled if now < settled else None
    if run.state == CANCELLED:
        return None
    age, most = SOONEST_LOOK, LATEST_LOOK if run.state == MAILING or run.tally else ABANDONED
    while run.at + age <= now + SETTLING:
        age += min(age / 2, most)
    return run.at + age


def after_count(run: Run, tally: Tally, now: float, *, some_wait: bool = False) -> Run:
    """The run after all its messages were counted: done when everybody was addressed, each message has come to an end,
    and none waits for a gate."""
    counted = replace(run, tally=replace(tally, counted_at=now), touched_at=now)
    if run.state == RUNNING:
        return counted if run.is_missing else counted.to(MAILING, now)
    if run.state == MAILING and not tally.pending and not some_wait and now - run.times[MAILING] >= SETTLING:
        return counted.to(DONE, now)
    return counted


# ------------------------------------------------------------------------------------------------- people and messages


def message_id_of(broadcast_id: str, contact_id: str) -> str:
    """Sixteen characters (96 bits), the same whenever this broadcast addresses this contact."""
    digest = hashlib.sha256("\0".join((KIND, broadcast_id, contact_id)).encode()).digest()
    return urlsafe_b64encode(digest[:12]).decode()


def event_for(run: Run, contact_id: str) -> Event:
    """The event by which a contact hears of a broadcast. It is the same event for each contact's whole life."""
    broadcast = run.broadcast
    return Event(
        event_id=f"{KIND}-{broadcast.id}",
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
            "template": broadcast.template,
            **({"priority": broadcast.priority} if broadcast.priority != USUAL_PRIORITY else {}),
        },
    )


def twins_of(message: Message, contact: Contact) -> tuple[Sequence[str], Sequence[str]]:
    """Ids of the messages that the same person may have of the same broadcast, having been several contacts.

    Those before which this one gives way unless they never left, and those that only count once they have left.
    """
    kind, _, broadcast_id = message.origin.partition("/")
    if kind != KIND or not contact.merged_from:
        return (), ()
    ids = [message_id_of(broadcast_id, contact_id) for contact_id in (contact.contact_id, *contact.merged_from)]
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
