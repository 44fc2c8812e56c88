"""The step types of journeys, in one table: what each reads from its document, does, and says in English.

A step is *entered* once a visit and either goes on at once, stays, or ends the enrollment. While an enrollment stays at
a step, every event, mark and wake *resumes* that step. The ways on are named: an arm of that name, else the next step.

send     asks for a message and goes on at once; whether it is sent, skipped or failed does not hold the journey up.
wait     `for` a duration from entering; `until` a local time of the contact; for an `event`, or until a message was
         `opened` or `clicked` or the contact is in a `segment`, at most for `timeout`. It ends at `due`, an instant
         fixed on entering. An event counts when since <= time < due, by its own time (never later than now): one that
         happened before the wait was entered does not count, nor does one at the very instant at which the wait ends.
         One whose news came before the wait was entered is remembered; it counts when it happened after `since`.
         A fact (opened, clicked, segment) that already holds on entering goes on at once: it is a state, no occurrence;
         nor does it matter how it has come about by the time at which the wait ends.
update   changes the contact. It stays, due at once, so that the fold applies the change before the journey goes on.
branch   takes the first case whose predicate holds, else `else`.
exit     ends the enrollment as exited, with its reason.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, time
from math import inf
from typing import Any, ClassVar, NamedTuple, Protocol

from postroad.channels import CHANNELS, USUAL
from postroad.contacts import Enrollment
from postroad.documents import Reader, parse_text
from postroad.events import EMAIL_CLICKED, EMAIL_OPENED, SEGMENT_ENTERED, Event
from postroad.instants import DAY, describe_duration, format_instant
from postroad.journeys.reading import Happening, Scope
from postroad.local_time import WEEKDAYS, find_zone, next_local, parse_time_of_day
from postroad.operators import describe_name
from postroad.predicates import Predicate, View

LONGEST = 3_660 * DAY
TIMEZONE = "timezone"  # the attribute that says where a contact's clock stands


class Effect(Protocol):
    """What a step asks the fold to do; each kind of effect has its entry in the fold's table of them."""

    @property
    def step_id(self) -> str: ...


class Send(NamedTuple):
    """Effect: queue this message."""

    step_id: str
    template: str
    channel: str
    message_id: str
    expires_at: float | None


class Update(NamedTuple):
    """Effect: change the contact's attributes, and its stage unless None."""

    step_id: str
    set: Mapping[str, Any]
    unset: tuple[str, ...]
    stage: str | None


class Here(NamedTuple):
    """Where and when a step is asked. `event` is one it may use, None when there is none or it has been used up.

    `timezones` are names to try for the contact's local time after its own, the first that exists wins.
    """

    step_id: str
    enrollment: Enrollment
    view: View
    now: float
    event: Event | None
    timezones: tuple[str | None, ...]

    @property
    def moment(self) -> float:
        """When the event happened: by its own time, which a sender's wrong clock may not move into the future."""
        return min(self.event.time, self.now) if self.event else self.now


class Go(NamedTuple):
    """It goes on. `way` names an arm ("" is the next step); `at` is when that was decided if not on entering."""

    way: str
    verdict: str
    because: str
    effects: tuple[Effect, ...] = ()
    at: float | None = None
    used_event: bool = False


class Cause(NamedTuple):
    """What has ended a wait early, and when; `is_event` says that it was the event in hand, which that uses up."""

    because: str
    at: float
    is_event: bool

    def go(self) -> Go:
        return Go("then", "yes", f"{self.because}, {stamp(self.at)}", at=self.at, used_event=self.is_event)


class Stay(NamedTuple):
    """It stays until `due`, unless something happens before."""

    due: float
    verdict: str = ""
    because: str = ""
    effects: tuple[Effect, ...] = ()


class End(NamedTuple):
    """The enrollment ends here."""

    state: str
    reason: str
    because: str


Answer = Go | Stay | End


class StepType:
    """What every step can do; a type overrides what differs. `ends` says that nothing comes after it."""

    __slots__ = ()
    key: ClassVar[str]
    ends: ClassVar[bool] = False

    @property
    def longest(self) -> float:
        """Seconds that somebody stays here at most."""
        return 0.0

    def enter(self, here: Here) -> Answer:
        raise NotImplementedError

    def resume(self, here: Here) -> Answer:
        """Asked while the enrollment stays here; a step that never stays is simply entered again."""
        return self.enter(here)

    def describe(self) -> str:
        raise NotImplementedError

    def describe_arm(self, name: str) -> str:
        """When that way is taken, as the beginning of a list."""
        return f"{name}:"

    def is_choice(self, name: str) -> bool:
        """Whether that way is worth a line though it has no steps of its own."""
        return False


