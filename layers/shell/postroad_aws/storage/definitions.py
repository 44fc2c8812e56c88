"""The definitions table: drafts, immutable published versions, and the manifest, one item that says what is live.

A published version has the keys (kind, "<id>#000003"), its draft ("<kind>:draft", "<id>"), the manifest
("manifest", "live"). Documents are deflated JSON.
"""

import json
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from postroad.manifest import Manifest, parse_manifest
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage import CursorError, NotFoundError, Page, VersionConflictError
from postroad_aws.storage.batches import get_items
from postroad_aws.storage.paging import walk

Item = dict[str, Any]
Document = Mapping[str, Any]
VersionKey = tuple[str, str, int]

_MANIFEST = ("manifest", "live")
_MOST_VERSIONS = 999_999


@dataclass(frozen=True, slots=True)
class Draft:
    """A definition being worked on. `edit` counts how often it was saved; it guards against saving over somebody."""

    kind: str
    definition_id: str
    document: Document
    edit: int
    saved_at: float

    def says(self, document: Document) -> bool:
        """Whether it is this document. To Python 1 and true are equal; in a document they are not."""
        return json.dumps(self.document, sort_keys=True) == json.dumps(document, sort_keys=True)


class Version(NamedTuple):
    """A published version; it never changes."""

    kind: str
    definition_id: str
    version: int
    saved_at: float
    document: Document


def find_draft(kind: str, definition_id: str) -> Draft | None:
    """The draft as it was saved last."""
    from postroad_aws.storage.rows import DefinitionRow

    try:
        row = DefinitionRow.get(_draft_kind(kind), definition_id, consistent_read=True)
    except DefinitionRow.DoesNotExist:
        return None
    return _read_draft(row)


def get_draft(kind: str, definition_id: str) -> Draft:
    """The draft as it was saved last. Raises NotFoundError."""
    draft = find_draft(kind, definition_id)
    if draft is None:
        raise NotFoundError(f"There is no draft of {kind}/{definition_id}.")
    return draft


def list_drafts(kind: str, *, cursor: str | None = None, limit: int = 50) -> Page[Draft]:
    """All drafts of a kind, in the order of their ids. Raises CursorError."""
    from postroad_aws.storage.rows import DefinitionRow

    def query(partition: str, after: str | None, most: int) -> list[Draft]:
        condition = DefinitionRow.id_version > after if after else None
        rows = DefinitionRow.query(partition, condition, limit=most, page_size=most, consistent_read=True)
        return [_read_draft(row) for row in rows]

    return walk([_draft_kind(kind)], query, lambda draft: draft.definition_id, cursor, limit)


def save_draft(kind: str, definition_id: str, document: Document, *, edit: int, now: float) -> Draft:
    """Save over the draft that was read with this `edit` (0: there was none). Raises VersionConflictError."""
    from pynamodb.exceptions import PutError

    from postroad_aws.storage.rows import DefinitionRow

    row = DefinitionRow(
        _draft_kind(kind), definition_id, document=_deflate(document), edit=edit + 1, saved_at=round(now, 3)
    )
    condition = DefinitionRow.edit == edit if edit else DefinitionRow.kind.does_not_exist()
    try:
        row.save(condition=condition)
    except PutError as error:
        if error.cause_response_code != "ConditionalCheckFailedException":
            raise
        raise VersionConflictError(f"Somebody else has saved {kind}/{definition_id}; read it again.") from None
    return Draft(kind, definition_id, document, edit + 1, round(now, 3))


def forget_draft(kind: str, definition_id: str) -> None:
    """Delete a draft, whoever has saved it last."""
    get_client("dynamodb").delete_item(TableName=_table(), Key=_key(_draft_kind(kind), definition_id))


def find_revision() -> int:
    """The revision of the book that is live now, read consistently; 0 when nothing is published."""
    answer = get_client("dynamodb").get_item(
        TableName=_table(), Key=_key(*_MANIFEST), ConsistentRead=True, ProjectionExpression="revision"
    )
    return int(answer["Item"]["revision"]["N"]) if "Item" in answer else 0


def find_manifest() -> Manifest:
    """What is live, read consistently; revision 0 as long as nothing is published."""
    answer = get_client("dynamodb").get_item(TableName=_table(), Key=_key(*_MANIFEST), ConsistentRead=True)
    return parse_manifest(_inflate(answer["Item"]["document"]["B"])) if "Item" in answer else Manifest()


