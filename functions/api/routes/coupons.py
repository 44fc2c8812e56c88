"""Coupons: codes of one's own for each person, checked and redeemed where they buy."""

from typing import Annotated, NotRequired, TypedDict

from functions.api.problems import RefusedError
from functions.api.routing import Caller, Routes
from functions.api.schemas import BodyError, Example, Instant, OneOf, Text
from postroad.contacts.contact import Contact
from postroad.contacts.identities import parse_identity
from postroad.instants import format_instant, stamp
from postroad_aws import books
from postroad_aws.storage import NotFoundError, redemptions
from postroad_aws.usecases.redeem_coupon import (
    EXPIRED,
    STATES,
    UNKNOWN,
    Standing,
    check_coupon,
    find_holder,
    give_code,
    redeem_coupon,
)
from postroad_aws.wiring import production

routes = Routes("Coupons")

Who = Annotated[
    str,
    Text(300),
    Example("email:ana@example.com"),
    "The id of a contact, or an identity: `email:`, `phone:`, `user:` or `anon:` and the value.",
]
Shown = Annotated[str, Text(40), Example("K7Q2-M9XA-3RTPW"), "As it was typed; case, spaces and dashes do not matter."]


class GivenBody(TypedDict):
    """Who is given a coupon."""

    contact: Who


class CheckedBody(TypedDict):
    """A code, and who shows it."""

    code: Shown
    contact: Who


class RedeemedBody(TypedDict):
    """A code, who shows it, and for what."""

    code: Shown
    contact: Who
    order_id: NotRequired[Annotated[str, Text(200), Example("o-1042"), "The same order may redeem it again."]]


class CodeView(TypedDict):
    """A coupon's code for one contact."""

    coupon: str
    contact_id: str
    code: Annotated[str, Example("K7Q2-M9XA-3RTPW")]
    until: Annotated[Instant, "Its last second."]


class StandingView(TypedDict):
    """What a code is worth to somebody."""

    state: Annotated[str, OneOf(STATES), "`unknown`: it was not made for this contact."]
    coupon: str | None
    name: Annotated[str | None, "What the coupon is called."]
    until: Annotated[Instant | None, "Its last second."]
    redeemed_at: Instant | None
    order_id: Annotated[str | None, "The order for which it was redeemed."]


@routes.post("/coupons/{coupon_id}/codes")
def give(coupon_id: str, body: GivenBody) -> CodeView:
    """The code of somebody who is given a coupon of the policy today, to show it elsewhere than in a message.

    The same person gets the same code all day.
    """
    coupon = books.current().policy.coupons.get(coupon_id)
    if coupon is None:
        raise NotFoundError("The policy has no coupon with this id.")
    contact = _find_holder(body["contact"])
    code = give_code(production(), coupon, contact)
    return {
        "coupon": coupon.id,
        "contact_id": contact.contact_id,
        "code": code.text,
        "until": format_instant(code.until),
    }


@routes.post("/coupons/check")
def check(body: CheckedBody) -> StandingView:
    """Whether a code that somebody shows is good; it stays so."""
    return _show(check_coupon(production(), redemptions, _find_holder(body["contact"]), body["code"]))


@routes.post("/coupons/redeem")
def redeem(body: RedeemedBody, caller: Caller) -> StandingView:
    """Redeem a code, once; the contact's timeline gets the event `Coupon Redeemed`.

    The same order may ask again and gets the same answer; anybody else is refused.
    """
    contact = _find_holder(body["contact"])
    standing, is_theirs = redeem_coupon(
        production(), redemptions, contact, body["code"], body.get("order_id", ""), caller.source
    )
    if not is_theirs:
        raise RefusedError(_refuse(standing))
    return _show(standing)


def _find_holder(text: str) -> Contact:
    try:
        contact = find_holder(production(), parse_identity(text) if ":" in text else text)
    except ValueError as error:
        raise BodyError(("contact", str(error))) from None
    if contact is None:
        raise BodyError(("contact", "is nobody whom we know"))
    return contact


def _refuse(standing: Standing) -> str:
    if standing.state == UNKNOWN or standing.found is None:
        return "This code was not made for this contact."
    if standing.state == EXPIRED:
        return f"This coupon ended {stamp(standing.found.code.until)}."
    return f"This coupon was redeemed {stamp(standing.redemption.at) if standing.redemption else 'before'}."


def _show(standing: Standing) -> StandingView:
    found, redemption = standing.found, standing.redemption
    return {
        "state": standing.state,
        "coupon": found.coupon.id if found else None,
        "name": found.coupon.name if found else None,
        "until": format_instant(found.code.until) if found else None,
        "redeemed_at": format_instant(redemption.at) if redemption else None,
        "order_id": (redemption.order or None) if redemption else None,
    }
