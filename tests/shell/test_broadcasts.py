"""The table of broadcasts."""

from tests.shell.port_contract import BroadcastsContract


class TestBroadcasts(BroadcastsContract):
    """The table passes what memory passes."""
