"""Reactions: the events that follow when a message leaves, as habits and a seed say."""

from collections.abc import Iterator
from typing import NamedTuple

from postroad.contacts.contact import Contact
from postroad.events import (
    EMAIL_BOUNCED,
    EMAIL_CLICKED,
    EMAIL_OPENED,
    MESSAGE_CLICKED,
    MESSAGE_OPENED,
    UNSUBSCRIBED,
    Event,
)
from postroad.sending.channels import full_address
from postroad.sending.messages import Message
from postroad.simulation.chance import delay, draw
from postroad.simulation.habits import CLICKED, DELIVERED, OPENED, START, Deed, Habits
from postroad.simulation.people import SOURCE

_MAIL = "email"
# What can tell that it was read, and by which events; a text cannot.
_READ = {_MAIL: (EMAIL_OPENED, EMAIL_CLICKED), **dict.fromkeys(("web", "push"), (MESSAGE_OPENED, MESSAGE_CLICKED))}


class Reactions(NamedTuple):
    """How people of these habits respond: the same person to the same message in the same way, for the same seed."""

    habits: Habits
    seed: int

    def to_message(self, contact: Contact, message: Message, at: float) -> Iterator[Event]:
        """What comes of a message that left at an instant."""
        response, seed, name = self.habits.response(message.step), self.seed, message.message_id
        if draw(seed, name, "delivered") >= response.delivered:
            if message.channel == _MAIL and (address := contact.find_address(message.channel)):
                addresses = [full_address(message.channel, address)]
                yield _about(message, EMAIL_BOUNCED, at + 5.0, reason="it bounced", addresses=addresses)
            return
        yield from self.deeds(DELIVERED, contact, name, at)
        if message.channel not in _READ:
            return
        opened, clicked = _READ[message.channel]
        if message.channel == _MAIL and draw(seed, name, "unsubscribed") < response.unsubscribed:
            gone = at + delay(self.habits.opens_after, draw(seed, name, "unsubscribed after"))
            yield _about(message, UNSUBSCRIBED, gone, topic=message.topic)
        if draw(seed, name, "opened") >= response.opened:
            return
        at += delay(self.habits.opens_after, draw(seed, name, "opened after"))
        yield _about(message, opened, at, actor="human")
        yield from self.deeds(OPENED, contact, name, at)
        if draw(seed, name, "clicked") >= response.clicked:
            return
        at += delay(self.habits.clicks_after, draw(seed, name, "clicked after"))
        yield _about(message, clicked, at, actor="human", link=0)
        yield from self.deeds(CLICKED, contact, name, at)

    def to_start(self, contact: Contact, at: float) -> Iterator[Event]:
        """What somebody does whose journey starts at an instant, whatever they are sent."""
        return self.deeds(START, contact, "start", at)

    def deeds(self, moment: str, contact: Contact, cause: str, at: float) -> Iterator[Event]:
        for number, deed in enumerate(self.habits.deeds):
            name = f"{contact.contact_id}/{cause}/{number}"
            if deed.after == moment and draw(self.seed, name, "does") < deed.chance:
                yield _deed(deed, contact, name, at + delay(deed.delay, draw(self.seed, name, "after")))


def _deed(deed: Deed, contact: Contact, name: str, at: float) -> Event:
    return Event(
        name,
        deed.event,
        at,
        at,
        contact_id=contact.contact_id,
        trusted=True,
        source=SOURCE,
        properties=deed.properties,
    )


def _about(message: Message, name: str, at: float, **properties: object) -> Event:
    """What Postroad itself says about a message."""
    said = {
        "message_id": message.message_id,
        "email_id": message.template,
        "campaign_id": message.origin,
        "step": message.step,
        "channel": message.channel,
        **properties,
    }
    return Event(
        f"{message.message_id}/{name}",
        name,
        at,
        at,
        contact_id=message.contact_id,
        trusted=True,
        source="postroad",
        properties=said,
    )
