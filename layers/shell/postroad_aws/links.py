"""The signer of links, as this process knows the keys: it looks for other ones every minute."""

import time
from typing import TYPE_CHECKING

from postroad_aws import clock
from postroad_aws.observability import logger
from postroad_aws.storage import keys

if TYPE_CHECKING:
    from postroad.content.links import Signer

_signer: "Signer | None" = None
_made = 0.0


def signer() -> "Signer":
    """Signs and reads the links in messages. Raises StackSecretError."""
    global _signer, _made
    now = time.monotonic()
    if _signer is None or now - _made >= keys.KNOWN_SECONDS:
        # Most cold starts sign nothing, and links bring the HTML reader with them.
        from postroad.content.link_keys import make_signer

        try:
            _signer = make_signer(keys.list_link_keys(), clock.now())
        except Exception:
            if _signer is None:
                raise
            # A link must lead on also while the table does not answer.
            logger.exception("the keys of links could not be read; those of a minute ago stay")
        _made = now
    return _signer


def forget() -> None:
    """Ask anew at the next use, for tests."""
    global _signer
    _signer = None
