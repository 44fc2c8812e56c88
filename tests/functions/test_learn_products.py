"""The daily lesson of what goes together."""

from functions.learn_products.app import handler
from postroad.content.recommending import Product
from postroad_aws.storage import products


def test_c43_without_a_catalogue_nobody_is_read_to_learn(account):
    account.sign_up()
    assert handler({}, None) == {"people": 0, "products": 0}


def test_a_lesson_of_people_who_did_nothing_is_empty(account):
    products.save_products([Product("huila-250", "Huila, 250 g")])
    account.sign_up()
    assert handler({}, None) == {"people": 0, "products": 0}
