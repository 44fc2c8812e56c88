"""Confirm a consent that a form asked for: the yes is written with its proof, then the contact hears of it."""

from collections.abc import Mapping
from typing import Any

from postroad.consent.confirmation import GOOD_FOR, topics_of
from postroad.consent.rule import ERASED, EVERY_TOPIC
from postroad.content.links import Confirm
from postroad.events import SUBSCRIBED, Event
from postroad.sending.channels import USUAL, full_address
from postroad_aws.ports import Ports
from postroad_aws.usecases.find_contact import find_contact
from postroad_aws.usecases.send_event import send_event


def confirm_consent(ports: Ports, link: Confirm, evidence: Mapping[str, Any]) -> bool:
    """Write the yes to each topic of the link for the address that its mail went to; False when it has run out, or when
    they have refused since it was asked for.

    When this returns, the yes is in force. Doing it twice is harmless. Who had been erased is back by their own word.
    """
    now = ports.clock.now()
    contact, message = find_contact(ports.contacts, link.contact_id), ports.messages.find_message(link.message_id)
    value = (message.address if message else None) or (contact.find_address(USUAL) if contact else None)
    if value is None or now > link.asked_at + GOOD_FOR:
        return False
    address = full_address(USUAL, value)
    topics = topics_of(link.topics)
    said = ports.refusals.find_answers({address: {EVERY_TOPIC, *topics}})[address].consents
    if any(not each.granted and each.until is None and each.time > link.asked_at + 1 for each in said.values()):
        return False  # an old link does not outrank a newer no
    if ports.refusals.find_suppression(address) == ERASED:
        ports.refusals.lift_suppression(address, now, {"by": "confirmation", "message_id": link.message_id})
    for topic in topics:
        known = said.get(topic)
        if known is None or not known.granted or known.time < link.asked_at:
            asked = dict(ports.refusals.find_request(address, topic) or {})
            asked["asked_at"] = asked.pop("time", link.asked_at)
            proof = {**asked, **evidence, "by": "confirmation", "message_id": link.message_id}
            ports.refusals.save_consent(address, topic, True, now, proof)
        send_event(ports.queues, _event(link, topic, now))
    return True


def _event(link: Confirm, topic: str, now: float) -> Event:
    return Event(
        event_id=f"{link.message_id.removesuffix('-again')}:{topic}",
        name=SUBSCRIBED,
        time=now,
        key_time=float(link.asked_at),
        contact_id=link.contact_id,
        trusted=True,
        source="postroad",
        properties={"topic": topic, "channel": USUAL, "confirmed": True, "message_id": link.message_id},
    )
