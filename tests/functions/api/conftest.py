"""Somebody to ask about, and a name for each test of a route."""

from dataclasses import replace

import pytest

from postroad.sending.messages import Message
from tests.account import Account
from tests.functions.api.client import EMAIL, MARKUP


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """schemathesis gives the tests of all routes one id, and of tests with one id several processes run only one."""
    for item in items:
        if label := getattr(item, "operation_label", None):
            item._id = replace(item._id, params=label)


@pytest.fixture
def ana(account: Account) -> Message:
    """Ana signed up and looked at a page; her welcome mail."""
    message = account.sign_up(first_name=MARKUP, plan="vip")
    account.fold(account.event("Page Viewed", EMAIL, path="/plans", note=MARKUP))
    return message
