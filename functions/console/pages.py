"""Pages from templates: the frame with its menu, what every template may use, and pages that say what went wrong."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from functions.console import assets, telling, words
from functions.console.requests import Request
from functions.console.responses import Response, html
from postroad.content.markup import tags
from postroad.local_time import find_zone
from postroad_aws import books
from postroad_aws.settings import settings

# No inline script or style, nothing from another host; a form may lead on to the sign-in page, which signs out.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{pictures}; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'{sign_in}; base-uri 'none'; frame-ancestors 'none'"
)

# A mail as its reader sees it: nothing runs, nothing is fetched, and only our own page may frame it.
_MAIL_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)

TEMPLATES = Path(__file__).with_name("templates")


class Item(NamedTuple):
    """One entry of the menu."""

    title: str
    icon: str
    path: str


MENU = (
    Item("Home", "home", "/console"),
    Item("Contacts", "users", "/console/contacts"),
    Item("Leads", "trending-up", "/console/leads"),
    Item("Tasks", "circle-check", "/console/tasks"),
    Item("Accounts", "id", "/console/accounts"),
    Item("Segments", "users-group", "/console/segments"),
    Item("Life cycle", "filter", "/console/lifecycle"),
    Item("Scores", "temperature", "/console/scores"),
    Item("Journeys", "route", "/console/journeys"),
    Item("Broadcasts", "speakerphone", "/console/broadcasts"),
    Item("Templates", "edit", "/console/templates"),
    Item("Products", "shopping-cart", "/console/products"),
    Item("Messages", "mail", "/console/messages"),
    Item("Deliverability", "send", "/console/deliverability"),
    Item("Quarantine", "shield-check", "/console/quarantine"),
    Item("Privacy", "lock", "/console/privacy"),
)

_TITLES = {
    400: "That was not understood",
    401: "Your session is over",
    403: "You may not do this",
    404: "Nothing is here",
    405: "This page does not do that",
    409: "Somebody else was faster",
    413: "This is too large",
    422: "This cannot be saved",
    500: "This did not work",
    503: "Not set up yet",
}


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    fragment: str | None = None,
    pictures: Iterable[str] = (),
    **values: Any,
) -> Response:
    """A template as a page. When htmx asks for a part, and `fragment` names a block, that block alone. `pictures` are
    the addresses of those that the page may show from other hosts."""
    found = _environment().get_template(template)
    context = found.new_context({**_common(request), **values})
    blocks = found.blocks[fragment](context) if fragment and request.is_fragment else found.root_render_func(context)
    return html("".join(blocks), _policy(pictures), status)


def part(request: Request, template: str, block: str, **values: Any) -> Response:
    """One block of a template, whoever asks: for addresses that only ever answer htmx."""
    found = _environment().get_template(template)
    context = found.new_context({**_common(request), **values})
    return html("".join(found.blocks[block](context)), _policy())


def preview_of(mail: str) -> Response:
    """A mail's own HTML, to be shown in a frame; grey stands in the place of pictures of other hosts."""
    return html(_hold_pictures(mail), _MAIL_POLICY)


_GREY = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 4 1' preserveAspectRatio='none'%3E"
    "%3Crect width='4' height='1' fill='%23d5dae1'/%3E%3C/svg%3E"
)


def _hold_pictures(mail: str) -> str:
    parts, at = [], 0
    for tag in tags(mail):
        if tag.name != "img" or tag.closing:
            continue
        for each in tag.attributes(mail):
            if each.name in ("src", "srcset") and not each.value.startswith("data:"):
                parts += [mail[at : each.start], f'"{_GREY}"']
                at = each.end
    return "".join([*parts, mail[at:]])


def problem(request: Request, status: int, sentence: str) -> Response:
    """A page that says what is wrong and how to go on; for htmx, the sentence alone."""
    values: dict[str, Any] = {"title": _TITLES.get(status, _TITLES[500]), "sentence": sentence, "code": status}
    return page(request, "problem.html", status=status, fragment="content", **values)


def _common(request: Request) -> dict[str, Any]:
    """What every template may use beside its own values."""
    signed_in = request.session is not None
    policy = books.current_policy() if signed_in else None
    zone = find_zone(policy.timezone if policy else "UTC") or find_zone("UTC")
    assert zone is not None
    return {
        "request": request,
        "session": request.session,
        "now": request.now,
        "zone": zone,
        "account": policy.name if policy else "",
        "menu": [(item, _is_open(item.path, request.path)) for item in MENU],
        "links": parse_links(settings().console_links),
        "ago": lambda time: words.relative(time, request.now),
        "at": lambda time: words.absolute(time, zone),
        "day": lambda time: words.day(time, zone),
        "said": lambda text: words.local(telling.mention(text, books.current()), zone),
    }


def _is_open(path: str, current: str) -> bool:
    return current == path or (path != "/console" and current.startswith(path + "/"))


def parse_links(text: str) -> list[tuple[str, str]]:
    """(title, address) of links written as `Shop=https://shop.example, Desk=/desk`; what is no link is left out."""
    pairs = (part.partition("=") for part in text.split(","))
    found = [(title.strip(), address.strip()) for title, _, address in pairs]
    return [(title, address) for title, address in found if title and _is_address(address)]


def _is_address(text: str) -> bool:
    return text.startswith(("https://", "http://")) or (text.startswith("/") and not text.startswith("//"))


def _policy(pictures: Iterable[str] = ()) -> str:
    address = urlsplit(settings().sign_in_url)
    hosts = sorted({urlsplit(each).netloc for each in pictures})
    return _POLICY.format(
        sign_in=f" {address.scheme}://{address.netloc}" if address.netloc else "",
        pictures="".join(f" https://{host}" for host in hosts if _HOST.fullmatch(host)),
    )


# What may stand in a policy: no sign that would end the directive.
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::\d{1,5})?")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(asset=assets.url, icon=_icon)
    environment.filters.update(
        label=words.label,
        machine=words.machine,
        number=words.number,
        person=words.person,
        sentence=words.sentence,
        value=words.value,
        path=lambda text: quote(str(text), safe=""),
    )
    environment.globals.update(percent=words.percent, plural=words.plural)
    return environment


def _icon(name: str, kind: str = "") -> Markup:
    """One of `assets/icons.txt`; a picture beside a word, so nothing for a screen reader."""
    markup = '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"/></svg>'
    return Markup(markup).format(kind, assets.url("icons.svg"), name)


def compile_all() -> Mapping[str, Any]:
    """Every template, compiled; for tests."""
    return {name: _environment().get_template(name) for name in _environment().list_templates(extensions=["html"])}
