"""Wakes the contacts that are due: the clock state machine calls it each minute."""

from typing import Any

from postroad_aws.usecases.wake_contacts import wake_contacts
from postroad_aws.wiring import keyless


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers how many were woken, and whether to call again at once."""
    return wake_contacts(keyless())._asdict()
