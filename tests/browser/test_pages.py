"""Every page that people see: nothing that axe finds in light and in dark, no error, nothing wider than a phone."""

import re
from typing import Any

from functions.console.routes import ROUTES
from functions.console.routing import find_route
from tests.browser.conftest import sign_in

CONSOLE = ("", "/contacts", "/contacts/_import", "/accounts", "/accounts?view=targets", "/accounts/iris-architects",
           "/segments", "/segments/customers", "/journeys", "/journeys/welcome",
           "/journeys/welcome?view=steps", "/journeys/welcome?view=versions", "/journeys/enterprise",
           "/journeys/abandoned-cart", "/journeys/abandoned-cart/edit", "/journeys/abandoned-cart/edit?step=:start",
           "/journeys/enterprise/edit?owner=&arm=&number=0", "/journeys/abandoned-cart/edit?step=reachable",
           "/journeys/welcome/people?at=first-purchase",
           "/journeys/welcome/people?at=again&who=skipped", "/gallery", "/broadcasts", "/broadcasts/_new",
           "/broadcasts/_new?from=gift-boxes", "/broadcasts/gift-boxes", "/broadcasts/gift-boxes/people?who=skipped",
           "/messages", "/messages?from=journey/welcome", "/messages?from=broadcast/harvest&who=skipped",
           "/leads", "/leads?at=segment/hot-leads", "/leads?at=stage/customer", "/tasks", "/tasks?view=free",
           "/segments?view=drafts", "/segments/_new", "/segments/customers/edit",
           "/templates", "/templates/_new", "/templates/_new?channel=sms", "/templates/welcome",
           "/templates/welcome/edit", "/templates/_blocks",
           "/lifecycle", "/lifecycle/people?at=stage/customer", "/scores",
           "/scores/engagement", "/products", "/products/_new", "/products/_import",
           "/deliverability", "/quarantine", "/privacy", "/nowhere")  # fmt: skip
# Lists, and the first thing in each.
FIRST = {"/contacts": "main a.who", "/messages?from=journey/welcome": "main tbody a[href*='/console/messages/']",
         "/gallery": "main a[href^='/console/gallery/']",
         "/tasks": "main tbody a[href^='/console/tasks/']"}  # fmt: skip
# Parts of pages, and the form that "_new" shows as well.
PARTS = {"/console/tour", "/console/demo", "/console/journeys/{journey_id}/why",
         "/console/messages/{message_id}/preview", "/console/broadcasts/_audience", "/console/broadcasts/_mix",
         "/console/broadcasts/{broadcast_id}/preview", "/console/broadcasts/{broadcast_id}/edit",
         "/console/leads.csv", "/console/templates/{template_id}/preview",
         "/console/privacy/{request_id}", "/console/privacy/{request_id}/records",
         "/console/privacy/{request_id}/file", "/console/contacts/{contact_id}/erase",
         "/console/broadcasts/_readiness", "/console/products/_one", "/console/contacts/_imports",
         "/console/segments/{segment_id}/estimate", "/console/scores/{score_id}/people",
         "/console/scores/{score_id}/suggestions", "/console/deliverability/checks"}  # fmt: skip
TABS = ("?tab=why", "?tab=messages", "?tab=products")
OTHERS = ("/_local/inbox", "/_local/clock", "/f/newsletter", "/api/v1/docs", "/console/sign-in", "/console/signed-out")
SITE = ("/", "/sampler", "/cart", "/checkout", "/sign-up", "/thanks", "/welcome", "/plans/enterprise", "/tasting",
        "/calculator", "/office-guide", "/service", "/studio")  # fmt: skip


# What a page fetches for itself as it loads has come.
_IS_WHOLE = """() => !document.querySelector('[hx-trigger="load"], .mail-coming')
    && (!location.pathname.startsWith("/api/") || document.querySelector("article"))"""
# What is wider than the screen of a phone: the page, or a list in it.
_WIDE = """() => [document.documentElement, ...document.querySelectorAll(".table-wrap, .card, main, pre, iframe")]
    .filter((each) => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX !== "hidden")
    .map((each) => each.className || each.tagName)"""
