"""Journeys as pictures: steps are cards in columns, ways are lines between them, and both know where they lie.

A list of steps is a column, hung on an axis down its middle. The arms of a step are columns of their own, side by side
below it in the order of the document; an empty arm is a lane for its line. Below the longest arm the ways that go on
come back to the axis. Where a step jumps to is said on its card. What may happen at any step, the goal and what
ends it early, stands beside the start. Coordinates are pixels from the upper left; the same journey always gives the
same picture.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from postroad.journeys.definition import Journey, Step
from postroad.journeys.editing import OUTLINE, Slot
from postroad.journeys.steps import SendStep

CARD_WIDTH = 264.0
CARD_HEIGHT = 96.0
LANE_WIDTH = 168.0  # of an arm without steps
LABEL_HEIGHT = 44.0
GAP = 28.0  # between columns, and around the picture
DROP = 20.0  # of a line between a card and a bend or a label
CORNER = 10.0

# Cards that are no steps; how a passage ends is called as in `places`. No step can have such an id.
START, GOAL, EXITED, COMPLETED = ":start", ":goal", ":exited", ":completed"

Point = tuple[float, float]


class Box(NamedTuple):
    """Where something lies: its upper left corner, and its size."""

    x: float
    y: float
    width: float
    height: float

    def touches(self, other: "Box") -> bool:
        """Whether they have any area in common."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


class Card(NamedTuple):
    """A step, or one of START, GOAL, EXITED, COMPLETED. `icon` is the key of its type, for a message its channel."""

    id: str
    icon: str
    title: str
    sentence: str
    box: Box


class Way(NamedTuple):
    """A line from one card to another along `points`. `names` are the arms that it stands for ("" is just the next).

    `sentence` says when it is taken; `label` is the room for that sentence, None where there is nothing to say.
    """

    source: str
    target: str
    names: tuple[str, ...]
    sentence: str
    points: tuple[Point, ...]
    label: Box | None

    @property
    def path(self) -> str:
        """The line as the data of an SVG path, with round corners."""
        parts = [f"M{_point(self.points[0])}"]
        for before, corner, after in zip(self.points, self.points[1:], self.points[2:], strict=False):
            parts.append(f"L{_point(_toward(corner, before))}Q{_point(corner)} {_point(_toward(corner, after))}")
        return "".join(parts) + f"L{_point(self.points[-1])}"


class Opening(NamedTuple):
    """A point of the picture at which a step can be put in."""

    slot: Slot
    point: Point


@dataclass(frozen=True, slots=True)
class Drawing:
    """A journey drawn: cards in the order of reading, ways, openings, and the size of it all."""

    width: float
    height: float
    cards: tuple[Card, ...]
    ways: tuple[Way, ...]
    openings: tuple[Opening, ...] = ()


def draw_journey(journey: Journey, *, is_open: bool = False) -> Drawing:
    """The picture of a journey: every step once, every way on from it once, and how it begins and ends.

    For whoever changes it (`is_open`) there is an opening wherever a step can be put in, and every arm is drawn.
    """
    return _Sheet(journey, is_open).draw()


class _Reach(NamedTuple):
    """How far something extends to both sides of its axis."""

    left: float
    right: float

    @property
    def width(self) -> float:
        return self.left + self.right


@dataclass(frozen=True, slots=True)
class _Loose:
    """A way whose target is not drawn yet."""

    source: str
    names: tuple[str, ...]
    sentence: str
    points: tuple[Point, ...]
    label: Box | None = None

    def along(self, *points: Point) -> "_Loose":
        """The line led on over these points; what goes straight on needs no point between."""
        line = list(self.points)
        for point in points:
            if point == line[-1]:
                continue
            if len(line) > 1 and (line[-2][0] == line[-1][0] == point[0] or line[-2][1] == line[-1][1] == point[1]):
                line.pop()
            line.append(point)
        return _Loose(self.source, self.names, self.sentence, tuple(line), self.label)


_CARD = _Reach(CARD_WIDTH / 2, CARD_WIDTH / 2)
_LANE = _Reach(LANE_WIDTH / 2, LANE_WIDTH / 2)


