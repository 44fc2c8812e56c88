"""Whose event is it: the rules as a table, one line a case."""

from collections.abc import Mapping
from typing import NamedTuple

import pytest

from postroad.contacts.contact import Contact
from postroad.contacts.identities import KINDS, Identity, claim_of, find_identity
from postroad.contacts.resolution import MAX_IDENTITIES, identities_of, resolve, row_of
from postroad.events import Event

NOW = 1_793_610_000.0
# The letters of the table: two users, an old user id, an e-mail, a phone, two devices and an old one.
LETTERS = {
    "U": Identity("user", "u"),
    "V": Identity("user", "v"),
    "O": Identity("user", "old"),
    "E": Identity("email", "e@example.com"),
    "P": Identity("phone", "+351912345678"),
    "A": Identity("anon", "a"),
    "B": Identity("anon", "b"),
    "D": Identity("anon", "old"),
}


class Case(NamedTuple):
    """A source says an event with these identities while these contacts are known; what becomes of it.

    `contact` is None when a new one begins; `apart` counts the contacts that are kept apart from it; `old` is the id
    that an alias call renames. A small letter is a claim: only a browser has named it. `loses` are (contact, claim).
    """

    says: str
    source: str
    said: str
    known: Mapping[str, str]
    contact: str | None
    attach: str = ""
    absorb: str = ""
    apart: int = 0
    old: str | None = None
    loses: str = ""


CASES = (
    # Nobody is known yet
    Case("a stranger's first event begins a contact", "browser", "A", {}, None, "A"),
    Case("a browser may begin a contact with an e-mail", "browser", "E A", {}, None, "E A"),
    Case("the strongest identity comes first", "server", "A E U", {}, None, "U E A"),
    # One contact
    Case("a known device is found", "browser", "A", {"ana": "A"}, "ana"),
    Case("signing up keeps the anonymous past", "server", "U A", {"ana": "A"}, "ana", "U"),
    Case("a browser may name an anonymous contact", "browser", "E A", {"ana": "A"}, "ana", "E"),
    Case("a browser adds no e-mail to a known contact", "browser", "U E", {"ana": "U"}, "ana"),
    Case("a browser with a new e-mail on a known device is new", "browser", "E A", {"ana": "U A"}, None, "E", "", 1),
    Case("a browser may add a device to a known contact", "browser", "U B", {"ana": "U"}, "ana", "B"),
    Case("a server adds an e-mail to a known contact", "server", "U E", {"ana": "U"}, "ana", "E"),
    Case("a server adds a user id to an e-mail", "server", "U E", {"ana": "E"}, "ana", "U"),
    # Two contacts
    Case("a server joins a device to its user", "server", "U A", {"ana": "U", "dev": "A"}, "ana", "", "dev"),
    Case("a browser joins a device to its user", "browser", "U A", {"ana": "U", "dev": "A"}, "ana", "", "dev"),
    Case("a server joins a user and an e-mail", "server", "U E", {"ana": "U", "mail": "E"}, "ana", "", "mail"),
    Case("a browser never joins known contacts", "browser", "U E", {"ana": "U", "mail": "E"}, "ana", "", "", 1),
    Case("a device seen with two users joins nobody", "server", "V A", {"ana": "U A", "ben": "V"}, "ben", "", "", 1),
    Case("nor does it when the second user is new", "server", "V A", {"ana": "U A"}, None, "V", "", 1),
    Case("an e-mail of two users joins nobody", "server", "V E", {"ana": "U E", "ben": "V"}, "ben", "", "", 1),
    # Three contacts
    Case("a server joins all that is one", "server", "U E A", {"ana": "U", "m": "E", "d": "A"}, "ana", "", "m d"),
    Case("two users do not meet by a third identity", "server", "E A", {"ana": "U E", "ben": "V A"}, "ana", "", "", 1),
    Case("nor through a third contact", "server", "E P A", {"m": "E", "ana": "U P", "ben": "V A"}, "m", "", "ana", 1),
    Case("nor does who is new join both", "server", "P A", {"ana": "U P", "ben": "V A"}, "ana", "", "", 1),
    # Alias calls
    Case("an alias joins a device", "server", "U", {"ana": "U", "dev": "D"}, "ana", "", "dev", old="D"),
    Case("an alias joins two users", "server", "U", {"ana": "U", "ben": "O"}, "ana", "", "ben", old="O"),
    Case("an alias may call an old device a user", "server", "U", {"ana": "U", "dev": "D"}, "ana", "", "dev", old="O"),
    Case("a browser's alias joins no users", "browser", "U", {"ana": "U", "ben": "O"}, "ana", "", "", 1, old="O"),
    Case("an alias joins no user by a device", "server", "U", {"ana": "U", "ben": "V D"}, "ana", "", "", 1, old="D"),
    Case("nor a device's owner", "server", "U A", {"a": "U", "b": "O", "c": "V A"}, "a", "", "b", 1, old="O"),
    Case("nor an e-mail's owner", "server", "U E", {"a": "U", "b": "O", "c": "V E"}, "a", "", "b", 1, old="O"),
    Case("a new user id goes to whom it renames", "server", "U", {"ben": "O"}, "ben", "U", old="O"),
    Case("an alias may come before the old user id", "server", "U", {"ana": "U"}, "ana", "O", old="O"),
    Case("or before both", "server", "U", {}, None, "U O", old="O"),
    # Claims
    Case("a browser finds who has claimed the address", "browser", "E B", {"ana": "e A"}, "ana", "B"),
    Case("so does another browser with the address alone", "browser", "E", {"ana": "e"}, "ana"),
    Case("a browser takes no claimed address", "browser", "U E", {"ana": "U", "bo": "e"}, "ana", "", "", 1),
    Case("a server confirms what a browser claimed", "server", "E", {"ana": "e A"}, "ana", "E"),
    Case("also with a user id that is new", "server", "U E", {"ana": "e A"}, "ana", "U E"),
    Case("also who is known by claims alone", "server", "U E", {"ana": "u e"}, "ana", "E"),
    Case("also for whom it knows by another id", "server", "U E", {"ana": "U e"}, "ana", "E"),
    Case("a claimed user id is that user's", "server", "U", {"ana": "u e"}, "ana"),
    Case("a server joins who claims and who is known", "server", "U E", {"ana": "U", "m": "e"}, "ana", "E", "m"),
    Case("a claim keeps nobody from their address", "server", "E", {"thief": "V e"}, None, "E", loses="thief E"),
    Case("nor with a user id", "server", "U E", {"thief": "V e"}, None, "U E", loses="thief E"),
    Case("nor whom a server knows", "server", "U E", {"ana": "U", "thief": "V e"}, "ana", "E", loses="thief E"),
    Case("nor by a claimed user id", "server", "U E", {"thief": "v e"}, None, "U E", loses="thief E"),
    Case("nor by a claimed user id that is not said", "server", "E", {"thief": "v e"}, None, "E", loses="thief E"),
    Case("nor who has another address", "server", "E", {"typo": "P e"}, None, "E", loses="typo E"),
    Case("who is confirmed is found before who claims", "browser", "E B", {"ana": "E", "thief": "V"}, "ana", "B"),
    # Alias calls of browsers
    Case("a browser's only before an old device", "browser", "U", {"ana": "U"}, "ana", "D", old="D"),
    Case("and not before an old user id", "browser", "U", {"ana": "U"}, "ana", "", old="O"),
)  # fmt: skip


