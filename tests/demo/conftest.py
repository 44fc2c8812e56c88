"""An account on moto for every function."""

from tests.account import account, bare_account, clients
from tests.shell.conftest import table_properties, template

__all__ = ["account", "bare_account", "clients", "table_properties", "template"]