def get_version(kind: str, definition_id: str, version: int) -> Document:
    """One published version. Raises NotFoundError."""
    return load_versions([(kind, definition_id, version)])[kind, definition_id, version]


def list_versions(kind: str, definition_id: str, *, cursor: str | None = None, limit: int = 50) -> Page[Version]:
    """The published versions of a definition, the newest first. Raises CursorError."""
    from postroad_aws.storage.rows import DefinitionRow

    def query(name: str, after: str | None, most: int) -> list[Version]:
        if after is not None and not (after.isascii() and after.isdigit() and 0 < int(after) <= _MOST_VERSIONS):
            raise CursorError("This cursor belongs to another listing; start again without it.")
        newest = int(after) - 1 if after else _MOST_VERSIONS
        condition = DefinitionRow.id_version.between(_id_version(name, 0), _id_version(name, newest))
        rows = DefinitionRow.query(
            kind, condition, scan_index_forward=False, limit=most, page_size=most, consistent_read=True
        )
        return [_read_version(row) for row in rows]

    return walk([definition_id], query, lambda found: str(found.version), cursor, limit)


def load_versions(wanted: Collection[VersionKey]) -> dict[VersionKey, Document]:
    """All these (kind, id, version). Raises NotFoundError when one of them was never published."""
    found = _load(wanted)
    for kind, definition_id, version in wanted:
        if (kind, definition_id, version) not in found:
            raise NotFoundError(f"There is no version {version} of {kind}/{definition_id}.")
    return found


def publish(versions: Mapping[VersionKey, Document], manifest: Manifest, now: float) -> None:
    """Store new versions (at most 99) and make `manifest`, the next one, the live one: all of it or nothing.

    Raises VersionConflictError when its revision does not follow the stored one, or a version exists.
    """
    from pynamodb.exceptions import TransactWriteError
    from pynamodb.transactions import TransactWrite

    from postroad_aws.storage.rows import DefinitionRow

    live = DefinitionRow(
        *_MANIFEST, document=_deflate(manifest.to_document()), revision=manifest.revision, saved_at=round(now, 3)
    )
    follows = (
        DefinitionRow.revision == manifest.revision - 1
        if manifest.revision > 1
        else DefinitionRow.kind.does_not_exist()
    )
    try:
        with TransactWrite(connection=_connection()) as transaction:
            transaction.save(live, condition=follows)
            for (kind, definition_id, version), document in versions.items():
                row = DefinitionRow(
                    kind, _id_version(definition_id, version), document=_deflate(document), saved_at=round(now, 3)
                )
                transaction.save(row, condition=DefinitionRow.kind.does_not_exist())
    except TransactWriteError as error:
        reasons = {reason.code for reason in error.cancellation_reasons if reason}
        if reasons and reasons <= {"ConditionalCheckFailed", "TransactionConflict"}:
            raise VersionConflictError("Somebody else has published in the meantime; try again.") from None
        raise


@cache
def _connection() -> Any:
    """pynamodb's own, for transactions; making its client takes longer than publishing."""
    from pynamodb.connection import Connection

    return Connection()


def _load(wanted: Collection[VersionKey]) -> dict[VersionKey, Document]:
    keys = {(kind, _id_version(definition_id, version)): None for kind, definition_id, version in wanted}
    found = {
        (item["kind"]["S"], item["id_version"]["S"]): _inflate(item["document"]["B"])
        for item in get_items(_table(), [_key(*key) for key in keys], consistent=True)
    }
    return {
        (kind, definition_id, version): found[kind, _id_version(definition_id, version)]
        for kind, definition_id, version in wanted
        if (kind, _id_version(definition_id, version)) in found
    }


def _table() -> str:
    return settings().require("definitions_table")


def _key(kind: str, id_version: str) -> Item:
    return {"kind": {"S": kind}, "id_version": {"S": id_version}}


def _draft_kind(kind: str) -> str:
    return f"{kind}:draft"


def _id_version(definition_id: str, version: int) -> str:
    return f"{definition_id}#{version:06d}"


def _read_draft(row: Any) -> Draft:
    return Draft(
        row.kind.removesuffix(":draft"), row.id_version, _inflate(row.document), int(row.edit), float(row.saved_at)
    )


def _read_version(row: Any) -> Version:
    definition_id, _, version = row.id_version.rpartition("#")
    return Version(row.kind, definition_id, int(version), float(row.saved_at), _inflate(row.document))


def _deflate(document: Document) -> bytes:
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 9)


def _inflate(body: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(zlib.decompress(body))
    return document
