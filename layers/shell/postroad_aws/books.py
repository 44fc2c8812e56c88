"""The book as this process knows it: loaded from the definitions table, compiled, and kept for a few seconds."""

from functools import lru_cache
from typing import TYPE_CHECKING

from postroad import policy as policies
from postroad.manifest import Manifest
from postroad.policy import Policy, parse_policy
from postroad_aws import clock
from postroad_aws.storage import definitions

if TYPE_CHECKING:
    from postroad.book import Book
    from postroad.forms import Form

# Events are folded by the newest book. Whatever else reads the book sees a publication after this long.
FRESH_SECONDS = 5.0

_manifest: Manifest | None = None
_book: "Book | None" = None
_checked = 0.0


def current(*, at_least: int = 0) -> "Book":
    """The compiled book, at most a few seconds old, and of this revision or newer."""
    from postroad.book import compile_book  # whoever sends needs the policy alone

    global _book
    manifest = _current_manifest(at_least)
    if _book is None or _book.manifest is not manifest:
        _book = compile_book(manifest, definitions.load_versions(manifest.loaded))
    return _book


def newest() -> "Book":
    """The compiled book that is live now: whoever has just published it finds it in force."""
    global _checked
    book = current(at_least=definitions.find_revision())
    _checked = clock.now()
    return book


def current_policy(*, at_least: int = 0) -> Policy:
    """The policy of the current book, for those who need nothing else of it: they load nothing else."""
    published = _current_manifest(at_least).live.get(f"{policies.KIND}/{policies.KIND}")
    return _policy(published.version) if published else Policy()


def hears(name: str) -> bool:
    """Whether something that is live listens to events of this name (`events.ON_DEMAND`)."""
    return name in _current_manifest(0).hears


def find_form(form_id: str) -> "Form | None":
    """The form of this id, if one is live."""
    published = _current_manifest(0).live.get(f"form/{form_id}")
    return _form(form_id, published.version) if published else None


def forget() -> None:
    """Load anew at the next use, for tests."""
    global _manifest, _book, _checked
    _manifest, _book, _checked = None, None, 0.0
    _policy.cache_clear()
    _form.cache_clear()


def _current_manifest(at_least: int) -> Manifest:
    """What is live, at most a few seconds ago; the same object as long as nothing was published."""
    global _manifest, _checked
    now = clock.now()
    # The clock may have been moved back by a reset of the local cloud.
    fresh = 0 <= now - _checked < FRESH_SECONDS
    if _manifest is None or not fresh or _manifest.revision < at_least:
        found = definitions.find_manifest()
        if found != _manifest:
            _manifest = found
        _checked = now
    return _manifest


@lru_cache(maxsize=1)
def _policy(version: int) -> Policy:
    return parse_policy(definitions.get_version(policies.KIND, policies.KIND, version))


@lru_cache(maxsize=64)
def _form(form_id: str, version: int) -> "Form":
    from postroad.forms import parse_form  # only the forms' pages need it

    return parse_form(definitions.get_version("form", form_id, version), version=version)
