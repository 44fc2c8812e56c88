"""postroad.js in a real browser, on a page of somebody's site; what it sends is caught on its way."""

import json
import re
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.local_cloud import ROOT

SCRIPT = (ROOT / "functions/collect/postroad.js").read_text()
QUEUE = "window.postroad = window.postroad || function () { (postroad.q = postroad.q || []).push(arguments); };"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Site:
    """A site that includes the script with these attributes, and what the script has sent from it.

    `status` is how it answers from now on; 0 is a lost connection.
    """

    def __init__(self, visitor: Any, attributes: str, before: str) -> None:
        self.batches: list[dict[str, Any]] = []
        self.status = 200
        self.refused = 0
        self.waiting: dict[str, Any] = {"messages": [], "needs_ticket": False}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.head = ""
        self.script = f'<script async src="/js/postroad.js" data-key="KEY" {attributes}></script>'
        self.before = before
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"site": self}))
        Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://localhost:{self.server.server_port}"
        self.context, self.page = visitor.context, visitor.context.new_page()

    @property
    def html(self) -> str:
        script = f"<script>{QUEUE}{self.before}</script>{self.script}"
        return f"<!doctype html><title>A shop</title>{self.head}{script}<body>A page<a href='/next'>next</a>"

    def visit(self, path: str = "/", **options: Any) -> None:
        self.page.goto(f"{self.url}{path}", **options)
        self.page.wait_for_function("window.postroad && window.postroad.loaded")

    def say(self, *words: Any) -> Any:
        return self.page.evaluate("words => window.postroad(...words)", list(words))

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for batch in self.batches for event in batch["batch"]]

    def names(self) -> list[str]:
        return [event.get("event", event["type"]) for event in self.events]

    def told(self, name: str) -> dict[str, Any]:
        """The one event of that name."""
        (event,) = [event for event in self.events if name in (event.get("event"), event["type"])]
        return event

    def wait_for(self, condition: Callable[[], bool]) -> None:
        for _ in range(1_200):
            if condition():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"it did not come to that: {self.names()}")

    def rest(self) -> None:
        """Long enough for anything to be sent that is going to be."""
        self.page.wait_for_timeout(700)

    def stored(self) -> dict[str, Any]:
        return dict(self.page.evaluate("() => Object.fromEntries(Object.entries(localStorage))"))

    def unsent(self) -> int:
        """How many events are kept for later."""
        return sum(len(json.loads(kept)) for name, kept in self.stored().items() if name.startswith("postroad.unsent"))


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_GET(self) -> None:
        is_script = self.path.endswith(".js")
        body = (SCRIPT if is_script else self.site.html).encode()
        self._answer(200, "text/javascript" if is_script else "text/html", b"" if "favicon" in self.path else body)

    def do_POST(self) -> None:
        batch = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.startswith("/w"):
            self.site.asked.append((self.path, batch))
            self._answer(200, "application/json", json.dumps(self.site.waiting).encode())
            return
        if self.site.status == 200:
            self.site.batches.append(batch)
        else:
            self.site.refused += 1
        if self.site.status:
            self._answer(self.site.status, "application/json", b'{"success":true}')

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture
def open_site(visitor):
    opened: list[Site] = []

    def open_one(attributes: str = "", before: str = "") -> Site:
        opened.append(Site(visitor, attributes, before))
        return opened[-1]

    yield open_one
    for site in opened:
        site.server.shutdown()


def test_a_view_is_told_with_who_and_where(open_site):
    site = open_site()
    site.visit("/coffee?token=secret&utm_source=mail")
    site.wait_for(lambda: site.names() == ["page"])
    (batch,) = site.batches
    (event,) = batch["batch"]
    assert batch["writeKey"] == "KEY"
    assert UUID.fullmatch(event["anonymousId"])
    assert UUID.fullmatch(event["messageId"])
    page = event["context"]["page"]
    assert (page["path"], page["title"], page["search"]) == ("/coffee", "A shop", "?utm_source=mail")
    assert "secret" not in json.dumps(batch)
    assert event["properties"]["path"] == "/coffee"
    assert site.context.cookies() == []


def test_what_is_called_before_it_is_there_is_not_lost(open_site):
    site = open_site(before='postroad("identify", "ana", {email: "ana@example.com"}); postroad("track", "Signed Up");')
    site.visit()
    site.wait_for(lambda: site.names() == ["page", "identify", "Signed Up"])
    assert [event.get("userId") for event in site.events] == [None, "ana", "ana"]
    assert site.events[1]["traits"]["email"] == "ana@example.com"
    assert len({event["anonymousId"] for event in site.events}) == 1


