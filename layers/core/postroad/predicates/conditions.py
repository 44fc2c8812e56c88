"""Conditions: what a predicate is made of, and how each part is judged and told.

Combining parts are `Group` and `Not`; leaves ask one thing about a contact or an event. What a document may say, and
which of these it becomes, is in `predicates`.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from math import inf
from typing import Any, NamedTuple, Protocol, TypeGuard

from postroad.advice.channels import find_best
from postroad.consent.rule import EVERY_TOPIC, ends_at, in_force, stands
from postroad.contacts.contact import Contact, Enrollment
from postroad.contacts.zones import clock_of
from postroad.events import (
    CLICKS,
    EMAIL_BOUNCED,
    EMAIL_COMPLAINED,
    EMAIL_DELIVERED,
    MESSAGE_DELIVERED,
    MESSAGE_FAILED,
    MESSAGE_SENT,
    MESSAGE_SKIPPED,
    OPENINGS,
    Event,
)
from postroad.instants import describe_duration
from postroad.predicates.behaviour import NOTHING, SCALE, Amounts, Memory, Summary, Tracker, find_most
from postroad.predicates.operators import Judge, Operator, describe_name, describe_value, elements_of
from postroad.predicates.verdicts import FALSE, TRUE, Sorting, Verdict, decide, deny
from postroad.sending.channels import USUAL
from postroad.sending.messages import split_message_id


class Ranged(Protocol):
    """A band of a score sheet."""

    @property
    def id(self) -> str: ...


class Sorter(Protocol):
    """A definition that sorts contacts into classes by name: the bands of a score, a grade, a matrix."""

    def sort(self, view: "View") -> Sorting: ...


class Scored(Sorter, Protocol):
    """A score sheet, as far as predicates know it. `bands` are the highest first."""

    @property
    def bands(self) -> Sequence[Ranged]: ...

    def evaluate(self, view: "View", holds: Callable[[float], bool], threshold: float) -> Verdict: ...


class View(NamedTuple):
    """What a predicate may look at. `assumed` are the topics that stand until they are refused, `timezone` is the
    account's, `sorters` are by key ("grade/fit"). `Book.view` makes one."""

    contact: Contact
    now: float
    scores: Mapping[str, Scored] = {}
    enrollment: Enrollment | None = None
    event: Event | None = None
    assumed: frozenset[str] = frozenset()
    timezone: str = "UTC"
    sorters: Mapping[str, Sorter] = {}
    # After how many seconds a yes ends, by topic.
    expiries: Mapping[str, float] = {}

    @property
    def zone(self) -> tzinfo:
        """Where the contact's clock stands, else the account's."""
        return clock_of(self.contact, self.timezone).zone


class Predicate(Protocol):
    """A condition. `reads` names the facts that it depends on; `trackers` what must be remembered for it."""

    @property
    def reads(self) -> frozenset[str]: ...
    @property
    def trackers(self) -> tuple[Tracker, ...]: ...
    def evaluate(self, view: View) -> Verdict: ...
    def describe(self) -> str: ...


class Ruled:
    """What is made of predicates: it depends on the facts that they read, and what they need must be remembered."""

    __slots__ = ()

    @property
    def predicates(self) -> tuple[Predicate, ...]:
        """All of them."""
        raise NotImplementedError

    @property
    def reads(self) -> frozenset[str]:
        return frozenset().union(*(predicate.reads for predicate in self.predicates))

    @property
    def trackers(self) -> tuple[Tracker, ...]:
        return tuple(tracker for predicate in self.predicates for tracker in predicate.trackers)


# Combining


