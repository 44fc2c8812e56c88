"""The tracking API's wire format: what Segment-compatible clients send, read once at the door.

`parse_request` opens the envelope (compression, JSON, limits, keys), `read_events` turns its calls into events. A bad
event never fails its batch: it becomes a `Reject` that says why. The wire format is published at
segment.com/docs/connections/spec; docs/tracking.md says where Postroad is more lenient.
"""

import hashlib
import json
import re
import zlib
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeGuard

from postroad import events
from postroad.contacts.devices import DEVICE, read_device
from postroad.contacts.identities import Identity, find_identity, is_junk
from postroad.errors import PostroadError
from postroad.events import ATTRIBUTE_LIMIT, Event, attribute_size, content_id
from postroad.instants import parse_instant
from postroad.tracking.quarantine import Reject, reject_text
from postroad.tracking.vocabulary import published_name

BODY_LIMIT = 4 * 1024 * 1024  # Lambda takes 6 MB, about 4.5 MB of it as base64
BATCH_LIMIT = 500 * 1024  # inflated
EVENT_LIMIT = 32 * 1024  # as canonical JSON
EVENTS_LIMIT = 2_500
DEPTH_LIMIT = 100
_SHARED_CONTEXT_LIMIT = 4 * 1024  # it is copied into each event of the batch
_NAME_LIMIT = 200

# An instant outside of these names no moment that a contact could have lived through.
_EARLIEST, _LATEST = 946_684_800.0, 4_102_444_800.0  # 2000-01-01, 2100-01-01
_HOUR = 3_600.0


class TrackingError(PostroadError):
    """A call that cannot become an event; the sentence says what to mend."""


class Source(NamedTuple):
    """Who sends: `trusted` is a server, otherwise a browser whose key everybody can read."""

    source_id: str
    trusted: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """The whole request is refused, with an HTTP status of 4xx and a sentence that says what is wrong."""

    status: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Request:
    """An opened envelope: its calls, not yet read. `keys` are the write keys it offers, the strongest way first.

    `by_address` says that the only key stands in the address (pixel, beacon): such a request is never trusted.
    """

    calls: tuple[Any, ...]
    kind: str | None
    single: bool
    keys: tuple[str, ...]
    by_address: bool = False
    context: Mapping[str, Any] | None = None
    sent_at: float | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a request came to: each of its calls is an event or a reject."""

    events: tuple[Event, ...]
    rejects: tuple[Reject, ...] = ()


# --- the envelope ----------------------------------------------------------------------------------------------------

_KINDS = ("identify", "track", "page", "screen", "group", "alias")
_BATCHES = ("/v1/batch", "/v1/import", "/v1/b", "/api/public/apps/batch")
# The browser posts first letters; a batch's calls say their own kind (None).
ROUTES: Mapping[str, str | None] = {
    **{f"/v1/{kind}": kind for kind in _KINDS},
    **{f"/v1/{kind[0]}": kind for kind in _KINDS},
    **dict.fromkeys(_BATCHES),
}


def parse_request(path: str, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Request | Refused:
    """Open a request's envelope. Header names are in lower case; Content-Type is ignored, because clients misuse it."""
    path = path.rstrip("/")
    if path not in ROUTES:
        return Refused(404, f"There is no {path[:80] or '/'} here; the tracking API is POST /v1/batch, /v1/track, …")
    if len(body) > BODY_LIMIT:
        return Refused(413, f"The body has {len(body):,} bytes; {BODY_LIMIT:,} is the limit.")
    try:
        document = _load(_inflate(body))
    except _Unreadable as unreadable:
        return Refused(unreadable.status, str(unreadable))
    kind = ROUTES[path]
    if isinstance(document, list):
        envelope: Mapping[str, Any] = {}
        calls: list[Any] = document
        single = False
    elif isinstance(document, dict):
        envelope = document
        batch = document.get("batch")
        single = batch is None and kind is not None
        if not single and not isinstance(batch, list):
            return Refused(400, "A batch is an object with a list named batch, or a bare list of events.")
        calls = [document] if single else list(batch or ())
    else:
        return Refused(400, "The body must be a JSON object, or a list of them.")
    if len(calls) > EVENTS_LIMIT:
        return Refused(413, f"The batch has {len(calls):,} events; {EVENTS_LIMIT:,} is the limit.")
    keys, by_address = _keys_of(headers, query, envelope, calls)
    context = None if single else envelope.get("context")
    if context is not None and not isinstance(context, dict):
        return Refused(400, "The batch's context must be an object.")
    if context:
        try:
            _check_shape(context, "batch's context", _SHARED_CONTEXT_LIMIT)
        except TrackingError as error:
            return Refused(400, str(error))
    return Request(tuple(calls), kind, single, keys, by_address, context, _sent_at(envelope))


