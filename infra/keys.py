"""Makes the keys of a deployed stack and prints them, once: nobody can read them again.

`python infra/keys.py [--stack postroad] [KIND …]` makes the stack's secret unless there is one, and a key of each kind:
`write` (a server sends events), `browser` (a web page sends events: it may add, never overwrite) and `api` (the JSON
API).
"""

import argparse
import os
import secrets
import sys
import time
from dataclasses import replace

import boto3

from postroad_aws.storage import keys

KINDS = {
    "write": ("wk_", keys.Key(kind="write", source="server", trusted=True, name="server")),
    "browser": ("bk_", keys.Key(kind="write", source="browser", trusted=False, name="browser")),
    "api": ("ak_", keys.Key(kind="api", source="api", trusted=True, name="api")),
}


def find_table(stack: str) -> str:
    """The name of the stack's keys table."""
    resource = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId="Keys")
    return str(resource["StackResourceDetail"]["PhysicalResourceId"])


def make_key(kind: str, now: float) -> str:
    """A new key of a kind of KINDS; stored as a hash, returned in clear."""
    prefix, what_it_opens = KINDS[kind]
    key = prefix + secrets.token_urlsafe(24)
    keys.save_key(key, replace(what_it_opens, created_at=now))
    return key


def main() -> int:
    parser = argparse.ArgumentParser(description="Makes the keys of a deployed stack and prints them, once.")
    parser.add_argument("--stack", default="postroad")
    parser.add_argument("kinds", metavar="KIND", nargs="*", help=", ".join(KINDS))
    given = parser.parse_args()
    if unknown := set(given.kinds) - set(KINDS):
        parser.error(f"{', '.join(sorted(unknown))}: no such kind; there are {', '.join(KINDS)}")
    os.environ["KEYS_TABLE"] = find_table(given.stack)
    keys.create_stack_secret(secrets.token_bytes(32))
    for kind in given.kinds or KINDS:
        print(f"{kind:8} {make_key(kind, time.time())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
