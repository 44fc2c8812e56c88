"""A broadcast in a world: who schedules it, steers it and calls it off, the schedules that ring, its state machine.

Each step of the state machine is an invocation, tried again as `infra/statemachines/broadcast.asl.yaml` says. An
execution may also end without a word, as when an operator stops it: then only a schedule goes on with the run. Chance
comes from a generator of its own, so that a world without a broadcast is the same as if there were none at all.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import ceil, inf
from random import Random
from typing import TYPE_CHECKING, Any

from postroad import events as names
from postroad.broadcasts.broadcast import (
    ADDRESS,
    CANCELLED,
    COUNT,
    DONE,
    END,
    KIND,
    MAILING,
    PAUSED,
    RUNNING,
    SCHEDULED,
    STOPPED,
    TESTING,
    Run,
    Tally,
    message_id_of,
)
from postroad.commits import MembershipChange
from postroad.contacts.identities import Identity, contact_id_of
from postroad.contacts.places import segment_place
from postroad.content.link_keys import make_signer
from postroad.content.links import Unsubscribe
from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.instants import format_instant
from postroad.lots import draw
from postroad.sending.messages import FAILED, QUEUED, SENDING
from postroad.sending.quotas import Quota
from postroad.stats import Counts
from postroad_aws.ports import Ports
from postroad_aws.storage import VersionConflictError
from postroad_aws.storage.definitions import Draft
from postroad_aws.storage.memberships import SHARDS
from postroad_aws.usecases import run_broadcast as running
from postroad_aws.usecases.cancel_broadcast import cancel_broadcast
from postroad_aws.usecases.schedule_broadcast import BroadcastPorts, schedule_broadcast
from postroad_aws.usecases.steer_broadcast import (
    choose_broadcast_winner,
    pause_broadcast,
    resume_broadcast,
    send_broadcast_again,
)
from tests.faults import memory as memories
from tests.faults.scheduler import Invocation, wire

if TYPE_CHECKING:
    from tests.faults.worlds import World

ID = "letter"
ORIGIN = f"{KIND}/{ID}"
ADDRESSING = f"{KIND}-{ID}"
HOUR = 3_600.0
# As the function and its state machine have them.
RESERVE = 15.0
WORKERS, RETRIES, FIRST_RETRY = 4, 5, 2.0

# What a run may become, written down here once more.
FOLLOWS = {
    None: {SCHEDULED},
    SCHEDULED: {RUNNING, CANCELLED},
    CANCELLED: {SCHEDULED},
    RUNNING: {RUNNING, TESTING, MAILING, PAUSED, STOPPED},
    TESTING: {TESTING, RUNNING, PAUSED, STOPPED},
    MAILING: {MAILING, DONE, PAUSED, STOPPED},
    PAUSED: {RUNNING, TESTING, MAILING, STOPPED},
    STOPPED: {STOPPED},
    DONE: {DONE, RUNNING},
}


class Drafts:
    """The one draft that there is."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.draft = Draft(KIND, ID, document, 1, 0.0)

    def find_draft(self, kind: str, definition_id: str) -> Draft:
        return self.draft


class Schedules:
    """One-time schedules: each rings within a minute of its time, now and then twice, and is gone then."""

    def __init__(self, broadcasting: "Broadcasting") -> None:
        self.broadcasting = broadcasting
        self.loop = broadcasting.world.loop
        self.names: set[tuple[int, int]] = set()

    def start_broadcast(self, broadcast_id: str, number: int) -> None:
        self.loop.at(self.loop.now, self.broadcasting.start, number)

    def schedule_broadcast(self, broadcast_id: str, number: int, at: float) -> None:
        name = (number, ceil(at))
        if name not in self.names:
            self.names.add(name)
            self.loop.at(ceil(at) + 60.0 * self.loop.chance(), self.ring, name)

    def unschedule_broadcast(self, broadcast_id: str, number: int, at: float) -> None:
        self.names.discard((number, ceil(at)))

    def ring(self, name: tuple[int, int]) -> None:
        if name in self.names:
            self.names.remove(name)
            for _ in range(1 + self.broadcasting.world.chance(self.broadcasting.world.duplicates)):
                self.loop.at(self.loop.now + 5.0 * self.loop.chance(), self.broadcasting.start, name[0])


class NoStats:
    """Counters lag behind by far: a test has no verdict in them."""

    def find_counts(self, subjects: Sequence[str]) -> dict[str, Counts]:
        return {subject: Counts() for subject in subjects}


class Quotas:
    """In some worlds the day's quota is used up when the broadcast begins, and comes back."""

    def __init__(self, loop: Any) -> None:
        self.loop = loop
        self.used_up = 0.0
        self.until = inf

    def find_quota(self, channel: str) -> Quota | None:
        return Quota(14.0, 100.0, 100.0) if self.used_up and self.loop.now < self.until else None


