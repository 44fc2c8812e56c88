"""Suppressions: addresses to which nothing may go."""

from typing import Annotated, Any, TypedDict

from functions.api.problems import RefusedError
from functions.api.routing import Caller, Routes
from functions.api.schemas import Address, BodyError, Cursor, Example, Instant, Limit, Listed, ParameterError, Text
from postroad.consent.suppressions import Suppression
from postroad.contacts.identities import Identity, parse_identity
from postroad.errors import DefinitionError
from postroad.instants import format_instant
from postroad.sending.channels import CHANNELS
from postroad_aws import email_account
from postroad_aws.storage import refusals
from postroad_aws.usecases.lift_suppression import lift_suppression
from postroad_aws.usecases.suppress_address import suppress_address
from postroad_aws.wiring import production

routes = Routes("Suppressions")

Because = Annotated[str, Text(500), "Who says so and why; kept as evidence."]


class SuppressionView(TypedDict):
    """An address to which nothing may go."""

    address_hash: Annotated[str, "Stands for the address, which itself is not stored: its SHA-256, in base64url."]
    reason: Annotated[str, Example("reported as spam")]
    time: Instant
    evidence: dict[str, Any]


class SuppressionBody(TypedDict):
    """An address to which nothing may go any more."""

    address: Address
    reason: Annotated[str, Text(200), Example("asked us by telephone")]


class LiftBody(TypedDict):
    """An address that may be written to again."""

    address: Address
    because: Annotated[Because, Example("the mailbox works again")]


class LiftedView(TypedDict):
    """An address that may be written to again."""

    address: Address


@routes.get("/suppressions")
def list_suppressions(
    address: Address | None = None, cursor: Cursor | None = None, limit: Limit = 50
) -> Listed[SuppressionView]:
    """Suppressed addresses, in no order.

    With `address`, that one, in a list of none or one.
    """
    if address is not None:
        found = refusals.find_suppression_of(str(read_address(address, ParameterError)))
        return {"items": [_show(found)] if found else [], "next": None}
    page = refusals.list_suppressions(cursor=cursor, limit=limit)
    return {"items": [_show(each) for each in page.items], "next": page.next}


@routes.post("/suppressions")
def suppress(body: SuppressionBody, caller: Caller) -> SuppressionView:
    """Have nothing go to an address any more.

    It is in force when this is answered. The first reason stays.
    """
    address = read_address(body["address"])
    suppress_address(production(), address, body["reason"], caller.source)
    return _show(refusals.get_suppression(str(address)))


@routes.post("/suppressions/lift")
def lift(body: LiftBody, caller: Caller) -> LiftedView:
    """Let an address be written to again.

    That it was suppressed, and why no more, stays among the proofs. Whoever reported a mail as spam must have said yes
    to a topic since: record that answer first. An e-mail address leaves SES's own list of suppressed ones as well.
    """
    address = read_address(body["address"])
    at_provider = {"email": email_account.lift_suppression}
    obstacle = lift_suppression(production(), refusals, address, body["because"], caller.source, at_provider)
    if obstacle:
        raise RefusedError(obstacle)
    return {"address": str(address)}


def read_address(text: str, error: type[DefinitionError] = BodyError) -> Identity:
    """An address that a channel writes to, in its normal form."""
    try:
        address = parse_identity(text)
    except ValueError as mistake:
        raise error(("address", str(mistake))) from None
    if address.kind not in {channel.address_kind for channel in CHANNELS.values()}:
        raise error(("address", "is not an address to which messages go; write for example email:ana@example.com"))
    return address


def _show(suppression: Suppression) -> SuppressionView:
    return {
        "address_hash": suppression.address_hash,
        "reason": suppression.reason,
        "time": format_instant(suppression.time),
        "evidence": dict(suppression.evidence),
    }
