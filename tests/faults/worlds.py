"""Worlds: a seed makes a few people, what they do, a book, and everything that goes wrong; then it runs.

A world drives the real use cases over the ports of `memory`, behind the network of `scheduler`. Faults stop at `calm`;
what is left then has some days to come to rest. What happened outside the product is written down as it happens (mails
that left, refusals that were confirmed, events that were accepted), for `invariants` to compare with what is stored.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from functools import cache
from io import StringIO
from typing import Any, NamedTuple
from zlib import crc32

from postroad import events as names
from postroad import stats
from postroad.book import Book
from postroad.commits import Commit, MembershipChange
from postroad.consent import confirmation
from postroad.contacts import ring
from postroad.contacts.contact import SHARDS
from postroad.contacts.identities import Identity, contact_id_of, group_of
from postroad.content.link_keys import LinkKey, make_signer
from postroad.content.links import Signer, Unsubscribe
from postroad.content.rendering import CompiledMessage, compile_message_template
from postroad.envelopes.email import Email
from postroad.events import Event
from postroad.instants import DAY
from postroad.policy import Policy
from postroad.sending.feedback import Feedback
from postroad.sending.messages import BOUNCED, COMPLAINED, DELIVERED, QUEUED, SENT, Message
from postroad.stats import Increments
from postroad.tracking.packing import PackingError, pack, unpack
from postroad_aws.ports import Accepted, Ports, Refused, Unclear
from postroad_aws.usecases import count_stats as counting
from postroad_aws.usecases import process_events as folding
from postroad_aws.usecases import rebuild_contacts as rebuilding
from postroad_aws.usecases import record_feedback as feedbacks
from postroad_aws.usecases import record_reply as replies
from postroad_aws.usecases import refuse
from postroad_aws.usecases import relay_messages as relaying
from postroad_aws.usecases import run_broadcast as running
from postroad_aws.usecases import send_message as sending
from postroad_aws.usecases import sweep_messages as sweeping
from postroad_aws.usecases import wake_contacts as waking
from tests.books import Shelf
from tests.faults import memory as memories
from tests.faults.broadcasting import Broadcasting
from tests.faults.companies import RULES, Companies
from tests.faults.erasing import Erasing
from tests.faults.preferring import LETTER, SERIES, Preferring, policy_with_letter
from tests.faults.scheduler import NO_FAULTS, Invocation, Loop, Throttled, draw_faults, wire
from tests.faults.troubles import Troubles, leave_out

START = 1_793_610_000.0  # 2026-11-02 09:00 UTC
HOUR = 3_600.0
TIMEOUT = 30.0
KEY = b"a key of the simulated stack 32b"
LINK_KEY = LinkKey("1", b"another key of the same stack 32")
BASE_URL = "https://go.example"
GARBAGE = '{"v": 1, "kind": "events", "events": [{"name": "cut'

POLICY = {
    "kind": "policy",
    "id": "policy",
    "name": "Shop",
    "from": "Shop <shop@example.com>",
    "postal_address": "1 High Street",
    "topics": [{"id": "news", "name": "News", "opt_in": False}, {"id": "offers", "name": "Offers", "opt_in": False}],
    "accounts": RULES,
}


def _template(template_id: str, topic: str) -> dict[str, Any]:
    about = {"kind": "template", "id": template_id, "name": template_id, "topic": topic}
    if template_id in TEXTS:
        return {**about, "channel": "sms", "text": "Hello. Reply STOP to end."}
    return {
        **about,
        "channel": "email",
        "subject": "Hello",
        "html": '<p>Hello</p><p><a href="{{ unsubscribe_url }}">No more</a> {{ account.postal_address }}</p>',
        "text": "Hello. No more: {{ unsubscribe_url }}",
    }


TEMPLATES = {"hello": "news", "nudge": "news", "offer": "offers", "thanks": "news", "ping": "offers"}
TEXTS = frozenset(("ping",))

SCORE = {
    "kind": "score",
    "id": "engagement",
    "name": "Engagement",
    "half_life": "P2D",
    "rules": [
        {"id": "page", "event": "Page Viewed", "points": 5},
        {"id": "order", "event": "Order Completed", "points": 20},
    ],
}
STAGES = {
    "kind": "stages",
    "id": "lifecycle",
    "name": "Lifecycle",
    "stages": [
        {"id": "lead", "if": {"event": "Signed Up", "at_least": 1}},
        {"id": "customer", "if": {"event": "Order Completed", "at_least": 1}},
    ],
}


def _segment(segment_id: str, predicate: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "segment", "id": segment_id, "name": segment_id, "if": predicate}


SEGMENTS = [
    _segment("active", {"event": "Page Viewed", "at_least": 2, "within": "PT6H"}),
    _segment("engaged", {"score": "engagement", "gte": 18}),
    _segment("strangers", {"attribute": "plan", "exists": False}),
    _segment("quiet", {"all": [{"not": {"segment": "active"}}, {"event": "Order Completed", "never": True}]}),
    _segment("regulars", {"event": "Page Viewed", "at_least": 4}),
    _segment("fans", {"all": [{"segment": "active"}, {"stage": "customer"}]}),
    _segment("spenders", {"event": "Order Completed", "sum": "total", "gte": 40, "within": "P1D"}),
    _segment("lapsed", {"event": "Page Viewed", "when": "last", "older_than": "PT8H"}),
    _segment("readers", {"message": "opened", "origin": "journey/welcome", "within": "PT12H"}),
]
LATER = _segment(
    "browsers",
    {
        "any": [
            {"event": "Page Viewed", "at_least": 3, "within": "P3D"},
            {"event": "Product Added", "at_least": 2, "within": "P1D"},
        ]
    },
)

WELCOME = {
    "kind": "journey",
    "id": "welcome",
    "name": "Welcome",
    "trigger": {"event": "Signed Up"},
    "reentry": "once",
    "goal": {"event": "Order Completed", "within": "P14D"},
    "steps": [
        {"id": "hello", "send": {"template": "hello", "channel": "email"}},
        {
            "id": "look",
            "wait": {
                "opened": "hello",
                "timeout": "PT8H",
                "then": [{"id": "offer", "send": {"template": "offer", "channel": "email"}}],
                "else": [
                    {"id": "mark", "update": {"set": {"quiet": True}}},
                    {"id": "rest", "wait": {"for": "PT2H"}},
                    {
                        "id": "which",
                        "branch": {
                            "cases": [
                                {"if": {"segment": "engaged"}, "then": [{"id": "more", "wait": {"for": "PT1H"}}]}
                            ],
                            "else": [{"id": "nudge", "send": {"template": "nudge", "channel": "email"}}],
                        },
                    },
                ],
            },
        },
        {"id": "day", "wait": {"for": "P1D"}},
        {"id": "last", "send": {"template": "offer", "channel": "email"}},
    ],
}
WELCOME_2 = {
    **WELCOME,
    "steps": [
        {"id": "hello", "send": {"template": "hello", "channel": "email"}},
        {"id": "day", "wait": {"for": "PT12H"}},
        {"id": "last", "send": {"template": "offer", "channel": "email"}},
    ],
}
CART = {
    "kind": "journey",
    "id": "cart",
    "name": "Abandoned cart",
    "trigger": {"event": "Product Added"},
    "reentry": {"after": "PT10H"},
    "steps": [
        {
            "id": "order",
            "wait": {
                "event": "Order Completed",
                "timeout": "PT1H",
                "then": [{"id": "bought", "exit": {"reason": "bought"}}],
                "else": [{"id": "reminder", "send": {"template": "nudge", "channel": "email"}}],
            },
        },
        {"id": "later", "wait": {"for": "PT4H"}},
        {"id": "again", "send": {"template": "offer", "channel": "email"}},
        {"id": "text", "send": {"template": "ping", "channel": "sms"}},
    ],
}
# In some worlds the passages of the cart go side by side, one for each product.
SIDE_BY_SIDE = {"per": "products.product_id"}
VIP = {
    "kind": "journey",
    "id": "vip",
    "name": "Fans",
    "trigger": {"segment": "engaged"},
    "reentry": "once",
    "steps": [
        {"id": "thanks", "send": {"template": "thanks", "channel": "email"}},
        {"id": "while", "wait": {"for": "PT3H"}},
        {"id": "secret", "send": {"template": "offer", "channel": "email"}},
    ],
}
ONCE = frozenset(("welcome", "vip"))
SENDS = frozenset(("hello", "offer", "nudge", "last", "reminder", "again", "text", "thanks", "secret"))


# In some worlds people get so many messages at most, and those of who becomes a fan come first.
CAPS = [{"per": "PT12H", "at_most": 1}, {"per": "P1D", "at_most": 1, "channel": "sms"}]
CAPPED = {**POLICY, "caps": CAPS, "postpone_at_most": "P2D"}
UNDER_WAY = ("stay", "move", "reevaluate")


@cache
def get_shelf(
    is_capped: bool = False, under_way: str = "stay", is_keyed: bool = False, is_preferring: bool = False
) -> tuple[Book, Book]:
    """The book that a world begins with, and the one that is published on its way, with what becomes then of the people
    under way."""
    templates = [_template(template_id, topic) for template_id, topic in TEMPLATES.items()]
    policy, cart = CAPPED if is_capped else POLICY, {**CART, **SIDE_BY_SIDE} if is_keyed else CART
    more: tuple[dict[str, Any], ...] = ()
    if is_preferring:
        policy, more = policy_with_letter(policy), (_template(LETTER, LETTER), *SERIES)
    shelf = Shelf(policy, *templates, SCORE, STAGES, *SEGMENTS, WELCOME, cart, {**VIP, "priority": 80}, *more)
    wish = {"under_way": under_way, **({"gone": {"look": "day"}} if under_way == "move" else {})}
    return shelf.book, shelf.after(WELCOME_2, LATER, transfers={"journey/welcome": wish})


@contextmanager
def changed(owner: Any, **values: Any) -> Iterator[None]:
    """The attributes of a module or class, changed for a while."""
    before = {name: getattr(owner, name) for name in values}
    for name, value in values.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)


class Library:
    """The templates, compiled once for all worlds."""

    @staticmethod
    @cache
    def get_template(template_id: str, version: int) -> CompiledMessage:
        if template_id == confirmation.TEMPLATE:
            return compile_message_template(confirmation.DOCUMENT)
        return compile_message_template(_template(template_id, TEMPLATES.get(template_id, template_id)))


class Mail(NamedTuple):
    """A mail or a text that left, to "email:…" or "phone:…": when the channel was called, and when it really went."""

    message_id: str
    address: str
    called: float
    left: float


class Refusal(NamedTuple):
    """A confirmed no: from then on nothing about the topic (None: nothing at all) may go to the address."""

    address: str
    topic: str | None
    confirmed: float


class Merger(NamedTuple):
    """Two contacts became one."""

    winner: str
    losers: tuple[str, ...]
    dropped: tuple[str, ...]
    at: float


@dataclass
class Log:
    """What happened outside the product, as it would be known outside."""

    accepted: dict[str, Event] = field(default_factory=dict)
    tried: dict[str, Event] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    mergers: list[Merger] = field(default_factory=list)
    claimed: set[tuple[str, str]] = field(default_factory=set)
    steps_back: list[str] = field(default_factory=list)
    committed: set[str] = field(default_factory=set)
    dead_links: list[str] = field(default_factory=list)
    late_timers: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    answers: list[tuple[str, str, float]] = field(default_factory=list)
    lost_feedback: int = 0
    redriven_twice: int = 0
    lines: str = ""
    moved: dict[str, float] = field(default_factory=dict)
    buried: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)
    arrivals: Counter[str] = field(default_factory=Counter)


class Sandbox:
    """What outlives an invocation: the ports, and the book that was read through them."""

    def __init__(self, world: "World") -> None:
        books = SandboxBooks(world.loop, memories.MemoryBooks(world.loop.time, world.shelf, world.book_lifetime))
        signer: Any = SandboxSigner(world)
        self.ports = replace(world.ports, books=books, holds=memories.MemoryHolds(world.memory), signer=signer)
        if skew := world.troubles.draw_skew():
            self.ports = replace(self.ports, clock=WorldClock(world.loop, skew))


class SandboxBooks:
    """Asks the network only when the book in hand will not do."""

    def __init__(self, loop: Loop, books: memories.MemoryBooks) -> None:
        self.loop = loop
        self.books = books

    def current(self, *, at_least: int = 0) -> Book:
        if self.books.is_fresh(at_least) and self.books.book:
            return self.books.book
        return self.loop.call("current", self.books.current, (), {"at_least": at_least})

    def current_policy(self, *, at_least: int = 0) -> Policy:
        return self.current(at_least=at_least).policy

    def hears(self, name: str) -> bool:
        return self.current().hears(name)

    def newest(self) -> Book:
        return self.loop.call("newest", self.books.newest, (), {})


class SandboxSigner:
    """Signs and reads links by the keys that there were a minute ago at most."""

    LIFETIME = 60.0

    def __init__(self, world: "World") -> None:
        self.world = world
        self.signer: Signer | None = None
        self.made = 0.0

    def __getattr__(self, name: str) -> Any:
        now = self.world.loop.now
        if self.signer is None or now - self.made >= self.LIFETIME:
            self.signer, self.made = make_signer(self.world.link_keys, now), now
        return getattr(self.signer, name)


class WorldClock:
    """A sandbox's clock; it may be wrong."""

    def __init__(self, loop: Loop, skew: float = 0.0) -> None:
        self.now = (lambda: loop.now + skew) if skew else loop.time
        self.sleep = loop.pause


