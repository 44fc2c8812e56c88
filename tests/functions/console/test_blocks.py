"""Saved blocks in the console: which mails hold them, and which hold an older one."""

from postroad_aws import books, clock, runs
from postroad_aws.storage import definitions
from postroad_aws.usecases.publish_definitions import publish_definitions

HOURS = {"kind": "block", "id": "times", "name": "<b>Hours</b>", "blocks": [{"text": {"text": "Open from 8 to 6"}}]}
LETTER = {
    "kind": "template", "id": "letter", "name": "The letter", "channel": "email", "topic": "offers", "subject": "Hello",
    "blocks": [{"text": {"text": "Hello, here is our letter"}}, {"saved": {"block": "times"}}],
}  # fmt: skip


def publish(*documents):
    publish_definitions(definitions, runs, clock, {f"{each['kind']}/{each['id']}": each for each in documents})
    books.forget()


def test_a_block_names_the_mails_that_use_it_and_says_which_have_an_older_one(account, browser):
    publish(HOURS)
    assert "No live mail uses it." in browser.get("/console/templates/_blocks").text
    publish(LETTER)
    page = browser.get("/console/templates/_blocks").text
    assert '<a href="/console/templates/letter">The letter</a>' in page
    assert "&lt;b&gt;Hours&lt;/b&gt;" in page
    assert "has version" not in page
    publish({**HOURS, "blocks": [{"text": {"text": "Closed on Mondays"}}]})
    page = browser.get("/console/templates/_blocks").text
    assert "has version 1" in page
    assert "Publish it again to show the newest." in page
    publish(LETTER)
    assert "has version 1" not in browser.get("/console/templates/_blocks").text


def test_without_blocks_the_page_says_what_they_are(bare_account, bare_browser):
    assert "No saved blocks yet" in bare_browser.get("/console/templates/_blocks").text
