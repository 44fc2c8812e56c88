"""Putting into quarantine what was accepted but cannot be folded."""

import hashlib
import json

from postroad.events import Event
from postroad.tracking import Reject

MAX_RAW = 64 * 1024


def reject_text(text: str, reason: str, now: float, source: str = "") -> Reject:
    """A reject of something that could not even be read."""
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
    return Reject(digest, now, reason, source, text[:MAX_RAW])


def reject_event(event: Event, reason: str, now: float) -> Reject:
    """A reject of an event that was read, but that no contact can take."""
    return reject_text(json.dumps(event.to_document()), reason, now, event.source)
