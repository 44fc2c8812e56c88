"""The table of products: the catalogue by id, and beside it what goes with each product and what sells best.

Two partitions: "product" holds the products, "related" what was learned of each, and under the id "#best" what sells
best. Whoever sends keeps what it has read for a minute (`postroad_aws.catalogue`).
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from postroad.content.recommending import Learned, Product, Related, parse_product
from postroad_aws.clients import get_client
from postroad_aws.settings import settings
from postroad_aws.storage import Page
from postroad_aws.storage.batches import get_items, write_items
from postroad_aws.storage.paging import walk

Item = dict[str, Any]

BEST = "#best"
_PRODUCT, _RELATED = "product", "related"


def save_products(products: Iterable[Product]) -> None:
    """Put these into the catalogue, each over the one of its id."""
    puts = [
        {"PutRequest": {"Item": {**_key(_PRODUCT, product.id), "document": {"S": _text(product.to_document())}}}}
        for product in products
    ]
    write_items(_table(), puts)


def delete_product(product_id: str) -> bool:
    """Take a product out of the catalogue; whether it was there."""
    answer = get_client("dynamodb").delete_item(
        TableName=_table(), Key=_key(_PRODUCT, product_id), ReturnValues="ALL_OLD"
    )
    get_client("dynamodb").delete_item(TableName=_table(), Key=_key(_RELATED, product_id))
    return "Attributes" in answer


def find_products(ids: Collection[str]) -> dict[str, Product]:
    """Those of these ids that are in the catalogue."""
    items = get_items(_table(), [_key(_PRODUCT, each) for each in dict.fromkeys(ids)], consistent=False)
    return {product.id: product for product in map(_read, items)}


def list_products(*, cursor: str | None = None, limit: int = 50) -> Page[Product]:
    """The catalogue in the order of the ids. Raises CursorError."""

    def query(partition: str, after: str | None, most: int) -> list[Product]:
        values = {":kind": {"S": partition}, **({":after": {"S": after}} if after else {})}
        answer = get_client("dynamodb").query(
            TableName=_table(),
            KeyConditionExpression="kind = :kind AND product_id > :after" if after else "kind = :kind",
            ExpressionAttributeValues=values,
            Limit=most,
        )
        return [_read(item) for item in answer["Items"]]

    return walk([_PRODUCT], query, lambda product: product.id, cursor, limit)


def find_related(ids: Collection[str]) -> dict[str, tuple[Related, ...]]:
    """What goes with these products; under BEST what sells best."""
    items = get_items(_table(), [_key(_RELATED, each) for each in dict.fromkeys(ids)], consistent=False)
    return {
        item["product_id"]["S"]: tuple(Related(*each) for each in json.loads(item["document"]["S"])) for item in items
    }


def save_learned(learned: Learned) -> None:
    """Keep what was learned, over what was learned of the same products before."""
    rows: Mapping[str, tuple[Related, ...]] = {**learned.related, BEST: learned.best}
    puts = [
        {"PutRequest": {"Item": {**_key(_RELATED, each), "document": {"S": _text(related)}}}}
        for each, related in rows.items()
    ]
    write_items(_table(), puts)


def _read(item: Item) -> Product:
    return parse_product(json.loads(item["document"]["S"]))


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _table() -> str:
    return settings().require("products_table")


def _key(kind: str, product_id: str) -> Item:
    return {"kind": {"S": kind}, "product_id": {"S": product_id}}
