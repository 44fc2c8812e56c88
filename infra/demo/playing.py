"""Plays a history: the product's own use cases, over memory, at the times at which it all happened.

Visits come in, are folded, timers ring, messages are rendered and taken by a channel that sends nothing, and what
people do with them comes back. People do not meet, so each life is played by itself, from its first visit to now. What
it has come to is what production would hold if all of it had happened there.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from email import message_from_bytes
from functools import partial
from heapq import heappop, heappush
from typing import Any, NamedTuple, cast

from demo import memory
from demo.broadcasting import Mailings
from demo.history import Person, Visit, make_history, make_strays, react
from postroad import demo
from postroad.book import Book, compile_book
from postroad.contacts.contact import Contact
from postroad.content.links import Open, Signer, Unsubscribe
from postroad.content.rendering import CompiledMessage, compile_message_template
from postroad.definitions import Publication
from postroad.sending.feedback import Feedback
from postroad.sending.messages import BOUNCED, COMPLAINED, DELIVERED, SENT, Message
from postroad.tracking.packing import pack
from postroad.tracking.wire import Request, Source, read_events
from postroad_aws.ports import Ports, Templates
from postroad_aws.usecases.collect_events import DoorPorts
from postroad_aws.usecases.process_events import Delivery, process_events
from postroad_aws.usecases.record_engagement import Fetched, record_click, record_open
from postroad_aws.usecases.record_feedback import record_feedback
from postroad_aws.usecases.refuse import unsubscribe
from postroad_aws.usecases.send_message import send_message
from postroad_aws.usecases.wake_contacts import wake_event

SOURCE = Source(demo.SOURCE, trusted=True)
# What is queued later than this before the end is really sent, so that there are mails in the inbox at once.
STILL_TO_SEND = 20 * 60.0

_BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36"
_HEADERS = {"user-agent": _BROWSER}

Act = Callable[[], object]


class Shop(NamedTuple):
    """What all lives share: the published brand, and what makes ids and links."""

    book: Book
    templates: Templates
    contact_key: bytes
    signer: Signer
    base_url: str


def open_shop(plan: Publication, contact_key: bytes, signer: Signer, base_url: str) -> Shop:
    """The shop as it is once that plan has been published."""
    return Shop(compile_book(plan.manifest, plan.versions), _Templates(plan), contact_key, signer, base_url)


def play_history(shop: Shop, now: float) -> Iterator["World"]:
    """Each life from its first visit until now, the broadcasts that went to them, and what belongs to nobody."""
    mailings = Mailings(World(shop))
    mailings.begin(now)
    messages: list[Message] = []
    for person in make_history(now):
        world = play_life(shop, person, now, mailings)
        messages += world.messages.items.values()
        yield world
    mailings.count(messages)
    yield mailings.office
    yield play_strays(shop, make_strays(now))


def play_life(shop: Shop, person: Person, until: float, mailings: Mailings | None = None) -> "World":
    """One person's life until then, with the broadcasts that went to them."""
    life = _Life(shop, person, until)
    if mailings:
        for run in mailings.list_runs():
            life.plan(run.events_at, partial(mailings.address, run, life.world))
    return life.run()


def play_strays(shop: Shop, visits: Sequence[Visit]) -> "World":
    """What belongs to nobody's life."""
    world = World(shop)
    for visit in visits:
        world.clock.at = visit.received
        world.collect(visit)
        world.fold()
    return world


class _Templates:
    """The templates of a publication, compiled once."""

    def __init__(self, plan: Publication) -> None:
        self.versions = plan.versions
        self.compiled: dict[tuple[str, int], CompiledMessage] = {}

    def get_template(self, template_id: str, version: int) -> CompiledMessage:
        name = template_id, version
        if name not in self.compiled:
            self.compiled[name] = compile_message_template(self.versions["template", template_id, version])
        return self.compiled[name]


