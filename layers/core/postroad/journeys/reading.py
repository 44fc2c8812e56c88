"""What a step may use while its document is read: happenings, predicates, arms and names of other definitions.

A happening is an event that starts a journey, reaches its goal or ends a wait: `{event: "Order Completed", where: …}`,
or `{segment: "vip"}`, which is entering that segment.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NamedTuple

from postroad.behaviour import Tracker, find_time
from postroad.contacts import Contact
from postroad.documents import Reader
from postroad.events import SEGMENT_ENTERED, Event
from postroad.instants import DAY
from postroad.predicates import JOURNEY, EventPattern, Predicate, read_pattern, read_predicate

# What is older, such as imported history, starts no journey.
TRIGGER_AGE = 7 * DAY
# Of what a journey listens for, so many of the latest times are remembered: the news of it may come before that of what
# it follows.
REMEMBERED = 5


class Happening(NamedTuple):
    """An event that a journey listens for; `segment` is set when it is entering that segment."""

    pattern: EventPattern
    segment: str | None = None

    @property
    def key(self) -> str:
        """The event's name in lower case, by which books index it."""
        return self.pattern.key

    def matches(self, event: Event | None) -> bool:
        return event is not None and self.pattern.matches(event)

    def find_time(self, contact: Contact, after: float, until: float) -> float | None:
        """When it first happened after one instant, and not after the other, as far as the contact remembers."""
        return find_time(contact.behaviour.get(self.pattern.tracker_id), after, until)

    def describe(self) -> str:
        return f"entering segment {self.segment}" if self.segment else self.pattern.describe()


class Reference(NamedTuple):
    """A definition that a journey names, and where it does; a template also for which channel."""

    kind: str
    id: str
    path: str
    channel: str = ""


@dataclass(slots=True)
class Findings:
    """What the whole journey turns out to read, await and name."""

    reads: set[str] = field(default_factory=set)
    trackers: list[Tracker] = field(default_factory=list)
    waits_for: set[str] = field(default_factory=set)
    references: list[Reference] = field(default_factory=list)
    sends: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Scope:
    """Where a step stands. `sent` are the send steps that may have come before it, None when any may have.

    `arms` gathers the lists of steps that leave it, by name; they are read after the step itself.
    """

    findings: Findings
    sent: frozenset[str] | None = None
    arms: dict[str, list[Reader]] = field(default_factory=dict)

    def arm(self, reader: Reader, key: str, name: str = "") -> None:
        """The steps under this key are one way on from here; without any, it goes to the next step."""
        reader.expect(key)
        self.arms[name or key] = reader.children(key, least=0, most=200) if reader.has(key) else []

    def predicate(self, reader: Reader) -> Predicate:
        """The predicate that the object under the reader is."""
        predicate = read_predicate(reader, allow=JOURNEY)
        self.findings.reads |= predicate.reads
        self.findings.trackers += predicate.trackers
        for fact in sorted(predicate.reads):
            kind, _, name = fact.partition(":")
            if kind == "mark":
                self._check_mark(reader, name)
            elif kind in ("segment", "score"):
                self.refer(kind, name, reader.path)
            elif kind == "consent":
                self.refer("topic", name, reader.path)
        return predicate

    def happening(self, reader: Reader) -> Happening:
        """The happening that the object under the reader says; other keys are left to the caller."""
        if reader.has("event") or not reader.has("segment"):
            if not reader.has("event"):
                reader.expect("segment")
            return Happening(read_pattern(reader))
        segment = reader.id("segment")
        self.refer("segment", segment, reader.path)
        entered = {"event": SEGMENT_ENTERED, "where": {"property": "segment", "is": segment or "-"}}
        return Happening(read_pattern(Reader(entered, reader.path, reader)), segment)

    def listen(self, happening: Happening) -> None:
        """This may move an enrollment, by the news of it, or remembered when that came too early."""
        self.awaits([happening.key])
        self.findings.trackers.append(happening.pattern.tracker(REMEMBERED, TRIGGER_AGE))

    def awaits(self, events: Iterable[str]) -> None:
        """Events of these names (in lower case) may move an enrollment."""
        self.findings.waits_for.update(events)

    def refer(self, kind: str, name: str, path: str, channel: str = "") -> None:
        """Another definition is named here."""
        if name:
            self.findings.references.append(Reference(kind, name, path, channel))

    def _check_mark(self, reader: Reader, step_id: str) -> None:
        sent = self.findings.sends if self.sent is None else self.sent
        if step_id not in sent:
            close = get_close_matches(step_id, sent, 1, 0.5)
            known = f"did you mean '{close[0]}'?" if close else "name the id of an earlier send step"
            reader.mistake(f"no send step '{step_id}' comes before this; {known}")
