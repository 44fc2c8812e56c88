"""The gallery: ready-made journeys to look through, fill in and install."""

import re
from collections.abc import Mapping
from typing import Any

from functions.console.pages import page
from functions.console.requests import Request
from functions.console.responses import Response, redirect
from postroad import gallery
from postroad.errors import DefinitionError
from postroad.gallery import Workflow
from postroad_aws import books, clock, runs
from postroad_aws.storage import NotFoundError, definitions
from postroad_aws.usecases.install_workflow import TakenError, install_workflow

_LONGEST_FIELD = 500
# What marketers call a kind of definition.
_KINDS = {"template": "message"}


def show_list(request: Request) -> Response:
    return page(request, "gallery/list.html", workflows=gallery.list_workflows())


def show_one(request: Request) -> Response:
    workflow = _get(request)
    return _show_form(request, workflow, {"id": workflow.id})


def install(request: Request) -> Response:
    """Make it live, or leave it as drafts to be looked over; what cannot be is said beside its field."""
    workflow = _get(request)
    fields = {name: value.strip()[:_LONGEST_FIELD] for name, value in request.form().items()}
    as_id = fields.get("id") or workflow.id
    settings = {each.id: fields[each.id] for each in workflow.settings if fields.get(each.id)}
    try:
        documents = gallery.build(workflow, settings, books.newest().policy, as_id)
        install_workflow(definitions, runs, clock, documents, publish=fields.get("then") != "look")
    except DefinitionError as error:
        problems = {path.removeprefix("settings."): sentence for path, sentence in error.mistakes}
        return _show_form(request, workflow, fields, problems)
    except TakenError as error:
        return _show_form(request, workflow, fields, {"id": str(error)})
    return redirect(f"/console/journeys/{as_id}")


def _get(request: Request) -> Workflow:
    try:
        return gallery.get_workflow(request.variables["workflow_id"])
    except gallery.UnknownWorkflowError:
        raise NotFoundError("The gallery has nothing of this name.") from None


def _name(definition: Mapping[str, Any]) -> str:
    """Its name, with three dots for what the settings will say."""
    return re.sub(r"\$\{.*?\}", "…", str(definition.get("name") or definition["id"]))


def _show_form(
    request: Request, workflow: Workflow, fields: Mapping[str, str], problems: Mapping[str, str] | None = None
) -> Response:
    """The form as it was typed; `problems` by field, or by the path of what cannot be published."""
    topics = books.newest().policy.topics.values()
    known = {"id", *(setting.id for setting in workflow.settings)}
    elsewhere = {path: sentence for path, sentence in (problems or {}).items() if path not in known}
    return page(
        request,
        "gallery/one.html",
        status=422 if problems else 200,
        workflow=workflow,
        fields=fields,
        topics=topics,
        contents=[(_KINDS.get(each["kind"], each["kind"]), _name(each)) for each in workflow.definitions],
        problems=problems or {},
        elsewhere=elsewhere,
    )
