"""The fixtures of the tables on moto, for worlds that run over both."""

from tests.account import bare_account, clients
from tests.shell.conftest import table_properties, template

__all__ = ["bare_account", "clients", "table_properties", "template"]
