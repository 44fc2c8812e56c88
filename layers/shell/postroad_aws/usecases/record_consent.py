"""Write down what somebody answered about a topic, as an account's own system says."""

from postroad.contacts.identities import Identity
from postroad.events import SUBSCRIBED, UNSUBSCRIBED
from postroad.sending.channels import CHANNELS
from postroad_aws.ports import Ports
from postroad_aws.usecases.tell_contact import tell_contact


def record_consent(ports: Ports, address: Identity, topic: str, granted: bool, because: str, source: str) -> None:
    """Write the answer with its proof, then let the contact hear of it. When this returns, the answer is in force."""
    now = ports.clock.now()
    evidence = {"by": "api", "source": source, "because": because}
    ports.refusals.save_consent(str(address), topic, granted, now, evidence)
    name = SUBSCRIBED if granted else UNSUBSCRIBED
    channel = next(each.key for each in CHANNELS.values() if each.address_kind == address.kind)
    tell_contact(ports, address, name, source, now, topic=topic, channel=channel)