def test_the_same_browser_is_the_same_person_until_it_is_reset(open_site):
    site = open_site()
    site.visit()
    first = site.say("id")
    site.visit("/other")
    assert site.say("id") == first
    site.say("identify", "ana")
    site.say("identify", "ben")
    assert site.say("id") != first
    site.say("reset")
    site.say("track", "Cart Viewed")
    site.wait_for(lambda: "Cart Viewed" in site.names())
    assert "userId" not in site.told("Cart Viewed")


def test_leaving_a_page_is_told_once_with_how_long_it_was_seen(open_site):
    site, began = open_site(), time.monotonic()
    site.visit("/plans")
    site.wait_for(lambda: site.names() == ["page"])
    site.page.wait_for_timeout(600)
    site.page.click("a")
    site.wait_for(lambda: sorted(site.names()) == ["Page Left", "page", "page"])
    left = site.told("Page Left")["properties"]
    assert (left["path"], left["reason"], left["scrolled"]) == ("/plans", "left", 100)
    assert 0 <= left["seconds"] <= time.monotonic() - began + 1


def test_who_does_nothing_has_left_and_comes_back_by_moving(open_site):
    site = open_site('data-idle="0.3"')
    site.visit()
    site.wait_for(lambda: site.names() == ["page", "Page Left"])
    assert site.events[1]["properties"]["reason"] == "idle"
    site.rest()
    assert site.names() == ["page", "Page Left"]
    site.page.mouse.move(10, 10)
    site.page.mouse.move(20, 20)
    # On a loaded machine the second move may come when the first has already been left again.
    site.wait_for(lambda: site.names()[:3] == ["page", "Page Left", "Page Left"])


def test_a_single_page_application_changes_pages_too(open_site):
    site = open_site()
    site.visit("/a")
    site.page.evaluate("history.pushState({}, '', '/b')")
    site.wait_for(lambda: site.names() == ["page", "Page Left", "page"])
    assert [event["properties"]["path"] for event in site.events] == ["/a", "/a", "/b"]


def test_the_first_touch_stays_and_the_last_is_replaced_by_what_names_its_source(open_site):
    site = open_site()
    site.visit("/?utm_source=instagram&utm_medium=social&utm_campaign=first-cup")
    site.visit("/sampler")
    other = site.url.replace("localhost", "127.0.0.1")
    site.page.goto(f"{other}/elsewhere")
    site.page.evaluate("address => { location.href = address }", f"{site.url}/?utm_source=newsletter&utm_medium=email")
    site.page.wait_for_url("**/?utm_source=newsletter*")
    site.page.wait_for_function("window.postroad && window.postroad.loaded")
    site.say("identify", {"email": "ana@example.com"})

    def pages() -> list[dict[str, Any]]:
        """As they were seen, but for the one elsewhere."""
        seen = [event for event in site.events if event["type"] == "page" and "/elsewhere" not in json.dumps(event)]
        return sorted(seen, key=lambda event: event["timestamp"])

    site.wait_for(lambda: "identify" in site.names() and len(pages()) == 3)
    traits = site.told("identify")["traits"]
    assert traits["email"] == "ana@example.com"
    first, last = traits["first_touch"], traits["last_touch"]
    assert (first["source"], first["medium"], first["name"], first["landing"]) == (
        "instagram",
        "social",
        "first-cup",
        "/",
    )
    assert (last["source"], last["medium"], last["referrer"]) == ("newsletter", "email", other[7:])
    assert [event["context"]["campaign"]["source"] for event in pages()] == ["instagram", "instagram", "newsletter"]
    assert ["traits" in event["context"] for event in pages()] == [True, False, True]


def test_nothing_is_stored_or_sent_before_a_yes(open_site):
    site = open_site('data-consent="required"', before='postroad("track", "Cart Viewed");')
    site.visit()
    site.rest()
    assert site.batches == []
    assert site.stored() == {}
    site.say("consent", True)
    site.wait_for(lambda: site.names() == ["page", "Cart Viewed"])
    assert json.loads(site.stored()["postroad"])["consent"] is True
    site.visit("/later")
    site.wait_for(lambda: site.names().count("page") == 2)
    assert len({event["anonymousId"] for event in site.events}) == 1


def test_a_no_forgets_everything_and_lasts(open_site):
    site = open_site()
    site.visit()
    site.wait_for(lambda: site.names() == ["page"])
    site.say("consent", False)
    site.say("track", "Cart Viewed")
    site.visit("/later")
    site.rest()
    assert site.names() == ["page"]
    assert json.loads(site.stored()["postroad"]) == {"consent": False}


