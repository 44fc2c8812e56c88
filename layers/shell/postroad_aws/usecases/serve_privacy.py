"""Serve a privacy request: write down all that is held about a person, or erase it, part by part.

What is exported is what is erased: each part is read and forgotten by one entry of PARTS. Of an erasure the refusals go
first, because nothing may be sent from then on, then the contact itself, in whose place tombstones stay, and then all
that its ids lead to. A second look, after every function that was at work has ended, finds what those still wrote.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from postroad.consent.erasure import speaks_of
from postroad.consent.privacy import DONE, ERASURE, PrivacyRequest, plain
from postroad.consent.rule import EVERY_TOPIC
from postroad.contacts.contact import Contact
from postroad.contacts.identities import contact_id_of
from postroad.sending.messages import Message
from postroad.tasks import Task
from postroad.tracking.quarantine import Reject
from postroad_aws.ports import Books, Clock
from postroad_aws.storage import Page
from postroad_aws.usecases.erase_contact import Contacts, erase_item, ids_of, names_of
from postroad_aws.usecases.find_contact import find_contacts

# A page of an export has so many records, and so many bytes before it is deflated: an item takes 400 KB.
PAGE = 40
PAGE_BYTES = 300_000

CONTACTS = "contacts"


class Timeline(Protocol):
    def list_records(self, contact_ids: Sequence[str], before: float | None = None) -> Iterator[Any]: ...

    def forget_rows(self, contact_ids: Sequence[str], before: float | None = None) -> None: ...


class Messages(Protocol):
    def list_by_contact(
        self, contact_ids: Sequence[str], *, cursor: str | None = None, limit: int = 50
    ) -> Page[Message]: ...

    def forget_messages(self, contact_ids: Sequence[str], before: float | None = None) -> None: ...


class WebMessages(Protocol):
    def list_records(self, contact_ids: Sequence[str]) -> Iterator[Any]: ...

    def forget_messages(self, contact_ids: Sequence[str], before: float | None = None) -> None: ...


class Tasks(Protocol):
    def list_by_contact(
        self, contact_ids: Sequence[str], *, cursor: str | None = None, limit: int = 50
    ) -> Page[Task]: ...

    def forget_tasks(self, contact_ids: Sequence[str], before: float | None = None) -> None: ...


class Refusals(Protocol):
    def list_records(self, addresses: Collection[str], topics: Collection[str]) -> Iterator[Any]: ...

    def erase_answers(self, addresses: Collection[str], topics: Collection[str], now: float) -> None: ...


class Quarantine(Protocol):
    def list_rejects(self, now: float, *, cursor: str | None = None, limit: int = 50) -> Page[Reject]: ...

    def forget_rejects(self, rejects: Sequence[Reject]) -> None: ...


class ApiRequests(Protocol):
    def list_answers(self) -> Iterator[tuple[str, str]]: ...

    def forget_requests(self, request_ids: Collection[str]) -> None: ...


class PrivacyRequests(Protocol):
    def get_request(self, request_id: str) -> PrivacyRequest: ...

    def save(self, request: PrivacyRequest) -> PrivacyRequest: ...

    def save_page(self, request_id: str, number: int, records: list[Any], now: float) -> None: ...

    def list_exports(self, ids: Collection[str]) -> Iterator[PrivacyRequest]: ...

    def forget_exports(self, ids: Collection[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class PrivacyPorts:
    """What serving a privacy request touches."""

    contacts: Contacts
    timeline: Timeline
    messages: Messages
    web_messages: WebMessages
    tasks: Tasks
    refusals: Refusals
    quarantine: Quarantine
    api_requests: ApiRequests
    requests: PrivacyRequests
    books: Books
    clock: Clock
    contact_key: bytes


@dataclass(slots=True)
class _People:
    """Whom a request is about: all their ids, and their contacts as long as they are there. Under the ids in `shared`
    somebody has begun anew since an erasure was asked for: of those only what is older is theirs."""

    ids: tuple[str, ...]
    contacts: list[Contact]
    asked_at: float
    shared: frozenset[str] = frozenset()

    def has(self, contact_id: str, time: float) -> bool:
        """Whether what was stored under an id at a time is theirs."""
        return contact_id not in self.shared or time < self.asked_at

    def forget(self, forget: Callable[..., None]) -> None:
        """Have all of theirs deleted under all of their ids."""
        forget([contact_id for contact_id in self.ids if contact_id not in self.shared])
        if self.shared:
            forget(sorted(self.shared), self.asked_at)

    @property
    def addresses(self) -> list[str]:
        found = {text for each in self.contacts for text in each.identities if text.startswith(("email:", "phone:"))}
        return sorted(found)

    def topics(self, ports: PrivacyPorts) -> list[str]:
        said = {key.rpartition(":")[2] for each in self.contacts for key in each.consents}
        return sorted({*ports.books.current_policy().topics, EVERY_TOPIC, *said})


class Part:
    """One place at which something is held about people: `read` yields it, `forget` takes it away."""

    def __init__(
        self,
        key: str,
        read: Callable[[PrivacyPorts, _People], Iterable[Any]],
        forget: Callable[[PrivacyPorts, _People], None],
    ) -> None:
        self.key, self.read, self.forget = key, read, forget


def serve_privacy(ports: PrivacyPorts, request_id: str, has_time: Callable[[], bool]) -> bool:
    """Go on with a request as long as there is time; True when it is done. Raises NotFoundError.

    Doing it again after it is done looks once more: what was written meanwhile by whoever was at work goes as well.
    """
    request = ports.requests.get_request(request_id)
    people = _find_people(ports, request)
    if not set(people.ids) <= set(request.ids):
        # There is more of them than was known: what is done already is to be done for that as well.
        request = ports.requests.save(request.with_(ids=tuple(sorted({*request.ids, *people.ids})), done=()))
    is_second_look = request.state == DONE
    for part in PARTS:
        if part.key in request.done and not is_second_look:
            continue
        if not has_time():
            return False
        if request.kind != ERASURE:
            if not is_second_look:
                request = _write(ports, request, part, people)
            continue
        if part.key not in request.counts:
            # Before anything goes, so that the report is the same however often it begins anew.
            number = sum(1 for _ in part.read(ports, people))
            request = ports.requests.save(request.with_(counts={**request.counts, part.key: number}))
        part.forget(ports, people)
        if part.key == CONTACTS and _find_people(ports, request).contacts:
            raise TimeoutError("somebody who was to be erased became one with another contact; begin anew")
        if not is_second_look:
            request = ports.requests.save(request.with_(done=(*request.done, part.key)))
    if not is_second_look:
        ports.requests.save(request.with_(state=DONE, finished_at=ports.clock.now()))
    return True


def _find_people(ports: PrivacyPorts, request: PrivacyRequest) -> _People:
    """The contacts of a request as they are now. Whoever began anew since an erasure was asked for, or was given one
    of their identities since, is somebody else."""
    ids = {*request.people, *request.ids}
    contacts: list[Contact] = []
    shared: set[str] = set()
    for contact in {each.contact_id: each for each in find_contacts(ports.contacts, ids).values()}.values():
        own = {contact.contact_id, *ids_of(contact, ports.contact_key)}
        if request.kind == ERASURE and not _was_theirs(ports, request, contact, ids):
            shared |= own & ids
        else:
            contacts.append(contact)
            ids |= own
    return _People(tuple(sorted(ids)), contacts, request.asked_at, frozenset(shared))


def _was_theirs(ports: PrivacyPorts, request: PrivacyRequest, contact: Contact, ids: Collection[str]) -> bool:
    """Whether a contact found by these ids is of who asked, and not one that has come by an id of theirs since."""
    if contact.erased_at is not None and contact.erased_at >= request.asked_at:
        return False
    if contact.contact_id in ids or not set(contact.merged_from).isdisjoint(ids):
        return True
    before = {text for text, time in contact.identities.items() if time < request.asked_at}
    names = {name for text in before for name in names_of(text)}
    return any(contact_id_of(name, ports.contact_key) in ids for name in names)


def _write(ports: PrivacyPorts, request: PrivacyRequest, part: Part, people: _People) -> PrivacyRequest:
    """Write what a part holds onto pages of an export. When it begins anew, it writes the same pages again."""
    number, written = 0, request.pages
    for records in _cut({"part": part.key, **plain(record)} for record in part.read(ports, people)):
        ports.requests.save_page(request.request_id, written, records, request.asked_at)
        number, written = number + len(records), written + 1
    counts = {**request.counts, part.key: number}
    return ports.requests.save(request.with_(counts=counts, done=(*request.done, part.key), pages=written))


def _cut(records: Iterable[Any]) -> Iterator[list[Any]]:
    """The records of each page."""
    page: list[Any] = []
    size = 0
    for record in records:
        length = len(json.dumps(record, ensure_ascii=False).encode(errors="replace"))
        if page and (len(page) == PAGE or size + length > PAGE_BYTES):
            yield page
            page, size = [], 0
        page.append(record)
        size += length
    if page:
        yield page


def _all(list_page: Callable[..., Page[Any]], ids: Sequence[str]) -> Iterator[Any]:
    cursor = None
    while True:
        page = list_page(ids, cursor=cursor, limit=100)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def _read_contacts(ports: PrivacyPorts, people: _People) -> Iterator[Mapping[str, Any]]:
    for contact in people.contacts:
        yield {name: value for name, value in plain(contact).items() if name not in ("ring", "extra")}


def _forget_contacts(ports: PrivacyPorts, people: _People) -> None:
    for contact in people.contacts:
        erase_item(ports, contact.contact_id, erased_at=people.asked_at, known=people.ids)


def _read_timeline(ports: PrivacyPorts, people: _People) -> Iterator[Any]:
    for contact_id in people.ids:
        until = people.asked_at if contact_id in people.shared else None
        yield from ports.timeline.list_records([contact_id], until)


def _list_rejects(ports: PrivacyPorts, people: _People) -> Iterator[Reject]:
    cursor = None
    while True:
        page = ports.quarantine.list_rejects(ports.clock.now(), cursor=cursor, limit=100)
        yield from (each for each in page.items if speaks_of(each.raw, people.ids, ports.contact_key))
        cursor = page.next
        if cursor is None:
            return


def _list_answers(ports: PrivacyPorts, people: _People) -> Iterator[Mapping[str, str]]:
    for request_id, answer in ports.api_requests.list_answers():
        if speaks_of(answer, people.ids, ports.contact_key):
            yield {"request_id": request_id, "answer": answer}


# In the order in which they are served.
PARTS: tuple[Part, ...] = (
    Part(
        "refusals",
        lambda ports, people: ports.refusals.list_records(people.addresses, people.topics(ports)),
        lambda ports, people: ports.refusals.erase_answers(people.addresses, people.topics(ports), people.asked_at),
    ),
    Part(CONTACTS, _read_contacts, _forget_contacts),
    Part(
        "messages",
        lambda ports, people: (
            each
            for each in _all(ports.messages.list_by_contact, people.ids)
            if people.has(each.contact_id, each.created_at)
        ),
        lambda ports, people: people.forget(ports.messages.forget_messages),
    ),
    Part(
        "web_messages",
        lambda ports, people: (
            each
            for each in ports.web_messages.list_records(people.ids)
            if people.has(each["contact_id"], each["created_at"])
        ),
        lambda ports, people: people.forget(ports.web_messages.forget_messages),
    ),
    Part(
        "tasks",
        lambda ports, people: (
            each
            for each in _all(ports.tasks.list_by_contact, people.ids)
            if people.has(each.contact_id, each.created_at)
        ),
        lambda ports, people: people.forget(ports.tasks.forget_tasks),
    ),
    Part(
        "timeline",
        _read_timeline,
        lambda ports, people: people.forget(ports.timeline.forget_rows),
    ),
    Part(
        "quarantine",
        _list_rejects,
        lambda ports, people: ports.quarantine.forget_rejects(list(_list_rejects(ports, people))),
    ),
    Part(
        "api_requests",
        _list_answers,
        lambda ports, people: ports.api_requests.forget_requests(
            [each["request_id"] for each in _list_answers(ports, people)]
        ),
    ),
    Part(
        "exports",
        lambda ports, people: (
            {"export": each.request_id} for each in ports.requests.list_exports(people.ids) if each.state == DONE
        ),
        lambda ports, people: ports.requests.forget_exports(people.ids),
    ),
)
