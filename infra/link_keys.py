"""The keys by which a stack signs the links in its messages: list them, make a new one, withdraw one.

`python infra/link_keys.py [--stack postroad] [new | withdraw ID]` prints the keys by their ids. A new one
signs two minutes later, when every function knows it; links of old ones go on working for good. When a key has leaked,
make a new one, and withdraw the old one when the new one signs: its links then do nothing, and say so.
"""

import argparse
import os
import secrets
import sys
import time

import boto3

from postroad.content.link_keys import LinkKey, LinkKeyError, add_key, find_current, withdraw_key
from postroad.instants import stamp
from postroad_aws.storage import keys


def find_table(stack: str) -> str:
    """The name of the stack's keys table."""
    resource = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId="Keys")
    return str(resource["StackResourceDetail"]["PhysicalResourceId"])


def describe(key: LinkKey, current: LinkKey, now: float) -> str:
    """What a key is good for, in one line."""
    if key.is_withdrawn:
        standing = "is withdrawn: its links do nothing"
    elif key == current:
        standing = "signs"
    else:
        standing = f"signs from {stamp(key.since)} on" if key.since > now else "reads the links that it has signed"
    return f"key {key.kid:3} {standing}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Lists the keys of links, makes a new one, or withdraws one.")
    parser.add_argument("--stack", default="postroad")
    parser.add_argument("deed", nargs="?", choices=("list", "new", "withdraw"), default="list")
    parser.add_argument("key", metavar="ID", nargs="?", help="the key to withdraw")
    given = parser.parse_args(arguments)
    if (given.deed == "withdraw") != bool(given.key):
        parser.error("name the key to withdraw, and only then: withdraw ID")
    os.environ["KEYS_TABLE"] = find_table(given.stack)
    before, now = keys.list_link_keys(), time.time()
    try:
        after = {
            "list": lambda: before,
            "new": lambda: add_key(before, secrets.token_bytes(32), now),
            "withdraw": lambda: withdraw_key(before, given.key, now),
        }[given.deed]()
    except LinkKeyError as error:
        print(error, file=sys.stderr)
        return 1
    if after != before:
        keys.save_link_keys(after, before)
    for key in after:
        print(describe(key, find_current(after, now), now))
    return 0


if __name__ == "__main__":
    sys.exit(main())
