"""Ask for an import: its people are stored, and a state machine takes them page by page."""

from collections.abc import Sequence
from typing import Protocol

from postroad.imports import MOST_TOLD, Agreement, Import, People, Person, begin_of_id
from postroad_aws.ports import Clock, Ids


class Imports(Protocol):
    def save_people(self, import_id: str, people: Sequence[Person], now: float) -> int: ...

    def create_import(self, job: Import) -> None: ...


class Runs(Protocol):
    def start_import(self, import_id: str) -> None: ...


def ask_import(
    imports: Imports,
    runs: Runs,
    clock: Clock,
    ids: Ids,
    found: People,
    agreement: Agreement | None,
    name: str,
    asked_by: str,
) -> Import:
    """Store an import and have it taken. `found` are at least one person; `name` is what the list is called."""
    now = round(clock.now(), 3)
    import_id = f"{begin_of_id(now)}-{ids.new_id()}"
    pages = imports.save_people(import_id, found.people, now)
    told, bad = found.problems[:MOST_TOLD], len(found.problems)
    job = Import(import_id, name[:200], now, asked_by, agreement, len(found.people), told, bad, pages)
    imports.create_import(job)
    runs.start_import(import_id)
    return job
