"""Who got, or did not get, the messages of a step or of a broadcast, as people behind a number."""

from collections.abc import Callable, Sequence
from typing import Protocol

from postroad.sending.messages import Message
from postroad_aws.storage import CursorError, Page
from postroad_aws.storage.paging import decode_cursor, encode_cursor

# A page ends when it has looked at so many messages, however few of them are wanted.
MOST_LOOKED_AT = 400
# Where few are wanted, so many are looked at at once.
_AT_ONCE = 100
_EMPTY = 20  # what asking an origin costs that has none, counted in messages


class Messages(Protocol):
    def list_newest(self, origin: str, *, cursor: str | None, limit: int) -> Page[Message]: ...


def list_recipients(
    messages: Messages,
    origins: Sequence[str],
    wanted: Callable[[Message], bool],
    *,
    cursor: str | None = None,
    enough: int = 25,
) -> Page[Message]:
    """The messages of these origins ("journey/welcome@3") that are wanted, origin by origin, the newest first.

    A page ends soon after it has enough; it may be short, or empty, and yet have a next one. Raises CursorError.
    """
    number, inner = _read_cursor(cursor, len(origins))
    found: list[Message] = []
    looked_at, at_once = 0, enough
    while number < len(origins) and len(found) < enough and looked_at < MOST_LOOKED_AT:
        page = messages.list_newest(origins[number], cursor=inner, limit=at_once)
        fitting = list(filter(wanted, page.items))
        found += fitting
        looked_at += max(len(page.items), _EMPTY)
        if len(fitting) < len(page.items):
            at_once = _AT_ONCE
        number, inner = (number, page.next) if page.next else (number + 1, None)
    return Page(found, encode_cursor(number, inner) if number < len(origins) else None)


def _read_cursor(cursor: str | None, origins: int) -> tuple[int, str | None]:
    if cursor is None:
        return 0, None
    number, inner = decode_cursor(cursor, int, (str, type(None)))
    if not 0 <= number < origins:
        raise CursorError("This cursor belongs to another listing; start again without it.")
    return number, inner
