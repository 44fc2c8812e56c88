"""MJML: checked with the line of every mistake, given the brand, and compiled to responsive HTML and plain text.

Compiling is a library's work, which takes what it does not know for HTML and lets it pass. So what stands where is
checked here first. Text and placeholders never reach the library: it sees the structure, and they come back after.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from html import escape
from typing import NamedTuple

from postroad.content.brand import Brand
from postroad.content.jinja import MARK, OPEN, Aside, marks_in, set_aside
from postroad.content.markup import html_to_text
from postroad.content.rendering import MAX_SOURCE, TemplateError, compile_template


class Compiled(NamedTuple):
    """A mail's HTML and its plain text, both templates."""

    html: str
    text: str


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_CONTENT = _words(
    "mj-text mj-button mj-image mj-divider mj-spacer mj-table mj-social mj-navbar mj-accordion mj-carousel mj-raw"
)
# What may stand in what. Of the rest the content is text or HTML.
CHILDREN = {
    "": _words("mjml"),
    "mjml": _words("mj-head mj-body"),
    "mj-head": _words("mj-attributes mj-breakpoint mj-font mj-preview mj-style mj-title mj-raw"),
    "mj-body": _words("mj-section mj-wrapper mj-hero mj-raw"),
    "mj-wrapper": _words("mj-section mj-hero mj-raw"),
    "mj-section": _words("mj-column mj-group"),
    "mj-group": _words("mj-column"),
    "mj-column": _CONTENT,
    "mj-hero": _CONTENT,
    "mj-social": _words("mj-social-element"),
    "mj-navbar": _words("mj-navbar-link"),
    "mj-accordion": _words("mj-accordion-element"),
    "mj-accordion-element": _words("mj-accordion-title mj-accordion-text"),
    "mj-carousel": _words("mj-carousel-image"),
}
TEXTS = _words(
    "mj-text mj-button mj-table mj-raw mj-style mj-title mj-preview mj-social-element mj-navbar-link mj-accordion-title"
    " mj-accordion-text"
)
_EMPTY = _words("mj-breakpoint mj-font mj-image mj-divider mj-spacer mj-carousel-image")
_ELEMENTS = frozenset(CHILDREN) - {""} | TEXTS | _EMPTY | {"mj-attributes"}
# Between these a statement such as {% if %} stands on its own.
_AROUND = _words("mj-body mj-wrapper mj-column mj-hero")
# In these attributes alone a value of the contact's may stand: the others decide the layout.
_OPEN_ATTRIBUTES = _words("href src alt title name rel")
_ATTRIBUTES = _words(
    """align alt background-color background-height background-position background-position-x background-position-y
    background-repeat background-size background-url background-width base-url border border-bottom
    border-collapse border-color border-left border-radius border-right border-spacing border-style border-top
    border-width cellpadding cellspacing color container-background-color css-class direction dir
    fluid-on-mobile font-family font-size font-style font-weight full-width gutter hamburger height href
    ico-align ico-close ico-color ico-font-family ico-font-size ico-height ico-line-height ico-open ico-padding
    ico-padding-bottom ico-padding-left ico-padding-right ico-padding-top ico-text-decoration ico-text-transform
    icon-align icon-height icon-padding icon-position icon-size icon-unwrapped-alt icon-unwrapped-url icon-width
    icon-wrapped-alt icon-wrapped-url inline inner-background-color inner-border inner-border-radius
    inner-height inner-padding inner-width lang left-icon letter-spacing line-height max-height max-width mode
    name navbar-base-url owa padding padding-bottom padding-left padding-right padding-top path position rel
    right-icon role sizes src srcset table-layout tb-border tb-border-radius tb-hover-border-color
    tb-selected-border-color tb-width target text-align text-decoration text-padding text-transform thumbnails
    thumbnails-src title usemap vertical-align width word-spacing"""
)
_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<close>/?)(?P<name>[A-Za-z][\w.-]*)(?P<attributes>(?:[^\"'<>]|\"[^\"]*\"|'[^']*')*?)"
    r"(?P<self>/?)>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"\s*([A-Za-z][\w.:-]*)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_BARE_AMPERSAND = re.compile(r"&(?!(?:#\d+|#[xX][0-9a-fA-F]+|amp|lt|gt|quot|apos);)")
# Printable, because the library writes what is not as an escape.
_TEXT_OPEN, _TEXT_CLOSE = "\u2983", "\u2984"
_TEXT_MARK = re.compile(f"{_TEXT_OPEN}([0-9]+){_TEXT_CLOSE}")


def compile_mjml(source: str, brand: Brand, language: str = "en") -> Compiled:
    """The HTML and the text of MJML with placeholders, the brand's colors and fonts where it has none of its own.

    Costs milliseconds. Raises TemplateError with the line in the MJML.
    """
    if len(source) > MAX_SOURCE:
        raise TemplateError(1, f"the MJML has {len(source)} characters; {MAX_SOURCE} are allowed")
    compile_template(source, html=False)  # what is wrong with the placeholders is said with their own lines
    aside = set_aside(source)
    walker = _Walker(aside)
    structure = walker.walk()
    structure = _give_brand(structure, brand)
    html = _run(structure)
    html = _TEXT_MARK.sub(lambda found: walker.texts[int(found[1])], html)
    html = html.replace('lang="und"', f'lang="{language}"')
    _check(aside, html)
    restored = aside.restore(html)
    return Compiled(restored, text_of(restored))


def _run(structure: str) -> str:
    from mjml import mjml2html

    try:
        return mjml2html(structure, disable_comments=True, fonts={}, include_loader=_include_nothing)
    except ValueError as error:
        raise TemplateError(1, f"the MJML cannot be compiled: {error}") from None


def _include_nothing(path: str) -> str:
    raise ValueError(f"nothing can be included, so {path} cannot; save it as a block")


def _check(aside: Aside, html: str) -> None:
    """Refuse a placeholder that the library dropped, because nothing is shown there, or that stands in an unsafe place.

    The line of a mistake in the HTML is that of the placeholder in it.
    """
    kept = set(marks_in(html))
    lost = next((number for number in range(len(aside.tags)) if number not in kept), None)
    if lost is not None:
        raise TemplateError(aside.lines[lost], f"{aside.tags[lost]} stands where nothing is shown")
    try:
        compile_template(aside.restore(html), html=True)
    except TemplateError as mistake:
        written, line = 1, 1
        for part in _PIECES.split(html):
            found = MARK.fullmatch(part)
            if found:
                written = aside.lines[int(found[1])]
            line += (aside.tags[int(found[1])] if found else part).count("\n")
            if found and line >= mistake.line:
                break
        raise TemplateError(written, mistake.sentence) from None


_PIECES = re.compile(f"({MARK.pattern.replace('(', '(?:')})")


def text_of(html: str) -> str:
    """The plain text of HTML with placeholders, as a template; "" when there can be none.

    A statement with a line of its own leaves no line behind.
    """
    aside = set_aside(html)
    # A link that is a placeholder is followed like any other.
    plain = html_to_text(aside.text.replace(f'="{OPEN}', f'="https://{OPEN}')).replace(f"https://{OPEN}", OPEN)
    lines = []
    for line in plain.split("\n"):
        numbers = list(marks_in(line))
        is_bare = bool(numbers) and not MARK.sub("", line).strip() and all(map(aside.is_statement, numbers))
        lines.append(line if is_bare else line + "\n")
    text = aside.restore("".join(lines).removesuffix("\n"))
    try:
        compile_template(text, html=False)
    except TemplateError:
        return ""
    return text


def _give_brand(structure: str, brand: Brand) -> str:
    """The structure with the brand's looks wherever it does not say its own."""
    colors, font = brand.colors, escape(brand.fonts["body"], quote=True)
    attributes = (
        f'<mj-attributes><mj-all font-family="{font}" />'
        f'<mj-text color="{colors["text"]}" font-size="16px" line-height="1.5" />'
        f'<mj-button background-color="{colors["primary"]}" color="{colors["on_primary"]}"'
        f' border-radius="{brand.corners}px" font-size="16px" />'
        f'<mj-table color="{colors["text"]}" font-size="16px" line-height="1.5" />'
        f'<mj-divider border-color="{colors["background"]}" border-width="1px" /></mj-attributes>'
    )
    body = _BODY.search(structure)
    if body and "background-color=" not in body[0]:
        structure = structure.replace("<mj-body", f'<mj-body background-color="{colors["background"]}"', 1)
    if "<mj-head>" in structure:
        return structure.replace("<mj-head>", f"<mj-head>{attributes}", 1)
    return structure.replace("<mjml>", f"<mjml><mj-head>{attributes}</mj-head>", 1)


_BODY = re.compile(r"<mj-body[^>]*>")


class _Walker:
    """Goes through the structure, checks it, and takes the texts out of it."""

    def __init__(self, aside: Aside) -> None:
        self.source = aside.text
        self.aside = aside
        self.texts: list[str] = []
        self.open: list[tuple[str, int]] = []
        self.out: list[str] = []

    def walk(self) -> str:
        position = 0
        while found := _TAG.search(self.source, position):
            self.between(position, found.start())
            position = found.end()
            name = found["name"]
            if name is None:  # a comment
                continue
            if found["close"]:
                self.leave(name, found.start())
            else:
                position = self.enter(found)
        self.between(position, len(self.source))
        if self.open:
            name, line = self.open[-1]
            raise TemplateError(line, f"<{name}> is not closed")
        structure = "".join(self.out)
        if "<mj-body" not in structure:
            raise TemplateError(1, "there is no <mj-body>; begin with <mjml><mj-body> and end with </mj-body></mjml>")
        return structure

    def line(self, position: int) -> int:
        """The line of a position in the source as it was written."""
        before = self.source[:position]
        within = sum(self.aside.tags[number].count("\n") for number in marks_in(before))
        return before.count("\n") + within + 1

    def between(self, start: int, end: int) -> None:
        """What stands between two tags of the structure: statements, and nothing else."""
        text = self.source[start:end]
        rest = MARK.sub("", text)
        where = self.open[-1][0] if self.open else ""
        if rest.strip():
            position = start + text.index(rest.strip()[0])
            if "<" in rest:
                raise TemplateError(self.line(position), "a tag is not closed with >, or a quote in it is not")
            shown = rest.strip().splitlines()[0][:30]
            inside = f"in <{where}>" if where else "outside of <mjml>"
            raise TemplateError(self.line(position), f"'{shown}' stands {inside}; put text into <mj-text>")
        for found in MARK.finditer(text):
            number = int(found[1])
            tag = self.aside.tags[number]
            if not self.aside.is_statement(number):
                raise TemplateError(self.aside.lines[number], f"{tag} stands between elements; put it into <mj-text>")
            if where not in _AROUND:
                place = f"in <{where}>" if where else "outside of <mjml>"
                raise TemplateError(
                    self.aside.lines[number], f"{tag} cannot stand {place}; put it around the section or in the column"
                )
            self.out.append(f"<mj-raw>{self.keep(found[0])}</mj-raw>")

    def keep(self, text: str) -> str:
        self.texts.append(text)
        return f"{_TEXT_OPEN}{len(self.texts) - 1}{_TEXT_CLOSE}"

    def enter(self, found: re.Match[str]) -> int:
        name, line = found["name"], self.line(found.start())
        self.check_place(name, line)
        within_attributes = bool(self.open) and self.open[-1][0] == "mj-attributes"
        attributes = "".join(self.attributes(found["attributes"], name, line))
        if name == "mjml":
            attributes = ""
        if found["self"] or within_attributes or name in _EMPTY:
            self.out.append(f"<{name}{attributes} />")
            return self.past_end(name, found.end()) if not found["self"] else found.end()
        self.out.append(f"<{name}{attributes}>")
        if name not in TEXTS:
            self.open.append((name, line))
            return found.end()
        end = self.source.find(f"</{name}>", found.end())
        if end < 0:
            raise TemplateError(line, f"<{name}> is not closed")
        self.out.append(f"{self.keep(self.source[found.end() : end])}</{name}>")
        return end + len(name) + 3

    def past_end(self, name: str, position: int) -> int:
        """Where it goes on after an element that holds nothing, if that is closed by a tag of its own."""
        closing = re.compile(rf"\s*</{re.escape(name)}\s*>").match(self.source, position)
        return closing.end() if closing else position

    def leave(self, name: str, position: int) -> None:
        if not self.open or self.open[-1][0] != name:
            expected = f"; </{self.open[-1][0]}> is due first" if self.open else ""
            raise TemplateError(self.line(position), f"</{name}> closes nothing{expected}")
        self.open.pop()
        self.out.append(f"</{name}>")

    def check_place(self, name: str, line: int) -> None:
        where = self.open[-1][0] if self.open else ""
        if where == "mj-attributes" and (name in _ELEMENTS or name in ("mj-all", "mj-class")):
            return
        if name not in _ELEMENTS:
            near = get_close_matches(name, _ELEMENTS, 1)
            known = f"; did you mean <{near[0]}>?" if near else "; HTML stands within <mj-text>, <mj-table> or <mj-raw>"
            raise TemplateError(line, f"there is no <{name}> in MJML{known}")
        if where == "" and name != "mjml":
            raise TemplateError(line, f"<{name}> stands outside of <mjml>; begin with <mjml><mj-body>")
        allowed = CHILDREN.get(where, frozenset())
        if name not in allowed:
            there = ", ".join(f"<{child}>" for child in sorted(allowed)) or "nothing"
            raise TemplateError(line, f"<{name}> cannot stand in <{where}>; there may be {there}")

    def attributes(self, text: str, name: str, line: int) -> Iterator[str]:
        position, seen = 0, set()
        known = _ATTRIBUTES | ({"mj-class"} | {name} if name != "mj-class" else {"name"})
        while found := _ATTRIBUTE.match(text, position):
            position = found.end()
            key, value = found[1], found[2] if found[2] is not None else found[3]
            if key in seen:
                raise TemplateError(line, f"<{name}> says {key} twice")
            seen.add(key)
            if key not in known and name != "mjml":
                near = get_close_matches(key, known, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise TemplateError(line, f"<{name}> has no attribute {key}{hint}")
            marks = list(marks_in(value))
            if marks and (key not in _OPEN_ATTRIBUTES or any(map(self.aside.is_statement, marks))):
                tag = self.aside.tags[marks[0]]
                raise TemplateError(line, f"{tag} cannot stand in {key}; a value may stand in href, src, alt and title")
            value = _BARE_AMPERSAND.sub("&amp;", value).replace('"', "&quot;").replace("<", "&lt;")
            yield f' {key}="{self.keep(value) if key in _OPEN_ATTRIBUTES else value}"'
        if text[position:].strip():
            shown = MARK.sub("…", text[position:].strip())[:30]
            raise TemplateError(line, f"<{name}> cannot be read at '{shown}'; write attributes as name=\"value\"")
