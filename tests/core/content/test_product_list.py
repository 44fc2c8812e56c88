"""Products out of a table."""

import pytest

from postroad.content.product_list import MOST_ROWS, Problem, read_products
from postroad.spreadsheets import SpreadsheetError

GOOD = """id,Name,Price,Currency,URL,Image,Categories,In stock,Roast
huila-250,"Huila, 250 g","12,50",eur,https://shop.example/huila,https://shop.example/h.jpg,beans; light,yes,light
sidamo-250,"Sidamo, 250 g",11.00,EUR,,,,sold out,
"""


def test_c43_a_table_becomes_products_and_columns_of_other_names_attributes():
    found = read_products(GOOD)
    assert [product.to_document() for product in found.products] == [
        {
            "id": "huila-250", "name": "Huila, 250 g", "price": 12.5, "currency": "EUR", "in_stock": True,
            "url": "https://shop.example/huila", "image": "https://shop.example/h.jpg",
            "categories": ["beans", "light"], "attributes": {"roast": "light"},
        },
        {"id": "sidamo-250", "name": "Sidamo, 250 g", "price": 11.0, "currency": "EUR", "in_stock": False},
    ]  # fmt: skip
    assert (found.problems, found.attributes) == ((), ("roast",))


def test_good_lines_are_taken_and_bad_ones_told_with_all_that_is_wrong():
    found = read_products(
        "id;name;price;url;in_stock\n"
        "a;A;1;;\n"
        "a;Again;2;;\n"
        ";Nameless;1;;\n"
        "b;;EUR 3;javascript:alert(1);perhaps\n"
        "#best;Best;1;;\n"
        'c;"<script>alert(1)</script>";1e9;;\n'
        "d;D;-1;;\n"
    )
    assert [product.id for product in found.products] == ["a"]
    assert found.problems[:3] == (
        Problem(3, "a", ("id: is that of a line before it",)),
        Problem(4, "", ("id: is missing",)),
        Problem(
            5,
            "b",
            (
                "name: is missing",
                "url: must be an address such as https://example.com/logo.png",
                "price: must be a number such as 12.50, without the currency",
                "in_stock: must be yes or no",
            ),
        ),
    )
    assert [problem.line for problem in found.problems] == [3, 4, 5, 6, 7, 8]


def test_columns_of_a_shops_own_export_are_known():
    found = read_products(
        "sku,title,link,image_link,availability\nx,X,https://a.example/,https://a.example/x,in stock\n"
    )
    (product,) = found.products
    assert (product.id, product.name, product.url, product.image) == (
        "x",
        "X",
        "https://a.example/",
        "https://a.example/x",
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("id,price\n1,2", "The first row names no column 'name'; it has: id, price."),
        ("id,name,ID\n1,a,2", "Two columns are 'id'. Take one of them out."),
    ],
)
def test_a_table_without_ids_and_names_is_refused(text, sentence):
    with pytest.raises(SpreadsheetError) as refused:
        read_products(text)
    assert str(refused.value) == sentence


def test_five_thousand_rows_are_taken_and_not_one_more():
    rows = [f"p{number},Product {number},{number}" for number in range(MOST_ROWS)]
    assert len(read_products("\n".join(["id,name,price", *rows])).products) == 5_000
    with pytest.raises(SpreadsheetError, match="more than 5,000 rows"):
        read_products("\n".join(["id,name,price", *rows, "one,more,1"]))