@dataclass(frozen=True, slots=True)
class SendStep(StepType):
    key = "send"
    template: str
    channel: str
    expires: float | None

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "SendStep":
        template = reader.id("template")
        channel = reader.choice("channel", CHANNELS, USUAL)
        scope.refer("template", template, f"{reader.path}.template", channel)
        return cls(template, channel, reader.duration("expires", None, least=60, most=LONGEST))

    def enter(self, here: Here) -> Answer:
        visit = here.enrollment.visits[here.step_id]
        message_id = f"{here.enrollment.enrollment_id}.{here.step_id}" + (f"~{visit}" if visit > 1 else "")
        expires_at = None if self.expires is None else here.now + self.expires
        effect = Send(here.step_id, self.template, self.channel, message_id, expires_at)
        return Go("", "send", f"{self.template} by {self.channel}", (effect,))

    def describe(self) -> str:
        expires = "" if self.expires is None else f", unless it is older than {describe_duration(self.expires)} by then"
        return f"Send {self.template} by {self.channel}{expires}"


class Wait(StepType):
    """Stays until `due`. What happens before leads to `then`, the end of the wait to `else`; both may be just next."""

    __slots__ = ()
    key = "wait"

    def find_end(self, here: Here) -> tuple[float, str]:
        """(when the wait that is entered now ends, a note for the decision)."""
        raise NotImplementedError

    def find_cause(self, here: Here, due: float) -> Cause | None:
        """What has happened before `due` that ends the wait early."""
        return None

    def enter(self, here: Here) -> Answer:
        due, note = self.find_end(here)
        return Stay(due, "wait", f"until {stamp(due)}{note}")

    def resume(self, here: Here) -> Answer:
        due = here.enrollment.due or 0.0
        cause = self.find_cause(here, due)
        if cause:
            return cause.go()
        if here.now >= due:
            return Go("else", "over", f"the wait ended {stamp(due)}", at=due)
        return Stay(due)

    def describe_arm(self, name: str) -> str:
        return {"then": "If it happens:", "else": "If the time runs out:"}[name]


@dataclass(frozen=True, slots=True)
class WaitFor(Wait):
    seconds: float

    @property
    def longest(self) -> float:
        return self.seconds

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "WaitFor":
        return cls(reader.duration("for", least=1, most=LONGEST))

    def find_end(self, here: Here) -> tuple[float, str]:
        return here.now + self.seconds, ""

    def describe(self) -> str:
        return f"Wait for {describe_duration(self.seconds)}"


@dataclass(frozen=True, slots=True)
class WaitUntil(Wait):
    hour: time
    weekdays: tuple[int, ...]
    timezone: str | None

    @property
    def longest(self) -> float:
        return 8 * DAY  # the same weekday again, and a clock change

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "WaitUntil":
        any_day: tuple[int, ...] = ()
        return cls(
            reader.read("until", parse_time_of_day, time()),
            reader.read("weekdays", parse_weekdays, any_day, any_day),
            reader.read("timezone", parse_zone, None, None),
        )

    def find_end(self, here: Here) -> tuple[float, str]:
        own = here.view.contact.find_value(TIMEZONE)
        names = (own, self.timezone, *here.timezones)
        zone = next((zone for zone in map(find_zone, names) if zone), UTC)
        note = f" ({self.hour:%H:%M} {zone})"
        if own is not None and find_zone(own) is None:
            note += f"; the contact's {TIMEZONE} is none that we know"
        return next_local(here.now, self.hour, zone, self.weekdays), note

    def describe(self) -> str:
        days = f" on {', '.join(WEEKDAYS[day].capitalize() for day in self.weekdays)}" if self.weekdays else ""
        zone = f" (where that is not known: {self.timezone})" if self.timezone else ""
        return f"Wait until {self.hour:%H:%M}{days}, local time{zone}"


