"""What was found in a template: mistakes, and what the look before sending says, each with its place on the page."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from functions.console.template_form import KIND, Form, place_of, tell_mistake
from postroad.book import Book
from postroad.definitions import check_definition, known_in, look_at_definition
from postroad.errors import DefinitionError
from postroad.sending.sms import Segments, segments
from postroad_aws.storage import definitions
from postroad_aws.usecases.build_draft import load_kit


class Found(NamedTuple):
    """One thing to mend: `row` is the number of the block in which it is, if it is in one."""

    blocks: bool
    place: str
    row: int | None
    problem: str
    mend: str = ""


class LookedOver(NamedTuple):
    """All that was found, what hinders first; `score` is how much it looks like spam, of 100. `segments` are those of a
    text."""

    all: tuple[Found, ...] = ()
    score: int | None = None
    scores: Mapping[str, int] = {}
    block_at: int = 0
    segments: Segments | None = None


def look_over(document: Mapping[str, Any], template_id: str, form: Form | None, book: Book) -> LookedOver:
    """Look at a document as if it were published now."""
    form = form or Form()
    document = {**document, "kind": KIND, "id": template_id}
    known, kit = known_in(book, {f"{KIND}/{template_id}": document}), load_kit(book, definitions)
    mistakes: tuple[tuple[str, str], ...] = ()
    try:
        check_definition(document, known, kit)
    except DefinitionError as error:
        mistakes = error.mistakes
    report = look_at_definition(document, known, kit)
    findings = report.findings if report else ()
    # What blocks is a mistake to publishing; it is told once.
    told = {each.problem for each in findings}
    found = [
        Found(True, *place_of(path, form), tell_mistake(path, sentence))
        for path, sentence in mistakes
        if not any(problem in sentence for problem in told)
    ]
    for each in findings:
        place, row = _place(each.path, each.line, each.evidence, form)
        found.append(Found(each.blocks, place, row, each.problem[:1].upper() + each.problem[1:], each.mend))
    counted = segments(form.text) if form.channel == "sms" and form.text else None
    if report is None or not report.scores:
        return LookedOver(tuple(found), segments=counted)
    block_at = known.policy.strictness.block_at
    return LookedOver(tuple(found), report.total, report.scores, block_at, counted)


def _place(path: str, line: int | None, evidence: str, form: Form) -> tuple[str, int | None]:
    """Where it is: of a mail of blocks, in which block."""
    if path != "html" or form.body != "blocks":
        return place_of(path, form, line)
    for number, row in enumerate(form.rows):
        if evidence and (evidence in row.kept or any(evidence in value for value in row.fields.values())):
            return place_of(f"blocks[{number}]", form)
    return place_of(path, form)
