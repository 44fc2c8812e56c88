"""The gallery: ready-made journeys with their messages, installed in one call."""

from typing import Annotated, NotRequired, TypedDict

from functions.api.problems import RefusedError
from functions.api.routing import Routes
from functions.api.schemas import Example, Listed, OneOf, Text
from postroad import gallery
from postroad_aws import books, clock, runs
from postroad_aws.storage import NotFoundError
from postroad_aws.storage import definitions as storage
from postroad_aws.usecases.install_workflow import TakenError
from postroad_aws.usecases.install_workflow import install_workflow as install

routes = Routes("Gallery")

WorkflowId = Annotated[str, Text(64), Example("birthday")]


class SettingView(TypedDict):
    """Something that a workflow asks for before it is installed."""

    id: Annotated[str, Example("gift")]
    name: Annotated[str, Example("The code that is the gift")]
    kind: Annotated[str, OneOf(gallery.SETTING_KINDS)]
    default: Annotated[str | None, "What holds when nothing is said; null: it must be given."]


class WorkflowView(TypedDict):
    """A ready-made journey."""

    id: Annotated[str, Example("birthday")]
    name: str
    summary: str
    goal: str
    listens: Annotated[list[str], "The events and attributes that it needs."]
    settings: list[SettingView]
    definitions: Annotated[list[str], Example(["template/birthday-mail", "journey/birthday"])]


class InstallBody(TypedDict):
    """How to install a workflow."""

    settings: NotRequired[Annotated[dict[str, Annotated[str, Text(500)]], Example({"topic": "offers"})]]
    id: NotRequired[Annotated[str, Text(40), "The id that its definitions get; without one the workflow's own."]]
    publish: NotRequired[Annotated[bool, "Whether to make it live at once; else it is left as drafts."]]


class InstalledView(TypedDict):
    """What was installed."""

    definitions: Annotated[list[str], Example(["template/birthday-mail", "journey/birthday"])]
    revision: Annotated[int | None, "The number of the book, when it was published."]


@routes.get("/gallery")
def list_workflows() -> Listed[WorkflowView]:
    """All workflows, by name."""
    return {"items": [_show(workflow) for workflow in gallery.list_workflows()], "next": None}


@routes.get("/gallery/{workflow_id}")
def get_workflow(workflow_id: WorkflowId) -> WorkflowView:
    """One workflow."""
    return _show(_get(workflow_id))


@routes.post("/gallery/{workflow_id}/install")
def install_workflow(workflow_id: WorkflowId, body: InstallBody) -> InstalledView:
    """Make a workflow's definitions drafts of your own and, with `publish`, live.

    Doing it again changes nothing. What would replace a definition that says something else is refused: give another
    `id`.
    """
    workflow, as_id = _get(workflow_id), body.get("id", workflow_id)
    documents = gallery.build(workflow, body.get("settings", {}), books.newest().policy, as_id)
    try:
        installed = install(storage, runs, clock, documents, publish=body.get("publish", False))
    except TakenError as error:
        raise RefusedError(str(error)) from None
    return {"definitions": list(installed.definitions), "revision": installed.revision}


def _get(workflow_id: str) -> gallery.Workflow:
    try:
        return gallery.get_workflow(workflow_id)
    except gallery.UnknownWorkflowError as error:
        raise NotFoundError(str(error)) from None


def _show(workflow: gallery.Workflow) -> WorkflowView:
    return {
        "id": workflow.id,
        "name": workflow.name,
        "summary": workflow.summary,
        "goal": workflow.goal,
        "listens": list(workflow.listens),
        "settings": [
            {"id": setting.id, "name": setting.name, "kind": setting.kind, "default": setting.default}
            for setting in workflow.settings
        ],
        "definitions": list(workflow.contains),
    }
