"""A person in tests: one contact, folded by what is published, while time passes as the clock would let it pass."""

from collections.abc import Iterator, Mapping
from typing import Any

from postroad import events as names
from postroad.contacts.codec import decode_contact, encode_contact
from postroad.contacts.contact import Contact
from postroad.decisions import Decision
from postroad.events import Event
from postroad.fold import Outcome, begin, fold, needs_history
from postroad.instants import format_instant, parse_duration, parse_instant
from postroad.sending.messages import Message
from tests.books import FOOTER, Shelf

POLICY = {
    "kind": "policy",
    "id": "policy",
    "postal_address": "1 High Street",
    "timezone": "UTC",
    "topics": [{"id": "news", "opt_in": False}],
}


def template(template_id: str, channel: str = "email", topic: str = "news") -> dict[str, Any]:
    """A template that renders."""
    content = {"text": "Hello"} if channel == "sms" else {"subject": "Hello", "html": "<p>Hello</p>" + FOOTER}
    return {"kind": "template", "id": template_id, "channel": channel, "topic": topic, **content}


def templates_of(document: Any, channel: str = "email") -> Iterator[tuple[str, str]]:
    """(template, channel) of every send step in a document."""
    if isinstance(document, list):
        for item in document:
            yield from templates_of(item)
    elif isinstance(document, Mapping):
        if isinstance(document.get("template"), str):
            yield document["template"], document.get("channel", "email")
        for item in document.values():
            yield from templates_of(item)


def publish(*definitions: Mapping[str, Any], now: float | None = None) -> Shelf:
    """A shelf with these, a policy unless one is given, and the templates that they send."""
    policies = [] if any(document["kind"] == "policy" for document in definitions) else [POLICY]
    templates = {name: template(name, channel) for name, channel in templates_of(list(definitions))}
    given = {document["id"] for document in definitions if document["kind"] == "template"}
    rest = [document for name, document in templates.items() if name not in given]
    return Shelf(*policies, *rest, *definitions, now=now)


class Person:
    """Ana, of whom we hear first at `now`. Each commit goes through the codec, as in the product.

    What is live are the definitions, or what stands on a shelf that several people share.
    """

    def __init__(
        self,
        *definitions: Mapping[str, Any],
        now: str = "2026-11-02T09:00:00Z",
        contact_id: str = "contact-ana",
        shelf: Shelf | None = None,
        **attributes: Any,
    ) -> None:
        self.shelf = shelf or publish(*definitions)
        self.book = self.shelf.book
        self.now = parse_instant(now)
        self.contact: Contact = begin(contact_id, self.book, self.now)
        self.contact.identities["email:ana@example.com"] = self.now
        self.contact.identities["phone:+34600000000"] = self.now
        self.events: list[Event] = []
        self.messages: list[Message] = []
        self.decisions: list[Decision] = []
        self.caused: list[Event] = []
        if attributes:
            self.is_(**attributes)

    def fold(self, event: Event) -> "Person":
        history = self.events if needs_history(self.contact, self.book) else None
        outcome = fold(self.contact, event, self.book, self.now, history=history)
        if event.name != names.WAKE:
            self.events.append(event)
        self.hear(outcome)
        self.messages += outcome.messages
        self.decisions += outcome.decisions
        self.caused += outcome.caused
        self.events += outcome.caused
        stored = outcome.contact
        self.contact = decode_contact(
            stored.contact_id, 1, encode_contact(stored), created_at=stored.created_at, wake_at=stored.wake_at
        )
        return self

    def hear(self, outcome: Outcome) -> None:
        """What a test may want to know besides."""

    def does(self, name: str, /, *, ago: float = 0.0, trusted: bool = True, **properties: Any) -> "Person":
        """Something happens now, or so many seconds ago."""
        time = self.now - ago
        event = Event(f"event-{len(self.events)}", name, time, time, trusted=trusted, properties=properties)
        return self.fold(event)

    def is_(self, **attributes: Any) -> "Person":
        """These become known of her; None takes one away."""
        event = Event(
            f"event-{len(self.events)}", names.IDENTIFIED, self.now, self.now, trusted=True, attributes=attributes
        )
        return self.fold(event)

    def opens(self, step: str, name: str = names.EMAIL_OPENED, /, **properties: Any) -> "Person":
        """She opens the latest message of a step."""
        message = next(m for m in reversed(self.messages) if m.step == step)
        return self.does(name, message_id=message.message_id, actor="human", **properties)

    def clicks(self, step: str, url: str = "https://example.com") -> "Person":
        return self.opens(step, names.EMAIL_CLICKED, url=url)

    def until(self, instant: str | float) -> "Person":
        """Time passes; the contact is woken whenever its timer rings."""
        target = parse_instant(instant) if isinstance(instant, str) else instant
        while self.contact.wake_at is not None and self.contact.wake_at <= target:
            self.now = max(self.now, self.contact.wake_at)
            self.wake()
        self.now = target
        return self

    def passes(self, duration: str) -> "Person":
        return self.until(self.now + parse_duration(duration))

    def wake(self) -> "Person":
        """A wake now, whether or not anything is due."""
        return self.fold(Event(f"wake-{self.now}", names.WAKE, self.now, self.now))

    @property
    def sent(self) -> list[tuple[str, str]]:
        """(step, when) of every message that may leave, to the minute in UTC."""
        return [(m.step, format_instant(m.created_at)[:16]) for m in self.messages if m.state == "queued"]

    @property
    def steps(self) -> list[str]:
        return [step for step, _ in self.sent]

    def why(self, definition: str) -> list[tuple[str, str]]:
        """(verdict, because) of every decision of a definition."""
        return [(d.verdict, d.because) for d in self.decisions if d.definition.partition("@")[0] == definition]
