"""Drawing a journey with the mouse."""

from playwright.sync_api import expect

from tests.browser.conftest import sign_in


def test_c13_a_marketer_draws_a_journey_with_the_mouse_and_publishes_it(cloud, visitor):
    page = sign_in(visitor, cloud)
    page.goto(f"http://localhost:{cloud.port}/console/journeys")
    page.get_by_role("button", name="Draw a new one").click()
    page.get_by_label("What the journey is called").fill("Autumn")
    page.get_by_role("button", name="Draw it").click()
    page.get_by_label("One more start").select_option("event")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_label("Event", exact=True).fill("Guide Downloaded")
    page.get_by_role("button", name="Keep").click()
    page.wait_for_url("**/edit?step=:start#*")

    page.goto(f"http://localhost:{cloud.port}/console/journeys/autumn/edit")
    page.locator("[data-kind=send]").drag_to(page.locator("a.slot").last)
    page.get_by_label("Message", exact=True).select_option("email:cart-offer")
    page.get_by_role("button", name="Put it in").click()
    page.locator("[data-step=cart-offer]").wait_for()
    page.locator("[data-step=pause]").drag_to(page.locator("a.slot").last)
    page.wait_for_url("**step=pause#card-pause")
    cards = page.locator("[data-step]")
    expect(cards).to_have_count(2)
    for at, step in enumerate(("cart-offer", "pause")):
        expect(cards.nth(at)).to_have_attribute("data-step", step)

    page.get_by_role("link", name="Look at it and publish").click()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Publish this draft").click()
    page.get_by_text("live", exact=True).wait_for()
    expect(page.locator("main")).to_contain_text("Guide Downloaded")
