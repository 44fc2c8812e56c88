"""Makes the keys of a deployed stack and prints them, once: nobody can read them again.

`python infra/keys.py [--stack postroad] [KIND …]` makes the stack's secret unless there is one, and a key of each kind:
`write` (a server sends events), `browser` (a web page sends events: it may add, never overwrite) and `api` (the JSON
API). With `--webhook ID` it prints instead the secret by which the receiver of that webhook of the policy checks who
posts to it; that one can be read again.
"""

import argparse
import os
import secrets
import sys
import time

import boto3

from postroad.envelopes.webhook import secret_of
from postroad_aws import ids
from postroad_aws.storage import keys
from postroad_aws.usecases.create_key import KINDS, create_key


def find_table(stack: str) -> str:
    """The name of the stack's keys table."""
    resource = boto3.client("cloudformation").describe_stack_resource(StackName=stack, LogicalResourceId="Keys")
    return str(resource["StackResourceDetail"]["PhysicalResourceId"])


def main() -> int:
    parser = argparse.ArgumentParser(description="Makes the keys of a deployed stack and prints them, once.")
    parser.add_argument("--stack", default="postroad")
    parser.add_argument("kinds", metavar="KIND", nargs="*", help=", ".join(KINDS))
    parser.add_argument("--webhook", metavar="ID", help="print the secret of this webhook of the policy")
    given = parser.parse_args()
    if unknown := set(given.kinds) - set(KINDS):
        parser.error(f"{', '.join(sorted(unknown))}: no such kind; there are {', '.join(KINDS)}")
    os.environ["KEYS_TABLE"] = find_table(given.stack)
    keys.create_stack_secret(secrets.token_bytes(32))
    if given.webhook:
        print(secret_of(keys.derive_key(f"webhook/{given.webhook}")))
        return 0
    for kind in given.kinds or KINDS:
        key, *_ = create_key(keys, ids, kind, time.time())
        print(f"{kind:8} {key}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
