"""Contacts by what somebody types of them: an address, a phone number, an id of the customer's own, or ours."""

from postroad.contacts.contact import Contact
from postroad.contacts.identities import KINDS, Identity, claim_of, contact_id_of, find_identity
from postroad_aws.usecases.find_contact import Items, find_contacts


def search_contacts(contacts: Items, contact_key: bytes, text: str) -> list[Contact]:
    """The contacts who have an identity that reads like this, whole, or claim to; the strongest kind comes first."""
    text = text.strip()
    rows = [row for identity in _readings(text) for row in (identity, claim_of(identity))]
    ids = [*(contact_id_of(row, contact_key) for row in rows), *([text] if text else [])]
    found = find_contacts(contacts, dict.fromkeys(ids))
    return list({contact.contact_id: contact for each in ids if (contact := found.get(each))}.values())


def _readings(text: str) -> list[Identity]:
    """What a text can mean: `email:ana@example.com` one thing, `ana@example.com` an address or somebody's user id."""
    kind, _, value = text.partition(":")
    wanted = [(kind, value)] if kind in KINDS else []
    found = [find_identity(kind, value) for kind, value in (*wanted, *((kind, text) for kind in KINDS))]
    return [identity for identity in found if identity]
