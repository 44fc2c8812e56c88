"""Take a definition out of force: who is under way in a journey goes on, and nobody enters it any more."""

from postroad.book import compile_book
from postroad.definitions import plan_withdrawal
from postroad_aws.ports import Clock, Runs
from postroad_aws.usecases.publish_definitions import Definitions


def withdraw_definition(definitions: Definitions, runs: Runs, clock: Clock, key: str) -> int:
    """Withdraw "journey/welcome"; returns the book's new revision.

    Raises DefinitionError when it is not live or something refers to it, VersionConflictError when somebody else
    published meanwhile.
    """
    manifest = definitions.find_manifest()
    documents = definitions.load_versions(manifest.loaded)
    now = clock.now()
    withdrawal = plan_withdrawal(key, compile_book(manifest, documents), documents, now)
    definitions.publish({}, withdrawal.manifest, now)
    runs.start_rebuild(withdrawal.manifest.revision)
    return withdrawal.manifest.revision
