"""The storage ports on the emulator that the local cloud runs on: what holds on moto and in memory holds there as well.

So a story on the local cloud, a test on moto and a world of the simulation speak of the same storage.
"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from postroad_aws.clients import forget_clients, get_client
from tests.account import forget, make_tables
from tests.shell.conftest import storage_ports
from tests.shell.port_contract import (
    BroadcastsContract,
    ContactsContract,
    MembershipsContract,
    MessagesContract,
    QuarantineContract,
    RefusalsContract,
    StatsContract,
    TasksContract,
    TimelineContract,
)

TABLES = (
    "Contacts", "Events", "Messages", "Tasks", "Suppressions", "Consents", "ConsentProof", "Memberships", "Broadcasts",
    "Holds", "Quarantine", "Stats",
)  # fmt: skip


@pytest.fixture(scope="module")
def emulator(endpoint: str, template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Clients of the emulator, with every function's environment; yields the properties of the tables."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in template["Globals"]["Function"]["Environment"]["Variables"].items():
            patched.setenv(name, value["Ref"])
        patched.setenv("AWS_ENDPOINT_URL", endpoint)
        forget_clients()
        forget()
        resources = template["Resources"].items()
        tables = {name: r["Properties"] for name, r in resources if name in TABLES}
        make_tables(tables)
        yield tables
    forget_clients()
    forget()


@pytest.fixture
def ports(emulator: dict[str, Any]) -> Iterator[SimpleNamespace]:
    yield storage_ports()
    for table, properties in emulator.items():
        keys = [key["AttributeName"] for key in properties["KeySchema"]]
        found = get_client("dynamodb").scan(TableName=table)["Items"]
        for at in range(0, len(found), 25):
            wanted = [{"DeleteRequest": {"Key": {key: item[key] for key in keys}}} for item in found[at : at + 25]]
            get_client("dynamodb").batch_write_item(RequestItems={table: wanted})


class TestContacts(ContactsContract): ...


class TestTimeline(TimelineContract): ...


class TestMessages(MessagesContract): ...


class TestTasks(TasksContract): ...


class TestRefusals(RefusalsContract): ...


class TestMemberships(MembershipsContract): ...


class TestBroadcasts(BroadcastsContract): ...


class TestQuarantine(QuarantineContract): ...


class TestStats(StatsContract): ...
