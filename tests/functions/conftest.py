"""An account on moto for every function."""

from tests.account import account, bare_account
from tests.shell.conftest import aws, table_properties, template

__all__ = ["account", "aws", "bare_account", "table_properties", "template"]
