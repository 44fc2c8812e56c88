"""Make drafts live: check them, write immutable versions and the new manifest at once, and fold everybody by it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from postroad.book import BLOCK, Manifest, compile_book
from postroad.definitions import plan_publication
from postroad_aws.ports import Clock, Runs

Key = tuple[str, str, int]

# A contact knows nothing of a template's text, nor of a form or a saved block.
_UNSEEN = ("template/", "form/", "block/")


class Definitions(Protocol):
    """What publishing touches of the definitions table."""

    def find_manifest(self) -> Manifest: ...

    def load_versions(self, wanted: Sequence[Key], /) -> Mapping[Key, Mapping[str, Any]]: ...

    def publish(self, versions: Mapping[Key, Mapping[str, Any]], manifest: Manifest, now: float) -> None: ...


class Published(NamedTuple):
    """The book's new revision, and the version that each definition got."""

    revision: int
    versions: Mapping[str, int]


def publish_definitions(
    definitions: Definitions,
    runs: Runs,
    clock: Clock,
    entering: Mapping[str, Mapping[str, Any]],
    transfers: Mapping[str, Any] | None = None,
) -> Published:
    """Publish documents ("journey/welcome" → document) together, so that they may refer to one another.

    `transfers` say, by the keys of journeys, what becomes of the people under way.

    Raises DefinitionError with every mistake, VersionConflictError when somebody else published meanwhile. Contacts are
    folded by the new book when an event touches them, and all others by the rebuild that this starts.
    """
    manifest = definitions.find_manifest()
    documents = definitions.load_versions([*manifest.loaded, *_blocks(manifest, entering)])
    now = clock.now()
    publication = plan_publication(entering, compile_book(manifest, documents), documents, now, transfers)
    definitions.publish(publication.versions, publication.manifest, now)
    remembers_more = publication.manifest.trackers.keys() - manifest.trackers.keys()
    if remembers_more or any(not key.startswith(_UNSEEN) for key in entering):
        runs.start_rebuild(publication.manifest.revision)
    versions = {f"{kind}/{definition_id}": version for kind, definition_id, version in publication.versions}
    return Published(publication.manifest.revision, versions)


def _blocks(manifest: Manifest, entering: Mapping[str, Mapping[str, Any]]) -> list[Key]:
    """The saved blocks with which a template may be built."""
    if not any(key.startswith("template/") for key in entering):
        return []
    return [published[:3] for published in manifest.live.values() if published.kind == BLOCK]
