"""Making and changing a message as a form, with how it looks and what was found in it beside it."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from functions.console.drafts import save_new
from functions.console.pages import page, part
from functions.console.requests import Request, RequestError
from functions.console.responses import Response, redirect
from functions.console.routes.templates import find_opened, find_somebody, frame_of, show_for
from functions.console.template_form import (
    KIND,
    LONGEST_NAME,
    MOST_BLOCKS,
    Form,
    can_add,
    change_rows,
    describe_when,
    form_of_fields,
    new_form,
    read_form,
)
from functions.console.template_look import LookedOver, look_over
from postroad.definitions import live_ids
from postroad_aws import books
from postroad_aws.storage import NotFoundError, VersionConflictError, definitions

_NEW = "new-message"


def begin(request: Request) -> Response:
    """An empty mail, or with `channel` an empty text."""
    return _show(request, new_form(request.text("channel")), "")


def create(request: Request) -> Response:
    """A new draft, under an id made of its name; or the form once more, as its button says."""
    form = form_of_fields(request.form())
    if shown := _work_on(request, form, ""):
        return shown
    if problem := _problem_of_name(form):
        return _show(request, form, "", problem=problem)
    template_id = save_new(KIND, form.name, read_form(form, _NEW, {}), request.now, "messages")
    return redirect(f"/console/templates/{template_id}")


def change(request: Request) -> Response:
    """The draft, or what is live, as a form."""
    template_id = request.variables["template_id"]
    form = find_opened(template_id, books.newest()).form
    if form is None:
        raise RequestError("This message says more than the form can; your developer can change it.")
    return _show(request, form, template_id)


def save(request: Request) -> Response:
    """Save the draft, unless somebody else has since the form was opened; or the form once more, as its button says."""
    template_id = request.variables["template_id"]
    form = form_of_fields(request.form())
    if shown := _work_on(request, form, template_id):
        return shown
    if problem := _problem_of_name(form):
        return _show(request, form, template_id, problem=problem)
    theirs = find_opened(template_id, books.newest())
    document = read_form(form, template_id, theirs.document)
    try:
        if form.edit != str(theirs.edit):
            raise VersionConflictError
        definitions.save_draft(KIND, template_id, document, edit=theirs.edit, now=request.now)
    except VersionConflictError:
        newest = find_opened(template_id, books.newest())
        return _show(request, form._replace(edit=str(newest.edit)), template_id, theirs=newest.name)
    return redirect(f"/console/templates/{template_id}")


def show_typed(request: Request) -> Response:
    """What is typed as somebody would get it, for the frame beside the form."""
    fields = request.form()
    form = form_of_fields(fields)
    look, _ = show_for(_document_of(form, fields.get("id", "")), fields.get("as", "").strip(), request.now)
    return frame_of(look, fields.get("view", ""))


def look_typed(request: Request) -> Response:
    """What is found in what is typed."""
    fields = request.form()
    form, template_id = form_of_fields(fields), fields.get("id", "")
    named = fields.get("as", "").strip()
    look, somebody = show_for(_document_of(form, template_id), named, request.now)
    values: dict[str, Any] = {
        "found": _look_over(form, template_id),
        "look": look,
        "named": named,
        "somebody": somebody,
        "form": form,
    }
    return part(request, "templates/_beside.html", "beside", **values)


def _document_of(form: Form, template_id: str) -> dict[str, Any]:
    """What the form means; a message without a name can be looked at, too."""
    named = form if form.name else form._replace(name="New")
    return read_form(named, template_id or _NEW, _before(template_id))


def _before(template_id: str) -> Mapping[str, Any]:
    with suppress(NotFoundError):
        return find_opened(template_id, books.current()).document if template_id else {}
    return {}


def _look_over(form: Form, template_id: str) -> LookedOver:
    return look_over(_document_of(form, template_id), template_id or _NEW, form, books.current())


def _problem_of_name(form: Form) -> str:
    if form.name and len(form.name) <= LONGEST_NAME and form.name.isprintable():
        return ""
    return f"Give it a name of at most {LONGEST_NAME} letters, by which you will know it."


def _work_on(request: Request, form: Form, template_id: str) -> Response | None:
    """The form after a button that saves nothing: a block more, less or elsewhere."""
    fields = request.form()
    what, _, number = fields.get("then", "").partition(".")
    if what not in ("add", "copy", "remove", "up", "down"):
        return None
    at = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else -1
    return _show(request, change_rows(form, what, at, number if what == "add" else ""), template_id)


def _show(request: Request, form: Form, template_id: str, *, problem: str = "", theirs: str = "") -> Response:
    """The form as it was typed; `theirs` is what somebody else has saved meanwhile."""
    book = books.current()
    named = request.form().get("as", "").strip() if request.method == "POST" else ""
    look, somebody = show_for(_document_of(form, template_id), named, request.now)
    values: dict[str, Any] = {
        "form": form,
        "template_id": template_id,
        "topics": [(topic.topic_id, topic.name) for topic in book.policy.topics.values()],
        "stages": [rule.id for model in book.stages.values() for rule in model.stages],
        "addable": can_add() if len(form.rows) < MOST_BLOCKS else [],
        "saved": live_ids(book, "block"),
        "conditions": [describe_when(row) for row in form.rows],
        "problem": problem,
        "theirs": theirs,
        "found": _look_over(form, template_id),
        "look": look,
        "named": named,
        "somebody": somebody or find_somebody(named),
    }
    status = 409 if theirs else 422 if problem else 200
    return page(request, "templates/form.html", status=status, fragment="editing", **values)
