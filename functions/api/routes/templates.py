"""Templates: looked at as somebody would get them, and tried by sending a test."""

from typing import Annotated, Any, NotRequired, TypedDict

from functions.api.problems import RequestError
from functions.api.routes.contacts import read_contact
from functions.api.routing import Routes
from functions.api.schemas import Example, Text, Within
from postroad.contacts.contact import Contact
from postroad.content.rendering import CompiledMessage
from postroad_aws import books, catalogue, clock
from postroad_aws.storage import definitions, tests_sent
from postroad_aws.usecases.build_draft import build_draft
from postroad_aws.usecases.preview_template import NOBODY, preview_template
from postroad_aws.usecases.send_test import MOST_ADDRESSES, TestError, send_test
from postroad_aws.wiring import production

routes = Routes("Templates")


class PreviewBody(TypedDict):
    """For whom, and of what. All of it may be left out: then the saved draft is shown for somebody of whom nothing is
    known."""

    contact: NotRequired[Annotated[str, Text(), "A `contact_id`."]]
    definition: NotRequired[Annotated[dict[str, Any], "A template that stands in the place of the saved draft."]]
    properties: NotRequired[
        Annotated[dict[str, Any], Example({"name": "Espresso No. 4"}), "Those of the event that starts its journey."]
    ]


class PreviewView(TypedDict):
    """What a template says, and what nobody knows that it asks for."""

    subject: Annotated[str, "Of a message on a site, its title."]
    html: Annotated[str, "Empty for what is no mail."]
    text: str
    missing: Annotated[list[str], Example(["contact.first_name"]), "Values in whose place fallbacks stand."]
    reasons: Annotated[list[str], "Why the contact sees what they do of the template's choices."]
    problem: Annotated[str, "Why there is nothing to see; else empty."]


class TestBody(PreviewBody):
    """To whom a test goes, and what is in it."""

    to: Annotated[
        list[Annotated[str, Text(320), Example("marta@tidewater.example")]],
        Within(1, MOST_ADDRESSES),
        "Addresses at the domain from which the account sends.",
    ]


class TriedView(TypedDict):
    """What became of a test."""

    address: str
    problem: Annotated[str, "Empty when it has left."]


class TriedTestsView(TypedDict):
    """What became of tests, by address."""

    tests: list[TriedView]


@routes.post("/templates/{template_id}/preview")
def preview(template_id: str, body: PreviewBody | None = None) -> PreviewView:
    """Look at a template as a contact would get it, without our links and pixel.

    Nothing is stored, and nothing sent.
    """
    said: PreviewBody = body or {}
    template, contact = _read(template_id, said)
    look = preview_template(books, template, contact, clock.now(), said.get("properties", {}), catalogue=catalogue)
    found = look.preview
    return {
        "subject": found.subject,
        "html": found.html,
        "text": found.text,
        "missing": list(look.missing),
        "reasons": list(found.reasons),
        "problem": found.problem,
    }


@routes.post("/templates/{template_id}/test")
def send(template_id: str, body: TestBody) -> TriedTestsView:
    """Send a test of a mail, marked `[Test]`, to a few addresses at the domain from which the account sends.

    It is what a contact would get, and counts as nothing: no cap, no number and no timeline knows of it. A suppressed
    address gets none, and what the mail service refuses is not tried again.
    """
    template, contact = _read(template_id, body)
    try:
        tried = send_test(
            production(), tests_sent, template, contact, body["to"], properties=body.get("properties", {})
        )
    except TestError as error:
        raise RequestError(str(error)) from None
    return {"tests": [{"address": each.address, "problem": each.problem} for each in tried]}


def _read(template_id: str, said: PreviewBody) -> tuple[CompiledMessage, Contact]:
    """The template, and for whom it is shown. Raises DefinitionError and NotFoundError."""
    document = said.get("definition")
    if document is None:
        document = dict(definitions.get_draft("template", template_id).document)
    template = build_draft(books, definitions, {**document, "kind": "template", "id": template_id})
    return template, read_contact(said["contact"]) if "contact" in said else NOBODY
