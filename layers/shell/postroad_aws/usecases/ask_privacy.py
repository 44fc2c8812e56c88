"""Ask for an export of, or the erasure of, people; a state machine serves it."""

from collections.abc import Sequence
from typing import Protocol

from postroad.consent.privacy import MOST_PEOPLE, PrivacyRequest
from postroad.errors import DefinitionError
from postroad_aws.ports import Clock, Ids


class Requests(Protocol):
    def create(self, request: PrivacyRequest) -> None: ...


class Runs(Protocol):
    def start_privacy(self, request_id: str, kind: str) -> None: ...


def ask_privacy(
    requests: Requests,
    runs: Runs,
    clock: Clock,
    ids: Ids,
    kind: str,
    people: Sequence[str],
    asked_by: str,
    because: str,
) -> PrivacyRequest:
    """Store the request and have it served. `people` are ids of contacts, at most MOST_PEOPLE.

    Raises DefinitionError when there are none, or too many.
    """
    wanted = tuple(dict.fromkeys(people))
    if not 1 <= len(wanted) <= MOST_PEOPLE:
        raise DefinitionError(("contacts", f"must be 1 to {MOST_PEOPLE} contacts; there are {len(wanted)}"))
    request = PrivacyRequest(ids.new_id(), kind, wanted, round(clock.now(), 3), asked_by, because)
    requests.create(request)
    runs.start_privacy(request.request_id, kind)
    return request
