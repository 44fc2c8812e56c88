"""Coupons: give somebody a code, look whether one is good, and redeem it, once."""

from typing import NamedTuple, Protocol

from postroad.contacts.contact import Contact
from postroad.contacts.identities import Identity
from postroad.content.coupons import Code, Coupon, Found, find_coupon, make_code
from postroad.events import COUPON_REDEEMED, Event
from postroad_aws.ports import Ports
from postroad_aws.storage.redemptions import Redemption
from postroad_aws.usecases.find_contact import find_contact, find_owner
from postroad_aws.usecases.send_event import send_event

UNKNOWN, VALID, EXPIRED, REDEEMED = "unknown", "valid", "expired", "redeemed"
STATES = (VALID, EXPIRED, REDEEMED, UNKNOWN)


class Redemptions(Protocol):
    def find_redemption(self, coupon_id: str, code: str) -> Redemption | None: ...
    def redeem(self, coupon_id: str, code: str, redemption: Redemption, until: float) -> Redemption: ...


class Standing(NamedTuple):
    """What a code is worth to somebody now; `found` is None when it was not made for them."""

    state: str
    found: Found | None = None
    redemption: Redemption | None = None


def find_holder(ports: Ports, who: Identity | str) -> Contact | None:
    """The contact with an identity, or of an id."""
    if isinstance(who, Identity):
        return find_owner(ports.contacts, who, ports.contact_key)
    return find_contact(ports.contacts, who)


def give_code(ports: Ports, coupon: Coupon, contact: Contact) -> Code:
    """The code of somebody who is given a coupon today."""
    return make_code(coupon, contact.contact_id, ports.clock.now(), ports.signer)


def check_coupon(ports: Ports, redemptions: Redemptions, contact: Contact, text: str) -> Standing:
    """What a code that this contact shows is worth."""
    coupons = ports.books.current().policy.coupons
    found = find_coupon(coupons, text, (contact.contact_id, *contact.merged_from), ports.signer)
    if found is None:
        return Standing(UNKNOWN)
    if redemption := redemptions.find_redemption(found.coupon.id, found.code.text):
        return Standing(REDEEMED, found, redemption)
    return Standing(EXPIRED if ports.clock.now() > found.code.until else VALID, found)


def redeem_coupon(
    ports: Ports, redemptions: Redemptions, contact: Contact, text: str, order: str, source: str
) -> tuple[Standing, bool]:
    """Redeem a code that this contact shows: how it stands then, and whether it is theirs for this order.

    The same order again gets the same answer. The contact hears of it by an event, which comes again when somebody
    asks again: it acts once, so nothing is lost if the first one was.
    """
    standing = check_coupon(ports, redemptions, contact, text)
    found = standing.found
    if found is None or standing.state == EXPIRED:
        return standing, False
    now = ports.clock.now()
    mine = Redemption(now, order, source)
    redemption = redemptions.redeem(found.coupon.id, found.code.text, mine, found.code.until)
    send_event(ports.queues, _redeemed(contact, found, redemption))
    is_mine = redemption == mine or (order != "" and redemption.order == order)
    return Standing(REDEEMED, found, redemption), is_mine


def _redeemed(contact: Contact, found: Found, redemption: Redemption) -> Event:
    return Event(
        event_id=f"coupon-{found.coupon.id}-{found.code.text}",
        name=COUPON_REDEEMED,
        time=redemption.at,
        key_time=redemption.at,
        contact_id=contact.contact_id,
        trusted=True,
        source=redemption.source,
        properties={
            "coupon": found.coupon.id,
            "name": found.coupon.name,
            "code": found.code.text,
            **({"order_id": redemption.order} if redemption.order else {}),
        },
    )
