"""Saved blocks: what each is made of, and the live mails that hold it."""

from typing import Any, NamedTuple

from functions.console.pages import page
from functions.console.requests import Request
from functions.console.responses import Response
from postroad.content.uses import Use, find_uses
from postroad.definitions import KINDS
from postroad_aws import books
from postroad_aws.storage import definitions

_KIND = "block"


class Line(NamedTuple):
    """One live block; `version` is the newest."""

    block_id: str
    name: str
    lines: tuple[str, ...]
    version: int
    uses: list[Use]


def show_list(request: Request) -> Response:
    """All live blocks, each with the mails that use it and whether these have its newest version."""
    book = books.newest()
    live = [each for each in book.manifest.live.values() if each.kind == _KIND]
    wanted = [(each.kind, each.definition_id, each.version) for each in live]
    wanted += [("template", ref.template_id, ref.version) for ref in book.templates.values()]
    documents = definitions.load_versions(wanted) if wanted else {}
    templates = {name: document for (kind, name, _), document in documents.items() if kind == "template"}
    uses = find_uses(templates)
    lines = []
    for each in sorted(live):
        parsed: Any = KINDS[_KIND].parse(documents[_KIND, each.definition_id, each.version])
        block_id = each.definition_id
        said = parsed.describe()
        lines.append(Line(block_id, parsed.name or block_id, said, each.version, uses.get(block_id, [])))
    return page(request, "templates/blocks.html", blocks=lines)
