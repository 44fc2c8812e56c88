"""The tables: one module each, named like what it holds. Rows do not leave them.

What every event and every message passes through speaks botocore; listings and definitions use the PynamoDB models
(`rows`), imported where they are needed, because PynamoDB makes a session and a client of its own (70 ms).
"""

from typing import Generic, NamedTuple, TypeVar

from postroad.errors import PostroadError

T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """One page of a listing; `next` is the cursor of the following one, None at the end. A page may be short."""

    items: list[T]
    next: str | None


class VersionConflictError(PostroadError):
    """Somebody else has saved in the meantime."""


class NotFoundError(PostroadError):
    """There is nothing stored under this name."""


class CursorError(PostroadError):
    """A cursor that this listing has not given out."""
