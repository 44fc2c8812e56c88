"""Erase one contact: all that is stored about it goes, in an order in which what is left can always be found again.

What comes later and names the same person begins a new contact.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from postroad.contacts import Contact
from postroad.identities import Identity, claim_of, contact_id_of
from postroad.places import places_of
from postroad_aws.ports import Forward, Outcome

MAX_TRIES = 5


class Contacts(Protocol):
    def find_items(self, ids: Collection[str], *, consistent: bool) -> Mapping[str, Contact | Forward]: ...

    def erase(self, contact: Contact, forwards: Collection[str], places: Collection[str]) -> Outcome: ...


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
    for _ in range(MAX_TRIES):
        item = ports.contacts.find_items([contact_id], consistent=True).get(contact_id)
        contact = item if isinstance(item, Contact) else None
        if contact is None or _erase_item(ports, contact, but) is Outcome.DONE:
            ids = (contact_id, *(contact.merged_from if contact else ()))
            ports.messages.forget_messages(ids)
            ports.web_messages.forget_messages(ids)
            ports.tasks.forget_tasks(ids)
            ports.timeline.forget_rows(ids)
            return contact
    raise TimeoutError("a contact that was to be erased was written by others all the time")


def _erase_item(ports: Ports, contact: Contact, but: str) -> Outcome:
    identities = [Identity(*text.split(":", 1)) for text in contact.identities]
    names = {name for identity in identities for name in (identity, claim_of(identity))}
    ids = {contact_id_of(name, ports.contact_key) for name in names} | set(contact.merged_from)
    # An address may be somebody else's claim as well.
    found = ports.contacts.find_items(sorted(ids - {contact.contact_id}), consistent=True)
    forwards = [other for other, item in found.items() if item == Forward(contact.contact_id)]
    return ports.contacts.erase(contact, forwards, places_of(contact).keys() - {but})