@dataclass(frozen=True, slots=True)
class Group:
    """`all` or `any` of its members."""

    members: tuple[Predicate, ...]
    decisive: bool
    reads: frozenset[str] = frozenset()
    trackers: tuple[Tracker, ...] = ()

    def evaluate(self, view: View) -> Verdict:
        return decide((member.evaluate(view) for member in self.members), self.decisive)

    def describe(self) -> str:
        word = "or" if self.decisive else "and"
        # After a group within this one a comma says where that ends.
        comma = "," if any(_is_several(member) for member in self.members) else ""
        return f"{comma} {word} ".join(map(_describe_member, self.members)) or "never"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of its member."""

    member: Predicate
    reads: frozenset[str]
    trackers: tuple[Tracker, ...]

    def evaluate(self, view: View) -> Verdict:
        return deny(self.member.evaluate(view))

    def describe(self) -> str:
        member = self.member
        if isinstance(member, Group) and len(member.members) == 1:
            member = member.members[0]
        if isinstance(member, Is):
            return replace(member, wanted=not member.wanted).describe()
        if isinstance(member, Not):
            return member.member.describe()
        if isinstance(member, Group):
            return f"{'none' if member.decisive else 'not all'} of: {'; '.join(map(_describe_member, member.members))}"
        return f"not so: {member.describe()}"


def _is_several(member: Predicate) -> TypeGuard[Group]:
    return isinstance(member, Group) and len(member.members) > 1


def _describe_member(member: Predicate) -> str:
    """What a group says of its member, a group itself so that it is seen where that ends."""
    if not _is_several(member):
        return member.describe()
    if any(map(_is_several, member.members)):
        return f"({member.describe()})"
    return f"{'either' if member.decisive else 'both' if len(member.members) == 2 else 'all of'} {member.describe()}"


NEVER: Predicate = Group((), decisive=True)


# Leaves


@dataclass(frozen=True, slots=True)
class Comparison:
    """A value of the contact or the event, compared by an operator."""

    subject: str
    find: Callable[[View], Any]
    operator: Operator
    operand: Any
    judge: Judge
    denies: bool
    reads: frozenset[str]
    trackers: tuple[Tracker, ...] = ()

    def evaluate(self, view: View) -> Verdict:
        return self.compare(self.find(view), view)

    def compare(self, value: Any, view: View) -> Verdict:
        """Whether a value compares as it should."""
        if isinstance(value, (list, tuple)):
            elements = elements_of(value, self.operator.is_whole)
            verdict = decide((self.judge(element, view) for element in elements), decisive=True)
        else:
            verdict = self.judge(value, view)
        return deny(verdict) if self.denies else verdict

    def describe(self) -> str:
        return f"{describe_name(self.subject)} {self.operator.describe(self.operand)}"


@dataclass(frozen=True, slots=True)
class ScoreComparison:
    """A score compared with a threshold."""

    score_id: str
    operator: Operator
    threshold: float
    holds: Callable[[float], bool]
    reads: frozenset[str]
    trackers: tuple[Tracker, ...] = ()

    def evaluate(self, view: View) -> Verdict:
        sheet = view.scores.get(self.score_id)
        return sheet.evaluate(view, self.holds, self.threshold) if sheet else FALSE

    def describe(self) -> str:
        return f"score {self.score_id} {self.operator.describe(self.threshold)}"


@dataclass(frozen=True, slots=True)
class Sorted:
    """A definition ("grade/fit") sorts the contact into one of these classes."""

    sorter: str
    names: frozenset[str]
    sentence: str
    reads: frozenset[str]
    trackers: tuple[Tracker, ...] = ()

    def evaluate(self, view: View) -> Verdict:
        sorter = view.sorters.get(self.sorter)
        if sorter is None:
            return FALSE
        names, turns_at = sorter.sort(view)
        return Verdict(not self.names.isdisjoint(names), turns_at)

    def describe(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is so of a contact or not, by a name: only an event changes it, or what `turns` says of time.

    `thing` says what the name is of, where that is needed to know; `kind` of which kind the definition is that has the
    name, where the fact does not say it.
    """

    key: str
    fact: str
    holds: Callable[[View, str], bool]
    yes: str
    no: str
    thing: str = "{}"
    turns: Callable[[View, str], float] = lambda view, name: inf
    kind: str = ""


def _consents(view: View, topic: str) -> bool:
    answers, expires_after = view.contact.consents, view.expiries.get(topic)
    given = in_force(answers.get(topic), view.now, expires_after)
    return stands(given, in_force(answers.get(EVERY_TOPIC), view.now), topic in view.assumed)


