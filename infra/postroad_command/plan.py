"""What applying a folder would change, as a reviewer reads it: in words first, then as text."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher, unified_diff
from typing import Any, NamedTuple

from postroad.definitions import KINDS
from postroad.errors import DefinitionError
from postroad_command.folder import Document, format_document
from postroad_command.stack import Stack, path_of

NEW, CHANGED = "new", "changed"


class Live(NamedTuple):
    """A definition as it is in the stack: live, or as its draft when it is of a kind that is not published."""

    document: Document
    version: int | None
    edit: int | None


class Change(NamedTuple):
    """One definition that applying would make the next version. `before` is None for a new one."""

    key: str
    before: Live | None
    document: Document

    @property
    def kind(self) -> str:
        return NEW if self.before is None else CHANGED


def load_live(stack: Stack) -> dict[str, Live]:
    """Everything that is live in a stack, and the drafts of kinds that are not published, by key."""
    found = {}
    for kind, rules in KINDS.items():
        for draft in stack.list_all("/definitions", kind=kind):
            key, version = f"{kind}/{draft['id']}", draft["live_version"]
            if version is not None:
                document = stack.call("GET", f"{path_of(key)}/versions/{version}")["document"]
                found[key] = Live(document, version, draft["edit"])
            elif rules.unpublished:
                found[key] = Live(draft["document"], None, draft["edit"])
    return found


def find_changes(wanted: Mapping[str, Document], live: Mapping[str, Live]) -> list[Change]:
    """What has to change in the stack, in the order of the kinds, which is that of what refers to what."""
    changes = [
        Change(key, live.get(key), document)
        for key, document in wanted.items()
        if key not in live or live[key].document != document
    ]
    kinds = list(KINDS)
    return sorted(changes, key=lambda change: (kinds.index(change.key.partition("/")[0]), change.key))


def tell_change(change: Change, under_way: int = 0) -> Iterator[str]:
    """A change in lines: what it means, what that is in text, and whom it concerns."""
    before = change.before
    title = f"{change.key}: {change.kind}"
    yield title if before is None or before.version is None else f"{title} (now version {before.version})"
    then, now = _describe(before.document) if before else [], _describe(change.document)
    words = list(_compare(then, now))
    yield from (f"    {line}" for line in words)
    if before and not words:
        yield "    says the same in words"
    if under_way:
        people = "1 person is" if under_way == 1 else f"{under_way} people are"
        yield f"    {people} under way; they stay with the version that they entered"
    old = format_document(before.document).splitlines() if before else []
    new = format_document(change.document).splitlines()
    yield from (f"    {line.rstrip()}" for line in unified_diff(old, new, "live", "folder", lineterm="", n=2))


def _describe(document: Document) -> list[str]:
    """A definition in words; nothing when it has mistakes, of which something else speaks."""
    kind = KINDS.get(str(document.get("kind")))
    try:
        return list(kind.describe(kind.parse(document))) if kind else []
    except DefinitionError:
        return []


def _compare(then: Sequence[str], now: Sequence[str]) -> Iterator[str]:
    for operation, a, b, c, d in SequenceMatcher(None, then, now, autojunk=False).get_opcodes():
        if operation != "equal":
            yield from (f"no longer: {line.strip()}" for line in then[a:b])
            yield from (f"new: {line.strip()}" for line in now[c:d])


def count_under_way(stack: Stack, change: Change) -> int:
    """How many people are in a journey that is about to change."""
    kind, _, definition_id = change.key.partition("/")
    if kind != "journey" or change.before is None:
        return 0
    counts: dict[str, Any] | None = stack.find(f"/journeys/{definition_id}/counts")
    return int(counts["active"]) if counts else 0
