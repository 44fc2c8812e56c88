"""Whose event is it: which contact takes it, which identities it gains, which contacts turn out to be one person.

The rules, for an event whose identities are ordered by strength (user, email, phone, anon):
- Its strongest identity decides. Who owns that is the contact; if nobody does, whoever owns a weaker one and may be
  joined is; else a new contact begins.
- A trusted source (a server) attaches every identity that nobody owns, and joins two contacts whose identities it
  names together, unless that would join two user ids. Only an alias call joins two user ids.
- A public source (a browser) joins nobody but anonymous contacts. It attaches an anonymous id that nobody owns; an
  e-mail or phone only to a contact that was anonymous until then, or is new.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from postroad.contacts import Contact
from postroad.decisions import Decision
from postroad.events import Event
from postroad.identities import KINDS, Identity

MAX_IDENTITIES = 50


@dataclass(frozen=True, slots=True)
class Resolution:
    """What an event says about who its contact is.

    `contact` is None when it begins a new contact, which is then stored under `first`. `attach` are the identities that
    the contact gains (`first` included when new); `absorb` the contacts that are the same person.
    """

    contact: Contact | None
    first: Identity | None
    attach: tuple[Identity, ...] = ()
    absorb: tuple[Contact, ...] = ()
    decisions: tuple[Decision, ...] = ()


def identities_of(event: Event) -> tuple[Identity, ...]:
    """All that the event names, strongest first. The old id of an alias may be a user's or an anonymous one."""
    named = set(event.identities)
    if event.previous:
        named |= {Identity("user", event.previous.value), Identity("anon", event.previous.value)}
    return tuple(sorted(named, key=lambda identity: (KINDS.index(identity.kind), identity.value)))


def resolve(event: Event, owners: Mapping[Identity, Contact]) -> Resolution:
    """Decide whose event it is. `owners` holds the contact of each identity of `identities_of(event)` that has one."""
    said = tuple(sorted(set(event.identities), key=lambda identity: (KINDS.index(identity.kind), identity.value)))
    owned = [owners[identity] for identity in identities_of(event) if identity in owners]
    contact = owners.get(said[0]) if said else None
    if contact is None:
        contact = next((owner for owner in owned if _may_join(event, None, owner, said)), None)
    absorb: list[Contact] = []
    kept_apart: list[Contact] = []
    for owner in owned:
        known = contact is not None and owner.contact_id == contact.contact_id
        if known or any(owner.contact_id == other.contact_id for other in (*absorb, *kept_apart)):
            continue
        (absorb if _may_join(event, contact, owner, said) else kept_apart).append(owner)
    free = [identity for identity in said if identity not in owners]
    if contact is not None and not event.trusted and contact.is_known:
        free = [identity for identity in free if identity.kind == "anon"]
    if contact is not None and _users(contact):
        # A contact has one user id unless an alias says otherwise.
        free = [identity for identity in free if identity.kind != "user" or event.previous]
    room = MAX_IDENTITIES - (len(contact.identities) if contact else 0)
    return Resolution(
        contact=contact,
        first=None if contact else said[0],
        attach=tuple(free[: max(room, 0)]),
        absorb=tuple(absorb),
        decisions=tuple(
            Decision("identity", "", "kept apart", "an identity of this event belongs to another contact")
            for _ in kept_apart
        ),
    )


def _users(contact: Contact) -> set[str]:
    return {text for text in contact.identities if text.startswith("user:")}


def _may_join(event: Event, contact: Contact | None, owner: Contact, said: tuple[Identity, ...]) -> bool:
    """Whether `owner` may become one with the event's contact (None: with the new one that it would begin)."""
    if not owner.is_known:
        return True
    if not event.trusted:
        return False
    if event.previous:
        return True
    users = {str(identity) for identity in said if identity.kind == "user"}
    if contact is not None:
        users |= _users(contact)
    return len(users | _users(owner)) <= 1
