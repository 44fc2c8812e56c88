"""A whole account on moto, for tests of use cases and functions: the template's tables, queues, channels and keys."""

import json
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from moto import mock_aws

from demo.documents import load_definitions
from postroad.book import Manifest, compile_book
from postroad.contacts.contact import Contact
from postroad.contacts.identities import Identity, contact_id_of, find_identity
from postroad.definitions import Publication, plan_publication
from postroad.events import Event
from postroad.sending.messages import Message
from postroad.sending.quotas import Quota
from postroad.tracking.packing import pack, unpack
from postroad_aws import books, clock, holds, links, quotas, templates, wiring
from postroad_aws.clients import forget_clients, get_client
from postroad_aws.ports import Accepted, Ports, Refused, Unclear
from postroad_aws.settings import settings
from postroad_aws.storage import contacts, definitions, keys, messages, quarantine, timeline
from postroad_aws.usecases.find_contact import find_owner
from postroad_aws.usecases.process_events import Delivery, process_events
from tests.quick_moto import backend, hasten

ANA = "ana.marker@example.com"
PHONE = "+351912345678"
ROLES = "arn:aws:iam::123456789012:role"
REBUILD = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}


def demo_publication() -> Publication:
    """The demo brand, ready to be stored."""
    return plan_publication(load_definitions(), compile_book(Manifest(), {}), {})


