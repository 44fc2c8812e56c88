"""Whose event is it: which contact takes it, which identities it gains, which contacts turn out to be one person.

The rules, for an event whose identities are ordered by strength (user, email, phone, anon):
- Its strongest identity decides. Who owns that is the contact; if nobody does, whoever owns a weaker one and may be
  joined is; else a new contact begins.
- A trusted source (a server) attaches every identity that nobody owns, and joins two contacts whose identities it
  names together, unless that would join two user ids. Only an alias call that names both joins two user ids.
- A public source (a browser) joins nobody but anonymous contacts. It attaches an anonymous id that nobody owns; an
  e-mail or phone only to a contact that was anonymous until then, or is new.
- What a public source names beyond anonymous ids is a claim until a trusted one names it too. An address that is a
  claim keeps nobody from it: to a trusted source it is free, unless its contact is known by claims alone, and by no
  user id that the event does not name; or by something else that the event names. Whoever claimed it for somebody else
  loses it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from postroad.contacts.contact import MAX_IDENTITIES, MAX_MERGED, MAX_MERGED_ANONYMOUS, Contact
from postroad.contacts.identities import KINDS, Identity, claim_of
from postroad.decisions import Decision
from postroad.events import Event


@dataclass(frozen=True, slots=True)
class Resolution:
    """What an event says about who its contact is.

    `contact` is None when it begins a new contact, which is then stored under `first`. `attach` are the identities that
    the contact gains (`first` included when new), `confirm` those that are no claims any more; `absorb` the contacts
    that are the same person; `apart` those that are somebody else; `release` the contacts that lose a claim, with the
    address.
    """

    contact: Contact | None
    first: Identity | None
    attach: tuple[Identity, ...] = ()
    confirm: tuple[Identity, ...] = ()
    absorb: tuple[Contact, ...] = ()
    apart: tuple[Contact, ...] = ()
    release: tuple[tuple[Contact, Identity], ...] = ()
    decisions: tuple[Decision, ...] = ()


def identities_of(event: Event) -> tuple[Identity, ...]:
    """Where to look for the contacts that the event may concern: all that it names, and the claims to that.

    The old id of an alias may be a user's or an anonymous one.
    """
    return _with_claims(event.identities, event.previous)


@lru_cache(maxsize=1024)  # folding one event asks for the same about seven times
def _with_claims(said: tuple[Identity, ...], previous: Identity | None) -> tuple[Identity, ...]:
    named = _name(said, previous)
    return tuple(dict.fromkeys((*named, *map(claim_of, named))))


def row_of(identity: Identity, event: Event) -> Identity:
    """Under what an identity is stored that this event attaches."""
    return identity if event.trusted else claim_of(identity)


def resolve(event: Event, stored: Mapping[Identity, Contact]) -> Resolution:
    """Decide whose event it is. `stored` holds the contact of each identity of `identities_of(event)` that has one."""
    said = _strongest_first(set(event.identities))
    owners = {identity: stored[identity] for identity in _named(event) if identity in stored}
    claims = {i: stored[claim_of(i)] for i in said if i not in owners and claim_of(i) in stored}
    owners |= {i: owner for i, owner in claims.items() if not event.trusted or _is_named(owner, said)}
    renamed = owners.get(Identity("user", event.previous.value)) if event.previous and event.trusted else None
    users = {str(identity) for identity in said if identity.kind == "user"}

    def may_join(owner: Contact) -> bool:
        if not owner.is_known or owner is renamed:
            return True
        return event.trusted and (_users(owner) <= users or not users)

    contact = owners.get(said[0])
    others: dict[str, Contact] = {}
    for owner in (owners[identity] for identity in _named(event) if identity in owners):
        if contact is None and may_join(owner):
            contact = owner
        if contact is None or owner.contact_id != contact.contact_id:
            others[owner.contact_id] = owner
    users |= _users(contact) if contact else set()
    absorb: list[Contact] = []
    full = 0
    for owner in others.values():
        if not may_join(owner):
            continue
        if contact and not _has_room(contact, absorb, owner):
            full += 1
            continue
        absorb.append(owner)
        users |= _users(owner)
    mine = {owner.contact_id for owner in (contact, *absorb) if owner}
    free = [identity for identity in said if identity not in owners and _may_attach(event, contact, identity, renamed)]
    free += [identity for identity in claims if event.trusted and identity not in free]
    if event.previous and not any(identity in owners for identity in _old_ids(event.previous)):
        # An alias may come before anything that the old id did.
        free += [event.previous] if event.trusted or event.previous.kind == "anon" else []
    known = [identity for identity in dict.fromkeys(free) if identity.kind != "anon"]
    held = sum(not text.startswith("anon:") for text in contact.identities) if contact else 0
    excess = known[max(MAX_IDENTITIES - held, 0) :]
    attach = tuple(identity for identity in dict.fromkeys(free) if identity not in excess)
    lost = [(owner, i) for i, owner in claims.items() if i in attach and owner.contact_id not in mine]
    sure = [identity for identity in said if identity in stored and stored[identity].contact_id in mine]
    return Resolution(
        contact=contact,
        first=None if contact else row_of(said[0], event),
        attach=attach,
        absorb=tuple(absorb),
        confirm=(*attach, *sure) if event.trusted else (),
        apart=tuple({o.contact_id: o for o in stored.values() if o.contact_id not in mine}.values()),
        release=tuple((owner, i) for owner, i in lost if str(i) in owner.claims),
        decisions=(
            *(
                Decision("identity", "", "kept apart", "an identity of this event belongs to another contact")
                for _ in range(len(others) - len(absorb) - full)
            ),
            *(
                Decision("identity", "", "kept apart", "this contact has been joined with too many others already")
                for _ in range(full)
            ),
            *(
                Decision("identity", "", "taken over", "a browser had named this address for another contact")
                for _ in lost
            ),
        ),
    )


def _named(event: Event) -> tuple[Identity, ...]:
    return _name(event.identities, event.previous)


def _name(said: tuple[Identity, ...], previous: Identity | None) -> tuple[Identity, ...]:
    return _strongest_first({*said, *_old_ids(previous)})


def _is_named(claimant: Contact, said: tuple[Identity, ...]) -> bool:
    """Whether a trusted event may concern somebody who claims an address of it: nothing says that they are another."""
    names = set(map(str, said))
    return bool(claimant.confirmed & names) or (not claimant.confirmed and _users(claimant) <= names)


def _has_room(contact: Contact, absorb: Sequence[Contact], owner: Contact) -> bool:
    """Whether one more may join. Anonymous ones leave room, so that browsers do not keep apart what servers join."""
    joined = sum(len(one.merged_from) for one in (contact, *absorb, owner)) + len(absorb) + 1
    return joined <= (MAX_MERGED if contact.is_known and owner.is_known else MAX_MERGED_ANONYMOUS)


def _strongest_first(identities: set[Identity]) -> tuple[Identity, ...]:
    return tuple(sorted(identities, key=lambda identity: (KINDS.index(identity.kind), identity.value)))


def _old_ids(previous: Identity | None) -> tuple[Identity, ...]:
    return (Identity("user", previous.value), Identity("anon", previous.value)) if previous else ()


def _users(contact: Contact) -> set[str]:
    return {text for text in contact.identities if text.startswith("user:")}


def _may_attach(event: Event, contact: Contact | None, identity: Identity, renamed: Contact | None) -> bool:
    """Whether an identity that nobody owns may become the contact's."""
    if contact is None or identity.kind == "anon":
        return True
    if identity.kind == "user" and _users(contact):
        return contact is renamed
    return event.trusted or not contact.is_known
