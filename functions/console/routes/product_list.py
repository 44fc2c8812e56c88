"""Products out of a table: looked over first, then taken."""

from typing import Any

from functions.console.pages import page, part
from functions.console.requests import Request
from functions.console.responses import Response
from postroad.content.product_list import COLUMNS, MOST_ROWS, ProductList, read_products
from postroad.spreadsheets import SpreadsheetError, decode
from postroad_aws.storage import products

# So many products are shown, and so many lines told, before they are taken; all are counted.
_SHOWN, _TOLD = 10, 100


def begin(request: Request) -> Response:
    """Where a file is chosen."""
    return page(request, "products/import.html", **_values(None))


def preview(request: Request) -> Response:
    """What would be taken of the file, and what is wrong with it. Nothing is changed."""
    found = _read(request)
    return part(request, "products/import.html", "found", **_values(found))


def take(request: Request) -> Response:
    """Put the good lines into the catalogue, and tell the bad ones."""
    found = _read(request)
    if isinstance(found, str) or not found.products:
        return page(request, "products/import.html", status=422, **_values(found))
    products.save_products(found.products)
    return page(request, "products/import.html", **_values(found, taken=len(found.products)))


def _read(request: Request) -> ProductList | str:
    """What the file comes to, or why it cannot be read."""
    raw = request.file("file")
    try:
        return read_products(decode(raw)) if raw else "Choose a file first."
    except SpreadsheetError as error:
        return str(error)


def _values(found: ProductList | str | None, taken: int | None = None) -> dict[str, Any]:
    return {
        "found": None if isinstance(found, str) else found,
        "problem": found if isinstance(found, str) else "",
        "taken": taken,
        "columns": COLUMNS,
        "most": MOST_ROWS,
        "shown": _SHOWN,
        "told": _TOLD,
    }
