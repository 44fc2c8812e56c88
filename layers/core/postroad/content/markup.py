"""HTML as a mail needs it: its tags, where a placeholder stands in it, and the plain text of it.

The scanner follows the HTML standard's tokenizer for tags, attributes, quotes, comments and raw text, and takes
time linear in its input (possessive quantifiers; an unclosed tag or quote runs to the end).
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from typing import Literal, NamedTuple

from postroad.errors import PostroadError


class MarkupError(PostroadError):
    """A placeholder stands where no escaping can make a value safe, or the HTML around it cannot be followed."""


# ------------------------------------------------------------------------------------------------------------ tags

_ATTRIBUTE = r"""[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s"'>][^\s>]*+)?)?+"""
_MARKUP = re.compile(
    rf"""<!--\[if[^\]>]*\]>|<!--(?:-?>|.*?(?:--!?>|\Z))|<[!?][^>]*+(?:>|\Z)"""
    rf"""|<(?P<close>/?)(?P<name>[a-zA-Z][^\s/>]*+)(?P<attributes>(?:[\s/]++|{_ATTRIBUTE})*+)(?:>|\Z)""",
    re.DOTALL,
)
_WHOLE_TAG = re.compile(
    r"""<(?P<close>/?)(?P<name>[a-zA-Z][^\s/>]*+)(?:[\s/]++|[^\s/>=]++(?:="[^"]*+"|='[^']*+')?+(?=[\s/>]))*+>"""
)
_WHOLE_ATTRIBUTE = re.compile(r"""[^\s/>=]++(?:="[^"]*+"|='[^']*+')""")
_NAMED_ATTRIBUTE = re.compile(
    r"""(?P<name>[^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?:"(?P<double>[^"]*+)(?:"|\Z)|'(?P<single>[^']*+)(?:'|\Z)"""
    r"""|(?P<bare>[^\s"'>][^\s>]*+))?)?+"""
)


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


RAW_ELEMENTS = _names("script style xmp iframe noembed noframes plaintext")
ESCAPABLE_RAW_ELEMENTS = _names("title textarea")
_RAW_END = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in RAW_ELEMENTS | ESCAPABLE_RAW_ELEMENTS}


# What a scan for links need not stop at: text, end tags, and start tags of what is neither a link nor raw; so many at a
# time, because a repeated group remembers each. It is not possessive: before 3.11.5 Python leaves such a group at a
# wrong place when its last try fails behind its first sign.
_LINKING = _names("a area")
_STOPS = "|".join(sorted(_LINKING | _RAW_END.keys()))
_PASSED_OVER = re.compile(
    rf"""(?:[^<]++|<(?:/|(?!(?:{_STOPS})(?:[\s/>]|\Z)))[a-zA-Z][^\s/>]*+(?:[\s/]++|{_ATTRIBUTE})*+>){{0,1000}}""",
    re.IGNORECASE,
)
_NOTHING = re.compile("")


class Attribute(NamedTuple):
    """One attribute: its value unescaped, and where the value as written (with its quotes) stands in the source."""

    name: str
    value: str
    start: int
    end: int


class Tag(NamedTuple):
    """A start or end tag: `source[start:end]`, and where in it the attributes stand."""

    name: str
    closing: bool
    start: int
    end: int
    attributes_start: int
    attributes_end: int

    def attributes(self, source: str) -> Iterator[Attribute]:
        """Its attributes in order; of a doubled name the first counts for browsers."""
        for name, value, start, end in read_attributes(source[self.attributes_start : self.attributes_end]):
            yield Attribute(name, value, self.attributes_start + start, self.attributes_start + end)

    def attribute(self, source: str, name: str) -> Attribute | None:
        """The first attribute of that (lower case) name, or None."""
        return next((attribute for attribute in self.attributes(source) if attribute.name == name), None)


@lru_cache(maxsize=512)  # most tags of a mail stand in the next one, too
def read_attributes(written: str) -> tuple[Attribute, ...]:
    """The attributes of a tag by what stands in it, at their places there."""
    found = []
    for each in _NAMED_ATTRIBUTE.finditer(written):
        group = each.lastgroup or "name"
        if group == "name":
            found.append(Attribute(each["name"].lower(), "", each.end(), each.end()))
        else:
            quoted = 0 if group == "bare" else 1
            start, end = each.span(group)
            found.append(Attribute(each["name"].lower(), unescape(each[group]), start - quoted, end + quoted))
    return tuple(found)


