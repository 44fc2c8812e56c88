"""Text messages: plain text, in no more parts than anybody means to pay for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from unicodedata import category

from postroad.envelopes.draft import Draft
from postroad.errors import PostroadError
from postroad.sending.sms import segments

# SNS takes 1,600 characters; each part is billed.
MAX_SEGMENTS = 10


@dataclass(frozen=True, slots=True)
class Text:
    """A text message, ready for SNS. `promotional` texts are the cheaper, slower kind."""

    message_id: str
    to: str
    body: str
    promotional: bool = True
    sender_id: str | None = None


class TextTooLongError(PostroadError):
    """A text would take too many parts."""


def find_mistakes(parts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(part, sentence) for a text that is too long."""
    if excess := _find_excess(_clean(parts.get("text", ""))):
        yield "text", excess


def _find_excess(body: str) -> str:
    count = segments(body).count
    return f"takes {count} parts, more than {MAX_SEGMENTS}" if count > MAX_SEGMENTS else ""


def _clean(text: str) -> str:
    """A text without control characters."""
    return "".join(sign for sign in text if sign == "\n" or category(sign) not in ("Cc", "Cf", "Cs"))


def wrap(draft: Draft) -> Text:
    """Make a rendered text one that can be sent, without control characters. Raises TextTooLongError."""
    body = _clean(draft.rendered.text)
    if excess := _find_excess(body):
        raise TextTooLongError(f"the text {excess}")
    return Text(draft.message.message_id, draft.address, body, sender_id=draft.policy.sms_sender or None)
