"""Definitions: drafts that are saved, checked and published."""

from typing import Any

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from functions.api.problems import RequestError
from functions.api.requests import is_storable, read_object, read_page, read_query
from postroad.definitions import KINDS, check_definition, get_kind, known_in
from postroad.errors import DefinitionError
from postroad.instants import format_instant
from postroad_aws import books, clock, runs
from postroad_aws.storage import NotFoundError
from postroad_aws.storage import definitions as storage
from postroad_aws.usecases.publish_definitions import publish_definitions
from postroad_aws.usecases.withdraw_definition import withdraw_definition

router = APIGatewayHttpRouter()

# As many as one transaction takes beside the manifest.
MAX_TOGETHER = 90


@router.get("/definitions")
def list_definitions() -> dict[str, Any]:
    """The drafts of a kind, each with the version that is live."""
    kind = read_query(router, "kind")
    if kind is None:
        raise RequestError(f"Say which kind: kind={'|'.join(KINDS)}.")
    get_kind(kind)
    cursor, limit = read_page(router)
    page = storage.list_drafts(kind, cursor=cursor, limit=limit)
    live = storage.find_manifest().live
    return {"items": [_show(draft, live) for draft in page.items], "next": page.next}


@router.get("/definitions/<kind>/<definition_id>")
def get_definition(kind: str, definition_id: str) -> dict[str, Any]:
    """A draft; with `version=3`, the published version."""
    version = read_query(router, "version")
    if version is None:
        return _show(storage.get_draft(kind, definition_id), storage.find_manifest().live)
    if not (version.isascii() and version.isdigit() and len(version) < 9):
        raise RequestError("version is a whole number.")
    document = storage.get_version(kind, definition_id, int(version))
    return {"kind": kind, "id": definition_id, "version": int(version), "document": document}


@router.put("/definitions/<kind>/<definition_id>")
def put_draft(kind: str, definition_id: str) -> dict[str, Any]:
    """Save a draft. `edit` is the number of the edit that was read; without it, the latest is replaced.

    A draft may have mistakes: they are listed, and refused only when it is published.
    """
    document = {**read_object(router), "kind": kind, "id": definition_id}
    mistakes = _find_mistakes(document, only_refuse=("kind", "id"))
    edit = read_query(router, "edit")
    if edit is None:
        known = storage.find_draft(kind, definition_id)
        edit = str(known.edit) if known else "0"
    if not (edit.isascii() and edit.isdigit() and len(edit) < 9):
        raise RequestError("edit is the number that the draft had when you read it.")
    draft = storage.save_draft(kind, definition_id, document, edit=int(edit), now=clock.now())
    return {**_show(draft, storage.find_manifest().live), "mistakes": mistakes}


@router.post("/definitions/<kind>/<definition_id>/validate")
def validate(kind: str, definition_id: str) -> dict[str, Any]:
    """Check the draft, or the document in the body; answers its mistakes, and what it does in words."""
    document = _document(kind, definition_id)
    mistakes = _find_mistakes(document)
    parsed = None if mistakes else get_kind(kind).parse(document)
    return {
        "valid": not mistakes,
        "mistakes": mistakes,
        "description": list(get_kind(kind).describe(parsed)) if parsed else [],
    }


@router.post("/definitions/<kind>/<definition_id>/publish")
def publish(kind: str, definition_id: str) -> dict[str, Any]:
    """Make the draft the next version, live at once."""
    return _publish({f"{kind}/{definition_id}": storage.get_draft(kind, definition_id).document})


@router.post("/definitions/<kind>/<definition_id>/withdraw")
def withdraw(kind: str, definition_id: str) -> dict[str, Any]:
    """Take it out of force: nobody enters a journey any more, and who is under way goes on to the end."""
    return {"revision": withdraw_definition(storage, runs, clock, f"{kind}/{definition_id}")}


@router.post("/definitions/publish")
def publish_together() -> dict[str, Any]:
    """Publish several drafts at once, which may refer to one another: `{"definitions": ["journey/welcome", …]}`."""
    named = read_object(router).get("definitions")
    if not isinstance(named, list) or not named or not all(isinstance(key, str) and _is_key(key) for key in named):
        raise RequestError('Name the drafts: {"definitions": ["journey/welcome", …]}.')
    if len(named) > MAX_TOGETHER:
        raise RequestError(f"At most {MAX_TOGETHER} definitions are published at once.")
    return _publish({key: storage.get_draft(*key.split("/", 1)).document for key in named})


def _is_key(text: str) -> bool:
    kind, _, definition_id = text.partition("/")
    return bool(kind and definition_id) and is_storable(text)


def _publish(entering: dict[str, Any]) -> dict[str, Any]:
    published = publish_definitions(storage, runs, clock, entering)
    return {"revision": published.revision, "versions": dict(published.versions)}


def _document(kind: str, definition_id: str) -> dict[str, Any]:
    get_kind(kind)
    if router.current_event.body:
        return {**read_object(router), "kind": kind, "id": definition_id}
    draft = storage.find_draft(kind, definition_id)
    if draft is None:
        raise NotFoundError("There is no draft of this; send the document in the body to check it.")
    return dict(draft.document)


def _find_mistakes(document: dict[str, Any], only_refuse: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """The document's mistakes; one at a path of `only_refuse` is raised."""
    try:
        check_definition(document, known_in(books.newest(), {f"{document['kind']}/{document['id']}": document}))
    except DefinitionError as error:
        refused = tuple(mistake for mistake in error.mistakes if mistake[0] in only_refuse)
        if refused:
            raise DefinitionError(*refused) from None
        return [{"path": path, "detail": sentence} for path, sentence in error.mistakes]
    return []


def _show(draft: Any, live: Any) -> dict[str, Any]:
    published = live.get(f"{draft.kind}/{draft.definition_id}")
    return {
        "kind": draft.kind,
        "id": draft.definition_id,
        "edit": draft.edit,
        "saved_at": format_instant(draft.saved_at),
        "live_version": published.version if published else None,
        "document": draft.document,
    }