class Broadcasting:
    """What a seed decides about the broadcast of its world, and what is known of it outside."""

    def __init__(self, world: "World") -> None:
        self.world = world
        random = self.random = Random(f"the broadcast of {world.seed}")
        self.is_planned = random.random() < 0.25
        self.segment = random.choice(("quiet", "strangers", "regulars"))
        self.template = random.choice(("offer", "offer", "ping"))
        # How long each shard takes because of all the others in it, of whom this world has none.
        self.crowd = random.choice((0.0, 2.0, 30.0, 30.0))
        self.cuts = random.choice((0.0, 0.0, 0.1))
        self.limits = {"PAGE": random.choice((1, 2, 100)), "DEEP": random.choice((0, 500, 500)), "PAUSE": 5.0}
        self.meanwhile: list[tuple[float, Callable[[float], None]]] = []
        self.is_called_off_at_once = False
        # What people do while it is under way: so many seconds after it began, and what.
        self.steering: list[tuple[float, Callable[[BroadcastPorts], Any]]] = []
        # When it was known to be paused, and until when; a stop has no end.
        self.stands: list[tuple[float, float]] = []
        self.failed: set[str] = set()
        # Which share of the first messages SES rejects, where somebody sends it once more.
        self.rejected = 0.0
        self.rest = 0.0
        self.begun_at: float | None = None
        self.members: set[str] = set()
        self.entitled: set[str] = set()
        self.stayed: set[str] = set()
        self.slips: list[str] = []
        loop, memory, store = world.loop, world.memory, world.store
        self.drafts: Any = None
        self.schedules = wire(loop, Schedules(self), "start_broadcast", "schedule_broadcast", "unschedule_broadcast")
        self.runs = store("broadcasts", memories.MemoryBroadcasts(memory))
        self.broadcasts = wire(
            loop,
            self.runs,
            "find_run",
            "save_run",
            *("touch", "miss", "make_up"),
        )
        self.members_port = wire(
            loop, store("memberships", memories.MemoryMemberships(memory)), "list_shard", "list_members"
        )
        self.stats: Any = NoStats()
        self.quota = Quotas(loop)
        self.ledger = wire(loop, store("messages", memories.MemoryMessages(memory)), "list_by_origin")
        self.queues = wire(loop, memories.MemoryQueues(world.events, world.sends), "sends_backlog", "send_messages")
        memory.on_run = self.noticed

    @property
    def run(self) -> Run | None:
        return self.world.memory.runs.get(ID)

    @property
    def place(self) -> str:
        return segment_place(self.segment)

    # People

    def plan(self) -> None:
        """When somebody schedules it, and calls it off; and what others do just then."""
        if not self.is_planned:
            return
        world, random = self.world, self.random
        asked = random.choice(world.requests) + random.choice((0.0, 60.0, HOUR))
        begins = asked + random.choice((0.0, 0.0, 90.0, 600.0, 5 * HOUR))
        document = {"kind": KIND, "id": ID, "name": "Letter", "segment": self.segment, "template": self.template}
        self._plan_steering(document)
        self.drafts = Drafts({**document, **({"at": format_instant(begins)} if begins > asked else {})})
        world.loop.at(asked, self.schedule)
        if random.random() < 0.4:
            self.is_called_off_at_once = random.random() < 0.7
            if not self.is_called_off_at_once:
                world.loop.at(begins + random.choice((-30.0, 30.0)), self.cancel)
        # What happens while it is under way; how long that takes is up to `crowd`.
        soon = (0.02, 1.0, 0.3 * self.crowd, 0.6 * self.crowd, 90.0)
        if random.random() < 0.6:
            # Two contacts, of whom both or the second are recipients, turn out to be one person.
            user = Identity("user", f"mate-{world.seed}")
            home, work = (Identity("email", f"mate-{world.seed}@{host}.example") for host in ("home", "work"))
            self._tell("mate-0", names.IDENTIFIED, begins - 900.0, user, home)
            for number in range(4 if self.segment == "regulars" else 1):
                self._tell(f"mate-1{number}", "Page Viewed", begins - 800.0 + number, work)
            self.meanwhile.append(
                (random.choice(soon), lambda at: self._tell("mate-2", names.IDENTIFIED, at, user, work))
            )
        if random.random() < 0.5:
            leaving = random.choice(world.people)
            self.meanwhile.append((random.choice(soon), lambda at: world.loop.at(at, self.refuse, leaving)))

    def _plan_steering(self, document: dict[str, Any]) -> None:
        """In some worlds it is tested, paused or sent once more. By a generator of its own: others stay as they are."""
        random = Random(f"the steering of {self.world.seed}")
        if random.random() < 0.3:
            against = "ping" if self.template == "offer" else "offer"
            winner = random.choice(("automatic", "manual"))
            document["test"] = {"against": [against], "share": 50, "lasts": "PT1H", "winner": winner}
            if winner == "manual" or random.random() < 0.3:
                # Whoever is too early, or finds it paused, comes again.
                for when in (random.choice((30 * 60.0, 3 * HOUR)), 20 * HOUR, 26 * HOUR):
                    self.steering.append((when, lambda ports: choose_broadcast_winner(ports, ID, against)))
        if random.random() < 0.4:
            begin = random.choice((0.05, 1.0, 0.4 * self.crowd, 95.0, 700.0))
            self.rest = random.choice((0.5, 45.0, 600.0, 7 * HOUR))
            self.steering.append((begin, lambda ports: pause_broadcast(ports, ID)))
        if random.random() < 0.3:
            self.rejected = 0.4
            self.steering.append((30 * HOUR, lambda ports: send_broadcast_again(ports, ID)))
        self.quota.used_up = random.choice((0.0, 0.0, 0.0, 40 * 60.0))

    def rejects(self, message_id: str) -> bool:
        """Whether SES takes this message for spoilt, and never takes it: one of the first attempt."""
        message = self.world.memory.messages.get(message_id)
        is_first = message is not None and message_id == message_id_of(ID, message.contact_id)
        return is_first and draw("rejected", message_id) < self.rejected

    def steer(self, change: Callable[[BroadcastPorts], Any]) -> None:
        def then() -> None:
            run = self.run
            if run and run.state == PAUSED:  # whoever has paused it resumes it
                resume = partial(resume_broadcast, broadcast_id=ID)
                self.world.loop.at(self.world.loop.now + self.rest, self.steer, resume)

        self._ask(change, lambda: self.steer(change), then)

    def _tell(self, event_id: str, name: str, at: float, *identities: Identity) -> None:
        """A server tells of somebody."""
        moment = round(at, 3)
        event = Event(event_id, name, moment, moment, identities, trusted=True, source="shop")
        self.world.loop.at(at, self.world.post, [event], None)

    def refuse(self, who: Any) -> None:
        """Somebody who is known leaves the topic, by the link of an older mail."""
        contact = self.world.memory.load(contact_id_of(who.email, self.world.ports.contact_key))
        if contact and who.email.value in contact.identity_values("email"):
            link = Unsubscribe(contact.contact_id, "email", "offers", f"old-{who.number}")
            signer = make_signer(self.world.link_keys, self.world.loop.now)
            self.world.unsubscribe(signer.sign(link), str(who.email))

    def schedule(self) -> None:
        self._ask(lambda ports: schedule_broadcast(ports, ID, edit=1), self.schedule)

    def cancel(self) -> None:
        def then() -> None:
            if self.random.random() < 0.5:
                self.world.loop.at(self.world.loop.now + 90.0, self.schedule)

        if self.run:
            self._ask(lambda ports: cancel_broadcast(ports, ID), self.cancel, then)

    def _ask(
        self, work: Callable[[BroadcastPorts], Any], again: Callable[[], None], then: Callable[[], None] | None = None
    ) -> None:
        def done(invocation: Invocation) -> None:
            # Whoever is refused reads why, and lets it be.
            if invocation.error is None:
                if then:
                    then()
            elif not isinstance(invocation.error, VersionConflictError | DefinitionError):
                self.world.loop.at(self.world.loop.now + 10.0, again)

        def ask(ports: Ports) -> Any:
            stats: Any = None
            return work(BroadcastPorts(self.drafts, self.broadcasts, ports.books, self.schedules, stats, ports.clock))

        self.world.others.invoke(ask, done)

    # What becomes of it

    def start(self, number: int) -> None:
        Execution(self, number).begin()
        if self.is_called_off_at_once:  # at the very moment at which it begins
            self.is_called_off_at_once = False
            self.world.loop.at(self.world.loop.now + 0.03 * self.random.random(), self.cancel)

    def noticed(self, before: Run | None, after: Run) -> None:
        """The run was saved."""
        state = before.state if before else None
        if after.state not in FOLLOWS[state] or (state == CANCELLED and before and after.number != before.number + 1):
            self.slips.append(f"a broadcast that was {state} is {after.state}")
        rows = [row for (place, _), row in self.world.memory.memberships.items() if place == self.place]
        if self.begun_at is None and after.state == RUNNING:
            self.begun_at = self.world.loop.now
            for seconds, happen in self.meanwhile:
                happen(self.begun_at + seconds)
            for seconds, change in self.steering:
                self.world.loop.at(self.begun_at + seconds, self.steer, change)
            self.quota.until = self.begun_at + self.quota.used_up
            self.members = {row.contact_id for row in rows}
            self.entitled = set(self.members)
        elif after.state in (PAUSED, STOPPED) and state not in (PAUSED, STOPPED):
            self.stands.append((self.world.loop.now, inf))
        elif state == PAUSED and after.state != STOPPED:
            self.stands[-1] = (self.stands[-1][0], self.world.loop.now)
        elif state == DONE and after.state == RUNNING:
            ours = [message for message in self.world.memory.messages.values() if message.origin == ORIGIN]
            self.failed = {message.contact_id for message in ours if message.state == FAILED}
        elif state == RUNNING and after.state == MAILING and after.attempt == 1:
            self.stayed = {row.contact_id for row in rows if (row.since or 0.0) <= after.events_at}
        elif state == MAILING and after.state == DONE:
            for message in self.world.memory.messages.values():
                is_old = message.origin == ORIGIN and message.created_at <= after.times[MAILING]
                if is_old and message.state in (QUEUED, SENDING):
                    self.slips.append(f"the broadcast is done, and message {message.message_id} is {message.state}")

    def came(self, row: MembershipChange) -> None:
        """Somebody is in a segment: since before it began, if it was as another contact."""
        if self.run and self.begun_at and row.place == self.place and (row.since or 0.0) <= self.run.events_at:
            self.entitled.add(row.contact_id)


