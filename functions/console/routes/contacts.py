"""Contacts: everybody, the newest first, and one with all that is known and why."""

from typing import Any, NamedTuple

from functions.console import telling
from functions.console.explained import VERDICTS, explain
from functions.console.names import find_names
from functions.console.pages import page
from functions.console.requests import Request
from functions.console.responses import Response, redirect
from postroad.advice.report import advise
from postroad.book import Book
from postroad.consent.rule import EVERY_TOPIC, in_force
from postroad.contacts.contact import Contact, Stage, journey_of
from postroad.instants import stamp
from postroad.policy import Policy
from postroad.tasks import OPEN, Task, assignee_of
from postroad_aws import books, catalogue
from postroad_aws.storage import NotFoundError, contacts, keys, messages, tasks, timeline
from postroad_aws.usecases.find_contact import find_contact
from postroad_aws.usecases.recommend_products import recommend_products, show_viewed
from postroad_aws.usecases.search_contacts import search_contacts

_PAGE = 50
# What is shown below somebody's name, by its tab: the template's block and what fills it.
TABS = {"timeline": "What happened", "why": "Why", "messages": "Messages", "products": "Products"}


class Line(NamedTuple):
    """A contact in the list; `score` is that of the account's first score sheet."""

    contact: Contact
    score: float | None
    segments: list[str]


class Standing(NamedTuple):
    """Where somebody stands: `stages` are those reached, the present one last; `persona` its name, how sure that is and
    why; `cells` a matrix's name, the cell and the cell's name, or ""."""

    stages: tuple[Stage, ...]
    persona: tuple[str, float, tuple[str, ...]] | None
    cells: list[tuple[str, str, str]]
    owner: str


class Answer(NamedTuple):
    """What somebody has said about a topic; `since` is None when they have said nothing."""

    topic: str
    granted: bool
    since: float | None


def show_list(request: Request) -> Response:
    """Everybody; with `q`, those who have this identity."""
    wanted = request.text("q")
    if wanted:
        found, following = search_contacts(contacts, keys.derive_key("contacts"), wanted), None
    else:
        found, following = contacts.list_contacts(cursor=request.cursor, limit=_PAGE)
    book = books.current()
    sheet = next(iter(book.scores.values()), None)
    lines = [_line(contact, book, request.now) for contact in found]
    title = sheet.name if sheet else None
    values: dict[str, Any] = {"lines": lines, "next": following, "wanted": wanted, "sheet": title}
    return page(request, "contacts/list.html", fragment="rows", **values)


def show_one(request: Request) -> Response:
    """One contact: who they are, where they stand, and below it one of the tabs."""
    contact_id = request.variables["contact_id"]
    contact = find_contact(contacts, contact_id)
    if contact is None:
        raise NotFoundError("There is no contact with this id.")
    if contact.contact_id != contact_id:
        # Merged: the address of today is that of whom they have become.
        return redirect(f"/console/contacts/{contact.contact_id}")
    tab = request.text("tab")
    tab = tab if tab in TABS else "timeline"
    book = books.current()
    values: dict[str, Any] = {"contact": contact, "tab": tab, "tabs": TABS, **_fill(tab, request, contact, book)}
    if not request.is_fragment:
        values |= _portrait(contact, book, request.now)
    shown = [each.product.image for key in ("recommended", "viewed") for each in values.get(key, ())]
    return page(request, "contacts/contact.html", fragment=tab, pictures=shown, **values)


def _line(contact: Contact, book: Book, now: float) -> Line:
    sheet = next(iter(book.scores.values()), None)
    score = sheet.value(book.view(contact, now)) if sheet else None
    return Line(contact, score, [telling.name_of(book, "segment", each) for each in sorted(contact.segments)])


