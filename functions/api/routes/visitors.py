"""Visitors of a site whom a server of it knows: tickets, with which they see what waits for them."""

from typing import Annotated, NotRequired, TypedDict

from functions.api.routing import Routes
from functions.api.schemas import Example, Instant, Text
from postroad.contacts.identities import parse_identity
from postroad.content.links import Visitor
from postroad.errors import DefinitionError
from postroad.instants import DAY, format_instant, parse_duration
from postroad_aws import clock
from postroad_aws.links import signer

routes = Routes("Visitors")

SHORTEST, LONGEST = 60.0, 30 * DAY


class TicketBody(TypedDict):
    """Who is signed in, and for how long that may be relied on."""

    identity: Annotated[str, Text(300), Example("user:42"), "The visitor, by an identity that your server has checked."]
    duration: NotRequired[Annotated[str, Text(20), Example("PT1H"), "ISO 8601, from PT1M to P30D; without it PT1H."]]


class TicketView(TypedDict):
    """Give it to the visitor's own page, and to nobody else."""

    ticket: Annotated[str | None, "What the page hands to postroad.js; null in a repeated answer."]
    expires_at: Instant


@routes.post("/visitors/tickets", status=201, secrets=("ticket",))
def make_ticket(body: TicketBody) -> TicketView:
    """Make a ticket that a visitor is somebody.

    With it, and not without, a browser sees the messages that wait for a person with a name.
    """
    try:
        identity = parse_identity(body["identity"])
    except ValueError as error:
        raise DefinitionError(("identity", str(error))) from None
    duration = _read_duration(body.get("duration", "PT1H"))
    until = int(clock.now() + duration)
    return {"ticket": signer().sign(Visitor(str(identity), until)), "expires_at": format_instant(until)}


def _read_duration(text: str) -> float:
    try:
        duration = parse_duration(text)
    except ValueError as error:
        raise DefinitionError(("duration", str(error))) from None
    if not SHORTEST <= duration <= LONGEST:
        raise DefinitionError(("duration", "is from PT1M to P30D"))
    return duration
