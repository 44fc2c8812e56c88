"""Coupons: a code of one's own for each person, derived and never stored until it is redeemed.

A code is thirteen letters and digits, shown as K7Q2-M9XA-3RTPW: three that say the day until which it holds, and ten
(50 bits) of a MAC by a key of the stack over the coupon, the contact and that day. So a code can be checked without a
row, nobody can guess one, and it is worth nothing to anybody else. It holds for so long from the beginning of what led
to its message, so all messages of one passage through a journey show the same one, and the next passage another.
"""

import hmac
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from postroad.documents import Reader, refuse_twins
from postroad.errors import PostroadError
from postroad.instants import DAY, parse_instant, stamp
from postroad.sending.messages import Message

if TYPE_CHECKING:
    from postroad.content.links import Signer

# Without what is taken for something else: 0 and O, 1 and I.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
SAMPLE = "SAMP-LEXX-XXXXX"

MOST = 20
LONGEST = 400 * DAY
_DAY_LETTERS, _MAC_LETTERS = 3, 10
_SHAPE = (4, 4, 5)
_PURPOSE = "coupon"


class Coupon(NamedTuple):
    """What people are given; `lasts` is for how many seconds a code holds."""

    id: str
    name: str
    lasts: float


class Code(NamedTuple):
    """A code for one person, and the last second of its last day (UTC), in epoch seconds."""

    text: str
    until: float


class Found(NamedTuple):
    """Whose code it is that somebody showed: the coupon, and the id under which the contact was given it."""

    coupon: Coupon
    contact_id: str
    code: Code


def read_coupons(reader: Reader) -> dict[str, Coupon]:
    """The coupons in the key `coupons` of a policy: `[{id, name?, lasts?}]`."""
    children = reader.children("coupons", least=0, most=MOST)
    refuse_twins(children)
    coupons = {}
    for child in children:
        coupon_id = child.id("id")
        lasts = child.duration("lasts", 30 * DAY, least=DAY, most=LONGEST)
        coupons[coupon_id] = Coupon(coupon_id, child.text("name", coupon_id), lasts)
    return coupons


def find_beginning(trigger_key: str, created_at: float) -> float:
    """When what led to a message happened: the time in the key of its trigger; without one that of the message."""
    return parse_instant(trigger_key.partition("#")[0]) if trigger_key else created_at


def make_code(coupon: Coupon, contact_id: str, since: float, signer: "Signer") -> Code:
    """The code of a contact whose passage began then."""
    last_day = int((since + coupon.lasts) // DAY)
    return _code(last_day, _letters(signer.stamps(_PURPOSE, _said(coupon.id, contact_id, last_day))[0]))


def find_coupon(coupons: Mapping[str, Coupon], text: str, contact_ids: Iterable[str], signer: "Signer") -> Found | None:
    """The coupon whose code this is, if it was made for a contact of one of these ids; None when it is no such code.

    Case, spaces and dashes do not matter.
    """
    letters = "".join(letter for letter in text.upper() if letter not in " -")
    if len(letters) != _DAY_LETTERS + _MAC_LETTERS or not set(letters) <= set(ALPHABET):
        return None
    last_day, shown = _number(letters[:_DAY_LETTERS]), letters[_DAY_LETTERS:]
    for contact_id in contact_ids:
        for coupon in coupons.values():
            stamps = signer.stamps(_PURPOSE, _said(coupon.id, contact_id, last_day))
            if any(hmac.compare_digest(_letters(stamp), shown) for stamp in stamps):
                return Found(coupon, contact_id, _code(last_day, shown))
    return None


def show_codes(
    coupons: Mapping[str, Coupon], contact_id: str, message: Message, signer: "Signer | None" = None
) -> dict[str, Any]:
    """What the template of a message sees as `coupon`: of each its `code`, and `until` when that holds.

    Without a signer the codes are samples, which nobody can redeem.
    """
    shown = {}
    for coupon in coupons.values():
        since = find_beginning(message.trigger_key, message.created_at)
        code = make_code(coupon, contact_id, since, signer) if signer else Code(SAMPLE, since + coupon.lasts)
        shown[coupon.id] = {"code": code.text, "until": code.until}
    return shown


class NoCodeError(PostroadError):
    """A message speaks of a code that nobody could redeem when it would leave."""


def check_codes(
    shown: Mapping[str, Mapping[str, Any]], variables: Iterable[str], unguarded: Iterable[str], now: float
) -> None:
    """Raise NoCodeError when a code that a template with these variables shows has run out, or when it has nothing to
    show in the place of a coupon that the policy has no longer."""
    for coupon_id in find_coupons(unguarded):
        if coupon_id not in shown:
            raise NoCodeError(f"the policy no longer has its coupon {coupon_id}")
    for coupon_id in find_coupons(variables):
        until = shown.get(coupon_id, {}).get("until", now)
        if until < now:
            raise NoCodeError(f"its coupon {coupon_id} ran out on {stamp(until)}, before the message could leave")


def find_coupons(variables: Iterable[str]) -> list[str]:
    """The coupons of which a template that reads these variables speaks."""
    paths = (name.split(".") for name in sorted(variables))
    return list(dict.fromkeys(path[1] for path in paths if path[0] == "coupon" and len(path) > 1))


def _said(coupon_id: str, contact_id: str, last_day: int) -> str:
    return f"{coupon_id}\0{contact_id}\0{last_day}"


def _code(last_day: int, letters: str) -> Code:
    whole = "".join(ALPHABET[last_day >> shift & 31] for shift in (10, 5, 0)) + letters
    parts, start = [], 0
    for length in _SHAPE:
        parts.append(whole[start : start + length])
        start += length
    return Code("-".join(parts), (last_day + 1) * DAY - 1)


def _letters(stamp: bytes) -> str:
    number = int.from_bytes(stamp[:7])
    return "".join(ALPHABET[number >> 5 * place & 31] for place in range(_MAC_LETTERS))


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 32 + ALPHABET.index(letter)
    return number