@pytest.mark.parametrize("attributes", ["", 'data-consent="required"'])
def test_a_no_in_one_tab_is_one_in_all(open_site, visitor, attributes):
    site = open_site(attributes)
    site.visit()
    site.say("consent", True)
    site.wait_for(lambda: site.names() == ["page"])
    other = visitor.context.new_page()
    other.goto(f"{site.url}/other")
    site.wait_for(lambda: site.names().count("page") == 2)
    site.say("consent", False)
    other.wait_for_function("() => JSON.parse(localStorage.getItem('postroad') || '{}').consent !== true")
    other.evaluate("() => postroad('track', 'Cart Viewed')")
    site.rest()
    assert "Cart Viewed" not in site.names()
    assert json.loads(site.stored().get("postroad", "{}")) == ({} if attributes else {"consent": False})


def test_who_signs_out_in_one_tab_is_nobody_in_the_other(open_site, visitor):
    site = open_site()
    site.visit()
    site.say("identify", "ana")
    first = site.say("id")
    site.page, tab = visitor.context.new_page(), site.page
    site.visit("/other")
    assert site.say("id") == first
    tab.evaluate("() => { postroad('reset'); postroad('track', 'Signed Out'); }")
    site.wait_for(lambda: "Signed Out" in site.names() and site.say("id") == tab.evaluate("() => postroad('id')"))
    site.say("track", "Cart Viewed")
    site.wait_for(lambda: "Cart Viewed" in site.names())
    event = site.told("Cart Viewed")
    assert "userId" not in event
    assert event["anonymousId"] == tab.evaluate("() => postroad('id')") != first


@pytest.mark.parametrize(("attributes", "sent"), [("", []), ('data-signals="ignore"', ["page"])])
def test_a_browser_that_asks_not_to_be_tracked_is_heeded(open_site, attributes, sent):
    site = open_site(attributes)
    site.page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    site.visit()
    site.rest()
    site.wait_for(lambda: site.names() == sent)


def test_what_could_not_be_sent_is_sent_again(open_site, visitor):
    site = open_site()
    site.status = 503
    site.visit()
    site.wait_for(lambda: site.refused > 0 and site.unsent() == 1)
    assert site.names() == []
    site.status = 200
    site.wait_for(lambda: site.names() == ["page"])
    site.wait_for(lambda: site.unsent() == 0)
    visitor.problems.clear()  # that the 503 was one


def test_events_outlive_a_page_without_a_connection(open_site, visitor):
    site = open_site()
    site.visit("/first")
    site.wait_for(lambda: site.names() == ["page"])
    site.status = 0
    site.say("track", "Cart Viewed")
    site.wait_for(lambda: site.unsent() == 1)
    site.status = 200
    site.visit("/second")
    site.wait_for(lambda: "Cart Viewed" in site.names() and site.names().count("page") == 2)
    site.wait_for(lambda: site.unsent() == 0)
    visitor.problems.clear()  # that the connection failed


def test_a_refused_batch_is_not_sent_again(open_site, visitor):
    site = open_site()
    site.status = 401
    site.visit()
    site.wait_for(lambda: site.refused == 1)
    site.rest()
    site.status = 200
    site.say("track", "Cart Viewed")
    site.wait_for(lambda: site.names() == ["Cart Viewed"])
    visitor.problems.clear()


def test_a_wrong_call_harms_nobody(open_site):
    site = open_site()
    site.visit()
    assert site.say("dance") is None
    assert site.say("track", "Cart Viewed") is None
    site.wait_for(lambda: "Cart Viewed" in site.names())


def test_a_canonical_link_says_what_a_page_is_called(open_site):
    site = open_site()
    site.head = "<link rel='canonical' href='https://shop.example/plans/enterprise'>"
    site.visit("/local/enterprise.html")
    site.wait_for(lambda: site.names() == ["page"])
    properties = site.events[0]["properties"]
    assert (properties["path"], properties["url"]) == ("/plans/enterprise", "https://shop.example/plans/enterprise")


def test_what_cannot_be_sent_harms_only_itself(open_site):
    site = open_site()
    site.visit()
    site.page.evaluate(
        """() => {
            const circle = {};
            circle.circle = circle;
            postroad("track", "Circle Drawn", circle);
            postroad("page", "Circle", circle);
            postroad("track", "Book Pasted", { text: "é".repeat(20000) });
            postroad("track", "Cart Viewed", { total: 24 });
        }"""
    )
    site.wait_for(lambda: "Cart Viewed" in site.names())
    assert not {"Circle Drawn", "Book Pasted"} & set(site.names())
    site.visit("/next")
    site.wait_for(lambda: site.names().count("page") == 2)
    assert site.names().count("Page Left") == 1


def test_an_event_says_what_was_so_when_it_was_told(open_site):
    site = open_site()
    site.visit()
    site.page.evaluate("() => { const cart = { total: 24 }; postroad('track', 'Cart Viewed', cart); cart.total = 0; }")
    site.wait_for(lambda: "Cart Viewed" in site.names())
    assert site.events[-1]["properties"] == {"total": 24}


