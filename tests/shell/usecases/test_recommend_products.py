"""Products on moto: the catalogue, what is learned from contacts, and the mail that shows them."""

from dataclasses import replace
from email import message_from_bytes, policy
from typing import Any

import pytest

from postroad.content.recommending import Product
from postroad_aws import books, catalogue, clock, runs
from postroad_aws.storage import contacts, definitions, products
from postroad_aws.usecases.learn_products import learn_products
from postroad_aws.usecases.publish_definitions import publish_definitions
from postroad_aws.usecases.send_message import send_message
from tests.account import ANA, Channel

PRODUCTS = [
    Product(each, each.title(), 12.5, "EUR", f"https://tidewater.example/{each}") for each in ("huila", "cup", "kettle")
]
LETTER = {
    "kind": "template",
    "id": "for-you",
    "channel": "email",
    "topic": "offers",
    "subject": "For you",
    "blocks": [
        {"heading": {"text": "What goes with yours"}},
        {"products": {"from": "recommended", "count": 2}},
        {"products": {"from": "viewed", "button": "Still thinking?"}},
    ],
    "languages": {
        "de": {"subject": "Für dich", "blocks": [{"text": {"text": "Hallo am {{ message.created_at | date }}"}}]}
    },
}


@pytest.fixture
def shop(account: Any) -> Any:
    """An account in which a template shows products, and five people have bought some."""
    catalogue.forget()
    publish_definitions(definitions, runs, clock, {"template/for-you": LETTER})
    books.forget()
    products.save_products(PRODUCTS)
    for number in range(5):
        bought = [{"product_id": "huila"}, {"product_id": "cup"}]
        who = f"email:p{number}@example.com"
        account.fold(account.event("Order Completed", who, products=bought, attributes={"email": who[6:]}))
    yield account
    catalogue.forget()


def sent(account: Any, **attributes: Any) -> Any:
    """The letter as Ana gets it."""
    message = replace(account.sign_up(**attributes), template="for-you", template_version=1)
    channel = Channel()
    ports = account.with_channels(email=channel)

    class Letters:
        def claim(self, *given: Any) -> Any:
            found = ports.messages.claim(*given)
            return found and replace(found, template="for-you", template_version=1)

        def __getattr__(self, name: str) -> Any:
            return getattr(ports.messages, name)

    send_message(replace(ports, messages=Letters()), message.message_id)
    return message_from_bytes(channel.sent[0].raw, policy=policy.SMTP)


def test_c43_a_mail_shows_what_goes_with_what_somebody_bought(shop: Any) -> None:
    assert learn_products(contacts, products) == (5, 2)
    shop.fold(
        shop.event("Order Completed", f"email:{ANA}", products=[{"product_id": "huila"}]),
        shop.event("Product Viewed", f"email:{ANA}", product_id="kettle"),
        shop.event("Product Viewed", f"email:{ANA}", product_id="huila"),
    )
    text = sent(shop).get_body(("plain",)).get_content()
    assert text.index("Cup") < text.index("Have a look")
    assert text.index("Kettle") < text.index("Still thinking?")
    assert text.count("Have a look") == text.count("Still thinking?") == 1
    assert "Huila" not in text


def test_before_anything_was_learned_a_mail_shows_no_products(shop: Any) -> None:
    text = sent(shop).get_body(("plain",)).get_content()
    assert "What goes with yours" in text
    assert "Have a look" not in text


def test_somebody_gets_the_mail_in_their_language(shop: Any) -> None:
    mail = sent(shop, locale="de_AT")
    assert mail["subject"] == "Für dich"
    assert "Hallo am " in mail.get_body(("plain",)).get_content()
    assert 'lang="de"' in mail.get_body(("html",)).get_content()


def test_a_process_keeps_what_it_has_read_for_a_minute(shop: Any) -> None:
    assert catalogue.find_products(["cup", "gone"]) == {"cup": PRODUCTS[1]}
    products.save_products([PRODUCTS[1]._replace(in_stock=False)])
    products.save_products([Product("gone", "Back again")])
    assert catalogue.find_products(["cup", "gone"]) == {"cup": PRODUCTS[1]}
    shop.advance(61)
    assert not catalogue.find_products(["cup"])["cup"].in_stock
    assert catalogue.find_products(["gone"])["gone"].name == "Back again"


def test_the_catalogue_is_listed_in_pages_and_without_what_was_learned(shop: Any) -> None:
    learn_products(contacts, products)
    first = products.list_products(limit=2)
    assert [each.id for each in first.items] == ["cup", "huila"]
    assert [each.id for each in products.list_products(cursor=first.next, limit=2).items] == ["kettle"]
    assert products.delete_product("cup")
    assert not products.delete_product("cup")
    assert set(products.find_products(["cup", "huila"])) == {"huila"}
