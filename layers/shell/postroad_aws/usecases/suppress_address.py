"""Have nothing go to an address any more, because somebody says so."""

from postroad.contacts.identities import Identity
from postroad.events import ADDRESS_SUPPRESSED
from postroad_aws.ports import Ports
from postroad_aws.usecases.tell_contact import tell_contact


def suppress_address(ports: Ports, address: Identity, reason: str, source: str) -> None:
    """Write it, then let the contact hear of it. The first reason stays; when this returns, it is in force."""
    now = ports.clock.now()
    ports.refusals.save_suppression(str(address), reason, now, {"by": "api", "source": source})
    tell_contact(ports, address, ADDRESS_SUPPRESSED, source, now, addresses=[str(address)], reason=reason)
