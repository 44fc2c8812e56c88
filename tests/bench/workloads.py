"""The workloads: what people of the demo brand send, and what the product makes of it.

Everybody here has a past, told by the product's own handlers: four days ago they signed up, looked around and put
something into the cart; the cart journey ran to its end, the welcome mail was opened, and the welcome journey waits for
a first purchase. Each round sends the same kinds of events to the same people, half an hour after the last round.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from postroad.contacts.identities import Identity, contact_id_of
from postroad.events import EMAIL_OPENED, Event
from postroad.instants import format_instant
from postroad.sending.feedback import tag_of
from postroad.tracking.packing import pack
from postroad_aws import clock, queues
from tests.bench.cloud import WRITE_KEY, Stack
from tests.bench.meter import Meter
from tests.bench.prices import Usage

HOUR, DAY = 3600.0, 86400.0
PAST = 4 * DAY
BETWEEN_ROUNDS = 1800.0
EVENTS_IN_REQUEST = 20

A_REQUESTS, B_REQUESTS, C_REQUESTS, TWENTY_REQUESTS, QUIET_REQUESTS = 10, 10, 100, 5, 25
IDENTIFIES = 40
MESSAGES = 40
# What Lambda's poller hands over when more than that wait.
BATCH = 10
# The tables whose streams are counted, how much of one at once, and how many events come in the ten seconds in which
# Lambda gathers a batch: ten a second. Queue batches of five mean far more.
STREAMS = ("MEMBERSHIPS_TABLE", "MESSAGES_TABLE")
STREAM_BATCH = 500
WINDOW_EVENTS = 100
# Who takes part in what; nobody in two workloads, so that no round finds somebody busier than the last one did.
CAST = {
    "A": A_REQUESTS,
    "B": 4 * B_REQUESTS,
    "C": C_REQUESTS,
    "twenty_people": 20 * TWENTY_REQUESTS,
    "C_quiet": QUIET_REQUESTS,
}
PEOPLE = sum(CAST.values())
PAGES = ("/", "/coffee", "/coffee/kenya", "/sampler", "/about", "/grinder", "/brewing/v60", "/cart")
AGENT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Safari/605.1.15"
)


class Run(NamedTuple):
    """What one round of one workload used."""

    units: int  # events, identifies or messages
    usages: dict[str, Usage]
    http_requests: int


class Person(NamedTuple):
    number: int
    cohort: str

    @property
    def user(self) -> str:
        return f"{self.cohort}-{self.number}"

    @property
    def email(self) -> str:
        return f"{self.user}@example.com"

    def call(self, type_: str, serial: str, time: float, **content: Any) -> dict[str, Any]:
        """One call as a browser's SDK writes it."""
        path = PAGES[(self.number + len(serial)) % len(PAGES)]
        return {
            "type": type_,
            "messageId": f"{self.user}-{serial}",
            "anonymousId": f"{self.number:08x}-5c4b-4a7e-9d21-{self.cohort.encode().hex()[:12]:0<12}",
            "userId": self.user,
            "timestamp": format_instant(time),
            "context": {
                "library": {"name": "analytics.js", "version": "2.11.1"},
                "locale": "en-GB",
                "userAgent": AGENT,
                "page": {
                    "path": path,
                    "url": f"https://tidewater.example{path}",
                    "title": "Tidewater Coffee",
                    "referrer": "",
                },
            },
            **content,
        }

    def identify(self, serial: str, time: float, **traits: Any) -> dict[str, Any]:
        known = {"email": self.email, "first_name": "Ana", "last_name": "Moreira", "country": "PT", "plan": "free"}
        more = {"company": "Harbour Studio", "company_size": 6, "role": "designer", "timezone": "Europe/Lisbon"}
        return self.call("identify", serial, time, traits={**known, **more, **traits})

    def look(self, serial: str, number: int, time: float) -> dict[str, Any]:
        """Mostly pages, some products, a search."""
        if number % 10 == 7:
            return self.call("track", serial, time, event="Products Searched", properties={"query": "light roast"})
        if number % 3 == 2:
            return self.call("track", serial, time, event="Product Viewed", properties=_product(number))
        path = PAGES[(self.number + number) % len(PAGES)]
        page = {"path": path, "url": f"https://tidewater.example{path}", "title": "Tidewater Coffee", "referrer": ""}
        return self.call("page", serial, time, properties=page)

    def add_to_cart(self, serial: str, time: float) -> dict[str, Any]:
        return self.call("track", serial, time, event="Product Added", properties={**_product(3), "quantity": 1})


