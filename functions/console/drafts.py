"""Drafts of definitions: what they would do beside what is live, what has to be mended first, and publishing them."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from functions.console.broadcast_form import slug_of
from functions.console.requests import Request, RequestError
from postroad.book import Book
from postroad.content.built import as_written
from postroad.definitions import check_definition, get_kind, known_in
from postroad.documents import says_the_same
from postroad.errors import DefinitionError
from postroad_aws import books, clock, runs
from postroad_aws.storage import NotFoundError, VersionConflictError, definitions
from postroad_aws.usecases.publish_definitions import publish_definitions

Mistakes = tuple[tuple[str, str], ...]

_MOST_NAMESAKES = 50


class Drafted(NamedTuple):
    """A draft beside what is live. `parsed` is None when it cannot be read; `is_changed` says that it differs from what
    is live, or that nothing of it is."""

    draft: definitions.Draft
    parsed: Any
    mistakes: Mistakes
    is_live: bool
    is_changed: bool

    @property
    def name(self) -> str:
        name = self.draft.document.get("name")
        return name if isinstance(name, str) and name else self.draft.definition_id

    @property
    def lines(self) -> tuple[str, ...]:
        """What it would do, in sentences."""
        return get_kind(self.draft.kind).describe(self.parsed) if self.parsed else ()


def save_new(kind: str, name: str, document: Mapping[str, Any], now: float, plural: str) -> str:
    """Save a new draft under an id made of its name, a number behind it when that is taken; answers the id. Raises
    RequestError, in which `plural` is what people call this kind."""
    wanted, live = slug_of(name, kind), books.newest().manifest.live
    for number in range(1, _MOST_NAMESAKES):
        definition_id = wanted if number == 1 else f"{wanted}-{number}"
        if f"{kind}/{definition_id}" in live:
            continue
        with suppress(VersionConflictError):
            definitions.save_draft(kind, definition_id, {**document, "id": definition_id}, edit=0, now=now)
            return definition_id
    raise RequestError(f"Many {plural} have this name already; choose another one.")


def find_drafted(kind: str, definition_id: str, book: Book) -> Drafted | None:
    """The draft of a definition; None when there is none."""
    draft = definitions.find_draft(kind, definition_id)
    return look_at([draft], book)[0] if draft else None


def look_at(drafts: list[definitions.Draft], book: Book) -> list[Drafted]:
    """Each of these drafts, all of one kind, beside what is live."""
    live = {
        draft.definition_id: (published.kind, published.definition_id, published.version)
        for draft in drafts
        if (published := book.manifest.live.get(f"{draft.kind}/{draft.definition_id}"))
    }
    documents = definitions.load_versions(list(live.values())) if live else {}
    found = []
    for draft in drafts:
        there = live.get(draft.definition_id)
        parsed, mistakes = _parse(draft.kind, draft.definition_id, draft.document, book)
        is_changed = there is None or not says_the_same(as_written(documents[there]), draft.document)
        found.append(Drafted(draft, parsed, mistakes, there is not None, is_changed))
    return found


def publish_seen(request: Request, kind: str, definition_id: str, transfer: Mapping[str, Any] | None = None) -> None:
    """Publish the draft that was looked at. Raises NotFoundError, DefinitionError, and VersionConflictError when
    somebody has saved it since."""
    draft = definitions.find_draft(kind, definition_id)
    if draft is None:
        raise NotFoundError("There is no draft to publish.")
    if request.form().get("edit") != str(draft.edit):
        raise VersionConflictError(
            "Somebody has saved this draft since you opened the page, so nothing was published. "
            "Go back, reload it, and look at what is new."
        )
    key = f"{kind}/{definition_id}"
    publish_definitions(definitions, runs, clock, {key: draft.document}, {key: transfer} if transfer else {})


def _parse(kind: str, definition_id: str, document: Mapping[str, Any], book: Book) -> tuple[Any, Mistakes]:
    try:
        parsed = get_kind(kind).parse(document)
    except DefinitionError as error:
        return None, error.mistakes
    try:
        check_definition(document, known_in(book, {f"{kind}/{definition_id}": document}))
    except DefinitionError as error:
        return parsed, error.mistakes
    return parsed, ()
