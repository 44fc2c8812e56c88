"""People to try a journey with: made up from what its document asks about, or contacts that there are."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

from postroad.book import Book
from postroad.contacts.contact import Contact
from postroad.contacts.devices import DEVICE
from postroad.documents import Reader
from postroad.errors import DefinitionError
from postroad.events import RESERVED, Event
from postroad.fold import begin
from postroad.instants import DAY, format_instant, parse_duration
from postroad.journeys import Journey
from postroad.journeys.dates import read_offset
from postroad.journeys.ways import LANGUAGES
from postroad.predicates.operators import OPERATORS
from postroad.predicates.predicate import EVENT, Comparison, Group, Predicate, View, parse_predicate
from postroad.sending.channels import CHANNELS
from postroad.simulation.chance import draw
from postroad.simulation.habits import Deed
from postroad.simulation.standing import find_facts, place

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

    Dots in a name lead into objects. A value may be a function of the instant at which somebody's journey starts. They
    come one after the other in the first `within` seconds, and `properties` are those of the event that starts it. Of
    each of the `facts` some of the names are so of them (see `standing`).
    """

    attributes: Mapping[str, Sequence[Any]] = {}
    within: float = DAY
    properties: Mapping[str, Any] = {}
    facts: Mapping[str, Sequence[str]] = {}


def cast_of(*documents: Document) -> Cast:
    """People of whom each way finds some: on either side of whatever the documents compare, and without a value."""
    found: dict[str, list[Any]] = {}
    seen: set[tuple[str, str]] = set()
    for part, lapse in _walk(documents):
        for name, example in _find_examples(part, lapse):
            values, shown = found.setdefault(name, [None]), (name, repr(example(0.0)))
            if shown not in seen:
                seen.add(shown)
                values.append(example)
    return Cast(found, facts=find_facts(part for part, _ in _walk(documents)))


def usual_deeds(*documents: Document, at: float = 0.0) -> tuple[Deed, ...]:
    """Of every event that the documents ask about, but for what starts a journey, that some people do it, about the
    time `at`."""
    found: dict[str, Deed] = {}
    for leaf, _ in _walk([{**document, "trigger": None} for document in documents]):
        name, where = leaf.get("event"), leaf.get("where")
        if isinstance(name, str) and name not in RESERVED:
            properties = meet(where and parse_predicate(where, EVENT), at)
            found.setdefault(name, Deed(name, USUAL_CHANCE, delay=_find_delay(leaf), properties=properties))
    return tuple(found.values())


def _find_delay(leaf: Mapping[str, Any]) -> float:
    """Half of those who do it do so in a quarter of the time that a wait leaves them."""
    return min(USUAL_DELAY, parse_duration(leaf["timeout"]) / 4) if leaf.get("timeout") else USUAL_DELAY


def make_people(
    journey: Journey, book: Book, cast: Cast, numbers: Iterable[int], seed: int, start: float
) -> Iterator[Person]:
    """Made-up people by their numbers: the same number is the same person for the same seed."""
    kinds = sorted({channel.address_kind for channel in CHANNELS.values()} & ADDRESSES.keys())
    segment = journey.triggers[0].among
    for number in numbers:
        contact = begin(f"person-{number}", book, start)
        place(contact, cast.facts, book, start, seed, number)
        if segment:  # whatever made them members, they are until what happens to them says otherwise
            contact.segments[segment] = start
        at = start + cast.within * draw(seed, number, "start")
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
                told[name] = value(at) if callable(value) else value
        attributes = _nest(told.items())
        yield Person(contact, (start_event(journey, contact, at, properties=cast.properties, attributes=attributes),))


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
        properties={**(journey.per.say("1") if journey.per else {}), **meet(pattern.where, at), **properties},
    )


def meet(where: Predicate | None, at: float) -> dict[str, Any]:
    """Properties for which a condition on them holds at an instant, where that can be told from it; of `any` the first
    way."""
    return _nest(_meet(where, at))


def _meet(where: Predicate | None, at: float) -> Iterator[tuple[str, Any]]:
    if isinstance(where, Group):
        for member in where.members[:1] if where.decisive else where.members:
            yield from _meet(member, at)
    elif isinstance(where, Comparison):
        view = View(_NOBODY, at)
        examples = (None, *where.operator.examples(where.operand, at))
        value = next((example for example in examples if where.compare(example, view).truth), None)
        if value is not None:
            yield where.subject, value


def _nest(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Objects in which each value stands where the dots of its name lead."""
    nested: dict[str, Any] = {}
    for name, value in sorted(values, key=itemgetter(0)):
        *parents, last = name.split(".")
        place = nested
        for parent in parents:
            inner = place.get(parent)
            place[parent] = place = dict(inner) if isinstance(inner, Mapping) else {}
        place[last] = value
    return nested


_NOBODY = Contact("")


# What documents ask about


Example = Callable[[float], Any]
# Steps that come one after the other stand in lists under these keys.
_IN_TURN = ("steps", "then", "else")


def _walk(part: Any, lapse: float = 0.0, *, in_turn: bool = False) -> Generator[tuple[Document, float], None, float]:
    """Every object of a document, and about how many seconds after the start of a journey people may come to it.

    Returns when they are past all of it at the latest.
    """
    end = lapse
    if isinstance(part, Mapping):
        yield part, lapse
        end += _find_duration(part)
        over = end
        for key, value in part.items():
            end = max(end, (yield from _walk(value, over if key == "else" else lapse, in_turn=key in _IN_TURN)))
    elif isinstance(part, list | tuple):
        for value in part:
            end = max(end, (yield from _walk(value, end if in_turn else lapse)))
    return end


def _find_duration(part: Document) -> float:
    """How long people stay at a wait at most, as far as it says; 0 for what is none."""
    for key in ("for", "timeout"):
        with suppress(ValueError):
            return parse_duration(part.get(key))
    return 0.0


def _find_examples(part: Document, lapse: float) -> Iterator[tuple[str, Example]]:
    """The attributes that an object asks about, with values on either side of what it asks."""
    for asked in _comparisons_in(part):
        for number in range(len(asked.operator.examples(asked.operand, 0.0))):
            yield asked.subject, partial(_show_example, asked, lapse, number)
    wait = part.get("wait")
    if isinstance(wait, Mapping) and isinstance(wait.get("date"), str):
        ahead = lapse + _SOON - read_offset(Reader(wait))
        yield wait["date"], lambda at: format_instant(at + ahead)[:10]


def _show_example(asked: Comparison, lapse: float, number: int, at: float) -> Any:
    return asked.operator.examples(asked.operand, at + lapse)[number]


# A date for which somebody waits comes so soon.
_SOON = 3 * DAY


def _comparisons_in(part: Document) -> Iterator[Comparison]:
    """What an object compares attributes with: a condition, or a step with a way for each value of one."""
    name, cases = part.get("attribute"), part.get("cases")
    languages = part.get("language")
    if isinstance(cases, list | tuple):
        asked = [{"attribute": name, "in": case["is"]} for case in cases if isinstance(case, Mapping) and "is" in case]
    elif isinstance(languages, Mapping):
        yield from _comparisons_in({"attribute": LANGUAGES[0], "cases": languages.get("cases")})
        return
    else:
        asked = [{key: part[key] for key in part if key == "attribute" or key in OPERATORS}]
    for document in asked:
        with suppress(DefinitionError):
            predicate = parse_predicate(document, _ATTRIBUTES)
            if isinstance(predicate, Comparison):
                yield predicate


_ATTRIBUTES = frozenset(("attribute",))
