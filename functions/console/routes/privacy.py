"""Privacy: all that is held about a person, being forgotten, and what was asked for of both."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from functions.console.pages import page
from functions.console.requests import Request, RequestError, is_storable
from functions.console.responses import SECURITY, Response, redirect
from postroad.consent.privacy import DONE, ERASURE, EXPORT, KEPT, PrivacyRequest, cut_files
from postroad.contacts.contact import Contact
from postroad.instants import format_instant
from postroad_aws import clock, ids, runs
from postroad_aws.storage import NotFoundError, contacts, privacy
from postroad_aws.usecases.ask_privacy import ask_privacy
from postroad_aws.usecases.find_contact import find_contact

_PAGE = 50
LONGEST_REASON = 200
# Deflated, as it is stored and as it is sent: an answer of 6 MB is the most, and a third of that is its writing.
FILE_BYTES = 3_000_000


class PartWords(NamedTuple):
    """How a part of an export is called, and the line by which one of its records is known: (words, time)."""

    title: str
    line: Callable[[Mapping[str, Any]], tuple[str, float | None]]


def _tell_refusal(record: Mapping[str, Any]) -> tuple[str, float | None]:
    if "suppression" in record:
        return f"suppressed: {record['suppression']['reason']}", record["suppression"]["time"]
    said = record.get("answer") or record["proof"]
    kind = "an answer in force" if "answer" in record else "the proof of an answer"
    return f"{record['topic']}: {'yes' if said['granted'] else 'no'}, {kind}", said["time"]


# In the order of the parts themselves.
PARTS: Mapping[str, PartWords] = {
    "refusals": PartWords("What they agreed to and refused", _tell_refusal),
    "contacts": PartWords("Who they are", lambda record: ("everything known of them", record["created_at"])),
    "messages": PartWords(
        "Messages", lambda record: (f"{record['template']} by {record['channel']}: {record['state']}",
                                    record["created_at"])),
    "web_messages": PartWords("Waiting on a site", lambda record: (record["title"], record["created_at"])),
    "tasks": PartWords("Tasks", lambda record: (f"{record['title']}: {record['state']}", record["created_at"])),
    "timeline": PartWords("What happened", lambda record: (record["event"]["name"], record["event"]["time"])),
    "quarantine": PartWords("In quarantine", lambda record: (record["reason"], record["received"])),
    "api_requests": PartWords("Answers of the API", lambda record: ("an answer that names them", None)),
    "exports": PartWords("Exports", lambda record: ("another export of them", None)),
}  # fmt: skip


class Shown(NamedTuple):
    """A record of an export as it is read: its line, and all of it as text."""

    part: str
    words: str
    time: float | None
    text: str


def show_list(request: Request) -> Response:
    """What was asked for, the newest first."""
    found = privacy.list_requests(cursor=request.cursor, limit=_PAGE)
    return page(request, "privacy/list.html", fragment="rows", asked=found.items, next=found.next)


def show_one(request: Request) -> Response:
    """One request: how far it is, then its report. A page that followed it is loaded anew once it is done."""
    asked = privacy.get_request(request.variables["request_id"])
    if request.is_fragment and asked.state == DONE:
        return Response().with_(hx_refresh="true", cache_control="no-store")
    is_kept = asked.is_kept(request.now)
    files = cut_files(privacy.list_sizes(asked.request_id), FILE_BYTES) if is_kept else []
    parts = [(key, words.title, asked.counts.get(key)) for key, words in PARTS.items()]
    until = (asked.finished_at or 0.0) + KEPT
    values: dict[str, Any] = {"asked": asked, "parts": parts, "is_kept": is_kept, "files": files, "until": until}
    return page(request, "privacy/one.html", fragment="live", **values)


def show_records(request: Request) -> Response:
    """What an export has found, to be read."""
    asked = _get_kept(request)
    number = request.place
    records: list[Shown] = []
    while number < asked.pages and len(records) < _PAGE:  # each part has pages of its own, however short
        records += [_show(record) for record in privacy.find_page(asked.request_id, number)]
        number += 1
    following = str(number) if number < asked.pages else None
    return page(request, "privacy/records.html", fragment="rows", asked=asked, records=records, next=following,
                parts=PARTS)  # fmt: skip


def download(request: Request) -> Response:
    """The same as a file of JSON; a large export is several, each named by its first page."""
    asked = _get_kept(request)
    files = {each.start: each for each in cut_files(privacy.list_sizes(asked.request_id), FILE_BYTES)}
    pages = files.get(request.place)
    if pages is None:
        raise NotFoundError("This export has no such file; its page names those that it has.")
    document = {
        "contacts": list(asked.people),
        "written": format_instant(asked.finished_at or asked.asked_at),
        "file": [*files].index(pages.start) + 1,
        "of": len(files),
        "records": [record for number in pages for record in privacy.find_page(asked.request_id, number)],
    }
    headers = {
        **SECURITY,
        "content-type": "application/json; charset=utf-8",
        "content-disposition": f'attachment; filename="export-{asked.request_id}-{document["file"]}.json"',
        "cache-control": "no-store",
    }
    return Response(200, json.dumps(document, ensure_ascii=False, indent=1).encode(errors="replace"), headers)


def export(request: Request) -> Response:
    """Have all that is held about a contact written down."""
    return _ask(request, EXPORT, _find(request))


def ask_erasure(request: Request) -> Response:
    """What erasing a contact will do, before it is done."""
    return page(request, "privacy/erase.html", contact=_find(request), problem="")


def erase(request: Request) -> Response:
    """Have a contact forgotten, once somebody has said that they mean it."""
    contact = _find(request)
    if request.form().get("sure") != "yes":
        problem = "Tick that you have read what will happen; nothing was done."
        return page(request, "privacy/erase.html", status=422, contact=contact, problem=problem)
    return _ask(request, ERASURE, contact)


def _ask(request: Request, kind: str, contact: Contact) -> Response:
    because = request.form().get("because", "").strip()
    if not because or len(because) > LONGEST_REASON or not is_storable(because):
        raise RequestError(f"Say who asked for it and how, in a line of at most {LONGEST_REASON} characters.")
    assert request.session is not None  # every route here has a role
    by = request.session.email
    asked = ask_privacy(privacy, runs, clock, ids, kind, [contact.contact_id], by, because)
    return redirect(f"/console/privacy/{asked.request_id}")


def _find(request: Request) -> Contact:
    contact = find_contact(contacts, request.variables["contact_id"])
    if contact is None:
        raise NotFoundError("There is no contact with this id.")
    return contact


def _get_kept(request: Request) -> PrivacyRequest:
    asked = privacy.get_request(request.variables["request_id"])
    if not asked.is_kept(request.now):
        raise NotFoundError("This export is not done yet, or can be read no more.")
    return asked


def _show(record: Mapping[str, Any]) -> Shown:
    part = str(record["part"])
    words, time = PARTS[part].line(record)
    rest = {name: value for name, value in record.items() if name != "part"}
    return Shown(part, words, time, json.dumps(rest, indent=2, ensure_ascii=False))