def parse_pixel(query: Mapping[str, str], headers: Mapping[str, str]) -> Request | Refused:
    """The web pixel's query as a request: `event` (else a page view), `anonymousId`, `userId`, `url`, `title`,
    `referrer`, `messageId`, or a whole call as base64 JSON in `data`. Never trusted: addresses end in logs."""
    if "data" in query:
        try:
            document = _load(urlsafe_b64decode(query["data"].replace("+", "-").replace("/", "_") + "=="))
        except (_Unreadable, ValueError):
            return Refused(400, "The pixel's data is not base64 JSON.")
        if not isinstance(document, dict):
            return Refused(400, "The pixel's data must be a JSON object.")
    else:
        page = {name: query[name] for name in ("url", "title", "referrer", "path", "search") if query.get(name)}
        document = {name: query[name] for name in ("anonymousId", "userId", "messageId", "event") if query.get(name)}
        document["properties"] = page
    kind = document.get("type") if document.get("type") in ("track", "page", "screen") else None
    kind = kind or ("track" if document.get("event") else "page")
    if "user-agent" in headers:
        context = document.get("context")
        document["context"] = {"userAgent": headers["user-agent"], **(context if isinstance(context, dict) else {})}
    keys, _ = _keys_of({}, query, document, [])
    return Request((document,), kind, True, keys, True)


class _Unreadable(Exception):
    def __init__(self, status: int, sentence: str) -> None:
        self.status = status
        super().__init__(sentence)


def _inflate(body: bytes) -> bytes:
    """The body without gzip, known by its magic bytes. What inflates beyond the limit is not inflated further."""
    if body[:4] == b"\x1f\xef\xbf\xbd":
        raise _Unreadable(400, "The body is gzip that was read as text on its way; send it without gzip.")
    if body[:2] != b"\x1f\x8b":
        plain = body
    else:
        inflater = zlib.decompressobj(31)
        try:
            plain = inflater.decompress(body, BATCH_LIMIT + 1)
        except zlib.error:
            raise _Unreadable(400, "The body looks like gzip and cannot be inflated.") from None
        if len(plain) <= BATCH_LIMIT and not inflater.eof:
            raise _Unreadable(400, "The body is gzip that ends too early.")
    if len(plain) > BATCH_LIMIT:
        raise _Unreadable(413, f"The batch is over {BATCH_LIMIT:,} bytes (inflated); send smaller batches.")
    return plain


def _integer(text: str) -> int | float:
    # Beyond 64 bits as JavaScript does it; what even a float cannot hold becomes infinite and is refused per event.
    return int(text) if len(text) < 20 else float(text)


_DECODER = json.JSONDecoder(parse_int=_integer)


def _load(plain: bytes) -> Any:
    try:
        text = plain.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Unreadable(400, f"The body is not UTF-8 (byte {error.start}).") from None
    if not text.strip():
        raise _Unreadable(400, "The body is empty; send a JSON object.")
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _Unreadable(400, f"The body is not JSON: {error.msg} at {where}.") from None
    except RecursionError:
        raise _Unreadable(400, f"The body is nested deeper than {DEPTH_LIMIT} levels.") from None


_KEY_NAMES = ("writeKey", "write_key")


def _keys_of(
    headers: Mapping[str, str], query: Mapping[str, str], envelope: Mapping[str, Any], calls: list[Any]
) -> tuple[tuple[str, ...], bool]:
    first = calls[0] if calls and isinstance(calls[0], dict) else {}
    offered = (
        _header_key(headers.get("authorization", "")),
        *(document.get(name) for document in (envelope, first) for name in _KEY_NAMES),
    )
    keys = tuple(dict.fromkeys(key for key in offered if _is_key(key)))
    if keys:
        return keys, False
    keys = tuple(query[name] for name in _KEY_NAMES if _is_key(query.get(name)))
    return keys, True


