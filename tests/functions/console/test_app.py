"""What holds for every page: headers, errors, assets, and markup that stays text."""

import re

import boto3
import pytest

from functions.console import assets, pages
from functions.console.requests import MAX_BODY
from functions.console.routes import ROUTES
from postroad_aws.settings import settings
from postroad_aws.storage import keys

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"


def test_the_bare_address_leads_to_the_console(browser):
    answer = browser.anonymous().get("/")
    assert (answer.status, answer.headers["location"]) == (302, "/console")


def test_a_page_runs_no_script_but_ours_and_asks_no_other_host(browser):
    answer = browser.get("/console")
    assert answer.status == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?! src=\"/console/assets/)|<style|\sstyle=|\son\w+=|javascript:", answer.text)
    assert not re.findall(r'(?:src|href)="(?:https?:)?//(?!shop\.example)', answer.text)


def test_signing_out_may_lead_on_to_the_sign_in_service(browser):
    assert "form-action 'self' https://sign-in.example;" in browser.get("/console").headers["content-security-policy"]


def test_a_page_that_is_not_there_says_so_in_the_frame(browser):
    answer = browser.get("/console/nowhere")
    assert answer.status == 404
    assert "There is no such page" in answer.text
    assert "Tidewater Coffee" in answer.text


def test_before_the_stack_has_its_keys_the_console_says_which_command_makes_them(bare_browser):
    boto3.client("dynamodb").delete_item(TableName=settings().keys_table, Key={"key_hash": {"S": "secret"}})
    keys.forget_keys()
    answer = bare_browser.anonymous().get("/console/sign-in")
    assert answer.status == 503
    assert "make keys" in answer.text


def test_the_menu_marks_where_one_is_and_shows_the_links_of_the_setting(browser):
    text = browser.get("/console").text
    assert re.findall(r'href="([^"]+)" aria-current="page"', text) == ["/console"]
    assert 'href="https://shop.example"' in text


def test_links_lead_somewhere_or_are_left_out():
    text = "Shop=https://shop.example, Desk=/desk,No=javascript:alert(1),Out=//evil.example,=/x,Empty="
    assert pages.parse_links(text) == [("Shop", "https://shop.example"), ("Desk", "/desk")]
    assert pages.parse_links("") == []


def test_a_name_with_markup_is_shown_as_text(browser):
    session = browser.session._replace(name=HOSTILE)
    from dataclasses import replace

    text = replace(browser, session=session).get("/console").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


@pytest.mark.parametrize("part", ["%00", "%FF%FE", "a" * 3_000, "..%2f..%2f", "<script>", "%F0%9F%98%80"])
def test_an_address_of_any_kind_is_no_failure(browser, part):
    for address in (f"/console/{part}", f"/console/contacts/{part}", f"/console/assets/x/{part}", f"/console?x={part}"):
        assert browser.get(address).status in (200, 303, 400, 404), address


def test_a_body_that_is_too_large_is_refused(browser):
    assert browser.ask("POST", "/console/sign-out", b"a=" + b"x" * MAX_BODY).status == 413


def test_a_head_has_the_headers_and_no_body(browser):
    answer = browser.ask("HEAD", "/console")
    assert (answer.status, answer.body) == (200, b"")
    assert "content-security-policy" in answer.headers


def test_a_page_goes_compressed_only_to_those_who_read_that(browser):
    assert browser.get("/console").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in browser.with_headers(accept_encoding="identity").get("/console").headers


def test_an_asset_is_kept_for_ever_under_the_hash_of_its_content(browser):
    stranger = browser.anonymous()
    answer = stranger.get(assets.url("console.css"))
    assert answer.status == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/css")
    old = stranger.get("/console/assets/000000000000/console.css")
    assert (old.status, old.headers["cache-control"]) == (200, "no-cache")
    assert old.body == answer.body
    plain = stranger.with_headers(accept_encoding="").get(assets.url("console.css"))
    assert plain.body == answer.body
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize("name", ["nothing.css", "icons.txt", ".made", "%2e%2e%2fapp.py", "htmx.LICENSE", "app.py"])
def test_what_is_no_asset_is_not_served(browser, name):
    assert browser.anonymous().get(f"/console/assets/x/{name}").status == 404


def test_the_first_page_is_small(browser):
    page = browser.ask("GET", "/console")
    names = set(re.findall(r"/console/assets/\w+/([\w.-]+)", page.text))
    sent = sum(len(assets.serve(name, "").body) for name in names)
    assert {"tabler.min.css", "console.css", "htmx.min.js", "console.js", "icons.svg"} <= names
    assert sent + len(page.body) < 150_000


def test_every_template_compiles_and_every_icon_and_asset_that_it_names_exists():
    icons = set((assets.FOLDERS[0] / "icons.txt").read_text().split())
    assert list(pages.compile_all())
    for path in pages.TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert "|safe" not in text.replace(" ", ""), path
        for name in re.findall(r'icon\("([\w-]+)"', text):
            assert name in icons, f"{path.name}: {name}"
        for name in re.findall(r'asset\("([\w.-]+)"\)', text):
            assert assets.url(name)
    assert {item.icon for item in pages.MENU} <= icons


def test_an_error_of_ours_is_logged_and_says_nothing_of_itself(browser, monkeypatch, capsys):
    def fail():
        raise ZeroDivisionError("a secret of the house")

    monkeypatch.setattr(keys, "derive_key", lambda label: fail())
    answer = browser.anonymous().with_cookies(**{"__Host-postroad-session": "a.b"}).get("/console")
    assert answer.status == 500
    assert "secret" not in answer.text
    assert "a page of the console failed" in capsys.readouterr().out


def test_every_route_answers_a_marketer_without_failing(browser):
    admin = browser.as_role("admin")
    for route in ROUTES:
        address = re.sub(r"\{\w+\}", "x1", route.path)
        answer = admin.post(address) if route.method == "POST" else admin.get(address)
        assert answer.status < 500, route.path
