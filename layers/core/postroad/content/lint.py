"""The look at a mail before anybody gets it: what makes filters and people take it for spam, what the law asks for,
and what is simply broken. Each finding says where it is, and how to mend it.

A rule is one entry of `RULES`. It reads a template as its author wrote it, with the placeholders taken out: what a
value will say nobody knows yet. The policy says of each rule whether it warns, blocks or is off (`strictness`). The
limits are conventions: they stand beside the rules, with their reasons.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple
from unicodedata import normalize

from postroad.content.links import target_is_safe
from postroad.content.markup import Tag, html_to_text, tags
from postroad.content.strictness import BLOCK, OFF, USUAL, WARN, Strictness
from postroad.sending.sms import STOP, classify_reply, find_foreign, segments

# What stands in the place of a value of the person's, of one that is the same for everybody, of the link by which one
# unsubscribes, and of the account's postal address. None of them is a letter.
_VALUE, _SHARED, _UNSUBSCRIBE, _POSTAL = _MARKS = ("\ufffc", "\ufffb", "\ufffd", "\ufffa")
_PLACEHOLDER = re.compile(
    r"\{%-?\s*raw\s*-?%\}(?P<raw>.*?)\{%-?\s*endraw\s*-?%\}|\{\{(?P<printed>.*?)\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL
)

# What looks like spam is worth so many points each, and one rule at most so many.
POINTS, MOST_POINTS = 5, 20
# What is looked at, by channel.
EMAIL, SMS, PUSH = "email", "sms", "push"
_PARTS = {EMAIL: ("subject", "preheader", "html"), SMS: ("text",), PUSH: ("title", "text")}
LOOKED_AT = tuple(_PARTS)


class Finding(NamedTuple):
    """What a rule found: at which path of the template, on which line of it (None: in the whole part). `evidence` is
    what stands there, by which the place is found again in what the part was made of."""

    rule: str
    level: str
    path: str
    line: int | None
    problem: str
    mend: str
    evidence: str = ""

    @property
    def blocks(self) -> bool:
        """Whether the mail cannot be published with it."""
        return self.level == BLOCK

    def describe(self) -> str:
        """Where it is within its part, what it is, and how to mend it."""
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.problem}. {self.mend}"


@dataclass(frozen=True, slots=True)
class Report:
    """What the look came to: findings, those that block first, and the points of each rule that tells spam."""

    findings: tuple[Finding, ...] = ()
    scores: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How much it looks like spam, out of 100."""
        return sum(self.scores.values())


def join_reports(reports: Mapping[str, Report]) -> Report:
    """The reports on what is written in several languages, each under the beginning of its path. The scores are those
    of the one that looks most like spam."""
    findings = (each._replace(path=start + each.path) for start, report in reports.items() for each in report.findings)
    worst = max(reports.values(), key=lambda report: report.total)
    return Report(tuple(sorted(findings, key=lambda finding: not finding.blocks)), worst.scores)


def place_in_source(report: Report, document: Mapping[str, Any]) -> Report:
    """The report on a mail that was built, with places in what it was made of: a block, or the whole MJML."""
    source = next((key for key in ("blocks", "mjml") if document.get(key) is not None), None)
    if source is None:
        return report
    blocks = document[source] if source == "blocks" else ()

    def place(each: Finding) -> Finding:
        if each.path != "html":
            return each
        where = [number for number, block in enumerate(blocks) if each.evidence and each.evidence in str(block)]
        return each._replace(path=f"blocks[{where[0]}]" if where else source, line=None)

    return Report(tuple(map(place, report.findings)), report.scores)


class Hit(NamedTuple):
    """What a check found, before the rule's name is put to it; `times` is how often. `evidence` is what stands in the
    source there, by which its place in another source is found."""

    part: str
    line: int | None
    problem: str
    times: int = 1
    evidence: str = ""


class Link(NamedTuple):
    """A link of the HTML: where it leads, and where it stands."""

    target: str
    start: int
    line: int

    @property
    def leads_on(self) -> bool:
        """Whether it is one that the message wants people to follow."""
        return _UNSUBSCRIBE not in self.target and not self.target.startswith("#")


