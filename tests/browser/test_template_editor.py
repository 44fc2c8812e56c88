"""A mail is shown a moment after it is typed, and what is found in it stands beside it."""

from playwright.sync_api import expect

from tests.browser.conftest import sign_in


def test_c12_what_is_typed_is_shown_and_looked_over_a_moment_later(cloud, visitors):
    visitor = visitors()
    page = sign_in(visitor, cloud, "Otto")
    page.goto(f"http://localhost:{cloud.port}/console/templates/_new")
    before = page.evaluate("() => history.length")
    page.locator("[name='row0.text']").fill("A quieter grinder")
    page.locator("#subject").fill("URGENT: a grinder")
    shown = page.frame_locator("iframe[data-shown]:not(.mail-coming)")
    expect(shown.get_by_role("heading", name="A quieter grinder")).to_be_visible()
    expect(page.locator("#found")).to_contain_text("1 word in capitals: URGENT")
    expect(page.locator("#inbox")).to_contain_text("URGENT: a grinder")
    page.get_by_role("button", name="Divider").click()
    expect(page.locator(".block")).to_have_count(4)
    expect(page.locator("#subject")).to_have_value("URGENT: a grinder")
    assert page.evaluate("() => history.length") == before
