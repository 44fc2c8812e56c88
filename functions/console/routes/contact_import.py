"""People who come from elsewhere in a table: looked over first, then taken by a run that this page follows."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from functions.console.pages import page, part
from functions.console.requests import Request
from functions.console.responses import Response, redirect
from postroad.errors import DefinitionError
from postroad.imports import (
    ADDRESS,
    CHANNEL,
    MOST_ROWS,
    NUMBER,
    OUTCOMES,
    TARGETS,
    TEXT,
    Agreement,
    check_agreement,
    check_targets,
    find_obstacles,
    guess_targets,
    read_people,
    read_table,
)
from postroad.spreadsheets import Spreadsheet, SpreadsheetError, decode
from postroad_aws import books, clock, ids, runs
from postroad_aws.storage import imports
from postroad_aws.usecases.ask_import import ask_import

_SHOWN = 3
_TOLD = 50


def begin(request: Request) -> Response:
    """Where a file is chosen, and what was imported lately."""
    return page(request, "contacts/import.html", **_values(request, {}), latest=imports.list_imports())


def preview(request: Request) -> Response:
    """What each column is taken for, who would be taken, and what is wrong. Nothing is changed."""
    return part(request, "contacts/import.html", "found", **_look(request))


def take(request: Request) -> Response:
    """Have the people taken; the page that is led to follows how far it is."""
    looked = _look(request)
    if looked["problem"] or looked["mistakes"] or looked["obstacles"] or not looked["found"]:
        return page(request, "contacts/import.html", status=422, **looked, latest=imports.list_imports())
    fields = request.form()
    assert request.session is not None
    name = fields.get("name", "").strip() or f"a list of {looked['today']}"
    job = ask_import(imports, runs, clock, ids, looked["found"], looked["agreement"], name, request.session.email)
    return redirect(f"/console/contacts/_imports?id={quote(job.import_id)}")


def show_one(request: Request) -> Response:
    """How far an import is, and its report."""
    job = imports.get_import(request.text("id"))
    return page(request, "contacts/imported.html", fragment="report", job=job, outcomes=OUTCOMES)


def _look(request: Request) -> dict[str, Any]:
    """What the form comes to; `problem` says why nothing can be read."""
    values = _values(request, fields := request.form())
    raw = request.file("file")
    try:
        sheet = read_table(decode(raw)) if raw else None
    except SpreadsheetError as error:
        return {**values, "problem": str(error)}
    if sheet is None:
        return {**values, "problem": "Choose a file first."}
    # Another file has other columns.
    is_new = bool(request.text("new")) or "column0" not in fields
    targets = (
        guess_targets(sheet) if is_new else tuple(fields.get(f"column{at}", "") for at in range(len(sheet.columns)))
    )
    values |= {"columns": _columns_of(sheet, targets)}
    agreement, mistakes = _read_agreement(fields, values["today"])
    try:
        check_targets(sheet, targets)
    except DefinitionError as error:
        return {**values, "mistakes": mistakes, "problem": " ".join(f"{text}." for _, text in error.mistakes)}
    found = read_people(sheet, targets, agreement, values["today"])
    values |= {"mistakes": mistakes, "agreement": agreement, "found": found}
    return {**values, "obstacles": find_obstacles(found, agreement)}


def _read_agreement(fields: dict[str, str], today: str) -> tuple[Agreement | None, dict[str, str]]:
    try:
        return check_agreement(fields, books.current_policy().topics, today), {}
    except DefinitionError as error:
        return None, dict(error.mistakes)


def _columns_of(sheet: Spreadsheet, targets: tuple[str, ...]) -> list[dict[str, Any]]:
    """Each column with its name, the first things that stand in it, and what it may be taken for."""
    found = []
    is_pinpoint = ADDRESS in targets
    for at, (name, target) in enumerate(zip(sheet.columns, targets, strict=True)):
        values = [row.cells[at] for row in sheet.rows[:50] if at < len(row.cells) and row.cells[at]][:_SHOWN]
        attribute = target.partition(":")[2] or "_".join(name.casefold().split())[:100] or f"column_{at + 1}"
        options = [(key, title) for key, title in TARGETS.items() if is_pinpoint or key not in (CHANNEL, ADDRESS)]
        options += [(f"{TEXT}:{attribute}", f"attribute {attribute}"), (f"{NUMBER}:{attribute}", f"number {attribute}")]
        found.append({"name": name, "values": values, "target": target, "options": options})
    return found


def _values(request: Request, fields: dict[str, str]) -> dict[str, Any]:
    topics = books.current_policy().topics.values()
    return {
        "fields": {name: fields.get(name, "") for name in (*Agreement._fields, "name")},
        "topics": [(topic.topic_id, topic.name) for topic in topics if not topic.transactional],
        "today": datetime.fromtimestamp(request.now, UTC).date().isoformat(),
        "columns": [],
        "agreement": None,
        "mistakes": {},
        "obstacles": (),
        "found": None,
        "problem": "",
        "most": MOST_ROWS,
        "told": _TOLD,
    }
