"""Worlds log thousands of faults that are theirs to make; what they print would hide what a failing test says."""

import pytest

from postroad_aws.observability import logger
from tests.account import bare_account, clients
from tests.shell.conftest import table_properties, template

__all__ = ["bare_account", "clients", "table_properties", "template"]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(logger), "_write", lambda self, level, message, facts: None)
