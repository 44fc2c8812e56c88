"""The emulator as a child process, and stacks on it: the template's tables and queues, keys, and the demo brand.

The bench runs the real handlers in its own process against this endpoint, and not inside the whole local cloud: so the
CPU is ours alone, every call passes the meter's hooks, and batches have the size that the workload says.
"""

import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from itertools import count
from pathlib import Path
from typing import Any

import templatecheck
from demo.documents import load_definitions
from localcloud.engine import ACCOUNT, Engine, clients_for
from localcloud.packaging import emulator_python

ROOT = templatecheck.ROOT
REGION = "us-east-1"
# Where the figures of pages and routes are left for whoever prints all of them.
ROUTES = ROOT / ".postroad/bench/routes.json"
SECRET = bytes(range(32))
WRITE_KEY = "bench-write-key"
TABLE_PARTS = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode", "StreamSpecification")


@contextmanager
def emulator(folder: Path) -> Iterator[tuple[str, Callable[[str], Any]]]:
    """Its endpoint, and a maker of clients for it. Nothing is kept."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "cloud").mkdir(parents=True)
    engine = Engine(emulator_python(ROOT / ".postroad", print), folder / "cloud", REGION, 0.0)
    try:
        engine.wait_until_ready()
        yield engine.endpoint, clients_for(engine.endpoint, REGION)
    finally:
        engine.process.kill()
        engine.process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def memory_of_functions() -> dict[str, int]:
    """Each function's memory in MB, by its folder's name."""
    template = templatecheck.load()
    common = template["Globals"]["Function"]["MemorySize"]
    return {
        re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): each["Properties"].get("MemorySize", common)
        for name, each in template["Resources"].items()
        if each["Type"] == "AWS::Serverless::Function"
    }


class Stack:
    """One stack's tables and queues, with a prefix of its own, so that several stand side by side."""

    def __init__(self, name: str, endpoint: str, client: Callable[[str], Any], clock: Path) -> None:
        self.name, self.client, self.clock, self.offset = name, client, clock, 0.0
        template = templatecheck.load()
        self._iterators: dict[str, str] = {}
        made: dict[str, str] = {"ConfigurationSet": f"{name}-mail"}
        for logical_id, resource in template["Resources"].items():
            properties = resource.get("Properties", {})
            if resource["Type"] == "AWS::DynamoDB::Table":
                wanted = {part: properties[part] for part in TABLE_PARTS if part in properties}
                if "StreamSpecification" in wanted:
                    wanted["StreamSpecification"] = {"StreamEnabled": True, **wanted["StreamSpecification"]}
                made[logical_id] = f"{name}-{logical_id}"
                client("dynamodb").create_table(TableName=made[logical_id], **wanted)
            if resource["Type"] == "AWS::SQS::Queue":
                fifo = bool(properties.get("FifoQueue"))
                answer = client("sqs").create_queue(
                    QueueName=f"{name}-{logical_id}" + (".fifo" if fifo else ""),
                    Attributes={"FifoQueue": "true"} if fifo else {},
                )
                made[logical_id] = answer["QueueUrl"]
        client("sesv2").create_email_identity(EmailIdentity="tidewater.example")
        client("sesv2").create_configuration_set(ConfigurationSetName=made["ConfigurationSet"])
        variables = template["Globals"]["Function"]["Environment"]["Variables"]
        self.environment = {
            **{variable: made[_name_of(value)] for variable, value in variables.items()},
            "BASE_URL": "https://mail.tidewater.example",
            "POSTROAD_CLOCK": str(clock),
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def enter(self) -> None:
        """Make this the stack that the product in this process works on; what it remembered of another is forgotten."""
        from postroad_aws import books, clock, links, settings, templates, wiring
        from postroad_aws.storage import keys

        os.environ.update(self.environment)
        clock.now = self.now  # reading the local cloud's file is no work of production
        sys.modules.pop("postroad_aws.storage.rows", None)  # its models take their table's name when they are made
        settings.settings.cache_clear()
        keys.forget_keys()
        books.forget()
        templates.get_template.cache_clear()
        wiring.production.cache_clear()
        links.forget()

    def load(self, unrelated: int) -> None:
        """Its keys and the demo brand, published; `unrelated` more brands that none of the bench's events can touch."""
        from postroad_aws import clock
        from postroad_aws.storage import definitions, keys
        from postroad_aws.usecases.publish_definitions import publish_definitions

        class NoRuns:  # nobody is there yet to be folded again
            def start_rebuild(self, revision: int) -> None: ...

        keys.create_stack_secret(SECRET)
        keys.save_key(WRITE_KEY, keys.Key(kind="write", source="bench", trusted=True, name="bench"))
        documents = load_definitions()
        publish_definitions(definitions, NoRuns(), clock, documents)
        for number in range(1, unrelated + 1):
            publish_definitions(definitions, NoRuns(), clock, unrelated_brand(documents, number))

    def add_contacts(self, number: int, like: str) -> None:
        """Store this many more contacts, each a copy of one that is stored."""
        client, table = self.client("dynamodb"), self.environment["CONTACTS_TABLE"]
        item = client.get_item(TableName=table, Key={"contact_id": {"S": like}})["Item"]
        serial = count()
        for start in range(0, number, 25):
            copies = [
                {**item, "contact_id": {"S": f"copy-{next(serial):012d}"}}
                for _ in range(start, min(number, start + 25))
            ]
            client.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": each}} for each in copies]})

    def count_contacts(self) -> int:
        pages = (
            self.client("dynamodb")
            .get_paginator("scan")
            .paginate(TableName=self.environment["CONTACTS_TABLE"], Select="COUNT")
        )
        return sum(page["Count"] for page in pages)

    def receive(self, queue: str, most: int) -> list[dict[str, Any]]:
        """What Lambda's poller would hand over: at most `most` records of a queue, which are deleted at once."""
        url, client = self.environment[queue], self.client("sqs")
        found = client.receive_message(QueueUrl=url, MaxNumberOfMessages=most, AttributeNames=["All"]).get(
            "Messages", []
        )
        for message in found:
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [{"messageId": m["MessageId"], "body": m["Body"], "attributes": m["Attributes"]} for m in found]

    def read_stream(self, table: str) -> list[dict[str, Any]]:
        """The records of a table's stream since the last call, as Lambda hands them over."""
        client = self.client("dynamodbstreams")
        if table not in self._iterators:
            described = self.client("dynamodb").describe_table(TableName=self.environment[table])["Table"]
            stream = {"StreamArn": described["LatestStreamArn"]}
            (shard,) = client.describe_stream(**stream)["StreamDescription"]["Shards"]
            self._iterators[table] = client.get_shard_iterator(
                **stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
        records: list[dict[str, Any]] = []
        while True:
            answer = client.get_records(ShardIterator=self._iterators[table])
            self._iterators[table] = answer["NextShardIterator"]
            if not answer["Records"]:
                return records
            for record in answer["Records"]:
                change = record["dynamodb"]
                at = change["ApproximateCreationDateTime"].timestamp()
                records.append({**record, "dynamodb": {**change, "ApproximateCreationDateTime": at}})

    def move_clock(self, offset: float) -> None:
        self.offset = offset
        self.clock.write_text(repr(offset))  # for the processes that are started

    def now(self) -> float:
        return time.time() + self.offset


def _name_of(value: Any) -> str:
    """The logical id in `!Ref X` or `!GetAtt X.Arn`, as the template's loader gives it."""
    name = value.get("Ref") or next(iter(value.values()))
    return str(name[0] if isinstance(name, list) else name).partition(".")[0]


def unrelated_brand(documents: Mapping[str, Mapping[str, Any]], number: int) -> dict[str, dict[str, Any]]:
    """A copy of a brand under other ids, that reads other events and other attributes. It has no policy: one rules."""

    def rename(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: rename(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [rename(each, key) for each in value]
        match key:
            case "event":
                return f"{value} in brand {number}"
            case "attribute":
                return f"{value}_{number}"
            case "template" | "segment" | "score":
                return f"{value}-{number}"
        return value

    found = {}
    for document in documents.values():
        if document["kind"] in ("policy", "stages", "handover"):  # an account has one
            continue
        copy = rename(deepcopy(dict(document)))
        copy["id"] = f"{document['id']}-{number}"
        if document["kind"] == "journey":
            _forget_stages(copy)
        found[f"{copy['kind']}/{copy['id']}"] = copy
    return found


def _forget_stages(value: Any) -> None:
    if isinstance(value, dict):
        value.pop("stage", None)
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _forget_stages(each)
