"""The catalogue: products, what goes with them, and what is recommended to somebody."""

from typing import Annotated, Any, NotRequired, TypedDict

from functions.api.routing import Routes
from functions.api.schemas import Cursor, Example, Limit, Listed, Text, Within
from postroad.content.recommending import LONGEST_ID, MOST_PICKS, Pick, Product, parse_product
from postroad.errors import DefinitionError
from postroad_aws import catalogue
from postroad_aws.storage import NotFoundError, contacts, products
from postroad_aws.usecases.find_contact import find_contact
from postroad_aws.usecases.learn_products import learn_products
from postroad_aws.usecases.recommend_products import recommend_products, show_viewed

routes = Routes("Products")

MOST_AT_ONCE = 100

Id = Annotated[str, Text(LONGEST_ID), Example("huila-250"), "Without spaces; events name it as `product_id`."]


class ProductsBody(TypedDict):
    """Products for the catalogue."""

    products: Annotated[
        list[Annotated[dict[str, Any], Example({"id": "huila-250", "name": "Huila, 250 g", "price": 12.5})]],
        Within(1, MOST_AT_ONCE),
    ]


class IdsBody(TypedDict):
    """Products by their ids."""

    ids: Annotated[list[Id], Within(1, MOST_AT_ONCE)]


class SavedView(TypedDict):
    """How many products were put into the catalogue."""

    saved: int


class DeletedView(TypedDict):
    """How many products were taken out of the catalogue."""

    deleted: int


class LessonView(TypedDict):
    """What was learned."""

    people: Annotated[int, "Those who looked at something or bought something."]
    products: Annotated[int, "Those of which it is known what goes with them."]


class ProductView(TypedDict):
    """Something that is sold. What is not known is left out."""

    id: Id
    name: Annotated[str, Example("Huila, 250 g")]
    in_stock: bool
    price: NotRequired[Annotated[float, Example(12.5)]]
    currency: NotRequired[Annotated[str, Example("EUR")]]
    url: NotRequired[str]
    image: NotRequired[str]
    categories: NotRequired[list[str]]
    attributes: NotRequired[dict[str, Any]]


class PickView(TypedDict):
    """A product for somebody."""

    product: ProductView
    because: Annotated[str, "Why it is this one."]


class PicksView(TypedDict):
    """Products for somebody, the best first."""

    recommended: Annotated[list[PickView], "What goes with what they did, else what sells best; nothing they bought."]
    viewed: Annotated[list[PickView], "What they looked at lately and did not buy."]


@routes.put("/products")
def save(body: ProductsBody) -> SavedView:
    """Put products into the catalogue, each over the one of its id: all of them, or with a mistake none."""
    read: dict[str, Product] = {}
    mistakes: list[tuple[str, str]] = []
    for number, document in enumerate(body["products"]):
        try:
            product = parse_product(document)
            if product.id in read:
                raise DefinitionError(("id", f"{product.id!r} is the id of one before it"))
            read[product.id] = product
        except DefinitionError as error:
            mistakes += [(f"products[{number}].{path}".rstrip("."), sentence) for path, sentence in error.mistakes]
    if mistakes:
        raise DefinitionError(*mistakes)
    products.save_products(read.values())
    return {"saved": len(read)}


@routes.get("/products")
def list_products(cursor: Cursor | None = None, limit: Limit = 50) -> Listed[ProductView]:
    """The catalogue, in the order of the ids."""
    page = products.list_products(cursor=cursor, limit=limit)
    return {"items": [_show(product) for product in page.items], "next": page.next}


@routes.post("/products/delete")
def delete(body: IdsBody) -> DeletedView:
    """Take products out of the catalogue; nobody is shown them any more within a minute."""
    return {"deleted": sum(products.delete_product(each) for each in dict.fromkeys(body["ids"]))}


@routes.post("/products/learn")
def learn() -> LessonView:
    """Learn from the newest contacts what goes together and what sells best; what was learned before is replaced."""
    lesson = learn_products(contacts, products)
    return {"people": lesson.people, "products": lesson.products}


@routes.get("/contacts/{contact_id}/products")
def recommend(contact_id: str, count: Annotated[int, Within(1, MOST_PICKS)] = 3) -> PicksView:
    """What somebody would be shown of the catalogue now, and why."""
    contact = find_contact(contacts, contact_id)
    if contact is None:
        raise NotFoundError("There is no contact with this id.")
    return {
        "recommended": _list(recommend_products(catalogue, contact, count)),
        "viewed": _list(show_viewed(catalogue, contact, count)),
    }


def _list(picks: list[Pick]) -> list[PickView]:
    return [{"product": _show(each.product), "because": each.because} for each in picks]


def _show(product: Product) -> ProductView:
    shown: Any = product.to_document()
    return shown