@dataclass(frozen=True)
class Mail:
    """A mail's template as the rules read it. `is_marketing` says that its topic is not for what somebody asked for,
    `bare` by part which values it prints without a fallback, `pushes_early` that it pushes for a sale at the first
    stage of the life cycle. Of a text or a push there are `title` and `text`; `brand` is the account's name."""

    subject: str
    preheader: str
    html: str
    is_marketing: bool
    source: Mapping[str, str] = field(default_factory=dict)
    bare: Mapping[str, frozenset[str]] = field(default_factory=dict)
    pushes_early: bool = False
    channel: str = EMAIL
    title: str = ""
    text: str = ""
    brand: str = ""

    @cached_property
    def body(self) -> str:
        """What a reader sees, without the addresses of links."""
        return _read(self.html)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        found = []
        for tag in tags(self.html):
            href = tag.attribute(self.html, "href") if tag.name in ("a", "area") and not tag.closing else None
            if href is not None:
                found.append(Link(href.value.strip(), tag.start, line_of(self.html, tag.start)))
        return tuple(found)


def read_mail(
    source: Mapping[str, str],
    *,
    is_marketing: bool,
    bare: Mapping[str, frozenset[str]] = {},
    pushes_early: bool = False,
    channel: str = EMAIL,
    brand: str = "",
) -> Mail:
    """The message of a template's parts, as they are written there."""
    parts = {part: _take_out(source.get(part, "")) for part in _PARTS[channel]}
    said = {"subject": "", "preheader": "", "html": "", **parts}
    return Mail(
        **said,
        is_marketing=is_marketing,
        source=source,
        bare=bare,
        pushes_early=pushes_early,
        channel=channel,
        brand=brand,
    )


def look_at(mail: Mail, strictness: Strictness = USUAL) -> Report:
    """What the rules say of a mail."""
    findings: list[Finding] = []
    scores: dict[str, int] = {}
    for rule in (rule for rule in RULES.values() if rule.channel == mail.channel):
        level = rule.level if rule.is_law else strictness.levels.get(rule.key, rule.level)
        hits = list(rule.check(mail)) if level != OFF else []
        findings += [Finding(rule.key, level, hit.part, hit.line, hit.problem, rule.mend, hit.evidence) for hit in hits]
        if rule.tells_spam:
            scores[rule.key] = min(MOST_POINTS, POINTS * sum(hit.times for hit in hits))
    report = Report(tuple(findings), scores)
    if report.total >= strictness.block_at:
        problem = (
            f"it looks like spam: {report.total} of 100 points, and the policy blocks from {strictness.block_at} on"
        )
        findings.append(Finding(SPAM, BLOCK, "", None, problem, "Mend what is found below until there are fewer."))
    # Sorting keeps the order of the table among those of one level.
    return Report(tuple(sorted(findings, key=lambda finding: not finding.blocks)), scores)


def find_misnamed(strictness: Strictness) -> list[tuple[str, str]]:
    """(rule, sentence) for each level that the policy cannot give."""
    wrong = []
    for key, level in strictness.levels.items():
        if key not in RULES:
            wrong.append((key, f"there is no such rule; there are {', '.join(RULES)}"))
        elif RULES[key].is_law and level != RULES[key].level:
            wrong.append((key, f"the law asks for it, so it always blocks; {level} is no choice"))
    return wrong


def line_of(text: str, offset: int) -> int:
    """The line, counted from one, on which a position stands."""
    return text.count("\n", 0, offset) + 1


def _read(html: str) -> str:
    return _ADDRESS.sub("", html_to_text(html))


def _take_out(source: str) -> str:
    """The source without its placeholders. Lines stay where they are."""

    def mark(found: re.Match[str]) -> str:
        if found["raw"] is not None:
            return found["raw"]
        lines = "\n" * found[0].count("\n")
        if found["printed"] is None:
            return lines
        printed = found["printed"].strip(" \t\r\n-")
        root = re.split(r"\W", printed, maxsplit=1)[0]
        if printed.startswith("account.postal_address"):
            return _POSTAL + lines
        # A filter could make another address of it.
        return _UNSUBSCRIBE + lines if printed == "unsubscribe_url" else {"account": _SHARED}.get(root, _VALUE) + lines

    return _PLACEHOLDER.sub(mark, source)


