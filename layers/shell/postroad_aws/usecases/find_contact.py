"""The contacts that are stored under ids, wherever merges have forwarded them to."""

from collections.abc import Collection, Mapping
from typing import Protocol

from postroad.contacts.contact import Contact
from postroad.contacts.identities import Identity, claim_of, contact_id_of
from postroad_aws.ports import Forward, Stored


class Items(Protocol):
    def find_items(self, ids: Collection[str], *, consistent: bool) -> Mapping[str, Stored]: ...


def find_contact(contacts: Items, contact_id: str) -> Contact | None:
    """Follow the forwards, however many, reading consistently; None when nothing is there."""
    return find_contacts(contacts, [contact_id]).get(contact_id)


def find_owner(contacts: Items, identity: Identity, key: bytes) -> Contact | None:
    """Who has an identity: who is known by it, else who a browser has named with it. `key` makes ids of contacts."""
    sure, claimed = (contact_id_of(row, key) for row in (identity, claim_of(identity)))
    found = find_contacts(contacts, {sure, claimed})
    claimant = found.get(claimed)
    return found.get(sure) or (claimant if claimant and str(identity) in claimant.identities else None)


def find_contacts(contacts: Items, ids: Collection[str]) -> dict[str, Contact]:
    """What is found under each of these ids, read together; those under which nothing is are left out."""
    items: dict[str, Stored | None] = {}
    unread = set(ids)
    while unread:
        found = contacts.find_items(sorted(unread), consistent=True)
        items |= {contact_id: found.get(contact_id) for contact_id in unread}
        unread = {item.contact_id for item in found.values() if isinstance(item, Forward)} - items.keys()
    followed = {contact_id: _follow(items, contact_id) for contact_id in ids}
    return {contact_id: contact for contact_id, contact in followed.items() if contact}


def _follow(items: Mapping[str, Stored | None], contact_id: str) -> Contact | None:
    seen: set[str] = set()
    while contact_id not in seen:
        seen.add(contact_id)
        item = items[contact_id]
        if not isinstance(item, Forward):
            return item if isinstance(item, Contact) else None
        contact_id = item.contact_id
    raise RecursionError("the forwards of a contact go in a circle")
