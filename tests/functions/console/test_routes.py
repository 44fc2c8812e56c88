"""Every route of the console, in one walk: who may open it, and that no other site can make it act."""

import re

import pytest

from functions.console import pages
from functions.console.routes import ROUTES
from functions.console.routing import find_route
from functions.console.sessions import ROLES

GUARDED = [route for route in ROUTES if route.role is not None]
UNSAFE = [route for route in ROUTES if route.method != "GET"]
# What anybody may open, and why that is right.
OPEN = {
    "/": "leads to the console",
    "/console/assets/{digest}/{name}": "the same files for everybody",
    "/console/sign-in": "where one signs in",
    "/console/signed-in": "where the sign-in comes back",
    "/console/sign-out": "ends a session, if there is one",
    "/console/signed-out": "says so",
}


def _address(route):
    return re.sub(r"\{\w+\}", "x1", route.path)


def _name(route):
    return f"{route.method} {route.path}"


def test_every_route_has_a_role_or_a_reason_to_have_none():
    assert {route.path for route in ROUTES if route.role is None} == set(OPEN)
    assert all(route.role in ROLES for route in GUARDED)
    assert {route.method for route in ROUTES} <= {"GET", "POST"}


def test_no_two_routes_have_one_address():
    names = [(route.method, re.sub(r"\{\w+\}", "{}", route.path)) for route in ROUTES]
    assert len(names) == len(set(names))


def test_every_entry_of_the_menu_has_its_page():
    for item in pages.MENU:
        assert find_route(ROUTES, "GET", item.path).route, item.title


@pytest.mark.parametrize("route", GUARDED, ids=_name)
def test_nobody_gets_in_without_signing_in(browser, route):
    stranger = browser.anonymous()
    answer = stranger.post(_address(route)) if route.method == "POST" else stranger.get(_address(route))
    if route.method == "GET":
        assert answer.status == 303
        assert answer.headers["location"].startswith("/console/sign-in?back=%2Fconsole")
    else:
        assert answer.status == 401
        assert "nothing was done" in answer.text


@pytest.mark.parametrize("route", [route for route in GUARDED if route.role != "viewer"], ids=_name)
def test_a_lesser_role_is_refused(browser, route):
    lesser = browser.as_role(ROLES[ROLES.index(route.role) - 1])
    answer = lesser.post(_address(route)) if route.method == "POST" else lesser.get(_address(route))
    assert answer.status == 403
    assert f"This needs the role {route.role}" in answer.text


NAMED = [route for route in GUARDED if "{" in route.path]


@pytest.mark.parametrize("part", ["a" * 3_000, "a\x00b", "no-such-thing"], ids=["long", "control", "unknown"])
def test_an_address_of_nothing_is_not_found_on_any_page(browser, part):
    """However it is written; a form that says too little may be told that first."""
    admin = browser.as_role("admin")
    for route in NAMED:
        address = re.sub(r"\{\w+\}", part, route.path)
        answer = admin.post(address) if route.method == "POST" else admin.get(address)
        assert answer.status in (400, 404, 422), (route.path, answer.status)


@pytest.mark.parametrize("route", UNSAFE, ids=_name)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example", "sec_fetch_site": "cross-site"},
        {"origin": "https://evil.example", "sec_fetch_site": "same-origin"},
        {"origin": "https://post.tidewater.example", "sec_fetch_site": "cross-site"},
        {"origin": "https://post.tidewater.example", "sec_fetch_site": "same-site"},
        {"origin": "https://post.tidewater.example", "sec_fetch_site": "none"},
        {"origin": "null", "sec_fetch_site": "same-origin"},
        {"origin": "https://[evil", "sec_fetch_site": "same-origin"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
def test_another_site_cannot_make_it_act(browser, route, headers):
    answer = browser.as_role("admin").with_headers(**headers).post(_address(route))
    assert answer.status == 403
    assert "nothing was done" in answer.text


def test_a_post_that_says_nothing_of_its_origin_is_refused(browser):
    answer = browser.ask("POST", "/console/sign-out")
    assert answer.status == 403


def test_an_old_browser_is_known_by_the_origin_alone(browser):
    answer = browser.with_headers(origin="https://post.tidewater.example").ask("POST", "/console/sign-out")
    assert answer.status == 303


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST"])
def test_a_method_that_a_page_does_not_have_is_refused_with_those_that_it_has(browser, method):
    ours = browser.with_headers(origin="https://post.tidewater.example", sec_fetch_site="same-origin")
    answer = ours.ask(method, "/console")
    assert answer.status == 405
    assert answer.headers["allow"] == "GET"
