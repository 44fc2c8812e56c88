"""Tastes: the products that somebody looked at and bought lately, as their contact remembers them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from postroad.contacts.contact import Contact
from postroad.predicates.behaviour import NOTED, Memory
from postroad.predicates.predicate import parse_predicate

# What is remembered for it, as the predicates that need the same.
LOOKED_AT: Mapping[str, Any] = {"event": "Product Viewed", "most": "product_id", "exists": True}
BOUGHT: Mapping[str, Any] = {"event": "Order Completed", "most": "products.product_id", "exists": True}
(_VIEWED_TRACKER,) = parse_predicate(LOOKED_AT).trackers
(_BOUGHT_TRACKER,) = parse_predicate(BOUGHT).trackers


class Taste(NamedTuple):
    """The ids of the products that somebody viewed and bought lately, each once, the newest first."""

    viewed: tuple[str, ...] = ()
    bought: tuple[str, ...] = ()


def taste_of(contact: Contact) -> Taste:
    """What a contact remembers; at most so many of either as a tracker keeps (NOTED)."""
    memories = (contact.behaviour.get(tracker.tracker_id) for tracker in (_VIEWED_TRACKER, _BOUGHT_TRACKER))
    return Taste(*map(_newest, memories))


def _newest(memory: Memory | None) -> tuple[str, ...]:
    entries: Memory = list(reversed(memory or ()))
    return tuple(dict.fromkeys(str(value) for _, value in entries))[:NOTED]
