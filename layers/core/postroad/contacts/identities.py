"""Who somebody is: identities, the contact ids made from them, and the stream that an event came from."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import NamedTuple
from unicodedata import normalize

# Strongest first: the strongest identity that an event carries decides whose event it is.
KINDS = ("user", "email", "phone", "anon")
# The kinds that something can be sent to.
ADDRESSES = ("email", "phone")

_JUNK = frozenset(
    ("", "null", "none", "nil", "undefined", "nan", "0", "-1", "true", "false", "anonymous", "unknown", "n/a",
     "[object object]", "00000000-0000-0000-0000-000000000000")
)  # fmt: skip
_ATOM = r"[^@\s\x00-\x1f\x7f<>()\[\],;:\\\".]+"
_LOCAL_PART = re.compile(rf"(?=.{{1,64}}$){_ATOM}(?:\.{_ATOM})*")
_DOMAIN = re.compile(r"(?=.{4,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9][a-z0-9-]{0,61}[a-z0-9]")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")


class Identity(NamedTuple):
    """An address or id that names a contact: kind is one of KINDS, value is in its normal form."""

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


def is_junk(raw: object) -> bool:
    """Whether a value is what a client says when it has none: "undefined", 0, an all-zero UUID …"""
    return str(raw).strip().lower() in _JUNK


def find_identity(kind: str, raw: object) -> Identity | None:
    """The identity in its normal form, or None when the value can name nobody (junk, malformed, too long)."""
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        return None
    value = str(raw).strip()
    if is_junk(value) or len(value) > 255 or not value.isprintable():
        return None
    if kind == "email":
        address = _normal_address(value)
        return Identity(kind, address) if address else None
    if kind == "phone":
        value = re.sub(r"[\s().-]", "", value)
        value = "+" + value[2:] if value.startswith("00") else value
        return Identity(kind, value) if _PHONE.fullmatch(value) else None
    return Identity(kind, value) if kind in KINDS else None


def _normal_address(text: str) -> str | None:
    """One spelling for each mailbox: lower case, and an international domain as it goes over the wire."""
    local, _, domain = normalize("NFC", text).lower().rpartition("@")
    host = find_wire_domain(normalize("NFKC", domain))
    return f"{local}@{host}" if host and _LOCAL_PART.fullmatch(local) and _DOMAIN.fullmatch(host) else None


# What the older rules for international names (RFC 3490) turn into something else, and so into another's domain, where
# the newer ones (RFC 5891) keep it.
_KEPT_LETTERS = re.compile("[ßς]")
_JOINERS = re.compile("[\u200c\u200d]")


def find_wire_domain(domain: str) -> str | None:
    """A domain as it goes over the wire, an international one in punycode; None when it cannot be one."""
    if domain.isascii():
        return domain
    if _JOINERS.search(domain):
        return None
    try:
        return ".".join(
            f"xn--{label.encode('punycode').decode()}" if _KEPT_LETTERS.search(label) else label.encode("idna").decode()
            for label in re.split("[.\u3002\uff0e\uff61]", domain)
        )
    except UnicodeError:
        return None


def parse_identity(text: str) -> Identity:
    """An identity written as `email:ana@example.com`. Raises ValueError with a sentence."""
    kind, _, value = text.partition(":")
    identity = find_identity(kind, value)
    if identity is None:
        raise ValueError(f"{text[:80]!r} is not an identity; write for example email:ana@example.com or user:42")
    return identity


def plain_address(address: str) -> str:
    """An address without what one mailbox may be written with in many ways: dots, and what follows a plus.

    Only to count how often somebody comes; two such addresses may well be two people.
    """
    user, at, host = address.partition("@")
    return user.partition("+")[0].replace(".", "") + at + host


@lru_cache(maxsize=1024)  # folding one event asks for the same few ids about twenty times
def claim_of(identity: Identity) -> Identity:
    """Where an identity is stored that only a public source has named.

    An address that nobody has confirmed may be somebody else's, whose contact must find its place free. Other ids are
    nobody else's: they are stored as they are.
    """
    return Identity("claim", str(identity)) if identity.kind in ADDRESSES else identity


@lru_cache(maxsize=4096)  # as often
def contact_id_of(identity: Identity | str, key: bytes) -> str:
    """The id under which a contact first known by this identity is stored: HMAC-SHA256 cut to 120 bits, URL-safe."""
    digest = hmac.digest(key, str(identity).encode(), "sha256")
    return urlsafe_b64encode(digest[:15]).decode()


def group_of(identities: tuple[Identity, ...]) -> str:
    """The message group of a stream: a device keeps its order through sign-up, so its anonymous id comes first."""
    kinds = {identity.kind: identity for identity in reversed(identities)}
    first = kinds.get("anon") or kinds.get("user") or identities[0]
    return hashlib.sha256(str(first).encode()).hexdigest()[:24]