def _ends(view: View, topic: str) -> float:
    """When the first of the answers that count now ends."""
    answers, expires_after = view.contact.consents, view.expiries.get(topic)
    given = in_force(answers.get(topic), view.now, expires_after)
    every = in_force(answers.get(EVERY_TOPIC), view.now)
    return min(ends_at(given, expires_after) if given else inf, ends_at(every) if every else inf)


def _is_marked(view: View, step: str, *marks: str) -> bool:
    found = view.enrollment.marks.get(step, ()) if view.enrollment else ()
    return any(mark in found for mark in marks)


def _is_in(view: View, segment: str) -> bool:
    return segment in view.contact.segments


def _has_role(view: View, role: str) -> bool:
    return any(seat.role == role for seat in view.contact.accounts.values())


def _is_at_stage(view: View, stage: str) -> bool:
    return view.contact.stage is not None and view.contact.stage.name == stage


def _is_handed_to(view: View, to: str) -> bool:
    return view.contact.handed is not None and view.contact.handed.to == to


def _is_best_by(view: View, channel: str) -> bool:
    return find_best(view.contact, None, view.now) == channel


def _is_like(view: View, persona: str) -> bool:
    return view.contact.persona is not None and view.contact.persona.name == persona


FACTS = {
    fact.key: fact
    for fact in (
        Fact("segment", "segment:{}", _is_in, "is in {}", "is not in {}", "the segment {}"),
        Fact("stage", "stage", _is_at_stage, "is at stage {}", "is not at stage {}", kind="stage"),
        Fact(
            "persona", "persona", _is_like, "is most like {}", "is not most like {}", "the persona {}", kind="persona"
        ),
        Fact("handed_to", "handover", _is_handed_to, "was handed to {}", "was not handed to {}"),
        Fact("account_role", "account_role", _has_role, "is {} in an account", "is not {} in any account"),
        Fact("consent", "consent:{}", _consents, "consents to {}", "does not consent to {}", "the topic {}", _ends),
        # Many mail programs hide openings, and nobody clicks in a mail unopened.
        Fact("opened", "mark:{}", lambda v, s: _is_marked(v, s, "opened", "clicked"), "opened {}", "did not open {}"),
        Fact("clicked", "mark:{}", lambda v, s: _is_marked(v, s, "clicked"), "clicked in {}", "did not click in {}"),
        Fact("best_channel", "best_channel:{}", _is_best_by, "is reached best by {}", "is not reached best by {}"),
    )
}


@dataclass(frozen=True, slots=True)
class EngagedRoles:
    """In an account of the contact somebody is engaged in at least so many of these roles."""

    roles: tuple[str, ...]
    least: int
    reads: frozenset[str] = frozenset(("account_roles",))
    trackers: tuple[Tracker, ...] = ()

    def evaluate(self, view: View) -> Verdict:
        asked = frozenset(self.roles)
        seats = view.contact.accounts.values()
        return TRUE if any(len(asked.intersection(seat.roles)) >= self.least for seat in seats) else FALSE

    def describe(self) -> str:
        least = "" if self.least == 1 else f"{self.least} of "
        return f"{least}{describe_value(self.roles)} are engaged in their account"


@dataclass(frozen=True, slots=True)
class Is:
    """A fact is so, or with `wanted` False is not so, for any of the names."""

    fact: Fact
    names: tuple[str, ...]
    wanted: bool
    reads: frozenset[str]
    trackers: tuple[Tracker, ...] = ()

    def evaluate(self, view: View) -> Verdict:
        truth = any(self.fact.holds(view, name) for name in self.names) is self.wanted
        return Verdict(truth, min(self.fact.turns(view, name) for name in self.names))

    def describe(self) -> str:
        names = tuple(map(self.fact.thing.format, self.names))
        return (self.fact.yes if self.wanted else self.fact.no).format(describe_value(names))


# Events


@dataclass(frozen=True, slots=True)
class EventPattern:
    """An event by its name, whatever its case, and what its properties must be (at the event's own time).

    Definitions that ask about the same events have the same `tracker_id`, and so share a memory.
    """

    name: str
    key: str
    where: Predicate | None = None
    tracker_id: str = ""

    def matches(self, event: Event) -> bool:
        """Whether an event is meant."""
        if event.name.lower() != self.key:
            return False
        return self.where is None or self.where.evaluate(View(_NOBODY, event.time, event=event)).truth

    def tracker(self, keep: int, window: float | None) -> Tracker:
        """What remembers these events: the newest times, as many as `keep`, within a window of seconds."""
        return Tracker(self.tracker_id, (self.key,), self.matches, keep, window)

    def describe(self) -> str:
        return f"{self.name} ({self.where.describe()})" if self.where else self.name