def read(letters: str) -> tuple[Identity, ...]:
    return tuple(LETTERS[letter.upper()] for letter in letters.split())


def rows(letters: str) -> tuple[Identity, ...]:
    """Under what the identities of a contact are stored."""
    said = zip(letters.split(), read(letters), strict=True)
    return tuple(claim_of(identity) if letter.islower() else identity for letter, identity in said)


def contact(contact_id: str, letters: str) -> Contact:
    claims = frozenset(str(LETTERS[letter.upper()]) for letter in letters.split() if letter.islower())
    return Contact(contact_id, created_at=NOW, identities=dict.fromkeys(map(str, read(letters)), NOW), claims=claims)


@pytest.mark.parametrize("case", CASES, ids=[case.says for case in CASES])
def test_whose_event_it_is(case: Case) -> None:
    previous = LETTERS[case.old] if case.old else None
    event = Event("e-1", "Seen", NOW, NOW, read(case.said), previous=previous, trusted=case.source == "server")
    owners = {
        identity: contact(contact_id, letters)
        for contact_id, letters in case.known.items()
        for identity in rows(letters)
    }
    found = resolve(event, {identity: owners[identity] for identity in identities_of(event) if identity in owners})
    assert (found.contact.contact_id if found.contact else None) == case.contact
    assert found.attach == read(case.attach)
    assert {other.contact_id for other in found.absorb} == set(case.absorb.split())
    lost = [(owner.contact_id, identity) for owner, identity in found.release]
    assert lost == [tuple(case.loses.split()[:1]) + read(case.loses[-1])] if case.loses else not lost
    assert [decision.verdict for decision in found.decisions] == ["kept apart"] * case.apart + ["taken over"] * len(
        lost
    )
    strongest = min(event.identities, key=lambda identity: KINDS.index(identity.kind))
    assert found.first == (None if found.contact else row_of(strongest, event))
    joined = [found.contact, *found.absorb]
    claimed = {text for one in joined if one for text in one.claims}
    still = claimed - set(map(str, found.confirm))
    assert still == (claimed - set(map(str, event.identities)) if event.trusted else claimed)


@pytest.mark.parametrize(
    "junk", ["", " ", "null", "NULL", "undefined", "0", "anonymous", "00000000-0000-0000-0000-000000000000", None, True]
)
def test_junk_identifies_nobody(junk: object) -> None:
    assert find_identity("user", junk) is None
    assert find_identity("anon", junk) is None


def test_a_contact_takes_no_more_addresses_than_it_can_hold_and_devices_are_in_nobodys_way() -> None:
    crowd = {f"anon:{n}": NOW for n in range(MAX_IDENTITIES)} | {"anon:a": NOW}
    event = Event("e-1", "Seen", NOW, NOW, read("A E B"), trusted=True)
    assert resolve(event, {LETTERS["A"]: Contact("ana", identities=crowd)}).attach == read("E B")
    full = {f"email:{n}@example.com": NOW for n in range(MAX_IDENTITIES)} | {"anon:a": NOW}
    assert resolve(event, {LETTERS["A"]: Contact("ana", identities=full)}).attach == read("B")


@pytest.mark.parametrize(
    ("joined", "other", "joins"),
    [(98, "A", True), (99, "A", True), (100, "A", False), (100, "E", True), (299, "E", True), (300, "E", False)],
)
def test_so_many_contacts_become_one_and_anonymous_ones_leave_room(joined: int, other: str, joins: bool) -> None:
    ana = contact("ana", "U")
    ana.merged_from = tuple(map(str, range(joined)))
    event = Event("e-1", "Seen", NOW, NOW, read(f"U {other}"), trusted=True)
    found = resolve(event, {LETTERS["U"]: ana, LETTERS[other]: contact("other", other)})
    assert [absorbed.contact_id for absorbed in found.absorb] == ["other"] * joins
    assert [decision.verdict for decision in found.decisions] == ["kept apart"] * (not joins)
