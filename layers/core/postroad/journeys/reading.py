"""What a step may use while its document is read: happenings, predicates, arms and names of other definitions.

A happening is an event that starts a journey, reaches its goal or ends a wait. HAPPENINGS has every way to say one.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from postroad.advice.channels import WAYS
from postroad.contacts.contact import Contact, Enrollment
from postroad.documents import Reader, choose
from postroad.events import (
    CLICKS,
    FORM_SUBMITTED,
    JOURNEY_ENDED,
    OPENINGS,
    SEGMENT_ENTERED,
    SEGMENT_LEFT,
    Event,
)
from postroad.instants import DAY
from postroad.predicates.behaviour import Tracker, find_time
from postroad.predicates.predicate import JOURNEY, READABLE, EventPattern, Predicate, read_pattern, read_predicate

# What is older, such as imported history, starts no journey.
TRIGGER_AGE = 7 * DAY
# Of what a journey listens for, so many of the latest times are remembered: the news of it may come before that of what
# it follows.
REMEMBERED = 5


class Happening(NamedTuple):
    """An event that a journey listens for; `segment` is set when it is entering that segment.

    `sentence` is what it is called, when there is a better word than the event's own.
    """

    pattern: EventPattern
    segment: str | None = None
    sentence: str = ""

    @property
    def key(self) -> str:
        """The event's name in lower case, by which books index it."""
        return self.pattern.key

    def matches(self, event: Event | None) -> bool:
        return event is not None and self.pattern.matches(event)

    def find_time(self, contact: Contact, enrollment: Enrollment, after: float, until: float) -> float | None:
        """When it first happened after one instant, and not after the other, as far as the contact remembers. Of what
        passages that go side by side were about it remembers nothing."""
        if enrollment.key:
            return None
        return find_time(contact.behaviour.get(self.pattern.tracker_id), after, until)

    def describe(self) -> str:
        return self.sentence or self.pattern.describe()


class Reference(NamedTuple):
    """A definition that a journey names, and where it does; a template also for which channel."""

    kind: str
    id: str
    path: str
    channel: str = ""


class Asked(NamedTuple):
    """A step, or a rule of the whole journey (""), asks about the message of a send step; mistakes go to the reader."""

    step: str
    send: str
    reader: Reader


@dataclass(slots=True)
class Findings:
    """What the whole journey turns out to read, await, watch, name and ask about; `arms` is where in its document the
    steps of an arm stand, by step and name."""

    reads: set[str] = field(default_factory=set)
    trackers: list[Tracker] = field(default_factory=list)
    waits_for: set[str] = field(default_factory=set)
    watches: set[str] = field(default_factory=set)
    references: list[Reference] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    arms: dict[tuple[str, str], str] = field(default_factory=dict)


@dataclass(slots=True)
class Scope:
    """Where a step stands; `step` is its id, "" of what holds for the whole journey.

    `arms` gathers the lists of steps that leave it, by name; they are read after the step itself.
    """

    findings: Findings
    step: str = ""
    allow: frozenset[str] = JOURNEY
    arms: dict[str, list[Reader]] = field(default_factory=dict)

    def arm(self, reader: Reader, key: str, name: str = "") -> None:
        """The steps under this key are one way on from here; without any, it goes to the next step."""
        reader.expect(key)
        self.findings.arms[self.step, name or key] = f"{reader.path}.{key}"
        self.arms[name or key] = reader.children(key, least=0, most=200) if reader.has(key) else []

    def predicate(self, reader: Reader) -> Predicate:
        """The predicate that the object under the reader is."""
        predicate = read_predicate(reader, allow=self.allow)
        self.findings.reads |= predicate.reads
        self.findings.trackers += predicate.trackers
        for fact in sorted(predicate.reads):
            kind, _, name = fact.partition(":")
            if kind == "mark":
                self.findings.asked.append(Asked(self.step, name, reader))
            elif name and kind in READABLE:
                self.refer(kind, name, reader.path)
            elif kind == "best_channel" and name not in WAYS:
                reader.mistake(f"'{name}' is no way to reach anybody; there are {', '.join(WAYS)}", "best_channel")
            elif kind == "consent":
                self.refer("topic", name, reader.path)
        return predicate

    def happening(self, reader: Reader, others: Collection[str] = ()) -> Happening:
        """The happening that the object under the reader says; `others` are keys that might stand in its place."""
        key = choose(reader, (*HAPPENINGS, *others), "what happens is")
        return HAPPENINGS[key](reader, self) if key else Happening(EventPattern("", ""))

    def listen(self, happening: Happening) -> None:
        """This may move an enrollment, by the news of it, or remembered when that came too early."""
        self.awaits([happening.key])
        self.findings.trackers.append(happening.pattern.tracker(REMEMBERED, TRIGGER_AGE))

    def awaits(self, events: Iterable[str]) -> None:
        """Events of these names (in lower case) may move an enrollment."""
        self.findings.waits_for.update(events)

    def watch(self, facts: Iterable[str]) -> None:
        """An enrollment is asked again when one of these changes."""
        self.findings.watches.update(facts)

    def refer(self, kind: str, name: str, path: str, channel: str = "") -> None:
        """Another definition is named here."""
        if name:
            self.findings.references.append(Reference(kind, name, path, channel))


