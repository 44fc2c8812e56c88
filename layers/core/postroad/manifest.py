"""The manifest: which definitions are live, in which versions, and what must be known of them without their documents.

Apart from the book that is compiled from it, because most of what asks what is live needs no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from postroad.advice.rhythm import Learned

# The kinds whose documents the fold does not read.
TEMPLATE, FORM, BLOCK = "template", "form", "block"
UNLOADED = (TEMPLATE, FORM, BLOCK)

# What becomes of people under way in a journey unless somebody says otherwise when a new version of it is published.
STAY = "stay"


@dataclass(frozen=True, slots=True)
class Transfer:
    """What becomes of those under way in versions before `version`. `gone` names, for steps that it lacks, where people
    go (None: they end there); for those that it does not name they end."""

    version: int
    under_way: str = STAY
    gone: Mapping[str, str | None] = field(default_factory=dict)

    def to_document(self) -> list[Any]:
        return [self.version, self.under_way, dict(self.gone)]


class Winner(NamedTuple):
    """The variant that has won an experiment, since when, and why."""

    variant: str
    at: float
    because: str


class Published(NamedTuple):
    """One published version of a definition; `since` is the revision of the book that first had it live.

    `facts` is all that the book knows of a definition that it does not load: of a template its channel and topic, the
    stage that it is for and whether it pushes for a sale, of a form the topics that it asks consent to.
    """

    kind: str
    definition_id: str
    version: int
    since: int
    facts: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.definition_id}"

    @property
    def pinned(self) -> str:
        """The key with the version, as decisions name it."""
        return f"{self.key}@{self.version}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is live: one small item that every publication replaces.

    `live` by key ("journey/welcome"); `held` are older versions that enrollments may still be pinned to; `trackers`
    says since which revision each tracker has been kept, and how wide, so that one already kept is not recomputed;
    `withdrawn` has the last version of what is no longer live; `hears` are the events on demand (`events.ON_DEMAND`)
    to which something live listens; `ends` says until when somebody may be under way in a
    version that is held ("journey/welcome@3"), in epoch seconds; `winners` are those of experiments
    ("welcome/subject"); `transfers` say, by the id of a journey, what became of people under way when it last took some
    along; `learned` is what the account's people have taught about when they read.
    """

    revision: int = 0
    live: Mapping[str, Published] = field(default_factory=dict)
    held: tuple[Published, ...] = ()
    trackers: Mapping[str, tuple[int, int, float | None]] = field(default_factory=dict)
    withdrawn: Mapping[str, int] = field(default_factory=dict)
    ends: Mapping[str, float] = field(default_factory=dict)
    winners: Mapping[str, Winner] = field(default_factory=dict)
    hears: tuple[str, ...] = ()
    transfers: Mapping[str, Transfer] = field(default_factory=dict)
    learned: Learned | None = None

    @property
    def loaded(self) -> list[tuple[str, str, int]]:
        """The (kind, id, version) of every document that `compile_book` needs."""
        return [published[:3] for published in (*self.live.values(), *self.held) if published.kind not in UNLOADED]

    def last_version(self, key: str) -> int:
        """The newest version that a definition ever had; 0 when it was never published."""
        return max(self.live[key].version if key in self.live else 0, self.withdrawn.get(key, 0))

    def to_document(self) -> dict[str, Any]:
        return {
            "revision": self.revision,
            "live": [list(published) for published in self.live.values()],
            "held": [list(published) for published in self.held],
            "trackers": {tracker_id: list(kept) for tracker_id, kept in self.trackers.items()},
            "withdrawn": dict(self.withdrawn),
            "ends": dict(self.ends),
            "hears": list(self.hears),
            "winners": {key: list(winner) for key, winner in self.winners.items()},
            "transfers": {name: each.to_document() for name, each in self.transfers.items()},
            **({"learned": list(self.learned)} if self.learned else {}),
        }


def parse_manifest(document: Mapping[str, Any]) -> Manifest:
    """The manifest of a document that `to_document` wrote."""
    live = (_published(entry) for entry in document["live"])
    return Manifest(
        document["revision"],
        {published.key: published for published in live},
        tuple(_published(entry) for entry in document["held"]),
        {tracker_id: (kept[0], kept[1], kept[2]) for tracker_id, kept in document["trackers"].items()},
        document.get("withdrawn", {}),
        document.get("ends", {}),
        {key: Winner(*winner) for key, winner in document.get("winners", {}).items()},
        hears=tuple(document.get("hears", ())),
        transfers={name: Transfer(*entry) for name, entry in document.get("transfers", {}).items()},
        learned=_learned(document.get("learned")),
    )


def _learned(entry: Sequence[Any] | None) -> Learned | None:
    if entry is None:
        return None
    weights, *rest = entry
    return Learned(tuple(weights), *rest)


def _published(entry: Sequence[Any]) -> Published:
    kind, definition_id, version, since, facts = entry
    return Published(kind, definition_id, version, since, tuple(facts))