@lru_cache(maxsize=2)  # who looks at a mail asks for them again and again
def tags(source: str) -> tuple[Tag, ...]:
    """The tags of an HTML text in order.

    Comments, declarations and the insides of raw elements have none. What Outlook reads inside
    `<!--[if mso]> … <![endif]-->` is a comment to everybody else and is left out too.
    """
    return tuple(_scan(source, _NOTHING))


def link_tags(source: str) -> Iterator[Tag]:
    """Those of its tags that begin a link, `<a>` and `<area>`: the others are passed over many at a time."""
    return (tag for tag in _scan(source, _PASSED_OVER) if tag.name in _LINKING and not tag.closing)


def _scan(source: str, passed_over: re.Pattern[str]) -> Iterator[Tag]:
    position = 0
    while found := _MARKUP.search(source, passed_over.match(source, position).end()):  # type: ignore[union-attr]
        position = found.end()
        close, name = found.group("close", "name")
        if name is None:
            if found[0].startswith("<!--[if"):
                end = source.find("-->", found.start() + 4)
                position = len(source) if end < 0 else end + 3
            continue
        name = name.lower()
        yield Tag(name, close != "", found.start(), position, *found.span("attributes"))
        if name in _RAW_END and not close:
            end_tag = _RAW_END[name].search(source, position)
            position = end_tag.start() if end_tag else len(source)


# ------------------------------------------------------------------------------------- where a placeholder stands

URL_ATTRIBUTES = _names("href src action formaction background poster cite data longdesc manifest ping xlink:href")
_FORBIDDEN_ATTRIBUTES = _names("style srcdoc srcset imagesrcset http-equiv")
_FORBIDDEN_ELEMENTS = _names("meta base animate animatetransform animatemotion set")
# What stands for a value with which a URL begins.
_VALUE = "{}"
# From here on a value cannot change where a URL leads: its host is over, or it has none. (Browsers take a backslash for
# a slash.)
_LEADS_SOMEWHERE = re.compile(
    r"(?:https?:)?[/\\]{2}[^/?#\\]+[/?#]|\{\}[^/?#&]*[/?#&]|mailto:|tel:|sms:|cid:|[/\\][^/\\]|[?#]", re.IGNORECASE
)
_HAS_SCHEME = re.compile(r"https?:|[/\\]|\{\}", re.IGNORECASE)
_SCRIPT_SCHEME = re.compile(r"(?:javascript|vbscript):", re.IGNORECASE)
_URL_NOISE = re.compile(r"[\x00-\x20\x7f]+")

Mode = Literal[
    "text", "open", "comment", "declaration", "name", "tag", "attribute", "after", "before", "unquoted", "value", "raw"
]


class Place(NamedTuple):
    """A position in an HTML text, as the standard's tokenizer would see it there.

    `url` is the literal beginning of the URL whose attribute we are in, or None when it is settled where that leads.
    """

    mode: Mode = "text"
    element: str = ""
    closing: bool = False
    attribute: str = ""
    quote: str = ""
    url: str | None = None


START = Place()
_NAME_END, _ATTRIBUTE_NAME_END, _BARE_VALUE_END = re.compile(r"[\s/>]"), re.compile(r"[\s/>=]"), re.compile(r"[\s>]")
_NEXT_IN_TAG, _NEXT_WORD = re.compile(r"[^\s/]"), re.compile(r"\S")
_COMMENT_END, _CLOSED_AT_ONCE = re.compile(r"--!?>"), re.compile(r"-?>")
_CONDITIONAL = re.compile(r"<!--\[if[^\]>]*\]>")
_IN_A_TAG = _names("name tag attribute after")


