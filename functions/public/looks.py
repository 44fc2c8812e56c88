"""How the brand of the policy looks on our own pages: its colours where they can be read, its fonts, its logo."""

import re
from html import escape
from urllib.parse import urlsplit

from postroad.content.brand import PLAIN, Brand, contrast

# WCAG 2.2, success criterion 1.4.3.
_READABLE = 4.5
# What these pages say with colours of their own, and what stands on white in them.
_WRONG = "#b42318"
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::\d{1,5})?")


def style_of(brand: Brand, color: str = "") -> str:
    """The rules that make a page look like the brand; `color` is a button's own, on which white can be read.

    What could not be read is left out: a page without the brand's colours is better than one that says nothing.
    """
    accent = color or (brand.colors["primary"] if brand != PLAIN else "")
    rules = [f":root {{ --accent: {accent}; --on-accent: {_on(accent, brand)}; }}"] if accent else []
    if brand == PLAIN:
        return "\n".join(rules)
    paper, ground, ink, quiet = (brand.colors[key] for key in ("surface", "background", "text", "muted"))
    pairs = ((ink, paper), (ink, ground), (quiet, paper), (_WRONG, paper))
    if all(contrast(*pair) >= _READABLE for pair in pairs):
        named = f"--paper: {paper}; --ground: {ground}; --ink: {ink}; --quiet: {quiet};"
        rules.append(f"@media (prefers-color-scheme: light) {{ :root {{ {named} }} }}")
    rules += [
        f"body {{ font-family: {brand.fonts['body']}; }}",
        f"h1, h2 {{ font-family: {brand.fonts['heading']}; }}",
        f"button, input, select, textarea {{ border-radius: {brand.corners}px; }}",
        # A logo is made for the brand's own ground, whatever the page's is.
        f".logo {{ background: {brand.colors['surface']}; color: {brand.colors['text']}; }}",
    ]
    return "\n".join(rules)


def head_of(brand: Brand, name: str) -> str:
    """The logo, else the name, as HTML."""
    if brand.logo and logo_host(brand):
        logo = brand.logo
        picture = f'<img class="logo" src="{escape(logo.url)}" alt="{escape(logo.alt)}" width="{min(logo.width, 240)}">'
        return f'<p class="brand">{picture}</p>\n'
    return f'<p class="brand">{escape(name)}</p>\n' if name else ""


def logo_host(brand: Brand) -> str:
    """From where the page may fetch the logo; "" when it has none, or one whose host cannot stand in a policy."""
    host = urlsplit(brand.logo.url).netloc if brand.logo else ""
    return f"https://{host}" if _HOST.fullmatch(host) else ""


def _on(accent: str, brand: Brand) -> str:
    """The letters on a button: the brand's, if they can be read, else white or black."""
    wished = [brand.colors["on_primary"]] if accent == brand.colors["primary"] else []
    choices = (*wished, "#ffffff", "#000000")
    return next((each for each in choices if contrast(each, accent) >= _READABLE), "#ffffff")
