"""Somebody in a world is forgotten: who asks for it, the state machine that serves it, the tables that it empties, and
the servers that go on speaking of them.

Its chances are its own, so worlds in which nobody is forgotten stay what they are.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from postroad import events as names
from postroad.consent.privacy import DONE, ERASURE, PrivacyRequest
from postroad.consent.rule import ERASED
from postroad.contacts.contact import Consent
from postroad.contacts.identities import contact_id_of
from postroad.events import Event
from postroad.instants import DAY
from postroad.sending.messages import Message
from postroad.tasks import Task
from postroad.tracking.quarantine import Reject
from postroad_aws.ports import Ports
from postroad_aws.storage import Page, VersionConflictError
from postroad_aws.usecases import resume_runs as resuming
from postroad_aws.usecases import serve_privacy as serving
from postroad_aws.usecases.ask_privacy import ask_privacy
from tests.faults import memory as memories
from tests.faults.scheduler import Invocation, wire

if TYPE_CHECKING:
    from tests.faults.worlds import Person, World

HOUR = 3_600.0
# As the state machine has them.
RETRIES, FIRST_RETRY, LOOK_AGAIN = 5, 2.0, 60.0
RESERVE = 10.0


class Timeline(memories.MemoryTimeline):
    def list_records(self, contact_ids: Sequence[str], before: float | None = None) -> Iterator[Any]:
        rows = self.memory.list_rows(dict.fromkeys(contact_ids))
        return iter([row.key for row in rows if before is None or row.event.time < before])

    def forget_rows(self, contact_ids: Sequence[str], before: float | None = None) -> None:
        for row in self.memory.list_rows(dict.fromkeys(contact_ids)):
            if before is None or row.event.time < before:
                self.memory.rows[row.contact_id].pop(row.key, None)


class Messages(memories.MemoryMessages):
    """An index that is behind does not know yet what was just put."""

    def list_by_contact(
        self, contact_ids: Sequence[str], *, cursor: str | None = None, limit: int = 50
    ) -> Page[Message]:
        memory = self.memory
        found = [m for m in memory.messages.values() if m.contact_id in contact_ids]
        return Page([m for m in found if not 0 <= memory.now() - m.created_at < memory.lag], None)

    def forget_messages(self, contact_ids: Sequence[str], before: float | None = None) -> None:
        for message in self.list_by_contact(contact_ids).items:
            if before is None or message.created_at < before:
                self.memory.forget_message(message.message_id)


class Tasks(memories.MemoryTasks):
    def list_by_contact(self, contact_ids: Sequence[str], *, cursor: str | None = None, limit: int = 50) -> Page[Task]:
        return Page([task for task in self.memory.tasks.values() if task.contact_id in contact_ids], None)

    def forget_tasks(self, contact_ids: Sequence[str], before: float | None = None) -> None:
        for task in self.list_by_contact(contact_ids).items:
            if before is None or task.created_at < before:
                del self.memory.tasks[task.task_id]


class Refusals(memories.MemoryRefusals):
    def list_records(self, addresses: Collection[str], topics: Collection[str]) -> Iterator[Any]:
        return iter([address for address in addresses if address in self.memory.suppressions])

    def erase_answers(self, addresses: Collection[str], topics: Collection[str], now: float) -> None:
        for address in addresses:
            self.memory.suppressions.setdefault(address, ERASED)
            self.memory.erased_addresses.add(address)
            for topic in topics:
                answer: Consent | None = self.memory.consents.get((address, topic))
                if answer and answer.granted:
                    del self.memory.consents[address, topic]


class Quarantine(memories.MemoryQuarantine):
    def list_rejects(self, now: float, *, cursor: str | None = None, limit: int = 50) -> Page[Reject]:
        return Page(list(self.memory.rejects.values()), None)

    def forget_rejects(self, rejects: Sequence[Reject]) -> None:
        for reject in rejects:
            self.memory.rejects.pop(reject.reject_id, None)


class Nothing:
    """A table of which no world puts anything."""

    def list_records(self, contact_ids: Sequence[str]) -> Iterator[Any]:
        return iter(())

    def list_answers(self) -> Iterator[tuple[str, str]]:
        return iter(())

    def forget_messages(self, contact_ids: Sequence[str], before: float | None = None) -> None:
        """There is none."""

    def forget_requests(self, request_ids: Collection[str]) -> None:
        """There is none."""


@dataclass
class Requests:
    """The table of privacy requests."""

    erasing: "Erasing"
    stored: dict[str, PrivacyRequest] = field(default_factory=dict)

    def create(self, request: PrivacyRequest) -> None:
        self.stored.setdefault(request.request_id, request.with_(edit=1))

    def get_request(self, request_id: str) -> PrivacyRequest:
        return self.stored[request_id]

    def save(self, request: PrivacyRequest) -> PrivacyRequest:
        before = self.stored[request.request_id]
        if before.edit != request.edit:
            raise VersionConflictError("Somebody else works on this request; read it again.")
        saved = self.stored[request.request_id] = request.with_(edit=request.edit + 1)
        if "refusals" in saved.done and "refusals" not in before.done:
            self.erasing.confirmed()
        return saved

    def list_unfinished(self, since: float, until: float) -> Iterator[PrivacyRequest]:
        return (each for each in self.stored.values() if since <= each.asked_at <= until and each.state != DONE)

    def list_exports(self, ids: Collection[str]) -> Iterator[PrivacyRequest]:
        return iter(())

    def forget_exports(self, ids: Collection[str]) -> None:
        """There is none."""


class NoImports:
    """Lists come as events of a server here."""

    def list_unfinished(self, since: float, until: float) -> Iterator[Any]:
        return iter(())


class Runs:
    """Starts the state machine."""

    def __init__(self, erasing: "Erasing") -> None:
        self.erasing = erasing

    def start_privacy(self, request_id: str, kind: str) -> None:
        if request_id not in self.erasing.begun:  # a run has the name of its request
            self.erasing.step(request_id)


class Erasing:
    """Who is forgotten in a world; in most nobody is."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.is_there = world.seed % 5 == 4
        self.random = Random(f"erasing {world.seed}")
        self.requests = Requests(self)
        self.begun: set[str] = set()

    def plan(self) -> None:
        if not self.is_there:
            return
        world, random = self.world, self.random
        who, span = random.choice(world.people), world.calm - world.loop.now
        at = world.loop.now + random.random() * span * 0.7
        world.loop.at(at, self.ask, who)
        world.loop.at(at + HOUR, self.look)
        for number in range(random.randint(2, 4)):
            # A list is imported again, now and then while the erasure is under way.
            later = at + random.choice((5.0, 90.0, random.random() * span))
            event = Event(
                f"import-{number}", names.IDENTIFIED, later, later,
                (who.user, random.choice((who.email, who.other_email, who.phone))),
                trusted=True, source="server", attributes={"plan": "a"},
            )  # fmt: skip
            world.loop.at(later, world.post, [event], None)

    def ask(self, who: "Person") -> None:
        """Somebody who works here finds the person, and has them forgotten; an hour later if nobody is there yet."""
        world = self.world
        owners = [world.memory.load(contact_id_of(identity, world.ports.contact_key)) for identity in who.own]
        people = sorted({contact.contact_id for contact in owners if contact})
        if not people:
            if world.loop.now + HOUR < world.end - 2 * HOUR * 24:
                world.loop.at(world.loop.now + HOUR, self.ask, who)
            return
        asking = wire(world.loop, self.requests, "create")
        runs = wire(world.loop, Runs(self), "start_privacy")
        world.background(
            lambda ports: ask_privacy(asking, runs, ports.clock, ports.ids, ERASURE, people, "server", "a letter")
        )

    def look(self) -> None:
        """Each hour what never began is begun; this one knows when there is nothing to find."""
        loop = self.world.loop
        if not self.begun.issuperset(self.requests.stored):
            requests = wire(loop, self.requests, "list_unfinished")
            runs = wire(loop, Runs(self), "start_privacy")
            self.world.background(lambda ports: resuming.resume_runs(requests, NoImports(), runs, ports.clock))
        if loop.now < self.world.end - DAY:
            loop.at(loop.now + HOUR, self.look)

    def confirmed(self) -> None:
        """From now on nothing may go to the addresses."""
        self.world.refused(*sorted(self.world.memory.erased_addresses))

    def step(self, request_id: str, again: bool = False, tries: int = 0) -> None:
        """One task of the state machine."""
        loop = self.world.loop
        self.begun.add(request_id)

        def done(invocation: Invocation) -> None:
            if invocation.error is not None and tries < RETRIES:
                loop.at(loop.now + FIRST_RETRY * 2**tries, self.step, request_id, again, tries + 1)
            elif invocation.error is not None:
                self.world.dead.append(lambda: self.step(request_id))
            elif not invocation.result:
                loop.at(loop.now, self.step, request_id, again)
            elif not again:
                loop.at(loop.now + LOOK_AGAIN, self.step, request_id, True)

        self.world.others.invoke(lambda ports: self.serve(ports, request_id), done)

    def serve(self, ports: Ports, request_id: str) -> bool:
        loop, memory = self.world.loop, self.world.memory
        invocation = loop.current
        assert invocation
        served = serving.PrivacyPorts(
            contacts=wire(loop, memories.MemoryContacts(memory), "find_items", "erase"),
            timeline=wire(loop, Timeline(memory), "list_records", "forget_rows"),
            messages=wire(loop, Messages(memory), "list_by_contact", "forget_messages"),
            web_messages=Nothing(),
            tasks=wire(loop, Tasks(memory), "list_by_contact", "forget_tasks"),
            refusals=wire(loop, Refusals(memory), "list_records", "erase_answers"),
            quarantine=wire(loop, Quarantine(memory), "list_rejects", "forget_rejects"),
            api_requests=Nothing(),
            requests=wire(loop, self.requests, "get_request", "save"),  # exports there are none
            books=ports.books,
            clock=ports.clock,
            contact_key=ports.contact_key,
        )
        served.requests.list_exports = self.requests.list_exports
        served.requests.forget_exports = self.requests.forget_exports
        return serving.serve_privacy(served, request_id, lambda: invocation.deadline - loop.now > RESERVE)

    # For those who look afterwards

    @property
    def ids(self) -> set[str]:
        """All ids of those who were forgotten."""
        return {each for request in self.requests.stored.values() for each in (*request.people, *request.ids)}

    @property
    def left_over(self) -> list[str]:
        """What was asked for, and is not done. Who was not answered asks again: that is another request."""
        return [request_id for request_id, each in sorted(self.requests.stored.items()) if each.state != DONE]
