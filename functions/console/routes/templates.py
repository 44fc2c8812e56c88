"""Templates: what messages say, each as somebody would get it, with what was found in it; tests, and publishing."""

from html import escape
from typing import Any, NamedTuple

from functions.console.drafts import find_drafted, look_at, publish_seen
from functions.console.pages import page, preview_of
from functions.console.requests import Request
from functions.console.responses import Response, redirect
from functions.console.template_form import KIND, Form, form_of_document
from functions.console.template_look import look_over
from postroad.book import Book
from postroad.contacts.contact import Contact
from postroad.content.built import as_written
from postroad.errors import DefinitionError
from postroad.sending.channels import CHANNELS
from postroad_aws import books, catalogue, clock, runs
from postroad_aws.storage import NotFoundError, broadcasts, contacts, definitions, keys, tests_sent
from postroad_aws.usecases.build_draft import build_draft
from postroad_aws.usecases.preview_message import Preview
from postroad_aws.usecases.preview_template import NOBODY, Look, preview_template
from postroad_aws.usecases.search_contacts import search_contacts
from postroad_aws.usecases.send_test import MOST_ADDRESSES, TestError, send_test
from postroad_aws.usecases.withdraw_definition import withdraw_definition
from postroad_aws.wiring import production

_PAGE = 50
_MOST_DRAFTS = 1_000


class Line(NamedTuple):
    """One template of the list. `state` is live, draft or changed."""

    id: str
    name: str
    channel: str
    topic: str
    words: str
    state: str
    saved_at: float


class Opened(NamedTuple):
    """A template as it was saved last, or as it is live."""

    id: str
    name: str
    document: dict[str, Any]
    edit: int
    is_live: bool
    is_changed: bool

    @property
    def channel(self) -> str:
        return str(self.document.get("channel", "email"))

    @property
    def form(self) -> Form | None:
        return form_of_document(self.document, self.edit)


def show_list(request: Request) -> Response:
    """All templates by name, those that are being worked on too."""
    book = books.newest()
    chosen = request.text("channel")
    lines = [line for line in _list_lines(book) if not chosen or line.channel == chosen]
    end = request.place + _PAGE
    values: dict[str, Any] = {
        "chosen": chosen,
        "channels": CHANNELS,
        "lines": lines[request.place : end],
        "topics": {topic.topic_id: topic.name for topic in book.policy.topics.values()},
        "next": str(end) if end < len(lines) else None,
    }
    return page(request, "templates/list.html", fragment="rows", **values)


def show_one(request: Request, tried: str = "", status: int = 200) -> Response:
    """One template: how it looks for somebody, what was found in it, and a form for tests."""
    book = books.newest()
    opened = find_opened(request.variables["template_id"], book)
    named = request.text("as")
    look, somebody = show_for(opened.document, named, request.now)
    findings = look_over(opened.document, opened.id, opened.form, book)
    values: dict[str, Any] = {
        "opened": opened,
        "channel": CHANNELS.get(opened.channel),
        "topic": book.policy.find_topic(str(opened.document.get("topic") or "")),
        "look": look,
        "named": named,
        "somebody": somebody,
        "found": findings,
        "blocked": any(each.blocks for each in findings.all),
        "tried": tried,
        "most": MOST_ADDRESSES,
        "users": _users_of(opened.id, book),
    }
    return page(request, "templates/one.html", status=status, **values)


def show_preview(request: Request) -> Response:
    """The message alone, for a frame that lets it do nothing."""
    opened = find_opened(request.variables["template_id"], books.newest())
    look, _ = show_for(opened.document, request.text("as"), request.now)
    return frame_of(look, request.text("view"))


def try_it(request: Request) -> Response:
    """Send a test, and say what became of it."""
    opened = find_opened(request.variables["template_id"], books.newest())
    fields = request.form()
    contact = find_somebody(fields.get("as", "").strip()) or NOBODY
    assert request.session is not None
    try:
        template = build_draft(books, definitions, opened.document)
        to = fields.get("to", "").replace(",", " ").split()
        tried = send_test(production(), tests_sent, template, contact, to, asker=request.session.email)
    except (TestError, DefinitionError) as error:
        return show_one(request, tried=str(error), status=422)
    failed = [f"{each.address}: {each.problem}" for each in tried if each.problem]
    left = [each.address for each in tried if not each.problem]
    sentences = ([f"A test is on its way to {', '.join(left)}."] if left else []) + failed
    return show_one(request, tried=" ".join(sentences))


