"""A stack with the demo brand and its history, and the same with as many more people as one likes.

Everybody who is added is a copy of somebody in the history, with an id, a place in the indexes, memberships and
messages of their own, as if they had come in at another time. Timelines are not copied: a page reads one.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator
from typing import Any
from zlib import crc32

from postroad.contacts.contact import Contact
from tests.bench.cloud import SECRET, Stack

Item = dict[str, Any]

API_KEY = "bench-api-key"
_BATCH = 25


def load_demo(stack: Stack) -> None:
    """The demo brand, its drafts, its people and their history, and a key for the API."""
    from demo.documents import load_definitions
    from demo.loading import save_worlds
    from demo.playing import open_shop, play_history
    from postroad.book import Manifest, compile_book
    from postroad.definitions import plan_publication
    from postroad_aws import links
    from postroad_aws.storage import definitions, keys

    stack.enter()
    keys.create_stack_secret(SECRET)
    keys.save_key(API_KEY, keys.Key(kind="api", source="bench", trusted=True, name="bench"))
    now, documents = time.time(), load_definitions()
    plan = plan_publication(documents, compile_book(Manifest(), {}), {})
    definitions.publish(plan.versions, plan.manifest, now)
    for key, document in documents.items():
        definitions.save_draft(*key.split("/"), document, edit=0, now=now)
    shop = open_shop(plan, keys.derive_key("contacts"), links.signer(), stack.environment["BASE_URL"])
    save_worlds(list(play_history(shop, now)), now)


def multiply(stack: Stack, wanted: int) -> None:
    """Add copies until there are so many contacts."""
    people = [item for item in _scan(stack, "CONTACTS_TABLE") if "forward_to" not in item]
    times = range(1, max(wanted // len(people), 1))
    names = {(item["contact_id"]["S"], n): _name(item["contact_id"]["S"], n) for item in people for n in times}
    _write(stack, "CONTACTS_TABLE", (_contact(item, names[_id(item), n], n) for item in people for n in times))
    places = _scan(stack, "MEMBERSHIPS_TABLE")
    _write(stack, "MEMBERSHIPS_TABLE", (_membership(item, names[_id(item), n]) for item in places for n in times))
    sent = _scan(stack, "MESSAGES_TABLE")
    _write(stack, "MESSAGES_TABLE", (_message(item, names[_id(item), n], n) for item in sent for n in times))


def _id(item: Item) -> str:
    return str(item["contact_id"]["S"])


def _name(contact_id: str, number: int) -> str:
    return hashlib.sha256(f"{contact_id} {number}".encode()).hexdigest()[:20]


def _contact(item: Item, name: str, number: int) -> Item:
    created_at = float(item["created_at"]["N"]) - 60 * number - 1
    moved = {"contact_id": {"S": name}, "shard": {"S": Contact(name).shard}, "created_at": {"N": repr(created_at)}}
    return {key: value for key, value in item.items() if key != "wake_at"} | moved


def _membership(item: Item, name: str) -> Item:
    place = item["place_shard"]["S"].rpartition("#")[0]
    return {**item, "place_shard": {"S": f"{place}#{crc32(name.encode()) % 64:02d}"}, "contact_id": {"S": name}}


def _message(item: Item, name: str, number: int) -> Item:
    message_id = f"{_name(item['message_id']['S'], number)[:12]}.{item['message_id']['S'].partition('.')[2]}"
    origin = item["origin_shard"]["S"].rpartition("#")[0]
    shard = f"{origin}#{crc32(message_id.encode()) % 16:02d}"
    created_at = float(item["created_at"]["N"]) - 60 * number - 1
    moved = {"message_id": {"S": message_id}, "contact_id": {"S": name}, "origin_shard": {"S": shard}}
    moved["created_at"] = {"N": repr(created_at)}
    return {key: value for key, value in item.items() if not key.startswith("pending_")} | moved


def _scan(stack: Stack, table: str) -> list[Item]:
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.environment[table])
    return [item for page in pages for item in page["Items"]]


def _write(stack: Stack, table: str, items: Iterable[Item]) -> None:
    client, name = stack.client("dynamodb"), stack.environment[table]
    for batch in _batches(items):
        client.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": item}} for item in batch]})


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
