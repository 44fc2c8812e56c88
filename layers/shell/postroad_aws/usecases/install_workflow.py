"""Install a workflow of the gallery: its definitions become drafts of the account's own and, when asked for, live."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from postroad.errors import PostroadError
from postroad_aws.ports import Clock, Runs
from postroad_aws.usecases.publish_definitions import Definitions, publish_definitions


class TakenError(PostroadError):
    """A definition of the same name is there, and is another one."""


class Draft(Protocol):
    """What installing looks at in a draft that is there."""

    @property
    def document(self) -> Mapping[str, Any]: ...


class Drafts(Definitions, Protocol):
    """What installing touches of the definitions table."""

    def find_draft(self, kind: str, definition_id: str) -> Draft | None: ...

    def save_draft(
        self, kind: str, definition_id: str, document: Mapping[str, Any], *, edit: int, now: float
    ) -> object: ...


class Installed(NamedTuple):
    """Keys of the definitions ("journey/birthday"), and the book's new revision when they were published."""

    definitions: tuple[str, ...]
    revision: int | None


def install_workflow(
    definitions: Drafts, runs: Runs, clock: Clock, documents: Mapping[str, Mapping[str, Any]], *, publish: bool
) -> Installed:
    """Save these documents ("journey/birthday" → document) as drafts; doing it again changes nothing.

    Raises TakenError, before anything is saved, when one of them would replace another definition, and DefinitionError
    when they cannot be published.
    """
    drafts = {key: definitions.find_draft(*_split(key)) for key in documents}
    taken = [key for key, draft in drafts.items() if draft and dict(draft.document) != dict(documents[key])]
    if taken:
        what = f"There is {', '.join(taken)} already, and it says something else."
        raise TakenError(f"{what} Install it under another id.")
    for key, document in documents.items():
        if drafts[key] is None:
            definitions.save_draft(*_split(key), document, edit=0, now=clock.now())
    revision = publish_definitions(definitions, runs, clock, documents).revision if publish else None
    return Installed(tuple(documents), revision)


def _split(key: str) -> tuple[str, str]:
    kind, _, definition_id = key.partition("/")
    return kind, definition_id