def _is_key(key: object) -> TypeGuard[str]:
    return isinstance(key, str) and 0 < len(key) <= 200 and key.isascii() and key.isprintable()


def _header_key(header: str) -> str | None:
    """Basic (the key is the user, the password empty), Bearer, or the bare key."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "basic":
        try:
            return b64decode(rest.strip()).decode().partition(":")[0].strip()
        except ValueError:
            return None
    return rest.strip() if scheme.lower() == "bearer" else header.strip()


def _sent_at(document: Mapping[str, Any]) -> float | None:
    # It only corrects clocks: without a readable one there is nothing to correct.
    try:
        return _instant(document.get("sentAt"))
    except ValueError:
        return None


def _instant(value: Any) -> float | None:
    """Epoch seconds of a time as clients write it: ISO 8601, or epoch seconds or milliseconds."""
    if value is None or value == "":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        time = value / 1_000.0 if abs(value) > 1e11 else float(value)
        if abs(time) < 1e11:
            return time
    return parse_instant(value)


# --- the calls -------------------------------------------------------------------------------------------------------


def read_events(request: Request, source: Source, received: float) -> Accepted:
    """Each call of the request as an event or a reject; `received` is our clock, in epoch seconds."""
    source = Source(source.source_id, source.trusted and not request.by_address)
    received = round(received, 3)
    taken: list[Event] = []
    rejects: list[Reject] = []
    for call in request.calls:
        try:
            taken.append(_read_call(call, request, source, received))
        except TrackingError as error:
            rejects.append(_reject_call(call, str(error), received, source.source_id))
    return Accepted(tuple(taken), tuple(rejects))


def _reject_call(call: Any, reason: str, received: float, source_id: str) -> Reject:
    if isinstance(call, dict):
        call = {name: value for name, value in call.items() if name not in _KEY_NAMES}  # a key is a secret
    try:
        text = json.dumps(call)
    except RecursionError:
        text = "(nested too deep to be shown)"
    return reject_text(text, reason, received, source_id)


def _read_call(call: Any, request: Request, source: Source, received: float) -> Event:
    if not isinstance(call, dict):
        raise TrackingError("An event must be a JSON object.")
    _check_shape(call)
    kind = request.kind or call.get("type")
    if not isinstance(kind, str) or kind not in _CALLS:
        raise TrackingError(f"An event needs a type; write one of {', '.join(_CALLS)}.")
    context = {**(request.context or {}), **_object(call, "context")}
    traits = _object(context, "traits")
    if kind == "identify":
        traits = {**traits, **_object(call, "traits")}
    identities = _identities(call, traits)
    if not identities:
        raise TrackingError("The event names nobody: userId and anonymousId are missing, or junk such as null or 0.")
    name, properties, previous = _CALLS[kind](call)

    said = _said_time(call, "originalTimestamp") or _said_time(call, "timestamp")
    sent_at = _sent_at(call) or request.sent_at
    # Without a time of its own a retry is told by the hour, as its id is.
    key_time = received // _HOUR * _HOUR if said is None else min(max(said, _EARLIEST), _LATEST)
    return Event(
        event_id=_event_id(call, kind, said, received),
        name=name,
        time=_corrected(call, said, sent_at, received),
        key_time=round(key_time, 3),
        identities=identities,
        previous=previous,
        trusted=source.trusted,
        source=source.source_id,
        attributes=_attributes(traits, context, identities),
        properties={key: value for key, value in properties.items() if value is not None},
        context=_kept_context(context),
    )


_CANONICAL = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _check_shape(value: Mapping[str, Any], noun: str = "event", limit: int = EVENT_LIMIT) -> None:
    """Size, depth, and that it can be written as JSON again: what passes here harms nobody further in."""
    try:
        text = _CANONICAL.encode(value)
        size = len(text.encode())
    except UnicodeEncodeError:
        raise TrackingError(f"The {noun} has half a surrogate pair in a text; send whole characters.") from None
    except ValueError:
        raise TrackingError(f"The {noun} has a number that JSON cannot carry (NaN, Infinity or too large).") from None
    except RecursionError:
        raise TrackingError(f"The {noun} is nested deeper than {DEPTH_LIMIT} levels.") from None
    if size > limit:
        raise TrackingError(f"The {noun} has {size:,} bytes; {limit:,} is the limit.")
    if text.count("{") + text.count("[") > DEPTH_LIMIT and _depth(value) > DEPTH_LIMIT:
        raise TrackingError(f"The {noun} is nested deeper than {DEPTH_LIMIT} levels.")


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict | list):
                inner.extend(item.values() if isinstance(item, dict) else item)
        level = inner
    return depth - 1


def _object(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TrackingError(f"{name} must be an object.")
    return value


def _text(call: Mapping[str, Any], name: str, *, needed_by: str) -> str:
    value = call.get(name)
    value = value.strip() if isinstance(value, str) else value
    if value is None or value == "":
        raise TrackingError(f"{needed_by} needs {name}.")
    if not isinstance(value, str) or not value.isprintable():
        raise TrackingError(f"{name} must be text without control characters.")
    if len(value) > _NAME_LIMIT:
        raise TrackingError(f"{name} has {len(value):,} characters; {_NAME_LIMIT} is the limit.")
    return value


def _identities(call: Mapping[str, Any], traits: Mapping[str, Any]) -> tuple[Identity, ...]:
    found = (
        find_identity("user", call.get("userId")),
        find_identity("email", traits.get("email")),
        find_identity("phone", traits.get("phone")),
        find_identity("anon", call.get("anonymousId")),
    )
    return tuple(identity for identity in found if identity)


# --- one entry for each kind of call: its event's name and properties, and the old id of an alias

_Call = tuple[str, Mapping[str, Any], Identity | None]


def _identify(call: Mapping[str, Any]) -> _Call:
    return events.IDENTIFIED, {}, None


def _track(call: Mapping[str, Any]) -> _Call:
    name = _text(call, "event", needed_by="A track call")
    name = published_name(name)
    if name in events.RESERVED:
        raise TrackingError(f"Only Postroad itself says {name!r}; choose another name for your event.")
    return name, _object(call, "properties"), None


def _page(call: Mapping[str, Any]) -> _Call:
    return events.PAGE_VIEWED, _named(call), None


def _screen(call: Mapping[str, Any]) -> _Call:
    return events.SCREEN_VIEWED, _named(call), None


def _named(call: Mapping[str, Any]) -> Mapping[str, Any]:
    named = {key: call[key] for key in ("name", "category") if isinstance(call.get(key), str)}
    return {**named, **_object(call, "properties")}


def _group(call: Mapping[str, Any]) -> _Call:
    account = find_identity("user", call.get("groupId"))
    if account is None:
        raise TrackingError("A group call needs groupId.")
    return events.ACCOUNT_JOINED, {**_snake(_object(call, "traits")), "group_id": account.value}, None


_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


def _alias(call: Mapping[str, Any]) -> _Call:
    if find_identity("user", call.get("userId")) is None:
        raise TrackingError("An alias call needs userId, the id that stays.")
    raw = call.get("previousId")
    # The wire format does not say what kind of id the old one is; SDKs make anonymous ids as UUIDs.
    anonymous = raw == call.get("anonymousId") or bool(_UUID.fullmatch(str(raw))) or str(raw)[:4].lower() == "anon"
    previous = find_identity("anon" if anonymous else "user", raw)
    if previous is None:
        raise TrackingError("An alias call needs previousId, the id that goes.")
    return events.ALIASED, {}, previous


_CALLS: Mapping[str, Callable[[Mapping[str, Any]], _Call]] = {
    "identify": _identify,
    "track": _track,
    "page": _page,
    "screen": _screen,
    "group": _group,
    "alias": _alias,
}


# --- times and ids


def _said_time(call: Mapping[str, Any], name: str) -> float | None:
    try:
        return _instant(call.get(name))
    except ValueError as error:
        raise TrackingError(f"{name}: {error}.") from None


def _corrected(call: Mapping[str, Any], said: float | None, sent_at: float | None, received: float) -> float:
    """When it happened, by our clock: received - (sentAt - originalTimestamp); never later than its receipt."""
    if said is None:
        return received
    if call.get("originalTimestamp") and call.get("timestamp"):
        time = _said_time(call, "timestamp") or said  # somebody before us corrected it
    else:
        time = said if sent_at is None else received - (sent_at - said)
    return round(min(time, received), 3) if time >= _EARLIEST else received


_PLAIN_ID = re.compile(r"[\w.:@/+=~-]{1,100}", re.ASCII)


def _event_id(call: Mapping[str, Any], kind: str, said: float | None, received: float) -> str:
    """The client's messageId, made harmless, or else a hash of the content.

    What has neither an id nor a time of its own is told apart by the hour of its receipt: the same words an hour later
    are a new event, within the hour they are a retry.
    """
    message_id = call.get("messageId")
    if is_junk(message_id):
        message_id = None  # a client that says "undefined" of every event says nothing
    if isinstance(message_id, str) and _PLAIN_ID.fullmatch(message_id):
        return message_id
    if message_id is not None:
        return "h-" + hashlib.sha256(str(message_id).encode()).hexdigest()[:32]
    content = {key: value for key, value in call.items() if key not in ("sentAt", *_KEY_NAMES)}
    content["type"] = kind
    if said is None:
        content["hour"] = received // _HOUR
    return content_id(content)


# --- what is kept of traits and context

_SNAKE = {
    "firstName": "first_name",
    "lastName": "last_name",
    "createdAt": "created_at",
    "postalCode": "postal_code",
    "employeeCount": "employee_count",
}
# A yes is given by the person, on our own pages or through the API with its proof; never by a trait.
_NOT_TRAITS = frozenset(("consent", "consents"))
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_TIMEZONE = re.compile(r"UTC|[A-Z][A-Za-z]+(?:/[A-Z][A-Za-z0-9_+-]{1,30}){1,2}")


def _snake(traits: Mapping[str, Any]) -> dict[str, Any]:
    """Reserved names in snake case, one level deep (address, company); custom names stay as they are."""
    named = {}
    for key, value in traits.items():
        if value is None or not key or len(key) > 100 or not key.isprintable():
            continue
        if isinstance(value, dict):
            value = {_SNAKE.get(inner, inner): kept for inner, kept in value.items() if kept is not None}
        if attribute_size(value) > ATTRIBUTE_LIMIT:
            raise TrackingError(f"The trait {key!r} is over {ATTRIBUTE_LIMIT:,} bytes.")
        named[_SNAKE.get(key, key)] = value
    return named


def _attributes(
    traits: Mapping[str, Any], context: Mapping[str, Any], identities: tuple[Identity, ...]
) -> dict[str, Any]:
    attributes = _snake(traits) if traits else {}
    for name in _NOT_TRAITS & attributes.keys():
        del attributes[name]
    # An address that is none would fail at the channel, so only its normal form becomes an attribute.
    addresses = dict(identities)
    for kind in ("email", "phone"):
        if kind in attributes:
            if kind in addresses:
                attributes[kind] = addresses[kind]
            else:
                del attributes[kind]
    for name, pattern in (("timezone", _TIMEZONE), ("locale", _LOCALE)):
        value = context.get(name)
        if isinstance(value, str) and name not in attributes and pattern.fullmatch(value):
            attributes[name] = value
    if "device" in context and DEVICE not in attributes:
        attributes |= _device(context["device"])
    return attributes


def _device(raw: Any) -> dict[str, Any]:
    """The device of an app, to which a push may go. An empty token says that it is nobody's any more."""
    if isinstance(raw, dict) and "token" in raw and raw["token"] in (None, ""):
        return {DEVICE: None}
    device = read_device(raw)
    return {DEVICE: device} if device else {}


_KEPT_OBJECTS = {
    "page": ("url", "path", "search", "title", "referrer"),
    "campaign": ("name", "source", "medium", "term", "content"),
    "app": ("name", "version"),
}


def _kept_context(context: Mapping[str, Any]) -> dict[str, Any]:
    """The little of the context that explains an event; the IP address and the library's name are not kept."""
    kept: dict[str, Any] = {}
    for part, names in _KEPT_OBJECTS.items():
        value = context.get(part)
        if isinstance(value, dict):
            texts = {name: value[name][:1_000] for name in names if value.get(name) and isinstance(value[name], str)}
            if texts:
                kept[part] = texts
    if isinstance(context.get("userAgent"), str):
        kept["user_agent"] = context["userAgent"][:200]
    if isinstance(context.get("groupId"), str):
        kept["group_id"] = context["groupId"][:255]
    return kept
