"""What could not be taken."""

from postroad.tracking.quarantine import reject_text
from postroad_aws.storage import quarantine
from tests.functions.api.client import MARKUP, call


def test_quarantine_shows_what_could_not_be_taken_and_why(account):
    now = account.now()
    quarantine.save_rejects([reject_text(MARKUP, f"It is odd ({n}).", now + n, "demo-server") for n in range(3)])
    status, page = call("GET", "/api/v1/quarantine", {"limit": "2"})
    assert status == 200
    assert [item["reason"] for item in page["items"]] == ["It is odd (2).", "It is odd (1)."]
    assert page["items"][0]["raw"] == MARKUP
    assert page["items"][0]["source"] == "demo-server"
    following = call("GET", "/api/v1/quarantine", {"limit": "2", "cursor": page["next"]})[1]
    assert [item["reason"] for item in following["items"]] == ["It is odd (0)."]
