"""The server time of every page of the console, on the demo brand and on 20,000 contacts.

`python -m tests.bench.routes_console` prints it; `measure` gives it to whoever has the stacks. As with the routes of
the API: times are those of the real handler in this process, and what a page asks of AWS must not grow with the number
of contacts.
"""

import sys
import time
from collections.abc import Mapping
from statistics import median
from typing import Any
from urllib.parse import urlencode

from functions.console.routes import ROUTES
from functions.console.routing import Route
from functions.console.sessions import Session, cookie_name, seal_session
from tests.bench.cloud import ROOT, Stack, emulator, memory_of_functions
from tests.bench.meter import Meter
from tests.bench.routes_api import ROUNDS, Figures, make_stacks, show

HOST = "mail.tidewater.example"
PAGES = [route for route in ROUTES if route.method == "GET" and route.role is not None]
# What a page is asked beside the names in its path.
QUERIES: Mapping[str, Mapping[str, str]] = {
    "/console/journeys/{journey_id}/people": {"at": "first-purchase"},
    "/console/journeys/{journey_id}/why": {"at": "first-purchase", "contact": "{contact_id}"},
    "/console/broadcasts/_audience": {"segment": "customers"},
}
# Pages with a tab or a choice that reads something of its own.
MORE = {
    "/console/contacts/{contact_id}?tab=messages": ("/console/contacts/{contact_id}", {"tab": "messages"}),
    "/console/messages?from=journey/welcome": ("/console/messages", {"from": "journey/welcome"}),
    "/console/messages?from=journey/welcome&state=skipped": (
        "/console/messages",
        {"from": "journey/welcome", "state": "skipped"},
    ),
}
LETTER = {"kind": "broadcast", "id": "bench", "name": "Bench", "segment": "customers", "template": "second-offer"}


class Visitor:
    """Opens the pages of one stack as an admin."""

    def __init__(self, stack: Stack, meter: Meter) -> None:
        from functions.console.app import handler
        from postroad_aws.storage import contacts, definitions, messages

        self.stack, self.meter, self.handler = stack, meter, handler
        stack.enter()
        if definitions.find_draft("broadcast", "bench") is None:
            definitions.save_draft("broadcast", "bench", LETTER, edit=0, now=time.time())
        self.names = {
            "contact_id": contacts.list_contacts(limit=1).items[0].contact_id,
            "message_id": messages.list_newest("journey/welcome@1", limit=1).items[0].message_id,
            "segment_id": "customers",
            "journey_id": "welcome",
            "broadcast_id": "bench",
        }

    def open(self, path: str, query: Mapping[str, str]) -> tuple[float, float]:
        """One page; its wall and processor time in milliseconds. Raises RuntimeError when it is not there."""
        asked = {name: value.format(**self.names) for name, value in query.items()}
        event = self._event(path.format(**self.names), asked)
        usage = self.meter.usage("console")
        before, began = usage.cpu_ms, time.perf_counter()
        try:
            self.meter.run("console", self.handler, event)
        except RuntimeError as error:
            raise RuntimeError(f"{path} with {dict(query)}: {str(error)[:200]}") from None
        return (time.perf_counter() - began) * 1e3, usage.cpu_ms - before

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


def list_pages() -> dict[str, tuple[str, Mapping[str, str]]]:
    """(path, query) of every page, by the name under which it is shown."""
    return {_name(route): (route.path, QUERIES.get(route.path, {})) for route in PAGES} | {
        f"GET {name}": page for name, page in MORE.items()
    }


def measure(stacks: Mapping[str, Stack], meter: Meter) -> dict[str, dict[str, Figures]]:
    """Figures by stack and page. The stacks are asked in turn, so that what disturbs falls on all."""
    visitors = {name: Visitor(stack, meter) for name, stack in stacks.items()}
    times: dict[str, dict[str, list[tuple[float, float]]]] = {name: {} for name in stacks}
    figures: dict[str, dict[str, Figures]] = {name: {} for name in stacks}
    for number in range(ROUNDS + 1):
        for name, visitor in visitors.items():
            visitor.stack.enter()
            for key, (path, query) in list_pages().items():
                meter.start(counting=number == 0)
                taken = visitor.open(path, query)
                if number == 0:  # also warms up
                    usage = meter.usages["console"]
                    figures[name][key] = Figures(0, 0, sum(usage.calls.values()), usage.read_units + usage.write_units)
                else:
                    times[name].setdefault(key, []).append(taken)
    for name, by_page in times.items():
        for key, runs in by_page.items():
            wall, cpu = (median(each) for each in zip(*runs, strict=True))
            figures[name][key] = figures[name][key]._replace(wall_ms=wall, cpu_ms=cpu)
    return figures


def _name(route: Route) -> str:
    return f"{route.method} {route.path}"


def main() -> int:
    folder = ROOT / ".postroad/bench/pages"
    with emulator(folder) as (endpoint, client):
        meter = Meter(memory_of_functions())  # counts what clients do that are made after it
        text, growing = show(measure(make_stacks(endpoint, client, folder), meter))
    print(text)
    for key in growing:
        print(f"✗ {key} grows with the number of contacts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
