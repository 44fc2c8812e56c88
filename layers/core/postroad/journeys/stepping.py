"""What every step type is made of: where it is asked, what it may answer, and how it is read.

A step is *entered* once a visit and either goes on at once, stays, or ends the enrollment. While an enrollment stays at
a step, every event, mark and wake *resumes* that step. The ways on are named: an arm of that name, else the next step.
"""

import json
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, Protocol

from postroad.contacts.contact import Enrollment
from postroad.documents import Reader
from postroad.events import Event
from postroad.instants import DAY
from postroad.journeys.reading import Scope
from postroad.local_time import WEEKDAYS, find_zone
from postroad.predicates.predicate import View
from postroad.sending.calendars import Calendar

LONGEST = 3_660 * DAY


class Effect(Protocol):
    """What a step asks the fold to do; each kind of effect has its entry in the fold's table of them."""

    @property
    def step_id(self) -> str: ...


class Here(NamedTuple):
    """Where and when a step is asked. `event` is one it may use, None when there is none or it has been used up.

    `timezones` are names to try for the contact's local time after its own, the first that exists wins; `calendar` is
    the account's.
    """

    step_id: str
    enrollment: Enrollment
    view: View
    now: float
    event: Event | None
    timezones: tuple[str | None, ...]
    calendar: Calendar | None = None

    @property
    def moment(self) -> float:
        """When the event happened: by its own time, which a sender's wrong clock may not move into the future."""
        return min(self.event.time, self.now) if self.event else self.now


class Go(NamedTuple):
    """It goes on. `way` names an arm ("" is the next step), `to` any step; `at` is when that was decided if not on
    entering."""

    way: str
    verdict: str
    because: str
    effects: tuple[Effect, ...] = ()
    at: float | None = None
    used_event: bool = False
    to: str = ""


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
    """What every step can do; a type overrides what differs.

    `ends` says that nothing comes after it, `is_question` that its answer hangs on what is known of a contact now.
    """

    __slots__ = ()
    key: ClassVar[str]
    ends: ClassVar[bool] = False
    is_question: ClassVar[bool] = False

    @property
    def longest(self) -> float:
        """Seconds that somebody stays here at most."""
        return 0.0

    @property
    def is_resting(self) -> bool:
        """Whether people may stay here."""
        return self.longest > 0

    @property
    def jump(self) -> str:
        """A step to which it may lead besides its ways, "" for none."""
        return ""

    def takes_time(self, way: str) -> bool:
        """Whether time passes for certain before somebody who has come here goes on by this way."""
        return False

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


Read = Callable[[Reader, Scope], StepType]


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


def show(value: Any) -> str:
    """A JSON value in a sentence."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"
