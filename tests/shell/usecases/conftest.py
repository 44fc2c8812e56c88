"""An account on moto for every use case."""

from tests.account import account, bare_account, clients

__all__ = ["account", "bare_account", "clients"]
