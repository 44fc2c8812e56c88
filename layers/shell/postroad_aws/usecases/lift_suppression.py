"""Let an address be written to again."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from postroad.consent.rule import EVERY_TOPIC
from postroad.consent.suppressions import Suppression, find_obstacle_to_lifting
from postroad.contacts.identities import Identity
from postroad.events import ADDRESS_RELEASED
from postroad_aws.ports import Ports
from postroad_aws.usecases.tell_contact import tell_contact


class Suppressions(Protocol):
    """What is touched of the suppressions table."""

    def get_suppression(self, address: str) -> Suppression: ...

    def lift_suppression(self, address: str, now: float, evidence: Mapping[str, Any]) -> None: ...


def lift_suppression(
    ports: Ports,
    suppressions: Suppressions,
    address: Identity,
    because: str,
    source: str,
    lift_at_provider: Mapping[str, Callable[[str], None]],
) -> str | None:
    """Lift it and let the contact hear of it; or why it has to stay, as a sentence.

    A provider with a list of its own lets go of the address first (`lift_at_provider`, by the kind of address): else it
    would refuse the next message, and the address would be suppressed again.

    Raises NotFoundError when the address is not suppressed.
    """
    now = ports.clock.now()
    topics = (*ports.books.current().policy.topics, EVERY_TOPIC)
    answers = ports.refusals.find_answers({str(address): topics})[str(address)]
    obstacle = find_obstacle_to_lifting(suppressions.get_suppression(str(address)), answers.consents.values())
    if obstacle is None:
        if lift := lift_at_provider.get(address.kind):
            lift(address.value)
        suppressions.lift_suppression(str(address), now, {"by": "api", "source": source, "because": because})
        tell_contact(ports, address, ADDRESS_RELEASED, source, now, addresses=[str(address)], reason=because)
    return obstacle
