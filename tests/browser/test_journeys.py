"""The pictures of journeys, and the form of broadcasts, as somebody uses them with keys, eyes and a second window."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import sign_in


def test_a_number_leads_to_the_people_behind_it_and_to_the_reason_with_keys_alone(cloud, visitor):
    page = sign_in(visitor, cloud)
    page.goto(f"http://localhost:{cloud.port}/console/journeys/welcome")
    number = page.locator("foreignObject").filter(has_text="First purchase").get_by_role("link", name="waiting")
    count = int(number.locator("b").inner_text())
    number.focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="First purchase").wait_for()
    expect(page.locator("h1")).to_contain_text(f"{count} here now")
    expect(page.locator("tbody tr:not(.more)")).to_have_count(min(count, 25))
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".why-list").first).to_contain_text("First purchase → wait")


def test_the_numbers_come_anew_and_the_page_stays(cloud, visitor):
    page = sign_in(visitor, cloud)
    page.clock.install()
    page.goto(f"http://localhost:{cloud.port}/console/journeys/welcome")
    page.evaluate("window.stays = true")
    page.locator(".flow-stage").focus()
    with page.expect_response(lambda answer: "view=" in answer.url) as fetched:
        page.clock.run_for(21_000)
    assert "<html" not in fetched.value.text()
    page.wait_for_function("!document.querySelector('.htmx-request')")
    assert page.evaluate("window.stays")
    expect(page.locator(".flow-stage")).to_have_count(1)
    expect(page.locator(".flow-stage")).to_be_focused()


def test_a_phone_shows_the_list_of_steps_and_can_show_the_picture(cloud, visitor):
    page = sign_in(visitor, cloud)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"http://localhost:{cloud.port}/console/journeys/abandoned-cart")
    expect(page.locator(".steps-list").first).to_be_visible()
    expect(page.locator(".flow")).not_to_be_visible()
    page.get_by_role("link", name="Picture").click()
    page.wait_for_url(re.compile("view=flow"))
    expect(page.locator(".flow")).to_be_visible()


def test_the_second_of_two_windows_is_told_what_the_first_has_saved(cloud, visitor):
    first = sign_in(visitor, cloud)
    url = f"http://localhost:{cloud.port}/console/broadcasts"
    first.goto(f"{url}/_new")
    first.get_by_label("Name").fill("Two windows")
    first.get_by_label("To everybody in").select_option("customers")
    expect(first.locator("#audience")).to_contain_text(re.compile(r"\d+ people"))
    first.get_by_label("Message").select_option("second-offer")
    first.get_by_label("As soon as I schedule it").check()
    expect(first.get_by_label("Day")).not_to_be_visible()
    first.get_by_role("button", name="Save and look it over").click()
    first.get_by_role("link", name="Change it").click()
    first.wait_for_url("**/edit")
    second = visitor.open(first.url)
    first.get_by_label("Name").fill("The first one's words")
    first.get_by_role("button", name="Save and look it over").click()
    first.get_by_role("heading", name="The first one's words").wait_for()
    second.get_by_label("Name").fill("The second one's words")
    second.get_by_role("button", name="Save and look it over").click()
    told = "Name: The first one's words (you have The second one's words)"
    expect(second.get_by_role("alert")).to_contain_text(told)
    expect(second.get_by_label("Name")).to_have_value("The second one's words")
    # That the answer was a refusal is said in the console of the browser, too.
    visitor.problems = [problem for problem in visitor.problems if "409" not in problem]
