"""Make a key: it is told once, and stored as a hash."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from postroad_aws.storage.keys import Key

# What each kind of key begins with, and what it opens.
KINDS: Mapping[str, tuple[str, Key]] = {
    "write": ("wk_", Key(kind="write", source="server", trusted=True, name="server")),
    "browser": ("bk_", Key(kind="write", source="browser", trusted=False, name="browser")),
    "api": ("ak_", Key(kind="api", source="api", trusted=True, name="api")),
}


class Keys(Protocol):
    """What is touched of the keys table."""

    def save_key(self, key: str, value: Key) -> str: ...


class Secrets(Protocol):
    """Where keys that nobody can guess come from."""

    def new_secret(self) -> str: ...


def create_key(
    keys: Keys, secrets: Secrets, kind: str, now: float, *, name: str | None = None, source: str | None = None
) -> tuple[str, str, Key]:
    """A new key of a kind of KINDS: the key itself, the hash under which it is stored, and what it opens."""
    prefix, usual = KINDS[kind]
    made = replace(usual, created_at=now, name=name or usual.name, source=source or usual.source)
    key = prefix + secrets.new_secret()
    return key, keys.save_key(key, made), made


def kind_of(key: Key) -> str:
    """Which of KINDS a key is."""
    return "api" if key.kind == "api" else "write" if key.trusted else "browser"