@dataclass(frozen=True, slots=True)
class WaitForEvent(Wait):
    happening: Happening
    timeout: float

    @property
    def longest(self) -> float:
        return self.timeout

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "WaitForEvent":
        happening = scope.happening(reader)
        scope.listen(happening)
        return cls(happening, read_timeout(reader, scope))

    def find_end(self, here: Here) -> tuple[float, str]:
        return here.now + self.timeout, f" for {self.happening.describe()}"

    def find_cause(self, here: Here, due: float) -> Cause | None:
        since, is_event = here.enrollment.since, False
        at = self.happening.find_time(here.view.contact, since, here.now)
        if self.happening.matches(here.event) and since <= here.moment and (at is None or here.moment <= at):
            at, is_event = here.moment, True
        return Cause(self.happening.describe(), at, is_event) if at is not None and at < due else None

    def enter(self, here: Here) -> Answer:
        if self.happening.matches(here.event):
            return Wait.enter(self, here)  # and is resumed with the event in hand
        cause = self.find_cause(here, inf)
        return cause.go() if cause else Wait.enter(self, here)

    def describe(self) -> str:
        return f"Wait for {self.happening.describe()}, at most {describe_duration(self.timeout)}"


@dataclass(frozen=True, slots=True)
class WaitForFact(Wait):
    fact: Predicate
    timeout: float
    segment: str | None

    @property
    def longest(self) -> float:
        return self.timeout

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "WaitForFact":
        key = next(key for key in FACTS if reader.has(key))
        reader.expect(key)
        fact = scope.predicate(Reader({key: reader.document[key]}, reader.path, reader))
        scope.awaits(FACTS[key])
        segment = str(reader.document[key]) if key == "segment" else None
        return cls(fact, read_timeout(reader, scope), segment)

    def find_end(self, here: Here) -> tuple[float, str]:
        return here.now + self.timeout, f" for: {self.fact.describe()}"

    def find_cause(self, here: Here, due: float) -> Cause | None:
        is_late = here.event is not None and here.moment >= due
        if not self.fact.evaluate(here.view).truth or (is_late and self.is_new(here, due)):
            return None
        return Cause(self.fact.describe(), min(here.moment, due), not is_late)

    def is_new(self, here: Here, due: float) -> bool:
        """Whether it became true only with the event in hand, after the wait had ended."""
        if self.segment is not None:
            return here.view.contact.segments[self.segment] >= due
        return here.event is not None and here.event.name in (EMAIL_OPENED, EMAIL_CLICKED)

    def enter(self, here: Here) -> Answer:
        if self.fact.evaluate(here.view).truth:
            return Go("then", "yes", f"{self.fact.describe()}, already")
        return Wait.enter(self, here)

    def describe(self) -> str:
        return f"Wait until: {self.fact.describe()}, at most {describe_duration(self.timeout)}"


@dataclass(frozen=True, slots=True)
class BranchStep(StepType):
    key = "branch"
    cases: Mapping[str, Predicate]

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "BranchStep":
        cases: dict[str, Predicate] = {}
        for number, child in enumerate(reader.children("cases", most=20), 1):
            name = child.text("name", f"case {number}", longest=64)
            if name in cases or name == "else":
                child.mistake(f"two ways are called '{name}'; give each case a name of its own", "name")
            cases[name] = scope.predicate(child.child("if"))
            scope.arm(child, "then", name)
        scope.arm(reader, "else")
        return cls(cases)

    def enter(self, here: Here) -> Answer:
        for name, predicate in self.cases.items():
            if predicate.evaluate(here.view).truth:
                return Go(name, name, predicate.describe())
        return Go("else", "else", f"none of: {'; '.join(predicate.describe() for predicate in self.cases.values())}")

    def is_choice(self, name: str) -> bool:
        return name in self.cases

    def describe(self) -> str:
        return "Take the first way that holds"

    def describe_arm(self, name: str) -> str:
        predicate = self.cases.get(name)
        if predicate is None:
            return "Otherwise:"
        return f"{name[:1].upper()}{name[1:]}, if: {predicate.describe()}"