def _fill(tab: str, request: Request, contact: Contact, book: Book) -> dict[str, Any]:
    ids = (contact.contact_id, *contact.merged_from)
    if tab == "messages":
        found = messages.list_by_contact(ids, cursor=request.cursor, limit=_PAGE)
        newest = sorted(found.items, key=lambda message: -message.created_at)
        names = find_names(newest)
        lines = [(message, names.template_of(message), names.sender_of(message, book)) for message in newest]
        return {"messages": lines, "next": found.next}
    if tab == "products":
        return {
            "recommended": recommend_products(catalogue, contact),
            "viewed": show_viewed(catalogue, contact),
            "next": None,
        }
    rows = timeline.list_rows(ids, cursor=request.cursor, limit=_PAGE)
    # Events that said no time of their own are kept by the hour.
    told = [telling.tell(row, book) for row in sorted(rows.items, key=lambda row: -row.event.time)]
    about = explain(request, contact, book) if tab == "why" else None
    return {"told": told, "next": rows.next, "about": about, "verdicts": VERDICTS}


def _portrait(contact: Contact, book: Book, now: float) -> dict[str, Any]:
    view = book.view(contact, now)
    return {
        "standing": _stand(contact, book, now),
        "advice": advise(contact, book.policy, now),
        "tasks": _list_tasks(contact),
        "grades": [(grade.name, grade.letter(view), grade.reasons(view)) for grade in book.grades.values()],
        "attributes": {name: each.value for name, each in sorted(contact.attributes.items()) if each.value is not None},
        "scores": [
            (sheet.name, sheet.value(view), next(iter(sheet.sort(view).names), ""), sheet.reasons(view))
            for sheet in book.scores.values()
        ],
        "segments": [
            (each, telling.name_of(book, "segment", each), since)
            for each, since in sorted(contact.segments.items(), key=lambda pair: -pair[1])
        ],
        "journeys": telling.journeys_of(contact, book),
        "passages": [
            (telling.name_of(book, "journey", each), each, passage)
            for each, passage in sorted(contact.passages.items(), key=lambda pair: -(pair[1].last_ended or 0))
            if each == journey_of(each) and not contact.enrollments_in(each) and passage.last_ended
        ],
        "answers": _answers(contact, book.policy, now),
        "home_zone": telling.zone_of(contact),
    }


def _list_tasks(contact: Contact) -> list[Task]:
    """What people are asked to do about somebody, what is due first first."""
    page = tasks.list_by_contact((contact.contact_id, *contact.merged_from), limit=_PAGE)
    return sorted((task for task in page.items if task.state == OPEN), key=lambda task: task.due_at)


def _stand(contact: Contact, book: Book, now: float) -> Standing:
    view = book.view(contact, now)
    persona = next((p for p in book.personas.personas if contact.persona and p.id == contact.persona.name), None)
    cells = [(matrix.name, matrix.sort(view).names) for matrix in book.matrices.values()]
    return Standing(
        (*contact.stages_before, *([contact.stage] if contact.stage else [])),
        (persona.name, contact.persona.confidence, persona.reasons(view)) if persona and contact.persona else None,
        [(title, found[0], "".join(found[1:])) for title, found in cells if found],
        assignee_of(contact),
    )


def _answers(contact: Contact, policy: Policy, now: float) -> list[Answer]:
    """What counts now; of a pause until when."""
    expiries = policy.expiries
    said = {key: each for key, each in contact.consents.items() if in_force(each, now, expiries.get(key))}
    found = []
    for topic in policy.topics.values():
        consent = said.pop(topic.topic_id, None)
        granted = consent.granted if consent else not topic.opt_in
        found.append(Answer(topic.name, granted, consent.time if consent else None))
    for key, consent in sorted(said.items()):
        channel, _, topic_id = key.rpartition(":")
        name = "Everything" if topic_id == EVERY_TOPIC else policy.find_topic(topic_id).name
        name += f" (a pause until {stamp(consent.until)})" if consent.until is not None else ""
        found.append(Answer(f"{name} by {channel}" if channel else name, consent.granted, consent.time))
    return found
