"""The tour on the console's home page, as a newcomer takes it."""

import subprocess

from playwright.sync_api import expect

from tests.browser.conftest import sign_in


def test_the_tour_leads_from_curl_to_the_mail_and_to_the_reasons(cloud, visitor):
    home = sign_in(visitor, cloud)
    command = home.locator("#tour-command").text_content()
    assert command.startswith(f"curl http://localhost:{cloud.port}/v1/batch -u demo-write-key:")
    sent = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert sent.stdout == '{"success":true}'
    # The page notices by itself.
    with visitor.context.expect_page() as opened:
        home.get_by_role("link", name="Open the inbox").click()
    inbox = opened.value
    inbox.get_by_text("Welcome aboard, Ana").first.click()
    inbox.frame_locator("iframe").get_by_text("Good to have you, Ana").wait_for()
    home.bring_to_front()
    home.get_by_role("link", name="Ana's timeline").click()
    home.get_by_role("heading", name="Ana").wait_for()
    expect(home.get_by_text("Signed Up").first).to_be_visible()
    home.get_by_role("link", name="Why", exact=True).click()
    home.get_by_text("Welcome").first.wait_for()


def test_the_tour_can_be_hidden_for_good(cloud, visitor):
    home = sign_in(visitor, cloud)
    home.get_by_role("button", name="Hide").click()
    home.locator("#tour").wait_for(state="detached")
    with home.expect_response("**/console/tour"):
        home.reload()
    expect(home.locator("[hx-trigger='load']")).to_have_count(0)
    expect(home.locator(".tour")).to_have_count(0)


def test_a_badge_says_what_is_made_up_and_asks_before_it_goes(cloud, visitor):
    home = sign_in(visitor, cloud)
    home.get_by_text("made-up people show what the pages are for").wait_for()
    questions = []
    home.on("dialog", lambda dialog: (questions.append(dialog.message), dialog.dismiss()))
    home.get_by_role("button", name="Remove demo data").click()
    assert "Real contacts stay" in questions[0]
    home.get_by_role("button", name="Remove demo data").wait_for()


def test_who_may_only_look_cannot_remove_it(cloud, visitor):
    home = sign_in(visitor, cloud, "Vera")
    home.get_by_text("made-up people show what the pages are for").wait_for()
    expect(home.get_by_role("button", name="Remove demo data")).to_have_count(0)
