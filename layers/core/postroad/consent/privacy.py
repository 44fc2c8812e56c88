"""Privacy requests: somebody wants to have all that is held about them, or to be forgotten.

A request knows people by hashes alone, so that its report may stay when they are gone. What it works through are parts,
each read, counted and (of an erasure) emptied, and then marked as done: so it may be killed anywhere and begun again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from postroad.instants import DAY

EXPORT, ERASURE = "export", "erasure"
RUNNING, DONE = "running", "done"
# So many people one request may be about, and so long an export is kept.
MOST_PEOPLE = 100
KEPT = 7 * DAY
# A request that has not ended by then is told as late.
USUALLY_TAKES = 900.0


@dataclass(frozen=True, slots=True)
class PrivacyRequest:
    """`people` are the contacts whom it is about, by the ids that they had, `ids` all that led to them, learned
    before anything went. `counts` says how much there was of each part, `done` which parts are.

    Of an export `pages` is how many were written. `asked_by` is a source, or who has signed in. Times are epoch
    seconds.
    """

    request_id: str
    kind: str
    people: tuple[str, ...]
    asked_at: float
    asked_by: str
    because: str
    state: str = RUNNING
    ids: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    done: tuple[str, ...] = ()
    pages: int = 0
    finished_at: float | None = None
    edit: int = 0

    def with_(self, **changes: Any) -> "PrivacyRequest":
        return replace(self, **changes)

    def is_kept(self, now: float) -> bool:
        """Whether what an export has written can still be read."""
        return self.kind == EXPORT and self.state == DONE and now < (self.finished_at or 0.0) + KEPT

    def is_late(self, now: float) -> bool:
        """Whether it should have ended long ago: its run was never begun, or has failed."""
        return self.state == RUNNING and now > self.asked_at + USUALLY_TAKES

    def to_document(self) -> dict[str, Any]:
        return plain(self)  # type: ignore[no-any-return]


def parse_request(document: Mapping[str, Any]) -> PrivacyRequest:
    """The request of a document that `to_document` wrote."""
    lists = {name: tuple(document[name]) for name in ("people", "ids", "done")}
    return PrivacyRequest(**{**document, **lists})


def cut_files(sizes: Sequence[int], most: int) -> list[range]:
    """The pages of an export as files of at most `most` bytes each, and at least one page."""
    files: list[range] = []
    size = 0
    for number, each in enumerate(sizes):
        if files and size + each <= most:
            files[-1], size = range(files[-1].start, number + 1), size + each
        else:
            files.append(range(number, number + 1))
            size = each
    return files


def plain(value: Any) -> Any:
    """Anything that is held about a person as JSON data, by the names of its parts."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if hasattr(value, "_asdict"):
        return {name: plain(part) for name, part in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value.hex() if isinstance(value, bytes) else value
