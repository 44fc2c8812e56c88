"""One seeded loop in which everything happens: invocations as greenlets, time that jumps, faults at every port call.

An invocation runs until it calls a port; there it pauses for the call's latency, and others go on. So invocations
interleave at every port call, as they do in AWS, and the same seed gives the same history. Nothing here reads a clock,
or draws from anything but the seed.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from math import inf
from random import Random
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet

from postroad_aws.storage import VersionConflictError

TIMEOUT = 30.0
# A world has some thousand things happening in it; one with so many goes in circles.
MANY = 100_000

T = TypeVar("T")


class Killed(BaseException):
    """The sandbox is gone. No `except Exception` sees it, and every later port call raises it again."""


class Throttled(Exception):
    """AWS refused: nothing happened."""


class Lost(Exception):
    """No answer came: whether it happened, nobody knows."""


@dataclass(frozen=True, slots=True)
class Faults:
    """How likely each fault is at a port call. A seed switches each off, low or high."""

    kill: float = 0.0
    throttle: float = 0.0
    lost_before: float = 0.0
    lost_after: float = 0.0
    late: float = 0.0
    stall: float = 0.0

    @property
    def any(self) -> float:
        return self.kill + self.throttle + self.lost_before + self.lost_after + self.late + self.stall


NO_FAULTS = Faults()
LEVELS = Faults(kill=0.02, throttle=0.1, lost_before=0.03, lost_after=0.04, late=0.02, stall=0.03)


def draw_faults(random: Random) -> Faults:
    """A mix of faults: each off, at a fifth of its level, or at it."""
    return replace(LEVELS, **{f.name: getattr(LEVELS, f.name) * random.choice((0, 0, 0.2, 1)) for f in fields(LEVELS)})


class Invocation:
    """One run of a function: a greenlet with a deadline."""

    __slots__ = ("deadline", "error", "greenlet", "is_dead", "result")

    def __init__(self, function: Callable[[], Any], deadline: float, parent: greenlet) -> None:
        self.deadline = deadline
        self.is_dead = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.greenlet = greenlet(self.run, parent)
        self.greenlet.function = function  # type: ignore[attr-defined]

    def run(self) -> None:
        try:
            self.result = self.greenlet.function()  # type: ignore[attr-defined]
        except (Exception, Killed) as error:
            self.error = error


class Loop:
    """The world's clock, its chance, and what happens next."""

    def __init__(self, seed: int, start: float) -> None:
        self.random = Random(seed)
        self.chance = self.random.random
        self.now = start
        self.set_faults(NO_FAULTS)
        self.haste = 0.0
        self.heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self.count = 0
        self.main = getcurrent()
        self.current: Invocation | None = None
        # Every port call in order, hashed: two runs of a seed must agree.
        self.calls = 0
        self.history = 0
        self.injected: dict[str, int] = {}

    def set_faults(self, faults: Faults) -> None:
        self.faults = faults
        self.fault_rate = faults.any

    # Time

    def time(self) -> float:
        return self.now

    def at(self, time: float, function: Callable[..., None], *args: Any) -> None:
        self.count += 1
        heapq.heappush(self.heap, (max(time, self.now), self.count, function, args))

    def run(self, until: float = inf) -> None:
        while self.heap and self.heap[0][0] <= until:
            if self.count > MANY:
                raise RuntimeError("the world does not come to rest")
            self.now, _, function, args = heapq.heappop(self.heap)
            function(*args)
        if until != inf:
            self.now = until

    # Invocations

    def invoke(
        self, function: Callable[[], Any], done: Callable[[Invocation], None], timeout: float = TIMEOUT
    ) -> Invocation:
        """Start a function now; `done` is told when it has ended, however it ended."""
        invocation = Invocation(function, self.now + timeout, self.main)
        self.at(self.now, self.resume, invocation, done)
        return invocation

    def resume(self, invocation: Invocation, done: Callable[[Invocation], None]) -> None:
        self.current = invocation
        after = invocation.greenlet.switch()
        self.current = None
        if invocation.greenlet.dead:
            done(invocation)
        else:
            self.at(after, self.resume, invocation, done)

    def pause(self, seconds: float) -> None:
        """Inside an invocation: time passes, others go on. The deadline may come first."""
        invocation = self.current
        if invocation is None:  # the world itself looks something up
            return
        if invocation.is_dead:
            raise Killed
        wakes = self.now + seconds
        self.main.switch(min(wakes, invocation.deadline))
        self.current = invocation
        if wakes >= invocation.deadline:
            self.kill(invocation, "timeout")

    def kill(self, invocation: Invocation, why: str) -> None:
        invocation.is_dead = True
        self.inject(why)
        raise Killed

    def inject(self, fault: str) -> None:
        self.injected[fault] = self.injected.get(fault, 0) + 1

    # Port calls

    def call(self, name: str, effect: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        """One call to AWS, from inside an invocation, with whatever goes wrong."""
        invocation, faults = self.current, self.faults
        if invocation is None:
            return effect(*args, **kwargs)
        self.calls += 1
        self.history = hash((self.history, self.now, len(name)))
        fate = self.chance()
        if fate >= self.fault_rate:
            if fate < self.haste:  # so quick that nobody else gets a turn
                return effect(*args, **kwargs)
            latency = 0.002 + 0.02 * self.chance()
            if self.now + latency >= invocation.deadline and self.chance() < 0.5:
                self.at(self.now + latency, self.orphan, effect, args, kwargs)
            self.pause(latency)
            return effect(*args, **kwargs)
        latency = 0.002 + 0.02 * self.chance()
        if fate < faults.kill:
            self.pause(latency)
            if self.chance() < 0.5:
                partly(self, name, effect, args, kwargs)
            self.kill(invocation, "kill")
        fate -= faults.kill
        if fate < faults.throttle:
            self.pause(latency)
            self.inject("throttle")
            raise Throttled(name)
        fate -= faults.throttle
        if fate < faults.lost_before:
            self.pause(1.0 + 5.0 * self.chance())
            self.inject("lost before")
            raise Lost(name)
        fate -= faults.lost_before
        if fate < faults.lost_after:
            self.pause(latency)
            partly(self, name, effect, args, kwargs)
            self.inject("lost after")
            self.pause(1.0 + 5.0 * self.chance())
            raise Lost(name)
        fate -= faults.lost_after
        if fate < faults.late:
            self.at(self.now + 1.0 + 20.0 * self.chance(), self.orphan, effect, args, kwargs)
            self.inject("late")
            self.pause(1.0 + 5.0 * self.chance())
            raise Lost(name)
        self.inject("stall")
        self.pause(0.5 + 40.0 * self.chance() ** 2)
        return effect(*args, **kwargs)

    def orphan(self, effect: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """What takes effect after whoever asked for it has gone, or stopped listening."""
        with suppress(Throttled, VersionConflictError):
            effect(*args, **kwargs)


# Calls that AWS carries out item by item: when one fails, any part of it may have happened.
PIECEWISE = frozenset(("save_rows", "heal_rows", "save_rejects", "send_events", "send_messages", "apply"))


def partly(loop: Loop, name: str, effect: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """The effect of a call whose answer nobody will see."""
    if name in PIECEWISE:
        items: Sequence[Any] = args[0]
        args = ([item for item in items if loop.chance() < 0.6], *args[1:])
    effect(*args, **kwargs)


def wire(loop: Loop, port: Any, *names: str, **asked: Callable[..., bool]) -> Any:
    """The port, every call of which goes through the loop.

    A method under `asked` is only worth a call when that says so; else it answers [] at once, to save the loop's time.
    """
    return Wired(loop, port, {**dict.fromkeys(names), **asked})


class Wired:
    """A port behind a network."""

    def __init__(self, loop: Loop, port: Any, methods: Mapping[str, Callable[..., bool] | None]) -> None:
        self.loop = loop
        self.port = port
        for name, asked in methods.items():
            setattr(self, name, self._through(loop, name, getattr(port, name), asked))

    @staticmethod
    def _through(
        loop: Loop, name: str, effect: Callable[..., Any], asked: Callable[..., bool] | None
    ) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return loop.call(name, effect, args, kwargs)

        def call_if_asked(*args: Any, **kwargs: Any) -> Any:
            return loop.call(name, effect, args, kwargs) if asked and asked(*args) else []

        return call_if_asked if asked else call