class Channel:
    """A channel whose answers the test decides; the last one goes on. What it was given is in `sent`."""

    def __init__(self, *answers: Accepted | Refused | Unclear | Exception) -> None:
        self.answers = list(answers) or [Accepted("provider-1")]
        self.sent: list[Any] = []

    def send(self, envelope: Any, /) -> Accepted | Refused | Unclear:
        self.sent.append(envelope)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Account:
    """What a test does to the account, and what it finds there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, clock_file: Path) -> None:
        self._clock_file = clock_file
        self._numbers = count(1)
        # moto does not know what SES says of its quota.
        self.quota: Quota | None = None
        monkeypatch.setattr(quotas, "find_quota", lambda channel: self.quota)
        # Straight into what moto keeps: as calls, these would take longer than most tests.
        fifo = {"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
        self.events_queue = _make_queue("events.fifo", **fifo)
        self.sends_queue, self.dead_letters = _make_queue("sends"), _make_queue("dead-letters")
        backend("ses").create_email_identity_v2("tidewater.example", None, None, None)
        backend("ses").create_configuration_set_v2("ConfigurationSet", {}, {}, {}, {}, [], {}, {})
        self.machine, self.broadcast_machine, self.removal_machine, self.privacy_machine = (
            backend("stepfunctions").create_state_machine(name, json.dumps(REBUILD), f"{ROLES}/{name}").arn
            for name in ("rebuild", "broadcast", "removal", "privacy")
        )
        backend("scheduler").create_schedule_group("broadcasts", [])
        for name, value in {
            "EVENTS_QUEUE_URL": self.events_queue,
            "SENDS_QUEUE_URL": self.sends_queue,
            "DEAD_LETTERS_URL": self.dead_letters,
            "CONFIGURATION_SET": "ConfigurationSet",
            "REBUILD_STATE_MACHINE_ARN": self.machine,
            "BROADCAST_STATE_MACHINE_ARN": self.broadcast_machine,
            "REMOVAL_STATE_MACHINE_ARN": self.removal_machine,
            "EXPORT_STATE_MACHINE_ARN": self.privacy_machine,
            "ERASURE_STATE_MACHINE_ARN": self.privacy_machine,
            "IMPORT_STATE_MACHINE_ARN": self.privacy_machine,
            "BROADCAST_SCHEDULES": "broadcasts",
            "BROADCAST_SCHEDULE_ROLE_ARN": f"{ROLES}/schedules",
            "DEAD_LETTERS_ARN": "arn:aws:sqs:us-east-1:123456789012:dead-letters",
            "BASE_URL": "https://post.tidewater.example",
            "POSTROAD_CLOCK": str(clock_file),
        }.items():
            monkeypatch.setenv(name, value)
        forget()

    @property
    def ports(self) -> Ports:
        return wiring.production()

    def with_channels(self, **channels: Channel) -> Ports:
        return replace(self.ports, channels=channels)

    # Time

    def now(self) -> float:
        return clock.now()

    def advance(self, seconds: float) -> None:
        offset = float(self._clock_file.read_text() or 0) if self._clock_file.exists() else 0.0
        self._clock_file.write_text(str(offset + seconds))

    # Events

    def event(self, name: str, /, *who: Identity | str, **properties: Any) -> Event:
        """An event of this very moment; `who` are identities ("email:…"), `attributes` go in by that name."""
        identities = tuple(to_identity(identity) for identity in who)
        attributes = properties.pop("attributes", {})
        now = self.now()
        return Event(
            f"event-{next(self._numbers)}",
            name,
            now,
            now,
            identities=identities,
            trusted=True,
            source="demo-server",
            attributes=attributes,
            properties=properties,
        )

    def fold(self, *events: Event) -> None:
        """Fold events as the events queue would bring them."""
        deliveries = [Delivery(f"receipt-{n}", m.group, m.body) for n, m in enumerate(pack(events))]
        assert process_events(self.ports, deliveries) == []

    def arrived(self) -> list[Event]:
        """The events that came onto the events queue since the last look."""
        found: list[Event] = []
        for body in receive(self.events_queue):
            found += unpack(body).events
        return found

    def fold_arrived(self) -> list[Event]:
        events = self.arrived()
        self.fold(*events)
        return events

    def sends(self) -> list[str]:
        """The message ids that came onto the sends queue since the last look."""
        return receive(self.sends_queue)

    # What is stored

    def contact_id(self, identity: Identity | str) -> str:
        return contact_id_of(to_identity(identity), keys.derive_key("contacts"))

    def contact(self, identity: Identity | str) -> Contact:
        found = find_owner(contacts, to_identity(identity), keys.derive_key("contacts"))
        assert found is not None
        return found

    def messages(self, identity: Identity | str) -> dict[str, Message]:
        """A contact's messages by step."""
        contact = self.contact(identity)
        page = messages.list_by_contact((contact.contact_id, *contact.merged_from))
        return {message.step: message for message in page.items}

    def names(self, identity: Identity | str) -> list[str]:
        """The names of what stands in a contact's timeline, the oldest first."""
        contact = self.contact(identity)
        rows = timeline.list_rows((contact.contact_id, *contact.merged_from), newest_first=False).items
        return [row.event.name for row in rows]

    def rejects(self) -> list[Any]:
        return list(quarantine.list_rejects(self.now()).items)

    def sign_up(self, address: str = ANA, **attributes: Any) -> Message:
        """Somebody signs up; the welcome mail that this queues."""
        self.fold(self.event("Signed Up", f"email:{address}", attributes={"email": address, **attributes}))
        return self.messages(f"email:{address}")["welcome"]


def to_identity(identity: Identity | str) -> Identity:
    if isinstance(identity, Identity):
        return identity
    kind, _, value = identity.partition(":")
    found = find_identity(kind, value)
    assert found is not None
    return found


def receive(url: str) -> list[str]:
    """The bodies that wait on a queue, taken off it, those that are delayed too."""
    sqs = get_client("sqs")
    bodies = []
    while answer := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in answer:
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def _make_queue(name: str, **attributes: str) -> str:
    queue = backend("sqs").create_queue(name, None, **attributes)
    return str(queue.url(urlsplit(get_client("sqs").meta.endpoint_url)))


