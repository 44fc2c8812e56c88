"""Unsubscribe, and come back: the answer is written before it is confirmed; the event follows."""

from collections.abc import Mapping, Sequence
from typing import Any

from postroad.consent.rule import EVERY_TOPIC
from postroad.content.links import Unsubscribe
from postroad.events import SUBSCRIBED, UNSUBSCRIBED, Event
from postroad.instants import DAY
from postroad.sending.channels import address_kind, full_address
from postroad_aws.ports import Ports
from postroad_aws.usecases.find_contact import find_contact
from postroad_aws.usecases.send_event import send_event


def unsubscribe(ports: Ports, link: Unsubscribe, evidence: Mapping[str, Any], *, everything: bool = False) -> None:
    """End the consent that the link names for every address of the contact on that channel. Doing it twice is harmless.

    `evidence` says how it was said (one-click, page). When this returns, the refusal is in force.
    """
    topic = EVERY_TOPIC if everything else link.topic
    _answer(ports, link, topic, False, evidence, _list_addresses(ports, link))


def subscribe_again(ports: Ports, link: Unsubscribe, evidence: Mapping[str, Any]) -> bool:
    """Take a refusal of the link's topic back that is younger than a day: a slip. False when there is none.

    Nothing else begins by this link, however old it is and whoever has it.
    """
    now = ports.clock.now()
    topics = (link.topic, EVERY_TOPIC)
    addresses = _list_addresses(ports, link)
    answers = ports.refusals.find_answers(dict.fromkeys(addresses, topics))
    said = [(address, answers[address].consents.get(topic)) for address in addresses for topic in topics]
    slips = {address for address, no in said if no and not no.granted and no.until is None and now - no.time < DAY}
    if not slips:
        return False
    _answer(ports, link, link.topic, True, evidence, sorted(slips))
    return True


def _list_addresses(ports: Ports, link: Unsubscribe) -> list[str]:
    """Where the message went, and every other address of the contact on its channel."""
    contact = find_contact(ports.contacts, link.contact_id)
    message = ports.messages.find_message(link.message_id)
    values = {message.address} if message and message.address else set()
    if contact:
        values |= set(contact.identity_values(address_kind(link.channel)))
    return [full_address(link.channel, value) for value in sorted(values)]


def _answer(
    ports: Ports,
    link: Unsubscribe,
    topic: str,
    granted: bool,
    evidence: Mapping[str, Any],
    addresses: Sequence[str],
) -> None:
    now = ports.clock.now()
    for address in addresses:
        ports.refusals.save_consent(address, topic, granted, now, {**evidence, "message_id": link.message_id})
    name = SUBSCRIBED if granted else UNSUBSCRIBED
    event = Event(
        # By the minute: who comes back and leaves again has said so twice.
        event_id=f"{link.message_id}:{name.lower()}:{topic}:{now // 60:.0f}",
        name=name,
        time=now,
        key_time=now // 60 * 60,
        contact_id=link.contact_id,
        trusted=True,
        source="postroad",
        properties={"topic": topic, "channel": link.channel, "message_id": link.message_id},
    )
    send_event(ports.queues, event)
