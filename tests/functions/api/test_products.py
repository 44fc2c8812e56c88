"""Products by the API: kept, listed, deleted, learned of and recommended."""

import pytest

from postroad_aws import books, catalogue, clock, runs
from postroad_aws.storage import definitions
from postroad_aws.usecases.publish_definitions import publish_definitions
from tests.functions.api.client import EMAIL, call

PATH = "/api/v1/products"
LETTER = {"kind": "template", "id": "letter", "channel": "email", "topic": "offers", "subject": "For you",
          "blocks": [{"products": {}}]}  # fmt: skip
HUILA = {"id": "huila", "name": "Huila", "price": 12.5, "currency": "EUR", "in_stock": True}


@pytest.fixture(autouse=True)
def fresh():
    catalogue.forget()
    yield
    catalogue.forget()


def test_c43_products_are_recommended_with_the_reason(account, ana):
    publish_definitions(definitions, runs, clock, {"template/letter": LETTER})
    books.forget()
    assert call("PUT", PATH, body={"products": [HUILA, {"id": "cup", "name": "Cup"}]}) == (200, {"saved": 2})
    for number in range(3):
        bought = [{"product_id": "huila"}, {"product_id": "cup"}]
        account.fold(account.event("Order Completed", f"email:p{number}@example.com", products=bought))
    account.fold(account.event("Product Viewed", EMAIL, product_id="cup"))
    assert call("POST", f"{PATH}/learn") == (200, {"people": 4, "products": 2})
    status, picks = call("GET", f"/api/v1/contacts/{ana.contact_id}/products")
    assert status == 200
    assert picks["recommended"][0] == {"product": HUILA, "because": "3 people bought it together with Cup"}
    assert [each["product"]["id"] for each in picks["viewed"]] == ["cup"]
    assert call("GET", "/api/v1/contacts/nobody/products")[0] == 404


def test_a_mistake_in_one_product_keeps_all_out(account):
    body = {"products": [HUILA, {"id": "cup"}, {**HUILA, "price": "cheap"}]}
    status, answer = call("PUT", PATH, body=body)
    assert status == 422
    assert [each["path"] for each in answer["errors"]] == ["products[1].name", "products[2].price"]
    assert call("PUT", PATH, body={"products": [HUILA, HUILA]})[0] == 422
    assert call("GET", PATH)[1]["items"] == []


def test_products_are_listed_and_deleted(account):
    call("PUT", PATH, body={"products": [HUILA, {"id": "cup", "name": "Cup"}]})
    status, page = call("GET", PATH, {"limit": 1})
    assert (status, [each["id"] for each in page["items"]]) == (200, ["cup"])
    assert call("GET", PATH, {"limit": 1, "cursor": page["next"]})[1]["items"] == [HUILA]
    assert call("POST", f"{PATH}/delete", body={"ids": ["cup", "gone"]}) == (200, {"deleted": 1})
    assert call("GET", PATH)[1]["items"] == [HUILA]
