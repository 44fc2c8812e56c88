"""Find products of the catalogue by a part of their id or name, and by whether they are in stock."""

from typing import Protocol

from postroad.content.recommending import Product
from postroad_aws.storage import Page

# Of so many products at most is looked at in one call; the cursor goes on behind them.
MOST_LOOKED_AT = 1_000
_PAGE = 200


class Products(Protocol):
    """What is touched of the catalogue."""

    def list_products(self, *, cursor: str | None = None, limit: int = 50) -> Page[Product]: ...


def search_products(
    products: Products, text: str = "", in_stock: bool | None = None, *, cursor: str | None = None, limit: int = 50
) -> Page[Product]:
    """Those in whose id or name the text stands, in the order of the ids. A page may hold more or fewer than `limit`,
    even none, and yet say that it goes on. Raises CursorError."""
    if not text and in_stock is None:
        return products.list_products(cursor=cursor, limit=limit)
    wanted, found = text.casefold(), list[Product]()
    for _ in range(MOST_LOOKED_AT // _PAGE):
        page = products.list_products(cursor=cursor, limit=_PAGE)
        cursor = page.next
        found += [each for each in page.items if _fits(each, wanted, in_stock)]
        if cursor is None or len(found) >= limit:
            break
    return Page(found, cursor)


def _fits(product: Product, wanted: str, in_stock: bool | None) -> bool:
    said = in_stock is None or product.in_stock == in_stock
    return said and (wanted in product.name.casefold() or wanted in product.id.casefold())
