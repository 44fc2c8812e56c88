"""Worlds log thousands of faults that are theirs to make; what they print would hide what a failing test says."""

import gc
from collections.abc import Iterator

import pytest

from postroad_aws.observability import logger
from tests.account import bare_account, clients
from tests.shell.conftest import table_properties, template

__all__ = ["bare_account", "clients", "table_properties", "template"]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(logger), "_write", lambda self, level, message, facts: None)


@pytest.fixture(autouse=True)
def _collect_between_worlds() -> Iterator[None]:
    """A world is a heap of circles; collecting them while it runs costs a tenth of the time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
