"""Definitions: drafts that are saved, checked and published, and the versions that this makes."""

from typing import TYPE_CHECKING, Annotated, Any, NotRequired, TypedDict

from functions.api.problems import Mistake, StaleError, UnconditionalError, list_mistakes
from functions.api.routing import Header, Routes
from functions.api.schemas import BodyError, Cursor, Example, Instant, Limit, Listed, OneOf, Text, Within
from postroad.book import TEMPLATE, Manifest
from postroad.content.built import as_written
from postroad.content.strictness import BLOCK, WARN
from postroad.definitions import KINDS, Known, check_definition, get_kind, known_in, look_at_definition
from postroad.errors import DefinitionError
from postroad.instants import format_instant
from postroad.journeys.transfers import WAYS
from postroad_aws import books, clock, runs
from postroad_aws.storage import VersionConflictError, broadcasts
from postroad_aws.storage import definitions as storage
from postroad_aws.usecases.build_draft import load_kit
from postroad_aws.usecases.publish_definitions import publish_definitions
from postroad_aws.usecases.withdraw_definition import withdraw_definition

if TYPE_CHECKING:
    from postroad.content.building import Kit

routes = Routes("Definitions")

# As many as one transaction takes beside the manifest.
MAX_TOGETHER = 90

Kind = Annotated[str, OneOf(KINDS)]
DefinitionKey = Annotated[str, Text(), Example("journey/welcome")]
Document = Annotated[dict[str, Any], "The definition itself."]
IfMatch = Annotated[
    str | None, Header("If-Match"), Example('"3"'), "The `ETag` of the draft that you read; `*` for whatever is there."
]


class DraftView(TypedDict):
    """A definition being worked on."""

    kind: Kind
    id: str
    edit: Annotated[int, "How often it was saved; its `ETag`."]
    saved_at: Instant
    live_version: Annotated[int | None, "The version that is in force; null when none is."]
    document: Document


class FoundView(TypedDict):
    """One thing that the look at a mail found."""

    rule: Annotated[str, Example("capitals")]
    level: Annotated[str, OneOf((WARN, BLOCK)), "`block` is refused when it is published; `warn` does not hinder."]
    path: Annotated[str, Example("subject"), "The part in which it stands; empty for the whole mail."]
    line: Annotated[int | None, "The line of that part; null for the whole of it."]
    problem: str
    mend: Annotated[str, "What to do about it."]


class LookView(TypedDict):
    """What the [look at a mail](lint.md) came to."""

    findings: list[FoundView]
    scores: Annotated[dict[str, int], Example({"capitals": 5}), "Points by rule, of those that tell spam."]
    score: Annotated[int, "Their sum, out of 100."]


class SavedView(DraftView):
    """A draft that was just saved."""

    mistakes: Annotated[list[Mistake], "What would be refused if it were published now."]
    look: Annotated[LookView | None, "Null for what is no mail, or cannot be read."]


class VersionHeadView(TypedDict):
    """A published version, without its document."""

    version: int
    published_at: Instant
    is_live: bool


class VersionView(TypedDict):
    """A published version; it never changes."""

    kind: Kind
    id: str
    version: int
    document: Document


class CheckedView(TypedDict):
    """What a check found."""

    valid: bool
    mistakes: list[Mistake]
    description: Annotated[list[str], "What it does, in lines of English; empty when it has mistakes."]
    look: Annotated[LookView | None, "Null for what is no mail, or cannot be read."]


class PublishedView(TypedDict):
    """What publishing made."""

    revision: Annotated[int, "The number of the book; each publication adds one."]
    versions: Annotated[dict[str, int], Example({"journey/welcome": 2})]


class WithdrawnView(TypedDict):
    """What withdrawing made."""

    revision: Annotated[int, "The number of the book."]


class TransferBody(TypedDict):
    """What becomes of the people under way in a journey."""

    under_way: NotRequired[Annotated[str, OneOf(WAYS), Example("move"), "`stay` when nothing is said."]]
    gone: NotRequired[
        Annotated[
            dict[str, str | None],
            Example({"think": "look"}),
            "For steps that the new version lacks: where people go who stand there, or null: they end.",
        ]
    ]


