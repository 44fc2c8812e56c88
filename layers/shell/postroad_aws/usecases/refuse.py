"""Unsubscribe: the refusal is written before it is confirmed; the event follows."""

from collections.abc import Mapping
from typing import Any

from postroad.channels import address_kind, full_address
from postroad.consent import EVERY_TOPIC
from postroad.events import UNSUBSCRIBED, Event
from postroad.links import Unsubscribe
from postroad_aws.ports import Ports
from postroad_aws.usecases.find_contact import find_contact
from postroad_aws.usecases.send_event import send_event


def unsubscribe(ports: Ports, link: Unsubscribe, evidence: Mapping[str, Any], *, everything: bool = False) -> None:
    """End the consent that the link names for every address of the contact on that channel. Doing it twice is harmless.

    `evidence` says how it was said (one-click, page). When this returns, the refusal is in force.
    """
    now = ports.clock.now()
    topic = EVERY_TOPIC if everything else link.topic
    contact = find_contact(ports.contacts, link.contact_id)
    message = ports.messages.find_message(link.message_id)
    values = {message.address} if message and message.address else set()
    if contact:
        values |= set(contact.identity_values(address_kind(link.channel)))
    for value in sorted(values):
        address = full_address(link.channel, value)
        ports.refusals.save_consent(address, topic, False, now, {**evidence, "message_id": link.message_id})
    event = Event(
        # By the minute: who comes back and leaves again has said so twice.
        event_id=f"{link.message_id}:unsubscribed:{topic}:{now // 60:.0f}",
        name=UNSUBSCRIBED,
        time=now,
        key_time=now // 60 * 60,
        contact_id=link.contact_id,
        trusted=True,
        source="postroad",
        properties={"topic": topic, "channel": link.channel, "message_id": link.message_id},
    )
    send_event(ports.queues, event)
