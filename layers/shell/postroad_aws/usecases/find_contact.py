"""The contact that is stored under an id, wherever merges have forwarded it to."""

from collections.abc import Collection, Mapping
from typing import Protocol

from postroad.contacts import Contact
from postroad_aws.ports import Forward

# A chain of forwards is as long as the merges that made it; more hops than this is a circle.
MAX_HOPS = 16


class Items(Protocol):
    def find_items(self, ids: Collection[str], *, consistent: bool) -> Mapping[str, Contact | Forward]: ...


def find_contact(contacts: Items, contact_id: str) -> Contact | None:
    """Follow the forwards, reading consistently; None when nothing is there."""
    for _ in range(MAX_HOPS):
        item = contacts.find_items([contact_id], consistent=True).get(contact_id)
        if not isinstance(item, Forward):
            return item
        contact_id = item.contact_id
    raise RecursionError("the forwards of a contact go in a circle")
