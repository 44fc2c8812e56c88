"""Building a template: what was written in blocks or MJML becomes the HTML and the text that are stored and sent.

It happens once, when a template is published or looked at. A built document keeps what was written under `source`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from postroad.content.blocks import KIND, Block, Canvas, draw_mail, read_blocks
from postroad.content.brand import PLAIN, Brand
from postroad.content.built import BUILT_WITH, SOURCE
from postroad.content.mjml import compile_mjml, text_of
from postroad.content.rendering import TemplateError
from postroad.documents import Reader, form, read_head
from postroad.sending.channels import USUAL

MJML, BLOCKS = "mjml", "blocks"


@dataclass(frozen=True, slots=True)
class Kit:
    """What a mail is built with: the brand, and the saved blocks by id (None: they are not known here) with their
    versions."""

    brand: Brand = PLAIN
    saved: Mapping[str, Mapping[str, Any]] | None = None
    versions: Mapping[str, int] = field(default_factory=dict)


class Body(NamedTuple):
    """The HTML and the plain text of a mail, the choices that its blocks make, and the saved blocks in it."""

    html: str
    text: str
    choices: list[dict[str, Any]]
    used: list[str]


_NOTHING = Body("", "", [], [])


@form({"type": "string", "pattern": r"\S"})
def _parse_mjml(raw: object) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError("must be a text that is not empty")
    return raw


def read_body(reader: Reader, kit: Kit, language: str, taken: int = 0) -> Body:
    """What the keys `mjml` or `blocks` of a mail make; mistakes are left in the reader.

    `taken` choices have been made by blocks before, in other languages.
    """
    before = len(reader.mistakes)
    if reader.has(MJML):
        source, canvas = reader.read(MJML, _parse_mjml, ""), Canvas()
    else:
        canvas = Canvas(kit.brand, kit.saved, first=taken)
        blocks = read_blocks(reader)
        source = draw_mail(blocks, canvas) if blocks and not reader.is_every else ""
    if len(reader.mistakes) > before or not source:
        return _NOTHING
    try:
        return Body(*compile_mjml(source, kit.brand, language), canvas.choices, canvas.used)
    except TemplateError as mistake:
        if reader.has(MJML):
            reader.mistake(str(mistake), MJML)
        else:
            reader.mistake(mistake.sentence, BLOCKS)
        return _NOTHING


def find_saved(document: Mapping[str, Any]) -> list[str]:
    """The ids of the saved blocks that a template's document asks for, in all its languages."""
    found: dict[str, None] = {}
    for part in _bodies(document):
        reader = Reader({BLOCKS: part.get(BLOCKS)})
        if reader.has(BLOCKS):
            canvas = Canvas()
            canvas.draw(read_blocks(reader))
            found |= dict.fromkeys(canvas.used)
    return list(found)


def parse_block(document: Mapping[str, Any]) -> "SavedBlock":
    """Read the document of a saved block. Raises DefinitionError with every mistake."""
    reader = Reader(document)
    head = read_head(reader, KIND)
    blocks = read_blocks(reader)
    for block in blocks:
        if block.type.key in _NOT_SAVED:
            reader.mistake(f"a saved block holds no {block.type.key}", BLOCKS)
    reader.finish()
    return SavedBlock(head.id, head.name, blocks)


# What stands in a mail once, or would go round in circles.
_NOT_SAVED = ("saved", "logo", "footer")


class SavedBlock(NamedTuple):
    """Blocks that were saved for use in many mails."""

    id: str
    name: str
    blocks: tuple[Block, ...]

    def describe(self) -> tuple[str, ...]:
        """What it is made of."""
        return tuple(block.type.description for block in self.blocks)


def _bodies(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    languages = document.get("languages")
    others = languages.values() if isinstance(languages, Mapping) else ()
    return [document, *(part for part in others if isinstance(part, Mapping))]


def build_template(document: Mapping[str, Any], kit: Kit) -> dict[str, Any]:
    """The template's document as it is stored and sent: with HTML in the place of blocks and MJML, and a plain text.

    Raises DefinitionError for what is wrong with the blocks or the MJML; the rest is for whoever reads the document.
    """
    if document.get("channel", USUAL) != USUAL:
        return dict(document)
    root = Reader(document)
    root.expect(*document)
    choices: list[dict[str, Any]] = []
    built = {**document, **_build(root, document, kit, str(document.get("language") or "en"), choices)}
    if isinstance(document.get("languages"), Mapping):
        languages = root.child("languages")
        languages.expect(*document["languages"])
        built["languages"] = {}
        for language, part in document["languages"].items():
            reader = languages.child(language)
            reader.expect(*part)
            built["languages"][language] = _without_nothing({**part, **_build(reader, part, kit, language, choices)})
    root.finish()
    if choices:
        built["choices"] = [*(document.get("choices") or ()), *choices]
    built = _without_nothing(built)
    changed = [key for key in (*document, *built) if built.get(key) != document.get(key)]
    if not changed:
        return dict(document)
    built[SOURCE] = {key: document.get(key) for key in changed}
    if saved := find_saved(document):
        built[BUILT_WITH] = [f"{block}@{kit.versions.get(block, 0)}" for block in saved]
    return built


def _without_nothing(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value is not None}


def _build(
    reader: Reader, part: Mapping[str, Any], kit: Kit, language: str, choices: list[dict[str, Any]]
) -> dict[str, Any]:
    """What changes of a mail, or of its variant in a language."""
    if part.get(MJML) is None and part.get(BLOCKS) is None:
        html = part.get("html")
        made = text_of(html) if isinstance(html, str) and part.get("text") is None else None
        return {"text": made} if made else {}
    body = read_body(reader, kit, language, len(choices))
    choices += body.choices
    return {MJML: None, BLOCKS: None, "html": body.html, "text": part.get("text") or body.text}