class World:
    """The product in this process, over memory. What happens in it lies in its ports."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.clock = memory.Clock()
        self.messages = memory.Messages(self.clock)
        self.quarantine = memory.Quarantine()
        self.contacts = memory.Contacts(self.clock, self.messages, self.quarantine)
        self.timeline = memory.Timeline()
        self.accounts = memory.Accounts()
        self.refusals = memory.Refusals()
        self.queues = memory.Queues(self.messages)
        self.post = memory.Post([])
        self.drafts, self.broadcasts = memory.Drafts(), memory.Broadcasts()
        # The ports that no use case of a history touches are left out.
        parts: dict[str, Any] = {
            "contacts": self.contacts,
            "timeline": self.timeline,
            "accounts": self.accounts,
            "messages": self.messages,
            "tasks": None,
            "refusals": self.refusals,
            "quarantine": self.quarantine,
            "books": memory.Books(shop.book),
            "templates": shop.templates,
            "catalogue": None,
            "holds": memory.Holds(),
            "queues": self.queues,
            "channels": {"email": self.post, "sms": self.post},
            "clock": self.clock,
            "ids": memory.Ids(),
            "runs": None,
        }
        self.ports = Ports(**parts, contact_key=shop.contact_key, signer=shop.signer, base_url=shop.base_url)
        self.door = DoorPorts(keys=cast(Any, None), queues=self.queues, clock=self.clock)

    def collect(self, visit: Visit) -> None:
        accepted = read_events(Request(visit.calls, None, False, ()), SOURCE, self.clock.at)
        self.queues.send_events(pack(accepted.events, accepted.rejects))

    def fold(self) -> None:
        """Fold all that is on the queue of events. Raises RuntimeError when something would have to come again."""
        while self.queues.events:
            message = self.queues.events.popleft()
            if process_events(self.ports, [Delivery("", message.group, message.body)]):
                raise RuntimeError("an event of the history could not be folded")


class _Life:
    """One person's life: an agenda of what happens when, which grows as things happen."""

    def __init__(self, shop: Shop, person: Person, until: float) -> None:
        self.world, self.profile, self.until = World(shop), person.profile, until
        self.agenda: list[tuple[float, int, Act]] = []
        self.planned = 0
        for visit in person.visits:
            self.plan(visit.received, partial(self.world.collect, visit))

    def plan(self, at: float, act: Act) -> None:
        self.planned += 1
        heappush(self.agenda, (at, self.planned, act))

    def run(self) -> World:
        """Live until then, and return the world that this life has made."""
        world = self.world
        while self.agenda and self.agenda[0][0] <= self.until:
            at, _, act = heappop(self.agenda)
            world.clock.at = max(world.clock.at, at)
            act()
            world.fold()
            for contact_id in world.contacts.touched:
                self.plan_wake(contact_id)
            world.contacts.touched.clear()
            for leaves, message_id in world.messages.queued:
                if leaves < self.until - STILL_TO_SEND:
                    self.plan(leaves + 2.0, partial(self.send, message_id))
            world.messages.queued.clear()
        return world

    # Timers

    def plan_wake(self, contact_id: str) -> None:
        contact = self.world.contacts.items[contact_id]
        if isinstance(contact, Contact) and contact.wake_at is not None:
            # The clock ticks each minute.
            tick = max(contact.wake_at, self.world.clock.at) // 60 * 60 + 61
            self.plan(tick, partial(self.wake, contact_id, contact.wake_at))

    def wake(self, contact_id: str, armed: float) -> None:
        contact = self.world.contacts.items[contact_id]
        if isinstance(contact, Contact) and contact.wake_at == armed:
            self.world.queues.send_events(pack([wake_event(contact_id, armed)]))

    # Messages

    def send(self, message_id: str) -> None:
        world = self.world
        if send_message(world.ports, message_id) != SENT:
            return
        message = world.messages.items[message_id]
        if message.channel != "email":
            return
        habits = self.profile.habits
        if habits.bounces:
            self.plan(world.clock.at + 4, partial(self.report, message_id, BOUNCED, "bounced (General)"))
            return
        self.plan(world.clock.at + 3, partial(self.report, message_id, DELIVERED))
        mail = world.post.taken[0].raw
        acts: dict[str, Act] = {
            "open": partial(self.open, message_id),
            "click": partial(self.click, message_id, mail),
            "unsubscribe": partial(self.unsubscribe, message_id),
            "complain": partial(self.report, message_id, COMPLAINED, "reported as spam"),
        }
        for reaction in react(self.profile, message.template):
            self.plan(world.clock.at + reaction.after, acts[reaction.what])

    def report(self, message_id: str, state: str, reason: str = "") -> None:
        """SES says what became of a mail."""
        world = self.world
        message = world.messages.items[message_id]
        refused = (message.address,) if reason and message.address else ()
        record_feedback(
            world.ports, Feedback(message_id, state, world.clock.at, str(message.provider_id), reason, refused)
        )

    def open(self, message_id: str) -> None:
        world = self.world
        link = Open(message_id, world.messages.items[message_id].contact_id)
        record_open(world.door, world.shop.signer, world.shop.signer.sign(link), Fetched("GET", _HEADERS))

    def click(self, message_id: str, mail: bytes) -> None:
        """Follow the first link in the mail, as it stands there."""
        page = next(part for part in message_from_bytes(mail).walk() if part.get_content_type() == "text/html")
        if found := re.search(rb'href="[^"]*/c/([^"]+)"', cast(bytes, page.get_payload(decode=True))):
            record_click(self.world.door, self.world.shop.signer, found[1].decode(), Fetched("GET", _HEADERS))

    def unsubscribe(self, message_id: str) -> None:
        world = self.world
        message = world.messages.items[message_id]
        link = Unsubscribe(message.contact_id, message.channel, message.topic, message_id)
        unsubscribe(world.ports, link, {"how": "page"})