def advance(place: Place, text: str) -> Place:
    """The place after `text`; raises MarkupError where the two cannot be read together."""
    i, end = 0, len(text)
    while i < end:
        mode = place.mode
        if mode == "text":
            i = text.find("<", i)
            if i < 0:
                return place
            whole = _WHOLE_TAG.match(text, i)
            if whole and "script:" not in whole[0].lower():
                place, i = _leave(Place("tag", whole["name"].lower(), bool(whole["close"]))), whole.end()
            else:
                place, i = _open(text, i)
        elif mode == "raw":
            found = _RAW_END[place.element].search(text, i)
            if not found:
                return place
            place, i = Place("name", closing=True), found.start() + 2
        elif mode == "open":
            raise MarkupError("a tag's name must not be cut by {% … %} or {{ … }}")
        elif mode == "comment":
            over = _COMMENT_END.search(text, i)
            if not over:
                return place
            place, i = START, over.end()
        elif mode == "declaration":
            i = text.find(">", i) + 1
            if not i:
                return place
            place = START
        elif mode == "name":
            stop = _until(_NAME_END, text, i)
            place = place._replace(element=place.element + text[i:stop].lower())
            i = stop
            if i < end:
                place = place._replace(mode="tag")
        elif mode == "tag":
            i = _until(_NEXT_IN_TAG, text, i)
            if i < end and text[i] == ">":
                place, i = _leave(place), i + 1
            elif i < end and text[i] == "=":
                raise MarkupError("an attribute's name is missing before '='")
            elif (plain := _WHOLE_ATTRIBUTE.match(text, i)) and "script:" not in plain[0].lower():
                i = plain.end()
            elif i < end:
                place = place._replace(mode="attribute", attribute="", quote="", url=None)
        elif mode == "attribute":
            stop = _until(_ATTRIBUTE_NAME_END, text, i)
            place = place._replace(attribute=place.attribute + text[i:stop].lower())
            i = stop
            if i < end:
                place = place._replace(mode="after")
        elif mode == "after":
            i = _until(_NEXT_WORD, text, i)
            if i < end and text[i] == "=":
                place, i = place._replace(mode="before"), i + 1
            elif i < end:
                place = place._replace(mode="tag", attribute="")
        elif mode == "before":
            i = _until(_NEXT_WORD, text, i)
            if i < end and text[i] in "\"'":
                url = "" if place.attribute in URL_ATTRIBUTES else None
                place, i = place._replace(mode="value", quote=text[i], url=url), i + 1
            elif i < end:
                place = place._replace(mode="tag" if text[i] == ">" else "unquoted")
        elif mode == "unquoted":
            i = _until(_BARE_VALUE_END, text, i)
            if i < end:
                place = place._replace(mode="tag", attribute="")
        else:
            stop = text.find(place.quote, i)
            place = _read_url(place, text[i : stop if stop >= 0 else end])
            if stop < 0:
                return place
            place, i = place._replace(mode="tag", attribute="", quote="", url=None), stop + 1
    return place


def join(one: Place, other: Place) -> Place:
    """The place after two ways through the template; raises MarkupError when they end in different places."""
    if one == other:
        return one
    if one._replace(url=other.url) == other and all(
        each.url is None or _HAS_SCHEME.match(each.url) for each in (one, other)
    ):
        return other if one.url is None else one
    same_tag = (one.element, one.closing) == (other.element, other.closing)
    if same_tag and one.mode in _IN_A_TAG and other.mode in _IN_A_TAG:
        return Place("tag", one.element, one.closing)
    raise MarkupError("the ways through this {% … %} end in different places of the HTML; close what each one opens")


URL, URL_PART = "url", "url-part"


