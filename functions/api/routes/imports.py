"""Imports: people who come from elsewhere in a table."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, NotRequired, TypedDict

from functions.api.routing import Caller, Routes
from functions.api.schemas import BodyError, Example, Instant, Listed, Text
from postroad.deliverability.list_check import MOST_BYTES
from postroad.errors import DefinitionError
from postroad.imports import (
    OUTCOMES,
    Agreement,
    Import,
    check_agreement,
    check_targets,
    find_obstacles,
    guess_targets,
    read_people,
    read_table,
)
from postroad.instants import format_instant
from postroad.spreadsheets import SpreadsheetError
from postroad_aws import books, clock, ids, runs
from postroad_aws.storage import imports
from postroad_aws.usecases.ask_import import ask_import

routes = Routes("Imports")


class AgreementBody(TypedDict):
    """How these people agreed to get messages. Without it nobody has."""

    topic: Annotated[str, Example("newsletter")]
    channel: Annotated[str, "`email` or `sms`."]
    where: Annotated[str, Text(200), Example("the form on our site")]
    on: Annotated[str, Example("2024-05-31"), "The day, unless a line says another."]
    text: Annotated[str, Text(1_000), Example("Yes, send me the monthly letter."), "The words that they agreed to."]


class ImportBody(TypedDict):
    """People who come from elsewhere."""

    csv: Annotated[
        str,
        Text(MOST_BYTES, lines=True),
        Example("email,first_name\nana@example.com,Ana\n"),
        "CSV with a heading, or endpoints of Amazon Pinpoint as JSON, one a line.",
    ]
    name: Annotated[str, Text(100), Example("Customers of the shop in Porto"), "What this list is called."]
    columns: NotRequired[
        Annotated[
            list[Annotated[str, Text(220)]],
            Example(["email", "text:first_name"]),
            "What each column is: `email`, `phone`, `user`, `channel`, `address`, `agreed`, `agreed_on`, `left`, "
            "`inactive`, `text:name`, `number:name`, or `-` to leave it out. Without it, as their names say.",
        ]
    ]
    agreement: NotRequired[AgreementBody]


class ProblemView(TypedDict):
    """A line that is not taken."""

    line: Annotated[int, "Of the file, from 1."]
    sentences: list[str]


class ImportView(TypedDict):
    """An import, and how far it is."""

    import_id: str
    name: str
    state: Annotated[str, "`running` or `done`."]
    asked_at: Instant
    asked_by: str
    finished_at: Instant | None
    lines: Annotated[int, "How many can be taken."]
    bad: Annotated[int, "How many cannot."]
    problems: Annotated[list[ProblemView], "The first of those."]
    counts: Annotated[dict[str, int], "What became of people: " + ", ".join(f"`{key}`" for key in OUTCOMES) + "."]


@routes.post("/imports", status=HTTPStatus.ACCEPTED)
def start_import(body: ImportBody, caller: Caller) -> ImportView:
    """Take people in who come from elsewhere.

    Good lines are taken by a run, bad ones are told. Nothing that is known is overwritten, no refusal is lifted, and
    nobody comes back who was erased. A list that looks bought or neglected is refused as a whole.
    """
    today = datetime.fromtimestamp(clock.now(), UTC).date().isoformat()
    try:
        sheet = read_table(body["csv"])
    except SpreadsheetError as error:
        raise BodyError(("csv", str(error))) from error
    targets = tuple(body.get("columns") or guess_targets(sheet))
    check_targets(sheet, targets)
    agreement = _read_agreement(body, today)
    found = read_people(sheet, targets, agreement, today)
    if obstacles := find_obstacles(found, agreement):
        raise BodyError(*(("csv", sentence) for sentence in obstacles))
    if not found.people:
        raise BodyError(("csv", "There is nobody in it who can be taken."))
    return _show(ask_import(imports, runs, clock, ids, found, agreement, body["name"], caller.source))


@routes.get("/imports")
def list_imports() -> Listed[ImportView]:
    """The newest imports, the newest first, at most 20."""
    return {"items": [_show(each) for each in imports.list_imports()], "next": None}


@routes.get("/imports/{import_id}")
def get_import(import_id: str) -> ImportView:
    """How far an import is; its report when it is done."""
    return _show(imports.get_import(import_id))


def _read_agreement(body: ImportBody, today: str) -> Agreement | None:
    said = body.get("agreement")
    if said is None:
        return None
    if not said["topic"]:
        raise BodyError(("agreement.topic", "must be a topic of the policy; without an agreement, leave it out whole"))
    try:
        return check_agreement({**said}, books.current_policy().topics, today)  # type: ignore[dict-item]
    except DefinitionError as error:
        raise BodyError(*((f"agreement.{name}", sentence) for name, sentence in error.mistakes)) from error


def _show(job: Import) -> ImportView:
    return {
        "import_id": job.import_id,
        "name": job.name,
        "state": job.state,
        "asked_at": format_instant(job.asked_at),
        "asked_by": job.asked_by,
        "finished_at": None if job.finished_at is None else format_instant(job.finished_at),
        "lines": job.people,
        "bad": job.bad,
        "problems": [{"line": each.line, "sentences": list(each.sentences)} for each in job.problems],
        "counts": {key: job.counts.get(key, 0) for key in OUTCOMES},
    }
