"""Look at experiments: where a verdict is reached, and the winner is to be chosen by itself, newcomers get it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from postroad.book import Book, Manifest, compile_book
from postroad.definitions import plan_winner
from postroad.experiments.results import DECIDED, read_results
from postroad.stats import Counts
from postroad_aws.ports import Clock

Key = tuple[str, str, int]


class Definitions(Protocol):
    """What judging touches of the definitions table."""

    def find_manifest(self) -> Manifest: ...

    def load_versions(self, wanted: Sequence[Key], /) -> Mapping[Key, Mapping[str, Any]]: ...

    def publish(self, versions: Mapping[Key, Mapping[str, Any]], manifest: Manifest, now: float) -> None: ...


class Stats(Protocol):
    """What judging touches of the live numbers."""

    def find_counts(self, definitions: Sequence[str], /) -> Mapping[str, Counts]: ...


def judge_experiments(definitions: Definitions, stats: Stats, clock: Clock) -> dict[str, str]:
    """Let winners win; returns the variant of each experiment that has one now, by the experiment's key.

    Raises VersionConflictError when somebody published meanwhile: then it is looked at again next time.
    """
    book = _load(definitions)
    running = [
        journey.id for journey in book.journeys.values() if any(e.is_automatic for e in journey.experiments.values())
    ]
    counts = stats.find_counts([f"journey/{journey_id}" for journey_id in running]) if running else {}
    won = {
        result.experiment.key: result
        for journey_id in running
        for result in read_results(journey_id, book, counts[f"journey/{journey_id}"])
        if result.experiment.is_automatic and result.state == DECIDED
    }
    for key, result in won.items():
        choose_winner(definitions, clock, key, result.finding.winner, result.praise)
    return {key: result.finding.leader for key, result in won.items()}


def choose_winner(definitions: Definitions, clock: Clock, key: str, variant: str | None, because: str) -> int:
    """Let a variant win the experiment "welcome/subject", or (None) take that back; returns the book's new revision.

    Raises DefinitionError when there is no such experiment or variant.
    """
    now = clock.now()
    publication = plan_winner(key, variant, because, _load(definitions), now)
    definitions.publish(publication.versions, publication.manifest, now)
    return publication.manifest.revision


def _load(definitions: Definitions) -> Book:
    manifest = definitions.find_manifest()
    return compile_book(manifest, definitions.load_versions(manifest.loaded))
