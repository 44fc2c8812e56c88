"""Changing the document of a journey step by step. Each change gives a new document; what it does not touch stays."""

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, NamedTuple

from postroad.errors import PostroadError
from postroad.journeys.definition import Places, find_places

Document = dict[str, Any]

# The outermost steps are in no arm of any step.
OUTLINE = ("", "")
_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class Slot(NamedTuple):
    """A place for a step: before the one with this number, counted from 0, in an arm of the step `owner`."""

    owner: str
    arm: str
    number: int


class EditError(PostroadError):
    """A journey cannot be changed in this way; the sentence says why."""


def settle_ids(document: Mapping[str, Any]) -> Document:
    """The document with the id of each step written down, so that none is called otherwise once its place changes."""
    changed = deepcopy(dict(document))
    for step_id, path in find_places(changed).steps.items():
        step = _look_up(changed, path)
        if "id" not in step:
            rest = dict(step)
            step.clear()
            step.update({"id": step_id, **rest})
    return changed


def find_step(document: Mapping[str, Any], step_id: str) -> Document:
    """The step of this id as it is written. Raises EditError."""
    return dict(_look_up(document, _path_of(find_places(document), step_id)))


def insert_step(document: Mapping[str, Any], slot: Slot, step: Mapping[str, Any]) -> Document:
    """The document with one more step. Raises EditError when there is no such place."""
    changed = deepcopy(dict(document))
    steps = _open_list(changed, find_places(changed), slot)
    steps.insert(slot.number, deepcopy(dict(step)))
    return changed


def replace_step(document: Mapping[str, Any], step_id: str, step: Mapping[str, Any]) -> Document:
    """The document with another step in the place of this one. Raises EditError."""
    changed = deepcopy(dict(document))
    there = _look_up(changed, _path_of(find_places(changed), step_id))
    there.clear()
    there.update(deepcopy(dict(step)))
    return changed


def remove_step(document: Mapping[str, Any], step_id: str) -> Document:
    """The document without this step, and without those in its arms. Raises EditError."""
    changed = deepcopy(dict(document))
    steps, number = _where(changed, _path_of(find_places(changed), step_id))
    del steps[number]
    return changed


def move_step(document: Mapping[str, Any], step_id: str, slot: Slot) -> Document:
    """The document with this step, and those in its arms, at another place; `slot` is counted as long as the step is
    still at its own. Raises EditError when that place lies within the step."""
    changed = deepcopy(dict(document))
    places = find_places(changed)
    path = _path_of(places, step_id)
    if slot.owner and f"{_path_of(places, slot.owner)}.".startswith(f"{path}."):
        raise EditError("A step cannot move into one of its own ways.")
    target = _open_list(changed, places, slot)
    source, number = _where(changed, path)
    step = source.pop(number)
    target.insert(slot.number - (source is target and number < slot.number), step)
    return changed


def new_id(document: Mapping[str, Any], wanted: str) -> str:
    """An id that no step has, as near as can be to the one that is wanted."""
    taken = find_places(document).steps.keys()
    base = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).strip("-")[:50] or "step"
    return next(each for each in (base, *(f"{base}-{n}" for n in range(2, 1_000))) if each not in taken)


def count_within(document: Mapping[str, Any], step_id: str) -> int:
    """How many steps stand in the arms of this one, theirs too. Raises EditError."""
    places = find_places(document)
    path = _path_of(places, step_id)
    return sum(each.startswith(f"{path}.") for each in places.steps.values())


def _path_of(places: Places, step_id: str) -> str:
    if step_id not in places.steps:
        raise EditError("There is no such step any more. Go back, and look at what is there now.")
    return places.steps[step_id]


def _open_list(document: Document, places: Places, slot: Slot) -> list[Any]:
    """The list of steps of a slot; that of an arm without any is made."""
    path = "steps" if slot[:2] == OUTLINE else places.arms.get(slot[:2])
    if path is None:
        raise EditError("There is no such way any more. Go back, and look at what is there now.")
    above, _, key = path.rpartition(".")
    holder = _look_up(document, above)
    steps: list[Any] = holder.setdefault(key, [])
    if not 0 <= slot.number <= len(steps):
        raise EditError("There is no such place any more. Go back, and look at what is there now.")
    return steps


def _where(document: Document, path: str) -> tuple[list[Any], int]:
    """The list in which the step of a path stands, and its number there."""
    above, _, number = path.rpartition("[")
    return _look_up(document, above), int(number.removesuffix("]"))


def _look_up(document: Mapping[str, Any], path: str) -> Any:
    found: Any = document
    for name, number in _PART.findall(path):
        found = found[name] if name else found[int(number)]
    return found
