"""The holds as this process knows them, asked for every few seconds."""

from postroad.sending.holds import Hold
from postroad_aws import clock
from postroad_aws.storage import holds

# A hold stops everything that has not begun to leave after this long.
FRESH_SECONDS = 5.0

_holds: tuple[Hold, ...] = ()
_checked: float | None = None


def current() -> tuple[Hold, ...]:
    """Every hold that there is, at most a few seconds ago."""
    global _holds, _checked
    now = clock.now()
    # The clock may have been moved back by a reset of the local cloud.
    if _checked is None or not 0 <= now - _checked < FRESH_SECONDS:
        _holds, _checked = holds.list_holds(), now
    return _holds


def forget() -> None:
    """Ask anew at the next use, for tests."""
    global _holds, _checked
    _holds, _checked = (), None
