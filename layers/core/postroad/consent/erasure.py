"""Being forgotten: what may begin somebody anew who was erased, and whether a text speaks of them.

Whoever was erased is known by hashes alone: the ids under which their contact was stored.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import Any

from postroad.contacts.identities import KINDS, claim_of, contact_id_of, find_identity
from postroad.events import ACCOUNT_JOINED, ACCOUNT_LEFT, ALIASED, IDENTIFIED, SEGMENT_ADDED, SEGMENT_REMOVED, Event

# What a server says about somebody, and is no act of theirs. An import says no more.
_SAYINGS = frozenset((IDENTIFIED, ALIASED, ACCOUNT_JOINED, ACCOUNT_LEFT, SEGMENT_ADDED, SEGMENT_REMOVED))
# Words of a text that is no JSON: an address among them is found, whatever stands around it.
_WORDS = re.compile(r"[^\s\"'<>,;()\[\]{}]+")


def begins_anew(event: Event, erased_at: float) -> bool:
    """Whether an event may begin a contact under an id that was erased: only what the person did themselves, later."""
    return event.time > erased_at and not (event.trusted and event.name in _SAYINGS)


def speaks_of(text: str, ids: Collection[str], key: bytes) -> bool:
    """Whether a document, or any text, names one of these contacts: by its id, or by an identity of it."""
    return any(_is_of(word, ids, key) for word in set(_words_of(text)) if len(word) <= 320)


def _words_of(text: str) -> Iterator[str]:
    with suppress(ValueError, RecursionError):
        yield from _texts_in(json.loads(text))
    for word in _WORDS.findall(text):
        yield word
        yield word.partition(":")[2]


def _texts_in(document: Any) -> Iterator[str]:
    if isinstance(document, str):
        yield document
        yield document.partition(":")[2]
    elif isinstance(document, dict):
        for key, value in document.items():
            yield key
            yield from _texts_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from _texts_in(value)


def _is_of(word: str, ids: Collection[str], key: bytes) -> bool:
    if not word:
        return False
    if word in ids:
        return True
    found: Iterable[Any] = (find_identity(kind, word) for kind in KINDS)
    return any(
        contact_id_of(name, key) in ids for identity in found if identity for name in (identity, claim_of(identity))
    )