def publish(request: Request) -> Response:
    """Make the draft that was looked at the next version: what is sent from now on says this."""
    template_id = request.variables["template_id"]
    publish_seen(request, KIND, template_id)
    return redirect(f"/console/templates/{template_id}")


def withdraw(request: Request) -> Response:
    """Nothing may send it any more."""
    template_id = request.variables["template_id"]
    withdraw_definition(definitions, broadcasts, runs, clock, f"{KIND}/{template_id}")
    return redirect("/console/templates")


def find_opened(template_id: str, book: Book) -> Opened:
    """The draft, or what is live. Raises NotFoundError."""
    drafted = find_drafted(KIND, template_id, book)
    live = book.manifest.live.get(f"{KIND}/{template_id}")
    if drafted is not None:
        document, edit, is_changed = dict(drafted.draft.document), drafted.draft.edit, drafted.is_changed
    elif live is not None:
        document, edit, is_changed = as_written(definitions.get_version(KIND, template_id, live.version)), 0, False
    else:
        raise NotFoundError("There is no template of this name. It may have been withdrawn.")
    name = document.get("name")
    shown = name if isinstance(name, str) and name else template_id
    return Opened(template_id, shown, document, edit, live is not None, is_changed)


def find_somebody(named: str) -> Contact | None:
    """Who is known by this, if anybody is."""
    found = search_contacts(contacts, keys.derive_key("contacts"), named) if named else []
    return found[0] if found else None


def show_for(document: dict[str, Any], named: str, now: float) -> tuple[Look, Contact | None]:
    """The message for whom `named` names, or for somebody of whom nothing is known."""
    somebody = find_somebody(named)
    try:
        template = build_draft(books, definitions, document)
    except DefinitionError:
        return Look(Preview(problem="You see it here as soon as what hinders is mended.")), somebody
    return preview_template(books, template, somebody or NOBODY, now, catalogue=catalogue), somebody


def frame_of(look: Look, view: str) -> Response:
    """A preview for a frame: the mail, or with `view` text its plain text."""
    preview = look.preview
    if preview.html and view != "text" and not preview.problem:
        return preview_of(preview.html)
    words = escape(preview.problem or preview.text)
    return preview_of(
        '<!doctype html><html lang="en"><title>Text</title><meta name="viewport" content="width=device-width">'
        f'<body style="font:15px/1.5 ui-monospace,monospace;white-space:pre-wrap;margin:1.25rem">{words}</body></html>'
    )


def _list_lines(book: Book) -> list[Line]:
    drafts = definitions.list_drafts(KIND, limit=_MOST_DRAFTS).items
    lines = {}
    for each in look_at(list(drafts), book):
        document = each.draft.document
        state = "draft" if not each.is_live else "changed" if each.is_changed else "live"
        lines[each.draft.definition_id] = _line(each.draft.definition_id, document, state, each.draft.saved_at)
    missing = [ref for ref in book.templates.values() if ref.template_id not in lines]
    documents = definitions.load_versions([(KIND, ref.template_id, ref.version) for ref in missing]) if missing else {}
    for (_, template_id, _), document in documents.items():
        lines[template_id] = _line(template_id, document, "live", 0.0)
    return sorted(lines.values(), key=lambda line: line.name.lower())


def _line(template_id: str, document: Any, state: str, saved_at: float) -> Line:
    def said(key: str) -> str:
        value = document.get(key)
        return value if isinstance(value, str) else ""

    words = said("subject") or said("title") or said("text")
    name = said("name") or template_id
    return Line(template_id, name, said("channel") or "email", said("topic"), words[:120], state, saved_at)


def _users_of(template_id: str, book: Book) -> list[tuple[str, str]]:
    """(id, name) of the live journeys that send it."""
    wanted = (KIND, template_id)
    return [
        (each.id, each.name)
        for each in book.journeys.values()
        if wanted in ((reference.kind, reference.id) for reference in each.references)
    ]