# ------------------------------------------------------------------------------------------------------------ looking


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"[^\W\d_](?:[\w'\u2019-]*[^\W_])?")
_ADDRESS = re.compile(r"\((?:https?://|[+\d])[^)\s]*\)|https?://\S+")
# From so many letters on a word in capitals is no abbreviation.
_SHOUTED = 5
_SIGNS = re.compile(r"[!?]{2,}|[$€£]{2,}|[*#=~_]{4,}")
_EMOJI = re.compile(r"[\u2600-\u27bf\U0001f300-\U0001faff]")
MOST_EMOJI = 2
MOST_LINKS = 15
WORDS_TO_A_LINK = 20
# A short mail may be links for the most part: a confirmation, a menu.
LINKS_OF_A_SHORT_MAIL = 5
# Most phones show some 40 characters of a subject, most programs 60.
LONGEST_SUBJECT = 60
# Two minutes of reading.
LONGEST_BODY = 400
# Of what is read on a phone without scrolling, and a little more.
LATEST_LINK = 150
# Gmail cuts a mail off at about 102 KB, with the unsubscribe link; links grow when they are made to count clicks.
LARGEST = 90 * 1024
FEWEST_WORDS_BESIDE_PICTURES = 20

# "Re:" and "Fwd:" as the mail programs of many countries write them.
_REPLY = re.compile(
    r"[\s\[]*(?:re|fwd?|aw|antw|wg|tr|rv|rif|sv|vs|vb|odp|ynt|回复|答复|转发)(?:\[\d+\]|\])?\s*[:\]]", re.IGNORECASE
)
# What nobody sees in a text.
_UNSEEN = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff]")

# Phrases that filters have learned from spam, in English. One may stand in any mail; several together are a pattern.
TRIGGERS = (
    "100% free", "act now", "as seen on", "be your own boss", "best price", "buy now", "cash bonus", "click here",
    "congratulations", "credit card required", "dear friend", "double your", "earn extra", "eliminate debt",
    "exclusive deal", "extra income", "fast cash", "financial freedom", "free access", "free gift", "free money",
    "get paid", "guaranteed", "hurry", "increase sales", "instant access", "last chance", "limited time",
    "lose weight", "lowest price", "make money", "miracle", "money back", "no catch", "no cost", "no obligation",
    "no strings attached", "not spam", "offer expires", "once in a lifetime", "only today", "order now",
    "risk free", "risk-free", "satisfaction guaranteed", "special promotion", "this is not spam", "urgent",
    "while supplies last", "winner", "you have been selected", "you won",
)  # fmt: skip
_TRIGGER = re.compile(r"\b(?:" + "|".join(map(re.escape, TRIGGERS)) + r")\b", re.IGNORECASE)
MOST_TRIGGERS = 2

# Words that promise nothing, so that a subject may have them without the body.
_EMPTY_WORDS = _words(
    """about after again also always and another any are back been before being best both but can come could dear did do
    does don't each even every few first for from get give good great has have hello her here him his hi how into its
    just know last let like little look made make many more most much need never new next not now off one only open our
    out over own please ready really say see she should some still take tell than thank thanks that the their them then
    there these they thing things this those three time today tomorrow too two under use very want was way week welcome
    well were what when where which while who why will with without word would year yes you your yours"""
)
# A word is found again when it begins alike, so that "grinders" answers "grinder".
_STEM = 5

_COLOUR = re.compile(r"(?<![-\w])color\s*:\s*(?P<value>[^;\"'}]+)", re.IGNORECASE)
_HEX = re.compile(r"#(?:(?P<long>[0-9a-f]{6})|(?P<short>[0-9a-f]{3}))(?![0-9a-f])", re.IGNORECASE)
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})\s*[, ]\s*(\d{1,3})\s*[, ]\s*(\d{1,3})", re.IGNORECASE)
_RED_NAMES = frozenset(("red", "crimson", "firebrick", "darkred", "orangered", "tomato"))
# What mail programs take out.
_DROPPED = {"form": "forms", "iframe": "frames", "object": "embedded objects", "embed": "plug-ins"}


def _is_red(colour: str) -> bool:
    colour = colour.strip().lower().removesuffix("!important").strip()
    if colour in _RED_NAMES:
        return True
    if found := _HEX.match(colour):
        digits = found["long"] or "".join(2 * digit for digit in found["short"])
        red, green, blue = (int(digits[at : at + 2], 16) for at in (0, 2, 4))
    elif found := _RGB.match(colour):
        red, green, blue = (int(each) for each in found.groups())
    else:
        return False
    return red >= 160 and red > 2.2 * max(green, blue)