class TogetherBody(TypedDict):
    """Drafts to publish at once."""

    definitions: Annotated[
        list[Annotated[str, Text()]], Within(1, MAX_TOGETHER), Example(["template/welcome", "journey/welcome"])
    ]
    transfers: NotRequired[
        Annotated[
            dict[str, TransferBody],
            Example({"journey/welcome": {"under_way": "move"}}),
            "What becomes of the people under way, by the key of their journey; without it they stay.",
        ]
    ]


@routes.get("/definitions")
def list_definitions(kind: Kind, cursor: Cursor | None = None, limit: Limit = 50) -> Listed[DraftView]:
    """The drafts of a kind, each with the version that is live."""
    page = storage.list_drafts(kind, cursor=cursor, limit=limit)
    manifest = storage.find_manifest()
    return {"items": [show_draft(draft, manifest) for draft in page.items], "next": page.next}


@routes.get("/definitions/{kind}/{definition_id}", etag="edit")
def get_draft(kind: Kind, definition_id: str) -> DraftView:
    """A draft."""
    return show_draft(storage.get_draft(kind, definition_id), storage.find_manifest())


@routes.put("/definitions/{kind}/{definition_id}", etag="edit")
def save_draft(kind: Kind, definition_id: str, body: Document, if_match: IfMatch = None) -> SavedView:
    """Save a draft.

    It is saved with its mistakes, which the answer lists; only an id that is none is refused. To change a draft that is
    there, say in `If-Match` which one you read: if somebody has saved since, the answer is 412, without the header 428.
    """
    document = {**body, "kind": kind, "id": definition_id}
    mistakes = _find_mistakes(document, only_refuse=("kind", "id"))
    draft = storage.find_draft(kind, definition_id)
    if draft is None or not draft.says(document):
        edit = expected_edit(draft, if_match)
        try:
            draft = storage.save_draft(kind, definition_id, document, edit=edit, now=clock.now())
        except VersionConflictError:
            raise StaleError("Somebody else has saved this since you read it; read it again.") from None
    return {**show_draft(draft, storage.find_manifest()), "mistakes": mistakes, "look": _look_at(document)}


@routes.get("/definitions/{kind}/{definition_id}/versions")
def list_versions(
    kind: Kind, definition_id: str, cursor: Cursor | None = None, limit: Limit = 50
) -> Listed[VersionHeadView]:
    """The published versions of a definition, the newest first."""
    page = storage.list_versions(kind, definition_id, cursor=cursor, limit=limit)
    live = _live_version(storage.find_manifest(), kind, definition_id)
    items: list[VersionHeadView] = [
        {"version": each.version, "published_at": format_instant(each.saved_at), "is_live": each.version == live}
        for each in page.items
    ]
    return {"items": items, "next": page.next}


@routes.get("/definitions/{kind}/{definition_id}/versions/{version}")
def get_version(kind: Kind, definition_id: str, version: Annotated[int, Within(1, 999_999)]) -> VersionView:
    """One published version."""
    document = as_written(storage.get_version(kind, definition_id, version))
    return {"kind": kind, "id": definition_id, "version": version, "document": document}


@routes.post("/definitions/{kind}/{definition_id}/validate")
def validate(kind: Kind, definition_id: str, body: Document | None = None) -> CheckedView:
    """Check the draft, or the document in the body, and save nothing."""
    document = dict(storage.get_draft(kind, definition_id).document) if body is None else body
    document = {**document, "kind": kind, "id": definition_id}
    mistakes = _find_mistakes(document)
    description = [] if mistakes else list(get_kind(kind).describe(get_kind(kind).parse(document)))
    return {"valid": not mistakes, "mistakes": mistakes, "description": description, "look": _look_at(document)}


@routes.post("/definitions/{kind}/{definition_id}/publish")
def publish(
    kind: Kind, definition_id: str, body: TransferBody | None = None, if_match: IfMatch = None
) -> PublishedView:
    """Make the draft the next version, live at once for events; a run folds everybody by it.

    With `If-Match` only if the draft is still the one that you read. The body says what becomes of the people under way
    in a journey; without it they stay in the version that they are in. `POST /journeys/{journey_id}/plan` tells
    beforehand.
    """
    draft = storage.get_draft(kind, definition_id)
    if if_match is not None and expected_edit(draft, if_match) != draft.edit:
        raise StaleError("Somebody else has saved this since you read it; read it again.")
    if body and kind != "journey":
        raise BodyError(("", "only in a journey are people under way"))
    key = f"{kind}/{definition_id}"
    return _publish({key: draft.document}, {key: dict(body)} if body else {})


