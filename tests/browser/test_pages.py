"""Every page that people see, in light and in dark: nothing that axe finds, no error, nothing wider than a phone."""

from typing import Any

import pytest

from tests.browser.conftest import sign_in

CONSOLE = ("", "/contacts", "/segments", "/segments/customers", "/journeys", "/journeys/welcome",
           "/journeys/enterprise", "/broadcasts", "/broadcasts/_new", "/messages", "/messages?from=journey/welcome",
           "/quarantine", "/nowhere")  # fmt: skip
# Lists, and the first thing in each.
FIRST = {"/contacts": "main a.who", "/messages?from=journey/welcome": "main tbody a[href*='/console/messages/']"}
OTHERS = ("/_local/inbox", "/_local/clock", "/f/newsletter", "/api/v1/docs")
SITE = ("/", "/sampler", "/cart", "/checkout", "/sign-up", "/thanks", "/welcome", "/plans/enterprise", "/tasting",
        "/calculator", "/office-guide", "/service", "/studio")  # fmt: skip


# What a page fetches for itself as it loads has come.
_IS_WHOLE = "() => !document.querySelector('[hx-trigger=\"load\"]')"


def look(page: Any) -> list[str]:
    """What axe finds on the page."""
    from axe_playwright_python.sync_playwright import Axe

    page.wait_for_load_state()
    page.wait_for_function(_IS_WHOLE)
    found = Axe().run(page).response["violations"]
    return [f"{page.url} {each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"]]


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_console(cloud, visitors, scheme):
    visitor = visitors(color_scheme=scheme)
    page = sign_in(visitor, cloud, "Otto")
    found = []
    for path in CONSOLE:
        page.goto(f"http://localhost:{cloud.port}/console{path}")
        found += look(page)
        if path in FIRST:
            page.locator(FIRST[path]).first.click()
            found += look(page)
    # That a page is not there is said in the console of the browser, too.
    visitor.problems = [problem for problem in visitor.problems if "/nowhere" not in problem]
    assert not found, "\n".join(found)


def test_the_pages_of_the_local_cloud_and_the_public_ones(cloud, visitors, scheme):
    visitor = visitors(color_scheme=scheme)
    found = []
    for path in OTHERS:
        page = visitor.open(f"http://localhost:{cloud.port}{path}")
        found += look(page)
        page.close()
    assert not found, "\n".join(found)


def test_the_shop(cloud, visitor):
    page = visitor.open(f"http://localhost:{cloud.port}/_local/site")
    found = []
    for path in SITE:
        page.goto(f"http://localhost:{cloud.port}/_local/site{path}")
        found += look(page)
    assert not found, "\n".join(found)


def test_on_a_phone_nothing_is_wider_than_the_screen(cloud, visitors):
    visitor = visitors(color_scheme="light")
    page = sign_in(visitor, cloud, "Otto")
    page.set_viewport_size({"width": 390, "height": 844})
    paths = [*(f"/console{path}" for path in CONSOLE[:-1]), *OTHERS, *(f"/_local/site{path}" for path in SITE)]
    wide = []
    for path in paths:
        page.goto(f"http://localhost:{cloud.port}{path}")
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"):
            wide.append(path)
    assert wide == []
