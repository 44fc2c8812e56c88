"""Take the people of an import, page by page: what they answered is written with its proof, then their events are
queued.

Whatever dies, the page is taken once more: its proofs and events are the same, and an event acts once.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from postroad.contacts.contact import Contact
from postroad.contacts.identities import ADDRESSES, claim_of, contact_id_of, parse_identity
from postroad.events import Event
from postroad.imports import DONE, SOURCE, Import, Person, Stood, settle, topics_of
from postroad.tracking.packing import QueueMessage, pack
from postroad_aws.ports import Clock, Forward, Stored, Tombstone
from postroad_aws.storage import VersionConflictError
from postroad_aws.usecases.find_contact import find_contacts

# So many people are asked about together: a batch of DynamoDB has 100 keys, and each person up to nine.
_AT_ONCE = 10
# So many such groups are taken side by side, because nearly all of the time is waiting for DynamoDB.
_SIDE_BY_SIDE = 10


class Contacts(Protocol):
    def find_items(self, ids: Collection[str], *, consistent: bool) -> Mapping[str, Stored]: ...


class Refusals(Protocol):
    def find_answers(self, topics: Mapping[str, Collection[str]]) -> Mapping[str, Any]: ...

    def save_consent(
        self, address: str, topic: str, granted: bool, now: float, evidence: Mapping[str, Any]
    ) -> None: ...

    def save_suppression(self, address: str, reason: str, now: float, evidence: Mapping[str, Any]) -> None: ...


class Imports(Protocol):
    def get_import(self, import_id: str) -> Import: ...

    def save_import(self, job: Import) -> None: ...

    def find_people(self, import_id: str, number: int) -> list[Person]: ...

    def forget_people(self, import_id: str, number: int) -> None: ...


class Queues(Protocol):
    def send_events(self, messages: Sequence[QueueMessage]) -> Sequence[QueueMessage]: ...


@dataclass(frozen=True, slots=True)
class ImportPorts:
    """What taking an import touches."""

    contacts: Contacts
    refusals: Refusals
    imports: Imports
    queues: Queues
    clock: Clock
    contact_key: bytes


def import_contacts(ports: ImportPorts, import_id: str, has_time: Callable[[], bool]) -> bool:
    """Go on with an import as long as there is time; True when it is done. Raises NotFoundError, and ConnectionError
    when the queue did not take a page."""
    job = ports.imports.get_import(import_id)
    while job.state != DONE:
        if not has_time():
            return False
        page = job.taken
        people = ports.imports.find_people(import_id, page)
        groups = [people[start : start + _AT_ONCE] for start in range(0, len(people), _AT_ONCE)]
        taken = [_threads().submit(_take, ports, job, group) for group in groups]
        wait(taken)  # nobody is at work any more when this fails
        counts = Counter(outcome for each in taken for outcome in each.result())
        after = job.after(page, counts, ports.clock.now())
        try:
            ports.imports.save_import(after)
        except VersionConflictError:  # another run takes the same people, and was first
            job = ports.imports.get_import(import_id)
        else:
            ports.imports.forget_people(import_id, page)
            job = after
    return True


@cache
def _threads() -> ThreadPoolExecutor:
    """Kept, because each has a connection of its own."""
    return ThreadPoolExecutor(_SIDE_BY_SIDE)


def _take(ports: ImportPorts, job: Import, people: Sequence[Person]) -> list[str]:
    ids = {
        person.line: [
            contact_id_of(row, ports.contact_key)
            for identity in map(parse_identity, person.identities)
            for row in dict.fromkeys((identity, claim_of(identity)))
        ]
        for person in people
    }
    every = sorted({each for found in ids.values() for each in found})
    items = ports.contacts.find_items(every, consistent=True)
    known = {each: item for each, item in items.items() if isinstance(item, Contact)}
    if forwarded := [each for each, item in items.items() if isinstance(item, Forward)]:
        known |= find_contacts(ports.contacts, forwarded)
    addresses = {
        each: topics_of(job.agreement)
        for person in people
        for each in person.identities
        if each.partition(":")[0] in ADDRESSES
    }
    answers = ports.refusals.find_answers(addresses) if addresses else {}
    outcomes: list[str] = []
    events: list[Event] = []
    for person in people:
        said = {
            each: Stood(answers[each].suppression, answers[each].consents)
            for each in person.identities
            if each in addresses
        }
        contact = next((known[each] for each in ids[person.line] if each in known), None)
        was_erased = contact is None and any(isinstance(items.get(each), Tombstone) for each in ids[person.line])
        settled = settle(person, job, contact, said, was_erased=was_erased)
        for each in settled.answers:
            ports.refusals.save_consent(each.address, each.topic, each.granted, each.time, each.evidence)
        for address in settled.suppressed:
            evidence = {"by": SOURCE, "import": job.import_id}
            ports.refusals.save_suppression(address, SOURCE, job.asked_at, evidence)
        events += settled.events
        outcomes += settled.outcomes
    if ports.queues.send_events(pack(events)):
        raise ConnectionError("the events queue did not take all people of an import")
    return outcomes
