"""The page of the JSON API: a developer reads a route, tries it, and sees the answer as text."""

import json

MARKUP = "<img src=x onerror=alert(1)>"


def _open(cloud, visitor):
    page = visitor.open(f"http://localhost:{cloud.port}/api/v1")
    page.wait_for_selector("article")
    page.get_by_label("API key").fill("demo-api-key")
    return page


def _try(page, route, **fields):
    article = page.locator(f"#{route}")
    article.get_by_text("Try it").click()
    for name, value in fields.items():
        article.locator(f"[name={name}]").fill(value)
    article.get_by_role("button", name="Send").click()
    return article


def test_a_route_is_tried_and_its_curl_shown(cloud, visitor):
    page = _open(cloud, visitor)
    article = _try(page, "list-definitions", kind="journey")
    article.locator(".answer pre").wait_for()
    assert article.locator(".answer").inner_text().startswith("200")
    assert '"id": "welcome"' in article.locator(".answer").inner_text()
    curl = article.locator(".curl").inner_text()
    assert "/api/v1/definitions?kind=journey" in curl
    assert "demo-api-key" not in curl


def test_what_is_typed_and_what_is_answered_stay_text(cloud, visitor):
    page = _open(cloud, visitor)
    article = page.locator("#validate")
    article.get_by_text("Try it").click()
    article.locator("[name=kind]").fill("segment")
    article.locator("[name=definition_id]").fill("odd")
    article.locator("textarea").fill(json.dumps({"name": MARKUP, "if": {"attribute": MARKUP, "is": 1}}))
    article.get_by_role("button", name="Send").click()
    article.locator(".answer pre").wait_for()
    assert MARKUP in article.locator(".answer").inner_text()
    assert page.locator("img[src=x]").count() == 0


def test_a_problem_leads_to_its_kind(cloud, visitor):
    page = visitor.open(f"http://localhost:{cloud.port}/api/v1/docs#stale")
    page.wait_for_selector("#stale")
    assert "412" in page.locator("#stale").inner_text()