_NOBODY = Contact("")


def describe_window(window: float | None) -> str:
    """A window behind a sentence; nothing for the whole life."""
    return "" if window is None else f" within the last {describe_duration(window)}"


@dataclass(frozen=True, slots=True)
class Happened:
    """Something happened at least `fewest` and at most `most` times, ever or within a window of seconds.

    `until` says of a memory until when something has happened so many times within the window.
    """

    tracker_id: str
    sentence: str
    fewest: int
    most: int | None
    window: float | None
    until: Callable[[Memory | None, int, float | None], float]
    reads: frozenset[str]
    trackers: tuple[Tracker, ...]

    def evaluate(self, view: View) -> Verdict:
        memory = view.contact.behaviour.get(self.tracker_id)
        if self.most is not None:
            too_often_until = self.until(memory, self.most + 1, self.window)
            if too_often_until > view.now:
                return Verdict(False, too_often_until)
        until = self.until(memory, self.fewest, self.window)
        return Verdict(True, until) if until > view.now else FALSE

    def describe(self) -> str:
        return self.sentence + describe_window(self.window)


class Aggregate(NamedTuple):
    """One number made of many: `words` tell of which property it is made, `measure` makes it (None: of nothing)."""

    key: str
    words: str
    measure: Callable[[Summary], float | None]


AGGREGATES = {
    aggregate.key: aggregate
    for aggregate in (
        Aggregate("sum", "the sum of {}", lambda amounts: amounts.total / SCALE),
        Aggregate("average", "the average {}", lambda a: a.total / a.number / SCALE if a.number else None),
        Aggregate("highest", "the highest {}", lambda a: a.highest / SCALE if a.number else None),
        Aggregate("lowest", "the lowest {}", lambda a: a.lowest / SCALE if a.number else None),
    )
}


