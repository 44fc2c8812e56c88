"""Products that are recommended: what goes with what somebody did, in stock, and never what they have."""

import random
from typing import Any

import pytest

from postroad.contacts.contact import Contact
from postroad.content.recommending import (
    Product,
    Related,
    learn,
    parse_product,
    pick,
    pick_viewed,
    rank,
    seeds_of,
)
from postroad.content.tastes import Taste, taste_of
from postroad.errors import DefinitionError
from postroad.events import Event
from postroad.fold import fold
from postroad.instants import parse_instant
from tests.books import Shelf

NOW = parse_instant("2026-11-23T12:00:00Z")
NAMES = ("huila", "sidamo", "cup", "grinder", "filter", "decaf")
PRODUCTS = {name: Product(name, name.title(), 9.5, "EUR") for name in NAMES}
PEOPLE = [
    Taste(("huila", "grinder"), ("huila", "cup")),
    Taste(("huila", "filter"), ("huila", "cup")),
    Taste(("cup", "huila"), ("cup",)),
    Taste(("sidamo", "decaf"), ("sidamo",)),
    Taste(("decaf", "sidamo"), ()),
]


def names(picks: list[Any]) -> list[str]:
    return [each.product.id for each in picks]


def test_c43_what_the_same_people_bought_is_recommended_with_the_reason() -> None:
    learned = learn(PEOPLE)
    ana = Taste(bought=("huila",))
    picks = pick(rank(ana, learned.related, learned.best), PRODUCTS, 3)
    assert picks[0] == (PRODUCTS["cup"], "2 people bought it together with Huila")
    assert "huila" not in names(picks)
    assert len(picks) == 3


def test_c43_without_anything_known_it_is_what_sells_best() -> None:
    learned = learn(PEOPLE)
    picks = pick(rank(Taste(), learned.related, learned.best), PRODUCTS, 2)
    assert names(picks) == ["cup", "huila"] or names(picks) == ["huila", "cup"]
    assert "sells best" in picks[0].because


def test_c43_only_what_is_in_stock_and_still_sold_is_recommended() -> None:
    learned = learn(PEOPLE)
    sold_out = {**PRODUCTS, "cup": PRODUCTS["cup"]._replace(in_stock=False)}
    del sold_out["decaf"]
    picks = pick(rank(Taste(bought=("huila", "sidamo")), learned.related, learned.best), sold_out, 9)
    assert {"cup", "decaf"}.isdisjoint(names(picks))


def test_c41_what_was_looked_at_and_not_bought_comes_back_and_what_was_bought_does_not() -> None:
    taste = Taste(viewed=("grinder", "huila", "gone", "cup"), bought=("huila",))
    assert names(pick_viewed(taste, PRODUCTS, 5)) == ["grinder", "cup"]
    assert names(pick_viewed(taste, PRODUCTS, 1)) == ["grinder"]


def test_c41_a_contact_remembers_what_it_viewed_and_bought_once_a_template_asks() -> None:
    policy = {
        "kind": "policy",
        "id": "policy",
        "postal_address": "Rua 12",
        "topics": [{"id": "offers", "opt_in": False}],
    }
    letter = {"kind": "template", "id": "letter", "channel": "email", "topic": "offers", "subject": "Hi"}
    quiet = Shelf(policy, {**letter, "blocks": [{"text": {"text": "recommended"}}]})
    assert not quiet.book.trackers
    shelf = Shelf(policy, {**letter, "blocks": [{"products": {"from": "viewed"}}]})
    contact = Contact("ana")
    told: list[tuple[str, dict[str, Any]]] = [
        ("Product Viewed", {"product_id": "cup"}),
        ("Product Viewed", {"product_id": "grinder"}),
        ("Product Viewed", {"product_id": "cup"}),
        ("Order Completed", {"products": [{"product_id": "huila"}, {"product_id": "cup"}]}),
    ]
    for number, (name, properties) in enumerate(told):
        event = Event(f"e{number}", name, NOW + number, NOW, contact_id="ana", properties=properties)
        contact = fold(contact, event, shelf.book, NOW + 9).contact
    taste = taste_of(contact)
    assert taste.viewed == ("cup", "grinder")
    assert set(taste.bought) == {"huila", "cup"}
    assert names(pick_viewed(taste, PRODUCTS, 5)) == ["grinder"]


def test_the_order_of_people_changes_nothing_that_is_learned() -> None:
    shuffled = random.Random(4).sample(PEOPLE, len(PEOPLE))
    assert learn(shuffled) == learn(PEOPLE)


def test_one_persons_habit_says_nothing_about_others() -> None:
    assert "grinder" not in learn(PEOPLE).related
    assert learn(PEOPLE[:1]).related == {}


def test_what_goes_with_several_and_with_the_latest_counts_more() -> None:
    related = {
        "a": [Related("x", 1.0, 5, "viewed")],
        "b": [Related("x", 1.0, 9, "viewed"), Related("y", 1.4, 5, "viewed")],
    }
    ranked = rank(Taste(viewed=("a", "b")), related, ())
    assert list(ranked) == ["x", "y"]
    assert ranked["x"].deed == "viewed:a"
    assert len(seeds_of(Taste(tuple(map(str, range(30))), tuple("abcdefgh")))) == 10


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"id": "two words"}, "id"),
        ({"id": "#best"}, "id"),
        ({"name": None}, "name"),
        ({"price": -1}, "price"),
        ({"currency": "euro"}, "currency"),
        ({"url": "http://shop.example/a"}, "url"),
        ({"categories": "coffee"}, "categories"),
        ({"attributes": [1]}, "attributes"),
        ({"stock": 1}, "stock"),
    ],
)
def test_a_mistake_in_a_product_is_told_with_its_path(change: dict[str, Any], path: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_product({"id": "huila", "name": "Huila", **change})
    assert [where for where, _ in caught.value.mistakes] == [path]


def test_a_product_is_read_as_it_was_written() -> None:
    document = {"id": "huila", "name": "Huila", "price": 12.5, "categories": ["beans"], "in_stock": False}
    assert parse_product(document).to_document() == document
