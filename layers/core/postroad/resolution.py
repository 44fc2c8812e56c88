"""Whose event is it: which contact takes it, which identities it gains, which contacts turn out to be one person.

The rules, for an event whose identities are ordered by strength (user, email, phone, anon):
- Its strongest identity decides. Who owns that is the contact; if nobody does, whoever owns a weaker one and may be
  joined is; else a new contact begins.
- A trusted source (a server) attaches every identity that nobody owns, and joins two contacts whose identities it
  names together, unless that would join two user ids. Only an alias call that names both joins two user ids.
- A public source (a browser) joins nobody but anonymous contacts. It attaches an anonymous id that nobody owns; an
  e-mail or phone only to a contact that was anonymous until then, or is new.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from postroad.contacts import MAX_IDENTITIES, Contact
from postroad.decisions import Decision
from postroad.events import Event
from postroad.identities import KINDS, Identity


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
    return _strongest_first({*event.identities, *_old_ids(event)})


def resolve(event: Event, owners: Mapping[Identity, Contact]) -> Resolution:
    """Decide whose event it is. `owners` holds the contact of each identity of `identities_of(event)` that has one."""
    said = _strongest_first(set(event.identities))
    renamed = owners.get(Identity("user", event.previous.value)) if event.previous and event.trusted else None
    users = {str(identity) for identity in said if identity.kind == "user"}

    def may_join(owner: Contact) -> bool:
        if not owner.is_known or owner is renamed:
            return True
        return event.trusted and (_users(owner) <= users or not users)

    contact = owners.get(said[0])
    others: dict[str, Contact] = {}
    for owner in (owners[identity] for identity in identities_of(event) if identity in owners):
        if contact is None and may_join(owner):
            contact = owner
        if contact is None or owner.contact_id != contact.contact_id:
            others[owner.contact_id] = owner
    users |= _users(contact) if contact else set()
    absorb = []
    for owner in others.values():
        if may_join(owner):
            absorb.append(owner)
            users |= _users(owner)
    free = [identity for identity in said if identity not in owners and _may_attach(event, contact, identity, renamed)]
    if event.previous and not any(identity in owners for identity in _old_ids(event)):
        # An alias may come before anything that the old id did.
        free += [event.previous] if event.trusted or event.previous.kind == "anon" else []
    room = MAX_IDENTITIES - (len(contact.identities) if contact else 0)
    return Resolution(
        contact=contact,
        first=None if contact else said[0],
        attach=tuple(dict.fromkeys(free))[: max(room, 0)],
        absorb=tuple(absorb),
        decisions=tuple(
            Decision("identity", "", "kept apart", "an identity of this event belongs to another contact")
            for _ in range(len(others) - len(absorb))
        ),
    )


def _strongest_first(identities: set[Identity]) -> tuple[Identity, ...]:
    return tuple(sorted(identities, key=lambda identity: (KINDS.index(identity.kind), identity.value)))


def _old_ids(event: Event) -> tuple[Identity, ...]:
    if event.previous is None:
        return ()
    return Identity("user", event.previous.value), Identity("anon", event.previous.value)


def _users(contact: Contact) -> set[str]:
    return {text for text in contact.identities if text.startswith("user:")}


def _may_attach(event: Event, contact: Contact | None, identity: Identity, renamed: Contact | None) -> bool:
    """Whether an identity that nobody owns may become the contact's."""
    if contact is None or identity.kind == "anon":
        return True
    if identity.kind == "user" and _users(contact):
        return contact is renamed
    return event.trusted or not contact.is_known
