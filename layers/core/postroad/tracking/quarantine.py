"""Quarantine: what was accepted but can be no event, kept for a person to look at."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from postroad.events import Event

RAW_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reject:
    """What could not be taken: `reason` is a sentence, `raw` the text as sent, cut."""

    reject_id: str
    received: float
    reason: str
    source: str
    raw: str

    def to_document(self) -> dict[str, Any]:
        return {
            "id": self.reject_id,
            "received": self.received,
            "reason": self.reason,
            "source": self.source,
            "raw": self.raw,
        }


def parse_reject(document: Mapping[str, Any]) -> Reject:
    """The reject of a document that `to_document` wrote."""
    return Reject(document["id"], document["received"], document["reason"], document["source"], document["raw"])


def reject_text(text: str, reason: str, received: float, source_id: str = "") -> Reject:
    """A text kept in quarantine; it has the same id however often it arrives."""
    digest = hashlib.sha256(f"{source_id}\n{reason}\n{text}".encode(errors="surrogatepass"))
    kept = text[:RAW_LIMIT].encode(errors="replace").decode()
    return Reject(digest.hexdigest()[:32], received, reason, source_id, kept)


def reject_event(event: Event, reason: str, received: float) -> Reject:
    """An event kept in quarantine, as the document that it travels in."""
    return reject_text(json.dumps(event.to_document()), reason, received, event.source)
