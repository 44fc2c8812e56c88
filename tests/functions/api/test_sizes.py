"""What is large: an answer fits into what a function may answer, however large the items of a list are."""

import json

import pytest

from postroad.tracking.quarantine import Reject
from postroad_aws.storage import definitions, quarantine
from tests.functions.api.client import ask, call, segment

# Lambda hands over no more, as JSON.
MOST = 6 * 1024 * 1024


def collect(path, query):
    """The items of all pages, and the size of the largest answer as Lambda hands it over."""
    items, largest, cursor = [], 0, None
    while True:
        answer = ask("GET", path, {**query, **({"cursor": cursor} if cursor else {})})
        assert answer["statusCode"] == 200, answer["body"][:300]
        largest = max(largest, len(json.dumps(answer)))
        page = json.loads(answer["body"])
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items, largest


@pytest.mark.parametrize("limit", ["50", "200"])
def test_a_page_of_large_items_is_shorter(account, limit):
    raw = json.dumps({"event": 'say "é"' * 7_000}, ensure_ascii=False)[:64_000]
    rejects = [Reject(f"r-{n:03d}", account.now() - n, "it is too large", "shop", raw) for n in range(120)]
    quarantine.save_rejects(rejects)
    items, largest = collect("/api/v1/quarantine", {"limit": limit})
    assert [item["id"] for item in items] == [reject.reject_id for reject in rejects]
    assert largest < MOST


def test_a_list_of_large_drafts_is_told_in_pages(account):
    text = "A long note. " * 20_000
    for number in range(30):
        document = {**segment(f"s-{number:02d}"), "description": text}
        definitions.save_draft("segment", f"s-{number:02d}", document, edit=0, now=account.now())
    items, largest = collect("/api/v1/definitions", {"kind": "segment", "limit": "200"})
    assert sum(item["id"].startswith("s-") for item in items) == 30
    assert largest < MOST


def test_a_large_answer_is_kept_for_a_repetition(account):
    words = [{"any": [{"attribute": f"attribute_{n}", "is": "é" * 200} for n in range(90)]} for _ in range(7)]
    body = json.dumps(segment("large", **{"if": {"any": words}}), ensure_ascii=False).encode()
    asked = {"body": body, "headers": {"idempotency-key": "large"}}
    first, second = (ask("POST", "/api/v1/definitions/segment/large/validate", **asked) for _ in range(2))
    assert first["statusCode"] == 200, first["body"][:300]
    assert json.loads(first["body"])["valid"], first["body"][:300]
    assert len(first["body"]) > 400_000
    assert second["body"] == first["body"]
    assert second["headers"]["idempotent-replayed"] == "true"


def test_a_draft_in_which_only_the_type_of_a_value_changes_is_saved(account):
    path = "/api/v1/definitions/form/ask"
    form = {"fields": [{"id": "email", "type": "email", "required": 1}]}
    status, saved = call("PUT", path, body=form)
    assert (status, saved["mistakes"][0]["path"]) == (200, "fields[0].required")
    form["fields"][0]["required"] = True
    status, saved = call("PUT", path, body=form, headers={"if-match": '"1"'})
    assert (status, saved["edit"], saved["mistakes"]) == (200, 2, [])
    assert call("GET", path)[1]["document"]["fields"][0]["required"] is True