def test_a_page_that_includes_it_twice_is_told_of_once(open_site):
    site = open_site(before='postroad("track", "Signed Up");')
    site.script = site.script.replace("async ", "") * 2
    site.visit()
    site.rest()
    site.wait_for(lambda: sorted(site.names()) == ["Signed Up", "page"])


def test_what_two_tabs_could_not_send_is_not_lost(open_site, visitor):
    site = open_site()
    site.visit("/one")
    site.wait_for(lambda: site.names() == ["page"])
    site.status = 0
    first = site.page
    site.say("track", "Cart Viewed")
    site.page = visitor.context.new_page()
    site.visit("/two")
    site.say("track", "Product Added")
    site.wait_for(lambda: site.unsent() == 3)
    for page in (first, site.page):
        page.close()
    site.status = 200
    site.page = visitor.context.new_page()
    site.visit("/three")
    site.wait_for(lambda: {"Cart Viewed", "Product Added"} <= set(site.names()))
    site.wait_for(lambda: site.unsent() == 0)
    visitor.problems.clear()  # that the connection failed


@pytest.mark.parametrize("storage", ["throw new Error('blocked')", "return undefined", "return null"])
def test_where_nothing_may_be_stored_the_page_is_told_of_all_the_same(open_site, storage):
    site = open_site()
    site.page.add_init_script(f"Object.defineProperty(window, 'localStorage', {{ get() {{ {storage}; }} }})")
    site.visit()
    site.say("identify", "ana")
    site.say("consent", True)
    site.wait_for(lambda: site.names() == ["page", "identify"])


@pytest.mark.parametrize("kept", ["5", '"text"', "[null]", "{not json", "null"])
def test_whatever_somebody_else_has_stored_under_its_names_it_goes_on(open_site, kept):
    site = open_site()
    stored = json.dumps(kept)
    site.page.add_init_script(
        f"for (const name of ['postroad', 'postroad.unsent']) localStorage.setItem(name, {stored});"
    )
    site.visit()
    site.wait_for(lambda: site.names() == ["page"])
    assert UUID.fullmatch(site.say("id"))


# Messages that wait

WAITING = {
    "id": "e.banner",
    "title": "Welcome back",
    "text": "Your <b>cart</b> is still here.",
    "url": "/next",
    "button": "To the cart",
    "token": "1.abc",
}


def test_a_message_is_shown_in_a_box_without_style_and_what_becomes_of_it_is_said(open_site):
    site = open_site()
    site.head = "<meta http-equiv='Content-Security-Policy' content=\"style-src 'none'; img-src 'none'\">"
    site.waiting["messages"] = [WAITING, {**WAITING, "title": "An older one", "token": "1.def"}]
    site.visit()
    site.say("messages", {"ticket": "1.ticket"})
    box = site.page.get_by_role("complementary", name="Welcome back")
    box.wait_for()
    expect(box.get_by_role("status")).to_have_text("Your <b>cart</b> is still here.")
    expect(site.page.locator(".postroad-message")).to_have_count(1)
    ((path, asked), *_) = site.asked
    assert (path, asked["writeKey"], asked["ticket"]) == ("/w", "KEY", "1.ticket")
    assert asked["anonymousId"] == site.say("id")
    box.get_by_role("button", name="Close").click()
    expect(box).to_have_count(0)
    site.wait_for(lambda: len(site.asked) == 3)
    assert sorted(told["what"] for path, told in site.asked if path == "/w/1.abc") == ["dismissed", "opened"]


def test_a_followed_link_in_a_box_is_said_although_the_page_goes(open_site):
    site = open_site()
    site.waiting["messages"] = [WAITING]
    site.visit()
    site.say("messages")
    site.page.get_by_role("link", name="To the cart").click()
    site.page.wait_for_url("**/next")
    site.wait_for(lambda: len(site.asked) == 3)
    assert sorted(told["what"] for path, told in site.asked if path == "/w/1.abc") == ["clicked", "opened"]


def test_a_site_may_show_messages_itself(open_site):
    site = open_site()
    site.waiting["messages"] = [WAITING, {**WAITING, "token": "1.def"}]
    site.visit()
    show = "(message, say) => { window.seen.push(message.text); say('opened'); }"
    site.page.evaluate(f"() => {{ window.seen = []; postroad('messages', {show}); }}")
    site.wait_for(lambda: len(site.asked) == 3)
    assert site.page.evaluate("() => window.seen") == [WAITING["text"]] * 2
    assert site.page.locator(".postroad-message").count() == 0


def test_before_a_yes_nothing_is_asked_and_nothing_is_shown(open_site):
    site = open_site('data-consent="required"')
    site.waiting["messages"] = [WAITING]
    site.visit()
    site.say("messages")
    site.rest()
    assert site.asked == []
