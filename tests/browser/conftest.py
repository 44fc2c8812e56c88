"""The product in a real browser: Debian's Chromium, or whatever POSTROAD_CHROMIUM names; skipped where there is none.

A page may log no error, throw nothing, and ask no other host for anything. What it looked like when a test failed is in
`.postroad/screenshots`.
"""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.local_cloud import ROOT, LocalCloud, free_port, make_store

SCREENSHOTS = ROOT / ".postroad/screenshots"
NAMES = ("chromium", "chromium-browser", "google-chrome")
# A headless browser says so in its name, and then counts as a machine that opens mails.
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
]
# Milliseconds that a busy machine may take to show something.
TIMEOUT = 60_000
HOSTS = {"localhost", "127.0.0.1", ""}


def find_chromium() -> str | None:
    """The path of the browser to test with."""
    return os.environ.get("POSTROAD_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    path = find_chromium()
    try:
        from playwright.sync_api import expect, sync_playwright
    except ImportError:
        path, sync_playwright = None, None
    if path is None or sync_playwright is None:
        reason = "no browser: install chromium, or name one in POSTROAD_CHROMIUM"
        if os.environ.get("POSTROAD_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def _run(folder: Path, seed: str) -> Iterator[LocalCloud]:
    path = (ROOT, ROOT / "layers/core", ROOT / "layers/shell", ROOT / "infra")
    command = f"{shlex.quote(sys.executable)} -m demo {seed}"
    arguments = ["--site", "infra/demo/site", "--seed", command]
    running = LocalCloud(ROOT, make_store(folder / "store"), free_port(), arguments, path)
    running.start()
    yield running
    running.throw_away()


@pytest.fixture(scope="session")
def cloud(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """As `make run` starts it: with the history."""
    yield from _run(tmp_path_factory.mktemp("browser"), "--history --site /_local/site")


@pytest.fixture(scope="session")
def shop(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The demo brand alone, for stories that let days pass."""
    yield from _run(tmp_path_factory.mktemp("shop"), "--site /_local/site")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome = yield
    setattr(item, f"report_{call.when}", outcome.get_result())  # type: ignore[attr-defined]


class Visitor:
    """One person's browser: pages of one context, and all that went wrong in them."""

    def __init__(self, chromium: Any, **options: Any) -> None:
        self.context = chromium.new_context(user_agent=AGENT, viewport={"width": 1280, "height": 900}, **options)
        self.context.set_default_timeout(TIMEOUT)
        self.problems: list[str] = []
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.problems.append(f"thrown: {error.error}"))
        self.context.on("request", self._watch)

    def open(self, address: str) -> Any:
        page = self.context.new_page()
        page.goto(address)
        return page

    def _hear(self, message: Any) -> None:
        if message.type == "error":
            self.problems.append(f"logged: {message.text} ({message.location.get('url')})")

    def _watch(self, request: Any) -> None:
        if urlsplit(request.url).scheme.startswith("http") and urlsplit(request.url).hostname not in HOSTS:
            self.problems.append(f"asked another host: {request.url}")


@pytest.fixture
def visitors(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Makes visitors; afterwards nothing may have gone wrong in any of their pages."""
    made: list[Visitor] = []

    def make(**options: Any) -> Visitor:
        made.append(Visitor(chromium, **options))
        return made[-1]

    yield make
    report = getattr(request.node, "report_call", None)
    if report is not None and report.failed:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for number, page in enumerate(page for visitor in made for page in visitor.context.pages):
            path = SCREENSHOTS / f"{re.sub(r'[^a-zA-Z0-9_-]+', '-', request.node.name)}-{number}.png"
            page.screenshot(path=path)
            print(f"what it looked like: {path}")
    problems = [problem for visitor in made for problem in visitor.problems]
    for visitor in made:
        visitor.context.close()
    assert not problems, "\n".join(problems)


@pytest.fixture
def visitor(visitors: Any) -> Visitor:
    return visitors()


def sign_in(visitor: Visitor, cloud: LocalCloud, name: str = "Marta") -> Any:
    """The console's first page, signed in."""
    page = visitor.open(f"http://localhost:{cloud.port}/")
    page.get_by_role("link", name=f"Continue as {name}").click()
    page.get_by_role("heading", name="Home").wait_for()
    return page