@routes.post("/definitions/{kind}/{definition_id}/withdraw")
def withdraw(kind: Kind, definition_id: str) -> WithdrawnView:
    """Take it out of force: nobody enters a journey any more, and who is under way goes on to the end.

    Its versions stay, and it can be published again. Refused while something that is live, or a scheduled broadcast,
    refers to it.
    """
    return {"revision": withdraw_definition(storage, broadcasts, runs, clock, f"{kind}/{definition_id}")}


@routes.post("/definitions/publish")
def publish_together(body: TogetherBody) -> PublishedView:
    """Publish several drafts at once, all or none, so that they may refer to one another."""
    keys = [_read_key(key, f"definitions[{number}]") for number, key in enumerate(body["definitions"])]
    transfers = {key: dict(transfer) for key, transfer in body.get("transfers", {}).items()}
    for key in transfers:
        if key not in body["definitions"] or not key.startswith("journey/"):
            raise BodyError((f"transfers.{key[:80]}", "is no journey among the definitions that are published"))
    return _publish({"/".join(key): storage.get_draft(*key).document for key in keys}, transfers)


def _read_key(text: str, path: str) -> tuple[str, str]:
    kind, _, definition_id = text.partition("/")
    if not (kind and definition_id):
        raise BodyError((path, "is no definition; write kind and id, such as journey/welcome"))
    return kind, definition_id


def _publish(entering: dict[str, Any], transfers: dict[str, Any] | None = None) -> PublishedView:
    published = publish_definitions(storage, runs, clock, entering, transfers)
    return {"revision": published.revision, "versions": dict(published.versions)}


def expected_edit(draft: storage.Draft | None, if_match: str | None) -> int:
    """The edit that the caller means to replace; 0 when there should be no draft."""
    if if_match is None:
        if draft is not None:
            raise UnconditionalError(
                f'There is a draft already. Send If-Match with the ETag that you read (now "{draft.edit}"), or with *.'
            )
        return 0
    if if_match == "*":
        if draft is None:
            raise StaleError("There is no draft to replace; without If-Match it is made.")
        return draft.edit
    number = if_match.removeprefix("W/").strip('"')
    if not (number.isascii() and number.isdigit() and len(number) < 9):
        raise StaleError("If-Match is not an ETag of this draft; read it again.")
    return int(number)


def _find_mistakes(document: dict[str, Any], only_refuse: tuple[str, ...] = ()) -> list[Mistake]:
    """The document's mistakes; one at a path of `only_refuse` is raised."""
    try:
        check_definition(document, *_around(document))
    except DefinitionError as error:
        refused = tuple(mistake for mistake in error.mistakes if mistake[0] in only_refuse)
        if refused:
            raise DefinitionError(*refused) from None
        return list_mistakes(error.mistakes)
    return []


def _around(document: dict[str, Any]) -> tuple[Known, "Kit | None"]:
    """What a draft may refer to, and of a template with what it would be built now."""
    book = books.newest()
    kit = load_kit(book, storage) if document["kind"] == TEMPLATE else None
    return known_in(book, {f"{document['kind']}/{document['id']}": document}), kit


def _look_at(document: dict[str, Any]) -> LookView | None:
    report = look_at_definition(document, *_around(document))
    if report is None:
        return None
    findings: list[FoundView] = [
        {
            "rule": each.rule,
            "level": each.level,
            "path": each.path,
            "line": each.line,
            "problem": each.problem,
            "mend": each.mend,
        }
        for each in report.findings
    ]
    return {"findings": findings, "scores": dict(report.scores), "score": report.total}


def _live_version(manifest: Manifest, kind: str, definition_id: str) -> int | None:
    published = manifest.live.get(f"{kind}/{definition_id}")
    return published.version if published else None


def show_draft(draft: storage.Draft, manifest: Manifest) -> DraftView:
    """A draft as the API speaks of it."""
    return {
        "kind": draft.kind,
        "id": draft.definition_id,
        "edit": draft.edit,
        "saved_at": format_instant(draft.saved_at),
        "live_version": _live_version(manifest, draft.kind, draft.definition_id),
        "document": dict(draft.document),
    }
