"""Some worlds once more over the real tables (on moto), beside the memory: both must answer every call alike.

So whatever is proved of 2,000 worlds over the memory is proved of the storage that runs in production, as far as these
worlds go.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from postroad_aws.storage import (
    Page,
    accounts,
    broadcasts,
    contacts,
    memberships,
    messages,
    quarantine,
    refusals,
    tasks,
    timeline,
)
from tests.account import Account
from tests.faults.invariants import violations
from tests.faults.worlds import World

TABLES = {
    "contacts": contacts,
    "timeline": timeline,
    "messages": messages,
    "tasks": tasks,
    "refusals": refusals,
    "quarantine": quarantine,
    "memberships": memberships,
    "accounts": accounts,
    "broadcasts": broadcasts,
}
# The last two have a broadcast whose pages hold everybody: a cursor of the memory says nothing to the tables.
SEEDS = (0, 8, 12, 46, 48, 72, 87, 37, 38)


class Beside:
    """A port over the memory and over the tables; the tables' answer counts, and a difference is written down."""

    def __init__(self, name: str, memory: Any, differences: list[str]) -> None:
        self.name, self.memory, self.differences = name, memory, differences
        self.cursors: dict[str, str] = {}  # of the tables, with what the memory calls the same place

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            place = {"cursor": self.cursors[kwargs["cursor"]]} if kwargs.get("cursor") else {}
            expected = plain(getattr(self.memory, method)(*args, **{**kwargs, **place}))
            found = plain(getattr(TABLES[self.name], method)(*args, **kwargs))
            if isinstance(found, Page) and found.next and expected.next:
                self.cursors[found.next] = expected.next
                expected = expected._replace(next=found.next)
            if path := find_difference(found, expected):
                self.differences.append(f"{self.name}.{method}: {path}")
            return found

        return call


def plain(answer: Any) -> Any:
    """What can be compared: an iterator is its items."""
    return list(answer) if isinstance(answer, Iterator) else answer


def find_difference(a: Any, b: Any, path: str = "") -> str:
    """Where two answers are not alike, and how; "" when they are. Tables keep times to the millisecond."""
    if isinstance(a, float) and isinstance(b, float) and abs(a - b) <= 0.001:
        return ""
    if is_dataclass(a) and type(a) is type(b):
        a, b = ({f.name: getattr(each, f.name) for f in fields(each)} for each in (a, b))
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return next(filter(None, (find_difference(a[key], b[key], f"{path}.{key}") for key in a)), "")
    if isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        parts = (find_difference(x, y, f"{path}[{i}]") for i, (x, y) in enumerate(zip(a, b, strict=True)))
        return next(filter(None, parts), "")
    return "" if a == b else f"{path} is {a!r:.300} on the tables, {b!r:.300} in memory"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_world_over_the_tables_is_the_world_over_the_memory(bare_account: Account, seed: int) -> None:
    differences: list[str] = []
    world = World(seed, lambda name, memory: Beside(name, memory, differences))
    world.memory.lag = 0.0  # moto's reads are never behind
    world.run()
    assert differences[:3] == []
    assert violations(world) == []
    memory = world.memory
    stored = {message.message_id: message for message in messages.scan_messages()}
    assert find_difference(stored, memory.messages) == ""
    members = {(change.place, change.contact_id): change for change in memberships.scan_memberships()}
    assert find_difference(members, memory.memberships) == ""
    people = contacts.find_items(sorted(memory.contacts), consistent=True)
    assert people.keys() == memory.contacts.keys()
    for contact_id in people:
        rows = timeline.list_rows([contact_id], newest_first=False, limit=1_000).items
        assert find_difference(rows, sorted(memory.list_rows([contact_id]), key=lambda row: row.key)) == ""
