"""How the steps of a journey hang together: what leads where, and what must not be.

Without jumps the steps are a tree whose arms merge, so nothing comes round. A jump may close a loop; then time must
pass on every way round it.
"""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import pairwise
from typing import Protocol

from postroad.documents import Reader
from postroad.journeys.reading import Asked
from postroad.journeys.stepping import StepType


class Node(Protocol):
    """A step, as far as ways are concerned."""

    @property
    def body(self) -> StepType: ...
    @property
    def ways(self) -> Iterable[tuple[str, str | None]]: ...


Steps = Mapping[str, Node]


def check_flow(
    first: str | None, steps: Steps, readers: Mapping[str, Reader], lists: Iterable[tuple[str, ...]]
) -> None:
    """Note what is wrong with the ways at the steps where it is; `lists` are the ids of each list of steps."""
    for step_id, step in steps.items():
        target = step.body.jump
        if target and target not in steps:
            close = get_close_matches(target, steps, 1, 0.5)
            hint = f"did you mean '{close[0]}'?" if close else "name the id of a step of this journey"
            readers[step_id].mistake(f"there is no step '{target}'; {hint}")
        elif target and _comes_round(target, step_id, steps):
            readers[step_id].mistake(
                f"goes to '{target}' and comes round again without a wait; put one for a time, until a time, or with a "
                "timeout on every way between the two"
            )
    reached = reach(first, steps) | {first}
    for ids in lists:
        for before, step_id in pairwise(ids):
            if before in steps and before in reached and step_id in steps and step_id not in reached:
                readers[step_id].mistake("is never reached: every way before it ends the journey")


def check_questions(asked: Iterable[Asked], sends: Iterable[str], steps: Steps) -> None:
    """Note what asks about a message that cannot have been asked for by then."""
    after = {send: reach(send, steps) for send in sends}
    for step_id, send, reader in asked:
        if send in after and (not step_id or step_id in after[send]):
            continue
        possible = [other for other, steps_after in after.items() if not step_id or step_id in steps_after]
        close = get_close_matches(send, possible, 1, 0.5)
        known = f"did you mean '{close[0]}'?" if close else "name the id of an earlier send step"
        reader.mistake(f"no send step '{send}' comes before this; {known}")


def reach(start: str | None, steps: Steps) -> set[str]:
    """All steps to which some way leads from this one, itself only if it comes round."""
    return _follow(start, steps, waiting=True)


def _comes_round(start: str, end: str, steps: Steps) -> bool:
    """Whether somebody could go from one step to another without any time passing."""
    return start == end or end in _follow(start, steps, waiting=False)


def _follow(start: str | None, steps: Steps, *, waiting: bool) -> set[str]:
    seen: set[str] = set()
    fresh = {start} if start else set()
    while fresh:
        found = {target for step_id in fresh for target in _targets(step_id, steps, waiting)}
        fresh = found - seen
        seen |= found
    return seen


def _targets(step_id: str, steps: Steps, waiting: bool) -> Iterator[str]:
    step = steps.get(step_id)
    if step is None:
        return
    for name, target in step.ways:
        if target is not None and (waiting or not step.body.takes_time(name)):
            yield target
    if step.body.jump:
        yield step.body.jump