class Execution:
    """The state machine, as the definition in `infra/statemachines` says it."""

    def __init__(self, broadcasting: Broadcasting, number: int) -> None:
        self.broadcasting = broadcasting
        self.world = broadcasting.world
        self.number = number
        self.has_begun = False
        self.is_over = False
        self.shards: list[str] = []
        self.workers = 0

    def begin(self) -> None:
        self.task(lambda ports: running.begin_broadcast(ports, ID, self.number), self.begun)

    def begun(self, begun: running.Begun) -> None:
        self.has_begun = True
        task = begun.task
        if task == ADDRESS:
            self.shards = list(begun.parts)
            self.workers = WORKERS
            for _ in range(WORKERS):
                self.next_shard()
        elif task == COUNT:
            self.address_missed(None)

    def next_shard(self) -> None:
        """One more shard for a worker. One in which nobody is takes a call all the same, which is left out."""
        while self.shards:
            shard = self.shards.pop(0)
            if shard not in SHARDS:
                self.address(shard, None)
                return
            if memories.MemoryMemberships(self.world.memory).list_shard(self.broadcasting.place, shard):
                wait = self.broadcasting.crowd * self.world.loop.chance()
                self.world.loop.at(self.world.loop.now + wait, self.address, shard, None)
                return
            if (run := self.broadcasting.run) and run.state == RUNNING:
                self.broadcasting.runs.touch(run, self.world.loop.now, shard, END)
        self.workers -= 1
        if not self.workers:
            self.address_missed(None)

    def address_missed(self, cursor: str | None) -> None:
        def addressed(following: str | None) -> None:
            if following is None:
                self.count(running.Counted(Tally(), None))
            else:
                self.address_missed(following)

        self.task(lambda ports: running.address_missed(ports, ID, self.number, cursor, self.has_time), addressed)

    def address(self, shard: str, cursor: str | None) -> None:
        def addressed(following: str | None) -> None:
            if following is None:
                self.next_shard()
            else:
                self.address(shard, following)

        self.task(lambda ports: running.address_part(ports, ID, self.number, shard, cursor, self.has_time), addressed)

    def count(self, so_far: running.Counted) -> None:
        def counted(found: running.Counted) -> None:
            if found.cursor is not None:
                self.count(found)

        self.task(lambda ports: running.count_messages(ports, ID, self.number, so_far, self.has_time), counted)

    def has_time(self) -> bool:
        invocation = self.world.loop.current
        return invocation is not None and invocation.deadline - self.world.loop.now > RESERVE

    def task(self, work: Callable[[running.RunPorts], Any], then: Callable[[Any], None], tries: int = 0) -> None:
        """A state that calls the function, and goes on with its answer."""
        if self.is_over:
            return
        world, broadcasting = self.world, self.broadcasting

        def done(invocation: Invocation) -> None:
            self.is_over = self.is_over or (self.has_begun and world.chance(broadcasting.cuts))
            if self.is_over:
                return
            if invocation.error is None:
                then(invocation.result)
            elif tries < RETRIES:
                world.loop.at(world.loop.now + FIRST_RETRY * 2**tries, self.task, work, then, tries + 1)
            else:
                self.is_over = True
                world.dead.append(lambda: broadcasting.start(self.number))

        def run(ports: Ports) -> Any:
            return work(
                running.RunPorts(
                    ports, broadcasting.broadcasts, broadcasting.members_port, broadcasting.ledger, broadcasting.queues,
                    broadcasting.quota, broadcasting.stats, broadcasting.schedules,
                )
            )  # fmt: skip

        world.others.invoke(run, done)
