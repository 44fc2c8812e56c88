"""Checking a list before it is taken in: bought and neglected lists show, and are refused.

One spam trap in a list costs a sender its name for weeks. So whoever brings addresses to be written to says where these
people said yes, and a list in which too much looks wrong is refused as a whole. Nothing is ever changed by itself: what
looks like a slip of the finger is suggested.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import lru_cache
from io import StringIO
from typing import NamedTuple

from postroad.contacts.identities import find_identity
from postroad.deliverability.domains import PROVIDERS
from postroad.errors import PostroadError

MOST_ROWS, MOST_BYTES = 10_000, 300_000
# So many rows are told one by one; all are counted.
MOST_TOLD = 200

NO_ADDRESS, TWIN, DISPOSABLE, ROLE, TRAP, TYPO = "no address", "twice", "disposable", "role", "trap", "typo"

# Of all rows at most so large a share may be of a kind; fewer than `_FEW` of a kind are never too many.
LIMITS = {NO_ADDRESS: 0.05, DISPOSABLE: 0.02, ROLE: 0.10, TWIN: 0.20, TYPO: 0.05}
_FEW = 3
# A list that nobody has written to for so many days has lost its consent in practice.
OLD_DAYS = 730


def _read_words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Mailboxes of no one person, and those that nobody asks for mail with.
_ROLES = _read_words(
    """
    abuse admin administrator all billing contact enquiries everyone hello help hostmaster hr info it jobs legal mail
    marketing news newsletter office orders postmaster press privacy root sales security service spam staff subscribe
    support team tech webmaster
    """
)
_TRAPS = _read_words("spamtrap honeypot trap noreply no-reply donotreply do-not-reply mailer-daemon devnull")
# Providers of addresses for ten minutes.
_DISPOSABLE = _read_words(
    """
    10minutemail.com discard.email dispostable.com fakeinbox.com getnada.com guerrillamail.com guerrillamail.info
    mailcatch.com maildrop.cc mailinator.com mailnesia.com mintemail.com mohmal.com mytemp.email sharklasers.com
    spam4.me temp-mail.org tempmail.com throwawaymail.com trashmail.com yopmail.com yopmail.fr
    """
)
_KNOWN = sorted({domain for domains in PROVIDERS.values() for domain in domains if not domain.endswith(".")})
_COMMON = (*_KNOWN, "hotmail.com", "outlook.com", "yahoo.com", "live.com", "gmx.de", "gmx.net")
# Small providers whose names look like slips of larger ones, and the countries' own domains of large ones.
_REAL = frozenset(("mail.com", "email.com", "gmx.com", "gmx.at", "gmx.ch", "ymail.com", "rocketmail.com", "live.cn"))
_OF_A_COUNTRY = re.compile(r"(?:yahoo|hotmail|outlook|live|msn|aol)(?:\.com?)?\.[a-z]{2}")


class ListError(PostroadError):
    """A list that cannot be read at all; the sentence says why."""


class Remark(NamedTuple):
    """What is wrong with a row (counted from 1, below the heading), and what may have been meant ("": nothing)."""

    row: int
    kind: str
    address: str
    suggestion: str = ""


class Source(NamedTuple):
    """Where the people of a list said yes: in whose words, and how many days ago the list was last written to."""

    consent: str
    days_since_mail: int | None = None


class Report(NamedTuple):
    """What a list looks like. `good` are the rows with which nothing is wrong; `obstacles` say why it is refused."""

    rows: int
    good: int
    kinds: dict[str, int]
    remarks: tuple[Remark, ...]
    obstacles: tuple[str, ...]
    ramp: bool

    @property
    def is_refused(self) -> bool:
        return bool(self.obstacles)


def check_list(text: str, source: Source, column: str = "email") -> Report:
    """Look at a list in CSV, with a heading. Raises ListError when there is no such column, or too much of it."""
    return check_addresses(read_column(text, column), source)


def check_addresses(addresses: Sequence[str], source: Source) -> Report:
    """The same, of addresses that are read already; "" is a row without one."""
    remarks = list(_look(addresses))
    kinds = Counter(remark.kind for remark in remarks)
    wrong = {remark.row for remark in remarks}
    is_old = source.days_since_mail is not None and source.days_since_mail > OLD_DAYS
    obstacles = [
        *([] if source.consent.strip() else ["Say where these people agreed to get marketing mail."]),
        *_find_excess(kinds, len(addresses)),
        *([f"Nobody wrote to this list for {OLD_DAYS} days: ask these people again in another way."] if is_old else []),
    ]
    ramp = source.days_since_mail is None or source.days_since_mail > 180
    return Report(
        len(addresses), len(addresses) - len(wrong), dict(kinds), tuple(remarks[:MOST_TOLD]), tuple(obstacles), ramp
    )


def read_column(text: str, column: str) -> list[str]:
    """One column of a CSV text. Raises ListError."""
    if len(text.encode(errors="replace")) > MOST_BYTES:
        raise ListError(f"This is more than {MOST_BYTES:,} bytes; check a part of it.")
    try:
        dialect = csv.Sniffer().sniff(text[:5_000], ",;\t")
    except csv.Error:
        dialect = csv.excel  # one column alone
    rows = csv.reader(StringIO(text.lstrip("\ufeff")), dialect)
    try:
        heading = [name.strip().lower() for name in next(rows, [])]
        if column.lower() not in heading:
            known = ", ".join(heading)[:200] or "nothing"
            raise ListError(f"The first line names no column {column!r}; it has: {known}.")
        place = heading.index(column.lower())
        found = [row[place].strip() if place < len(row) else "" for row in rows if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ListError(f"This is no CSV text: {error}.") from error
    if len(found) > MOST_ROWS:
        raise ListError(f"These are {len(found):,} rows; at most {MOST_ROWS:,} are checked at once.")
    return found


def _look(addresses: Sequence[str]) -> Iterable[Remark]:
    seen: set[str] = set()
    for row, address in enumerate(addresses, 1):
        identity = find_identity("email", address)
        if identity is None:
            yield Remark(row, NO_ADDRESS, address)
            continue
        if identity.value in seen:
            yield Remark(row, TWIN, address)
        seen.add(identity.value)
        local, _, domain = identity.value.partition("@")
        if local in _TRAPS:
            yield Remark(row, TRAP, address)
        elif local.partition("+")[0] in _ROLES:
            yield Remark(row, ROLE, address)
        if domain in _DISPOSABLE:
            yield Remark(row, DISPOSABLE, address)
        elif meant := find_typo(domain):
            yield Remark(row, TYPO, address, f"{local}@{meant}")


@lru_cache(maxsize=4_096)
def find_typo(domain: str) -> str:
    """The domain that a slip of the finger has made this one of; "" when it looks like none."""
    if domain in _COMMON or domain in _REAL or _OF_A_COUNTRY.fullmatch(domain):
        return ""
    return next(iter(get_close_matches(domain, _COMMON, 1, 0.88)), "")


def _find_excess(kinds: Counter[str], rows: int) -> list[str]:
    found = [] if rows else ["There are no rows."]
    if kinds[TRAP]:
        found.append(f"{kinds[TRAP]} of these addresses never ask for mail: such lists are gathered or bought.")
    for kind, share in LIMITS.items():
        if kinds[kind] >= _FEW and kinds[kind] > share * rows:
            found.append(f"{kinds[kind]:,} of {rows:,} rows are {_WORDS[kind]}; more than {share:.0%} is too many.")
    return found


_WORDS = {
    NO_ADDRESS: "no mail address",
    DISPOSABLE: "addresses for ten minutes",
    ROLE: "mailboxes of no one person, such as info@",
    TWIN: "there twice",
    TYPO: "probably mistyped",
}