@dataclass(frozen=True, slots=True)
class Added:
    """What events add up to, ever or within a window of seconds, passes a test."""

    tracker: Amounts
    window: float | None
    holds: Callable[[Summary], bool]
    sentence: str
    reads: frozenset[str]
    trackers: tuple[Tracker, ...]

    def evaluate(self, view: View) -> Verdict:
        leaving = self.tracker.leaving(view.contact.behaviour.get(self.tracker.tracker_id), self.window, view.now)
        # Backwards from when all have left: so the first instant at which the answer changes is found last.
        amounts, truth, turns_at = NOTHING, self.holds(NOTHING), inf
        for number in reversed(range(len(leaving))):
            until, summary = leaving[number]
            amounts = summary.plus(amounts)
            leave_together = number > 0 and leaving[number - 1].until == until
            if not leave_together and self.holds(amounts) is not truth:
                truth, turns_at = not truth, until
        return Verdict(truth, turns_at)

    def describe(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Which:
    """The first or the last event of a kind, compared by what `find` reads of its memory: (its time, the value).

    With a window it must have happened within so many seconds, too.
    """

    tracker_id: str
    sentence: str
    find: Callable[[Memory], Sequence[Any]]
    comparison: Comparison
    window: float | None
    reads: frozenset[str]
    trackers: tuple[Tracker, ...]

    def evaluate(self, view: View) -> Verdict:
        memory = view.contact.behaviour.get(self.tracker_id)
        time, value = self.find(memory) if memory else (-inf, None)
        verdict = self.comparison.compare(value, view)
        if self.window is None:
            return verdict
        until = time + self.window
        return decide((Verdict(True, until) if until > view.now else FALSE, verdict), decisive=False)

    def describe(self) -> str:
        compared = self.comparison.operator.describe(self.comparison.operand)
        within = "" if self.window is None else f", and that was{describe_window(self.window)}"
        return f"{self.sentence} {compared}{within}"


@dataclass(frozen=True, slots=True)
class Most:
    """The value that most of the newest events of a kind have, ever or within a window of seconds, passes a test."""

    tracker_id: str
    sentence: str
    comparison: Comparison
    window: float | None
    reads: frozenset[str]
    trackers: tuple[Tracker, ...]

    def evaluate(self, view: View) -> Verdict:
        (_, value), *later = find_most(view.contact.behaviour.get(self.tracker_id), self.window, view.now)
        verdict = self.comparison.compare(value, view)
        turns_at = (at for at, value in later if self.comparison.compare(value, view).truth is not verdict.truth)
        return Verdict(verdict.truth, min(verdict.turns_at, next(turns_at, inf)))

    def describe(self) -> str:
        compared = self.comparison.operator.describe(self.comparison.operand)
        return f"{self.sentence}{describe_window(self.window)} {compared}"


# Messages


class Fate(NamedTuple):
    """What can have become of a message: the events that say so, and a sentence about some messages."""

    key: str
    events: tuple[str, ...]
    words: str


FATES = {
    fate.key: fate
    for fate in (
        Fate("sent", (MESSAGE_SENT,), "was sent {}"),
        Fate("delivered", (EMAIL_DELIVERED, MESSAGE_DELIVERED), "received {}"),
        # Many mail programs hide openings, and nobody clicks in a mail unopened.
        Fate("opened", (*OPENINGS, *CLICKS), "opened {}"),
        Fate("clicked", CLICKS, "clicked in {}"),
        Fate("bounced", (EMAIL_BOUNCED,), "bounced {}"),
        Fate("complained", (EMAIL_COMPLAINED,), "complained about {}"),
        Fate("skipped", (MESSAGE_SKIPPED,), "was spared {}"),
        Fate("failed", (MESSAGE_FAILED,), "could not be sent {}"),
    )
}

# Whose opens and clicks count, by the word that says so: what the events say of their actor.
ACTORS: Mapping[str, frozenset[str]] = {
    "people": frozenset(("human", "unknown")),
    "human": frozenset(("human",)),
    "anybody": frozenset(("human", "unknown", "machine")),
}


class MessagePattern(NamedTuple):
    """Messages of which something became, narrowed down by what each of these says (empty: whatever it is)."""

    fate: Fate
    templates: tuple[str, ...]
    origins: tuple[str, ...]
    steps: tuple[str, ...]
    channels: tuple[str, ...]
    by: str

    def matches(self, event: Event) -> bool:
        """Whether an event tells of such a message."""
        said = event.properties
        return (
            said.get("actor", "human") in ACTORS[self.by]
            and (not self.templates or said.get("email_id") in self.templates)
            and (not self.origins or str(said.get("campaign_id")).partition("@")[0] in self.origins)
            and (not self.steps or split_message_id(str(said.get("message_id")))[1] in self.steps)
            and (not self.channels or said.get("channel", USUAL) in self.channels)
        )

    def describe(self, how_many: str) -> str:
        """A sentence, such as `opened at least 2 messages from journey/welcome`."""
        words = [self.fate.words.format(how_many)]
        for preposition, names in (
            ("of the template", self.templates),
            ("from", self.origins),
            ("of the step", self.steps),
            ("by", self.channels),
        ):
            if names:
                words.append(f"{preposition} {describe_value(names)}")
        if self.by != "people":
            words.append("(surely a person)" if self.by == "human" else "(machines count too)")
        return " ".join(words)


def name_of_message(event: Event) -> str:
    """A short name of the message that an event tells of; "" when it tells of none."""
    message_id = event.properties.get("message_id")
    if not isinstance(message_id, str) or not message_id:
        return ""
    return urlsafe_b64encode(hashlib.sha256(message_id.encode(errors="replace")).digest()[:6]).decode()


def describe_bounds(fewest: int, most: int | None, thing: str) -> str:
    """`a message`, `at least 2 messages`, `no message`, `at most 3 messages`, `exactly 2 messages`."""
    if most == 0:
        return f"no {thing}"
    if most is None:
        return f"a {thing}" if fewest <= 1 else f"at least {fewest} {thing}s"
    count = f"{most} {thing}{'' if most == 1 else 's'}"
    return f"exactly {count}" if fewest == most else f"at most {count}"
