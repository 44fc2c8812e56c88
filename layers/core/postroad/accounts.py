"""Accounts: the companies that contacts belong to.

The truth about an account is one row. Each of its members carries a *seat*: its role there, and a copy of what
conditions may ask, so that a fold reads nothing but the contact. What changes in an account is told to the members by
an event; a copy that is older than the one at hand is not taken. Copies are told apart by their *edition*, never by
what they say: what was taken back says what it said before, and older word of it may still be on its way.

Only a trusted source is believed about accounts.
"""

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad.contacts.contact import Seat
from postroad.contacts.identities import find_identity
from postroad.documents import Reader
from postroad.events import ACCOUNT_CHANGED, ACCOUNT_JOINED, Event

if TYPE_CHECKING:
    from postroad.predicates.behaviour import Tracker
    from postroad.predicates.predicate import Predicate

# What a member carries of each account, so that a contact stays small.
MAX_ATTRIBUTES = 50
MAX_VALUE = 200
MAX_BYTES = 2_000
MAX_NAME = 64

# The property of an event under which the account's copy travels.
COPY = "account"
# Of a group call, what is about the person or names the account: all else is the account's.
_NOT_TRAITS = ("group_id", "role", COPY)

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,63}")
_FOREIGN = re.compile(r"[^a-z0-9_]+")


class Word(NamedTuple):
    """What was said about an account last: a JSON value, and when."""

    value: Any
    time: float


class Suppression(NamedTuple):
    """Why an account's members get no marketing, and since when."""

    because: str
    since: float


@dataclass(frozen=True, slots=True)
class Account:
    """One account. `version` counts its writes (0: not stored yet), `edition` the changes of what members carry.
    `group_id` is what sources call it.

    `is_target`: it is on the list of target accounts. `members` is how many contacts belong to it, `engaged` by role
    how many of them are engaged; both are counted from the memberships.
    """

    account_id: str
    group_id: str
    created_at: float
    updated_at: float
    version: int = 0
    edition: int = 1
    attributes: Mapping[str, Word] = field(default_factory=dict)
    suppression: Suppression | None = None
    is_target: bool = False
    members: int = 0
    engaged: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What people call it."""
        word = self.attributes.get("name")
        return word.value if word and isinstance(word.value, str) and word.value.strip() else self.group_id

    def with_(self, **changes: Any) -> "Account":
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class AccountRules:
    """What the policy says about accounts: in which segment an engaged member is ("" for none), and when an account's
    members get no marketing."""

    engaged: str = ""
    suppress_if: "Predicate | None" = None

    @property
    def reads(self) -> frozenset[str]:
        """The facts that say who is engaged."""
        return frozenset((f"segment:{self.engaged}",)) if self.engaged else frozenset()

    @property
    def trackers(self) -> "tuple[Tracker, ...]":
        """What is asked of an account remembers nothing of its members."""
        return ()


NO_RULES = AccountRules()


def read_account_rules(reader: Reader) -> AccountRules:
    """`accounts: {engaged?: a segment, suppress_if?: a condition about the account}` of a policy."""
    rules = reader.find_child("accounts")
    if rules is None:
        return NO_RULES
    engaged, condition = rules.id("engaged", ""), rules.find_child("suppress_if")
    if condition is None:
        return AccountRules(engaged)
    from postroad.predicates.predicate import ACCOUNT, read_predicate  # whoever only sends needs no conditions

    return AccountRules(engaged, read_predicate(condition, ACCOUNT))


# Names


def find_account_id(group_id: object) -> str | None:
    """The id of the account that a source calls so; None when that is junk.

    A plain name is the id itself; one with other letters than those of an address is known by a hash, after a `~`.
    """
    identity = find_identity("user", group_id)
    if identity is None:
        return None
    if _PLAIN.fullmatch(identity.value):
        return identity.value
    return "~" + urlsafe_b64encode(hashlib.sha256(identity.value.encode()).digest()[:12]).decode()


def is_account_id(text: str) -> bool:
    """Whether an account could have this id."""
    return find_account_id(text) == text or bool(re.fullmatch(r"~[A-Za-z0-9_-]{16}", text))


def find_role(raw: object) -> str | None:
    """A role as an id ("Decision Maker" is `decision-maker`); None when that is no text."""
    if not isinstance(raw, str):
        return None
    return _FOREIGN.sub("-", raw.lower()).strip("-_")[:40].strip("-_") or None


# The truth


def begin(group_id: object, now: float) -> Account:
    """An account of which nothing is known yet. Raises ValueError for junk."""
    account_id = find_account_id(group_id)
    if account_id is None:
        raise ValueError("an account's id is a text or a number, such as acme or 4711")
    return Account(account_id, str(group_id).strip(), now, now)


def traits_of(event: Event) -> Mapping[str, Any]:
    """What a group call says about the account itself."""
    if event.name != ACCOUNT_JOINED or not event.trusted:
        return {}
    return {name: value for name, value in event.properties.items() if name not in _NOT_TRAITS}


def say(account: Account, attributes: Mapping[str, Any], time: float) -> tuple[Account, dict[str, str]]:
    """The account after something was said about it: the later word wins, null takes an attribute away.

    Beside it, what was not kept, each with the reason.
    """
    words = dict(account.attributes)
    refused: dict[str, str] = {}
    for name, value in attributes.items():
        known = words.get(name)
        if known and known.time > time:
            continue
        if known and known.value == value:
            continue
        because = _find_obstacle(words, name, value)
        if because:
            refused[name[:MAX_NAME]] = because
        elif value is not None or known:
            words[name] = Word(value, time)
    gone = sorted((word.time, name) for name, word in words.items() if word.value is None)
    for _, name in gone[: max(len(gone) - MAX_ATTRIBUTES, 0)]:
        del words[name]
    return (account if words == account.attributes else account.with_(attributes=words)), refused


def revise(before: Account | None, after: Account, now: float) -> Account:
    """`after` as it is to be stored in place of `before`: written now, a new edition if members have to hear of it."""
    if before is None:
        return after.with_(updated_at=now)
    return after.with_(updated_at=now, edition=before.edition + (_carried(before) != _carried(after)))


def _find_obstacle(words: Mapping[str, Word], name: str, value: Any) -> str | None:
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable() or "." in name:
        return f"an attribute's name has at most {MAX_NAME} characters, and no dot"
    if value is None:
        return None
    if len(_encode(value)) > MAX_VALUE:
        return f"an account's attribute takes at most {MAX_VALUE} bytes"
    others = {each: word.value for each, word in words.items() if each != name and word.value is not None}
    if len(others) >= MAX_ATTRIBUTES:
        return f"an account holds at most {MAX_ATTRIBUTES} attributes"
    if len(_encode({**others, name: value})) > MAX_BYTES:
        return f"the attributes of an account take at most {MAX_BYTES:,} bytes together"
    return None


def _encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")


def engaged_roles(account: Account) -> tuple[str, ...]:
    """The roles of which at least one member is engaged."""
    return tuple(sorted(role for role, number in account.engaged.items() if number > 0))


# The copies


def values_of(account: Account) -> dict[str, Any]:
    """The attributes as they are now."""
    return {name: word.value for name, word in account.attributes.items() if word.value is not None}


def copy_of(account: Account) -> dict[str, Any]:
    """What members carry of an account, as a JSON document; its version is the account's edition."""
    return {"id": account.account_id, "version": account.edition, **_carried(account)}