class _Sheet:
    """The sheet on which a journey is being drawn, downwards."""

    def __init__(self, journey: Journey, is_open: bool) -> None:
        self.journey = journey
        self.is_open = is_open
        self.openings: list[Opening] = []
        self.cards: list[Card] = []
        self.ways: list[Way] = []
        self.reaches: dict[tuple[str, ...], _Reach] = {}

    def draw(self) -> Drawing:
        asides = list(_asides(self.journey))
        column = self.reach(self.journey.outline)
        beside = CARD_WIDTH / 2 + GAP + CARD_WIDTH
        axis = GAP + max(column.left, beside if len(asides) > 1 else 0.0)
        width = axis + max(column.right, beside if asides else 0.0) + GAP
        starts = " or ".join(trigger.describe() for trigger in self.journey.triggers)
        self.card(START, START[1:], "Start", starts, axis, GAP)
        for side, (card_id, title, sentence) in zip((1, -1), asides, strict=False):
            self.card(card_id, card_id[1:], title, sentence, axis + side * (CARD_WIDTH + GAP), GAP)
        first = _Loose(START, ("",), "", ((axis, GAP + CARD_HEIGHT),))
        bottom, loose = self.column(self.journey.outline, axis, GAP + CARD_HEIGHT, [first], OUTLINE)
        if loose:
            top = bottom + 2 * DROP
            self.join(loose, COMPLETED, axis, top)
            bottom = self.card(COMPLETED, COMPLETED[1:], "End", "Came to the end of the journey", axis, top)
        return Drawing(width, bottom + GAP, tuple(self.cards), tuple(self.ways), tuple(self.openings))

    def reach(self, ids: tuple[str, ...]) -> _Reach:
        """How far a column reaches."""
        if ids not in self.reaches:
            reaches = [_CARD, *(self.reach_of_arms(lanes) for step_id in ids if (lanes := self.lanes(step_id)))]
            self.reaches[ids] = _Reach(max(r.left for r in reaches), max(r.right for r in reaches))
        return self.reaches[ids]

    def reach_of_arms(self, lanes: list[_Reach]) -> _Reach:
        """How far arms side by side reach; the axis above them lies midway between the outer ones."""
        width = sum(lane.width for lane in lanes) + GAP * (len(lanes) - 1)
        axis = (lanes[0].left + width - lanes[-1].right) / 2
        return _Reach(axis, width - axis)

    def lanes(self, step_id: str) -> list[_Reach]:
        """How far each arm of a step reaches; none when all of its ways are the same."""
        arms = self.journey.steps[step_id].arms.values()
        return [self.reach(arm) if arm else _LANE for arm in arms] if self.is_open or any(arms) else []

    def column(
        self, ids: tuple[str, ...], axis: float, bottom: float, loose: list[_Loose], arm: tuple[str, str]
    ) -> tuple[float, list[_Loose]]:
        """Draw a list of steps below `bottom`, where the loose ways arrive; answers its own bottom and loose ways."""
        for number, step_id in enumerate(ids):
            step = self.journey.steps[step_id]
            top = bottom + 2 * DROP
            self.openings.append(Opening(Slot(*arm, number), (axis, top - DROP)))
            self.join(loose, step_id, axis, top)
            bottom = self.card(step_id, _icon(step), _title(step), step.body.describe(), axis, top)
            lanes = self.lanes(step_id)
            if lanes:
                bottom, loose = self.arms(step, lanes, axis, bottom)
            else:
                loose = [] if step.body.ends else [_only_way(step, (axis, bottom))]
        if self.is_open and loose:
            self.openings.append(Opening(Slot(*arm, len(ids)), (axis, bottom + DROP)))
            bottom += 2 * DROP if arm != OUTLINE else 0.0
            loose = [way.along((axis, bottom)) for way in loose]
        return bottom, loose

    def arms(self, step: Step, lanes: list[_Reach], axis: float, top: float) -> tuple[float, list[_Loose]]:
        """Draw the arms of a step below its card, and lead the ways that go on back to the axis."""
        bend, below = top + DROP, top + DROP + LABEL_HEIGHT
        x = axis - self.reach_of_arms(lanes).left
        bottom = below
        loose: list[tuple[float, _Loose]] = []
        for (name, arm), lane in zip(step.arms.items(), lanes, strict=True):
            middle = x + lane.left
            room = (CARD_WIDTH if arm else LANE_WIDTH) - 8
            label = Box(middle - room / 2, bend + DROP / 2, room, LABEL_HEIGHT)
            way = _Loose(step.id, (name,), _sentence(step, name), ((axis, top),), label)
            way = way.along((axis, bend), (middle, bend), (middle, below))
            end, going_on = self.column(arm, middle, below, [way], (step.id, name))
            bottom = max(bottom, end)
            loose += [(middle, one) for one in going_on]
            x += lane.width + GAP
        bottom += DROP
        return bottom, [one.along((middle, bottom), (axis, bottom)) for middle, one in loose]

    def join(self, loose: list[_Loose], target: str, axis: float, top: float) -> None:
        for way in loose:
            done = way.along((axis, top))
            self.ways.append(Way(done.source, target, done.names, done.sentence, done.points, done.label))

    def card(self, card_id: str, icon: str, title: str, sentence: str, axis: float, top: float) -> float:
        """Draw a card; answers where it ends."""
        box = Box(axis - CARD_WIDTH / 2, top, CARD_WIDTH, CARD_HEIGHT)
        self.cards.append(Card(card_id, icon, title, sentence, box))
        return top + CARD_HEIGHT


def _asides(journey: Journey) -> Iterator[tuple[str, str, str]]:
    """(id, title, sentence) of what may end an enrollment at any step."""
    if journey.goal:
        yield GOAL, "Goal", journey.goal.describe()
    early = [f"if {journey.exit_if.describe()}"] if journey.exit_if else []
    early += [f"with {journey.exit_on.describe()}"] if journey.exit_on else []
    if early:
        said = ", or ".join(early)
        yield EXITED, "Leaves early", said[:1].upper() + said[1:]


def _only_way(step: Step, start: Point) -> _Loose:
    return _Loose(step.id, tuple(step.arms) or ("",), "", (start,))


def _icon(step: Step) -> str:
    return step.body.channel if isinstance(step.body, SendStep) else step.body.key


def _title(step: Step) -> str:
    """The id in words; the name of the type when the id was only made from its place."""
    derived = re.fullmatch(rf"(.*-)?{step.body.key}-\d+", step.id)
    words = step.body.key if derived else step.id.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _sentence(step: Step, name: str) -> str:
    return step.body.describe_arm(name).removesuffix(":")


def _toward(corner: Point, point: Point) -> Point:
    """The point from which the round of a corner begins, at most half the way to the next one."""
    dx, dy = point[0] - corner[0], point[1] - corner[1]
    length = abs(dx) + abs(dy)
    part = min(CORNER, length / 2) / length
    return corner[0] + dx * part, corner[1] + dy * part


def _point(point: Point) -> str:
    return f"{point[0]:g} {point[1]:g}"
