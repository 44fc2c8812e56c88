"""Live numbers: how many people are and were at each place, and what became of the messages, in all and by day.

Numbers are sums. A row of the ledger or of the memberships stands for some of them; when it changes, what it stands for
now is added and what it stood for before is taken away (`count_message`, `count_membership`). So the sum over all
changes is always that over all rows, whatever their order. Arrivals alone are history: nothing takes them away.

Days are those of UTC. A message counts on the day on which it was made, with all that becomes of it later. Mails count
once more by who receives them, in the hour in which they left, as soon as that is known.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from postroad.commits import MembershipChange
from postroad.contacts.places import HELD_OUT, is_outcome, is_step, split_place
from postroad.deliverability.domains import provider_of
from postroad.sending.channels import USUAL
from postroad.sending.messages import (
    BOUNCED,
    COMPLAINED,
    DELIVERED,
    ENGAGEMENTS,
    FAILED,
    QUEUED,
    SENDING,
    SENT,
    SKIPPED,
    STATES,
    UNKNOWN,
    Message,
)

# The two kinds of counters of a definition. They come from two tables' streams, and are added up apart.
PLACES, MESSAGES = "places", "messages"
# What tells that a message has left.
_LEFT = (SENT, DELIVERED, BOUNCED, COMPLAINED)
HERE, ENTERED = "here", "entered"
# What mails are counted by once more: the provider that receives them is the spot, and the hour stands for the day.
DOMAINS = "domains"


class Cell(NamedTuple):
    """What is counted: `day` is "2026-11-23", `spot` a part of the definition (a place's, or the step of a message). Of
    DOMAINS the day is an hour, "2026-11-23T15", and nothing is summed over all time."""

    definition: str
    kind: str
    day: str
    spot: str
    counter: str


Increments = Counter[Cell]


def day_of(time: float) -> str:
    """The day of an instant, in UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d")


def hour_of(time: float) -> str:
    """The hour of an instant, in UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H")


def days_between(since: str, until: str) -> list[str]:
    """Both days and all between them."""
    first, last = date.fromisoformat(since), date.fromisoformat(until)
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]


# What one row stands for


def count_message(before: Message | None, after: Message | None) -> Increments:
    """What a change of a message adds; None is a message that is not there."""
    found: Increments = Counter()
    for message, number in ((before, -1), (after, 1)):
        if message:
            definition = message.origin.partition("@")[0]
            state = QUEUED if message.state == SENDING else message.state
            provider = provider_of(message.address) if message.address and message.channel == USUAL else ""
            for counter in (state, *(mark for mark in ENGAGEMENTS if mark in message.times)):
                found[Cell(definition, MESSAGES, day_of(message.created_at), message.step, counter)] += number
                if provider:
                    found[Cell(DOMAINS, MESSAGES, hour_of(_left_at(message)), provider, counter)] += number
    return _without_zeros(found)


def _left_at(message: Message) -> float:
    """When a message left, as far as one has heard; of one that has not, when it was made."""
    return min((message.times[state] for state in _LEFT if state in message.times), default=message.created_at)


def count_membership(before: MembershipChange | None, after: MembershipChange | None, at: float) -> Increments:
    """What a change of a membership adds, from the changes that put its row as it was and as it is; None is no row.

    Who comes is counted on the day on which that was, who leaves on the day of `at`, when the row was changed.
    """
    found: Increments = Counter()
    if before:
        found[_cell(before.place, HERE, at)] -= 1
    if after and after.since is not None:
        found[_cell(after.place, HERE, at if before else after.since)] += 1
        if not after.moved and (before is None or before.since != after.since):
            found[_cell(after.place, ENTERED, after.since)] += 1
    return _without_zeros(found)


def _cell(place: str, counter: str, at: float) -> Cell:
    definition, spot = split_place(place)
    return Cell(definition, PLACES, day_of(at), spot, counter)


def _without_zeros(found: Increments) -> Increments:
    return Counter({cell: number for cell, number in found.items() if number})


def add_up(parts: Iterable[Increments]) -> Increments:
    """One sum of many; what cancels out is left out."""
    found: Increments = Counter()
    for part in parts:
        found.update(part)
    return _without_zeros(found)


# What is shown


class PlaceCounts(NamedTuple):
    """`here` are the people there now, `entered` the arrivals so far. Of a day: by how many, and its arrivals."""

    here: int = 0
    entered: int = 0

    @property
    def passed(self) -> int:
        """How many of those who came are gone."""
        return self.entered - self.here


class MessageCounts(NamedTuple):
    """`total` is `queued` (on the way) + `sent` + `skipped` + `failed` + `unknown`. `sent` contains `delivered` and
    `bounced`, `delivered` contains `complained`. `opened` and `clicked` count messages, by people as far as one can
    tell; those by scanners and privacy proxies are apart. `unsubscribed` left by a link in the message, `converted`
    reached the goal of its journey after it, and `deferred` were put off by who receives them, at least once."""

    total: int = 0
    queued: int = 0
    sent: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0
    skipped: int = 0
    failed: int = 0
    unknown: int = 0
    opened: int = 0
    clicked: int = 0
    machine_opened: int = 0
    machine_clicked: int = 0
    unsubscribed: int = 0
    converted: int = 0
    deferred: int = 0

    @property
    def raw_opened(self) -> int:
        """How many were opened or, it may be as well, only fetched by machines: never more than arrived."""
        return min(self.opened + self.machine_opened, self.sent)

    @property
    def raw_clicked(self) -> int:
        return min(self.clicked + self.machine_clicked, self.sent)


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of one definition: people by spot, messages by step."""

    places: Mapping[str, PlaceCounts] = field(default_factory=dict)
    messages: Mapping[str, MessageCounts] = field(default_factory=dict)

    def place(self, spot: str = "") -> PlaceCounts:
        return self.places.get(spot, PlaceCounts())

    def step(self, step_id: str = "") -> MessageCounts:
        return self.messages.get(step_id, MessageCounts())

    def outcome(self, outcome: str) -> PlaceCounts:
        """Of a journey: those that ended so, by whatever exit step."""
        wanted = (f":{outcome}", f":{outcome}.")
        found = [place for spot, place in self.places.items() if spot == wanted[0] or spot.startswith(wanted[1])]
        return PlaceCounts(sum(place.here for place in found), sum(place.entered for place in found))

    @property
    def all_messages(self) -> MessageCounts:
        """Those of all steps together."""
        return MessageCounts(*map(sum, zip(*self.messages.values(), strict=True))) if self.messages else MessageCounts()

    @property
    def active(self) -> int:
        """How many are under way in a journey now; some may still stand at its door, the spot ""."""
        return sum(place.here for spot, place in self.places.items() if is_step(spot))

    @property
    def ended(self) -> int:
        """How many passages through a journey have ended."""
        held_out = f":{HELD_OUT}"
        return sum(place.entered for spot, place in self.places.items() if is_outcome(spot) and spot != held_out)

    @property
    def started(self) -> int:
        """How many passages through a journey have begun."""
        return self.active + self.ended


class DayCounts(NamedTuple):
    """What one day ("2026-11-23") has added to a definition's numbers."""

    day: str
    counts: Counts


class HourCounts(NamedTuple):
    """What mails that left in one hour ("2026-11-23T15") have come to, by provider."""

    hour: str
    providers: Mapping[str, MessageCounts]


def add_counts(counts: Iterable[MessageCounts]) -> MessageCounts:
    """Many as one."""
    return MessageCounts(*map(sum, zip(MessageCounts(), *counts, strict=True)))


def add_hours(hours: Iterable[HourCounts]) -> dict[str, MessageCounts]:
    """By provider what these hours have come to together, those with most mails first."""
    found: dict[str, list[MessageCounts]] = {}
    for hour in hours:
        for provider, counts in hour.providers.items():
            found.setdefault(provider, []).append(counts)
    summed = {provider: add_counts(each) for provider, each in found.items()}
    return dict(sorted(summed.items(), key=lambda pair: (-pair[1].sent, pair[0])))


def read_counts(numbers: Mapping[tuple[str, str, str], int]) -> Counts:
    """The numbers of one definition, from its sums by (kind, spot, counter)."""
    found: dict[str, dict[str, dict[str, int]]] = {PLACES: {}, MESSAGES: {}}
    for (kind, spot, counter), number in numbers.items():
        found[kind].setdefault(spot, {})[counter] = number
    return Counts(
        {spot: PlaceCounts(known.get(HERE, 0), known.get(ENTERED, 0)) for spot, known in found[PLACES].items()},
        {step: _read_messages(known) for step, known in found[MESSAGES].items()},
    )


def _read_messages(known: Mapping[str, int]) -> MessageCounts:
    delivered = known.get(DELIVERED, 0) + known.get(COMPLAINED, 0)
    return MessageCounts(
        total=sum(known.get(state, 0) for state in STATES),
        queued=known.get(QUEUED, 0),
        sent=known.get(SENT, 0) + known.get(BOUNCED, 0) + delivered,
        delivered=delivered,
        **{name: known.get(name, 0) for name in (BOUNCED, COMPLAINED, SKIPPED, FAILED, UNKNOWN, *ENGAGEMENTS)},
    )
