"""The form of a template: a mail of blocks, a mail of HTML, or a text; the document that it means, and what is wrong.

What the form cannot show of a document stays as it is: a block that holds other blocks can be moved and removed, and
other languages are kept.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from postroad.content.blocks import BLOCK_ID as SAVED
from postroad.content.blocks import BLOCKS, LINE, NUMBER, OPTION, PROSE, URL, BlockType
from postroad.errors import DefinitionError
from postroad.predicates.predicate import parse_predicate

KIND = "template"
LONGEST_NAME = 100
MOST_BLOCKS = 40
_LONGEST = 20_000
_SIMPLE = frozenset((LINE, PROSE, URL, NUMBER, OPTION, SAVED))
# What a new block says until somebody says something else.
_FIRST_WORDS = {
    "heading": {"text": "A heading"},
    "text": {"text": 'Hello {{ contact.first_name | default("there") }},\n\nwrite here what you want to say.'},
    "button": {"text": "Have a look", "url": "https://example.com/"},
}


class Row(NamedTuple):
    """A block: its fields as they were typed, and as JSON what the form does not show of it: the whole block when it
    is of a type that holds others, else the condition under which it is seen."""

    kind: str
    fields: Mapping[str, str]
    kept: str = ""
    when: str = ""

    @property
    def type(self) -> BlockType:
        return BLOCKS[self.kind]


class Form(NamedTuple):
    """The fields as they were typed; `body` is what the message is made of (blocks, html, text), `edit` the edit that
    they were read from."""

    name: str = ""
    channel: str = "email"
    topic: str = ""
    stage: str = ""
    sales: str = ""
    subject: str = ""
    preheader: str = ""
    body: str = "blocks"
    html: str = ""
    text: str = ""
    edit: str = "0"
    rows: tuple[Row, ...] = ()


_WORDS = ("name", "topic", "stage", "subject", "preheader", "html", "text")


def can_add() -> list[BlockType]:
    """The types of blocks of which everything can be said in a form."""
    return [block for block in BLOCKS.values() if is_simple(block)]


def is_simple(block: BlockType) -> bool:
    return all(field.form in _SIMPLE for field in block.fields)


def new_form(channel: str) -> Form:
    """An empty message with which somebody begins."""
    if channel == "sms":
        return Form(channel="sms", body="text")
    rows = (_first("heading"), _first("text"), _first("button"))
    return Form(rows=rows)


def form_of_document(document: Mapping[str, Any], edit: int) -> Form | None:
    """The form that would mean a document; None for one that only a developer can change."""
    channel = document.get("channel", "email")
    if channel not in ("email", "sms") or document.get("mjml") is not None:
        return None
    said = {key: document[key] for key in _WORDS if isinstance(document.get(key), str)}
    blocks = document.get("blocks")
    body = "text" if channel == "sms" else "html" if blocks is None else "blocks"
    rows = tuple(row for block in (blocks or ()) if (row := _row_of(block)))
    if body == "html":
        said.pop("text", None)
    sales = "yes" if document.get("sales") is True else ""
    return Form(**said, channel=channel, sales=sales, body=body, edit=str(edit), rows=rows)


def _row_of(block: Any) -> Row | None:
    if not isinstance(block, Mapping):
        return None
    kind = next((key for key in block if key in BLOCKS), None)
    if kind is None:
        return None
    values, keys = block[kind], {field.key for field in BLOCKS[kind].fields}
    plain = isinstance(values, Mapping) and all(
        key in keys and isinstance(value, str | int) for key, value in values.items()
    )
    if not plain or not is_simple(BLOCKS[kind]):
        return Row(kind, {}, kept=json.dumps(block, separators=(",", ":")))
    when = json.dumps(block["when"], separators=(",", ":")) if block.get("when") else ""
    return Row(kind, {key: str(value) for key, value in values.items()}, when=when)


def form_of_fields(fields: Mapping[str, str]) -> Form:
    """What a browser sent."""
    said = {key: _lines(fields.get(key, "")) for key in _WORDS}
    channel = fields.get("channel", "email")
    body = fields.get("body", "blocks")
    rows = []
    for number in range(MOST_BLOCKS + 1):
        prefix = f"row{number}."
        kind = fields.get(f"{prefix}kind", "")
        if kind not in BLOCKS:
            continue
        values = {key.removeprefix(prefix): _lines(value) for key, value in fields.items() if key.startswith(prefix)}
        kept, when = values.pop("kept", ""), values.pop("when", "")
        values.pop("kind", None)
        rows.append(Row(kind, values, kept, when))
    return Form(
        **said,
        channel=channel if channel in ("email", "sms") else "email",
        body="text" if channel == "sms" else body if body in ("blocks", "html") else "blocks",
        sales="yes" if fields.get("sales") else "",
        edit=fields.get("edit", "0")[:9],
        rows=tuple(rows),
    )


def _lines(text: str) -> str:
    """As it was typed; a browser ends lines its own way."""
    return text.replace("\r\n", "\n").strip()[:_LONGEST]


def change_rows(form: Form, what: str, number: int, kind: str = "") -> Form:
    """The form with a block added, moved, copied or removed. What makes no sense changes nothing."""
    rows = list(form.rows)
    if what == "add" and kind in BLOCKS and is_simple(BLOCKS[kind]) and len(rows) < MOST_BLOCKS:
        rows.append(_first(kind))
    elif what == "copy" and 0 <= number < len(rows) < MOST_BLOCKS:
        rows.insert(number, rows[number])
    elif what == "remove" and 0 <= number < len(rows):
        rows.pop(number)
    elif what == "up" and 0 < number < len(rows):
        rows[number - 1], rows[number] = rows[number], rows[number - 1]
    elif what == "down" and 0 <= number < len(rows) - 1:
        rows[number + 1], rows[number] = rows[number], rows[number + 1]
    return form._replace(rows=tuple(rows))


def _first(kind: str) -> Row:
    usual = {field.key: str(field.usual) for field in BLOCKS[kind].fields if field.usual not in (None, "")}
    return Row(kind, usual | _FIRST_WORDS.get(kind, {}))


def read_form(form: Form, template_id: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """The document that a form means; of `before` it keeps what the form does not show."""
    parts = {"email": ("subject", "preheader"), "sms": ()}[form.channel]
    said: dict[str, Any] = {key: getattr(form, key) or None for key in ("topic", "stage", *parts)}
    said["sales"] = True if form.sales else None
    if form.body == "blocks":
        said |= {"blocks": [_block_of(row) for row in form.rows], "html": None}
    else:
        said[form.body] = getattr(form, form.body)
    changed = {**before, "kind": KIND, "id": template_id, "name": form.name, "channel": form.channel, **said}
    return {key: value for key, value in changed.items() if value is not None}


def _block_of(row: Row) -> dict[str, Any]:
    if row.kept and isinstance(kept := _read_json(row.kept), dict):
        return kept
    values = {}
    for field in row.type.fields:
        text = row.fields.get(field.key, "")
        if not text or (text == str(field.usual) and not field.required):
            continue
        values[field.key] = int(text) if field.form == NUMBER and text.isascii() and text.isdigit() else text
    when = _read_json(row.when) if row.when else None
    return {row.kind: values, **({"when": when} if when else {})}


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def describe_when(row: Row) -> str:
    """Under which condition a block is seen, as a sentence; empty when everybody sees it."""
    when = _read_json(row.when) if row.when else None
    if when is None and row.kept:
        kept = _read_json(row.kept)
        when = kept.get("when") if isinstance(kept, dict) else None
    try:
        return parse_predicate(when).describe() if when else ""
    except DefinitionError:
        return ""


def place_of(path: str, form: Form, line: int | None = None) -> tuple[str, int | None]:
    """(words, number of the block) for a path in the document."""
    for number, row in enumerate(form.rows):
        if path.startswith(f"blocks[{number}]"):
            return f"Block {number + 1}, {row.kind}", number
    words = _PLACES.get(path, path.replace("_", " ").capitalize() if path else "The message")
    return (f"{words}, line {line}" if line else words), None


_PLACES = {
    "html": "The mail",
    "blocks": "The blocks",
    "subject": "Subject",
    "preheader": "Inbox line",
    "text": "Text",
    "topic": "Topic",
    "stage": "Stage",
}


def tell_mistake(path: str, sentence: str) -> str:
    """A mistake in words: of a block with what its field is called."""
    kind, _, key = path.partition("].")[2].partition(".")
    label = next((field.label for field in BLOCKS[kind].fields if field.key == key), "") if kind in BLOCKS else ""
    return f"“{label}” {sentence}" if label else sentence[:1].upper() + sentence[1:]
