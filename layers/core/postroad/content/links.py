"""Links of ours in messages: signed tokens for clicks, opens and unsubscribing, and putting them into the HTML.

A token is `kid.base64url(fields + MAC)`: the fields of one link, and HMAC-SHA256 cut to 16 bytes (RFC 2104 section 5)
over the purpose, the key's id and the fields. So a token is worth nothing for another purpose, its key can be rotated,
it needs no table, and it never runs out: an unsubscribe link must work for years.
"""

import hashlib
import hmac
import re
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Collection, Container, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from html import escape
from typing import ClassVar, NamedTuple, TypeVar, get_args

from postroad.content.markup import link_tags, read_attributes
from postroad.errors import PostroadError


class LinkError(PostroadError):
    """A link cannot be signed as asked."""


# ----------------------------------------------------------------------------------------------------------- tokens


@dataclass(frozen=True, slots=True)
class Click:
    """Link `number` of a message leads to `url`. Whose message it is travels along, so that a click reads no table."""

    purpose: ClassVar[str] = "c"
    message_id: str
    number: int
    url: str
    contact_id: str = ""


@dataclass(frozen=True, slots=True)
class Open:
    """The open pixel of a message, and whose message it is."""

    purpose: ClassVar[str] = "o"
    message_id: str
    contact_id: str = ""


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Lets its bearer end one contact's consent to a topic on a channel, and nothing else."""

    purpose: ClassVar[str] = "u"
    contact_id: str
    channel: str
    topic: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Preferences:
    """Lets its bearer say which messages one contact wants, and nothing else."""

    purpose: ClassVar[str] = "p"
    contact_id: str
    channel: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Confirm:
    """Lets its bearer confirm consent to topics (with commas between them) that was asked for at an instant."""

    purpose: ClassVar[str] = "y"
    contact_id: str
    topics: str
    message_id: str
    asked_at: int


@dataclass(frozen=True, slots=True)
class Shown:
    """Says that we showed a form's page, and when, in epoch seconds: a robot that only posts has no such thing."""

    purpose: ClassVar[str] = "f"
    form_id: str
    at: int
    nonce: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Lets its bearer say what became of a message that waited on a site, or came to an app, and nothing else."""

    purpose: ClassVar[str] = "w"
    message_id: str
    contact_id: str
    channel: str = "web"


@dataclass(frozen=True, slots=True)
class Visitor:
    """A ticket: who a visitor of a site is, until an instant in epoch seconds. A server of the site asked for it."""

    purpose: ClassVar[str] = "v"
    identity: str
    until: int


Link = Click | Open | Unsubscribe | Preferences | Confirm | Shown | Waiting | Visitor
AnyLink = TypeVar("AnyLink", Click, Open, Unsubscribe, Preferences, Confirm, Shown, Waiting, Visitor)
_FIELDS: Mapping[type, tuple[str, ...]] = {kind: tuple(part.name for part in fields(kind)) for kind in get_args(Link)}

_MAC_BYTES = 16
_MAX_TOKEN = 4096
_SEPARATOR = "\x1f"
_KID = re.compile(r"[A-Za-z0-9_-]{1,16}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Signer:
    """Signs links with the current key, and reads what any of its keys signed."""

    def __init__(self, keys: Mapping[str, bytes], current: str, withdrawn: Collection[str] = ()) -> None:
        """`keys` by their id (1 to 16 of A-Z a-z 0-9 _ -), the oldest first, of 16 bytes or more each; old ones read
        old links. `withdrawn` are ids of keys whose links say nothing any more."""
        if current not in keys:
            raise LinkError("the current signing key is not among the keys")
        for kid, key in keys.items():
            if not _KID.fullmatch(kid) or len(key) < _MAC_BYTES:
                raise LinkError("a signing key needs an id of 1 to 16 letters or digits, and 16 bytes or more")
        self._keys, self._current, self._withdrawn = dict(keys), current, frozenset(withdrawn)

    def sign(self, link: Link) -> str:
        """The token of a link. Raises LinkError when a field has control characters or a click's target is not safe."""
        values = [str(getattr(link, name)) for name in _FIELDS[type(link)]]
        if any(_CONTROL.search(value) for value in values):
            raise LinkError("a link's field has control characters")
        if isinstance(link, Click) and not target_is_safe(link.url):
            raise LinkError("a click must lead to an http or https address without credentials")
        body = _SEPARATOR.join(values).encode()
        token = f"{self._current}.{_encode(body + self._mac(self._current, link.purpose, body))}"
        if len(token) > _MAX_TOKEN:
            raise LinkError("the link is too long to be signed")
        return token

    def find(self, kind: type[AnyLink], token: str) -> AnyLink | None:
        """What the token says if we signed it for this kind of link, else None, with no reason."""
        if len(token) > _MAX_TOKEN or not token.isascii():
            return None
        kid, _, encoded = token.partition(".")
        sealed = _decode(encoded)
        if kid not in self._keys or len(sealed) <= _MAC_BYTES:
            return None
        body, mac = sealed[:-_MAC_BYTES], sealed[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(kid, kind.purpose, body)):
            return None
        values = body.decode().split(_SEPARATOR)
        parts = fields(kind)
        if len(values) > len(parts):
            return None
        # A token from before a field was added has fewer; its default stands.
        link = kind(**{part.name: part.type(value) for part, value in zip(parts, values, strict=False)})  # type: ignore
        return None if isinstance(link, Click) and not target_is_safe(link.url) else link

    def is_withdrawn(self, token: str) -> bool:
        """Whether a token names a key that was withdrawn, so that nobody can tell who has signed it."""
        return token.partition(".")[0] in self._withdrawn

    def path(self, link: Link) -> str:
        """The path of a link on our own host: `/c/<token>`, `/o/<token>`, `/u/<token>`."""
        return f"/{link.purpose}/{self.sign(link)}"

    def stamps(self, purpose: str, text: str) -> tuple[bytes, ...]:
        """What stands for a text that only this stack can have said: by the oldest key first, so that the first stays
        what it is when there is a new key."""
        return tuple(self._mac(kid, purpose, text.encode(errors="surrogatepass")) for kid in self._keys)

    def _mac(self, kid: str, purpose: str, body: bytes) -> bytes:
        text = f"postroad-link\0{purpose}\0{kid}\0".encode() + body
        return hmac.digest(self._keys[kid], text, hashlib.sha256)[:_MAC_BYTES]


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """The bytes of unpadded base64url, or none when it is not the one way to write them."""
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        return b""
    # The last character has spare bits, and Python's decoder skips what is not base64.
    return data if _encode(data) == text else b""


