"""What the bench asks every page of the console."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from functions.console.routes import ROUTES
from functions.console.routing import Route
from functions.console.sessions import Session, cookie_name, seal_session
from tests.bench.cloud import Stack

HOST = "mail.tidewater.example"
PAGES = [route for route in ROUTES if route.method == "GET" and route.role is not None]
# What a page is asked beside the names in its path.
QUERIES: Mapping[str, Mapping[str, str]] = {
    "/console/journeys/{journey_id}/people": {"at": "first-purchase"},
    "/console/journeys/{journey_id}/why": {"at": "first-purchase", "contact": "{contact_id}"},
    "/console/broadcasts/_audience": {"segment": "customers"},
    "/console/leads": {"at": "segment/hot-leads"},
    "/console/leads.csv": {"at": "segment/hot-leads"},
    "/console/lifecycle/people": {"at": "stage/customer"},
    "/console/products/_one": {"id": "bench"},
    "/console/contacts/_imports": {"id": "bench"},
    "/console/scores/{score_id}/suggestions": {"goal": "Order Completed"},
}
# Pages with a tab or a choice that reads something of its own.
MORE = {
    "/console/contacts/{contact_id}?tab=messages": ("/console/contacts/{contact_id}", {"tab": "messages"}),
    "/console/segments?view=drafts": ("/console/segments", {"view": "drafts"}),
    "/console/tasks?view=done": ("/console/tasks", {"view": "done"}),
    "/console/messages?from=journey/welcome": ("/console/messages", {"from": "journey/welcome"}),
    "/console/messages?from=journey/welcome&who=skipped": (
        "/console/messages",
        {"from": "journey/welcome", "who": "skipped"},
    ),
}
# What the names in paths stand for, and which are looked up on the stack.
NAMES = {
    "account_id": "bench",
    "broadcast_id": "bench",
    "journey_id": "welcome",
    "score_id": "engagement",
    "segment_id": "customers",
    "template_id": "second-offer",
    "workflow_id": "birthday",
}
LOOKED_UP = ("contact_id", "message_id", "request_id", "task_id")
LETTER = {"kind": "broadcast", "id": "bench", "name": "Bench", "segment": "customers", "template": "second-offer"}


class Visitor:
    """Opens the pages of one stack as an admin."""

    function = "console"

    def __init__(self, stack: Stack) -> None:
        from functions.console.app import handler
        from postroad.accounts import begin
        from postroad.content.recommending import Product
        from postroad.imports import Import
        from postroad_aws.storage import accounts, contacts, definitions, imports, messages, products, tasks

        self.stack, self.handle = stack, handler
        stack.enter()
        if definitions.find_draft("broadcast", "bench") is None:
            definitions.save_draft("broadcast", "bench", LETTER, edit=0, now=time.time())
        products.save_products([Product("bench", "Bench")])
        imports.save_import(Import("bench", "Bench", time.time(), "bench", None, 1, (), 0, 1))
        if accounts.find_account("bench") is None:
            accounts.save_account(begin("bench", time.time()))
        contact_id = contacts.list_contacts(limit=1).items[0].contact_id
        self.names = {
            **NAMES,
            "request_id": make_export(contact_id),
            "contact_id": contact_id,
            "message_id": messages.list_newest("journey/welcome@1", limit=1).items[0].message_id,
            "task_id": tasks.list_tasks("open", limit=1).items[0].task_id,
        }

    def events(self) -> dict[str, dict[str, Any]]:
        """What each page is called with, by the name under which it is shown."""
        return {
            name: self._event(
                path.format(**self.names), {key: value.format(**self.names) for key, value in query.items()}
            )
            for name, (path, query) in list_pages().items()
        }

    def _event(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        from postroad_aws.storage import keys

        session = Session("Bench", "bench@tidewater.example", "admin", time.time() + 3_600)
        return {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": urlencode(query),
            "headers": {"host": HOST, "accept-encoding": "gzip"},
            "cookies": [f"{cookie_name('session', True)}={seal_session(session, keys.derive_key('sessions'))}"],
            "requestContext": {"http": {"method": "GET", "path": path}, "domainName": HOST},
        }


def make_export(contact_id: str) -> str:
    """The id of an export that is done and can be read."""
    from postroad.consent.privacy import DONE, EXPORT, PrivacyRequest
    from postroad_aws import clock
    from postroad_aws.storage import privacy

    now = clock.now()
    asked = PrivacyRequest(
        "bench", EXPORT, (contact_id,), now, "bench", "a letter", DONE, (contact_id,), {"contacts": 1},
        pages=1, finished_at=now,
    )  # fmt: skip
    privacy.save_page(asked.request_id, 0, [{"part": "contacts", "contact_id": contact_id, "created_at": now}], now)
    privacy.create(asked)
    return asked.request_id


def list_pages() -> dict[str, tuple[str, Mapping[str, str]]]:
    """(path, query) of every page, by the name under which it is shown."""
    return {_name(route): (route.path, QUERIES.get(route.path, {})) for route in PAGES} | {
        f"GET {name}": page for name, page in MORE.items()
    }


def _name(route: Route) -> str:
    return f"{route.method} {route.path}"
