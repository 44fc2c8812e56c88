"""Brings back what a stack's tables have lost since an instant.

`python infra/restore.py [--stack postroad] 2026-11-23T09:00Z [--tables Contacts,Events] [--dry-run]` has AWS restore
each table, as it was then, into a table beside it, and brings back from there what is missing: docs/deploy.md#restore
says what comes back of each. Sending is held meanwhile. Killed, and run again with the same instant, it goes on.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from postroad.consent.privacy import ERASURE
from postroad.instants import format_instant, parse_instant

# By their names in the template; what is not here makes itself anew, or is worth nothing when it is old.
TABLES = {
    "Keys": "keys_table",
    "Definitions": "definitions_table",
    "Accounts": "accounts_table",
    "Products": "products_table",
    "Suppressions": "suppressions_table",
    "ConsentProof": "consent_proof_table",
    "Consents": "consents_table",
    "Messages": "messages_table",
    "Tasks": "tasks_table",
    "Events": "events_table",
    "Contacts": "contacts_table",
    "Memberships": "memberships_table",
}
# All that is about people. Of the others what was deleted on purpose would come back, too.
USUAL = ("Suppressions", "ConsentProof", "Consents", "Messages", "Tasks", "Events", "Contacts", "Memberships")
PAUSE = 15.0


class FileJournal:
    """A file of lines: which contacts came back, with the rows that are to be folded again, and which have been."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, contact_id: str, keys: Sequence[tuple[str, str]]) -> None:
        self._write({"begin": contact_id, "keys": keys})

    def finish(self, contact_id: str) -> None:
        self._write({"finish": contact_id})

    def list_open(self) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for line in self.path.read_text().splitlines() if self.path.exists() else ():
            entry = json.loads(line)
            if "begin" in entry:
                found[entry["begin"]] = [(owner, key) for owner, key in entry["keys"]]
            else:
                found.pop(entry["finish"], None)
        return found

    def _write(self, entry: Mapping[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")


def find_environment(stack: str) -> dict[str, str]:
    """What the function that folds has in its environment: the names of all tables and queues."""
    client = boto3.client("cloudformation")
    resource = client.describe_stack_resource(StackName=stack, LogicalResourceId="ProcessEvents")
    name = resource["StackResourceDetail"]["PhysicalResourceId"]
    found = boto3.client("lambda").get_function_configuration(FunctionName=name)
    return dict(found["Environment"]["Variables"])


def copy_tables(names: Mapping[str, str], at: float) -> dict[str, str]:
    """Have AWS restore each table beside the live one, unless that is done; the names of the copies, by setting."""
    client = boto3.client("dynamodb")
    suffix = format_instant(at)[:16].replace(":", "").replace("-", "")
    copies = {setting: f"{name}-{suffix}" for setting, name in names.items()}
    for setting, copy in copies.items():
        try:
            client.restore_table_to_point_in_time(
                SourceTableName=names[setting], TargetTableName=copy, RestoreDateTime=at
            )
            print(f"  {copy} is being made")
        except client.exceptions.TableAlreadyExistsException:
            print(f"  {copy} is there")
    for copy in copies.values():
        while client.describe_table(TableName=copy)["Table"]["TableStatus"] != "ACTIVE":
            time.sleep(PAUSE)
    return copies


def list_erased(since: float) -> set[str]:
    """All ids of those whose erasure was not over at an instant."""
    from postroad_aws.storage import privacy

    erased: set[str] = set()
    cursor = None
    while True:
        page = privacy.list_requests(cursor=cursor, limit=100)
        for request in page.items:
            if request.kind == ERASURE and (request.finished_at is None or request.finished_at >= since):
                erased |= {*request.people, *request.ids}
        cursor = page.next
        if cursor is None:
            return erased


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Brings back what a stack's tables have lost since an instant.")
    parser.add_argument("--stack", default="postroad")
    parser.add_argument("at", metavar="INSTANT", help="before the damage, in UTC: 2026-11-23T09:00Z")
    parser.add_argument("--tables", default=",".join(USUAL), help=f"of {', '.join(TABLES)}")
    parser.add_argument("--copies", metavar="SUFFIX", help="the copies are there, under the live names and this behind")
    parser.add_argument("--dry-run", action="store_true", help="only count what would come back")
    given = parser.parse_args(arguments)
    wanted = [name for name in given.tables.split(",") if name]
    if unknown := sorted(set(wanted) - set(TABLES)):
        parser.error(f"{', '.join(unknown)}: nothing is brought back of that; there are {', '.join(TABLES)}")
    try:
        at = parse_instant(given.at)
    except ValueError as error:
        parser.error(str(error))
    environment = find_environment(given.stack)
    os.environ |= environment
    # What is imported here reads the names of the tables.
    from postroad_aws import wiring
    from postroad_aws.settings import settings
    from postroad_aws.storage.restores import Copies
    from postroad_aws.usecases.restore_tables import Restore, restore_tables

    settings.cache_clear()
    # Contacts come back by what their timelines know, so that table is copied also when it is whole.
    settings_of = {TABLES[name] for name in (*wanted, *(["Events"] if "Contacts" in wanted else []))}
    names = {setting: settings().require(setting) for setting in sorted(settings_of)}
    try:
        copies = {s: f"{name}{given.copies}" for s, name in names.items()} if given.copies else copy_tables(names, at)
    except ClientError as error:
        print(f"AWS makes no copies: {error.response['Error']['Message']}", file=sys.stderr)
        return 1
    journal = FileJournal(Path(".postroad") / f"restore-{given.stack}-{at:.0f}.jsonl")
    restore = Restore(wiring.production(), Copies(copies), journal, at, list_erased(at), given.dry_run)
    for table, counts in restore_tables(restore, {TABLES[name] for name in wanted}).items():
        print(f"{table.removesuffix('_table'):14}" + ", ".join(f"{n:,} {what}" for what, n in sorted(counts.items())))
    if given.dry_run:
        print("Nothing was written: that is what would come back.")
    else:
        print("All is back, and sending goes on. Now make recount; then delete the copies:")
        print("\n".join(f"  {name}" for name in copies.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
