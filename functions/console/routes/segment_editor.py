"""Making and changing a segment as a form, with how many it would hold before it is saved."""

from collections.abc import Mapping
from typing import Any

from functions.console.drafts import find_drafted, save_new
from functions.console.pages import page
from functions.console.requests import Request, RequestError
from functions.console.responses import Response, redirect
from functions.console.routes.segments import count_estimate
from functions.console.segment_form import (
    CONDITIONS,
    KIND,
    MOST_ROWS,
    Form,
    add_row,
    form_of_document,
    form_of_fields,
    read_form,
    remove_row,
)
from postroad.book import Book
from postroad.estimates import Estimate
from postroad.segments import parse_segment
from postroad_aws import books
from postroad_aws.storage import NotFoundError, VersionConflictError, definitions


def begin(request: Request) -> Response:
    """An empty form with one condition to fill in."""
    return _show(request, add_row(Form(), "did"), "")


def create(request: Request) -> Response:
    """A new draft, under an id made of its name; or the form once more, as its button says."""
    form, book = form_of_fields(request.form()), books.newest()
    if shown := _work_on(request, form, "", book):
        return shown
    document, problems = read_form(form, KIND, book)
    if problems:
        return _show(request, form, "", problems=problems)
    segment_id = save_new(KIND, form.name, document, request.now, "segments")
    return redirect(f"/console/segments/{segment_id}?version=draft")


def change(request: Request) -> Response:
    """The draft, or what is live, as a form."""
    segment_id = request.variables["segment_id"]
    form = _find_form(segment_id, books.newest())
    return _show(request, form, segment_id)


def save(request: Request) -> Response:
    """Save the draft, unless somebody else has since the form was opened; or the form once more, as its button says."""
    segment_id, book = request.variables["segment_id"], books.newest()
    theirs = _find_form(segment_id, book)
    form = form_of_fields(request.form())
    if shown := _work_on(request, form, segment_id, book):
        return shown
    document, problems = read_form(form, segment_id, book)
    if problems:
        return _show(request, form, segment_id, problems=problems)
    try:
        if form.edit != theirs.edit:
            raise VersionConflictError
        definitions.save_draft(KIND, segment_id, document, edit=int(theirs.edit), now=request.now)
    except VersionConflictError:
        newest = find_drafted(KIND, segment_id, books.newest())
        said, edit = (" ".join(newest.lines), newest.draft.edit) if newest else ("nothing", 0)
        return _show(request, form._replace(edit=str(edit)), segment_id, theirs=said)
    return redirect(f"/console/segments/{segment_id}?version=draft")


def _find_form(segment_id: str, book: Book) -> Form:
    """Raises NotFoundError, and RequestError when the segment says more than the form can."""
    drafted = find_drafted(KIND, segment_id, book)
    if drafted:
        document, edit = drafted.draft.document, drafted.draft.edit
    elif live := book.manifest.live.get(f"{KIND}/{segment_id}"):
        document, edit = definitions.get_version(KIND, segment_id, live.version), 0
    else:
        raise NotFoundError("There is no segment of this name. It may have been withdrawn.")
    form = form_of_document(document, edit)
    if form is None:
        raise RequestError("This segment says more than the form can; your developer can change it.")
    return form


def _work_on(request: Request, form: Form, segment_id: str, book: Book) -> Response | None:
    """The form after a button that saves nothing: a condition more or less, or how many there would be."""
    fields = request.form()
    what, _, number = fields.get("then", "").partition(".")
    if what == "add":
        return _show(request, add_row(form, fields.get("add", "")), segment_id)
    if what == "remove" and number.isascii() and number.isdigit() and len(number) < 4:
        return _show(request, remove_row(form, int(number)), segment_id)
    if what == "count":
        # How it is called does not matter yet.
        document, problems = read_form(form if form.name else form._replace(name="New"), segment_id or KIND, book)
        found = None if problems else count_estimate(parse_segment(document).predicate, book, request.now)
        return _show(request, form, segment_id, problems=problems, estimate=found)
    return None


def _show(
    request: Request,
    form: Form,
    segment_id: str,
    *,
    problems: Mapping[str, str] | None = None,
    theirs: str = "",
    estimate: Estimate | None = None,
) -> Response:
    """The form as it was typed; `problems` by field or row, `theirs` is what somebody else has saved meanwhile."""
    problems = problems or {}
    elsewhere = [pair for pair in problems.items() if pair[0] not in ("name", "rows") and not pair[0].isdigit()]
    values: dict[str, Any] = {
        "form": form,
        "segment_id": segment_id,
        "conditions": CONDITIONS,
        "is_full": len(form.rows) >= MOST_ROWS,
        "book": books.newest(),
        "problems": problems,
        "elsewhere": elsewhere,
        "theirs": theirs,
        "found": estimate,
    }
    status = 409 if theirs else 422 if problems else 200
    return page(request, "segments/form.html", status=status, **values)
