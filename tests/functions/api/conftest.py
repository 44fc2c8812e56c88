"""Somebody to ask about."""

import pytest

from postroad.sending.messages import Message
from tests.account import Account
from tests.functions.api.client import EMAIL, MARKUP


@pytest.fixture
def ana(account: Account) -> Message:
    """Ana signed up and looked at a page; her welcome mail."""
    message = account.sign_up(first_name=MARKUP, plan="vip")
    account.fold(account.event("Page Viewed", EMAIL, path="/plans", note=MARKUP))
    return message
