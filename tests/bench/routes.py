"""The server time of every page of the console and every route of the API, on the demo brand and on 20,000 contacts.

A process of its own: `make bench` starts it, and so can you (`PYTHONPATH=infra python -m tests.bench.routes`).
"""

import json
import sys

from tests.bench import routes_api, routes_console
from tests.bench.cloud import ROOT, ROUTES, emulator, memory_of_functions
from tests.bench.meter import Meter


def main() -> int:
    folder = ROOT / ".postroad/bench/routes"
    found = {}
    meter = Meter(memory_of_functions())  # counts what clients do that are made after it
    with emulator(folder) as (endpoint, client):
        stacks = routes_api.make_stacks(endpoint, client, folder)
        for what, measure in (("API routes", routes_api.measure), ("pages", routes_console.measure)):
            found[what] = measure(stacks, meter)
    for what, figures in found.items():
        text, growing = routes_api.show(figures)
        print(f"\nServer time of the {what}, on the demo brand and on {routes_api.CONTACTS:,} contacts\n{text}")
        for key in growing:
            print(f"✗ {key} asks AWS for more when there are more contacts")
    documents = {
        what: {name: {key: each._asdict() for key, each in of.items()} for name, of in figures.items()}
        for what, figures in found.items()
    }
    ROUTES.write_text(json.dumps(documents, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
