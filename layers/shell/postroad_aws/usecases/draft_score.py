"""Write what was learned about a score sheet into its draft; somebody has to look at it, and publish it."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from postroad.book import Manifest
from postroad_aws.ports import Clock
from postroad_aws.storage.definitions import Draft


class Definitions(Protocol):
    def find_draft(self, kind: str, definition_id: str, /) -> Draft | None: ...

    def find_manifest(self) -> Manifest: ...

    def get_version(self, kind: str, definition_id: str, version: int, /) -> Mapping[str, Any]: ...

    def save_draft(
        self, kind: str, definition_id: str, document: dict[str, Any], /, *, edit: int, now: float
    ) -> Draft: ...


def draft_score(
    definitions: Definitions, clock: Clock, score_id: str, change: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> Draft:
    """Change the draft of a published score sheet, or begin one with what is live. Nothing is published.

    Raises VersionConflictError when somebody else saves it at the same moment.
    """
    draft = definitions.find_draft("score", score_id)
    live = definitions.find_manifest().live[f"score/{score_id}"]
    document = draft.document if draft else definitions.get_version("score", score_id, live.version)
    return definitions.save_draft("score", score_id, change(document), edit=draft.edit if draft else 0, now=clock.now())
