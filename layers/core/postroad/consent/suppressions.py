"""Suppressions: addresses to which nothing may go, and when one may be written to again."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from postroad.contacts.contact import Consent
from postroad.sending.feedback import REPORTED


class Suppression(NamedTuple):
    """Nothing may go to an address, since `time`. `address_hash` stands for it: the address itself is not stored."""

    address_hash: str
    reason: str
    time: float
    evidence: Mapping[str, Any]


def find_obstacle_to_lifting(suppression: Suppression, consents: Iterable[Consent]) -> str | None:
    """Why an address has to stay suppressed, as a sentence; None when it may be written to again.

    A mailbox that refused mail may work again. Whoever reported us as spam must have said yes since.
    """
    if suppression.reason != REPORTED or any(each.granted and each.time > suppression.time for each in consents):
        return None
    return "The person reported a mail as spam, and has said yes to no topic since."
