"""Loads the demo brand into a running Postroad: `python -m demo`.

Its keys go into the keys table, because nobody has a key yet; everything else goes through the JSON API, as any
developer would do it. Loading it again changes nothing.
"""

import os
import secrets
import sys
import time

import boto3
import requests

from demo.documents import load_definitions
from postroad_aws.storage import keys

# Fixed, so that a curl from the README works; they exist on a laptop only.
DEMO_KEYS = {
    "demo-write-key": keys.Key(kind="write", source="demo-server", trusted=True, name="the shop's server"),
    "demo-browser-key": keys.Key(kind="write", source="demo-browser", trusted=False, name="the shop's pages"),
    "demo-api-key": keys.Key(kind="api", source="demo-api", trusted=True, name="the JSON API"),
}


def load_keys(stack: str) -> None:
    """Make the stack's secret unless there is one, and the fixed keys."""
    resource = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId="Keys")
    os.environ["KEYS_TABLE"] = resource["StackResourceDetail"]["PhysicalResourceId"]
    keys.create_stack_secret(secrets.token_bytes(32))
    for key, what_it_opens in DEMO_KEYS.items():
        if keys.find_key(key) is None:
            keys.save_key(key, what_it_opens)


def load_brand(url: str) -> int:
    """Save and publish the definitions that are not live yet; returns how many were."""
    session = requests.Session()
    session.headers["authorization"] = "Bearer demo-api-key"
    new = []
    for key, document in load_definitions().items():
        address = f"{url}/api/v1/definitions/{key}"
        found = session.get(address, timeout=30)
        if found.status_code == 200 and found.json()["live_version"]:
            continue
        session.put(address, json=document, timeout=30).raise_for_status()
        new.append(key)
    if new:
        answer = session.post(f"{url}/api/v1/definitions/publish", json={"definitions": new}, timeout=60)
        if answer.status_code != 200:
            raise SystemExit(f"The demo brand was refused: {answer.text}")
    return len(new)


def main() -> int:
    started = time.monotonic()
    load_keys(os.environ.get("STACK_NAME", "postroad"))
    count = load_brand(os.environ["POSTROAD_URL"])
    print(f"  the demo brand Tidewater Coffee: {count} definitions in {time.monotonic() - started:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
