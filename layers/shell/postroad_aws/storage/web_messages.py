"""The table of messages that wait for somebody on a site.

A row stays after its end, so that a late delivery of the same message does not have it wait again; it goes by itself
when the message would have expired.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from postroad.envelopes.web import WebMessage
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage.batches import write_items

Item = dict[str, Any]

_TEXTS = ("topic", "title", "text", "url", "button")


def save_message(message: WebMessage) -> None:
    """Have a message wait; one that waits already, or waited, stays as it is."""
    item = {
        **_key(message.to, message.message_id),
        **{name: {"S": text} for name in _TEXTS if (text := getattr(message, name))},
        "created_at": {"N": repr(message.created_at)},
        # The table's time to live counts whole seconds.
        "expires_at": {"N": str(int(message.expires_at))},
    }
    client = get_client("dynamodb")
    with suppress(client.exceptions.ConditionalCheckFailedException):
        client.put_item(TableName=_table(), Item=item, ConditionExpression="attribute_not_exists(message_id)")


def list_waiting(contact_ids: Sequence[str], now: float) -> list[WebMessage]:
    """What waits for a contact, or for those merged into it, the newest first."""
    found: list[WebMessage] = []
    for contact_id in dict.fromkeys(contact_ids):
        answer = get_client("dynamodb").query(
            TableName=_table(),
            KeyConditionExpression="contact_id = :contact",
            FilterExpression="attribute_not_exists(ended) AND expires_at > :now",
            ExpressionAttributeValues={":contact": {"S": contact_id}, ":now": {"N": repr(now)}},
        )
        found += map(_parse, answer["Items"])
    return sorted(found, key=lambda message: (-message.created_at, message.message_id))


def end_wait(contact_id: str, message_id: str, because: str) -> None:
    """A message waits no longer; the first reason stays, its words go."""
    client = get_client("dynamodb")
    with suppress(client.exceptions.ConditionalCheckFailedException):
        client.update_item(
            TableName=_table(),
            Key=_key(contact_id, message_id),
            UpdateExpression="SET ended = if_not_exists(ended, :because) REMOVE title, #text, #url, button",
            ConditionExpression="attribute_exists(message_id)",
            ExpressionAttributeNames={"#text": "text", "#url": "url"},
            ExpressionAttributeValues={":because": {"S": because}},
        )


def list_records(contact_ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Every message that waits, or waited, for these contacts, as documents."""
    from postroad_aws.storage.rows import WebMessageRow

    for each in dict.fromkeys(contact_ids):
        for row in WebMessageRow.query(each):
            yield dict(row.attribute_values)


def forget_messages(contact_ids: Sequence[str], before: float | None = None) -> None:
    """Delete every message that waits, or waited, for these contacts, or those that were made before a time."""
    from postroad_aws.storage.rows import WebMessageRow

    rows = [row for each in dict.fromkeys(contact_ids) for row in WebMessageRow.query(each)]
    keys = [_key(row.contact_id, row.message_id) for row in rows if before is None or row.created_at < before]
    write_items(_table(), [{"DeleteRequest": {"Key": key}} for key in keys])


def _table() -> str:
    return settings().require("web_messages_table")


def _key(contact_id: str, message_id: str) -> Item:
    return {"contact_id": {"S": contact_id}, "message_id": {"S": message_id}}


def _parse(item: Item) -> WebMessage:
    return WebMessage(
        message_id=item["message_id"]["S"],
        to=item["contact_id"]["S"],
        created_at=float(item["created_at"]["N"]),
        expires_at=float(item["expires_at"]["N"]),
        **{name: item[name]["S"] if name in item else "" for name in _TEXTS},
    )
