"""The contact: all that is known, and all that is pending, about one person.

Inside the fold a Contact is changed in place on a copy of its own; everything it holds below one level of dicts is
immutable, so `copy` stays shallow. A contact is stored as one compressed document (see `codec`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from postroad.contacts.devices import DEVICE
from postroad.contacts.devices import find_address as find_device_address
from postroad.contacts.engagement import Sent
from postroad.contacts.fetches import Fetch
from postroad.contacts.ring import Ring
from postroad.sending.channels import CHANNELS, CONTACT, address_kind

SHARDS = 16
SHARD_NAMES = tuple(f"{number:02d}" for number in range(SHARDS))

# What is kept of one contact, so that it fits into an item of DynamoDB (400 KB).
MAX_IDENTITIES = 50
# The priority of a journey or broadcast that gives itself none, between 0 and 100.
USUAL_PRIORITY = 50
# How many contacts one has been joined from, whose timelines it is read with; fewer when the next is anonymous.
MAX_MERGED = 300
MAX_MERGED_ANONYMOUS = 100
MAX_ATTRIBUTES = 200
# Of those, what only a public source has said. A confirmed word that finds no room takes that of an unconfirmed one.
MAX_UNCONFIRMED = 50
# To how many accounts a contact may belong.
MAX_ACCOUNTS = 5
# How many stages before its present one a contact remembers.
MAX_STAGES_BEFORE = 10


def latest_identities(identities: Mapping[str, float]) -> dict[str, float]:
    """At most MAX_IDENTITIES: those beyond anonymous ones first, then the latest devices.

    The forward of a device that is left out stays, so it still leads to the contact.
    """
    ranked = sorted(identities, key=lambda text: (text.startswith("anon:"), -identities[text], text))
    kept = set(ranked[:MAX_IDENTITIES])
    return {text: since for text, since in identities.items() if text in kept}


def slot_of(journey_id: str, key: str) -> str:
    """Under what a contact keeps a passage: the journey, and its key where passages go side by side."""
    return f"{journey_id}/{key}" if key else journey_id


def journey_of(slot: str) -> str:
    """The journey of a slot."""
    return slot.partition("/")[0]


class Attribute(NamedTuple):
    """A fact about a contact: its JSON value, when it was said, and whether a server or the person confirmed it."""

    value: Any
    time: float
    confirmed: bool


class Points(NamedTuple):
    """What one scoring rule has given: points as they stood `at`; they fade from there by the sheet's half-life.

    A rule with a cap keeps the latest windows apart, because their sums may still grow: (number of the window, points
    as they stood, when).
    """

    points: float
    at: float
    windows: tuple[tuple[int, float, float], ...] = ()


class Consent(NamedTuple):
    """A copy of the contact's latest yes or no to a topic; the consents table is the truth.

    From `until` on it is as if it had never been given: a no that ends is a pause.
    """

    granted: bool
    time: float
    until: float | None = None


class Stage(NamedTuple):
    """Where the contact stands in the life cycle, since when, and why in a sentence."""

    name: str
    since: float
    because: str = ""


class Persona(NamedTuple):
    """Whom the contact is most like, since when, and how sure that is, from 0 to 1."""

    name: str
    since: float
    confidence: float


class Handed(NamedTuple):
    """To whom the contact was handed, `sales` or `nurture`, and since when."""

    to: str
    since: float


# The role of somebody in an account of whom nobody has said another one.
USUAL_ROLE = "member"


class Seat(NamedTuple):
    """A contact's place in an account: its role (and when that was said), since when it belongs to it, and whether it
    is engaged. The rest is a copy of what the account said in its `version`: attributes, why its members get no
    marketing ("": they do), and the roles of which somebody is engaged."""

    role: str
    since: float
    role_said: float = 0.0
    is_engaged: bool = False
    version: int = 0
    attributes: Mapping[str, Any] = {}
    suppressed: str = ""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One contact's passage through one journey version.

    `enrollment_id` is derived from contact, journey and trigger event. `step` is where it stands, `due` when the wait
    there ends by itself (None: nothing to wait for), `marks` what happened to the messages of its send steps
    ({"welcome": ("opened",)}), `visits` how often each step was entered, `since` from when events count for the step.
    `is_before` says that it stands before its step and has yet to enter it (again).
    `done` are steps that it has done in an earlier version, and passes by once. `key` says what the passage is about in
    a journey that has several side by side, else "".
    """

    enrollment_id: str
    journey: str
    version: int
    entered: float
    trigger_key: str
    step: str
    due: float | None
    state: str = "active"
    reason: str = ""
    since: float = 0.0
    marks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    visits: Mapping[str, int] = field(default_factory=dict)
    is_before: bool = False
    done: tuple[str, ...] = ()
    key: str = ""

    @property
    def slot(self) -> str:
        """Where the contact keeps it among its active ones."""
        return slot_of(self.journey, self.key)

    def with_(self, **changes: Any) -> "Enrollment":
        return replace(self, **changes)


