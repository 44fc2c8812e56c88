"""Counts a stack's rows again and mends the live numbers that differ.

`python infra/recount.py [--stack postroad]` reads all messages and memberships (a million of them cost two cents). For
use after a restore, or when the stream of the numbers has failed for a day. What changes meanwhile may be mended
wrongly: run it when it is quiet, or twice.
"""

import argparse
import os
import sys
import time

import boto3

from postroad_aws.storage import memberships, messages, stats
from postroad_aws.usecases.recount_stats import recount_stats

TABLES = {"MEMBERSHIPS_TABLE": "Memberships", "MESSAGES_TABLE": "Messages", "STATS_TABLE": "Stats"}


def find_tables(stack: str) -> dict[str, str]:
    """The names of the stack's tables, by the variables in which the product looks for them."""
    client = boto3.client("cloudformation")

    def find(logical_id: str) -> str:
        resource = client.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
        return str(resource["StackResourceDetail"]["PhysicalResourceId"])

    return {variable: find(logical_id) for variable, logical_id in TABLES.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description="Counts a stack's rows again and mends the numbers that differ.")
    parser.add_argument("--stack", default="postroad")
    os.environ |= find_tables(parser.parse_args().stack)
    missing = recount_stats(messages, memberships, stats, time.time())
    for cell, number in sorted(missing.items()):
        print(f"{number:+8}  {cell.definition} {cell.spot} {cell.counter} ({cell.day})")
    print(f"{len(missing):8}  numbers mended" if missing else "All numbers are right.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
