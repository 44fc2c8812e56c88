"""Messages: what every journey and broadcast has sent, and one with all that became of it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from functions.console import telling
from functions.console.crowds import CROWDS
from functions.console.names import find_names, split_origin
from functions.console.pages import page, preview_of
from functions.console.requests import Request
from functions.console.responses import Response
from postroad.book import Book
from postroad.broadcasts.broadcast import KIND, Run
from postroad.contacts.contact import Contact
from postroad.deliverability.reactions import reaction_of
from postroad.sending.messages import ENGAGEMENTS, Message
from postroad.stats import Counts, MessageCounts
from postroad_aws import books
from postroad_aws.storage import NotFoundError, broadcasts, contacts, messages, stats, timeline
from postroad_aws.usecases.find_contact import find_contact, find_contacts
from postroad_aws.usecases.list_recipients import list_recipients
from postroad_aws.usecases.preview_message import Preview, preview_message
from postroad_aws.wiring import production

_PAGE = 25
_SENDERS = 50
_MOST_BROADCASTS = 100


class Sender(NamedTuple):
    """What sends messages; `origins` are its versions, the newest first."""

    key: str
    kind: str
    name: str
    origins: tuple[str, ...]
    counts: MessageCounts


class Line(NamedTuple):
    """A message with its template's name, and whose it is; None is somebody who is gone."""

    message: Message
    template: str
    contact: Contact | None


def show_list(request: Request) -> Response:
    """Everything that sends; with `from`, the messages of one of them; with `who`, those of that crowd."""
    book = books.current()
    chosen = _find_sender(request.text("from"), book)
    if chosen is None:
        senders, end = list_senders(book), request.place + _SENDERS
        further = str(end) if end < len(senders) else None
        listed = senders[request.place : end]
        return page(request, "messages/senders.html", fragment="rows", senders=listed, next=further)
    crowd = CROWDS.get(request.text("who"), CROWDS["all"])
    found = list_recipients(messages, chosen.origins, crowd.wanted, cursor=request.cursor, enough=_PAGE)
    people, names = find_contacts(contacts, {message.contact_id for message in found.items}), find_names(found.items)
    newest = sorted(found.items, key=lambda message: -message.created_at)
    values: dict[str, Any] = {
        "chosen": chosen,
        "crowd": crowd,
        "tabs": [(each, count) for each in CROWDS.values() if (count := each.count(chosen.counts)) or each is crowd],
        "lines": [Line(each, names.template_of(each), people.get(each.contact_id)) for each in newest],
        "next": found.next,
    }
    return page(request, "messages/list.html", fragment="rows", **values)


def show_one(request: Request) -> Response:
    """One message: whose, from where, what became of it, and how it looks."""
    message = _get(request)
    book = books.current()
    kind, definition_id = split_origin(message.origin)
    names = find_names([message])
    contact = find_contact(contacts, message.contact_id)
    history = sorted(message.times.items(), key=lambda pair: pair[1])
    return page(
        request,
        "messages/message.html",
        message=message,
        contact=contact,
        sender=names.sender_of(message, book),
        template_name=names.template_of(message),
        sender_page=f"/console/{kind}s/{definition_id}" if kind in ("journey", "broadcast") else "",
        topic=book.policy.find_topic(message.topic).name,
        history=[(name, time, name in ENGAGEMENTS) for name, time in history],
        preview=_preview(message),
        reaction=reaction_of(message, request.now),
    )


def show_preview(request: Request) -> Response:
    """The mail alone, for a frame that lets it do nothing."""
    return preview_of(_preview(_get(request)).html)


def list_senders(book: Book) -> list[Sender]:
    """Journeys that are live or were, and the latest broadcasts, each with its numbers."""
    versions: dict[str, list[int]] = {}
    for journey_id, version in book.versions:
        versions.setdefault(journey_id, []).append(version)
    runs = broadcasts.list_runs(limit=_MOST_BROADCASTS).items
    counts = stats.find_counts([*(f"journey/{each}" for each in versions), *(run.broadcast.origin for run in runs)])
    journeys = [_journey(each, numbers, counts[f"journey/{each}"], book) for each, numbers in versions.items()]
    latest = [_sender_of(run, counts[run.broadcast.origin]) for run in runs]
    return sorted((*journeys, *latest), key=lambda sender: (-sender.counts.total, sender.name))


def _find_sender(key: str, book: Book) -> Sender | None:
    """The journey or broadcast of "journey/welcome", whether it is listed or not."""
    kind, sender_id = split_origin(key)
    if kind == KIND:
        run = broadcasts.find_run(sender_id) if sender_id else None
        return _sender_of(run, stats.find_counts([key])[key]) if run else None
    versions = [version for journey_id, version in book.versions if key == f"journey/{journey_id}"]
    return _journey(sender_id, versions, stats.find_counts([key])[key], book) if versions else None


def _journey(journey_id: str, versions: Iterable[int], counts: Counts, book: Book) -> Sender:
    key = f"journey/{journey_id}"
    origins = tuple(f"{key}@{number}" for number in sorted(versions, reverse=True))
    return Sender(key, "journey", telling.name_of(book, "journey", journey_id), origins, counts.all_messages)


def _sender_of(run: Run, counts: Counts) -> Sender:
    origin = run.broadcast.origin
    return Sender(origin, KIND, run.broadcast.name, (origin,), counts.all_messages)


def _get(request: Request) -> Message:
    message = messages.find_message(request.variables["message_id"])
    if message is None:
        raise NotFoundError("There is no message with this id.")
    return message


def _preview(message: Message) -> Preview:
    ports = production()
    return preview_message(contacts, timeline, ports.templates, ports.books, message, ports.catalogue)
