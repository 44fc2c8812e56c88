"""Erase one contact: all that is stored about it goes, in an order in which what is left can always be found again.

What comes later and names the same person begins a new contact.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from postroad.contacts.contact import Contact
from postroad.contacts.identities import Identity, claim_of, contact_id_of
from postroad.contacts.places import places_of
from postroad_aws.ports import Forward, Outcome, Stored

MAX_TRIES = 5


class Contacts(Protocol):
    def find_items(self, ids: Collection[str], *, consistent: bool) -> Mapping[str, Stored]: ...

    def erase(
        self, contact: Contact, forwards: Collection[str], places: Collection[str], erased_at: float | None = None
    ) -> Outcome: ...


class Timeline(Protocol):
    def forget_rows(self, contact_ids: Sequence[str]) -> None: ...


class Messages(Protocol):
    def forget_messages(self, contact_ids: Sequence[str]) -> None: ...


class WebMessages(Protocol):
    def forget_messages(self, contact_ids: Sequence[str]) -> None: ...


class Tasks(Protocol):
    def forget_tasks(self, contact_ids: Sequence[str]) -> None: ...


class Ports(Protocol):
    """The tables that know contacts, and what makes their ids."""

    @property
    def contacts(self) -> Contacts: ...

    @property
    def timeline(self) -> Timeline: ...

    @property
    def messages(self) -> Messages: ...

    @property
    def web_messages(self) -> WebMessages: ...

    @property
    def tasks(self) -> Tasks: ...

    @property
    def contact_key(self) -> bytes: ...


def erase_contact(ports: Ports, contact_id: str, *, but: str = "") -> Contact | None:
    """Erase a contact with identities, messages, tasks, timeline and memberships (`but` one, by which it is found).

    Returns the contact as it was, None when it was gone before. Raises TimeoutError when others write it all the time.
    """
    contact = erase_item(ports, contact_id, but=but)
    ids = (contact_id, *(contact.merged_from if contact else ()))
    ports.messages.forget_messages(ids)
    ports.web_messages.forget_messages(ids)
    ports.tasks.forget_tasks(ids)
    ports.timeline.forget_rows(ids)
    return contact


class ItemPorts(Protocol):
    """The table of contacts alone."""

    @property
    def contacts(self) -> Contacts: ...

    @property
    def contact_key(self) -> bytes: ...


def erase_item(
    ports: ItemPorts,
    contact_id: str,
    *,
    but: str = "",
    erased_at: float | None = None,
    known: Collection[str] | None = None,
) -> Contact | None:
    """Erase the contact itself with its identities and memberships; with `erased_at` tombstones stay in their places.

    Returns the contact as it was, None when it was gone before. Raises TimeoutError when others write it all the time,
    or when somebody else has become one with it, so that ids lead to it that are not among those `known`.
    """
    for _ in range(MAX_TRIES):
        item = ports.contacts.find_items([contact_id], consistent=True).get(contact_id)
        contact = item if isinstance(item, Contact) else None
        if contact and known is not None and not ids_of(contact, ports.contact_key) <= set(known):
            break
        if contact is None or _erase(ports, contact, but, erased_at) is Outcome.DONE:
            return contact
    raise TimeoutError("a contact that was to be erased was written by others all the time")


def ids_of(contact: Contact, key: bytes) -> set[str]:
    """Every id under which something may be stored that leads to a contact, its own apart."""
    names = {name for text in contact.identities for name in names_of(text)}
    return ({contact_id_of(name, key) for name in names} | set(contact.merged_from)) - {contact.contact_id}


def names_of(text: str) -> tuple[Identity, Identity]:
    """The identity of a text ("email:…"), and the claim of it: something may be stored under either."""
    identity = Identity(*text.split(":", 1))
    return identity, claim_of(identity)


def _erase(ports: ItemPorts, contact: Contact, but: str, erased_at: float | None) -> Outcome:
    ids = ids_of(contact, ports.contact_key)
    # An address may be somebody else's claim as well.
    found = ports.contacts.find_items(sorted(ids), consistent=True)
    homes = {contact.contact_id, *contact.merged_from}  # what was merged in two steps leads here in two
    leads_here = {other for other, item in found.items() if isinstance(item, Forward) and item.contact_id in homes}
    if erased_at is not None:
        leads_here |= ids - found.keys()
    return ports.contacts.erase(contact, sorted(leads_here), places_of(contact).keys() - {but}, erased_at)
