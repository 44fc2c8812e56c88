"""The keys by which links are signed: one signs, all read, and what has leaked is withdrawn.

A new key is known to everybody for a while before it signs, so that no process meets a link of a key that it has never
heard of. An old one reads for good: a link in a mail of last year must still lead out. A withdrawn one keeps its id, so
that its links can say why they do nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

from postroad.content.links import Signer
from postroad.errors import PostroadError
from postroad.instants import stamp

# Twice as long as a process goes without looking: until then a new key signs nothing.
NOTICE = 120.0


class LinkKeyError(PostroadError):
    """The keys of links cannot be changed as asked."""


class LinkKey(NamedTuple):
    """A key by its id: "1" is the first, and no id comes twice. It signs from `since` on (epoch seconds), until a newer
    one does. Of a withdrawn one `secret` is empty."""

    kid: str
    secret: bytes
    since: float = 0.0

    @property
    def is_withdrawn(self) -> bool:
        return not self.secret


def find_current(keys: Sequence[LinkKey], now: float) -> LinkKey:
    """The key that signs now: the newest whose time has come."""
    return max((each for each in keys if not each.is_withdrawn), key=lambda each: (each.since <= now, each.since))


def make_signer(keys: Sequence[LinkKey], now: float) -> Signer:
    """Signs with the key that is current now, and reads what any that is not withdrawn has signed."""
    reading = {each.kid: each.secret for each in keys if not each.is_withdrawn}
    withdrawn = [each.kid for each in keys if each.is_withdrawn]
    return Signer(reading, find_current(keys, now).kid, withdrawn)


def add_key(keys: Sequence[LinkKey], secret: bytes, now: float) -> tuple[LinkKey, ...]:
    """The keys with a new one, which signs when everybody knows it. Raises LinkKeyError while the last one waits."""
    if (last := keys[-1]).since > now:
        raise LinkKeyError(f"Key {last.kid} is new already, and signs from {stamp(last.since)} on.")
    # On the full minute, as people are told.
    return (*keys, LinkKey(str(int(last.kid) + 1), secret, -(-(now + NOTICE) // 60) * 60))


def withdraw_key(keys: Sequence[LinkKey], kid: str, now: float) -> tuple[LinkKey, ...]:
    """The keys without the secret of one: what it has signed does nothing any more. Raises LinkKeyError for a key that
    is not there, and for the one that signs."""
    key = next((each for each in keys if each.kid == kid), None)
    if key is None:
        raise LinkKeyError(f"There is no key {kid}; there are {', '.join(each.kid for each in keys)}.")
    if key == find_current(keys, now):
        coming = next((f"key {each.kid} signs from {stamp(each.since)} on" for each in keys if each.since > now), "")
        raise LinkKeyError(f"Key {kid} is the one that signs: {coming or 'make a new one'}, then withdraw it.")
    return tuple(each._replace(secret=b"") if each == key else each for each in keys)