# Happenings


def _read_event(reader: Reader, scope: Scope) -> Happening:
    pattern, where = read_pattern(reader), reader.document.get("where")
    if pattern.key not in _ENGAGEMENTS or mentions(where, "actor"):
        return Happening(pattern)
    # What a machine opened or followed is nobody's doing, unless one asks for it.
    human: dict[str, object] = {"property": "actor", "is_not": "machine"}
    said = {"event": pattern.name, "where": {"all": [where, human]} if where else human}
    return Happening(read_pattern(Reader(said, reader.path, reader)), sentence=pattern.describe())


_ENGAGEMENTS = frozenset(name.lower() for name in (*OPENINGS, *CLICKS))


def mentions(where: object, name: str) -> bool:
    """Whether a condition on an event, as it is written, asks somewhere for this property."""
    if isinstance(where, list | tuple):
        return any(mentions(each, name) for each in where)
    if not isinstance(where, Mapping):
        return False
    return where.get("property") == name or any(mentions(each, name) for each in where.values())


def _read_entering(reader: Reader, scope: Scope) -> Happening:
    segment = reader.id("segment")
    scope.refer("segment", segment, reader.path)
    return Happening(_pattern(reader, SEGMENT_ENTERED, segment=segment), segment, f"entering segment {segment}")


def _read_leaving(reader: Reader, scope: Scope) -> Happening:
    segment = reader.id("left")
    scope.refer("segment", segment, f"{reader.path}.left")
    return Happening(_pattern(reader, SEGMENT_LEFT, segment=segment), sentence=f"leaving segment {segment}")


def _read_form(reader: Reader, scope: Scope) -> Happening:
    form = reader.id("form")
    scope.refer("form", form, f"{reader.path}.form")
    return Happening(_pattern(reader, FORM_SUBMITTED, form=form), sentence=f"submitting form {form}")


# How another journey can end for this one: the word for it, and what its event then says.
ENDINGS: Mapping[str, Mapping[str, str]] = {
    # An exit step may give any reason.
    "goal": {"state": "completed", "reason": "goal"},
    "completed": {"state": "completed", "reason": "finished"},
    "exited": {"state": "exited"},
    "failed": {"state": "failed"},
}


def _read_journey(reader: Reader, scope: Scope) -> Happening:
    journey = reader.id("journey")
    scope.refer("journey", journey, f"{reader.path}.journey")
    ended = reader.choice("ended", ENDINGS, None)
    said = ENDINGS[ended] if ended else {}
    how = f" as {ended}" if ended else ""
    return Happening(
        _pattern(reader, JOURNEY_ENDED, journey=journey, **said), sentence=f"the end of journey {journey}{how}"
    )


# Every way to say what happens, by the key that says so.
HAPPENINGS: Mapping[str, Callable[[Reader, Scope], Happening]] = {
    "event": _read_event,
    "segment": _read_entering,
    "left": _read_leaving,
    "form": _read_form,
    "journey": _read_journey,
}


def _pattern(reader: Reader, event: str, **properties: str) -> EventPattern:
    """The pattern of an event with these properties, whose mistakes stand where the reader is."""
    where = [{"property": name, "is": value or "-"} for name, value in properties.items()]
    return read_pattern(
        Reader({"event": event, "where": where[0] if len(where) == 1 else {"all": where}}, reader.path, reader)
    )