@dataclass(frozen=True, slots=True)
class UpdateStep(StepType):
    key = "update"
    set: Mapping[str, Any]
    unset: tuple[str, ...]
    stage: str | None

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "UpdateStep":
        values = {}
        changes = reader.find_child("set")
        for name in changes.document if changes else ():
            if not isinstance(name, str) or not 0 < len(name) <= 100:
                reader.mistake("the name of an attribute is text of at most 100 characters", "set")
            elif changes and changes.has(name):
                values[name] = changes.anything(name)
            else:
                reader.mistake("to take an attribute away, name it under unset", f"set.{name}")
        none: tuple[str, ...] = ()
        unset = reader.read("unset", parse_names, none, none)
        both = sorted(values.keys() & set(unset))
        if both:
            reader.mistake(f"{', '.join(both)} cannot be both set and unset", "unset")
        stage = reader.id("stage", None)
        scope.refer("stage", stage or "", f"{reader.path}.stage")
        if not (reader.is_broken or reader.has("set") or reader.has("unset") or reader.has("stage")):
            reader.mistake("says nothing to change; give set, unset or stage")
        return cls(values, unset, stage)

    def enter(self, here: Here) -> Answer:
        effect = Update(here.step_id, self.set, self.unset, self.stage)
        return Stay(here.now, "update", self.describe(), (effect,))

    def resume(self, here: Here) -> Answer:
        return Go("", "", "")

    def describe(self) -> str:
        parts = [f"set {describe_name(name)} to {show(value)}" for name, value in self.set.items()]
        parts += [f"unset {', '.join(map(describe_name, self.unset))}"] if self.unset else []
        parts += [f"move to stage {self.stage}"] if self.stage else []
        text = ", ".join(parts)
        return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class ExitStep(StepType):
    key = "exit"
    ends = True
    reason: str

    @classmethod
    def read(cls, reader: Reader, scope: Scope) -> "ExitStep":
        return cls(reader.text("reason", "exit", longest=100))

    def enter(self, here: Here) -> Answer:
        return End("exited", self.reason, f"reached the exit '{self.reason}'")

    def describe(self) -> str:
        return f"Exit: {self.reason}"


Read = Callable[[Reader, Scope], StepType]

# The facts that can be waited for, and the events (in lower case) at which they may have come true. Marks need none:
# whoever sets a mark advances its enrollment.
FACTS: Mapping[str, tuple[str, ...]] = {"opened": (), "clicked": (), "segment": (SEGMENT_ENTERED.lower(),)}

# What a wait can be for, by the key that says so.
WAITS: Mapping[str, Read] = {
    "for": WaitFor.read,
    "until": WaitUntil.read,
    "event": WaitForEvent.read,
    **dict.fromkeys(FACTS, WaitForFact.read),
}


def read_wait(reader: Reader, scope: Scope) -> StepType:
    """A wait of whichever kind its keys say."""
    key = choose(reader, WAITS, "a wait is")
    return WAITS[key](reader, scope) if key else WaitFor(1.0)


# Every type of step, by the key that says so.
STEP_TYPES: Mapping[str, Read] = {
    "send": SendStep.read,
    "wait": read_wait,
    "branch": BranchStep.read,
    "update": UpdateStep.read,
    "exit": ExitStep.read,
}


def choose(reader: Reader, table: Mapping[str, Read], what: str) -> str | None:
    """The one key of the table that the object has; a mistake, and None, when there is none or more than one."""
    reader.expect(*table)
    found = [key for key in table if reader.has(key)]
    if len(found) == 1:
        return found[0]
    if reader.is_broken or (reader.strangers() and not found):
        return None  # said already, or about to be: an unknown key is named with the one that was meant
    given = "this one has " + (" and ".join(found) if found else "none")
    reader.mistake(f"{what} one of {', '.join(table)}; {given}")
    return None


def read_timeout(reader: Reader, scope: Scope) -> float:
    """How long to wait at most, and the two ways on."""
    scope.arm(reader, "then")
    scope.arm(reader, "else")
    if not reader.has("timeout"):
        reader.mistake("is missing: say how long to wait at most, such as P2D", "timeout")
        reader.expect("timeout")
        return 1.0
    return reader.duration("timeout", least=1, most=LONGEST)


def parse_weekdays(raw: object) -> tuple[int, ...]:
    """Days of the week as numbers, Monday is 0. Raises ValueError with a sentence."""
    days = raw if isinstance(raw, list | tuple) else [raw]
    if not days or any(day not in WEEKDAYS for day in days):
        raise ValueError(f"must be a list of days out of {', '.join(WEEKDAYS)}")
    return tuple(sorted({WEEKDAYS.index(day) for day in days}))


def parse_zone(raw: object) -> str | None:
    """The name of a time zone. Raises ValueError with a sentence."""
    if find_zone(raw) is None:
        raise ValueError(f"{str(raw)[:40]!r} is not a time zone; write for example Europe/Madrid")
    return str(raw)


def parse_names(raw: object) -> tuple[str, ...]:
    """Names of attributes; one alone stands for a list of one. Raises ValueError with a sentence."""
    names = raw if isinstance(raw, list | tuple) else [raw]
    if not 1 <= len(names) <= 100:
        raise ValueError("must be a list of 1 to 100 names of attributes")
    return tuple(parse_text(name, 100) for name in names)


def stamp(time: float) -> str:
    """An instant as a person reads it, to the minute, in UTC."""
    return f"{format_instant(time)[:16].replace('T', ' ')} UTC"


def show(value: Any) -> str:
    """A JSON value in a sentence."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"
