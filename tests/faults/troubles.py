"""What else goes wrong in a world, and how anything that goes wrong is left out.

These troubles have a generator of their own, so that a world without them is the same as if there were none. Everything
that may go wrong has a name in FAULTS: a world that fails is played again without one after the other, until only those
are left that it takes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, replace
from random import Random
from typing import TYPE_CHECKING

from postroad.content.link_keys import add_key, withdraw_key
from postroad.sending.holds import ALL, PAUSE, Hold
from tests.faults.scheduler import Faults

if TYPE_CHECKING:
    from tests.faults.worlds import World

HOUR = 3_600.0
SKEW = 300.0
HELD = "held"


class Troubles:
    """The clocks of sandboxes disagree; ticks come late or twice; records of a stream come twice; SES stops sending for
    hours and tells late; what is in a dead letter queue is redriven twice; an operator holds everything for a while,
    and has links signed by another key."""

    def __init__(self, world: "World") -> None:
        self.world = world
        random = self.random = Random(f"the troubles of {world.seed}")
        choose = random.choice
        self.skew = choose((0.0, 0.0, 0.0, SKEW))
        self.late_ticks = choose((0.0, 0.0, SKEW))
        self.double_ticks = choose((0.0, 0.0, 0.3))
        self.double_records = choose((0.0, 0.0, 0.2))
        self.late_feedback = choose((0.0, 0.0, 0.1))
        self.redrives = choose((1, 1, 2))
        span = world.calm - world.loop.now
        self.ses_stops = self._spell(span) if random.random() < 0.15 else None
        self.hold = self._spell(span) if random.random() < 0.15 else None
        # Drawn apart, so that nothing else in a world changes by it.
        lot = Random(f"the keys of {world.seed}")
        self.new_key = world.loop.now + lot.random() * span * 0.9 if lot.random() < 0.3 else None
        self.withdraws = lot.random() < 0.4

    def _spell(self, span: float) -> tuple[float, float]:
        """From when to when something lasts: some hours, and over when it is calm."""
        begins = self.world.loop.now + self.random.random() * span * 0.9
        return begins, min(begins + self.random.choice((0.1, 1.0, 6.0)) * HOUR, self.world.calm)

    def plan(self) -> None:
        """What an operator does."""
        if self.new_key is not None:
            self.world.loop.at(self.new_key, self.rotate)
        if self.hold is None:
            return
        (begins, ends), memory = self.hold, self.world.memory
        hold = Hold(ALL, PAUSE, begins, note="something is wrong")
        self.world.loop.at(begins, memory.holds.__setitem__, HELD, hold)
        self.world.loop.at(ends, memory.holds.pop, HELD)

    def rotate(self) -> None:
        """A new key signs links; in some worlds the old one has leaked, and goes when that does."""
        world = self.world
        world.link_keys = add_key(world.link_keys, b"the new key of the same stack 32", world.loop.now)
        if self.withdraws:
            world.loop.at(world.link_keys[-1].since + SKEW + 1.0, self.withdraw)

    def withdraw(self) -> None:
        self.world.link_keys = withdraw_key(self.world.link_keys, "1", self.world.loop.now)

    def draw_skew(self) -> float:
        """By how much the clock of a sandbox is wrong, within five minutes either way."""
        return self.skew * (2 * self.random.random() - 1) if self.skew else 0.0

    def happens(self, likely: float) -> bool:
        """Whether one of these troubles happens; none does when it is calm."""
        return likely > 0 and not self.world.is_calm and self.random.random() < likely

    def is_ses_stopped(self, now: float) -> bool:
        return self.ses_stops is not None and self.ses_stops[0] <= now < self.ses_stops[1]

    def delay_of_feedback(self) -> float:
        """SES may tell up to three days late."""
        return 72 * HOUR * self.random.random() if self.happens(self.late_feedback) else 0.0


def _without(field: str) -> Callable[["World"], None]:
    def leave_out(world: "World") -> None:
        world.mix = replace(world.mix, **{field: 0.0})
        world.loop.set_faults(world.mix)

    return leave_out


def _of_world(name: str, usual: object = 0.0) -> Callable[["World"], None]:
    return lambda world: setattr(world, name, usual)


def _of_troubles(name: str, usual: object = 0.0) -> Callable[["World"], None]:
    return lambda world: setattr(world.troubles, name, usual)


def _of_sends(name: str) -> Callable[["World"], None]:
    return lambda world: setattr(world.sends, name, 0.0)


def _never_out(world: "World") -> None:
    world.outage = world.end, world.end


def _never_stale(world: "World") -> None:
    world.memory.lag = 0.0


# How each thing that may go wrong is left out of a world that has been made and has not run.
FAULTS: Mapping[str, Callable[["World"], None]] = {
    **{f"call: {field.name}": _without(field.name) for field in fields(Faults)},
    "deliveries twice": _of_world("duplicates"),
    "sends twice": _of_sends("duplicates"),
    "sends out of order": _of_sends("disorder"),
    "ticks missed": _of_world("tick_loss"),
    "ticks late": _of_troubles("late_ticks"),
    "ticks twice": _of_troubles("double_ticks"),
    "records of the stream lost": _of_world("relay_loss"),
    "records of the stream twice": _of_troubles("double_records"),
    "feedback lost": _of_world("feedback_loss"),
    "feedback days late": _of_troubles("late_feedback"),
    "channel silent": _of_world("unclear"),
    "channel busy": _of_world("channel_throttle"),
    "SES stopped": _of_troubles("ses_stops", None),
    "stale reads": _never_stale,
    "old books": _of_world("book_lifetime", 0.0),
    "table of timelines out": _never_out,
    "clocks disagree": _of_troubles("skew"),
    "redriven twice": _of_troubles("redrives", 1),
    "links get another key": _of_troubles("new_key", None),
    "everything held": _of_troubles("hold", None),
}


def leave_out(world: "World", names: Iterable[str]) -> None:
    """Have nothing of that go wrong in a world."""
    for name in names:
        FAULTS[name](world)


def find_needed(fails: Callable[[frozenset[str]], bool]) -> list[str]:
    """The faults without which a failing world does not fail; `fails` plays it without some."""
    without: frozenset[str] = frozenset()
    for name in FAULTS:
        if fails(without | {name}):
            without |= {name}
    return [name for name in FAULTS if name not in without]
