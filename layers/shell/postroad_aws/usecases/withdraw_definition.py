"""Take a definition out of force: who is under way in a journey goes on, and nobody enters it any more."""

from typing import Protocol

from postroad.book import compile_book
from postroad.broadcasts.broadcast import Broadcast, Run
from postroad.definitions import plan_withdrawal
from postroad.instants import DAY
from postroad_aws.ports import Clock, Runs
from postroad_aws.storage import Page
from postroad_aws.usecases.publish_definitions import Definitions

_AT_ONCE = 100


class Broadcasts(Protocol):
    def list_runs(self, *, cursor: str | None = None, limit: int = 50) -> Page[Run]:
        """The latest first."""


def withdraw_definition(definitions: Definitions, broadcasts: Broadcasts, runs: Runs, clock: Clock, key: str) -> int:
    """Withdraw "journey/welcome"; returns the book's new revision.

    Raises DefinitionError when it is not live or something refers to it, a scheduled broadcast too;
    VersionConflictError when somebody else published meanwhile.
    """
    manifest = definitions.find_manifest()
    documents = definitions.load_versions(manifest.loaded)
    now = clock.now()
    coming = _list_coming(broadcasts, now)
    withdrawal = plan_withdrawal(key, compile_book(manifest, documents), documents, now, coming)
    definitions.publish({}, withdrawal.manifest, now)
    runs.start_rebuild(withdrawal.manifest.revision)
    return withdrawal.manifest.revision


def _list_coming(broadcasts: Broadcasts, now: float) -> list[Broadcast]:
    """The broadcasts that have people to address yet; those of earlier days have none."""
    found: list[Broadcast] = []
    cursor = None
    while True:
        page = broadcasts.list_runs(cursor=cursor, limit=_AT_ONCE)
        found += [run.broadcast for run in page.items if run.is_coming]
        cursor = page.next
        if cursor is None or page.items[-1].at < now - DAY:
            return found
