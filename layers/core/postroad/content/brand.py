"""The brand kit: how mails look and how they end, said once in the policy."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from postroad.documents import Reader, form

MOST_LINKS = 10
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_FONTS = re.compile(r"[A-Za-z0-9 ,'-]+")
_URL = re.compile(r"https://[^\s\"'<>{}|\\^`]+")


@form({"type": "string", "pattern": f"^{_COLOR.pattern}$"})
def parse_color(raw: object) -> str:
    """A color of six digits. Raises ValueError with a sentence."""
    if not isinstance(raw, str) or not _COLOR.fullmatch(raw):
        raise ValueError("must be a color such as '#1f3b4d', in quotes")
    return raw.lower()


@form({"type": "string", "pattern": f"^{_URL.pattern}$", "maxLength": 1_000})
def parse_url(raw: object) -> str:
    """An address that begins with https. Raises ValueError with a sentence."""
    if not isinstance(raw, str) or len(raw) > 1_000 or not _URL.fullmatch(raw):
        raise ValueError("must be an address such as https://example.com/logo.png")
    return raw


@form({"type": "string", "pattern": f"^{_FONTS.pattern}$", "maxLength": 200})
def _parse_fonts(raw: object) -> str:
    if not isinstance(raw, str) or len(raw) > 200 or not _FONTS.fullmatch(raw):
        raise ValueError("must name fonts such as Georgia, 'Times New Roman', serif")
    return raw


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colors of six digits (WCAG 2.2), from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    channels = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


class Logo(NamedTuple):
    """The picture at the head of a mail; `width` in pixels, `link` where a click on it leads."""

    url: str
    alt: str
    width: int
    link: str = ""


class SocialLink(NamedTuple):
    """Where else the brand is found."""

    name: str
    url: str


# What a color is for, and what it is when the brand says nothing.
COLORS = {
    "primary": "#1f5fbf",
    "on_primary": "#ffffff",
    "text": "#222222",
    "muted": "#6b6b6b",
    "background": "#f4f4f5",
    "surface": "#ffffff",
}
FONTS = {"heading": "Helvetica, Arial, sans-serif", "body": "Helvetica, Arial, sans-serif"}


@dataclass(frozen=True, slots=True)
class Brand:
    """How the account's mails look. `colors` and `fonts` have every key of COLORS and FONTS; `corners` in pixels.

    `tone` is a sentence that writers are shown; `footer` stands above the postal address.
    """

    logo: Logo | None = None
    colors: dict[str, str] = field(default_factory=lambda: dict(COLORS))
    fonts: dict[str, str] = field(default_factory=lambda: dict(FONTS))
    corners: int = 4
    tone: str = ""
    footer: str = ""
    social: tuple[SocialLink, ...] = ()


PLAIN = Brand()


def read_brand(reader: Reader) -> Brand:
    """The brand in the key `brand` of a policy; a plain one when there is none."""
    brand = reader.find_child("brand")
    if brand is None:
        return PLAIN
    logo, colors, fonts = brand.find_child("logo"), brand.find_child("colors"), brand.find_child("fonts")
    links = brand.children("social", least=0, most=MOST_LINKS)
    return Brand(
        _read_logo(logo) if logo else None,
        {key: colors.read(key, parse_color, usual, usual) for key, usual in COLORS.items()} if colors else dict(COLORS),
        {key: fonts.read(key, _parse_fonts, usual, usual) for key, usual in FONTS.items()} if fonts else dict(FONTS),
        brand.integer("corners", 4, least=0, most=40),
        brand.text("tone", ""),
        brand.text("footer", "", longest=1_000),
        tuple(SocialLink(link.text("name", longest=40), link.read("url", parse_url, "")) for link in links),
    )


def _read_logo(logo: Reader) -> Logo:
    return Logo(
        logo.read("url", parse_url, ""),
        logo.text("alt", longest=200),
        logo.integer("width", 140, least=16, most=600),
        logo.read("link", parse_url, "", ""),
    )
