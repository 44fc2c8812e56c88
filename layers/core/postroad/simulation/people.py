"""People to try a journey with: made up from what its document asks about, or contacts that there are."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from postroad.book import Book
from postroad.channels import CHANNELS
from postroad.contacts import Contact
from postroad.devices import DEVICE
from postroad.events import RESERVED, Event
from postroad.fold import begin
from postroad.instants import DAY, parse_duration
from postroad.journeys import Journey
from postroad.predicates import EVENT, Comparison, Group, Predicate, parse_predicate
from postroad.simulation.chance import draw
from postroad.simulation.habits import Deed

Document = Mapping[str, Any]
# By default so many of those who could do what a journey listens for do it.
USUAL_CHANCE = 0.1
USUAL_DELAY = 2 * DAY

# Who says what made-up people do.
SOURCE = "simulation"

# What somebody who is made up has as an address of each kind.
ADDRESSES: Mapping[str, Callable[[int], Any]] = {
    "email": lambda number: f"person-{number}@example.com",
    "phone": lambda number: f"+3519{number % 100_000_000:08d}",
    DEVICE: lambda number: {"type": "ios", "token": f"device-of-person-{number}"},
}


class Person(NamedTuple):
    """Somebody as they are when a journey is tried, and what happens to them: `events` start it, at their own times.

    `history` is the timeline of a contact that there is.
    """

    contact: Contact
    events: tuple[Event, ...]
    history: Sequence[Event] = ()


class Cast(NamedTuple):
    """How people are made up: the values that each attribute takes, each as often as the others; None is without it.

    They come one after the other in the first `within` seconds, and `properties` are those of the event that starts
    their journey.
    """

    attributes: Mapping[str, Sequence[Any]] = {}
    within: float = DAY
    properties: Mapping[str, Any] = {}


def cast_of(*documents: Document) -> Cast:
    """People of whom each branch finds some: with every value that the documents ask about, and without."""
    values: dict[str, list[Any]] = {}
    for leaf in _walk(documents):
        name = leaf.get("attribute")
        if isinstance(name, str) and "." not in name:
            found = values.setdefault(name, [None])
            found += [value for value in _answers(leaf) if value not in found]
    return Cast(values)


def usual_deeds(*documents: Document) -> tuple[Deed, ...]:
    """Of every event that the documents ask about, but for what starts a journey, that some people do it."""
    found: dict[str, Deed] = {}
    for leaf in _walk([{**document, "trigger": None} for document in documents]):
        name, where = leaf.get("event"), leaf.get("where")
        if isinstance(name, str) and name not in RESERVED:
            properties = meet(where and parse_predicate(where, EVENT))
            found.setdefault(name, Deed(name, USUAL_CHANCE, delay=_find_delay(leaf), properties=properties))
    return tuple(found.values())


def _find_delay(leaf: Mapping[str, Any]) -> float:
    """Half of those who do it do so in a quarter of the time that a wait leaves them."""
    timeout = leaf.get("timeout")
    return min(USUAL_DELAY, parse_duration(timeout) / 4) if timeout else USUAL_DELAY


def make_people(
    journey: Journey, book: Book, cast: Cast, numbers: Iterable[int], seed: int, start: float
) -> Iterator[Person]:
    """Made-up people by their numbers: the same number is the same person for the same seed."""
    kinds = sorted({channel.address_kind for channel in CHANNELS.values()} & ADDRESSES.keys())
    segment = journey.triggers[0].among
    for number in numbers:
        contact = begin(f"person-{number}", book, start)
        if segment:  # whatever made them members, they are until what happens to them says otherwise
            contact.segments[segment] = start
        told: dict[str, Any] = {}
        for kind in kinds:
            # An address may be among what the journey asks about: then some have none.
            values = cast.attributes.get(kind)
            if values is None or values[int(draw(seed, number, kind) * len(values))] is not None:
                told[kind] = ADDRESSES[kind](number)
                if kind != DEVICE:  # it is no identity
                    contact.identities[f"{kind}:{told[kind]}"] = start
        for name, values in cast.attributes.items():
            value = values[int(draw(seed, number, name) * len(values))] if values else None
            if value is not None and name not in kinds:
                told[name] = value
        at = start + cast.within * draw(seed, number, "start")
        yield Person(contact, (start_event(journey, contact, at, properties=cast.properties, attributes=told),))


def start_event(
    journey: Journey,
    contact: Contact,
    at: float,
    *,
    properties: Mapping[str, Any] = {},
    attributes: Mapping[str, Any] = {},
    event_id: str = "",
) -> Event:
    """An event that the journey's first trigger takes, as far as its `where` can be met, with more `properties`."""
    pattern = journey.triggers[0].pattern
    return Event(
        event_id or f"start-{journey.id}",
        pattern.name,
        at,
        at,
        contact_id=contact.contact_id,
        trusted=True,
        source=SOURCE,
        attributes=attributes,
        properties={**(journey.per.say("1") if journey.per else {}), **meet(pattern.where), **properties},
    )


# What meets a comparison, by its operator; what is not here is met by the operand itself.
_MEETS: Mapping[str, Callable[[Any], Any]] = {
    "in": lambda values: values[0],
    "is_not": lambda value: f"not {value}",
    "not_in": lambda values: f"not {values[0]}",
    "not_contains": lambda value: "",
    "gt": lambda number: number + 1,
    "lt": lambda number: number - 1,
    "exists": lambda wanted: "something" if wanted else None,
}


def meet(where: Predicate | None) -> dict[str, Any]:
    """Properties for which a condition on them holds, where that can be told from it; of `any` the first way."""
    if isinstance(where, Group):
        members = where.members[:1] if where.decisive else where.members
        return {name: value for member in members for name, value in meet(member).items()}
    if isinstance(where, Comparison) and "." not in where.subject:
        value = _MEETS.get(where.operator.key, lambda operand: operand)(where.operand)
        return {} if value is None else {where.subject: value}
    return {}


def _answers(leaf: Mapping[str, Any]) -> Iterator[Any]:
    """Values of an attribute for which a comparison holds, and at the edge where it stops."""
    for key, operand in leaf.items():
        if key in ("is", "is_not", "contains", "not_contains", "starts_with", "ends_with", "before", "after"):
            yield operand
        elif key in ("in", "not_in") and isinstance(operand, list | tuple):
            yield from operand
        elif key in ("gt", "gte", "lt", "lte") and isinstance(operand, int | float):
            yield from (operand - 1, operand + 1)
        elif key == "exists":
            yield "something"


def _walk(part: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of a document."""
    if isinstance(part, Mapping):
        yield part
        for value in part.values():
            yield from _walk(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _walk(value)
