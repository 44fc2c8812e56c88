"""Sessions: who is signed in, in a cookie that only this stack can write. Nothing is stored."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

# From the least to the most that somebody may do; each may do what those before may.
ROLES = ("viewer", "marketer", "admin")
SESSION_SECONDS = 8 * 3_600
SIGN_IN_SECONDS = 600

_MAX_TOKEN = 4_000


class Session(NamedTuple):
    """Who is signed in, until when (epoch seconds)."""

    name: str
    email: str
    role: str
    expires: float

    def may(self, role: str | None) -> bool:
        """Whether this person may do what needs that role; None: what anybody may."""
        return role is None or ROLES.index(self.role) >= ROLES.index(role)


def highest_role(groups: Iterable[str]) -> str | None:
    """The role of somebody in these groups; None when none of them is one."""
    return max((role for role in groups if role in ROLES), key=ROLES.index, default=None)


def seal(values: Mapping[str, Any], key: bytes) -> str:
    """Values that can be read by anybody who has them, and written by nobody else."""
    body = urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")
    return f"{body}.{_mac(body, key)}"


def unseal(token: str, key: bytes, now: float) -> dict[str, Any] | None:
    """What `seal` was given, as long as its `expires` is to come; else None, with no reason."""
    body, _, mac = token.partition(".")
    if len(token) > _MAX_TOKEN or not token.isascii() or not hmac.compare_digest(mac, _mac(body, key)):
        return None
    values: dict[str, Any] = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return values if values["expires"] > now else None


def seal_session(session: Session, key: bytes) -> str:
    return seal(session._asdict(), key)


def find_session(token: str, key: bytes, now: float) -> Session | None:
    """The session of a cookie, or None when it is not ours or over."""
    values = unseal(token, key, now)
    return Session(**values) if values and values.keys() == set(Session._fields) else None


def cookie(name: str, value: str, *, seconds: float, secure: bool) -> str:
    """A cookie that no script reads and no other site sends."""
    kind = "; Secure" if secure else ""
    return f"{cookie_name(name, secure)}={value}; Path=/; Max-Age={seconds:.0f}; HttpOnly; SameSite=Lax{kind}"


def cookie_name(name: str, secure: bool) -> str:
    """With the prefix __Host-, a browser lets only this very host set it."""
    return f"__Host-postroad-{name}" if secure else f"postroad-{name}"


def _mac(body: str, key: bytes) -> str:
    return urlsafe_b64encode(hmac.digest(key, body.encode(), hashlib.sha256)).decode().rstrip("=")
