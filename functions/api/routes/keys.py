"""Keys: who may send events, and who may use this API."""

from typing import Annotated, NotRequired, TypedDict

from functions.api.problems import RefusedError
from functions.api.routing import Caller, Routes
from functions.api.schemas import Cursor, Example, Instant, Limit, Listed, OneOf, Text
from postroad.instants import format_instant
from postroad_aws import clock, ids
from postroad_aws.storage import keys as storage
from postroad_aws.usecases.create_key import KINDS, create_key, kind_of

routes = Routes("Keys")

KeyKind = Annotated[
    str, OneOf(KINDS), "`write`: a server sends events; `browser`: a page sends events, and only adds; `api`: this API."
]
Source = Annotated[str, Text(60), Example("shop"), "What its events say of where they come from."]


class KeyView(TypedDict):
    """A key, by the hash of it; the key itself is known only to who keeps it."""

    key_id: str
    kind: KeyKind
    name: str
    source: Source
    created_at: Instant
    disabled_at: Annotated[Instant | None, "Since when it opens nothing any more."]


class NewKeyView(KeyView):
    """A key that was just made."""

    key: Annotated[str | None, "The key itself, shown this once; null in a repeated answer."]


class KeyBody(TypedDict):
    """What the new key is to be."""

    kind: KeyKind
    name: Annotated[str, Text(100), Example("the shop's server"), "By which you will know it again."]
    source: NotRequired[Source]


@routes.get("/keys")
def list_keys(cursor: Cursor | None = None, limit: Limit = 50) -> Listed[KeyView]:
    """All keys, in no order."""
    page = storage.list_keys(cursor=cursor, limit=limit)
    return {"items": [_show(key_hash, key) for key_hash, key in page.items], "next": page.next}


@routes.post("/keys", status=201, secrets=("key",))
def make_key(body: KeyBody) -> NewKeyView:
    """Make a key.

    It is shown once: only a hash of it is stored.
    """
    key, key_hash, made = create_key(
        storage, ids, body["kind"], clock.now(), name=body["name"], source=body.get("source")
    )
    return {**_show(key_hash, made), "key": key}


@routes.post("/keys/{key_id}/disable")
def disable_key(key_id: str, caller: Caller) -> KeyView:
    """From now on the key opens nothing; a process that knows it forgets it within a minute.

    A key does not disable itself: so there is always one left.
    """
    if key_id == caller.key_id:
        raise RefusedError("A key does not disable itself; use another API key.")
    return _show(key_id, storage.disable_key(key_id, clock.now()))


def _show(key_hash: str, key: storage.Key) -> KeyView:
    return {
        "key_id": key_hash,
        "kind": kind_of(key),
        "name": key.name,
        "source": key.source,
        "created_at": format_instant(key.created_at),
        "disabled_at": format_instant(key.disabled_at) if key.disabled_at is not None else None,
    }
