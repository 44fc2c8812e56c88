"""The messages that wait for a visitor of a site.

A write key of a browser is no secret, and neither is a user id: anybody may say that they are somebody. So the
anonymous id that a browser keeps to itself opens what waits for a visitor of whom nothing else is known. What waits for
somebody who has a name takes a ticket, which a server of the site asked us for.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from postroad.consent.rule import EVERY_TOPIC, find_last_obstacle
from postroad.contacts.contact import Contact
from postroad.contacts.identities import find_identity, parse_identity
from postroad.content.links import Visitor, Waiting
from postroad.envelopes.web import WebMessage
from postroad.sending.channels import full_address
from postroad.tracking.wire import Refused
from postroad_aws.ports import Ports
from postroad_aws.storage.keys import Key
from postroad_aws.usecases.find_contact import find_owner

CHANNEL = "web"
# So many are handed out at once.
MOST = 10


class Keys(Protocol):
    def find_key(self, key: str) -> Key | None: ...


class Stored(Protocol):
    def list_waiting(self, contact_ids: Sequence[str], now: float) -> list[WebMessage]: ...


class Asker(NamedTuple):
    """Who asks: with a write key, as this browser, and perhaps with a ticket of who they are."""

    key: str
    anonymous_id: str
    ticket: str


class Shown(NamedTuple):
    """A message, and the token by which the site says what became of it."""

    message: WebMessage
    token: str


class Waits(NamedTuple):
    """What waits; `needs_ticket` says that it is somebody with a name, and that a ticket is needed to see anything."""

    messages: Sequence[Shown]
    needs_ticket: bool = False


def list_web_messages(ports: Ports, keys: Keys, stored: Stored, asker: Asker) -> Waits | Refused:
    """What waits for a visitor and may still be said to them, the newest first."""
    key = keys.find_key(asker.key)
    if key is None or key.kind != "write":
        return Refused(401, "No source has this write key, or it was disabled.")
    contact = _find_visitor(ports, asker)
    if isinstance(contact, Refused):
        return contact
    if contact is None:
        return Waits(())
    if contact.is_known and not asker.ticket:
        return Waits((), needs_ticket=True)
    waiting = stored.list_waiting((contact.contact_id, *contact.merged_from), ports.clock.now())
    welcome = _keep_welcome(ports, contact, waiting)[:MOST]
    sign = ports.signer.sign
    return Waits([Shown(message, sign(Waiting(message.message_id, message.to))) for message in welcome])


def _find_visitor(ports: Ports, asker: Asker) -> Contact | Refused | None:
    if asker.ticket:
        link = ports.signer.find(Visitor, asker.ticket)
        if link is None or link.until < ports.clock.now():
            return Refused(403, "The ticket is none, or has run out; have your server ask for a new one.")
        return find_owner(ports.contacts, parse_identity(link.identity), ports.contact_key)
    identity = find_identity("anon", asker.anonymous_id)
    if identity is None:
        return Refused(400, "Say whose messages: anonymousId is missing, or junk such as null or 0.")
    return find_owner(ports.contacts, identity, ports.contact_key)


def _keep_welcome(ports: Ports, contact: Contact, waiting: Sequence[WebMessage]) -> list[WebMessage]:
    """Those about which nobody has changed their mind while they waited."""
    if not waiting:
        return []
    policy, now = ports.books.current_policy(at_least=contact.revision), ports.clock.now()
    topics = {message.topic for message in waiting} | {EVERY_TOPIC}
    answers = ports.refusals.find_answers({_address(message.to): topics for message in waiting})

    def is_welcome(message: WebMessage) -> bool:
        suppression, said = answers[_address(message.to)]
        topic = policy.find_topic(message.topic)
        return find_last_obstacle(topic, contact, CHANNEL, message.to, suppression, said, now) is None

    return [message for message in waiting if is_welcome(message)]


def _address(contact_id: str) -> str:
    return full_address(CHANNEL, contact_id)