class Passage(NamedTuple):
    """What re-entry rules, and merges, need to know of a contact's past in a journey.

    `last_state` says how it last ended (`places.OUTCOMES`; "" while it never did), `last_enrollment` which enrollment
    that was; a message of it may still be on its way.
    """

    times: int
    last_entered: float
    last_ended: float | None
    last_state: str
    last_enrollment: str = ""


class Candidate(NamedTuple):
    """A message that wants to leave. The contact keeps it until all gates let it pass; `at` is when they are asked.

    `since` is when it was first put up. `options` are what the step or broadcast asks of single gates, by their keys.
    """

    message_id: str
    origin: str
    step: str
    enrollment_id: str
    template: str
    channel: str
    trigger_key: str
    since: float
    at: float
    expires_at: float | None = None
    priority: int = USUAL_PRIORITY
    options: Mapping[str, Any] = {}


class Spent(NamedTuple):
    """A message that counts against the caps: its short name, and when it was queued (whole seconds, never before)."""

    at: float
    channel: str
    message: str


class Exposure(NamedTuple):
    """A contact's part in an experiment: its variant, since when, and until when a conversion counts; when it did.

    `goal` names the event that is one, in the test of a broadcast; of a journey's experiments the book knows that.
    """

    variant: str
    at: float
    until: float
    converted: float | None = None
    goal: str = ""