def _list(words: list[str]) -> str:
    shown = ", ".join(dict.fromkeys(words[:5]))
    return shown + (f" and {len(words) - 5} more" if len(words) > 5 else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _find_capitals(mail: Mail) -> Iterator[Hit]:
    for part, text, allowed in (
        ("subject", mail.subject, 0),
        ("preheader", mail.preheader, 0),
        ("html", mail.body, 2),
    ):
        shouted = [word for word in _WORD.findall(text) if len(word) >= _SHOUTED and word.isupper() and word.isalpha()]
        if len(shouted) > allowed:
            yield Hit(part, None, f"{_count(len(shouted), 'word')} in capitals: {_list(shouted)}", len(shouted))


def _find_symbols(mail: Mail) -> Iterator[Hit]:
    for part, text in (("subject", mail.subject), ("preheader", mail.preheader), ("html", mail.body)):
        runs = [found[0] for found in _SIGNS.finditer(text)]
        if runs:
            yield Hit(part, None, f"signs in a row: {_list(runs)}", len(runs))
        elif part == "subject" and text.count("!") > 1:
            yield Hit(part, None, f"{text.count('!')} exclamation marks")
        if part == "subject" and len(_EMOJI.findall(text)) > MOST_EMOJI:
            yield Hit(part, None, f"{len(_EMOJI.findall(text))} pictures in one line")


def _find_red(mail: Mail) -> Iterator[Hit]:
    for tag in tags(mail.html):
        for attribute in tag.attributes(mail.html):
            colours = [attribute.value] if (tag.name, attribute.name) == ("font", "color") else []
            if attribute.name == "style":
                colours = [found["value"] for found in _COLOUR.finditer(attribute.value)]
            if any(map(_is_red, colours)):
                yield Hit("html", line_of(mail.html, tag.start), "red letters")


def _find_many_links(mail: Mail) -> Iterator[Hit]:
    links = [link for link in mail.links if link.leads_on]
    words = len(_WORD.findall(mail.body))
    if len(links) > MOST_LINKS:
        problem = f"{len(links)} links; more than {MOST_LINKS} look like a list of bait"
        yield Hit("html", None, problem, len(links) - MOST_LINKS)
    elif len(links) > (most := max(LINKS_OF_A_SHORT_MAIL, words // WORDS_TO_A_LINK)):
        yield Hit("html", None, f"{len(links)} links in {_count(words, 'word')}", len(links) - most)


def _find_triggers(mail: Mail) -> Iterator[Hit]:
    for part, text, most in (("subject", mail.subject, 0), ("html", mail.body, MOST_TRIGGERS)):
        found = [match[0].lower() for match in _TRIGGER.finditer(text)]
        if len(found) > most:
            yield Hit(part, None, f"words that spam is known by: {_list(found)}", len(found))


def _find_false_reply(mail: Mail) -> Iterator[Hit]:
    if _REPLY.match(_UNSEEN.sub("", normalize("NFKC", mail.subject))):
        yield Hit("subject", None, "it looks like the answer to a mail that nobody has written")


def _find_empty_promise(mail: Mail) -> Iterator[Hit]:
    promised = [
        word
        for word in map(str.lower, _WORD.findall(mail.subject))
        if len(word) >= 4 and word not in _EMPTY_WORDS and _VALUE not in word
    ]
    stems = {word[:_STEM] for word in map(str.lower, _WORD.findall(mail.body))}
    pictures = {
        word[:_STEM]
        for tag in tags(mail.html)
        if tag.name == "img" and (alt := tag.attribute(mail.html, "alt"))
        for word in map(str.lower, _WORD.findall(alt.value))
    }
    if promised and _VALUE not in mail.body and not any(word[:_STEM] in stems | pictures for word in promised):
        yield Hit("subject", None, f"nothing in the mail speaks of {_list(promised)}")


def _find_long_subject(mail: Mail) -> Iterator[Hit]:
    if len(mail.subject) > LONGEST_SUBJECT:
        yield Hit("subject", None, f"{len(mail.subject)} characters, of which most programs show {LONGEST_SUBJECT}")


def _find_no_preheader(mail: Mail) -> Iterator[Hit]:
    if not mail.preheader.strip():
        yield Hit("preheader", None, "there is none, so inboxes show how the mail happens to begin")


def _find_long_body(mail: Mail) -> Iterator[Hit]:
    words = len(_WORD.findall(mail.body))
    if words > LONGEST_BODY:
        yield Hit("html", None, f"{words} words; few people read more than {LONGEST_BODY}")


def _find_no_call(mail: Mail) -> Iterator[Hit]:
    if not mail.is_marketing:
        return
    first = next((link for link in mail.links if link.leads_on), None)
    if first is None:
        yield Hit("html", None, "it asks for nothing: there is no link to follow")
        return
    before = len(_WORD.findall(_read(mail.html[: first.start])))
    if before > LATEST_LINK:
        yield Hit("html", first.line, f"the first link comes after {before} words")


def _find_no_postal_address(mail: Mail) -> Iterator[Hit]:
    if mail.is_marketing and _POSTAL not in html_to_text(_PICTURE_TEXT.sub("", mail.html)):
        yield Hit("html", None, "the sender's postal address is missing, which the law asks for in marketing mail")


def _find_no_unsubscribe(mail: Mail) -> Iterator[Hit]:
    if mail.is_marketing and f"({_WAY_OUT})" not in html_to_text(mail.html.replace(_UNSUBSCRIBE, _WAY_OUT)):
        yield Hit("html", None, "there is no link to unsubscribe by")


# An address that stands for the link to unsubscribe by: the text of a mail shows it behind the link's words.
_WAY_OUT = "https://unsubscribe.invalid/"
# What is only shown in the place of a picture is not always seen.
_PICTURE_TEXT = re.compile(r"""\balt\s*=\s*(?:"[^"]*"|'[^']*')""", re.IGNORECASE)


def _find_no_way_out_of_text(mail: Mail) -> Iterator[Hit]:
    own = mail.source.get("text", "")
    if mail.is_marketing and own and _UNSUBSCRIBE not in _take_out(own):
        yield Hit("text", None, "who reads it as plain text finds no address to unsubscribe at")


def _find_missing_variables(mail: Mail) -> Iterator[Hit]:
    for part, names in mail.bare.items():
        for name in sorted(names):
            if not name.startswith(_ALWAYS_THERE):
                line = _line_of_value(mail.source.get(part, ""), name)
                yield Hit(part, line, f"nothing stands in for {name} where it is unknown", evidence=name)


# What every mail has.
_ALWAYS_THERE = ("account.", "message.", "coupon.", "unsubscribe_url", "preferences_url", "confirm_url", "topics")


def _printed(source: str) -> Iterator[re.Match[str]]:
    return (found for found in _PLACEHOLDER.finditer(source) if found["printed"] is not None)


def _line_of_value(source: str, name: str) -> int | None:
    wanted = re.compile(rf"\b{re.escape(name)}\b")
    return next((line_of(source, found.start()) for found in _printed(source) if wanted.search(found[0])), None)


def _find_broken_links(mail: Mail) -> Iterator[Hit]:
    anchors = {
        anchor.value
        for tag in tags(mail.html)
        for name in ("id", "name")
        if (anchor := tag.attribute(mail.html, name)) and anchor.value
    }
    for link in mail.links:
        target = link.target
        if any(mark in target for mark in _MARKS):
            continue
        if target.startswith("#") and target[1:] in anchors:
            continue
        if target.lower().startswith(("mailto:", "tel:", "sms:")) and len(target.partition(":")[2]) > 2:
            continue
        if not target_is_safe(target) or _AT_HOME.match(target):
            shown = f"'{target[:60]}'" if target else "an empty one"
            yield Hit("html", link.line, f"a link that leads nowhere: {shown}", evidence=target)
        elif _STAND_IN.match(target):
            yield Hit("html", link.line, f"a link that stands in for another: '{target[:60]}'", evidence=target)


# Where only the author's own network finds something. (A local cloud's own links lead to localhost.)
_AT_HOME = re.compile(
    r"https?://(?:(?!localhost)[^/.:?#]+|[^/?#]+\.(?:local|internal)|(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.[\d.]+)(?=[/:?#]|$)",
    re.I,
)
# Hosts that belong to nobody: somebody wanted to write the real address later.
_STAND_IN = re.compile(
    r"https?://(?:www\.)?(?:example\.(?:com|org|net)|yourdomain\.\w+|your-?site\.\w+)(?=[/:?#]|$)", re.I
)


def _find_plain_links(mail: Mail) -> Iterator[Hit]:
    for link in mail.links:
        if link.target.lower().startswith("http://"):
            yield Hit("html", link.line, "a link that is not encrypted (http)", evidence=link.target)


def _find_size(mail: Mail) -> Iterator[Hit]:
    size = len(mail.html.encode(errors="replace"))
    if size > LARGEST:
        yield Hit("html", None, f"{size / 1024:.0f} KB; Gmail cuts a mail off at about 102 KB")


def _find_blind_pictures(mail: Mail) -> Iterator[Hit]:
    pictures = [tag for tag in tags(mail.html) if tag.name == "img"]
    for tag in pictures:
        if tag.attribute(mail.html, "alt") is None:
            yield Hit("html", line_of(mail.html, tag.start), "a picture without words for whoever does not see it")
    words = len(_WORD.findall(mail.body))
    if pictures and words < FEWEST_WORDS_BESIDE_PICTURES:
        yield Hit("html", None, f"{_count(len(pictures), 'picture')} and only {_count(words, 'word')}")


def _find_unsafe_html(mail: Mail) -> Iterator[Hit]:
    for tag in tags(mail.html):
        if tag.closing:
            continue
        line = line_of(mail.html, tag.start)
        if tag.name == "script":
            yield Hit("html", line, "a script, for which filters throw a mail away", evidence="<script")
        if tag.name == "base" or (tag.name == "meta" and _leads_away(mail.html, tag)):
            yield Hit("html", line, f"a <{tag.name}> that changes where the mail leads", evidence=f"<{tag.name}")
        for attribute in tag.attributes(mail.html):
            if attribute.name.startswith("on") or attribute.name == "srcdoc":
                yield Hit("html", line, f"a script in {attribute.name}", evidence=attribute.name)


def _leads_away(html: str, tag: Tag) -> bool:
    kind = tag.attribute(html, "http-equiv")
    return kind is not None and kind.value.strip().lower() == "refresh"


def _find_dropped(mail: Mail) -> Iterator[Hit]:
    for tag in tags(mail.html):
        if tag.name in _DROPPED and not tag.closing:
            yield Hit("html", line_of(mail.html, tag.start), f"mail programs take {_DROPPED[tag.name]} out")


def _find_early_push(mail: Mail) -> Iterator[Hit]:
    if mail.pushes_early:
        yield Hit("stage", None, "it pushes for a sale, and is for people who have only begun to look")


# ------------------------------------------------------------------------------------------------------------- rules


# The finding that the points come to.
SPAM = "spam"


# A text in many parts costs as much as many texts.
MOST_SEGMENTS = 3
# What phones show of a notification before they cut it off.
LONGEST_TITLE, LONGEST_PUSH = 50, 150


def _find_no_stop(mail: Mail) -> Iterator[Hit]:
    if mail.is_marketing and not any(classify_reply(word) == STOP for word in _WORD.findall(mail.text)):
        yield Hit("text", None, "marketing that does not say how to stop it")


def _find_no_brand(mail: Mail) -> Iterator[Hit]:
    names = [word for word in _WORD.findall(mail.brand.casefold()) if len(word) > 2]
    if mail.is_marketing and _SHARED not in mail.text and not any(each in mail.text.casefold() for each in names):
        yield Hit("text", None, "it does not say who writes")


def _find_many_segments(mail: Mail) -> Iterator[Hit]:
    found = segments(_blank(mail.text))
    if found.count > MOST_SEGMENTS:
        yield Hit("text", None, f"it goes in {found.count} parts of {found.encoding}, each of which is paid for")


def _find_foreign_signs(mail: Mail) -> Iterator[Hit]:
    text = _blank(mail.text)
    foreign = find_foreign(text)
    dear, plain = segments(text).count, segments("".join(" " if sign in foreign else sign for sign in text)).count
    if foreign and dear > plain:
        signs = " ".join(dict.fromkeys(foreign))[:40]
        problem = f"for {signs} it goes in {_count(dear, 'part')} and not in {plain}"
        yield Hit("text", line_of(mail.text, mail.text.index(foreign[0])), problem, evidence=foreign[0])


def _find_long_push(mail: Mail) -> Iterator[Hit]:
    for part, text, most in (("title", mail.title, LONGEST_TITLE), ("text", mail.text, LONGEST_PUSH)):
        if len(_blank(text)) > most:
            yield Hit(part, None, f"{len(_blank(text))} characters; most phones show about {most}")


def _blank(text: str) -> str:
    return "".join(sign for sign in text if sign not in _MARKS)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to look for: `level` is what it does unless the policy says otherwise; what `is_law` always blocks.
    Of what `tells_spam` points are counted."""

    key: str
    level: str
    description: str
    check: Callable[[Mail], Iterator[Hit]]
    mend: str
    is_law: bool = False
    tells_spam: bool = False
    channel: str = EMAIL


RULES: Mapping[str, Rule] = {
    rule.key: rule
    for rule in (
        Rule("unsubscribe", BLOCK, "marketing without a link to unsubscribe by", _find_no_unsubscribe,
             'Put <a href="{{ unsubscribe_url }}">Unsubscribe</a> at its end.', is_law=True),
        Rule("postal_address", BLOCK, "marketing without the sender's postal address", _find_no_postal_address,
             "Print {{ account.postal_address }} at its end.", is_law=True),
        Rule("false_reply", BLOCK, "a subject that pretends to be an answer or to be passed on", _find_false_reply,
             "Begin the subject with what the mail is about."),
        Rule("broken_links", BLOCK, "links that lead nowhere", _find_broken_links,
             "Write the whole address, beginning with https://."),
        Rule("unsafe_html", BLOCK, "scripts; addresses that run one are never taken", _find_unsafe_html,
             "Take it out; a link to a page of yours can do the rest."),
        Rule("early_push", BLOCK, "a push for a sale at the first stage of the life cycle", _find_early_push,
             "Say something useful first; leave the push to a message for a later stage."),
        Rule("text_unsubscribe", WARN, "a text part of its own without the way out", _find_no_way_out_of_text,
             "End the text with: Unsubscribe: {{ unsubscribe_url }}."),
        Rule("capitals", WARN, "words in capitals", _find_capitals,
             "Write them small: capitals shout, at people and at filters.", tells_spam=True),
        Rule("symbols", WARN, "rows of signs, several exclamation marks or pictures in the subject", _find_symbols,
             "One sign is enough.", tells_spam=True),
        Rule("red", WARN, "red letters", _find_red,
             "Take the colour of the text around it, or make it bold.", tells_spam=True),
        Rule("links", WARN, "too many links for the words around them", _find_many_links,
             "Leave the one or two that matter.", tells_spam=True),
        Rule("triggers", WARN, "phrases that spam is known by (English)", _find_triggers,
             "Say what it is, with the numbers, in words of your own.", tells_spam=True),
        Rule("promise", WARN, "a subject whose words do not come up in the mail", _find_empty_promise,
             "Let the subject say what the mail says, or the mail keep what the subject promises."),
        Rule("long_subject", WARN, "a subject that is cut off", _find_long_subject,
             "Put what matters into the first 40 characters."),
        Rule("preheader", WARN, "no line for the inbox to show behind the subject", _find_no_preheader,
             "Write a sentence for it: the preheader."),
        Rule("long_body", WARN, "a mail that is too long to be read", _find_long_body,
             "Keep the half that asks for something, and link to the rest."),
        Rule("call", WARN, "nothing to follow, or only after much reading", _find_no_call,
             "Say near the beginning what to do next, with a link."),
        Rule("missing_variables", WARN, "values without a fallback", _find_missing_variables,
             'Give it a fallback: {{ contact.first_name | default("there") }}.'),
        Rule("plain_links", WARN, "links without encryption", _find_plain_links, "Write https://."),
        Rule("size", WARN, "a mail that Gmail cuts off", _find_size, "Take out what repeats, and styles nobody uses."),
        Rule("pictures", WARN, "pictures without words", _find_blind_pictures,
             'Give each picture an alt text (alt="" when it only decorates), and say in words what matters.'),
        Rule("dropped", WARN, "what mail programs take out", _find_dropped, "Link to a page that has it."),
        Rule("sms_stop", WARN, "marketing texts that do not say how to stop them", _find_no_stop,
             "End it with: Reply STOP to end.", channel=SMS),
        Rule("sms_brand", WARN, "marketing texts that do not say who writes", _find_no_brand,
             "Begin it with your name.", channel=SMS),
        Rule("sms_length", WARN, "texts that go in many parts", _find_many_segments,
             "Say it in fewer words; each part is paid for like a text.", channel=SMS),
        Rule("sms_alphabet", WARN, "signs for which a text goes in more parts", _find_foreign_signs,
             "Write plain quotes and dashes, and no pictures.", channel=SMS),
        Rule("push_length", WARN, "pushes that are cut off", _find_long_push,
             "Put what matters first, and the rest behind the tap.", channel=PUSH),
    )
}  # fmt: skip
