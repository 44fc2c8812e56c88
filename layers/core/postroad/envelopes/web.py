"""Messages that wait for somebody on a site: plain text, and a link."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from postroad.content.links import target_is_safe
from postroad.envelopes.draft import Draft
from postroad.errors import PostroadError
from postroad.instants import DAY

# Whoever has not come by then does not get it.
LONGEST = 30 * DAY
LONGEST_TEXT = 2_000


class WebMessageError(PostroadError):
    """What was rendered is nothing that a site could show."""


@dataclass(frozen=True, slots=True)
class WebMessage:
    """A message as a site shows it, of the contact `to`. `expires_at` is epoch seconds; what is not there is ""."""

    message_id: str
    to: str
    topic: str
    title: str
    text: str
    url: str
    button: str
    created_at: float
    expires_at: float


def find_mistakes(parts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(part, sentence) for each of these parts that no site could show."""
    url = parts.get("url", "")
    if url and not target_is_safe(url):
        yield "url", "is no http or https address"
    for key, part in parts.items():
        if len(part) > LONGEST_TEXT:
            yield key, f"has more than {LONGEST_TEXT:,} characters"


def wrap(draft: Draft) -> WebMessage:
    """Make a rendered message one that can wait. Raises WebMessageError."""
    message, parts = draft.message, draft.rendered.parts
    for part, sentence in find_mistakes(parts):
        raise WebMessageError(f"its {part} {sentence}")
    url = parts.get("url", "")
    last = message.created_at + LONGEST
    return WebMessage(
        message.message_id,
        draft.address,
        message.topic,
        parts.get("title", ""),
        parts["text"],
        url,
        parts.get("button", "") if url else "",
        message.created_at,
        min(message.expires_at or last, last),
    )
