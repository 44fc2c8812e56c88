"""What applying a folder would change, as a reviewer reads it: in words first, then as text."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher, unified_diff
from typing import NamedTuple

from postroad.definitions import KINDS
from postroad.documents import says_the_same
from postroad.errors import DefinitionError
from postroad.journeys import parse_journey
from postroad.journeys.transfers import foresee, read_transfer
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
        if key not in live or not says_the_same(live[key].document, document)
    ]
    kinds = list(KINDS)
    return sorted(changes, key=lambda change: (kinds.index(change.key.partition("/")[0]), change.key))


def tell_change(change: Change, people: Iterable[str] = ()) -> Iterator[str]:
    """A change in lines: what it means, what becomes of the people under way, and the change of the text."""
    before = change.before
    title = f"{change.key}: {change.kind}"
    yield title if before is None or before.version is None else f"{title} (now version {before.version})"
    then, now = _describe(before.document) if before else [], _describe(change.document)
    words = list(_compare(then, now))
    yield from (f"    {line}" for line in words)
    if before and not words:
        yield "    says the same in words"
    yield from (f"    {line}" for line in people)
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


def foresee_people(stack: Stack, change: Change, under_way: str) -> list[str]:
    """What becomes of the people who are in a journey that changes: a sentence for each step at which some are."""
    kind, _, definition_id = change.key.partition("/")
    if kind != "journey" or change.before is None:
        return []
    try:
        journey = parse_journey(change.document, version=(change.before.version or 0) + 1)
    except DefinitionError:
        return []
    counts = stack.call("GET", f"/journeys/{definition_id}/counts")
    here = [(step["step"], step["people"]["here"]) for step in counts["steps"]]
    fates = foresee(journey, read_transfer({"under_way": under_way}, journey), here)
    return [fate.describe() for fate in fates if fate.people]
