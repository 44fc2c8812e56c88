"""The small markup of blocks, for people who write no HTML: **bold**, *italic*, [a link](https://…), lists by dashes.

A blank line begins a paragraph, a single one stays a line break. Placeholders go through as they are; everything else
is text, and no HTML.
"""

import re
from html import escape

from postroad.content.jinja import set_aside

_LINK = re.compile(r"\[([^\[\]\n]+)\]\(([^()\s<>\"]+)\)")
_BOLD = re.compile(r"\*\*(?=\S)([^*\n]+?)(?<=\S)\*\*")
_ITALIC = re.compile(r"(?<![*\w])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![*\w])")
_BLANK_LINE = re.compile(r"\n[ \t]*\n\s*")
_DASH = re.compile(r"^[ \t]*- +", re.MULTILINE)


def inline_html(text: str, link_style: str = "") -> str:
    """One run of text as HTML; a line break becomes <br>."""
    aside = set_aside(text.strip())
    return aside.restore(_inline(aside.text, link_style))


def prose_html(text: str, *, gap: int = 12, link_style: str = "") -> str:
    """Paragraphs and lists as HTML, with `gap` pixels between them."""
    aside = set_aside(text.strip())
    parts = [_paragraph(part, link_style) for part in _BLANK_LINE.split(aside.text)]
    last = len(parts) - 1
    return aside.restore(
        "".join(part.format(margin=f"0 0 {gap if number < last else 0}px") for number, part in enumerate(parts))
    )


def _paragraph(text: str, link_style: str) -> str:
    """A paragraph or a list, with its margin still to be said."""
    if _DASH.match(text):
        items = [item for item in _DASH.split(text) if item.strip()]
        listed = "".join(f"<li>{_inline(item.strip(), link_style)}</li>" for item in items)
        return f'<ul style="margin:{{margin}};padding-left:20px">{_braced(listed)}</ul>'
    return f'<p style="margin:{{margin}}">{_braced(_inline(text, link_style))}</p>'


def _braced(html: str) -> str:
    return html.replace("{", "{{").replace("}", "}}")


def _inline(text: str, link_style: str) -> str:
    style = f' style="{link_style}"' if link_style else ""
    html = escape(text, quote=True)
    html = _LINK.sub(lambda found: f'<a href="{found[2]}"{style}>{found[1]}</a>', html)
    html = _BOLD.sub(r"<b>\1</b>", html)
    html = _ITALIC.sub(r"<i>\1</i>", html)
    return html.replace("\n", "<br>")