@dataclass(slots=True)
class Contact:
    """One person. `version` counts commits (0: not stored yet), `revision` is the newest book that folded it.
    `last_seen` is the latest event, `last_sign` the latest that the person did (0: none is known).

    `postponed` are the messages that wait for a gate, by their ids; `spent` those that count against the caps, the
    latest last; `exposures` are its parts in experiments, by "journey/step" (of a holdout "journey/", of a broadcast's
    test "/broadcast/id"); `engagement` is what it did with the latest messages of each channel, `fetches` its opens and
    clicks of the last hour. `identities` maps "kind:value" to when it was attached; `claims` are those of them that
    only a public source has named; `behaviour` maps a tracker's id to its bounded memory;
    `turns` maps a definition's key to the instant at which time alone may turn it; `active` are the enrollments under
    way by slot, and `passages` the past by slot and, where passages go side by side, by journey. `wake_at`
    is the armed timer. `dropped` are the enrollments that a merge ended, whose messages still on the way must not be
    sent. `frequency` is how often it wants to be written to (see `preferences`).
    `erased_at` says that it began anew after it was erased, at that time: what happened before is not folded.
    `stages_before` are the stages that it has left, the latest last. `accounts` are its seats, by the account's
    id. `extra` is what a newer version of this code has stored and this one does not know: kept as it is.
    """

    contact_id: str
    version: int = 0
    created_at: float = 0.0
    revision: int = 0
    wake_at: float | None = None
    last_seen: float = 0.0
    last_sign: float = 0.0
    events_folded: int = 0
    identities: dict[str, float] = field(default_factory=dict)
    claims: frozenset[str] = frozenset()
    attributes: dict[str, Attribute] = field(default_factory=dict)
    consents: dict[str, Consent] = field(default_factory=dict)
    suppressions: dict[str, str] = field(default_factory=dict)
    behaviour: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, dict[str, Points]] = field(default_factory=dict)
    stage: Stage | None = None
    stages_before: tuple[Stage, ...] = ()
    persona: Persona | None = None
    handed: Handed | None = None
    segments: dict[str, float] = field(default_factory=dict)
    turns: dict[str, float] = field(default_factory=dict)
    active: dict[str, Enrollment] = field(default_factory=dict)
    passages: dict[str, Passage] = field(default_factory=dict)
    postponed: dict[str, Candidate] = field(default_factory=dict)
    spent: tuple[Spent, ...] = ()
    exposures: dict[str, Exposure] = field(default_factory=dict)
    accounts: dict[str, Seat] = field(default_factory=dict)
    engagement: dict[str, tuple[Sent, ...]] = field(default_factory=dict)
    fetches: tuple[Fetch, ...] = ()
    frequency: str = ""
    erased_at: float | None = None
    merged_from: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    ring: Ring = field(default_factory=Ring)
    extra: dict[str, Any] = field(default_factory=dict)

    def copy(self) -> "Contact":
        """A contact that can be changed without the original noticing."""
        return replace(
            self,
            identities=dict(self.identities),
            attributes=dict(self.attributes),
            consents=dict(self.consents),
            suppressions=dict(self.suppressions),
            behaviour=dict(self.behaviour),
            scores=dict(self.scores),
            segments=dict(self.segments),
            turns=dict(self.turns),
            active=dict(self.active),
            passages=dict(self.passages),
            postponed=dict(self.postponed),
            exposures=dict(self.exposures),
            accounts=dict(self.accounts),
            engagement=dict(self.engagement),
        )

    @property
    def shard(self) -> str:
        """Which of the SHARDS partitions of the indexes it belongs to; ids are uniform, so their letters serve."""
        return f"{sum(self.contact_id.encode()[:4]) % SHARDS:02d}"

    def identity_values(self, kind: str) -> list[str]:
        """Its identities of one kind, the latest attached first. Claims are left out when any of them is confirmed."""
        prefix = kind + ":"
        found = [(since, text) for text, since in self.identities.items() if text.startswith(prefix)]
        found = [pair for pair in found if pair[1] not in self.claims] or found
        return [text[len(prefix) :] for _, text in sorted(found, key=lambda pair: (-pair[0], pair[1]))]

    def find_address(self, channel: str) -> str | None:
        """Where a channel reaches this contact: the address it is said to have, if that is an identity of it; else the
        identity that was attached last. A claim counts only as long as there is no confirmed address. A channel that
        needs no address of theirs has the contact itself, and a push the device that was named last."""
        if channel not in CHANNELS:
            return None
        kind = address_kind(channel)
        if kind == CONTACT:
            return self.contact_id
        if kind == DEVICE:
            return self._find_device()
        said, values = self.find_value(kind), self.identity_values(kind)
        return said if said in values else values[0] if values else None

    def _find_device(self) -> str | None:
        """Where a push reaches this contact. A device that only a public source has named may be somebody else's: it
        counts while nothing of the contact is confirmed."""
        word = self.attributes.get(DEVICE)
        if word is None or (self.confirmed and not word.confirmed):
            return None
        return find_device_address(word.value)

    @property
    def account_bar(self) -> str | None:
        """Why an account of theirs gets no marketing, as a sentence; None when all of them do."""
        found = ((account_id, seat.suppressed) for account_id, seat in self.accounts.items() if seat.suppressed)
        return next((f"the account {account_id} gets nothing: {reason}" for account_id, reason in found), None)

    def enrollments_in(self, journey_id: str) -> list[Enrollment]:
        """The enrollments under way in a journey, the earliest first."""
        found = [each for each in self.active.values() if each.journey == journey_id]
        return sorted(found, key=lambda each: (each.entered, each.slot))

    def key_of(self, enrollment_id: str) -> str:
        """The key of an enrollment that is under way, or was the last one in its slot."""
        slots = [each.slot for each in self.active.values() if each.enrollment_id == enrollment_id]
        slots += [slot for slot, passage in self.passages.items() if passage.last_enrollment == enrollment_id]
        return max((slot.partition("/")[2] for slot in slots), default="")

    def find_value(self, attribute: str) -> Any:
        """An attribute's value, or None."""
        found = self.attributes.get(attribute)
        return found.value if found else None

    @property
    def is_known(self) -> bool:
        """Whether it has an identity beyond anonymous ones."""
        return any(not text.startswith("anon:") for text in self.identities)

    @property
    def confirmed(self) -> set[str]:
        """Its identities, beyond anonymous ones, that a trusted source has named."""
        return {text for text in self.identities if not text.startswith("anon:") and text not in self.claims}
