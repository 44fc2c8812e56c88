"""Products: the catalogue as people look at it, one product with what goes with it, and changing it."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from functions.console.pages import page
from functions.console.requests import Request
from functions.console.responses import Response, redirect
from postroad.content.product_list import COLUMNS, read_cells
from postroad.content.recommending import Product, explain_best, explain_company
from postroad.errors import DefinitionError
from postroad_aws.storage import NotFoundError, products
from postroad_aws.usecases.search_products import search_products

_PAGE = 50
STOCKS = {"": "All", "in": "In stock", "out": "Sold out"}


def show_list(request: Request) -> Response:
    """The catalogue in the order of the ids; with `q` those of this name or id, with `stock` those that are there or
    sold out."""
    wanted, stock = request.text("q"), request.text("stock")
    stock = stock if stock in STOCKS else ""
    in_stock = {"in": True, "out": False}.get(stock)
    found = search_products(products, wanted, in_stock, cursor=request.cursor, limit=_PAGE)
    values: dict[str, Any] = {"products": found.items, "next": found.next, "wanted": wanted}
    pictures = [each.image for each in found.items]
    return page(request, "products/list.html", fragment="rows", pictures=pictures, stocks=STOCKS, stock=stock, **values)


def show_one(request: Request) -> Response:
    """One product, what goes with it, and why."""
    return _show(request, _get(request.text("id")))


def begin(request: Request) -> Response:
    """An empty product."""
    return _show(request, None, {"in_stock": "yes"})


def save(request: Request) -> Response:
    """Put what was filled in into the catalogue."""
    form = request.form()
    before = _get(form["known"]) if form.get("known") else None
    given = {name: form.get(name, "").strip() for name in COLUMNS} | {
        "in_stock": "yes" if form.get("in_stock") else "no"
    }
    try:
        attributes = _read_attributes(form.get("attributes", ""), before)
        product = read_cells({name: cell for name, cell in given.items() if cell}, attributes)
        if before is None and products.find_products([product.id]):
            raise DefinitionError(("id", "is that of a product in the catalogue already"))
    except DefinitionError as error:
        return _show(request, before, form, dict(error.mistakes))
    products.save_products([product])
    return redirect(f"/console/products/_one?id={quote(product.id, safe='')}&saved=yes")


def remove(request: Request) -> Response:
    """Take a product out of the catalogue."""
    products.delete_product(request.form().get("id", "") or "-")
    return redirect("/console/products")


def _get(product_id: str) -> Product:
    found = products.find_products([product_id]) if product_id else {}
    if product_id not in found:
        raise NotFoundError("There is no product with this id. It may have been removed.")
    return found[product_id]


def _show(
    request: Request, product: Product | None, form: Mapping[str, str] | None = None, mistakes: Mapping[str, str] = {}
) -> Response:
    company, best = _find_company(product) if product else ([], None)
    values: dict[str, Any] = {
        "product": product,
        "form": defaultdict(str, _form_of(product) if product and form is None else form or {}),
        "mistakes": defaultdict(str, mistakes),
        "saved": bool(request.text("saved")) and not mistakes,
        "company": company,
        "best": best,
    }
    pictures = [each.image for each in (*(other for other, _ in company), *([product] if product else []))]
    return page(request, "products/one.html", status=422 if mistakes else 200, pictures=pictures, **values)


def _find_company(product: Product) -> tuple[list[tuple[Product, str]], tuple[int, str] | None]:
    """What goes with a product, each with the reason, and its place among what sells best."""
    learned = products.find_related([product.id, products.BEST])
    related = learned.get(product.id, ())
    others = products.find_products([each.product_id for each in related]) if related else {}
    company = [
        (others[each.product_id], explain_company(each, product.name)) for each in related if each.product_id in others
    ]
    for number, each in enumerate(learned.get(products.BEST, ()), 1):
        if each.product_id == product.id:
            return company, (number, explain_best(each))
    return company, None


def _form_of(product: Product) -> dict[str, str]:
    return {
        "id": product.id,
        "name": product.name,
        "price": "" if product.price is None else f"{product.price:g}",
        "currency": product.currency,
        "url": product.url,
        "image": product.image,
        "categories": "; ".join(product.categories),
        "attributes": "\n".join(f"{name}: {said}" for name, said in _plain(product).items()),
        "in_stock": "yes" if product.in_stock else "",
    }


def _plain(product: Product) -> dict[str, str]:
    """The attributes that the form shows: texts of one line. The others stay as they are."""
    return {name: said for name, said in product.attributes.items() if isinstance(said, str) and said.isprintable()}


def _read_attributes(text: str, before: Product | None) -> dict[str, Any]:
    """The lines of the form, and what it did not show. Raises DefinitionError."""
    kept = {name: said for name, said in before.attributes.items() if name not in _plain(before)} if before else {}
    for line in filter(str.strip, text.splitlines()):
        name, colon, said = line.partition(":")
        if not colon or not name.strip() or not said.strip():
            raise DefinitionError(("attributes", f"has a line without a name and a value: {line.strip()[:60]}"))
        kept[name.strip()] = said.strip()
    return kept
