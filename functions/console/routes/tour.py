"""The guided tour on the home page: from an event sent with curl to the mail that it caused, and to the reasons.

Where somebody stands is read from what has happened, so the tour notices what was done elsewhere.
"""

from typing import NamedTuple

from functions.console.pages import page
from functions.console.requests import Request
from functions.console.responses import SECURITY, Response, redirect
from postroad.contacts.contact import Contact
from postroad.sending.messages import QUEUED, SENDING, Message
from postroad_aws.storage import contacts, keys, messages
from postroad_aws.usecases.search_contacts import search_contacts

# Whom the first command makes known, and the key that it uses where there is one.
PERSON = "ana@example.com"
DEMO_KEY = "demo-write-key"

HIDDEN = "tour=hidden; Path=/console; Max-Age=31536000; HttpOnly; SameSite=Lax"
STEPS = ("send", "mail", "why")


class Progress(NamedTuple):
    """How far somebody has come: the step that is next (`done` when none is), and what there is to show."""

    step: str
    contact: Contact | None = None
    mail: Message | None = None


def show(request: Request) -> Response:
    """The tour, for htmx. Asked with the step that the page shows already, it answers only when there is news."""
    if request.cookies.get("tour") == "hidden":
        return Response(200, b"", {**SECURITY, "content-type": "text/html; charset=utf-8", "cache-control": "no-store"})
    progress = _find_progress()
    if request.text("step") == progress.step:
        return Response(204, b"", {**SECURITY, "cache-control": "no-store"})
    key = DEMO_KEY if keys.find_key(DEMO_KEY) else "YOUR-WRITE-KEY"
    return page(request, "home/tour_steps.html", progress=progress, steps=STEPS, key=key, person=PERSON)


def hide(request: Request) -> Response:
    answer = Response(200, b"", SECURITY) if request.is_fragment else redirect("/console")
    return answer.with_(cookies=(HIDDEN,))


def _find_progress() -> Progress:
    contact = next(iter(search_contacts(contacts, keys.derive_key("contacts"), f"email:{PERSON}")), None)
    if contact is None:
        return Progress("send")
    ids = (contact.contact_id, *contact.merged_from)
    mails = [message for message in messages.list_by_contact(ids, limit=100).items if message.channel == "email"]
    newest = max(mails, key=lambda message: message.created_at, default=None)
    if newest is None or newest.state in (QUEUED, SENDING):
        return Progress("wait", contact, newest)
    if any("opened" in mail.times or "clicked" in mail.times for mail in mails):
        return Progress("why", contact, newest)
    return Progress("mail", contact, newest)
