"""Loads the demo brand into a running Postroad: `python -m demo`, and its history: `python -m demo --history`.

Nobody has a key yet, so it does by the product's own use cases what a developer would do through the JSON API: make
keys, save definitions and publish them. The history is played here, and stored (see `playing`). Loading it again
changes nothing.
"""

import argparse
import os
import re
import secrets
import sys
import time
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import fields
from io import StringIO
from typing import Any

import boto3

from demo.documents import load_definitions
from postroad.book import Manifest, compile_book
from postroad.definitions import plan_publication
from postroad.errors import PostroadError
from postroad.instants import DAY
from postroad_aws import clock, links, runs
from postroad_aws.ports import Clock
from postroad_aws.settings import Settings
from postroad_aws.storage import contacts, definitions, keys
from postroad_aws.usecases.publish_definitions import publish_definitions

# Fixed, so that a curl from the README works; they exist on a laptop only.
DEMO_KEYS = {
    "demo-write-key": keys.Key(kind="write", source="demo-server", trusted=True, name="the shop's server"),
    "demo-browser-key": keys.Key(kind="write", source="demo-browser", trusted=False, name="the shop's pages"),
    "demo-api-key": keys.Key(kind="api", source="demo-api", trusted=True, name="the JSON API"),
}


def find_tables(stack: str) -> None:
    """Put the names of the stack's tables, and of its rebuild, where the product looks for them."""
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    names = {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for page in pages
        for each in page["StackResourceSummaries"]
    }
    for setting in fields(Settings):
        logical_id = re.sub("_(table|state_machine)$", "", setting.name).title().replace("_", "")
        if logical_id in names:
            os.environ[setting.metadata["variable"]] = names[logical_id]


def load_keys() -> None:
    """Make the stack's secret unless there is one, and the fixed keys."""
    keys.create_stack_secret(secrets.token_bytes(32))
    for key, what_it_opens in DEMO_KEYS.items():
        if keys.find_key(key) is None:
            keys.save_key(key, what_it_opens)


def load_brand(documents: Mapping[str, Mapping[str, Any]], at: Clock = clock) -> int:
    """Save and publish the definitions that are not live yet, at the time of that clock; returns how many were."""
    live = definitions.find_manifest().live
    new = {key: document for key, document in documents.items() if key not in live}
    for key, document in new.items():
        kind, _, definition_id = key.partition("/")
        # Whatever an interrupted run has left as a draft is replaced.
        draft = definitions.find_draft(kind, definition_id)
        definitions.save_draft(kind, definition_id, document, edit=draft.edit if draft else 0, now=at.now())
    if new:
        somebody = contacts.list_contacts(limit=1).items
        publish_definitions(definitions, runs if somebody else _Nobody(), at, new)
    return len(new)


class _Nobody:
    """Where nobody is known yet, there is nobody to fold by a new book."""

    def start_rebuild(self, revision: int) -> None:
        pass


def load_history(url: str, documents: Mapping[str, Mapping[str, Any]]) -> tuple[int, int]:
    """Play the history by the brand, publish that, and store what it comes to; how many definitions and people."""
    from demo import memory
    from demo.history import DAYS
    from demo.loading import save_worlds
    from demo.playing import open_shop, play_history

    if definitions.find_revision() > 0:
        print("  something is published already; the history is for a new stack only", flush=True)
        return load_brand(documents), 0
    now, opened, log = clock.now(), memory.Clock(), StringIO()
    opened.at = now - (DAYS + 1) * DAY
    plan = plan_publication(documents, compile_book(Manifest(), {}), {})
    shop = open_shop(plan, keys.derive_key("contacts"), links.signer(), url)
    try:
        with redirect_stdout(log):  # what the product logs while a history is played is news only when that fails
            worlds = list(play_history(shop, now))
    except Exception:
        print(log.getvalue(), file=sys.stderr)
        raise
    # The brand is published when nothing is left that could go wrong before it: else the next try would find it there.
    count = load_brand(documents, opened)
    return count, save_worlds(worlds, now)


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description="Loads the demo brand into a running Postroad.")
    parser.add_argument("--history", action="store_true", help="also about 500 people, and what they did in 60 days")
    parser.add_argument("--site", default="", help="the path on this Postroad's host to which links in mails lead")
    arguments = parser.parse_args()
    started = time.monotonic()
    url = os.environ["POSTROAD_URL"]
    find_tables(os.environ.get("STACK_NAME", "postroad"))
    load_keys()
    documents = load_definitions(url + arguments.site) if arguments.site else load_definitions()
    try:
        count, people = load_history(url, documents) if arguments.history else (load_brand(documents), 0)
    except PostroadError as error:
        raise SystemExit(f"The demo brand was refused: {error}") from error
    told = f", {people} people with their history" if arguments.history else ""
    print(
        f"  the demo brand Tidewater Coffee: {count} definitions{told} in {time.monotonic() - started:.1f} s",
        flush=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