def _product(number: int) -> dict[str, Any]:
    return {
        "product_id": f"p-{number}",
        "sku": f"TW-{number:04d}",
        "name": "Kenya Nyeri, 250 g",
        "price": 12.5,
        "currency": "EUR",
    }


def _people() -> dict[str, list[Person]]:
    numbers = iter(range(PEOPLE))
    return {name: [Person(next(numbers), "warm") for _ in range(size)] for name, size in CAST.items()}


class Bench:
    """The workloads on one stack."""

    def __init__(self, stack: Stack, meter: Meter) -> None:
        from functions.collect import app as collect
        from functions.count_stats import app as count_stats
        from functions.process_events import app as process_events
        from functions.record_feedback import app as record_feedback
        from functions.relay_messages import app as relay_messages
        from functions.send_message import app as send_message
        from functions.wake_contacts import app as wake_contacts

        self.stack, self.meter = stack, meter
        self.handlers = {
            "collect": collect.handler,
            "count_stats": count_stats.handler,
            "process_events": process_events.handler,
            "relay_messages": relay_messages.handler,
            "send_message": send_message.handler,
            "record_feedback": record_feedback.handler,
            "wake_contacts": wake_contacts.handler,
        }
        self.offset = 0.0
        self.people = _people()

    # The parts of the loop

    def run(self, function: str, event: Any) -> Any:
        return self.meter.run(function, self.handlers[function], event)

    def post(self, calls: Sequence[dict[str, Any]]) -> None:
        """One HTTP request."""
        body = {"batch": calls, "sentAt": format_instant(clock.now())}
        self.run("collect", http_event("/v1/batch", body))

    def fold(self, most: int) -> bool:
        """One batch of the events queue, if there is something."""
        records = self.stack.receive("EVENTS_QUEUE_URL", most)
        if records:
            self.run("process_events", {"Records": records})
            self.meter.poll("process_events", fifo=True)
        return bool(records)

    def fold_all(self, most: int = 10) -> None:
        while self.fold(most):
            pass

    def wake(self) -> None:
        """One tick of the clock, and the fold of whom it woke."""
        self.run("wake_contacts", {"time": format_instant(clock.now())})
        self.fold_all()

    def count(self) -> None:
        """One batch of each table's stream, if it has something: what a window has gathered."""
        self.meter.usage("count_stats")
        for table in STREAMS:
            records = self.stack.read_stream(table)
            for start in range(0, len(records), STREAM_BATCH):
                self.run("count_stats", {"Records": records[start : start + STREAM_BATCH]})

    def pass_window(self, events: int) -> None:
        """Count when so many events have filled a window."""
        if events % WINDOW_EVENTS == 0:
            self.count()

    def contact_id(self, person: Person) -> str:
        from postroad_aws.wiring import production

        return contact_id_of(Identity("user", person.user), production().contact_key)

    # The past

    def at(self, offset: float) -> None:
        self.offset = offset
        self.stack.move_clock(offset)

    def tell_the_past(self) -> None:
        everybody = [person for cohort in self.people.values() for person in cohort]
        self.at(-PAST)
        for person in everybody:
            now = clock.now()
            first = [person.look(f"past-{number}", number, now) for number in range(36)]
            signed = person.call("track", "past-signed-up", now, event="Signed Up", properties={"method": "email"})
            self.post([person.identify("past-identify", now), signed, *first, person.add_to_cart("past-cart", now)])
        self.fold_all()
        for offset in (HOUR + 60, 2 * HOUR, 2 * DAY + HOUR + 120, 3 * DAY + 180):
            self.at(-PAST + offset)
            if offset == 2 * HOUR:
                self.open_welcome(everybody)
            self.wake()
            self.wake()
        self.at(0.0)
        self.wake()

    def open_welcome(self, people: Sequence[Person]) -> None:
        for person in people:
            contact_id = self.contact_id(person)
            for item in self.messages_of(contact_id):
                if item.endswith(".welcome"):
                    now = clock.now()
                    properties = {"message_id": item, "actor": "human"}
                    opened = Event(
                        f"open-{item}",
                        EMAIL_OPENED,
                        now,
                        now,
                        contact_id=contact_id,
                        trusted=True,
                        properties=properties,
                    )
                    queues.send_events(pack([opened]))
        self.fold_all()

    def messages_of(self, contact_id: str) -> list[str]:
        answer = self.stack.client("dynamodb").query(
            TableName=self.stack.environment["MESSAGES_TABLE"],
            IndexName="contact",
            KeyConditionExpression="contact_id = :contact_id",
            ExpressionAttributeValues={":contact_id": {"S": contact_id}},
        )
        return [item["message_id"]["S"] for item in answer["Items"]]

    # A round

    def rounds(self, number: int, *, counting: bool) -> Iterator[tuple[str, Run]]:
        """Every workload once, with what it used."""
        from postroad_aws import books

        self.stack.enter()
        self.at(number * BETWEEN_ROUNDS)
        self.meter.start(counting=False)
        self.post([Person(0, "warmup").call("page", f"r{number}", clock.now(), properties={"path": "/"})])
        self.fold_all()
        self.wake()  # who had put something into the cart in the last round
        self.count()
        for name in ("A", "B", "C", "twenty_people", "C_quiet"):
            books.current()
            self.meter.start(counting=counting)
            events, requests = getattr(self, f"send_{name.lower()}")(number)
            self.count()
            yield name, Run(events, self.meter.usages, requests)
        yield from self.identify(number, counting=counting)
        yield "messages", self.send_messages(number, counting=counting)

    def events_of(self, name: str, place: int, number: int, count: int) -> list[dict[str, Any]]:
        """What the person at this place sends in a round.

        A few put something into the cart, each once in a bench: that starts a journey, enters a segment and arms the
        timer, in a transaction. It is 0.5 % of the events in workload A, 2 % in B, and 4 % in those of single events.
        """
        person, now = self.people[name][place], clock.now()
        calls = [person.look(f"r{number}-{each}", each + place, now) for each in range(count)]
        every = 10 if count > 1 else 25
        if place % every == number % every:
            calls[-1] = person.add_to_cart(f"r{number}-cart", now)
        return calls

    def send_a(self, number: int) -> tuple[int, int]:
        for place in range(A_REQUESTS):
            self.post(self.events_of("A", place, number, EVENTS_IN_REQUEST))
            self.fold(10)
            self.pass_window(EVENTS_IN_REQUEST * (place + 1))
        return A_REQUESTS * EVENTS_IN_REQUEST, A_REQUESTS

    def send_b(self, number: int) -> tuple[int, int]:
        for request in range(B_REQUESTS):
            calls = [self.events_of("B", 4 * request + each, number, EVENTS_IN_REQUEST // 4) for each in range(4)]
            self.post([call for turn in zip(*calls, strict=True) for call in turn])
            self.fold(10)
            self.pass_window(EVENTS_IN_REQUEST * (request + 1))
        return B_REQUESTS * EVENTS_IN_REQUEST, B_REQUESTS

    def send_c(self, number: int) -> tuple[int, int]:
        for place in range(C_REQUESTS):
            self.post_one(self.events_of("C", place, number, 1)[0])
            if place % 5 == 4:
                self.fold(5)
        return C_REQUESTS, C_REQUESTS

    def send_twenty_people(self, number: int) -> tuple[int, int]:
        for request in range(TWENTY_REQUESTS):
            self.post([self.events_of("twenty_people", 20 * request + each, number, 1)[0] for each in range(20)])
            self.fold(10)
            self.fold(10)
        return 20 * TWENTY_REQUESTS, TWENTY_REQUESTS

    def send_c_quiet(self, number: int) -> tuple[int, int]:
        """So quiet that what a process remembers of keys and of the book is too old each time."""
        from postroad_aws import books
        from postroad_aws.storage import keys

        for place in range(QUIET_REQUESTS):
            keys._cache.clear()
            books._checked = 0.0
            self.post_one(self.events_of("C_quiet", place, number, 1)[0])
            self.fold(1)
        return QUIET_REQUESTS, QUIET_REQUESTS

    def post_one(self, call: dict[str, Any]) -> None:
        self.run("collect", http_event(f"/v1/{call['type']}", call))

    def identify(self, number: int, *, counting: bool) -> Iterator[tuple[str, Run]]:
        """Somebody new, twenty in a request, and then the same with one trait changed."""
        people = [Person(each, f"new{number}") for each in range(IDENTIFIES)]
        for name, plan in (("identifies_new", "free"), ("identifies_known", "club")):
            self.meter.start(counting=counting)
            for start in range(0, IDENTIFIES, 20):
                self.post([person.identify(name, clock.now(), plan=plan) for person in people[start : start + 20]])
                self.fold(10)
                self.fold(10)
            self.count()
            yield name, Run(IDENTIFIES, self.meter.usages, IDENTIFIES // 20)

    def send_messages(self, number: int, *, counting: bool) -> Run:
        """From the message in the fold's commit to SES's word that it was delivered; the trigger itself is not counted.

        Of the commit, the message's part: its own row with the indexes, and the second half of the contact's price,
        because alone it would have been a plain write.
        """
        people = [Person(each, f"mail{number}") for each in range(MESSAGES)]
        self.meter.start(counting=False)
        for start in range(0, MESSAGES, 20):
            self.post([person.identify("identify", clock.now()) for person in people[start : start + 20]])
        self.fold_all()
        for person in people:
            self.post([person.call("track", "signed-up", clock.now(), event="Signed Up")])
        self.meter.start(counting=counting)
        self.fold_all(5)
        commits = self.meter.usages["process_events"].units_by_table
        messages, contacts = (self.stack.environment[f"{table}_TABLE"] for table in ("MESSAGES", "CONTACTS"))
        share = Usage(self.meter.memory["process_events"], write_units=commits[messages] + commits[contacts] / 2)

        # The messages' stream is left for later: what it says of a message in ten seconds is added up at once.
        self.stack.read_stream("MEMBERSHIPS_TABLE")
        self.meter.start(counting=counting)
        ids = [message for person in people for message in self.messages_of(self.contact_id(person))]
        assert len(ids) == MESSAGES, f"{len(ids)} messages of {MESSAGES} people"
        for start in range(0, MESSAGES, BATCH):
            self.run("relay_messages", stream_event(ids[start : start + BATCH]))
            records = self.stack.receive("SENDS_QUEUE_URL", BATCH)
            self.run("send_message", {"Records": records})
            self.meter.poll("send_message", fifo=False)
        for message_id in ids:
            for kind in ("Send", "Delivery"):
                self.run("record_feedback", ses_event(kind, message_id, clock.now()))
        self.count()
        if counting:
            self.check_delivered(ids)
        return Run(MESSAGES, {**self.meter.usages, "process_events": share}, 0)

    def queue_message(self) -> dict[str, Any]:
        """Have somebody new sign up; what the send function is then called with."""
        person = Person(0, f"first-{self.stack.name}")
        self.post(
            [person.identify("identify", clock.now()), person.call("track", "up", clock.now(), event="Signed Up")]
        )
        self.fold_all()
        self.run("relay_messages", stream_event(self.messages_of(self.contact_id(person))))
        return {"Records": self.stack.receive("SENDS_QUEUE_URL", 1)}

    def check_delivered(self, ids: Sequence[str]) -> None:
        for message_id in ids:
            answer = self.stack.client("dynamodb").get_item(
                TableName=self.stack.environment["MESSAGES_TABLE"], Key={"message_id": {"S": message_id}}
            )
            state = answer["Item"]["state"]["S"]
            assert state == "delivered", f"{message_id} is {state}: {answer['Item'].get('reason')}"


# What AWS would call the handlers with


def http_event(path: str, body: Any) -> dict[str, Any]:
    """An HTTP API's event, payload version 2.0."""
    credentials = base64.b64encode(f"{WRITE_KEY}:".encode()).decode()
    return {
        "version": "2.0",
        "routeKey": "POST /v1/{proxy+}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "authorization": f"Basic {credentials}",
            "content-type": "application/json",
            "host": "mail.tidewater.example",
            "user-agent": AGENT,
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "domainName": "mail.tidewater.example",
            "http": {"method": "POST", "path": path, "sourceIp": "192.0.2.1", "userAgent": AGENT},
            "stage": "$default",
        },
        "body": json.dumps(body, separators=(",", ":")),
        "isBase64Encoded": False,
    }


def stream_event(ids: Sequence[str]) -> dict[str, Any]:
    """What the messages table's stream says of new rows."""
    return {
        "Records": [
            {
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "dynamodb": {"Keys": {"message_id": {"S": each}}, "SequenceNumber": str(number)},
            }
            for number, each in enumerate(ids)
        ]
    }


def ses_event(kind: str, message_id: str, now: float) -> dict[str, Any]:
    """What SES says through EventBridge."""
    part = {"timestamp": format_instant(now)}
    tags = {"message_id": [tag_of(message_id)], "ses:configuration-set": ["bench"]}
    detail = {"eventType": kind, "mail": {"messageId": f"ses-{message_id}", "tags": tags, **part}, kind.lower(): part}
    return {"source": "aws.ses", "detail-type": f"Email {kind}", "detail": detail}