def check_placeholder(place: Place) -> str:
    """What a value has to be in this place: URL when it begins one, and so must name a safe scheme, URL_PART behind the
    host of one, "" for anything.

    Raises MarkupError where a placeholder is refused.
    """
    if place.mode in ("text", "comment"):
        return ""
    if place.mode == "raw":
        if place.element in ESCAPABLE_RAW_ELEMENTS:
            return ""
        raise MarkupError(f"no placeholder may stand inside <{place.element}>")
    if place.mode in ("before", "unquoted"):
        raise MarkupError(f'put quotes around the value: {place.attribute}="{{{{ … }}}}"')
    if place.mode != "value":
        raise MarkupError("no placeholder may stand inside a tag, outside a quoted value")
    if place.attribute.startswith("on") or place.attribute in _FORBIDDEN_ATTRIBUTES:
        raise MarkupError(f"no placeholder may stand in the attribute {place.attribute!r}")
    if place.element in _FORBIDDEN_ELEMENTS:
        raise MarkupError(f"no placeholder may stand in an attribute of <{place.element}>")
    if place.attribute not in URL_ATTRIBUTES:
        return ""
    if place.url is None:
        return URL_PART
    begun = _URL_NOISE.sub("", unescape(place.url))
    if _HAS_SCHEME.match(begun):
        raise MarkupError(
            "a placeholder must not be part of a URL's host; write all of it and a / before, or all in it"
        )
    if begun:
        raise MarkupError("a placeholder must not be part of a URL's scheme; write https:// before it, or all in it")
    return URL


def after_placeholder(place: Place) -> Place:
    """The place after a placeholder that check_placeholder let through."""
    return place._replace(url=_VALUE) if place.mode == "value" and place.url is not None else place


def _until(stop: re.Pattern[str], text: str, start: int) -> int:
    found = stop.search(text, start)
    return found.start() if found else len(text)


def _open(text: str, i: int) -> tuple[Place, int]:
    """Read what a '<' in text begins."""
    rest = text[i : i + 4]
    if conditional := _CONDITIONAL.match(text, i):
        return START, conditional.end()  # Outlook reads what follows as HTML, so we hold it to the same rules
    if rest == "<!--":
        closed = _CLOSED_AT_ONCE.match(text, i + 4)
        return (START, closed.end()) if closed else (Place("comment"), i + 4)
    if i + len(rest) == len(text) and rest in ("<", "</", "<!", "<!-"):
        return Place("open"), len(text)
    if rest[1] in "!?":
        return Place("declaration"), i + 2
    closing = rest[1] == "/"
    if re.match("[a-zA-Z]", rest[1 + closing :]):
        return Place("name", closing=closing), i + 1 + closing
    return (Place("declaration"), i + 2) if closing else (START, i + 1)


def _leave(place: Place) -> Place:
    return Place("raw", place.element) if place.element in _RAW_END and not place.closing else START


def _read_url(place: Place, literal: str) -> Place:
    if place.url is None:
        return place
    url = place.url + literal
    plain = _URL_NOISE.sub("", unescape(url))
    if _SCRIPT_SCHEME.match(plain):
        raise MarkupError(f"{place.attribute} must not run a script")
    return place._replace(url=None if _LEADS_SOMEWHERE.match(plain) else url)


# ------------------------------------------------------------------------------------------------------ plain text

_SILENT = _names("head script style title template noscript svg select textarea")
_VOID = _names("area base br col embed hr img input link meta source track wbr")
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_HIDING_HINT = re.compile(r"none|hid", re.IGNORECASE)
# What stands on lines of its own; before and after some there is a blank line.
_LINES = "div tr li dt dd dl section article header footer main center address figure figcaption form fieldset"
_BLOCKS = "p h1 h2 h3 h4 h5 h6 ul ol table blockquote pre hr"
_BREAKS_AROUND = dict.fromkeys(_names(_LINES), 1) | dict.fromkeys(_names(_BLOCKS), 2)
_COMMENT_TEXT = re.compile(r"<!--(?:-?>|.*?(?:--!?>|\Z))|<[!?/][^>]*+(?:>|\Z)", re.DOTALL)
# So many lists inside one another are told apart.
_DEEPEST = 8
# The spaces that HTML collapses; a no-break space stays what it is.
_SPACES = re.compile(r"[ \t\n\r\f]+")


