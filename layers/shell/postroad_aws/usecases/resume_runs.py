"""Begin what was asked for and whose run never began: whoever asked for it died before it was started."""

from collections.abc import Iterator
from typing import Protocol

from postroad.consent.privacy import PrivacyRequest
from postroad.imports import Import
from postroad.instants import DAY
from postroad_aws.ports import Clock

# Who has asked has started it by then.
PATIENCE = 600.0
# The look comes every hour, so this is longer than it is ever out.
LOOKS_BACK = 7 * DAY


class Requests(Protocol):
    def list_unfinished(self, since: float, until: float) -> Iterator[PrivacyRequest]: ...


class Imports(Protocol):
    def list_unfinished(self, since: float, until: float) -> Iterator[Import]: ...


class Runs(Protocol):
    def start_privacy(self, request_id: str, kind: str) -> None: ...

    def start_import(self, import_id: str) -> None: ...


def resume_runs(requests: Requests, imports: Imports, runs: Runs, clock: Clock) -> int:
    """Start the run of each privacy request and import that is not done; returns how many there are.

    A run has the name of what it serves, so one that is under way, or has ended, is not started again.
    """
    since, until = clock.now() - LOOKS_BACK, clock.now() - PATIENCE
    number = 0
    for request in requests.list_unfinished(since, until):
        runs.start_privacy(request.request_id, request.kind)
        number += 1
    for job in imports.list_unfinished(since, until):
        runs.start_import(job.import_id)
        number += 1
    return number
