"""Habits: what people do with messages, and else, as chances and delays; said, or learned from live numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from postroad.documents import Reader
from postroad.instants import DAY
from postroad.stats import Counts, MessageCounts

HOUR = 3_600.0
# What somebody may do something after: the start of their journey, or what becomes of a message.
START, DELIVERED, OPENED, CLICKED = MOMENTS = ("start", "delivered", "opened", "clicked")
MOST_DEEDS = 50
# What is said weighs as much as so many messages, or passages, of the live numbers.
WEIGHT = 50


class Response(NamedTuple):
    """What becomes of a message, as chances: that it is delivered; of those, that it is opened and that the topic is
    unsubscribed; of the opened ones, that a link is clicked."""

    delivered: float = 0.98
    opened: float = 0.35
    clicked: float = 0.12
    unsubscribed: float = 0.002


USUAL = Response()


class Deed(NamedTuple):
    """An event that people cause: with this chance, after one of MOMENTS, half of them within `delay` seconds."""

    event: str
    chance: float
    after: str = START
    delay: float = 2 * DAY
    properties: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Habits:
    """What people do. `steps` has the responses to certain steps' messages; half of those who open one have done so
    after `opens_after` seconds, and half of those who click after `clicks_after` more."""

    usual: Response = USUAL
    steps: Mapping[str, Response] = field(default_factory=dict)
    opens_after: float = 3 * HOUR
    clicks_after: float = 60.0
    deeds: tuple[Deed, ...] = ()

    def response(self, step_id: str) -> Response:
        """How people respond to the message of a step."""
        return self.steps.get(step_id, self.usual)


def parse_habits(document: object, usual: Habits) -> Habits:
    """The habits of a document; what it does not say is as in `usual`. Raises DefinitionError.

    `{delivered?, opened?, clicked?, unsubscribed?, opens_after?, clicks_after?, steps?: {reminder: {opened: 0.5}},
    events?: [{event, chance, after?, delay?, properties?}]}`
    """
    reader = Reader(document)
    habits = read_habits(reader, usual)
    reader.finish()
    return habits


def read_habits(reader: Reader, usual: Habits) -> Habits:
    """The habits that the reader's object says; mistakes are left in the reader."""
    response = _read_response(reader, usual.usual)
    steps: dict[str, Response] = {step: _follow(said, usual.usual, response) for step, said in usual.steps.items()}
    named = reader.find_child("steps")
    for step_id in named.document if named else ():
        assert named is not None
        steps[str(step_id)] = _read_response(named.child(str(step_id)), steps.get(str(step_id), response))
    deeds = usual.deeds
    if reader.has("events"):
        deeds = tuple(_read_deed(child) for child in reader.children("events", least=0, most=MOST_DEEDS))
    else:
        reader.expect("events")
    return Habits(
        response,
        steps,
        reader.duration("opens_after", usual.opens_after),
        reader.duration("clicks_after", usual.clicks_after),
        deeds,
    )


def _follow(said: Response, before: Response, after: Response) -> Response:
    """A step's own response, where what is usual has been said anew."""
    return Response(*(new if new != old else own for own, old, new in zip(said, before, after, strict=True)))


def _read_response(reader: Reader, usual: Response) -> Response:
    return Response(*(reader.number(key, getattr(usual, key), least=0, most=1) for key in Response._fields))


def _read_deed(reader: Reader) -> Deed:
    return Deed(
        reader.text("event", longest=200),
        reader.number("chance", least=0, most=1),
        reader.choice("after", MOMENTS, START),
        reader.duration("delay", 2 * DAY),
        dict(properties.document) if (properties := _read_any(reader, "properties")) else {},
    )


def _read_any(reader: Reader, key: str) -> Reader | None:
    child = reader.find_child(key)
    if child:
        child.expect(*map(str, child.document))
    return child


def learn_habits(counts: Counts, steps: Iterable[str], usual: Habits, goal_event: str = "") -> Habits:
    """The habits that a journey's live numbers tell.

    Few numbers say little: what is usual counts as WEIGHT messages more, a step's own response leans on that of all
    steps. When it has a goal, `goal_event` takes place as often as passages have reached it.
    """
    learned = _learn(counts.all_messages, usual.usual)
    deeds = [deed for deed in usual.deeds if not goal_event or deed.event != goal_event]
    known = [deed for deed in usual.deeds if deed.event == goal_event]
    if goal_event:
        before = known[0] if known else Deed(goal_event, 0.1)
        reached = counts.outcome("goal").entered
        deeds.append(before._replace(chance=_lean(reached, counts.ended, before.chance), after=START))
    return replace(
        usual,
        usual=learned,
        steps={step: _learn(counts.step(step), learned) for step in steps if counts.step(step).total},
        deeds=tuple(deeds),
    )


def _learn(messages: MessageCounts, usual: Response) -> Response:
    return Response(
        _lean(messages.delivered, messages.delivered + messages.bounced, usual.delivered),
        _lean(messages.opened, messages.delivered, usual.opened),
        _lean(messages.clicked, messages.opened, usual.clicked),
        usual.unsubscribed,
    )


def _lean(times: int, of: int, usual: float) -> float:
    return min(1.0, (times + WEIGHT * usual) / (of + WEIGHT))
