"""The page of the JSON API: a developer reads a route, tries it, and sees the answer as text."""

import json

from playwright.sync_api import expect

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
    expect(article.locator(".answer")).to_contain_text("200")
    expect(article.locator(".answer pre")).to_contain_text('"id": "welcome"')
    expect(article.locator(".curl")).to_contain_text("/api/v1/definitions?kind=journey")
    expect(article.locator(".curl")).not_to_contain_text("demo-api-key")


def test_what_is_typed_and_what_is_answered_stay_text(cloud, visitor):
    page = _open(cloud, visitor)
    article = page.locator("#validate")
    article.get_by_text("Try it").click()
    article.locator("[name=kind]").fill("segment")
    article.locator("[name=definition_id]").fill("odd")
    article.locator("textarea").fill(json.dumps({"name": MARKUP, "if": {"attribute": MARKUP, "is": 1}}))
    article.get_by_role("button", name="Send").click()
    expect(article.locator(".answer")).to_contain_text(MARKUP)
    assert page.locator("img[src=x]").count() == 0


def test_a_problem_leads_to_its_kind(cloud, visitor):
    page = visitor.open(f"http://localhost:{cloud.port}/api/v1/docs#stale")
    expect(page.locator("#stale")).to_contain_text("412")
