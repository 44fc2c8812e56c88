"""Blocks: what people who write no code make a mail of. A type of block is one entry in BLOCKS.

A block is an object with one key, its type, and perhaps `when`: then only those see it for whom that holds. Blocks
become MJML with the brand's looks, and that becomes HTML. What stands beneath one another shares a section.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, NamedTuple

from postroad.content.brand import PLAIN, Brand
from postroad.content.choices import MOST_CASES
from postroad.content.jinja import set_aside
from postroad.content.prose import inline_html, prose_html
from postroad.content.rendering import TemplateError, compile_template
from postroad.documents import Reader, choose, form, parse_id, parse_text
from postroad.predicates.predicate import read_predicate

KIND = "block"
MOST_BLOCKS = 60
LINE, PROSE, URL, NUMBER, OPTION = "line", "prose", "url", "number", "option"
BLOCK_ID, INNER, CASES, COLUMNS = "block_id", "blocks", "cases", "columns"
_WEB = re.compile(r"(?:https?://|mailto:|tel:)\S+|\{\{.*\}\}\S*", re.DOTALL)


class Field(NamedTuple):
    """One thing that a block says. `form` is LINE, PROSE, …; one that need not be there has a `usual` value.

    `least` and `most` are of a NUMBER or of COLUMNS, `options` of an OPTION.
    """

    key: str
    form: str
    label: str
    usual: Any = None
    required: bool = False
    least: int = 0
    most: int = 0
    options: tuple[str, ...] = ()


class Block(NamedTuple):
    """A block as it was read: its values by field, and the predicate (as a document) under which it is shown."""

    type: "BlockType"
    values: Mapping[str, Any]
    when: Mapping[str, Any] | None = None


class Columned(NamedTuple):
    """One of several columns."""

    blocks: tuple[Block, ...]


class Conditional(NamedTuple):
    """Blocks that are shown if nothing before them is, and this holds."""

    when: Mapping[str, Any]
    blocks: tuple[Block, ...]


class Piece(NamedTuple):
    """MJML: what goes into a column, or with `is_section` whole sections."""

    mjml: str
    is_section: bool = False


@dataclass(slots=True)
class Canvas:
    """Where blocks are drawn: the brand, the saved blocks by id (None: not known here), and the choices they make.

    `used` are the saved blocks that were asked for; `first` choices have been made before.
    """

    brand: Brand = PLAIN
    saved: Mapping[str, Mapping[str, Any]] | None = None
    choices: list[dict[str, Any]] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    first: int = 0

    def choose(self, cases: Sequence[Mapping[str, Any]]) -> str:
        """Make a choice of these predicates; returns its name. Its cases are case_1, case_2, …"""
        name = f"block_{self.first + len(self.choices) + 1}"
        numbered = [{"id": f"case_{number}", "when": when} for number, when in enumerate(cases, 1)]
        self.choices.append({"id": name, "cases": numbered})
        return name

    def color(self, key: str) -> str:
        return self.brand.colors[key]

    @property
    def link_style(self) -> str:
        return f"color:{self.color('primary')}"

    def draw(self, blocks: Iterable[Block]) -> list[Piece]:
        return [piece for block in blocks for piece in self._draw(block)]

    def _draw(self, block: Block) -> list[Piece]:
        pieces = block.type.draw(block.values, self)
        if block.when is None:
            return pieces
        name = self.choose([block.when])
        return around(f'{{% if choice.{name} == "case_1" %}}', pieces, "{% endif %}", self)

    def sections(self, pieces: Iterable[Piece]) -> str:
        """Pieces as sections; what stands beneath one another shares one."""
        out, run = [], ""
        for piece in pieces:
            if not piece.is_section:
                run += piece.mjml
                continue
            out += [self._section(run), piece.mjml] if run else [piece.mjml]
            run = ""
        return "".join([*out, self._section(run)] if run else out)

    def _section(self, content: str) -> str:
        surface = self.color("surface")
        return (
            f'<mj-section background-color="{surface}" padding="0 12px"><mj-column>{content}</mj-column></mj-section>'
        )


def around(before: str, pieces: Sequence[Piece], after: str, canvas: Canvas) -> list[Piece]:
    """Pieces between two statements."""
    if any(piece.is_section for piece in pieces):
        return [Piece(before + canvas.sections(pieces) + after, is_section=True)]
    return [Piece(before + "".join(piece.mjml for piece in pieces) + after)]


@dataclass(frozen=True, slots=True)
class BlockType:
    """What kind of block there is: `draw` makes MJML of its values. `in_columns` says whether it may
    stand in one of several columns."""

    key: str
    description: str
    fields: tuple[Field, ...]
    draw: Callable[[Mapping[str, Any], Canvas], list[Piece]] = field(repr=False)
    in_columns: bool = True


# ------------------------------------------------------------------------------------------------------------- reading


def read_blocks(reader: Reader, key: str = "blocks", *, least: int = 1) -> tuple[Block, ...]:
    """The blocks in a key; mistakes are left in the reader."""
    found = (read_block(child) for child in reader.children(key, least=least, most=MOST_BLOCKS))
    return tuple(block for block in found if block)


def read_block(reader: Reader) -> Block | None:
    """One block; None when there is a mistake."""
    if reader.is_broken or reader.stands_for("block"):
        return None
    key = choose(reader, BLOCKS, "a block is")
    when = reader.find_child("when")
    if when is not None:
        read_predicate(when)
    if key is None:
        return None
    values = reader.child(key)
    kind = BLOCKS[key]
    read = {each.key: _READ[each.form](values, each) for each in kind.fields}
    return Block(kind, read, reader.document.get("when") if when is not None else None)


def check_placeholders(raw: str) -> None:
    """Raise ValueError when the placeholders of a text cannot be read."""
    try:
        compile_template(raw, html=False)
    except TemplateError as mistake:
        raise ValueError(str(mistake)) from None


@form({"type": "string", "pattern": r"\S", "maxLength": 500})
def _parse_line(raw: object) -> str:
    text = parse_text(raw)
    check_placeholders(text)
    return text


@form({"type": "string", "pattern": r"\S", "maxLength": 20_000})
def _parse_prose(raw: object) -> str:
    text = parse_text(raw, 20_000)
    check_placeholders(text)
    return text


@form({"type": "string", "pattern": r"\S", "maxLength": 2_000})
def _parse_web(raw: object) -> str:
    text = parse_text(raw, 2_000).strip()
    if not _WEB.fullmatch(text):
        raise ValueError("must be an address such as https://example.com/offer, or a placeholder for one")
    check_placeholders(text)
    return text


def _read_by(parse: Callable[[object], str]) -> Callable[[Reader, Field], Any]:
    def read(reader: Reader, field: Field) -> Any:
        return reader.read(field.key, parse, "") if field.required else reader.read(field.key, parse, "", field.usual)

    return read


def _read_number(reader: Reader, field: Field) -> Any:
    return reader.integer(field.key, field.usual, least=field.least, most=field.most)


def _read_option(reader: Reader, field: Field) -> Any:
    return reader.choice(field.key, field.options, field.usual)


def _read_inner(reader: Reader, field: Field) -> Any:
    return read_blocks(reader, field.key, least=0)


def _read_cases(reader: Reader, field: Field) -> Any:
    cases = []
    for child in reader.children(field.key, most=MOST_CASES):
        read_predicate(child.child("when"))
        cases.append(Conditional(child.document.get("when", {}), read_blocks(child)))
    return tuple(cases)


def _read_columns(reader: Reader, field: Field) -> Any:
    columns = []
    for child in reader.children(field.key, least=field.least, most=field.most):
        blocks = read_blocks(child)
        for block in blocks:
            if not block.type.in_columns:
                child.mistake(f"{block.type.key} cannot stand in a column", "blocks")
        columns.append(Columned(blocks))
    return tuple(columns)


_READ: Mapping[str, Callable[[Reader, Field], Any]] = {
    LINE: _read_by(_parse_line),
    PROSE: _read_by(_parse_prose),
    URL: _read_by(_parse_web),
    BLOCK_ID: _read_by(parse_id),
    NUMBER: _read_number,
    OPTION: _read_option,
    INNER: _read_inner,
    CASES: _read_cases,
    COLUMNS: _read_columns,
}


# ------------------------------------------------------------------------------------------------------------- drawing


def _plain(text: str) -> str:
    """Text as the value of an attribute; placeholders stay."""
    aside = set_aside(text.strip())
    return aside.restore(escape(" ".join(aside.text.split()), quote=True))


_SIZES = {1: 28, 2: 22, 3: 18}


def _draw_heading(values: Mapping[str, Any], canvas: Canvas) -> list[Piece]:
    level = values["level"]
    text = inline_html(values["text"], canvas.link_style)
    font = escape(canvas.brand.fonts["heading"], quote=True)
    return [
        Piece(
            f'<mj-text align="{values["align"]}" font-family="{font}" padding="18px 20px 6px">'
            f'<h{level} style="margin:0;font-size:{_SIZES[level]}px;line-height:1.25;font-weight:bold">'
            f"{text}</h{level}></mj-text>"
        )
    ]


def _draw_text(values: Mapping[str, Any], canvas: Canvas) -> list[Piece]:
    html = prose_html(values["text"], link_style=canvas.link_style)
    return [Piece(f'<mj-text align="{values["align"]}" padding="8px 20px">{html}</mj-text>')]


def _draw_image(values: Mapping[str, Any], canvas: Canvas) -> list[Piece]:
    width = f' width="{values["width"]}px"' if values["width"] else ""
    link = f' href="{_plain(values["link"])}"' if values["link"] else ""
    source, alt = _plain(values["url"]), _plain(values["alt"])
    return [Piece(f'<mj-image src="{source}" alt="{alt}"{link}{width} padding="10px 20px" />')]


def _draw_button(values: Mapping[str, Any], canvas: Canvas) -> list[Piece]:
    href, text = _plain(values["url"]), inline_html(values["text"])
    return [Piece(f'<mj-button href="{href}" align="{values["align"]}" padding="12px 20px">{text}</mj-button>')]


def _draw_divider(values: Mapping[str, Any], canvas: Canvas) -> list[Piece]:
    return [Piece('<mj-divider padding="12px 20px" />')]


def _draw_spacer(values: Mapping[str, Any], canvas: Canvas) -> list[Piece]:
    return [Piece(f'<mj-spacer height="{values["height"]}px" />')]


def _draw_columns(values: Mapping[str, Any], canvas: Canvas) -> list[Piece]:
    columns = "".join(
        f"<mj-column>{''.join(piece.mjml for piece in canvas.draw(column.blocks))}</mj-column>"
        for column in values["columns"]
    )
    surface = canvas.color("surface")
    return [Piece(f'<mj-section background-color="{surface}" padding="0 12px">{columns}</mj-section>', True)]


# What a mail shows of a product: its picture beside its name, its price and where to find it.
_PRODUCT = """\
{{% for product in {source} | take({count}) %}}<tr>\
{{% if product.image %}}<td width="96" valign="top" style="padding:8px 14px 8px 0">\
<img src="{{{{ product.image }}}}" alt="" width="96" style="display:block;border-radius:{corners}px"></td>{{% endif %}}\
<td valign="top" style="padding:8px 0"><b>{{{{ product.name }}}}</b>\
{{% if product.price %}}<br>{{{{ product.price | money(product.currency) }}}}{{% endif %}}\
{{% if product.url %}}<br><a href="{{{{ product.url }}}}" style="color:{color}">{label}</a>{{% endif %}}</td></tr>\
{{% endfor %}}\
"""


def _draw_products(values: Mapping[str, Any], canvas: Canvas) -> list[Piece]:
    source = values["from"]
    rows = _PRODUCT.format(
        source=source,
        count=values["count"],
        corners=canvas.brand.corners,
        color=canvas.color("primary"),
        label=inline_html(values["button"]),
    )
    table = f'<mj-table padding="8px 20px">{rows}</mj-table>'
    return [Piece(f"{{% if {source} %}}{table}{{% endif %}}")]


def _draw_choice(values: Mapping[str, Any], canvas: Canvas) -> list[Piece]:
    name = canvas.choose([case.when for case in values["cases"]])
    drawn = [canvas.draw(case.blocks) for case in values["cases"]]
    otherwise = canvas.draw(values["otherwise"])
    is_section = any(piece.is_section for pieces in (*drawn, otherwise) for piece in pieces)

    def joined(pieces: Sequence[Piece]) -> str:
        return canvas.sections(pieces) if is_section else "".join(piece.mjml for piece in pieces)

    tests = (f'{{% {"el" if number > 1 else ""}if choice.{name} == "case_{number}" %}}' for number in range(1, 999))
    text = "".join(test + joined(pieces) for test, pieces in zip(tests, drawn, strict=False))
    text += f"{{% else %}}{joined(otherwise)}" if otherwise else ""
    return [Piece(text + "{% endif %}", is_section)]


def _draw_saved(values: Mapping[str, Any], canvas: Canvas) -> list[Piece]:
    block_id = values["block"]
    canvas.used.append(block_id)
    if canvas.saved is None or block_id not in canvas.saved or canvas.used.count(block_id) > MOST_BLOCKS:
        return []
    blocks = read_blocks(Reader({"blocks": canvas.saved[block_id].get("blocks")}))
    return canvas.draw(block for block in blocks if block.type.key != "saved")


def _draw_logo(values: Mapping[str, Any], canvas: Canvas) -> list[Piece]:
    logo = canvas.brand.logo
    if logo is None:
        return []
    link = f' href="{_plain(logo.link)}"' if logo.link else ""
    source = f'src="{_plain(logo.url)}" alt="{_plain(logo.alt)}" width="{logo.width}px"'
    return [Piece(f'<mj-image {source}{link} align="{values["align"]}" padding="22px 20px 10px" />')]


def _draw_social(values: Mapping[str, Any], canvas: Canvas) -> list[Piece]:
    style = f"color:{canvas.color('muted')}"
    links = (
        f'<a href="{_plain(link.url)}" style="{style}">{inline_html(link.name)}</a>' for link in canvas.brand.social
    )
    text = " &nbsp;·&nbsp; ".join(links)
    return [Piece(f'<mj-text align="center" font-size="13px" padding="6px 20px">{text}</mj-text>')] if text else []


def _draw_footer(values: Mapping[str, Any], canvas: Canvas) -> list[Piece]:
    muted = canvas.color("muted")
    said = values["text"] or canvas.brand.footer
    style = f"color:{muted}"
    words = f"{prose_html(said, gap=6, link_style=style)}" if said else ""
    closing = (
        f'<p style="margin:6px 0 0">{{{{ account.postal_address }}}}</p>'
        f'<p style="margin:6px 0 0"><a href="{{{{ unsubscribe_url }}}}" style="{style}">{inline_html(values["link"])}'
        "</a></p>"
    )
    text = (
        f'<mj-text align="center" color="{muted}" font-size="13px" padding="16px 20px 24px">{words}{closing}</mj-text>'
    )
    return [*(_draw_social({}, canvas) if canvas.brand.social else ()), Piece(text)]


_ALIGN = ("left", "center", "right")


def _align(usual: str) -> Field:
    return Field("align", OPTION, "Where it stands", usual, options=_ALIGN)


BLOCKS: Mapping[str, BlockType] = {
    block.key: block
    for block in (
        BlockType(
            "heading",
            "A line in large letters",
            (
                Field("text", LINE, "What it says", required=True),
                Field("level", NUMBER, "How large, 1 the largest", 1, least=1, most=3),
                _align("left"),
            ),
            _draw_heading,
        ),
        BlockType(
            "text",
            "Paragraphs and lists, with bold, italics and links",
            (Field("text", PROSE, "What it says", required=True), _align("left")),
            _draw_text,
        ),
        BlockType(
            "image",
            "A picture",
            (
                Field("url", URL, "Where the picture is", required=True),
                Field("alt", LINE, "What it shows, in words", required=True),
                Field("link", URL, "Where a click leads"),
                Field("width", NUMBER, "How wide, in pixels", 0, least=0, most=600),
            ),
            _draw_image,
        ),
        BlockType(
            "button",
            "A button that leads to a page",
            (
                Field("text", LINE, "What it says", required=True),
                Field("url", URL, "Where it leads", required=True),
                _align("center"),
            ),
            _draw_button,
        ),
        BlockType("divider", "A thin line", (), _draw_divider),
        BlockType(
            "spacer",
            "Empty space",
            (Field("height", NUMBER, "How high, in pixels", 24, least=4, most=200),),
            _draw_spacer,
        ),
        BlockType(
            "columns",
            "Blocks beside one another, beneath one another on a phone",
            (Field("columns", COLUMNS, "The columns", required=True, least=2, most=4),),
            _draw_columns,
            in_columns=False,
        ),
        BlockType(
            "products",
            "Products of the catalogue for this person",
            (
                Field("from", OPTION, "Which ones", "recommended", options=("recommended", "viewed")),
                Field("count", NUMBER, "How many", 3, least=1, most=12),
                Field("button", LINE, "What their links say", "Have a look"),
            ),
            _draw_products,
        ),
        BlockType(
            "choice",
            "Different blocks for different people: the first case that holds",
            (
                Field("cases", CASES, "The cases, in the order in which they are asked", required=True),
                Field("otherwise", INNER, "What everybody else sees"),
            ),
            _draw_choice,
            in_columns=False,
        ),
        BlockType(
            "saved",
            "A block that was saved for use in many mails",
            (Field("block", BLOCK_ID, "Which one", required=True),),
            _draw_saved,
            in_columns=False,
        ),
        BlockType("logo", "The brand's logo; at the top if it is placed nowhere", (_align("center"),), _draw_logo),
        BlockType("social", "Where else the brand is found", (), _draw_social),
        BlockType(
            "footer",
            "The brand's last words, the postal address, the link to unsubscribe; at the end if it is placed nowhere",
            (
                Field("text", PROSE, "Other words than the brand's", ""),
                Field("link", LINE, "What the link to unsubscribe says", "Unsubscribe"),
            ),
            _draw_footer,
            in_columns=False,
        ),
    )
}


def draw_mail(blocks: Sequence[Block], canvas: Canvas) -> str:
    """Blocks as MJML, between the brand's logo and its footer unless they are placed among them."""
    there = {block.type.key for block in blocks}
    logo, footer = BLOCKS["logo"], BLOCKS["footer"]
    first = [] if "logo" in there else [Block(logo, {"align": "center"})]
    usual = {field.key: field.usual for field in footer.fields}
    last = [] if "footer" in there else [Block(footer, usual)]
    body = canvas.sections(canvas.draw([*first, *blocks, *last]))
    return f"<mjml><mj-body>{body}</mj-body></mjml>"
