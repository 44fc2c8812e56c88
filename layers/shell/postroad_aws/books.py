"""The book as this process knows it: loaded from the definitions table, compiled, and kept for a few seconds."""

from postroad.book import Book, compile_book
from postroad_aws import clock
from postroad_aws.storage import definitions

# Events are folded by the newest book. Whatever else reads the book sees a publication after this long.
FRESH_SECONDS = 5.0

_book: Book | None = None
_checked = 0.0


def current(*, at_least: int = 0) -> Book:
    """The compiled book, at most a few seconds old, and of this revision or newer."""
    global _book, _checked
    now = clock.now()
    # The clock may have been moved back by a reset of the local cloud.
    fresh = _book is not None and 0 <= now - _checked < FRESH_SECONDS
    if _book is None or not fresh or _book.revision < at_least:
        manifest = definitions.find_manifest()
        if _book is None or _book.revision != manifest.revision or _book.manifest != manifest:
            wanted = [published[:3] for published in (*manifest.live.values(), *manifest.held)]
            _book = compile_book(manifest, definitions.load_versions(wanted))
        _checked = now
    return _book


def newest() -> Book:
    """The compiled book that is live now: whoever has just published it finds it in force."""
    global _checked
    book = current(at_least=definitions.find_revision())
    _checked = clock.now()
    return book


def forget() -> None:
    """Load anew at the next use, for tests."""
    global _book, _checked
    _book, _checked = None, 0.0
