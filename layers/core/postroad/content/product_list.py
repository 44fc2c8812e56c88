"""Products out of a table: which are taken, and what is wrong with the lines that are not."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from postroad.content.recommending import Product, parse_product
from postroad.errors import DefinitionError
from postroad.spreadsheets import Spreadsheet, SpreadsheetError, read_spreadsheet

MOST_ROWS = 5_000

_YES = frozenset(("yes", "y", "true", "1", "in stock", "in_stock", "available"))
_NO = frozenset(("no", "n", "false", "0", "out of stock", "out_of_stock", "sold out"))


class Problem(NamedTuple):
    """Why a line is not taken: the line of the file, the id that stands there, and sentences."""

    line: int
    product_id: str
    sentences: tuple[str, ...]


class ProductList(NamedTuple):
    """What a table comes to. `attributes` are the columns that become attributes, under the names they get."""

    products: tuple[Product, ...]
    problems: tuple[Problem, ...]
    attributes: tuple[str, ...]


def _read_price(text: str) -> float:
    """A price as people write it: 12.50, or 12,50."""
    plain = text.replace("\u00a0", "").replace(" ", "")
    plain = plain.replace(",", ".") if plain.count(",") == 1 and "." not in plain else plain.replace(",", "")
    if not plain or not all(sign.isascii() and (sign.isdigit() or sign == ".") for sign in plain):
        raise ValueError("must be a number such as 12.50, without the currency")
    return float(plain)


def _read_stock(text: str) -> bool:
    said = text.casefold()
    if said not in _YES | _NO:
        raise ValueError("must be yes or no")
    return said in _YES


def _read_categories(text: str) -> list[str]:
    return [each.strip() for each in text.replace("|", ";").split(";") if each.strip()]


# What a column is called, and how its cells are read; shops' own exports call some of them otherwise.
_READ: Mapping[str, Callable[[str], Any]] = {
    "id": str,
    "name": str,
    "price": _read_price,
    "currency": str.upper,
    "url": str,
    "image": str,
    "categories": _read_categories,
    "in_stock": _read_stock,
}
COLUMNS = tuple(_READ)
_ALIASES = {
    "product_id": "id",
    "sku": "id",
    "title": "name",
    "link": "url",
    "image_link": "image",
    "picture": "image",
    "category": "categories",
    "availability": "in_stock",
    "stock": "in_stock",
}


def read_products(text: str) -> ProductList:
    """Read products from a CSV text. A good line is taken, a bad one is told; of two with one id the first counts.
    Raises SpreadsheetError when it is no such table."""
    sheet = read_spreadsheet(text, MOST_ROWS)
    columns = _name_columns(sheet)
    taken: dict[str, Product] = {}
    problems: list[Problem] = []
    for line, cells in sheet.rows:
        given = {name: cell for name, cell in zip(columns, cells, strict=False) if name and cell}
        sentences, product = _read_line(given)
        if product is not None and product.id in taken:
            sentences = ("id: is that of a line before it",)
        if product is None or sentences:
            problems.append(Problem(line, given.get("id", "")[:60], sentences))
        else:
            taken[product.id] = product
    return ProductList(tuple(taken.values()), tuple(problems), tuple(name for name in columns if _is_attribute(name)))


def _name_columns(sheet: Spreadsheet) -> tuple[str, ...]:
    names = []
    for written in sheet.columns:
        name = "_".join(written.casefold().split())
        names.append(_ALIASES.get(name, name))
    for needed in ("id", "name"):
        if needed not in names:
            known = ", ".join(sheet.columns)[:200]
            raise SpreadsheetError(f"The first row names no column {needed!r}; it has: {known}.")
    if twice := next((name for name in names if name and names.count(name) > 1), None):
        raise SpreadsheetError(f"Two columns are {twice!r}. Take one of them out.")
    return tuple(names)


def _is_attribute(name: str) -> bool:
    return bool(name) and name not in _READ


def _read_line(given: Mapping[str, str]) -> tuple[tuple[str, ...], Product | None]:
    attributes = {name[:60]: cell for name, cell in given.items() if _is_attribute(name)}
    try:
        return (), read_cells({name: cell for name, cell in given.items() if name in _READ}, attributes)
    except DefinitionError as error:
        return tuple(f"{path}: {sentence}" if path else sentence for path, sentence in error.mistakes), None


def read_cells(given: Mapping[str, str], attributes: Mapping[str, Any]) -> Product:
    """The product of cells by their COLUMNS, as people write them. Raises DefinitionError with every mistake."""
    document: dict[str, Any] = {"attributes": dict(attributes)} if attributes else {}
    mistakes: dict[str, str] = {}
    for name, cell in given.items():
        try:
            document[name] = _READ[name](cell)
        except ValueError as error:
            mistakes[name] = str(error)
    try:
        product = parse_product(document)
    except DefinitionError as error:
        mistakes = {**dict(error.mistakes), **mistakes}
    if mistakes:
        raise DefinitionError(*mistakes.items())
    return product
