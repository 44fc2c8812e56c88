"""Pushes: a notification for the device of an app, in the words of whoever brings it there."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from postroad.contacts.devices import platform_of, split_address
from postroad.content.links import Waiting, target_is_safe
from postroad.documents import quote
from postroad.envelopes.draft import Draft
from postroad.envelopes.webhook import NowhereError
from postroad.errors import PostroadError

# Apple and Google take no more, in bytes.
LONGEST = 4_096
# Google keeps a push for 28 days at most, and refuses whatever shall live longer; SNS refuses it in its turn.
LONGEST_LIFE = 28 * 86_400
# So many of the bytes are kept free for the token.
_OURS = 200
# By this key an app finds the token with which it says what became of the message.
TOKEN_KEY = "postroad"

# What Google keeps for itself among the names of data.
_RESERVED = re.compile(r"from|message_type|(?:google|gcm)\..*", re.DOTALL)
# A page, or a place in the app: whatever its address begins with, it must not be a script.
_URL = re.compile(r"(?!(?:javascript|data|vbscript|file):)[a-z][a-z0-9+.-]{1,40}:[!-~]{1,2000}", re.IGNORECASE)


class PushError(PostroadError):
    """What was rendered is nothing that a phone could show."""


@dataclass(frozen=True, slots=True)
class Push:
    """A notification for a device, ready for SNS: `application` is the ARN of the app's platform application, `payload`
    JSON with an entry for its platform. After `lives` seconds a device that was out of reach gets it no more."""

    message_id: str
    to: str
    application: str
    payload: str
    lives: int | None = None

    @property
    def platform(self) -> str:
        """Who brings it to the device: one of `devices.PLATFORMS`."""
        return platform_of(self.application)


def _dump(value: Any) -> str:
    """As JSON whose letters are themselves: an escape is longer, and what a phone takes is counted in bytes."""
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class _Note:
    title: str
    text: str
    image: str
    # What the app gets beside them.
    data: Mapping[str, Any]

    @property
    def texts(self) -> dict[str, str]:
        """The data for those who take texts only."""
        return {name: value if isinstance(value, str) else _dump(value) for name, value in self.data.items()}


def _for_apple(note: _Note) -> dict[str, Any]:
    shown: dict[str, Any] = {"alert": {"title": note.title, "body": note.text}, "sound": "default"}
    # An extension of the app fetches the picture.
    return {**note.data, "aps": {**shown, "mutable-content": 1} if note.image else shown}


def _for_google(note: _Note) -> dict[str, Any]:
    shown = {"title": note.title, "body": note.text, **({"image": note.image} if note.image else {})}
    return {"fcmV1Message": {"message": {"notification": shown, "data": note.texts}}}


def _for_amazon(note: _Note) -> dict[str, Any]:
    return {"data": {**note.texts, "title": note.title, "message": note.text}}


# What each platform takes, by the name that SNS has for it (SNS Developer Guide, "Platform-specific payloads").
SHAPES: Mapping[str, Callable[[_Note], dict[str, Any]]] = {
    "APNS": _for_apple,
    "APNS_SANDBOX": _for_apple,
    "GCM": _for_google,
    "ADM": _for_amazon,
}


def find_mistakes(parts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(part, sentence) for each of these parts by which a push could not be shown, whatever the others are."""
    unfit = list(_find_unfit(parts))
    yield from unfit
    if unfit:
        return
    data = {**_data_of(parts), TOKEN_KEY: "x" * _OURS}
    note = _Note(parts.get("title", ""), parts.get("text", ""), parts.get("image", ""), data)
    size = max(_size_of(_dump(shape(note))) for shape in SHAPES.values())
    if size > LONGEST:
        yield max(parts, key=lambda part: len(parts[part])), f"makes a push of {size:,} bytes, more than {LONGEST:,}"


def _find_unfit(parts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    url, image = parts.get("url", ""), parts.get("image", "")
    if url and not _URL.fullmatch(url):
        yield "url", "is no address of a page or of a place in the app"
    if image and not (target_is_safe(image) and image.lower().startswith("https:")):
        yield "image", "is no https address"
    data = json.loads(parts.get("data", "{}"))
    if not isinstance(data, dict):
        yield "data", "is no object"
    elif taken := next(filter(_RESERVED.fullmatch, data), None):
        yield "data", f"has the name {quote(taken)}, which Google keeps for itself; choose another one"


def _data_of(parts: Mapping[str, str]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(parts.get("data", "{}"))
    return data | {key: parts[key] for key in ("url", "image") if parts.get(key)}


def _size_of(text: str) -> int:
    return len(text.encode(errors="replace"))


def wrap(draft: Draft) -> Push:
    """Address a rendered notification to its device. Raises NowhereError, PushError."""
    message, parts = draft.message, draft.rendered.parts
    kind, token = split_address(draft.address)
    application = draft.policy.apps.get(kind)
    if application is None:
        raise NowhereError(f"the policy has no {kind!r} among its apps")
    for part, sentence in _find_unfit(parts):
        raise PushError(f"its {part} {sentence}")
    data = _data_of(parts)
    data[TOKEN_KEY] = draft.signer.sign(Waiting(message.message_id, message.contact_id, message.channel))
    note = _Note(parts["title"], parts["text"], parts.get("image", ""), data)
    shape = _dump(SHAPES[platform_of(application)](note))
    if _size_of(shape) > LONGEST:
        raise PushError(f"it has {_size_of(shape):,} bytes with its data, more than {LONGEST:,}")
    payload = _dump({"default": parts["text"], platform_of(application): shape})
    lives = None if message.expires_at is None else min(max(0, int(message.expires_at - draft.now)), LONGEST_LIFE)
    return Push(message.message_id, token, application, payload, lives)
