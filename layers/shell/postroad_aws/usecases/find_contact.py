"""The contact that is stored under an id, wherever merges have forwarded it to."""

from collections.abc import Collection, Mapping
from typing import Protocol

from postroad.contacts import Contact
from postroad_aws.ports import Forward


class Items(Protocol):
    def find_items(self, ids: Collection[str], *, consistent: bool) -> Mapping[str, Contact | Forward]: ...


def find_contact(contacts: Items, contact_id: str) -> Contact | None:
    """Follow the forwards, however many, reading consistently; None when nothing is there."""
    seen: set[str] = set()
    while contact_id not in seen:
        seen.add(contact_id)
        item = contacts.find_items([contact_id], consistent=True).get(contact_id)
        if not isinstance(item, Forward):
            return item
        contact_id = item.contact_id
    raise RecursionError("the forwards of a contact go in a circle")
