"""The catalogue in the console: looked at, changed, and taken in from a table."""

import re
from dataclasses import replace

import pytest

from functions.learn_products.app import handler as learn
from postroad.content.recommending import Product
from postroad_aws import clock, runs
from postroad_aws.storage import definitions, products
from postroad_aws.usecases.publish_definitions import publish_definitions
from postroad_aws.usecases.search_products import search_products
from tests.account import ANA
from tests.functions.console.conftest import ORIGIN

HOSTILE = "<script>alert(1)</script>"
HUILA = Product("huila-250", "Huila, 250 g", 12.5, "EUR", image="https://pictures.tidewater.example/huila.jpg")
FILTER = Product("filter", "Paper filters", 4.0, "EUR")


@pytest.fixture
def catalogue(account):
    products.save_products([HUILA, FILTER, Product("old", "Last year's blend", in_stock=False)])


def upload(browser, path, text, /, **fields):
    """Posts a form with a file, as a browser does."""
    parts = [f'name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
    parts.append(f'name="file"; filename="list.csv"\r\nContent-Type: text/csv\r\n\r\n{text}')
    body = "".join(f"--sep\r\nContent-Disposition: form-data; {part}\r\n" for part in parts) + "--sep--\r\n"
    ours = {"origin": ORIGIN, "sec-fetch-site": "same-origin", "content-type": "multipart/form-data; boundary=sep"}
    return replace(browser, headers={**ours, **browser.headers}).ask("POST", path, body.encode())


def test_an_empty_catalogue_says_how_it_is_filled(browser):
    assert "The catalogue is empty" in browser.get("/console/products").text


def test_c43_products_are_listed_and_found_by_name_and_stock(browser, catalogue):
    page = browser.get("/console/products")
    assert re.findall(r"<small>([\w-]+)</small></span></a>", page.text) == ["filter", "huila-250", "old"]
    assert "12.50 EUR" in page.text
    assert "img-src 'self' data: https://pictures.tidewater.example;" in page.headers["content-security-policy"]
    assert "https://pictures" not in browser.get("/console").headers["content-security-policy"]
    assert "Huila" not in browser.get("/console/products?q=PAPER").text
    sold_out = browser.get("/console/products?stock=out").text
    assert "Last year&#39;s blend" in sold_out
    assert "Huila" not in sold_out
    assert "No product is like that" in browser.get("/console/products?q=tea").text
    assert browser.get("/console/products?cursor=nonsense").status == 400


def test_a_host_that_would_change_the_policy_of_a_page_shows_no_picture(browser, account):
    products.save_products([HUILA._replace(image="https://a;script-src/x.jpg")])
    assert "a;script-src" not in browser.get("/console/products").headers["content-security-policy"]


def test_looking_through_many_products_goes_on_where_it_stopped(account):
    products.save_products(Product(f"p{number:04}", "Cup" if number % 500 else "Mug") for number in range(1_300))
    found, cursor = [], None
    while True:
        page = search_products(products, "mug", cursor=cursor, limit=1)
        found += [each.id for each in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert found == ["p0000", "p0500", "p1000"]


def test_a_product_is_added_changed_and_removed(browser, account):
    assert browser.get("/console/products/_new").status == 200
    filled = {
        "id": "kenia", "name": "Kenya", "price": "14,90", "currency": "eur", "categories": "beans; dark",
        "attributes": "roast: dark", "in_stock": "yes",
    }  # fmt: skip
    saved = browser.post("/console/products", filled)
    assert (saved.status, saved.headers["location"]) == (303, "/console/products/_one?id=kenia&saved=yes")
    kenya = Product("kenia", "Kenya", 14.9, "EUR", "", "", ("beans", "dark"), True, {"roast": "dark"})
    assert products.find_products(["kenia"]) == {"kenia": kenya}
    again = browser.post("/console/products", filled)
    assert again.status == 422
    assert "is that of a product in the catalogue already" in again.text
    products.save_products([kenya._replace(attributes={"roast": "dark", "weights": [250, 500]})])
    browser.post("/console/products", {**filled, "known": "kenia", "in_stock": "", "attributes": "roast: light"})
    changed = products.find_products(["kenia"])["kenia"]
    assert (changed.in_stock, changed.attributes) == (False, {"roast": "light", "weights": [250, 500]})
    browser.post("/console/products/_remove", {"id": "kenia"})
    assert products.find_products(["kenia"]) == {}
    assert browser.get("/console/products/_one?id=kenia").status == 404


def test_what_cannot_be_saved_says_where_it_is_wrong(browser, account):
    answer = browser.post("/console/products", {"id": "a b", "name": HOSTILE, "price": "much", "attributes": "x: y"})
    assert answer.status == 422
    assert "must be an id without spaces" in answer.text
    assert "must be a number such as 12.50" in answer.text
    assert HOSTILE not in answer.text
    assert not products.list_products().items


def test_c43_a_product_says_what_goes_with_it_and_a_contact_what_they_are_recommended(account, browser, catalogue):
    template = {
        "kind": "template", "id": "more", "channel": "email", "topic": "offers", "subject": "More",
        "blocks": [{"products": {"from": "recommended", "count": 3, "button": "Look"}}],
    }  # fmt: skip
    publish_definitions(definitions, runs, clock, {"template/more": template})
    for person in ("ana", "bo", "cy"):
        bought = [{"product_id": "huila-250"}, *([{"product_id": "filter"}] if person != "cy" else [])]
        account.fold(account.event("Order Completed", f"email:{person}@example.com", products=bought))
    assert learn({}, None) == {"people": 3, "products": 2}
    page = browser.get("/console/products/_one?id=huila-250").text
    assert "2 people bought it together with Huila, 250 g." in page
    assert "no. 1" in page
    assert "3 people bought it." in page
    cy = account.contact("email:cy@example.com").contact_id
    assert "2 people bought it together with Huila, 250 g." in browser.get(f"/console/contacts/{cy}?tab=products").text
    assert "Paper filters" in browser.get("/console/templates/more/preview?as=cy@example.com").text
    account.sign_up()
    ana = account.contact(f"email:{ANA}").contact_id
    assert browser.get(f"/console/contacts/{ana}?tab=products").status == 200


def test_c43_a_table_is_looked_over_then_taken_good_lines_only(browser, account):
    text = f'id,name,price\r\nhuila-250,"Huila, 250 g",12.5\r\nbad,,x\r\nhostile,{HOSTILE},1\r\n'
    looked = upload(browser, "/console/products/_preview", text)
    assert "<b>2 products can be taken</b>, 1 line cannot" in looked.text
    assert "Line 3 (bad): name: is missing; price: must be a number" in looked.text
    assert HOSTILE not in looked.text
    assert "<!doctype" not in looked.text
    assert not products.list_products().items
    taken = upload(browser, "/console/products/_import", text)
    assert "2 products taken." in taken.text
    assert "1 line</b>" not in taken.text
    assert [each.id for each in products.list_products().items] == ["hostile", "huila-250"]


def test_a_file_that_is_no_table_is_refused_with_the_reason(browser, account):
    answer = upload(browser, "/console/products/_import", "name\nx")
    assert answer.status == 422
    assert "names no column &#39;id&#39;" in answer.text
    assert "Choose a file first." in upload(browser, "/console/products/_import", "").text
    assert upload(browser, "/console/products/_preview", "x" * 4_000_001).status == 413
    assert browser.post("/console/products/_import", {"file": "id,name"}).status == 400
    assert upload(browser.as_role("viewer"), "/console/products/_import", "id,name\n1,a").status == 403
