"""Privacy: all that is held about a person, and being forgotten."""

from http import HTTPStatus
from typing import Annotated, Any, TypedDict

from functions.api.routes.contacts import read_contact
from functions.api.routing import Caller, Routes
from functions.api.schemas import BodyError, Cursor, Example, Instant, Listed, Text
from postroad.consent.privacy import ERASURE, EXPORT, KEPT, MOST_PEOPLE, PrivacyRequest
from postroad.instants import format_instant
from postroad_aws import clock, ids, runs
from postroad_aws.storage import NotFoundError, privacy
from postroad_aws.storage.paging import decode_cursor, encode_cursor
from postroad_aws.usecases.ask_privacy import ask_privacy

routes = Routes("Privacy")

Because = Annotated[str, Text(500), Example("a letter of 23 November"), "Who asked, and how; name nobody in it."]


class PrivacyRequestView(TypedDict):
    """An export, or an erasure, and how far it is."""

    request_id: str
    kind: Annotated[str, "`export` or `erasure`."]
    state: Annotated[str, "`running` or `done`."]
    contacts: Annotated[list[str], "The ids of the contacts whom it is about, as they were."]
    because: str
    asked_at: Instant
    asked_by: Annotated[str, "The source of the key that asked."]
    finished_at: Instant | None
    counts: Annotated[dict[str, int], "How much there was of each part, and how much of it is gone after an erasure."]
    readable_until: Annotated[Instant | None, "Until when an export can be read; null of what cannot."]


class AskBody(TypedDict):
    """Why it is asked for."""

    because: Because


class EraseBody(TypedDict):
    """Whom to forget, and why."""

    contacts: Annotated[list[Annotated[str, Text(64)]], "Ids of 1 to 100 contacts."]
    because: Because


@routes.post("/contacts/{contact_id}/export", status=HTTPStatus.ACCEPTED)
def export_contact(contact_id: str, body: AskBody, caller: Caller) -> PrivacyRequestView:
    """Write down all that is held about a contact.

    Its records can be read for a week.
    """
    return _ask(EXPORT, [contact_id], body["because"], caller)


@routes.post("/contacts/{contact_id}/erasure", status=HTTPStatus.ACCEPTED)
def erase_contact(contact_id: str, body: AskBody, caller: Caller) -> PrivacyRequestView:
    """Forget a contact.

    Nothing but hashes is left, so that it stays forgotten.
    """
    return _ask(ERASURE, [contact_id], body["because"], caller)


@routes.post("/erasures", status=HTTPStatus.ACCEPTED)
def erase_contacts(body: EraseBody, caller: Caller) -> PrivacyRequestView:
    """Forget many contacts at once, with one report."""
    return _ask(ERASURE, body["contacts"], body["because"], caller)


@routes.get("/privacy-requests/{request_id}")
def get_privacy_request(request_id: str) -> PrivacyRequestView:
    """How far an export or an erasure is; its report when it is done."""
    return _show(privacy.get_request(request_id))


@routes.get("/privacy-requests/{request_id}/records")
def list_records(request_id: str, cursor: Cursor | None = None) -> Listed[dict[str, Any]]:
    """What an export has found, part by part."""
    request = privacy.get_request(request_id)
    if not request.is_kept(clock.now()):
        raise NotFoundError("This export is not done yet, or can be read no more.")
    number = int(decode_cursor(cursor, int)[0]) if cursor else 0
    following = encode_cursor(number + 1) if number + 1 < request.pages else None
    return {"items": privacy.find_page(request_id, number), "next": following}


def _ask(kind: str, people: list[str], because: str, caller: Caller) -> PrivacyRequestView:
    if len(people) > MOST_PEOPLE:
        raise BodyError(("contacts", f"must be 1 to {MOST_PEOPLE} contacts; there are {len(people)}"))
    found = [read_contact(contact_id).contact_id for contact_id in people]
    return _show(ask_privacy(privacy, runs, clock, ids, kind, found, caller.source, because))


def _show(request: PrivacyRequest) -> PrivacyRequestView:
    finished = request.finished_at
    readable = request.is_kept(clock.now()) and finished is not None
    return {
        "request_id": request.request_id,
        "kind": request.kind,
        "state": request.state,
        "contacts": list(request.people),
        "because": request.because,
        "asked_at": format_instant(request.asked_at),
        "asked_by": request.asked_by,
        "finished_at": None if finished is None else format_instant(finished),
        "counts": dict(request.counts),
        "readable_until": format_instant(finished + KEPT) if readable and finished is not None else None,
    }
