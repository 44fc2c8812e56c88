"""The frame of the pages that a contact sees: no script, nothing from elsewhere, one style in light and dark."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from functions.public.looks import head_of, logo_host, style_of
from postroad.content.brand import PLAIN
from postroad.policy import Policy

Answer = dict[str, Any]

_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  --paper: #fff; --ground: #f4f6fa; --ink: #1c2636; --quiet: #5b6678; --line: #848fa1; --wrong: #b42318;
  --wrong-ground: #fef3f2; --accent: #1f5fbf; --on-accent: #fff; }
@media (prefers-color-scheme: dark) { :root { --paper: #1d2634; --ground: #121822; --ink: #e8ebf1; --quiet: #a5b0c2;
  --line: #6f7d94; --wrong: #ff9d92; --wrong-ground: #3a2023; }
  button:not(.quiet) { border-color: var(--line); } }
*, *::before { box-sizing: border-box; }
body { display: grid; place-items: center; min-height: 100vh; margin: 0; padding: 1.5rem 1rem;
  background: var(--ground); color: var(--ink); }
main { width: 100%; max-width: 27rem; padding: 2rem; border-radius: .875rem; background: var(--paper);
  border-top: .25rem solid var(--accent); box-shadow: 0 1px 2px rgb(0 0 0 / .06), 0 8px 24px rgb(0 0 0 / .08); }
main.wide { max-width: 32rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1rem; margin: 0 0 .25rem; }
p { margin: 0 0 1rem; }
.brand { margin: 0 0 1.25rem; font-size: .875rem; font-weight: 600; color: var(--quiet); }
.logo { display: block; max-width: 100%; height: auto; padding: .375rem .5rem; border-radius: .375rem; }
.quiet, .hint { color: var(--quiet); font-size: .875rem; }
.field { margin: 0 0 1.125rem; }
.field > label, legend { display: block; font-weight: 600; margin: 0 0 .25rem; padding: 0; }
.field > label span { font-weight: 400; color: var(--quiet); font-size: .875rem; }
.hint { margin: 0 0 .375rem; }
input, select, textarea { font: inherit; color: inherit; width: 100%; padding: .625rem .75rem; border-radius: .5rem;
  border: 1px solid var(--line); background: var(--paper); }
textarea { min-height: 7rem; resize: vertical; }
.tick { display: grid; grid-template-columns: auto 1fr; gap: .625rem; align-items: start; }
.tick input { width: 1.125rem; height: 1.125rem; margin: .2rem 0 0; accent-color: var(--accent); }
.tick label { font-weight: 400; }
:is(input, select, textarea)[aria-invalid] { border-color: var(--wrong); border-width: 2px; }
.wrong { color: var(--wrong); margin: .25rem 0 0; font-size: .9375rem; }
.summary { border-left: .25rem solid var(--wrong); background: var(--wrong-ground); padding: .75rem 1rem;
  border-radius: .25rem .5rem .5rem .25rem; margin: 0 0 1.25rem; }
fieldset { border: 0; padding: 0; }
.field .tick { margin: .375rem 0 0; }
.done { border-left: .25rem solid var(--accent); padding: .5rem .875rem; background: var(--ground); }
.summary ul { margin: 0; padding-left: 1.125rem; }
.summary p { margin: 0; }
.summary a { color: inherit; }
button { font: inherit; font-weight: 600; padding: .7rem 1rem; border-radius: .5rem; border: 1px solid transparent;
  cursor: pointer; background: var(--accent); color: var(--on-accent); width: 100%; margin-top: .75rem; }
button:hover { filter: brightness(1.1); }
button.quiet { background: transparent; color: inherit; border-color: var(--line); font-size: 1rem; }
:focus-visible { outline: 3px solid color-mix(in srgb, var(--accent) 55%, var(--ink)); outline-offset: 2px; }
.trap { position: absolute; left: -99rem; width: 1px; height: 1px; overflow: hidden; }
.foot { margin: 1.25rem 0 0; font-size: .875rem; color: var(--quiet); }
.foot a { color: inherit; }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main{kind}>
{brand}<h1>{heading}</h1>
{body}
</main>
</body>
</html>
"""


def page(
    status: int,
    title: str,
    body: str,
    *,
    policy: Policy | None = None,
    color: str = "",
    wide: bool = False,
    leads_to: Iterable[str] = (),
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """A page in the looks of the policy's brand. `title` is text, `body` is HTML; `color` is the accent in the place of
    the brand's, `leads_to` are the hosts to which a form on it may lead."""
    brand, name = (policy.brand, policy.name) if policy else (PLAIN, "")
    style = _STYLE + style_of(brand, color)
    pictures = f" img-src {host};" if (host := logo_host(brand)) else ""
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    targets = " ".join(("'self'", *(f"https://{host} http://{host}" for host in leads_to)))
    return {
        "statusCode": status,
        "headers": {
            "content-type": "text/html; charset=utf-8",
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
            "content-security-policy": f"default-src 'none'; style-src 'sha256-{digest}';{pictures}"
            f" form-action {targets}; base-uri 'none'; frame-ancestors 'none'",
            **(headers or {}),
        },
        "body": _PAGE.format(
            title=escape(f"{title} | {name}" if name else title),
            style=style,
            kind=' class="wide"' if wide else "",
            brand=head_of(brand, name),
            heading=escape(title),
            body=body,
        ),
    }