def waiting(url: str) -> tuple[int, int]:
    """How many messages of a queue may be received now, and how many are delayed."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
    found = get_client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return int(found[names[0]]), int(found[names[1]])


def forget() -> None:
    """What a process remembers of an account."""
    settings.cache_clear()
    wiring.production.cache_clear()
    wiring.keyless.cache_clear()
    wiring.broadcast_ports.cache_clear()
    wiring.run_ports.cache_clear()
    wiring.privacy_ports.cache_clear()
    links.forget()
    templates.get_template.cache_clear()
    keys.forget_keys()
    books.forget()
    holds.forget()


@pytest.fixture(scope="session")
def clients() -> Iterator[None]:
    """Clients outlive the accounts: making them costs more than a test. moto answers whichever account is open."""
    hasten()
    forget_clients()
    yield
    forget_clients()


def make_tables(table_properties: Mapping[str, Mapping[str, Any]]) -> None:
    """Every table of the template, empty."""
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    for name, properties in table_properties.items():
        parts = {key: properties[key] for key in wanted if key in properties}
        get_client("dynamodb").create_table(TableName=name, **parts)


_tables: dict[str, bytes] = {}


def open_tables(name: str, fill: Callable[[], None]) -> None:
    """The tables as `fill` leaves them; done once, then copied inside moto, which is a hundred times as fast."""
    kept = backend("dynamodb")
    if name not in _tables:
        fill()
        _tables[name] = pickle.dumps(kept.tables)
    kept.tables = pickle.loads(_tables[name])
    forget()


@pytest.fixture
def bare_account(
    clients: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    template: dict[str, Any],
    table_properties: dict[str, dict[str, Any]],
) -> Iterator[Account]:
    """An account in which nothing has been published."""
    for name, value in template["Globals"]["Function"]["Environment"]["Variables"].items():
        monkeypatch.setenv(name, value["Ref"])

    def fill() -> None:
        make_tables(table_properties)
        keys.create_stack_secret(b"s" * 32)
        keys.save_key("demo-api-key", keys.Key("api", "demo-api", trusted=True))
        keys.save_key("demo-write-key", keys.Key("write", "demo-server", trusted=True))

    with mock_aws():
        made = Account(monkeypatch, tmp_path / "clock")
        open_tables("bare", fill)
        yield made
    forget()


@pytest.fixture
def account(bare_account: Account) -> Account:
    """An account in which the demo brand is live."""

    def fill() -> None:
        publication = demo_publication()
        definitions.publish(publication.versions, publication.manifest, bare_account.now())

    open_tables("demo", fill)
    return bare_account


def lambda_context(remaining: int = 30_000) -> Any:
    """What Lambda hands over beside the event; `remaining` are milliseconds."""
    return SimpleNamespace(
        get_remaining_time_in_millis=lambda: remaining, aws_request_id="1", function_name="f", memory_limit_in_mb=256
    )


def records(bodies: Sequence[str], groups: Sequence[str] = ()) -> dict[str, Any]:
    """A batch as an SQS event source hands it over; receipts are r0, r1, …"""
    return {
        "Records": [
            {"messageId": f"r{n}", "body": body, "attributes": {"MessageGroupId": groups[n] if groups else f"g{n}"}}
            for n, body in enumerate(bodies)
        ]
    }


def ses_event(message: Message, kind: str, part: Mapping[str, Any], at: str = "2026-11-02T09:14:00.000Z") -> Any:
    """What EventBridge brings of SES about a message."""
    from postroad.sending.feedback import tag_of

    tags = {"message_id": [tag_of(message.message_id)], "ses:configuration-set": ["ConfigurationSet"]}
    mail = {"timestamp": at, "messageId": "ses-1", "tags": tags, "destination": [ANA]}
    names = {"Send": "Email Sent", "Delivery": "Email Delivered", "Bounce": "Email Bounced"}
    return {
        "source": "aws.ses",
        "detail-type": names.get(kind, f"Email {kind}"),
        "detail": {"eventType": kind, "mail": mail, kind.lower(): {"timestamp": at, **part}},
    }