# ---------------------------------------------------------------------------------------------------------- targets

_MAX_TARGET = 2048
_TARGET = re.compile(
    r"https?://(?P<host>[^/?#:\[\]@%]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?(?:[/?#].*)?", re.IGNORECASE
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)


@lru_cache(maxsize=512)  # the mails of a template lead to the same places
def target_is_safe(url: str) -> bool:
    """Whether a redirect may lead there: http or https, a plain host, no credentials, no backslash, space or control.

    The characters are checked before anything is parsed, because parsers drop some of them silently.
    """
    if len(url) > _MAX_TARGET or not url.isprintable() or any(sign.isspace() for sign in url) or "\\" in url:
        return False
    parts = _TARGET.fullmatch(url)
    if not parts or int(parts["port"] or 0) > 65535:
        return False
    host = parts["host"]
    if host.startswith("["):
        return True
    if not host.isascii():
        # A look-alike of a dot or slash would end the host elsewhere in a browser.
        if unicodedata.normalize("NFKC", host) != host:
            return False
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            return False
    labels = host.removesuffix(".").split(".")
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)


# ------------------------------------------------------------------------------------------------------------- HTML


class _Target(NamedTuple):
    """Where a link leads, and where in its attributes that is written."""

    url: str
    start: int
    end: int


def rewrite_links(html: str, make_url: Callable[[str, int], str], *, keep: Container[str] = ()) -> str:
    """The HTML with each tracked link's href replaced by `make_url(target, number)`; all else stays, byte for byte.

    Tracked are `<a>` and `<area>` whose href is a safe target (so not mailto:, tel: or #), except those with
    `data-notrack` and those whose target is in `keep`, such as the unsubscribe link. Numbers count them from 1.
    """
    out: list[str] = []
    position = number = 0
    for tag in link_tags(html):
        start = tag.attributes_start
        target = _find_target(html[start : tag.attributes_end])
        if target is None or target.url in keep:
            continue
        number += 1
        out += html[position : start + target.start], f'"{escape(make_url(target.url, number))}"'
        position = start + target.end
    return "".join((*out, html[position:])) if out else html


@lru_cache(maxsize=512)  # most links of a mail stand in the next one, too
def _find_target(written: str) -> _Target | None:
    """Where a link with these attributes leads, if it may be tracked."""
    attributes = read_attributes(written)
    href = next((each for each in attributes if each.name == "href"), None)
    if href is None or any(each.name == "data-notrack" for each in attributes):
        return None
    url = href.value.strip(" \t\n\r\f")
    return _Target(url, href.start, href.end) if target_is_safe(url) else None


def add_pixel(html: str, url: str, trap: str = "") -> str:
    """The HTML with the open pixel before its last `</body>`, or at its end; behind it a link that no person can see or
    reach, if there is an address for one: who follows that is a machine."""
    pixel = f'<img src="{escape(url)}" width="1" height="1" alt="" style="display:none">'
    if trap:
        pixel += f'<a href="{escape(trap)}" style="display:none" tabindex="-1" aria-hidden="true"></a>'
    found = None
    for found in _BODY_END.finditer(html):  # noqa: B007
        pass
    position = found.start() if found else len(html)
    return html[:position] + pixel + html[position:]


_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