def html_to_text(source: str) -> str:
    """The text that a reader of this HTML sees: links as `label (url)`, list items as `- item`, table rows as lines.

    What is hidden (a preheader, `display: none`) is left out.
    """
    page = _Page()
    hidden, depth, position = "", 0, 0
    for tag in tags(source):
        name = tag.name
        if hidden:
            # Nothing counts until the hidden element closes; elements of its own name may nest in it.
            if name == hidden:
                depth += -1 if tag.closing else 1
                if depth == 0:
                    hidden = ""
            position = tag.end
            continue
        if position < tag.start:
            page.write(source, position, tag.start)
        position = tag.end
        if tag.closing:
            page.close(name)
            continue
        if name in _SILENT or (name not in _VOID and _is_hidden(source, tag)):
            hidden, depth = name, 1
            continue
        if not (name in _VOID and _is_hidden(source, tag)):
            page.open(name, source, tag)
    if not hidden:
        page.write(source, position, len(source))
    return page.text()


def _is_hidden(source: str, tag: Tag) -> bool:
    if tag.attributes_start == tag.attributes_end:
        return False
    return _hides(source[tag.attributes_start : tag.attributes_end])


@lru_cache(maxsize=512)
def _hides(written: str) -> bool:
    """Whether what stands in a tag hides its element."""
    return _HIDING_HINT.search(written) is not None and any(
        attribute.name == "hidden" or (attribute.name == "style" and _HIDDEN.search(attribute.value) is not None)
        for attribute in read_attributes(written)
    )


@lru_cache(maxsize=512)
def _words(written: str) -> str:
    """What a reader sees of what stands between two tags."""
    if "<" in written:
        written = _COMMENT_TEXT.sub("", written)
    return _SPACES.sub(" ", unescape(written))


class _Page:
    """The lines written so far, and what is due before the next word."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.breaks = 0
        self.space = False
        self.links: list[tuple[str, int]] = []
        self.lists: list[int | None] = []

    def write(self, source: str, start: int, end: int) -> None:
        words = _words(source[start:end])
        if words == " " or not words:
            self.space = self.space or words != ""
            return
        self.space = self.space or words[0] == " "
        self.put(words.strip(" "))
        self.space = words[-1] == " "

    def put(self, words: str) -> None:
        if not words:
            return
        if self.breaks:
            self.out.append("\n" * self.breaks if self.out else "")
        elif self.space and self.out and not self.out[-1].endswith(" "):
            self.out.append(" ")
        self.breaks, self.space = 0, False
        self.out.append(words)

    def line(self, breaks: int) -> None:
        self.breaks = max(self.breaks, breaks)
        self.space = False

    def open(self, name: str, source: str, tag: Tag) -> None:
        self._around(name)
        if name == "br":
            self.breaks = min(self.breaks + 1, 2)
            self.space = False
        elif name == "hr":
            self.put("---")
            self.line(2)
        elif name == "img":
            alt = tag.attribute(source, "alt")
            if alt:
                self.put(" ".join(alt.value.split()))
        elif name == "a":
            target = tag.attribute(source, "href")
            self.links.append((target.value.strip() if target else "", len(self.out)))
        elif name in ("ul", "ol"):
            self.lists.append(1 if name == "ol" else None)
        elif name == "li":
            number = self.lists[-1] if self.lists else None
            self.put("  " * min(len(self.lists) - 1, _DEEPEST) + ("- " if number is None else f"{number}. "))
            if number is not None:
                self.lists[-1] = number + 1
        elif name in ("td", "th"):
            self._cell()

    def close(self, name: str) -> None:
        if name == "a" and self.links:
            url, start = self.links.pop()
            label = "".join(self.out[start:]).strip()
            if url.startswith(("http://", "https://", "mailto:", "tel:")) and label != url:
                shown = url.partition(":")[2] if url.startswith(("mailto:", "tel:")) else url
                if shown != label:
                    self.space = bool(label)
                    self.put(f"({shown})" if label else shown)
        elif name in ("ul", "ol") and self.lists:
            self.lists.pop()
        self._around(name)

    def _around(self, name: str) -> None:
        if breaks := _BREAKS_AROUND.get(name):
            # A list inside a list stays together with it.
            self.line(1 if self.lists and name in ("ul", "ol") else breaks)

    def _cell(self) -> None:
        # Two spaces keep the cells of a row apart; a block inside a cell begins a line of its own.
        if self.out and not self.breaks:
            self.out.append("  ")
            self.space = False

    def text(self) -> str:
        lines = "".join(self.out).split("\n")
        return "\n".join(line.rstrip() for line in lines).strip("\n")