_DESK, _PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
# What is asked for anew is paler until it is there, which is no colour of the page.
_STAY_AS_YOU_ARE = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(".htmx-request { opacity: 1 !important }");
    document.adoptedStyleSheets.push(sheet);
}"""


# A page is looked at whole in light; of the dark only the colours are others.
_SCHEMES: dict[str, dict[str, Any]] = {"light": {}, "dark": {"runOnly": ["color-contrast"]}}
# The other colours are there two frames later, or on their way.
_SETTLE = """async () => {
    for (const _ of [1, 2]) await new Promise((done) => requestAnimationFrame(done));
    document.getAnimations().forEach((each) => { try { each.finish(); } catch {} });
}"""
# Of rows and articles that are built alike the first is looked at: same elements, same attributes, text or none.
_DROP_TWINS = """() => {
    const known = new Set();
    const look = (each) => [each.tagName, each.getAttribute("class"), ...each.getAttributeNames(),
        each.textContent.trim() !== ""].join(" ");
    for (const part of document.querySelectorAll("article, tbody tr")) {
        const built = [...new Set([part, ...part.querySelectorAll("*")].map(look))].sort().join();
        if (known.has(built)) part.remove();
        known.add(built);
    }
}"""
_ASK_AXE = """(options) => axe.run({resultTypes: ["violations"], ...options}).then((found) => found.violations)"""


def look(page: Any) -> list[str]:
    """What axe finds on the page, in light and in dark, and what is wider than a phone there."""
    from axe_playwright_python.sync_playwright import Axe

    page.wait_for_load_state()
    page.wait_for_function(_IS_WHOLE)
    page.set_viewport_size(_PHONE)
    page.evaluate(_SETTLE)
    seen = [f"{page.url} is wider than a phone: {each}" for each in page.evaluate(_WIDE)]
    page.set_viewport_size(_DESK)
    page.evaluate(_STAY_AS_YOU_ARE)
    page.evaluate(_DROP_TWINS)
    page.evaluate(Axe().axe_script)
    for scheme, options in _SCHEMES.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate(_SETTLE)
        found = page.evaluate(_ASK_AXE, options)
        seen += [f"{page.url} {scheme} {each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"]]
    page.emulate_media(color_scheme="light")
    return seen


def test_no_page_of_the_console_is_left_out():
    seen = [f"/console{path.partition('?')[0]}" for path in CONSOLE]
    seen += [f"/console{path.partition('?')[0]}/first" for path in FIRST]
    found = {found.route.path for path in seen if (found := find_route(ROUTES, "GET", path)).route}
    assert {route.path for route in ROUTES if route.method == "GET" and route.role} - found == PARTS


def test_the_console(cloud, visitor):
    page = sign_in(visitor, cloud, "Otto")
    found = []
    for path in CONSOLE:
        page.goto(f"http://localhost:{cloud.port}/console{path}")
        found += look(page)
        if path in FIRST:
            before = page.url
            page.locator(FIRST[path]).first.click()
            page.wait_for_url(lambda url, before=before: url != before)
            found += look(page)
        if path == "/contacts":
            contact = page.url
            for tab in TABS:
                page.goto(f"{contact}{tab}")
                found += look(page)
    # That a page is not there is said in the console of the browser, too.
    visitor.problems = [problem for problem in visitor.problems if "/nowhere" not in problem]
    assert not found, "\n".join(found)


def test_the_pages_of_the_local_cloud_and_the_public_ones(cloud, visitor):
    found = []
    for path in OTHERS:
        page = visitor.open(f"http://localhost:{cloud.port}{path}")
        found += look(page)
        page.close()
    assert not found, "\n".join(found)


def test_what_a_form_answers(cloud, visitor):
    page = visitor.open(f"http://localhost:{cloud.port}/f/newsletter")
    # A browser asks for what is missing; whoever comes around it is told as well.
    page.evaluate("document.forms[0].noValidate = true")
    page.get_by_role("button", name="Send me the letter").click()
    page.locator(".summary").wait_for()
    found = look(page)
    page.get_by_label("E-mail address").fill("lena@example.com")
    page.get_by_label("Yes, send me the monthly letter").check()
    page.wait_for_timeout(2_500)  # nobody fills in a form faster
    page.get_by_role("button", name="Send me the letter").click()
    page.locator("form").wait_for(state="detached")
    found += look(page)
    visitor.problems = [problem for problem in visitor.problems if "/f/newsletter" not in problem]
    assert not found, "\n".join(found)


def test_the_unsubscribe_page(cloud, visitor):
    mail = cloud.call("GET", "/_local/inbox", headers={"accept": "application/json"}).json["items"][0]
    link = re.search(r"<(http[^>]+)>", mail["headers"]["List-Unsubscribe"])[1]
    page = visitor.open(link)
    found = look(page)
    page.get_by_role("button").first.click()
    page.get_by_role("button", name="Unsubscribe").wait_for(state="detached")
    found += look(page)
    page.goto(f"{link}x")
    found += look(page)
    # That a link is not whole is said in the console of the browser, too.
    visitor.problems = [problem for problem in visitor.problems if f"{link}x" not in problem]
    assert not found, "\n".join(found)


def test_a_mail_in_the_inbox(cloud, visitor):
    page = visitor.open(f"http://localhost:{cloud.port}/_local/inbox")
    page.get_by_text("Welcome aboard").first.click()
    page.locator("iframe").first.wait_for()
    found = [each for each in look(page) if "iframe" not in each]
    assert not found, "\n".join(found)


def test_whoever_comes_by_another_name_of_this_machine_is_led_to_the_one_that_mails_link_to(cloud, visitor):
    page = visitor.open(f"http://127.0.0.1:{cloud.port}/console/contacts")
    page.get_by_role("link", name="Continue as Marta").click()
    page.get_by_role("heading", name="Contacts").wait_for()
    assert page.url == f"http://localhost:{cloud.port}/console/contacts"


def test_the_shop(cloud, visitor):
    page = visitor.open(f"http://localhost:{cloud.port}/_local/site")
    found = []
    for path in SITE:
        page.goto(f"http://localhost:{cloud.port}/_local/site{path}")
        found += look(page)
    assert not found, "\n".join(found)
