"""The three journeys of the demo brand, lived through by clicking in the shop, with the inbox's time machine."""

from typing import Any

import pytest

SITE = "/_local/site"


class Customer:
    """Somebody in the shop in one tab, and in the inbox in another."""

    def __init__(self, shop: Any, visitor: Any, address: str) -> None:
        self.cloud, self.visitor, self.address = shop, visitor, address
        self.url = f"http://localhost:{shop.port}"
        self.page = visitor.open(f"{self.url}{SITE}")
        self.inbox = visitor.open(f"{self.url}/_local/inbox")

    def go(self, name: str) -> None:
        self.page.bring_to_front()
        self.page.get_by_role("navigation", name="Shop").get_by_role("link", name=name).click()

    def fill(self, button: str, **fields: str) -> None:
        for label, value in fields.items():
            self.page.get_by_label(label.replace("_", " ")).fill(value)
        self.page.get_by_role("button", name=button).click()

    def sign_up(self, name: str) -> None:
        self.go("Sign up")
        self.fill("Sign up", First_name=name, **{"E-mail address": self.address})
        self.page.get_by_role("heading", name="Good to have you.").wait_for()

    def put_into_cart(self, product: str) -> None:
        self.page.goto(f"{self.url}{SITE}/")
        self.page.get_by_role("link", name=product).click()
        self.page.get_by_role("button", name="Put it into the cart").click()
        self.page.get_by_role("link", name="Go to the cart").wait_for()
        self.told("Product Added")

    def told(self, event: str) -> None:
        """Wait until the shop has told Postroad so."""
        self.wait_for(lambda: event in self.events())

    def events(self) -> list[str]:
        found = self.api(f"/contacts?identity=email:{self.address}")["items"]
        if not found:
            return []
        rows = self.api(f"/contacts/{found[0]['contact_id']}/timeline?limit=100")["items"]
        return [row["name"] for row in rows]

    def api(self, path: str) -> Any:
        answer = self.cloud.call("GET", f"/api/v1{path}", headers={"authorization": "Bearer demo-api-key"})
        assert answer.status == 200, answer.body
        return answer.json

    def wait_for(self, condition: Any, tries: int = 600) -> None:
        for _ in range(tries):
            if condition():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"it did not come to that; the timeline has {self.events()}")

    def let_pass(self, *buttons: str) -> None:
        self.inbox.bring_to_front()
        for button in buttons:
            with self.inbox.expect_response(lambda answer: answer.request.method == "POST"):
                self.inbox.get_by_role("button", name=button, exact=True).click()

    def subjects(self) -> list[str]:
        items = self.cloud.call("GET", "/_local/inbox").json["items"]
        return [item["subject"] for item in reversed(items) if item["to"] == self.address]

    def read(self, subject: str) -> Any:
        """Open a mail in the inbox, as its reader sees it."""
        self.inbox.bring_to_front()
        self.wait_for(lambda: subject in self.subjects())
        self.inbox.reload()
        self.inbox.get_by_role("button").or_(self.inbox.locator("li")).filter(has_text=subject).filter(
            has_text=self.address
        ).first.click()
        frame = self.inbox.frame_locator("iframe")
        frame.locator("body").wait_for()
        self.wait_for(lambda: "Email Opened" in self.events())
        return frame


@pytest.fixture
def customer(shop, visitor, request):
    return Customer(shop, visitor, f"{request.node.name.removeprefix('test_')[:40].strip('_')}@example.com")


def test_welcome(customer):
    customer.sign_up("Ana")
    mail = customer.read("Welcome aboard, Ana")
    with customer.visitor.context.expect_page() as opened:
        mail.get_by_role("link", name="See the sampler").click()
    opened.value.get_by_role("heading", name="The sampler").wait_for()
    customer.put_into_cart("Harbour blend")
    customer.page.get_by_role("link", name="Go to the cart").click()
    customer.page.get_by_role("link", name="To the checkout").click()
    customer.fill("Order for", **{"Street and town": "Rua do Cais 12, Lisboa"})
    customer.page.get_by_role("heading", name="Thank you.").wait_for()
    customer.told("Order Completed")
    customer.let_pass("+1 day", "+1 day")
    customer.wait_for(lambda: customer.subjects() == ["Welcome aboard, Ana", "How was the first cup?"])


def test_abandoned_cart(customer):
    customer.sign_up("Bea")
    customer.put_into_cart("Lighthouse espresso")
    customer.let_pass("+1 hour", "+1 hour")
    customer.read("Lighthouse espresso is waiting for you")
    customer.let_pass("+1 day")
    assert "We will pay the shipping" in customer.subjects()


def test_office_coffee(customer):
    customer.go("For offices")
    customer.page.get_by_role("link", name="Get the guide").click()
    customer.page.get_by_label("What you do").select_option("Founded it")
    customer.fill(
        "Send me the guide",
        **{"First name": "Cleo", "E-mail address at work": customer.address, "Company": "Atelier Norte"},
    )
    customer.page.get_by_text("as soon as you leave this page").wait_for()
    customer.go("Coffee")
    customer.told("Page Left")
    customer.let_pass("+1 hour")
    customer.read("Coffee for Atelier Norte").get_by_role("link", name="Read the guide").wait_for()
    customer.let_pass("+1 week")
    assert customer.subjects()[-1] == "What a cup really costs"
    customer.page.goto(f"{customer.url}{SITE}/tasting")
    customer.page.get_by_role("button", name="Book it").click()
    customer.told("Tasting Booked")
    customer.let_pass("+3 weeks")
    assert customer.subjects() == ["Coffee for Atelier Norte", "What a cup really costs"]


def test_who_does_not_want_to_be_recognised_can_change_their_mind_on_a_later_page(customer):
    page = customer.page
    page.get_by_role("button", name="Do not recognise me").click()
    customer.go("For offices")
    page.get_by_role("button", name="Do not recognise me").wait_for(state="hidden")
    page.get_by_role("button", name="Recognise me again").click()
    customer.sign_up("Dora")
    customer.told("Signed Up")


def test_who_lets_nothing_be_stored_can_sign_up(customer):
    blocked = "get() { throw new DOMException('', 'SecurityError'); }"
    customer.page.add_init_script(f"Object.defineProperty(window, 'localStorage', {{ {blocked} }})")
    customer.page.reload()
    customer.sign_up("Eva")
    customer.told("Signed Up")
