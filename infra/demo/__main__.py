"""Loads the demo brand into a running Postroad: `python -m demo`, and its history: `python -m demo --history`.

Its keys go into the keys table, because nobody has a key yet; the definitions go through the JSON API, as any developer
would do it. The history is played here and stored (see `playing`). Loading it again changes nothing.
"""

import argparse
import os
import secrets
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import Any

import boto3
import requests

from demo.documents import load_definitions
from postroad_aws.settings import Settings
from postroad_aws.storage import keys

# Fixed, so that a curl from the README works; they exist on a laptop only.
DEMO_KEYS = {
    "demo-write-key": keys.Key(kind="write", source="demo-server", trusted=True, name="the shop's server"),
    "demo-browser-key": keys.Key(kind="write", source="demo-browser", trusted=False, name="the shop's pages"),
    "demo-api-key": keys.Key(kind="api", source="demo-api", trusted=True, name="the JSON API"),
}


def find_tables(stack: str) -> None:
    """Put the names of the stack's tables where the product's storage looks for them."""
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    names = {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for page in pages
        for each in page["StackResourceSummaries"]
    }
    for setting in fields(Settings):
        logical_id = setting.name.removesuffix("_table").title().replace("_", "")
        if setting.name.endswith("_table") and logical_id in names:
            os.environ[setting.metadata["variable"]] = names[logical_id]


def load_keys() -> None:
    """Make the stack's secret unless there is one, and the fixed keys."""
    keys.create_stack_secret(secrets.token_bytes(32))
    for key, what_it_opens in DEMO_KEYS.items():
        if keys.find_key(key) is None:
            keys.save_key(key, what_it_opens)


def load_brand(url: str, documents: Mapping[str, Mapping[str, Any]]) -> int:
    """Save and publish the definitions that are not live yet; returns how many were."""
    session = requests.Session()
    session.headers["authorization"] = "Bearer demo-api-key"
    new = []
    for key, document in documents.items():
        address = f"{url}/api/v1/definitions/{key}"
        found = session.get(address, timeout=30)
        if found.status_code == 200 and found.json()["live_version"]:
            continue
        # Whatever an interrupted run has left as a draft is replaced.
        matching = {"if-match": "*"} if found.status_code == 200 else {}
        session.put(address, json=document, headers=matching, timeout=30).raise_for_status()
        new.append(key)
    if new:
        answer = session.post(f"{url}/api/v1/definitions/publish", json={"definitions": new}, timeout=60)
        if answer.status_code != 200:
            raise SystemExit(f"The demo brand was refused: {answer.text}")
    return len(new)


def load_history(url: str, documents: Mapping[str, Mapping[str, Any]]) -> tuple[int, int]:
    """Play the history by the brand, which is loaded meanwhile, and store it; how many definitions and people."""
    from demo.loading import save_worlds
    from demo.playing import open_shop, play_history
    from postroad.book import Manifest, compile_book
    from postroad.definitions import plan_publication
    from postroad_aws import wiring
    from postroad_aws.storage import definitions

    if definitions.find_revision() > 0:
        print("  something is published already; the history is for a new stack only", flush=True)
        return load_brand(url, documents), 0
    now = time.time()
    plan = plan_publication(documents, compile_book(Manifest(), {}), {})
    shop = open_shop(plan, keys.derive_key("contacts"), wiring.signer(), url)
    with ThreadPoolExecutor(1) as beside:
        brand = beside.submit(load_brand, url, documents)
        worlds = list(play_history(shop, now))
        count = brand.result()
    if definitions.find_manifest() != plan.manifest:
        raise SystemExit(
            "The brand was published otherwise than the history was folded; forget this state and start anew."
        )
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
    count, people = load_history(url, documents) if arguments.history else (load_brand(url, documents), 0)
    told = f", {people} people with their history" if arguments.history else ""
    print(
        f"  the demo brand Tidewater Coffee: {count} definitions{told} in {time.monotonic() - started:.1f} s",
        flush=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