class Function:
    """A Lambda function: sandboxes, of which each serves one invocation at a time, up to a limit."""

    def __init__(self, world: "World", limit: int) -> None:
        self.world = world
        self.limit = limit
        self.busy = 0
        self.free = [Sandbox(world) for _ in range(min(limit, 3))]

    @property
    def is_free(self) -> bool:
        return self.busy < self.limit

    def invoke(self, work: Callable[[Ports], Any], done: Callable[[Invocation], None]) -> None:
        place = int(self.world.loop.chance() * 1.05 * len(self.free))
        sandbox = self.free.pop(place) if place < len(self.free) else Sandbox(self.world)
        self.busy += 1

        def ended(invocation: Invocation) -> None:
            self.busy -= 1
            if not invocation.is_dead:
                self.free.append(sandbox)
            done(invocation)

        self.world.loop.invoke(lambda: work(sandbox.ports), ended)


class Outage:
    """A port of which no call succeeds while the world's outage lasts."""

    def __init__(self, port: Any, world: "World") -> None:
        self.port, self.world = port, world

    def __getattr__(self, name: str) -> Callable[..., Any]:
        effect = getattr(self.port, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            begins, ends = self.world.outage
            if begins <= self.world.loop.now < ends:
                self.world.loop.inject("outage")
                raise Throttled(name)
            return effect(*args, **kwargs)

        return call


class Counting:
    """A table's stream before the function that counts. A batch begins where the last one that was done ended; it comes
    again when the function fails, and now and then although it has done its work, and may then hold more records."""

    WINDOW = 10.0

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.name = name
        self.numbers = 0
        self.left: list[counting.Change] = []
        self.tried = 0  # records that a batch had which is to come again
        self.is_reading = False
        self.port = WorldStats(world.loop, memories.MemoryStats(world.memory))

    def put(self, count: Callable[[], Increments]) -> None:
        self.numbers += 1
        self.left.append(counting.Change(self.numbers, count()))
        if len(self.left) == 1:
            self.world.loop.at(self.world.loop.now + self.WINDOW, self.read)

    def read(self) -> None:
        if self.is_reading or not self.left:
            return
        world, batch = self.world, self.left[: max(self.tried, 1 + int(20 * self.world.loop.chance()))]
        self.is_reading = True

        def done(invocation: Invocation) -> None:
            self.is_reading, self.tried = False, len(batch)
            if invocation.error is None and not world.chance(world.duplicates / 2):
                del self.left[: len(batch)]
                self.tried = 0
            world.loop.at(world.loop.now + 1.0, self.read)

        world.others.invoke(lambda ports: counting.count_stats(self.port, ports.clock, self.name, batch), done)


class WorldStats:
    """The numbers behind the network; what fits is known without asking."""

    def __init__(self, loop: Loop, stats: memories.MemoryStats) -> None:
        self.fits = stats.fits
        self.add_once = wire(loop, stats, "add_once").add_once


class World:
    """One seed's world, made but not yet run. `store` is asked for each port that stores, given its name and memory.
    Of what would go wrong, `without` is left out, by its name in `FAULTS`."""

    def __init__(
        self,
        seed: int,
        store: Callable[[str, Any], Any] = lambda name, memory: memory,
        without: Collection[str] = (),
    ) -> None:
        self.seed = seed
        self.store = store
        loop = self.loop = Loop(seed, START)
        random = self.random = loop.random
        self.log = Log()
        # What the seed decides about the world as a whole: each trouble is off in some worlds.
        self.mix = draw_faults(random) if random.random() < 0.8 else NO_FAULTS
        loop.set_faults(self.mix)
        loop.haste = random.choice((0.0, 0.6, 0.8))
        self.calm = START + random.choice((6 * HOUR, 1.5 * DAY, 3 * DAY))
        self.end = self.calm + 6 * DAY
        self.duplicates = random.choice((0.0, 0.1, 0.4))
        self.tick_loss = random.choice((0.0, 0.0, 0.3))
        self.relay_loss = random.choice((0.0, 0.0, 0.1, 1.0))
        self.feedback_loss = random.choice((0.0, 0.0, 0.05))
        self.feedback_delay = random.choice((2.0, 60.0, 2 * HOUR))
        self.unclear = random.choice((0.0, 0.05, 0.3))
        self.channel_throttle = random.choice((0.0, 0.05, 0.3))
        self.book_lifetime = random.choice((5.0, 90.0, 90.0))
        self.memory = memories.Memory(loop.time, loop.chance, lag=random.choice((0.0, 0.5, 5.0)))
        visibility = random.choice((180.0, 180.0, 15.0, 4.0))
        self.events = memories.FifoQueue(loop.time, visibility)
        self.sends = memories.StandardQueue(loop.time, loop.chance, random.choice((180.0, 180.0, 12.0)))
        self.sends.duplicates = self.duplicates
        self.sends.disorder = random.choice((0.0, 2.0, 90.0))
        # Nothing is drawn for these, so that worlds without them stay what they are.
        self.is_capped, self.under_way, self.is_keyed = seed % 4 == 3, UNDER_WAY[seed % 3], seed % 4 == 1
        self.is_preferring = Preferring.is_in(seed)
        self.shelf: list[Book] = [self.books[0]]
        self.channel = Post(self)
        count = random.choice((1, 1, 2, 2, 2, 4)) if random.random() < 0.97 else 12
        # The table of timelines is out for longer than a queue message lives; what was committed is not lost.
        begins = START + random.random() * 3 * HOUR if random.random() < 0.06 else self.end
        self.outage = begins, begins + random.choice((0.5, 1, 4)) * HOUR
        self.people = [Person(number, in_crowd=count > 4) for number in range(count)]
        self.link_keys: tuple[LinkKey, ...] = (LINK_KEY,)
        self.troubles = Troubles(self)
        leave_out(self, without)
        self.ports = self._ports()
        self.folders = Function(self, random.choice((1, 3, 3)))
        self.senders = Function(self, random.choice((1, 3)))
        self.others = Function(self, 1_000)
        self.ticks: set[float] = set()
        self.sweeps: set[float] = set()
        self.stream: list[tuple[str, int]] = []
        self.is_relaying = False
        self.counting = {name: Counting(self, name) for name in ("messages", "memberships")}
        self.requests: list[float] = []
        self.garbage = 0
        self.dead: list[Callable[[], None]] = []
        self.requests_port = wire(loop, memories.MemoryRequests(self.memory), "begin", "finish")
        self.erasing = Erasing(self)
        self.preferring = Preferring(self)
        self.companies = Companies(self, self.store("memberships", memories.MemoryMemberships(self.memory)))
        self._listen()
        self.broadcast = Broadcasting(self)

    @property
    def books(self) -> tuple[Book, Book]:
        """The one that it begins with, and the one that is published."""
        return get_shelf(self.is_capped, self.under_way, self.is_keyed, self.is_preferring)

    def _ports(self) -> Ports:
        loop, memory, store = self.loop, self.memory, self.store
        return Ports(
            contacts=wire(
                loop, store("contacts", memories.MemoryContacts(memory)),
                "find_items", "commit", "list_ids", list_due=memory.has_contacts,
            ),
            timeline=wire(
                loop, Outage(store("timeline", memories.MemoryTimeline(memory)), self),
                "save_rows", "heal_rows", "find_keys", "find_row", "list_history",
            ),
            accounts=wire(loop, store("accounts", memories.MemoryAccounts(memory)), "find_account", "save_account"),
            messages=wire(
                loop, store("messages", memories.MemoryMessages(memory)),
                "find_message", "find_messages", "claim", "release", "settle", "postpone", "note_engagement",
                "take_off_engagement",
                list_pending=memory.has_pending, scan_pending=memory.has_slowed,
            ),
            tasks=wire(loop, store("tasks", memories.MemoryTasks(memory)), "find_task"),
            refusals=wire(
                loop, store("refusals", memories.MemoryRefusals(memory)),
                "find_suppression", "find_consent", "find_answers", "save_suppression", "save_consent",
                "save_request", "find_request",
            ),
            quarantine=wire(loop, store("quarantine", memories.MemoryQuarantine(memory)), "save_rejects"),
            books=None,  # type: ignore[arg-type]  # each sandbox has its own
            holds=memories.MemoryHolds(memory),
            templates=Library,  # type: ignore[arg-type]
            catalogue=None,  # type: ignore[arg-type]  # no template here shows products
            queues=wire(
                loop, memories.MemoryQueues(self.events, self.sends), "send_events", "send_messages", "events_backlog"
            ),
            channels={"email": self.channel, "sms": Texts(self)},
            clock=WorldClock(loop),
            ids=memories.SeededIds(self.seed, loop.chance),
            runs=None,  # type: ignore[arg-type]  # the world starts its own
            contact_key=KEY,
            signer=None,  # type: ignore[arg-type]  # each sandbox has its own
            base_url=BASE_URL,
        )  # fmt: skip

    # Running

    def run(self) -> "World":
        lines = StringIO()
        with self.tuned(), redirect_stdout(lines):
            self._run()
        self.log.lines = lines.getvalue()
        return self

    @contextmanager
    def tuned(self) -> Iterator[None]:
        """Limits that a small world would never come to are lowered in some worlds."""
        choose = self.random.choice
        with (
            changed(ring, KEEP=choose((3, 3, ring.KEEP)), BUSY=choose((6, ring.BUSY, ring.BUSY))),
            changed(folding, MAX_ACTIONS=choose((8, 16, folding.MAX_ACTIONS))),
            changed(running, **self.broadcast.limits),
        ):
            yield

    def _run(self) -> None:
        for person in self.people:
            self._plan(person)
        if self.random.random() < 0.5:
            # When somebody is busy, so that sandboxes with the old book and with the new one meet over a contact.
            at = self.random.choice(self.requests)
            self.loop.at(at, self.publish)
            for number, offset in enumerate((-10.0, 2.0, 6.0, 11.0, 17.0)):
                event = add(self.people[0], f"busy-{number}", at + offset, self.random)
                self.loop.at(at + offset, self.post, [event], None)
        if self.random.random() < 0.2:
            # Two contacts in the same journeys, with messages on the way, turn out to be one.
            at, who = self.random.choice(self.requests), self.people[0]
            for number, (offset, name, identities) in enumerate(
                (
                    (0.0, "Signed Up", (who.user, who.email)),
                    (5.0 * self.random.random(), "Signed Up", (who.other_email,)),
                    (self.random.choice((20.0, 400.0, 9 * HOUR)), names.IDENTIFIED, (who.user, who.other_email)),
                )
            ):
                event = _event(f"twin-{number}", name, at + offset, *identities, trusted=True)
                self.loop.at(at + offset, self.post, [event], None)
        if self.random.random() < 0.1:
            # A body that nobody here has packed, in the middle of somebody's stream.
            group = group_of((self.people[0].user,))
            self.loop.at(self.random.choice(self.requests), self.events.put, group, GARBAGE)
            self.garbage = 1
        self.broadcast.plan()
        self.companies.plan()
        self.erasing.plan()
        self.preferring.plan()
        self.troubles.plan()
        self.loop.at(self.calm, self._calm_down)
        self.loop.run(self.end)

    def _calm_down(self) -> None:
        """Faults stop, and an operator sees to what was left in the dead letter queues."""
        self.loop.set_faults(NO_FAULTS)
        self.loop.at(self.loop.now + HOUR, self.redrive)

    def redrive(self) -> None:
        """An operator may ask twice, before the first has deleted what it moved."""
        times, self.troubles.redrives = self.troubles.redrives, 1
        self.log.redriven_twice += times > 1 and bool(self.events.dead or self.sends.dead or self.dead)
        self.events.redrive(times)
        self.sends.redrive(times)
        dead, self.dead = self.dead, []
        for again in dead * times:
            again()
        if self.loop.now < self.end - DAY:
            self.loop.at(self.loop.now + DAY, self.redrive)

    @property
    def is_calm(self) -> bool:
        return self.loop.now >= self.calm

    def chance(self, likely: float) -> bool:
        """Whether some trouble happens; none does when it is calm."""
        return likely > 0 and not self.is_calm and self.loop.chance() < likely

    # AWS's own doings: event sources, the stream, schedules

    def _listen(self) -> None:
        memory = self.memory
        self.events.on_visible = lambda at: self.loop.at(at, self.poll_events)
        self.sends.on_visible = lambda at: self.loop.at(at, self.poll_sends)
        self.events.on_dead = lambda letter: self.log.buried.update(find_event_ids(letter.body))
        memory.on_insert = self._inserted
        memory.on_state = self._moved
        memory.on_commit = self._committed
        memory.on_wake = self.plan_tick
        memory.on_membership = self._counted
        memory.on_forget = self._forgotten
        memory.on_erase = lambda contact: self.log.forgotten.update(contact.postponed)
        memory.on_account = self.companies.changed

    def poll_events(self) -> None:
        while self.folders.is_free and (letters := self.events.receive(10)):
            self._fold(letters)

    def _fold(self, letters: list[memories.Letter]) -> None:
        deliveries = [folding.Delivery(str(letter.number), letter.group, letter.body) for letter in letters]

        def done(invocation: Invocation) -> None:
            if invocation.error is None:
                for letter in letters:
                    if str(letter.number) not in invocation.result and not self.chance(self.duplicates / 4):
                        self.events.delete(letter)
            self.loop.at(self.loop.now, self.poll_events)

        self.folders.invoke(lambda ports: folding.process_events(ports, deliveries), done)

    def poll_sends(self) -> None:
        while self.senders.is_free and (letters := self.sends.receive(10)):
            self._send(letters)

    def _send(self, letters: list[memories.Letter]) -> None:
        ids = [letter.body for letter in letters]

        def done(invocation: Invocation) -> None:
            if invocation.error is None:
                for letter in letters:
                    if letter.body not in invocation.result:
                        self.sends.delete(letter)
            self.loop.at(self.loop.now, self.poll_sends)

        self.senders.invoke(lambda ports: sending.send_messages(ports, ids, lambda: True), done)

    def _inserted(self, message: Message) -> None:
        if message.state == QUEUED and not self.chance(self.relay_loss):
            self.stream += [(message.message_id, 0)] * (1 + self.troubles.happens(self.troubles.double_records))
            self.loop.at(self.loop.now + 0.2, self.relay)

    def relay(self) -> None:
        if self.is_relaying or not self.stream:
            return
        batch, self.stream = self.stream[:100], self.stream[100:]
        self.is_relaying = True

        def done(invocation: Invocation) -> None:
            self.is_relaying = False
            failed = None if invocation.error else invocation.result
            again = [(m, tries + 1) for m, tries in batch if (failed is None or m in failed) and tries < 10]
            self.stream = again + self.stream
            self.loop.at(self.loop.now + (1.0 if again else 0.0), self.relay)

        self.others.invoke(lambda ports: relaying.relay_messages(ports.queues, [m for m, _ in batch]), done)

    def _counted(self, before: MembershipChange | None, after: MembershipChange | None) -> None:
        if after:
            self.broadcast.came(after)
            self.log.arrivals[after.place] += not after.moved
        self.companies.moved(before, after)
        now = self.loop.now
        self.counting["memberships"].put(lambda: stats.count_membership(before, after, now))

    def plan_tick(self, at: float) -> None:
        minute = max(-(-at // 60), self.loop.now // 60 + 1) * 60
        if minute not in self.ticks and minute <= self.end:
            self.ticks.add(minute)
            late = self.troubles.late_ticks * self.troubles.random.random() if not self.is_calm else 0.0
            self.loop.at(minute + late, self.tick, minute)

    def tick(self, minute: float) -> None:
        """The clock. It would come every minute; this one knows when there is nothing to find."""
        self.ticks.discard(minute)
        armed = [s.item.wake_at for s in self.memory.contacts.values() if s.item.wake_at is not None]
        if not armed:
            return

        def done(invocation: Invocation | None) -> None:
            armed = [s.item.wake_at for s in self.memory.contacts.values() if s.item.wake_at is not None]
            if armed:
                # What has been due for long will not be helped by asking each minute.
                behind = self.loop.now - min(armed)
                self.plan_tick(max(min(armed), self.loop.now + (0.0 if behind < 300 else min(behind, HOUR))))

        if min(armed) > self.loop.now or self.chance(self.tick_loss):
            done(None)
        else:
            self.others.invoke(waking.wake_contacts, done)
            if self.troubles.happens(self.troubles.double_ticks):
                self.others.invoke(waking.wake_contacts, lambda invocation: None)

    def plan_sweep(self, at: float) -> None:
        hour = max(-(-at // HOUR), self.loop.now // HOUR + 1) * HOUR
        if hour not in self.sweeps and hour <= self.end:
            self.sweeps.add(hour)
            self.loop.at(hour, self.sweep, hour)

    def sweep(self, hour: float) -> None:
        self.sweeps.discard(hour)

        def done(invocation: Invocation) -> None:
            if self.memory.pending:
                self.plan_sweep(max(min(self.memory.pending.values()), self.loop.now))

        if self.memory.pending:
            self.others.invoke(sweeping.sweep_messages, done)

    def _moved(self, before: Message | None, after: Message) -> None:
        pending_at = self.memory.pending.get(after.message_id)
        if pending_at is not None:
            self.plan_sweep(pending_at)
        self.log.moved[after.message_id] = self.loop.now
        self.counting["messages"].put(lambda: stats.count_message(before, after))
        if before is not None and not may_follow(before, after):
            self.log.steps_back.append(f"{after.message_id}: {before.state} → {after.state}")

    def _forgotten(self, message: Message) -> None:
        self.log.forgotten.add(message.message_id)
        self.counting["messages"].put(lambda: stats.count_message(message, None))

    def refused(self, *addresses: str) -> None:
        """From now on nothing at all may go to these addresses."""
        self.log.refusals += [Refusal(address, None, self.loop.now) for address in addresses]

    def _committed(self, commit: Commit) -> None:
        contact = commit.contact
        self.companies.committed(commit)
        self.preferring.committed(contact)
        pending = [*contact.turns.values(), *(e.due or 0.0 for e in contact.active.values())]
        if pending and (contact.wake_at is None or contact.wake_at > min(pending) + 0.002):
            self.log.late_timers.append(f"{contact.contact_id} is armed for {contact.wake_at}, due {min(pending)}")
        for enrollment in contact.active.values():
            self.log.asked.update(f"{enrollment.enrollment_id}.{step}" for step in enrollment.visits if step in SENDS)
        self.log.committed.update(message.message_id for message in commit.messages)
        self.log.claimed.update((contact.contact_id, address) for address in contact.claims)
        # A contact that was begun and merged away in one commit is attached: it was never stored.
        joins = {*commit.attach, *(contact_id for contact_id, _ in commit.absorbed)}
        losers = tuple(contact_id for contact_id in commit.contact.merged_from if contact_id in joins)
        if losers:
            self.log.mergers.append(Merger(commit.contact.contact_id, losers, commit.contact.dropped, self.loop.now))

    def publish(self) -> None:
        """The second book goes live; when nobody can still fold by the first, every contact is folded by it."""
        self.shelf.append(self.books[1])
        self.loop.at(self.loop.now + self.book_lifetime + TIMEOUT, self.rebuild)

    def rebuild(self) -> None:
        for shard in range(SHARDS):
            self.background(
                lambda ports, shard=f"{shard:02d}": rebuilding.rebuild_contacts(ports, shard, 2, None, lambda: True)
            )

    def background(
        self, work: Callable[[Ports], Any], then: Callable[[Any], None] | None = None, tries: int = 0
    ) -> None:
        """Invoked asynchronously, or by a state machine: two more tries, then a dead letter."""

        def done(invocation: Invocation) -> None:
            if invocation.error is None:
                if then:
                    then(invocation.result)
            elif tries < 2:
                self.loop.at(self.loop.now + 60.0 * (tries + 1), self.background, work, then, tries + 1)
            else:
                self.dead.append(lambda: self.background(work, then))

        self.others.invoke(work, done)

    # People

    def _plan(self, who: "Person") -> None:
        """What a person does, and when: requests of one to three events, over three streams."""
        random, person = self.random, who.number
        span = random.choice((5 * 60.0, HOUR, (self.calm - START) * 0.8))
        for number in range(random.randint(3, 6)):
            at = START + random.random() * span
            act = random.choices(ACTS, WEIGHTS)[0]
            events = [
                act(who, f"{person}-{number}-{part}", at + part - random.choice((0.0, 0.0, 0.0, HOUR, DAY)), random)
                for part in range(random.choice((1, 1, 2, 3)))
            ]
            extra = view(who, f"{person}-{number}-more", at + 9, random) if random.random() < 0.3 else None
            self.requests.append(at)
            self.loop.at(at, self.post, events, extra)
            if random.random() < self.duplicates:
                again = at + random.choice((0.5, 30.0, 8 * 60.0, 5 * HOUR, 2 * DAY))
                if again < self.end - DAY:
                    self.loop.at(again, self.post, events, extra)

    def post(self, events: list[Event], extra: Event | None) -> None:
        """A client sends a request, and again until it is accepted; a retry may carry one event more."""
        for event in events:
            self.log.tried[event.event_id] = event

        def done(invocation: Invocation) -> None:
            if invocation.error is None and not invocation.result:
                self.log.accepted.update((event.event_id, event) for event in events)
            else:
                more = [*events, extra] if extra else events
                self.loop.at(self.loop.now + 1.0 + 30.0 * self.loop.chance(), self.post, more, None)

        self.others.invoke(lambda ports: ports.queues.send_events(pack(events)), done)

    def person_gets(self, mail: Mail, envelope: Email) -> None:
        """Somebody reads a mail: opens it, refuses more, or does nothing."""
        message = self.memory.messages.get(mail.message_id)
        fate = self.random.random()
        if message is None or fate > 0.6:
            return
        at = self.loop.now + self.random.choice((5.0, 5.0, HOUR, 5 * HOUR))
        if fate > 0.2:
            opened = Event(
                event_id=f"o-{mail.message_id}",
                name=names.EMAIL_OPENED,
                time=at,
                key_time=at // 60 * 60,
                contact_id=message.contact_id,
                trusted=True,
                source="postroad",
                properties={"message_id": mail.message_id, "actor": "human"},
            )
            self.loop.at(at, self.post, [opened], None)
        else:
            token = re.search(rb"/u/([\w.-]+)", envelope.raw.replace(b"=\r\n", b"").replace(b"\r\n ", b""))
            assert token, "a mail without a way out"
            self.loop.at(at, self.unsubscribe, token[1].decode(), mail.address)

    def unsubscribe(self, token: str, address: str) -> None:
        def leave(ports: Ports) -> Unsubscribe | None:
            link = ports.signer.find(Unsubscribe, token)
            if link:
                refuse.unsubscribe(ports, link, {"how": "one-click"})
            elif not ports.signer.is_withdrawn(token):
                self.log.dead_links.append(f"{token[:2]} opens nothing {self.loop.now - START:.0f} s after the start")
            return link

        def done(invocation: Invocation) -> None:
            if invocation.error is not None:
                self.loop.at(self.loop.now + 20.0, self.unsubscribe, token, address)
            elif invocation.result:
                self.log.refusals.append(Refusal(address, invocation.result.topic, self.loop.now))

        self.others.invoke(leave, done)

    def person_replies(self, text: Mail) -> None:
        """Somebody answers a text, or does not. What they say comes at least once."""
        fate = self.random.random()
        if fate > 0.5:
            return
        said = "Stop it please" if fate < 0.3 else "HELP" if fate < 0.4 else "Thank you!"
        body = json.dumps({"originationNumber": text.address.partition(":")[2], "messageBody": said})

        def then(_: object) -> None:
            if fate < 0.3:
                self.log.refusals.append(Refusal(text.address, None, self.loop.now))

        reply, notified = f"reply-{text.message_id}", self.loop.now
        for _ in range(1 + self.chance(self.duplicates)):
            at = self.loop.now + self.random.choice((5.0, 60.0, HOUR))
            self.loop.at(at, self.background, lambda ports: self.take_reply(ports, body, reply, notified), then)

    def take_reply(self, ports: Ports, body: str, reply: str, notified: float) -> None:
        answering = replace(ports, channels={"sms": Answers(self)})
        replies.record_reply(replies.ReplyPorts(answering, self.requests_port), body, reply, notified)

    def feedback(self, mail: Mail, state: str, delay: float) -> None:
        """What SES says about a mail: late, twice, or (rarely) never."""
        if self.chance(self.feedback_loss):
            self.log.lost_feedback += 1
            return
        suppressed = (mail.address.removeprefix("email:"),) if state in (BOUNCED, COMPLAINED) else ()
        said = Feedback(mail.message_id, state, self.loop.now, f"ses-{mail.message_id}", state, suppressed)

        def then(_: object) -> None:
            for address in suppressed:
                self.log.refusals.append(Refusal(f"email:{address}", None, self.loop.now))

        for _ in range(1 + self.chance(self.duplicates)):
            at = self.loop.now + delay + self.feedback_delay * self.loop.chance() + self.troubles.delay_of_feedback()
            self.loop.at(at, self.background, lambda ports: feedbacks.record_feedback(ports, said), then)

    # The trace

    def digest(self) -> str:
        """All that happened, in one number: two runs of a seed must agree."""
        contacts = ((key, stored.item) for key, stored in self.memory.contacts.items())
        rows = ((*place, crc32(body)) for place, body in self.memory.all_rows())
        stored = [
            sorted((key, item.version, crc32(item.body), item.forward) for key, item in contacts),
            sorted(rows),
            sorted((m.message_id, m.state, sorted(m.times.items())) for m in self.memory.messages.values()),
            self.log.mails,
            self.log.refusals,
            sorted(self.log.accepted),
        ]
        return f"{self.loop.history & 0xFFFFFFFF:08x} {self.loop.calls} {crc32(json.dumps(stored).encode()):08x}"


# Written down here once more, so that a slip in the product's table does not go unnoticed.
RANK = {
    "queued": 0, "sending": 1, "unknown": 2, "skipped": 3, "sent": 4, "failed": 5, "delivered": 6, "bounced": 7,
    "complained": 8,
}  # fmt: skip


def find_event_ids(body: str) -> list[str]:
    try:
        return [event.event_id for event in unpack(body).events]
    except PackingError:
        return []


def may_follow(before: Message, after: Message) -> bool:
    """States never go back, but that a sender may give its claim back."""
    if before.state == "sending" and after.state == "queued":
        return True
    return RANK[after.state] > RANK[before.state] or before.with_(times=after.times) == after


class Post:
    """The channel, as SES is: it takes a mail, or throttles, or does not answer; then it says what became of it."""

    retries = 0
    kind = "email"

    def __init__(self, world: World) -> None:
        self.world = world

    def send(self, envelope: Any) -> Accepted | Refused | Unclear:
        world, loop = self.world, self.world.loop
        called = loop.now
        loop.calls += 1
        for _ in range(1 + self.retries):
            loop.pause(0.05)
            if world.troubles.is_ses_stopped(loop.now):
                loop.inject("SES stopped")
                return Refused("SendingPausedException", 300.0)
            if world.broadcast.rejects(envelope.message_id):
                return Refused("MessageRejected", None)
            if world.chance(world.channel_throttle):
                loop.inject("channel throttle")
                return Refused("TooManyRequestsException", 5.0 + 600 * loop.chance())
            if not world.chance(world.unclear):
                self.accept(envelope, called)
                loop.pause(0.05)
                return Accepted(f"ses-{envelope.message_id}")
            fate = loop.chance()
            loop.inject("channel unclear")
            if fate < 0.3:
                self.accept(envelope, called)
            elif fate < 0.6:
                loop.at(loop.now + 120.0 * loop.chance(), self.accept, envelope, called)
            loop.pause(10.0)
        return Unclear("ReadTimeoutError")

    def accept(self, envelope: Any, called: float) -> None:
        mail = Mail(envelope.message_id, f"{self.kind}:{envelope.to}", called, self.world.loop.now)
        self.world.log.mails.append(mail)
        self.arrive(mail, envelope)

    def arrive(self, mail: Mail, envelope: Any) -> None:
        world = self.world
        world.feedback(mail, SENT, 0.5)
        fate = world.loop.chance()
        if fate < 0.06:
            world.feedback(mail, BOUNCED, 3.0)
            return
        world.feedback(mail, DELIVERED, 2.0)
        if fate < 0.1:
            world.feedback(mail, COMPLAINED, HOUR)
        world.person_gets(mail, envelope)
        world.preferring.gets(mail, envelope)


class Texts(Post):
    """The channel, as SNS is: it says nothing of what became of a text; who got it may answer."""

    kind = "phone"

    def arrive(self, mail: Mail, envelope: Any) -> None:
        self.world.person_replies(mail)


class Answers:
    """The same channel, for what is answered to a reply: no message of the ledger."""

    def __init__(self, world: World) -> None:
        self.world = world

    def send(self, text: Any) -> Accepted | Unclear:
        self.world.log.answers.append((text.to, text.body, self.world.loop.now))
        self.world.loop.pause(0.05)
        return Unclear("ReadTimeoutError") if self.world.chance(self.world.unclear) else Accepted("sns")


# What people do: each act makes one event of a person's.


class Person:
    """Two devices, a user id, addresses and a phone, of which nobody knows yet that they belong together.

    In a crowd, each household of three has its second device and its second address in common, so what they fill in
    there may make a device or an address one person's that is another's; only user ids tell them apart.
    """

    def __init__(self, number: int, *, in_crowd: bool = False) -> None:
        self.number = number
        home = f"home-{number // 3}-" if in_crowd else number
        self.anons = (Identity("anon", f"device-{number}a"), Identity("anon", f"device-{home}b"))
        self.user = Identity("user", f"user-{number}")
        self.old_user = Identity("user", f"old-user-{number}")
        self.email = Identity("email", f"person{number}@example.com")
        self.other_email = Identity("email", f"other{home}@example.com")
        self.phone = Identity("phone", f"+35191000{number:04d}")
        self.shared = Identity("anon", "device-of-all")
        users = (self.user, self.old_user)
        self.own = users if in_crowd else (*users, *self.anons, self.email, self.other_email, self.phone)


def _event(event_id: str, name: str, time: float, *identities: Identity, trusted: bool, **parts: Any) -> Event:
    source = "server" if trusted else "browser"
    return Event(event_id, name, round(time, 3), round(time, 3), identities, trusted=trusted, source=source, **parts)


def view(who: Person, event_id: str, time: float, random: Any) -> Event:
    return _event(event_id, "Page Viewed", time, random.choice(who.anons), trusted=False)


def view_shared(who: Person, event_id: str, time: float, random: Any) -> Event:
    return _event(event_id, "Page Viewed", time, who.user, who.shared, trusted=True)


def add(who: Person, event_id: str, time: float, random: Any) -> Event:
    said = {"products": [{"product_id": product} for product in products_of(event_id)]}
    if random.random() < 0.5:
        return _event(event_id, "Product Added", time, random.choice(who.anons), trusted=False, properties=said)
    known = random.choice((who.user, who.user, who.old_user))
    return _event(event_id, "Product Added", time, known, trusted=True, properties=said)


def products_of(event_id: str) -> tuple[str, ...]:
    """What an event is about, one product or two; drawn from its id, so that worlds stay what they are."""
    lot = crc32(event_id.encode())
    return tuple(dict.fromkeys(("cup", "filter", "beans")[each % 3] for each in (lot, lot >> 8)))


def fill_form(who: Person, event_id: str, time: float, random: Any) -> Event:
    email, anon = random.choice((who.email, who.email, who.other_email)), random.choice(who.anons)
    return _event(event_id, "Signed Up", time, email, anon, trusted=False, attributes={"email": email.value})


def sign_up(who: Person, event_id: str, time: float, random: Any) -> Event:
    known = random.choice(((who.user, who.email), (who.email, who.phone), (who.user, who.other_email)))
    return _event(event_id, "Signed Up", time, *known, trusted=True, attributes={"first_name": "Ana"})


def identify(who: Person, event_id: str, time: float, random: Any) -> Event:
    known = random.choice(
        ((who.user, who.email), (who.user, random.choice(who.anons)), (who.user, who.other_email, who.phone))
    )
    return _event(event_id, names.IDENTIFIED, time, *known, trusted=True, attributes={"plan": random.choice("abc")})


def order(who: Person, event_id: str, time: float, random: Any) -> Event:
    known = random.choice((who.user, who.email))
    first, *_ = products_of(event_id)
    return _event(event_id, "Order Completed", time, known, trusted=True, properties={"total": 20, "product_id": first})


def alias(who: Person, event_id: str, time: float, random: Any) -> Event:
    previous = random.choice([identity for identity in (*who.anons, who.old_user) if identity in who.own])
    return _event(event_id, names.ALIASED, time, who.user, trusted=True, previous=previous)


_ACTS: Sequence[tuple[Callable[..., Event], int]] = (
    (view, 4), (view_shared, 1), (add, 3), (fill_form, 3), (sign_up, 3), (identify, 3), (order, 1), (alias, 1)
)  # fmt: skip
ACTS = [act for act, _ in _ACTS]
WEIGHTS = [weight for _, weight in _ACTS]


def run_world(seed: int) -> World:
    """A world that has run to its end."""
    return World(seed).run()


__all__ = ["BASE_URL", "GARBAGE", "KEY", "ONCE", "START", "TIMEOUT", "World", "changed", "contact_id_of", "run_world"]