def _carried(account: Account) -> dict[str, Any]:
    return {
        "attributes": values_of(account),
        "suppressed": account.suppression.because if account.suppression else "",
        "roles": list(engaged_roles(account)),
    }


def is_current(seat: Seat, account: Account) -> bool:
    """Whether a member carries what the account says now, however often that was written."""
    return seat.version >= account.edition


def take_copy(seat: Seat, said: Mapping[str, Any]) -> Seat:
    """The seat with this copy, unless it is older than the one there."""
    if said["version"] < seat.version:
        return seat
    return seat._replace(
        version=said["version"],
        attributes=said["attributes"],
        suppressed=said["suppressed"],
        roles=tuple(said["roles"]),
    )


def change_event(account: Account, contact_id: str) -> Event:
    """The event that tells a member what the account says now."""
    time = account.updated_at
    return Event(
        event_id=f"{account.account_id}@{account.version}.{contact_id}",
        name=ACCOUNT_CHANGED,
        time=time,
        key_time=time,
        contact_id=contact_id,
        trusted=True,
        source="postroad",
        properties={"name": account.name, COPY: copy_of(account)},
    )


# How members add up


@dataclass(frozen=True, slots=True)
class Member:
    """What of a member counts for its account: scores as they stand now, its stage, and when it was heard of last."""

    role: str
    is_engaged: bool
    scores: Mapping[str, float]
    stage: str | None = None
    last_seen: float = 0.0


class Total(NamedTuple):
    """A score of an account: the sum of its members', and the best of them."""

    total: float
    best: float


class Report(NamedTuple):
    """What an account comes to: members and engaged members by role, scores, members by stage, when it was heard of."""

    members: int
    roles: Mapping[str, int]
    engaged: Mapping[str, int]
    scores: Mapping[str, Total]
    stages: Mapping[str, int]
    last_seen: float


def report(members: list[Member]) -> Report:
    """Add members up."""

    def count(keys: list[str]) -> dict[str, int]:
        return {key: keys.count(key) for key in sorted(set(keys))}

    sheets = sorted({sheet for member in members for sheet in member.scores})
    scores = {sheet: [member.scores[sheet] for member in members if sheet in member.scores] for sheet in sheets}
    return Report(
        len(members),
        count([member.role for member in members]),
        count([member.role for member in members if member.is_engaged]),
        {sheet: Total(sum(found), max(found)) for sheet, found in scores.items()},
        count([member.stage for member in members if member.stage]),
        max((member.last_seen for member in members), default=0.0),
    )


class Coverage(NamedTuple):
    """How far a list of accounts is: how many there are, have a member, have somebody engaged, have engaged people in
    two roles or more, and get nothing."""

    accounts: int
    reached: int
    engaged: int
    engaged_in_two: int
    suppressed: int


def cover(accounts: list[Account]) -> Coverage:
    """Count how far these accounts are."""
    roles = [len(engaged_roles(account)) for account in accounts]
    return Coverage(
        len(accounts),
        sum(account.members > 0 for account in accounts),
        sum(number > 0 for number in roles),
        sum(number > 1 for number in roles),
        sum(account.suppression is not None for account in accounts),
    )
